//! A render that is found again is what a full render would be: over random commits, many of them broken, and restarts,
//! after which what was kept beyond the process is all that there is.
//!
//! `BELAY_COMMITS=10000` and `BELAY_SEED=7` say otherwise than 300 and 1; `cargo xtask renders` sets them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use belay_filetree::{FileTree, Kind, MemoryTree, TreePath};
use belay_kustomize::BuildOptions;
use belay_manifest::{Manifest, ObjectKey};
use belay_render::{
    ChartOutput, ChartValues, DirectoryOptions, Freshness, RenderCache, RenderError, RenderStore, SourceType,
    controller_options, detect, kustomization_file, render_chart, render_directory, render_kustomize,
};
use fastrand::Rng;

/// An app: its folder, and by which options it is rendered.
struct App {
    folder: &'static str,
    values: &'static [&'static str],
    directory: DirectoryOptions,
}

fn apps() -> Vec<App> {
    let app = |folder| App { folder, values: &[], directory: DirectoryOptions::default() };
    let filtered = DirectoryOptions {
        recurse: true,
        include: "**/*.yaml".to_owned(),
        exclude: "**/other/*".to_owned(),
        ..DirectoryOptions::default()
    };
    vec![
        app("plain"),
        App { directory: filtered, ..app("nested") },
        app("overlay"),
        app("base"),
        App { values: &["values/common.yaml", "values/extra.yaml"], ..app("chart") },
        app("changing"),
    ]
}

/// Reads the values files that are there: the others are looked for.
fn values(tree: &dyn FileTree, app: &App) -> Result<Vec<TreePath>, RenderError> {
    let mut found = Vec::new();
    for file in app.values {
        let file = path(file);
        if tree.kind(&file)?.is_some_and(Kind::is_file) {
            found.push(file);
        }
    }
    Ok(found)
}

/// As a controller renders an app.
fn render(tree: &dyn FileTree, app: &App, cache: &RenderCache) -> Result<Vec<Manifest>, RenderError> {
    let folder = path(app.folder);
    match detect(tree, &folder)? {
        SourceType::Directory => render_directory(tree, &folder, &app.directory),
        SourceType::Kustomize => {
            kustomization_file(tree, &folder)?;
            render_kustomize(tree, &folder, BuildOptions::default())
        }
        SourceType::Helm => {
            let mut options = controller_options(app.folder, "apps", cache.parsed_templates());
            let values = ChartValues { files: values(tree, app)?, ..ChartValues::default() };
            options.values = values.merge(tree, &folder)?;
            render_chart(tree, &folder, &options, ChartOutput { include_crds: true })
        }
    }
}

fn path(text: &str) -> TreePath {
    TreePath::parse(text).expect("the test's paths are plain")
}

/// The files of a commit.
type Files = BTreeMap<String, (Kind, String)>;

fn config_map(name: &str, value: u32) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: '{value}'}}\n")
}

fn beginning() -> Files {
    let files = [
        ("plain/a.yaml", config_map("a", 1)),
        ("plain/b.yml", config_map("b", 1)),
        ("plain/notes.txt", "nothing\n".to_owned()),
        ("nested/x/a.yaml", config_map("a", 1)),
        ("nested/other/b.yaml", config_map("b", 1)),
        ("base/kustomization.yaml", "resources: [a.yaml]\nconfigMapGenerator:\n- {name: generated, files: [settings.txt]}\n".to_owned()),
        ("base/a.yaml", config_map("a", 1)),
        ("base/settings.txt", "x\n".to_owned()),
        ("overlay/kustomization.yaml", "namePrefix: over-\nresources: [../base]\npatches: [{path: patch.yaml}]\n".to_owned()),
        ("overlay/patch.yaml", config_map("a", 2)),
        ("chart/Chart.yaml", "apiVersion: v2\nname: chart\nversion: 1.0.0\n".to_owned()),
        ("chart/values.yaml", "value: 1\n".to_owned()),
        (
            "chart/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  value: {{ .Values.value | quote }}\n  file: {{ .Files.Get \"files/a.txt\" | quote }}\n  all: '{{ range $name, $_ := .Files.Glob \"files/*\" }}{{ $name }} {{ end }}'\n".to_owned(),
        ),
        ("chart/files/a.txt", "a\n".to_owned()),
        ("values/common.yaml", "value: 2\n".to_owned()),
        ("changing/a.yaml", config_map("changing", 1)),
        ("elsewhere/README.md", "no app reads this\n".to_owned()),
    ];
    files.into_iter().map(|(path, text)| (path.to_owned(), (Kind::File, text))).collect()
}

/// Paths that renders look for and, at first, do not find.
const PROBED: [(&str, &str); 8] = [
    ("plain/kustomization.yml", "resources: [a.yaml]\n"),
    ("plain/Chart.yaml", "apiVersion: v2\nname: plain\nversion: 0.1.0\n"),
    ("changing/kustomization.yaml", "resources: [a.yaml]\nnameSuffix: -x\n"),
    ("changing/Chart.yaml", "apiVersion: v2\nname: changing\nversion: 0.1.0\n"),
    ("changing/Kustomization", "resources: [a.yaml]\n"),
    ("chart/files/b.txt", "b\n"),
    ("chart/.helmignore", "templates/b.yaml\nfiles/*\n"),
    ("values/extra.yaml", "value: 3\n"),
];

const BROKEN: [&str; 4] = ["a: [\n", "{{ end }}\n", "kind: ConfigMap\n", "- 1\n\t- 2\n"];

/// After how many commits the process begins anew.
const RESTART: u64 = 5;

/// What a commit does, and how often each was done.
type Counts = BTreeMap<&'static str, u32>;

struct History {
    files: Files,
    random: Rng,
    counts: Counts,
    serial: u32,
}

impl History {
    fn some(&mut self) -> Option<String> {
        let names: Vec<&String> = self.files.keys().collect();
        self.random.choice(names).cloned()
    }

    fn commit(&mut self) {
        for _ in 0..self.random.u32(1..=3) {
            self.serial += 1;
            let done = self.change();
            if let Some(done) = done {
                *self.counts.entry(done).or_default() += 1;
            }
        }
    }

    fn change(&mut self) -> Option<&'static str> {
        let name = self.some()?;
        let (kind, text) = self.files[&name].clone();
        let serial = self.serial;
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_owned();
        let beside = |file: String| if folder.is_empty() { file } else { format!("{folder}/{file}") };
        Some(match self.random.u32(0..20) {
            0..=3 => {
                self.put(&name, kind, edited(&name, &text, serial));
                "edit"
            }
            4 => {
                self.files.remove(&name);
                self.put(&beside(format!("renamed-{}.yaml", serial % 5)), kind, text);
                "rename"
            }
            5 => {
                let other = if kind == Kind::Executable { Kind::File } else { Kind::Executable };
                self.put(&name, other, text);
                "mode"
            }
            6..=7 => {
                let target = self.some()?;
                let to =
                    if self.random.bool() { relative(&folder, &target) } else { "../../outside".to_owned() };
                self.put(&name, Kind::Link, to);
                "link"
            }
            8 => {
                let to = relative("", ["base", "plain", "nested/x", "chart"][serial as usize % 4]);
                self.put(&format!("link-{}", serial % 3), Kind::Link, to.clone());
                self.put("nested/linked", Kind::Link, format!("../{to}"));
                "link to a folder"
            }
            9..=10 => {
                self.put(
                    &beside(format!("new-{}.yaml", serial % 4)),
                    Kind::File,
                    config_map(&format!("new-{serial}"), serial),
                );
                "new"
            }
            11..=12 => {
                self.files.remove(&name);
                "vanish"
            }
            13..=14 => {
                let (probed, text) = PROBED[self.random.usize(..PROBED.len())];
                match self.files.remove(probed) {
                    Some(_) => "probed file gone",
                    None => {
                        self.put(probed, Kind::File, text.to_owned());
                        "probed file new"
                    }
                }
            }
            15 => {
                let text = BROKEN[self.random.usize(..BROKEN.len())];
                self.put(&name, Kind::File, text.to_owned());
                "broken"
            }
            16 => {
                self.put(&format!("{name}/inner.yaml"), Kind::File, config_map("inner", serial));
                "file to folder"
            }
            // Without it there would be nothing but ruins after a while.
            _ => {
                for (name, file) in beginning() {
                    if self.random.u32(0..3) > 0 {
                        self.put(&name, file.0, file.1);
                    }
                }
                self.files.retain(|name, (kind, text)| {
                    *kind != Kind::Link && !BROKEN.contains(&text.as_str()) || name.starts_with("elsewhere")
                });
                "repair"
            }
        })
    }

    /// Puts a file where a folder may stand, or a file where a folder is needed.
    fn put(&mut self, name: &str, kind: Kind, text: String) {
        let below = format!("{name}/");
        self.files.retain(|other, _| !other.starts_with(&below) && !name.starts_with(&format!("{other}/")));
        self.files.insert(name.to_owned(), (kind, text));
    }

    fn tree(&self) -> MemoryTree {
        let mut tree = MemoryTree::new();
        for (name, (kind, text)) in &self.files {
            tree.insert(path(name), *kind, text.clone());
        }
        tree
    }
}

fn edited(name: &str, text: &str, serial: u32) -> String {
    match name {
        _ if text.contains("value: '") => config_map("a", serial),
        _ if name.ends_with("values.yaml") || name.starts_with("values/") => format!("value: {serial}\n"),
        _ => format!("{text}# {serial}\n"),
    }
}

/// The way from a folder to a path.
fn relative(folder: &str, to: &str) -> String {
    let depth = folder.split('/').filter(|part| !part.is_empty()).count();
    format!("{}{to}", "../".repeat(depth))
}

fn key(app: &App) -> ObjectKey {
    let text = |text: &str| text.to_owned();
    ObjectKey { group: text("x"), kind: text("App"), namespace: text("y"), name: text(app.folder) }
}

/// What outlives a process.
#[derive(Default)]
struct Disk(Mutex<HashMap<String, Vec<u8>>>);

impl RenderStore for Disk {
    fn get(&self, app: &str, part: &str) -> Option<Vec<u8>> {
        self.0.lock().expect("nobody panics with it").get(&format!("{app} {part}")).cloned()
    }

    fn put(&self, app: &str, part: &str, bytes: &[u8]) {
        self.0.lock().expect("nobody panics with it").insert(format!("{app} {part}"), bytes.to_vec());
    }

    fn remove(&self, app: &str) {
        self.0.lock().expect("nobody panics with it").retain(|key, _| !key.starts_with(&format!("{app} ")));
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_render_that_is_found_is_the_one_that_would_be_made() {
    let (commits, seed) = (number("BELAY_COMMITS", 300), number("BELAY_SEED", 1));
    let mut history =
        History { files: beginning(), random: Rng::with_seed(seed), counts: Counts::new(), serial: 0 };
    let (disk, apps) = (Arc::new(Disk::default()), apps());
    let mut cache = RenderCache::kept_in(disk.clone());
    for commit in 0..commits {
        history.commit();
        let is_restarted = commit % RESTART == RESTART - 1;
        if is_restarted {
            cache = RenderCache::kept_in(disk.clone());
        }
        let tree = history.tree();
        let mut is_broken = false;
        for app in &apps {
            let full = render(&tree, app, &cache);
            let selective = cache.render((&key(app), ""), "", &tree, |tree| render(tree, app, &cache));
            is_broken |= full.is_err();
            let counted = match (&full, &selective) {
                (Ok(full), Ok((found, freshness))) => {
                    let place = format!("seed {seed}, commit {commit}, {}, {freshness:?}", app.folder);
                    assert_eq!(*full, found.manifests, "{place}");
                    match freshness {
                        Freshness::Found if is_restarted => "found after a restart",
                        Freshness::Found => "found",
                        Freshness::Made => "made",
                    }
                }
                (Err(full), Err(selective)) => {
                    assert_eq!(full.to_string(), selective.to_string(), "seed {seed}, commit {commit}");
                    "failed"
                }
                (full, selective) => panic!(
                    "seed {seed}, commit {commit}, {}: a full render is {full:?}, the selective one {:?}",
                    app.folder,
                    selective.as_ref().map(|(render, freshness)| (&render.manifests, freshness))
                ),
            };
            *history.counts.entry(counted).or_default() += 1;
        }
        *history.counts.entry(if is_broken { "invalid commit" } else { "valid commit" }).or_default() += 1;
    }
    println!("{commits} commits of seed {seed}: {:?}", history.counts);
    let count = |name: &str| history.counts.get(name).copied().unwrap_or_default();
    for name in [
        "edit",
        "rename",
        "mode",
        "link",
        "link to a folder",
        "new",
        "vanish",
        "probed file gone",
        "probed file new",
        "broken",
        "file to folder",
        "repair",
        "found",
        "found after a restart",
        "made",
        "failed",
    ] {
        assert!(count(name) > 0, "{name} never occurred");
    }
    let share =
        f64::from(count("invalid commit")) / f64::from(count("invalid commit") + count("valid commit"));
    assert!((0.2..0.9).contains(&share), "{share} of the commits are invalid");
    assert!(count("found") > count("made"), "most commits concern few apps");
}
