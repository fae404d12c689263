//! `helm template`'s arguments, carried out in process: for the recorded cases, and for comparisons with Helm.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use belay_filetree::{ContentId, DirEntry, Entry, FileTree, Kind, MemoryTree, TreeError, TreePath};
use belay_helm::{
    COMMAND_LINE_DEPTH, Chart, KubeVersion, LoadLimits, OutputOptions, RenderOptions, ValuesFlags,
    check_release_name, name_from_template, render,
};
use bytes::Bytes;

/// What the arguments ask for.
pub(crate) struct Request {
    /// What to render for; the values are still in `values`.
    pub options: RenderOptions,
    /// Where the values come from.
    pub values: ValuesFlags,
    /// What to print.
    pub output: OutputOptions,
    /// The name and the chart.
    pub positional: Vec<String>,
}

/// Reads the arguments that follow `template`.
pub(crate) fn parse(arguments: &[String]) -> Result<Request, Box<dyn Error>> {
    let mut options = RenderOptions::new("release-name", "default");
    options.budget.depth = COMMAND_LINE_DEPTH;
    options.keep_chart = false;
    options.takes_bytes = true;
    let mut values = ValuesFlags { takes_bytes: true, ..ValuesFlags::default() };
    let mut output = OutputOptions::default();
    let mut positional = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().cloned().ok_or_else(|| format!("flag needs an argument: {argument}"));
        match argument.as_str() {
            "-f" | "--values" => values.files.push(value()?),
            "--set" => values.set.push(value()?),
            "--set-string" => values.set_string.push(value()?),
            "--set-json" => values.set_json.push(value()?),
            "--set-file" => values.set_file.push(value()?),
            "--set-literal" => values.set_literal.push(value()?),
            "--namespace" => options.namespace = value()?,
            "--is-upgrade" => options.is_upgrade = true,
            "--kube-version" => options.capabilities.kube_version = KubeVersion::parse(&value()?)?,
            "-a" | "--api-versions" => {
                let versions = value()?;
                options.capabilities.api_versions.extend(versions.split(',').map(str::to_owned));
            }
            "--name-template" => options.release_name = name_from_template(&value()?, None, None)?,
            "--skip-schema-validation" => options.skip_schema_validation = true,
            "--include-crds" => output.include_crds = true,
            "--no-hooks" => output.no_hooks = true,
            "--skip-tests" => output.skip_tests = true,
            "-s" | "--show-only" => output.show_only.push(value()?),
            flag if flag.starts_with('-') => return Err(format!("{flag} is not known here").into()),
            other => positional.push(other.to_owned()),
        }
    }
    Ok(Request { options, values, output, positional })
}

/// Renders, with the folder as the working directory.
pub(crate) fn carry_out(folder: &Path, request: Request) -> Result<Vec<u8>, Box<dyn Error>> {
    let Request { mut options, values, output, positional } = request;
    if let [name, _] = positional.as_slice() {
        options.release_name = name.clone();
    }
    let name = &options.release_name;
    check_release_name(name)
        .map_err(|error| format!("release name check failed: release name {name:?}: {error}"))?;
    let chart = positional.last().ok_or("a chart must be given")?;
    let read = |file: &str| {
        let missing = |_| format!("open {file}: no such file or directory");
        fs::read(folder.join(file)).map_err(missing)
    };
    options.values = values.merge(&read)?;
    let chart = Arc::new(load(&folder.join(chart))?);
    Ok(render(&chart, &options)?.to_template_bytes(&output)?)
}

/// The chart in a folder or an archive.
fn load(place: &Path) -> Result<Chart, Box<dyn Error>> {
    let mut tree = MemoryTree::new();
    let path = TreePath::root().child("chart");
    if place.is_dir() {
        return Ok(Chart::load_with(
            &Disk { place: place.to_owned() },
            &TreePath::root(),
            LoadLimits::of_command_line(),
        )?);
    }
    add(place, &path, &mut tree)?;
    Ok(Chart::load_with(&tree, &path, LoadLimits::of_command_line())?)
}

/// A folder on the disk, links followed wherever they lead, nothing hashed.
pub(crate) struct Disk {
    /// The folder.
    pub place: PathBuf,
}

impl Disk {
    fn place(&self, path: &TreePath) -> PathBuf {
        self.place.join(path.as_str())
    }
}

impl FileTree for Disk {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let Ok(metadata) = fs::metadata(self.place(path)) else { return Ok(None) };
        let kind = if metadata.is_dir() { Kind::Directory } else { Kind::File };
        Ok(Some(Entry { kind, id: ContentId::new(String::new()) }))
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let failed = |error| TreeError::Store { path: path.clone(), source: Box::new(error) };
        fs::read(self.place(path)).map(Bytes::from).map_err(failed)
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let failed = |error| TreeError::Store { path: path.clone(), source: Box::new(error) };
        let mut entries = Vec::new();
        for entry in fs::read_dir(self.place(path)).map_err(failed)? {
            let place = entry.map_err(failed)?.path();
            let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let kind = if place.is_dir() { Kind::Directory } else { Kind::File };
            entries.push(DirEntry { name, kind });
        }
        entries.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(entries)
    }

    fn resolve(&self, path: &TreePath) -> Result<Option<(TreePath, Entry)>, TreeError> {
        Ok(self.lookup(path)?.map(|entry| (path.clone(), entry)))
    }
}

/// Puts a file or folder of the disk into a tree.
pub(crate) fn add(place: &Path, path: &TreePath, tree: &mut MemoryTree) -> Result<(), Box<dyn Error>> {
    if !place.is_dir() {
        tree.insert(path.clone(), Kind::File, fs::read(place)?);
        return Ok(());
    }
    tree.insert(path.clone(), Kind::Directory, "");
    for entry in fs::read_dir(place)? {
        let entry = entry?;
        add(&entry.path(), &path.child(&entry.file_name().to_string_lossy()), tree)?;
    }
    Ok(())
}
