//! Charts of a Git repository rendered once, and looked up again at a commit that changes nothing of them:
//! `cargo run --release -p belay-source --example again -- FOLDER`, over every chart below the folder.

#![expect(clippy::print_stdout, reason = "a measurement prints its table")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs};

use belay_filetree::{FileTree, TreePath};
use belay_manifest::ObjectKey;
use belay_render::{ChartOutput, Freshness, RenderCache, RenderError, controller_options, render_chart};
use belay_source::{Checkout, GitLimits, GitStore, Repositories, Request, Revision};
use belay_testkit::{Author, Change, Repository};

/// Looks at the second commit.
const ROUNDS: usize = 11;
/// Templates include each other a thousand deep in charts that Helm still renders.
const STACK: usize = 256 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("again FOLDER")?);
    let mut charts = Vec::new();
    find(&folder, &folder, &mut charts)?;
    let room = tempfile::tempdir()?;
    let (first, second) = tokio::runtime::Runtime::new()?.block_on(commits(&folder, &charts, room.path()))?;
    let measure = move || measure(&charts, first.tree.as_ref(), second.tree.as_ref());
    let times = std::thread::Builder::new().stack_size(STACK).spawn(measure)?.join().map_err(|_| "panic")?;
    report(&times);
    Ok(())
}

/// Goes down to the charts that are not part of another, and tells where they are below the root.
fn find(root: &Path, folder: &Path, charts: &mut Vec<TreePath>) -> Result<(), Box<dyn Error>> {
    if folder.join("Chart.yaml").is_file() {
        charts.push(TreePath::parse(&folder.strip_prefix(root)?.to_string_lossy())?);
        return Ok(());
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            find(root, &entry.path(), charts)?;
        }
    }
    Ok(())
}

/// The charts in a repository, and the commit after that, which adds a file beside them.
async fn commits(
    folder: &Path,
    charts: &[TreePath],
    room: &Path,
) -> Result<(Checkout, Checkout), Box<dyn Error>> {
    let path = room.join("charts.git");
    let repository = Repository::create(&path)?;
    let author = Author::new("Ada", "ada@example.org");
    let mut changes = Vec::new();
    for chart in charts {
        add(folder, &folder.join(chart.as_str()), &mut changes)?;
    }
    let first = repository.commit(&changes, "charts", &author)?;
    let second = repository.commit(&[Change::write("beside", "")], "nothing of the charts", &author)?;
    let store = GitStore::new(room.join("mirrors"), GitLimits::default());
    let url = format!("file://{}", path.display());
    let checkout = async |commit: &str| store.checkout(&Request::new(&url, Revision::name(commit))).await;
    Ok((checkout(&first).await?, checkout(&second).await?))
}

fn add(root: &Path, folder: &Path, changes: &mut Vec<Change>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let place = entry?.path();
        if place.is_dir() {
            add(root, &place, changes)?;
        } else if place.is_file() {
            let name = place.strip_prefix(root)?.to_string_lossy().into_owned();
            changes.push(Change::write(&name, fs::read(&place)?));
        }
    }
    Ok(())
}

/// What one chart took.
struct Times {
    chart: TreePath,
    made: Duration,
    /// The first look at the second commit.
    found: Duration,
    /// The median of all looks at it.
    again: Duration,
}

/// Charts that need values of their own are left out.
fn measure(charts: &[TreePath], first: &dyn FileTree, second: &dyn FileTree) -> Vec<Times> {
    charts.iter().filter_map(|chart| times(chart, first, second).ok()).collect()
}

fn times(chart: &TreePath, first: &dyn FileTree, second: &dyn FileTree) -> Result<Times, RenderError> {
    let cache = RenderCache::default();
    let app = ObjectKey {
        group: "argoproj.io".to_owned(),
        kind: "Application".to_owned(),
        namespace: "argocd".to_owned(),
        name: chart.as_str().to_owned(),
    };
    let options = controller_options("release", "default", cache.parsed_templates());
    let render = |tree: &dyn FileTree| -> Result<(Duration, Freshness), RenderError> {
        let start = Instant::now();
        let make =
            |tree: &dyn FileTree| render_chart(tree, chart, &options, ChartOutput { include_crds: true });
        let (_, freshness) = cache.render((&app, ""), "", tree, make)?;
        Ok((start.elapsed(), freshness))
    };
    let (made, _) = render(first)?;
    let mut looks = Vec::new();
    for _ in 0..ROUNDS {
        let (time, freshness) = render(second)?;
        assert_eq!(freshness, Freshness::Found, "{chart} has not changed");
        looks.push(time);
    }
    let found = looks[0];
    looks.sort();
    Ok(Times { chart: chart.clone(), made, found, again: looks[ROUNDS / 2] })
}

fn report(times: &[Times]) {
    let shown = |time: Duration| format!("{:.3} ms", time.as_secs_f64() * 1e3);
    println!("{} charts", times.len());
    for (name, place) in [("rendered", 0), ("found, first look", 1), ("found, median look", 2)] {
        let of = |times: &Times| [times.made, times.found, times.again][place];
        let mut sorted: Vec<(Duration, &TreePath)> =
            times.iter().map(|times| (of(times), &times.chart)).collect();
        sorted.sort();
        if let (Some((median, _)), Some((worst, chart))) = (sorted.get(sorted.len() / 2), sorted.last()) {
            println!("{name:<20} median {:>10}   worst {:>10} ({chart})", shown(*median), shown(*worst));
        }
    }
}
