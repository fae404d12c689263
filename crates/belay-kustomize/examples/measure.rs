//! How long builds take within one process, and how long the least that any build must do:
//! `measure ROOT FOLDER BASE …`, where FOLDER is built and BASE holds the files it reads.
//!
//! `cargo xtask bench kustomize` runs it; a line each is `objects build read events write`, in
//! microseconds, the best of some rounds.
#![expect(clippy::print_stdout, reason = "an example prints what it measured")]

mod disk;

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;
use belay_filetree::TreePath;
use belay_kustomize::{BuildOptions, build};
use saphyr_parser::{Event, Parser, Span, SpannedEventReceiver};
use serde_json::Value;

use disk::Disk;

/// What the binary allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 5;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let root = PathBuf::from(arguments.next().context("usage: measure ROOT FOLDER BASE")?);
    while let Some(folder) = arguments.next() {
        let folder = TreePath::parse(&folder)?;
        let base = root.join(arguments.next().context("a folder without its base")?);
        let tree = Disk::new(&root);
        let make = || build(&tree, &folder, &BuildOptions::default()).map(|built| (built.to_yaml(), built));
        let (_, built) = make().map_err(|error| anyhow::anyhow!(error.chain()))?;
        let objects: Vec<Value> = built.objects.iter().map(|built| built.object.clone()).collect();
        let texts = read(&base)?;
        let times = [
            best(|| make().is_ok()),
            best(|| read(&base).is_ok()),
            best(|| texts.iter().map(|text| events(text)).sum::<usize>()),
            best(|| serde_json::to_vec(&objects).map_or(0, |text| text.len())),
        ];
        let times: Vec<String> = times.iter().map(|time| time.as_micros().to_string()).collect();
        println!("{} {}", objects.len(), times.join(" "));
    }
    Ok(())
}

fn best<T>(mut work: impl FnMut() -> T) -> Duration {
    let round = |_| {
        let start = Instant::now();
        black_box(work());
        start.elapsed()
    };
    (0..ROUNDS).map(round).min().unwrap_or_default()
}

fn read(folder: &Path) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for entry in fs::read_dir(folder)? {
        texts.push(fs::read_to_string(entry?.path())?);
    }
    Ok(texts)
}

struct Count(usize);

impl SpannedEventReceiver<'_> for Count {
    fn on_event(&mut self, event: Event<'_>, _: Span) {
        self.0 += 1;
        black_box(event);
    }
}

fn events(text: &str) -> usize {
    let mut count = Count(0);
    let parsed = Parser::new_from_str(text).load(&mut count, true);
    parsed.map_or(0, |()| count.0)
}
