//! How much memory charts take at most while they are rendered, against 8 MiB and ten times what goes in and comes out:
//! `cargo run --release -p belay-helm --example heap -- FOLDER`, over every chart below the folder.

#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

#[path = "../tests/command_line/mod.rs"]
mod command_line;

use std::alloc::{GlobalAlloc, Layout, System};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{env, fs, thread};

use belay_filetree::{RecordingTree, TreePath};
use belay_gotemplate::{Clock, Moment, RandomSource};
use belay_helm::{Chart, LoadLimits};

const ALWAYS: usize = 8 << 20;
const TIMES: usize = 10;
/// Templates include each other a thousand deep in charts that Helm still renders.
const STACK: usize = 256 << 20;

/// The system's allocator, with a count of the bytes that are in use.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[expect(unsafe_code, reason = "an allocator has no other interface")]
// SAFETY: everything is the system's allocator's doing; beside it there are only counts.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let live = LIVE.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(live, Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// What one chart took.
struct Taken {
    chart: PathBuf,
    /// Bytes that were read, and that came out.
    around: usize,
    peak: usize,
}

impl Taken {
    fn bound(&self) -> usize {
        ALWAYS + TIMES * self.around
    }

    fn share(&self) -> f64 {
        self.peak as f64 / self.bound() as f64
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("heap FOLDER")?;
    let mut charts = Vec::new();
    find(Path::new(&folder), &mut charts)?;
    let measure = move || charts.iter().filter_map(|chart| measured(chart).ok()).collect();
    let taken: Vec<Taken> =
        thread::Builder::new().stack_size(STACK).spawn(measure)?.join().map_err(|_| "panic")?;
    report(taken);
    Ok(())
}

/// Goes down to the charts that are not part of another.
fn find(folder: &Path, charts: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    if folder.join("Chart.yaml").is_file() {
        charts.push(folder.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find(&entry.path(), charts)?;
        }
    }
    Ok(())
}

/// Renders the chart as the command line would. Charts that need values of their own are no errors here.
fn measured(chart: &Path) -> Result<Taken, Box<dyn Error>> {
    let read = bytes_read(chart)?;
    let before = LIVE.load(Ordering::Relaxed);
    PEAK.store(before, Ordering::Relaxed);
    let mut request = command_line::parse(&[".".to_owned()])?;
    request.options.clock = Some(Arc::new(Noon));
    request.options.random = Some(Arc::new(Counted));
    let output = command_line::carry_out(chart, request)?.len();
    let peak = PEAK.load(Ordering::Relaxed) - before;
    Ok(Taken { chart: chart.to_owned(), around: read + output, peak })
}

/// The files that make the chart, its values among them. What else lies there does not count.
fn bytes_read(chart: &Path) -> Result<usize, Box<dyn Error>> {
    let disk = command_line::Disk { place: chart.to_owned() };
    let recording = RecordingTree::new(&disk);
    Chart::load_with(&recording, &TreePath::root(), LoadLimits::of_command_line())?;
    let sizes =
        recording.into_reads().contents.into_keys().map(|file| fs::metadata(chart.join(file.as_str())));
    Ok(sizes.map(|file| file.map_or(0, |file| file.len() as usize)).sum())
}

fn report(mut taken: Vec<Taken>) {
    taken.sort_by(|one, other| other.share().total_cmp(&one.share()));
    let above = taken.iter().filter(|taken| taken.share() > 1.0).count();
    println!("{} charts, {above} above {} MiB + {TIMES} x (read + written)", taken.len(), ALWAYS >> 20);
    let mebibytes = |bytes: usize| bytes as f64 / f64::from(1 << 20);
    println!("  share of it    peak MiB   read and written MiB");
    let middle = taken.get(taken.len() / 2).into_iter().map(|middle| ("(the median)".to_owned(), middle));
    let worst = taken.iter().take(10).map(|worst| (worst.chart.display().to_string(), worst));
    for (name, taken) in worst.chain(middle) {
        println!(
            "{:>13.2} {:>11.2} {:>22.3}   {name}",
            taken.share(),
            mebibytes(taken.peak),
            mebibytes(taken.around)
        );
    }
}

/// What charts take for the time.
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Moment {
        Moment { seconds: 1_700_000_000, nanoseconds: 0, offset: 0 }
    }
}

/// What charts take for chance.
struct Counted;

impl RandomSource for Counted {
    fn fill(&self, bytes: &mut [u8]) {
        static STATE: AtomicUsize = AtomicUsize::new(1);
        for byte in bytes {
            let state = STATE.load(Ordering::Relaxed);
            let next = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            STATE.store(next, Ordering::Relaxed);
            *byte = (next >> 33) as u8;
        }
    }
}
