//! `belay kustomize tree`

use std::convert::Infallible;
use std::path::PathBuf;

use belay_kustomize::{Branch, BuildOptions, tree};

use super::MAX_FILE_BYTES;
use crate::deep::to_the_end;
use crate::disk_tree::whole_disk;
use crate::failure::Original;
use crate::memory::MemoryArguments;

/// Print which kustomization reads which files, and the objects in them.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The folder with the kustomization.
    #[arg(default_value = ".")]
    folder: PathBuf,
}

/// Carries the command out.
pub(super) fn run(arguments: &Arguments, memory: MemoryArguments) -> anyhow::Result<Infallible> {
    let ceiling = memory.ceiling("reading a kustomization");
    to_the_end("the reading", &ceiling, || {
        let text = text(arguments);
        ceiling.lift();
        super::super::print(&text?)
    })
}

fn text(arguments: &Arguments) -> Result<String, Original> {
    let folder = &arguments.folder;
    let (files, place) = whole_disk(folder, MAX_FILE_BYTES)
        .map_err(|error| Original::new(format!("{}: {error}", folder.display())))?;
    let root =
        tree(&files, &place, &BuildOptions::default()).map_err(|error| Original::new(error.chain()))?;
    let mut text = format!("{}\n", root.name);
    draw(&root.below, "", &mut text);
    Ok(text)
}

fn draw(branches: &[Branch], indent: &str, text: &mut String) {
    for (at, branch) in branches.iter().enumerate() {
        let is_last = at + 1 == branches.len();
        let (sign, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        text.push_str(&format!("{indent}{sign}{}\n", branch.name));
        draw(&branch.below, &format!("{indent}{below}"), text);
    }
}
