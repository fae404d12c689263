//! `cargo xtask corpus --kustomizations`: public kustomizations built by the original and by Belay, and compared.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_kustomize::{BuildOptions, build};
use serde_json::Value;

/// What is compared.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A folder of checkouts; every kustomization below each of them is built.
    #[arg(long)]
    kustomizations: PathBuf,
    /// The original: kustomize v5.8.2.
    #[arg(long, default_value = "kustomize")]
    kustomize: PathBuf,
    /// Keeps what the original printed here, so that a second run need not ask it.
    #[arg(long)]
    record: Option<PathBuf>,
    /// Only kustomizations whose path contains this.
    #[arg(long, default_value = "")]
    only: String,
    /// Prints every kustomization that differs.
    #[arg(long)]
    list: bool,
}

const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Builds everything and prints the table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let root = fs::canonicalize(&arguments.kustomizations)?;
    let mut table = BTreeMap::new();
    for entry in fs::read_dir(&root)? {
        let checkout = entry?.path();
        if checkout.is_dir() {
            let name = checkout.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let counts = compare_checkout(&checkout, arguments).with_context(|| name.clone())?;
            if counts.total() > 0 {
                table.insert(name, counts);
            }
        }
    }
    if table.is_empty() {
        bail!("no kustomization below {}", root.display());
    }
    print_table(&table);
    Ok(())
}

/// How one build compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Equal,
    EqualObjects,
    BothFail,
    /// The original needs the network, or another program.
    NotBuilt,
    Different,
    OnlyOriginal,
    OnlyBelay,
}

const OUTCOMES: [(Outcome, &str); 7] = [
    (Outcome::Equal, "equal"),
    (Outcome::EqualObjects, "equal objects"),
    (Outcome::Different, "different"),
    (Outcome::OnlyOriginal, "only original"),
    (Outcome::OnlyBelay, "only belay"),
    (Outcome::BothFail, "both fail"),
    (Outcome::NotBuilt, "remote"),
];

#[derive(Default)]
struct Counts {
    by_outcome: BTreeMap<Outcome, usize>,
    original_seconds: f64,
    belay_seconds: f64,
}

impl Counts {
    fn total(&self) -> usize {
        self.by_outcome.values().sum()
    }

    fn of(&self, outcome: Outcome) -> usize {
        self.by_outcome.get(&outcome).copied().unwrap_or_default()
    }

    fn add(&mut self, other: &Counts) {
        for (outcome, count) in &other.by_outcome {
            *self.by_outcome.entry(*outcome).or_default() += count;
        }
        self.original_seconds += other.original_seconds;
        self.belay_seconds += other.belay_seconds;
    }
}

fn compare_checkout(checkout: &Path, arguments: &Arguments) -> Result<Counts> {
    let mut tree = MemoryTree::new();
    let mut folders = Vec::new();
    load(checkout, &TreePath::root(), &mut tree, &mut folders)?;
    folders.sort();
    let counts = Mutex::new(Counts::default());
    let next = AtomicUsize::new(0);
    let work = || -> Result<()> {
        while let Some(folder) = folders.get(next.fetch_add(1, Ordering::Relaxed)) {
            let path = checkout.join(folder.as_str());
            if !path.to_string_lossy().contains(&arguments.only) {
                continue;
            }
            let original = ask_original(&path, arguments)?;
            let started = Instant::now();
            let ours = build(&tree, folder, &BuildOptions::default())
                .map(|built| built.to_yaml())
                .map_err(|error| error.chain());
            let seconds = started.elapsed().as_secs_f64();
            let outcome = compare(&original.text, &ours);
            if arguments.list && !matches!(outcome, Outcome::Equal | Outcome::BothFail | Outcome::NotBuilt) {
                let reasons = [original.text.as_ref().err(), ours.as_ref().err()];
                let reason = reasons.into_iter().flatten().map(|text| text.trim()).collect::<Vec<_>>();
                crate::print(&format!("{outcome:?} {} {}", path.display(), reason.join(" || ")));
            }
            let mut counts = counts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            *counts.by_outcome.entry(outcome).or_default() += 1;
            counts.belay_seconds += seconds;
            counts.original_seconds += original.seconds;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..2).map(|_| scope.spawn(work)).collect();
        threads.into_iter().try_for_each(|thread| match thread.join() {
            Ok(result) => result,
            Err(_) => bail!("a build panicked"),
        })
    })?;
    Ok(counts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
}

fn load(folder: &Path, place: &TreePath, tree: &mut MemoryTree, found: &mut Vec<TreePath>) -> Result<()> {
    tree.insert(place.clone(), Kind::Directory, "");
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = place.child(&name);
        let kind = entry.file_type()?;
        if kind.is_dir() {
            load(&entry.path(), &path, tree, found)?;
        } else if kind.is_symlink() {
            let target = fs::read_link(entry.path())?;
            tree.insert(path, Kind::Link, target.to_string_lossy().into_owned());
        } else {
            tree.insert(path, Kind::File, fs::read(entry.path())?);
            if FILES.contains(&name.as_str()) && found.last() != Some(place) {
                found.push(place.clone());
            }
        }
    }
    Ok(())
}

struct Original {
    text: Result<String, String>,
    seconds: f64,
}

/// What the original prints, without a network: an address that refuses stands in for it.
fn ask_original(folder: &Path, arguments: &Arguments) -> Result<Original> {
    let name = folder.to_string_lossy().replace('/', "%");
    let kept = arguments.record.as_ref().map(|kept| kept.join(name));
    if let Some(kept) = &kept
        && let Ok(text) = fs::read_to_string(kept)
    {
        let (head, text) = text.split_once('\n').unwrap_or_default();
        let (status, seconds) = head.split_once(' ').unwrap_or_default();
        let text = if status == "ok" { Ok(text.to_owned()) } else { Err(text.to_owned()) };
        return Ok(Original { text, seconds: seconds.parse().unwrap_or_default() });
    }
    let started = Instant::now();
    let output = Command::new(&arguments.kustomize)
        .args(["build", "."])
        .current_dir(folder)
        .env("HTTPS_PROXY", "http://127.0.0.1:1")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .output()
        .with_context(|| format!("running {}", arguments.kustomize.display()))?;
    let seconds = started.elapsed().as_secs_f64();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let text = if output.status.success() { Ok(text(output.stdout)) } else { Err(text(output.stderr)) };
    if let Some(kept) = &kept {
        let (status, body) = match &text {
            Ok(body) => ("ok", body),
            Err(body) => ("failed", body),
        };
        fs::create_dir_all(kept.parent().unwrap_or(Path::new(".")))?;
        fs::write(kept, format!("{status} {seconds}\n{body}"))?;
    }
    Ok(Original { text, seconds })
}

/// What the original says where it would have needed the network.
const REMOTE: [&str; 6] = [
    "127.0.0.1:1",
    "transport 'https' not allowed",
    "transport 'ssh' not allowed",
    "git fetch",
    "git init",
    "must specify --enable-helm",
];

fn compare(original: &Result<String, String>, ours: &Result<String, String>) -> Outcome {
    match (original, ours) {
        (Err(text), _) if REMOTE.iter().any(|sign| text.contains(sign)) => Outcome::NotBuilt,
        (Err(_), Err(_)) => Outcome::BothFail,
        (Ok(one), Ok(other)) if one == other => Outcome::Equal,
        (Ok(one), Ok(other)) if objects(one) == objects(other) => Outcome::EqualObjects,
        (Ok(_), Ok(_)) => Outcome::Different,
        (Ok(_), Err(_)) => Outcome::OnlyOriginal,
        (Err(_), Ok(_)) => Outcome::OnlyBelay,
    }
}

/// The documents of a text, without the order of their keys.
fn objects(text: &str) -> Vec<String> {
    let documents = text.split("\n---\n").map(|document| belay_goyaml::to_json(document).unwrap_or_default());
    documents.map(|document| sorted(document).to_string()).collect()
}

fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<String, Value> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        scalar => scalar,
    }
}

fn print_table(table: &BTreeMap<String, Counts>) {
    let mut head = format!("{:<44}", "repository");
    for (_, title) in OUTCOMES {
        head.push_str(&format!("{title:>15}"));
    }
    crate::print(&head);
    let mut all = Counts::default();
    for (name, counts) in table {
        print_row(name, counts);
        all.add(counts);
    }
    print_row("all", &all);
    let rendering: usize = [Outcome::Equal, Outcome::EqualObjects, Outcome::Different, Outcome::OnlyOriginal]
        .iter()
        .map(|outcome| all.of(*outcome))
        .sum();
    let percent = |count: usize| 100.0 * count as f64 / rendering.max(1) as f64;
    let equal = all.of(Outcome::Equal);
    let objects = equal + all.of(Outcome::EqualObjects);
    crate::print(&format!(
        "{rendering} render: {:.2} % equal objects, {:.2} % equal bytes; original {:.1} s, belay {:.1} s",
        percent(objects),
        percent(equal),
        all.original_seconds,
        all.belay_seconds
    ));
}

fn print_row(name: &str, counts: &Counts) {
    let mut row = format!("{name:<44}");
    for (outcome, _) in OUTCOMES {
        row.push_str(&format!("{:>15}", counts.of(outcome)));
    }
    crate::print(&row);
}
