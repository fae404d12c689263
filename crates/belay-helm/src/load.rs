//! Chart loading: a folder of a tree, or an archive, becomes a [`Chart`].

use std::collections::BTreeMap;
use std::sync::Arc;

use belay_filetree::{FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::archive::{self, ArchiveError};
use crate::chart::{Chart, File, Lock};
use crate::decode::{self, DecodeError, Fields};
use crate::ignore::{IgnoreError, IgnoreRules};
use crate::metadata::{RawMetadata, ValidationError, read_lock};
use crate::values::{ReadValuesError, read_values};
use crate::yaml;

/// What a chart may cost to load, and hold. The defaults are Helm's, with room for depth, but for links and devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoadLimits {
    /// Bytes of all files together, unpacked.
    pub total_bytes: u64,
    /// Files and folders.
    pub entries: usize,
    /// Charts within charts.
    pub depth: usize,
    /// Whether archives may hold links, devices and the like, which are read as files without content. Whoever packs
    /// one means more than that, so that only those should let them pass who have to do as Helm does.
    pub special_entries: bool,
}

impl Default for LoadLimits {
    fn default() -> LoadLimits {
        LoadLimits { total_bytes: 100 * 1024 * 1024, entries: 50_000, depth: 64, special_entries: false }
    }
}

impl LoadLimits {
    /// What Helm's own command line takes.
    pub fn of_command_line() -> LoadLimits {
        LoadLimits { special_entries: true, ..LoadLimits::default() }
    }
}

/// Why a chart cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Nothing stands at the path.
    #[error("path {} not found", crate::quote::quote(.path))]
    NotFound {
        /// The path that was asked for.
        path: String,
    },
    /// A folder without a `Chart.yaml`.
    #[error("unable to detect chart at {path}")]
    NoChartFile {
        /// The path of the missing file.
        path: String,
        /// What the tree said.
        #[source]
        source: TreeError,
    },
    /// An archive without a `Chart.yaml`.
    #[error("unable to detect chart version, no Chart.yaml found")]
    NoChartFileInArchive,
    /// A subchart without a `Chart.yaml`.
    #[error("Chart.yaml file is missing")]
    MissingChartFile,
    /// `apiVersion` is neither v1 nor v2.
    #[error("unsupported chart version")]
    UnsupportedVersion,
    /// `apiVersion: v3`, which Helm 4 reads and does not render.
    #[error("invalid chart apiVersion")]
    VersionThree,
    /// A metadata file cannot be read.
    #[error("cannot load {file}")]
    Metadata {
        /// `Chart.yaml`, `Chart.lock`, `requirements.yaml` or `requirements.lock`.
        file: &'static str,
        /// What is wrong.
        #[source]
        source: DecodeError,
    },
    /// `Chart.yaml` says something it must not.
    #[error(transparent)]
    Invalid(#[from] ValidationError),
    /// `values.yaml` cannot be read.
    #[error("cannot load values.yaml")]
    Values(#[source] ReadValuesError),
    /// `.helmignore` cannot be used.
    #[error(transparent)]
    Ignore(#[from] IgnoreError),
    /// An archive cannot be unpacked.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// Something that is neither a file nor a folder.
    #[error("cannot load irregular file {path} as it has file mode type bits set")]
    Irregular {
        /// Its path.
        path: String,
    },
    /// A file or folder cannot be read.
    #[error("error reading {path}")]
    Read {
        /// Its path from the chart's folder.
        path: String,
        /// What the tree said.
        #[source]
        source: TreeError,
    },
    /// The files together are too large.
    #[error("error reading {path}: chart exceeds maximum decompressed size of {limit} bytes")]
    TooLarge {
        /// The file that was too much.
        path: String,
        /// The limit.
        limit: u64,
    },
    /// Too many files.
    #[error("chart has more than {limit} files")]
    TooManyFiles {
        /// The limit.
        limit: usize,
    },
    /// Charts within charts without end.
    #[error("charts are nested more than {limit} deep")]
    TooDeep {
        /// The limit.
        limit: usize,
    },
    /// A chart in `charts/` cannot be loaded.
    #[error("error unpacking subchart {subchart} in {chart}")]
    Subchart {
        /// The file or folder below `charts/`.
        subchart: String,
        /// The chart that holds it.
        chart: String,
        /// What is wrong with it.
        #[source]
        source: Box<LoadError>,
    },
    /// A folder that is named as an archive.
    #[error("error unpacking subchart tar in {chart}: expected {expected}, got {found}")]
    ArchiveFolder {
        /// The chart that holds it.
        chart: String,
        /// The name of the archive.
        expected: String,
        /// What stands there.
        found: String,
    },
}

impl Chart {
    /// Loads the chart in the folder, or the `.tgz` archive, at the path.
    pub fn load(tree: &dyn FileTree, path: &TreePath) -> Result<Chart, LoadError> {
        Chart::load_with(tree, path, LoadLimits::default())
    }

    /// Loads a chart under limits of the caller's.
    pub fn load_with(tree: &dyn FileTree, path: &TreePath, limits: LoadLimits) -> Result<Chart, LoadError> {
        let read_error = |source| LoadError::Read { path: path.to_string(), source };
        match tree.kind(path).map_err(read_error)? {
            None => Err(LoadError::NotFound { path: path.to_string() }),
            Some(Kind::Directory) => {
                check_version(&chart_file(tree, path)?)?;
                load_folder(tree, path, limits)
            }
            Some(_) => Chart::from_archive(&tree.read(path).map_err(read_error)?, limits),
        }
    }

    /// Loads what is looked at on the command line and not rendered: whatever its `apiVersion`.
    pub fn load_any_version(tree: &dyn FileTree, path: &TreePath) -> Result<Chart, LoadError> {
        let limits = LoadLimits::of_command_line();
        let read_error = |source| LoadError::Read { path: path.to_string(), source };
        match tree.kind(path).map_err(read_error)? {
            Some(kind) if kind.is_file() => {
                let archive = tree.read(path).map_err(read_error)?;
                from_files(archive::unpack(&archive, limits)?, limits, 0)
            }
            _ => load_folder(tree, path, limits),
        }
    }

    /// Loads a packaged chart.
    pub fn from_archive(archive: &[u8], limits: LoadLimits) -> Result<Chart, LoadError> {
        let files = archive::unpack(archive, limits)?;
        let chart_file = files.iter().find(|file| file.name == "Chart.yaml");
        check_version(chart_file.ok_or(LoadError::NoChartFileInArchive)?)?;
        from_files(files, limits, 0)
    }

    /// Loads a chart from its files, named by their paths from the chart's folder.
    pub fn from_files(files: Vec<File>) -> Result<Chart, LoadError> {
        from_files(files, LoadLimits::default(), 0)
    }
}

/// `Chart.yaml` in a folder.
fn chart_file(tree: &dyn FileTree, path: &TreePath) -> Result<File, LoadError> {
    let chart_path = path.child("Chart.yaml");
    let data = tree
        .read(&chart_path)
        .map_err(|source| LoadError::NoChartFile { path: chart_path.to_string(), source })?;
    Ok(File { name: "Chart.yaml".to_owned(), data })
}

fn load_folder(tree: &dyn FileTree, path: &TreePath, limits: LoadLimits) -> Result<Chart, LoadError> {
    let ignore_path = path.child(".helmignore");
    let read_error = |source| LoadError::Read { path: ".helmignore".to_owned(), source };
    let ignore_text = match tree.kind(&ignore_path).map_err(read_error)? {
        Some(kind) if kind.is_file() => tree.read(&ignore_path).map_err(read_error)?,
        _ => Bytes::new(),
    };
    let rules = IgnoreRules::parse(&String::from_utf8_lossy(&ignore_text))?;
    let mut walk = Walk { tree, rules, limits, left: limits.total_bytes, seen: 0, files: Vec::new() };
    walk.folder(path, "")?;
    from_files(walk.files, limits, 0)
}

/// Helm looks at `apiVersion` alone before it loads a chart.
fn check_version(file: &File) -> Result<(), LoadError> {
    let wrong = |source| LoadError::Metadata { file: "Chart.yaml", source };
    let text = yaml::text(&file.data).map_err(|error| wrong(error.into()))?;
    let map = decode::map(text.trim_start_matches('\u{feff}'), "loader.chartBase").map_err(wrong)?;
    let mut version = String::new();
    let mut fields = Fields::default();
    for (name, value) in decode::fields(&map, &["apiVersion"]) {
        fields.text(value, &format!("chartBase.{name}"), &mut version);
    }
    fields.finish().map_err(wrong)?;
    match version.as_str() {
        "" | "v1" | "v2" => Ok(()),
        "v3" => Err(LoadError::VersionThree),
        _ => Err(LoadError::UnsupportedVersion),
    }
}

/// Reads the files of a chart's folder in the order of their names, following links.
struct Walk<'a> {
    tree: &'a dyn FileTree,
    rules: IgnoreRules,
    limits: LoadLimits,
    left: u64,
    seen: usize,
    files: Vec<File>,
}

/// Folders within folders: links inside the tree can make a cycle that has no end.
const MAX_FOLDERS: usize = 128;

impl Walk<'_> {
    fn folder(&mut self, path: &TreePath, prefix: &str) -> Result<(), LoadError> {
        if prefix.matches('/').count() > MAX_FOLDERS {
            return Err(LoadError::TooDeep { limit: MAX_FOLDERS });
        }
        let read_error = |source| LoadError::Read { path: prefix.to_owned(), source };
        for entry in self.tree.list(path).map_err(read_error)? {
            self.seen += 1;
            if self.seen > self.limits.entries {
                return Err(LoadError::TooManyFiles { limit: self.limits.entries });
            }
            let child = path.child(&entry.name);
            let name = format!("{prefix}{}", entry.name);
            let kind = match entry.kind {
                Kind::Link => self.follow(&child, &name)?,
                kind => kind,
            };
            match kind {
                Kind::Directory if self.rules.is_ignored(&name, true) => {}
                Kind::Directory => self.folder(&child, &format!("{name}/"))?,
                _ if self.rules.is_ignored(&name, false) => {}
                Kind::File | Kind::Executable => self.file(&child, name)?,
                Kind::Link | Kind::Submodule => return Err(LoadError::Irregular { path: name }),
            }
        }
        Ok(())
    }

    fn follow(&self, path: &TreePath, name: &str) -> Result<Kind, LoadError> {
        let read_error = |source| LoadError::Read { path: name.to_owned(), source };
        let kind = self.tree.kind(path).map_err(read_error)?;
        kind.ok_or_else(|| read_error(TreeError::NotFound { path: path.clone() }))
    }

    fn file(&mut self, path: &TreePath, name: String) -> Result<(), LoadError> {
        let data = self.tree.read(path).map_err(|source| LoadError::Read { path: name.clone(), source })?;
        let size = data.len() as u64;
        if size > self.left {
            return Err(LoadError::TooLarge { path: name, limit: self.limits.total_bytes });
        }
        self.left -= size;
        self.files.push(File { name, data: without_byte_order_mark(data) });
        Ok(())
    }
}

pub(crate) fn without_byte_order_mark(data: Bytes) -> Bytes {
    if data.starts_with(b"\xEF\xBB\xBF") { data.slice(3..) } else { data }
}

fn from_files(files: Vec<File>, limits: LoadLimits, depth: usize) -> Result<Chart, LoadError> {
    if depth > limits.depth {
        return Err(LoadError::TooDeep { limit: limits.depth });
    }
    let mut chart = Chart::default();
    let mut metadata = None;
    for file in files.iter().filter(|file| file.name == "Chart.yaml") {
        let raw: &mut RawMetadata = metadata.get_or_insert_default();
        read_metadata(raw, file).map_err(|source| LoadError::Metadata { file: "Chart.yaml", source })?;
        raw.default_api_version();
    }
    let mut subcharts: BTreeMap<String, Vec<File>> = BTreeMap::new();
    for file in &files {
        place_file(file, &mut chart, &mut metadata, &mut subcharts)?;
    }
    chart.raw = files;
    chart.metadata = metadata.ok_or(LoadError::MissingChartFile)?.validate()?;
    for (name, files) in subcharts {
        if name.starts_with(['_', '.']) {
            continue;
        }
        let subchart = load_subchart(&name, files, &chart, limits, depth + 1)?;
        chart.dependencies.push(Arc::new(subchart));
    }
    Ok(chart)
}

/// Puts a file where it belongs in the chart.
fn place_file(
    file: &File,
    chart: &mut Chart,
    metadata: &mut Option<RawMetadata>,
    subcharts: &mut BTreeMap<String, Vec<File>>,
) -> Result<(), LoadError> {
    let wrong = |name| move |source| LoadError::Metadata { file: name, source };
    match file.name.as_str() {
        "Chart.yaml" => {}
        "Chart.lock" => chart.lock = Some(lock_of(file).map_err(wrong("Chart.lock"))?),
        "values.yaml" => chart.values = values_of(file).map_err(LoadError::Values)?,
        "values.schema.json" => chart.schema = Some(file.data.clone()),
        "requirements.yaml" => {
            let metadata = metadata.get_or_insert_default();
            if metadata.api_version() != "v1" {
                chart.warnings.push(DEPENDENCIES_MOVED.to_owned());
            }
            read_metadata(metadata, file).map_err(wrong("requirements.yaml"))?;
            if metadata.api_version() == "v1" {
                chart.files.push(file.clone());
            }
        }
        "requirements.lock" => {
            chart.lock = Some(lock_of(file).map_err(wrong("requirements.lock"))?);
            let metadata = metadata.get_or_insert_default();
            if metadata.api_version() == "v1" {
                chart.files.push(file.clone());
            } else {
                chart.warnings.push(LOCK_MOVED.to_owned());
            }
        }
        name if name.starts_with("templates/") => chart.templates.push(file.clone()),
        name if name.starts_with("charts/") && !name.ends_with(".prov") => {
            let below = &name["charts/".len()..];
            let subchart = below.split('/').next().unwrap_or(below).to_owned();
            let file = File { name: below.to_owned(), data: file.data.clone() };
            subcharts.entry(subchart).or_default().push(file);
        }
        _ => chart.files.push(file.clone()),
    }
    Ok(())
}

fn read_metadata(metadata: &mut RawMetadata, file: &File) -> Result<(), DecodeError> {
    metadata.read(&yaml::text(&file.data)?)
}

fn lock_of(file: &File) -> Result<Lock, DecodeError> {
    read_lock(&yaml::text(&file.data)?)
}

fn values_of(file: &File) -> Result<Map<String, Value>, ReadValuesError> {
    read_values(&yaml::text(&file.data).map_err(ReadValuesError::Yaml)?)
}

const DEPENDENCIES_MOVED: &str = "Warning: Dependencies are handled in Chart.yaml since apiVersion \"v2\". \
                                  We recommend migrating dependencies to Chart.yaml.";
const LOCK_MOVED: &str = "Warning: Dependency locking is handled in Chart.lock since apiVersion \"v2\". \
                          We recommend migrating to Chart.lock.";

fn load_subchart(
    name: &str,
    files: Vec<File>,
    chart: &Chart,
    limits: LoadLimits,
    depth: usize,
) -> Result<Chart, LoadError> {
    let failed = |source| LoadError::Subchart {
        subchart: name.to_owned(),
        chart: chart.name().to_owned(),
        source: Box::new(source),
    };
    if name.ends_with(".tgz") {
        let Some(file) = files.iter().find(|file| file.name == name) else {
            let found = files.first().map_or_else(String::new, |file| file.name.clone());
            let chart = chart.name().to_owned();
            return Err(LoadError::ArchiveFolder { chart, expected: name.to_owned(), found });
        };
        let unpacked = archive::unpack(&file.data, limits).map_err(|error| failed(error.into()))?;
        return from_files(unpacked, limits, depth).map_err(failed);
    }
    let below = files.into_iter().filter_map(|file| {
        let (_, name) = file.name.split_once('/')?;
        Some(File { name: name.to_owned(), data: file.data })
    });
    from_files(below.collect(), limits, depth).map_err(failed)
}
