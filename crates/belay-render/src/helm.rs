//! A chart, as manifests.

use std::sync::Arc;

use belay_filetree::{FileTree, TreePath};
use belay_helm::{Chart, HookEvent, ParseCache, RenderOptions, Values, render};
use belay_manifest::{Limits, Manifest, Object, Origin, parse};
use serde_json::Value;

use crate::error::RenderError;

/// Bytes that a controller lets a chart's templates write.
const OUTPUT_BYTES: u64 = 32 << 20;
/// Nodes that a controller lets a chart's templates evaluate: seconds of work.
const STEPS: u64 = 50_000_000;

/// What a controller asks for a release: with limits for its templates, where the command line has Helm's own.
pub fn controller_options(release: &str, namespace: &str, parsed: Arc<ParseCache>) -> RenderOptions {
    let mut options = RenderOptions::new(release, namespace);
    options.budget.output_bytes = OUTPUT_BYTES;
    options.budget.steps = STEPS;
    options.parsed = Some(parsed);
    options
}

/// What of a chart's output is wanted.
#[derive(Debug, Clone, Copy)]
pub struct ChartOutput {
    /// Also the files of `crds/`.
    pub include_crds: bool,
}

/// Renders the chart in the folder. Test and rollback hooks are left out, as Argo CD leaves them
/// out; other hooks stay, with their annotations.
pub fn render_chart(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: &RenderOptions,
    output: ChartOutput,
) -> Result<Vec<Manifest>, RenderError> {
    let fault = |source: Box<dyn std::error::Error + Send + Sync>| RenderError::Chart {
        path: folder.clone(),
        source,
    };
    let chart = Chart::load(tree, folder).map_err(|error| fault(Box::new(error)))?;
    let rendered = render(&Arc::new(chart), options).map_err(|error| fault(Box::new(error)))?;
    let mut manifests = Vec::new();
    if output.include_crds {
        for crd in &rendered.crds {
            manifests.extend(parse(&crd.source, &crd.data, &Limits::default())?);
        }
    }
    for manifest in rendered.manifests {
        manifests.extend(object(&manifest.source, manifest.value)?);
    }
    for hook in rendered.hooks {
        if !hook.events.iter().all(|event| is_left_out(*event)) {
            manifests.extend(object(&hook.path, hook.value)?);
        }
    }
    Ok(manifests)
}

fn is_left_out(event: HookEvent) -> bool {
    matches!(event.name(), "test" | "test-success" | "pre-rollback" | "post-rollback")
}

fn object(source: &str, value: Value) -> Result<Option<Manifest>, RenderError> {
    if value.is_null() {
        return Ok(None);
    }
    let origin = Origin { file: source.to_owned(), line: 1 };
    let object =
        Object::new(value).map_err(|source| RenderError::Object { origin: origin.to_string(), source })?;
    Ok(Some(Manifest { object, origin }))
}

/// Values from values files of the tree, then inline YAML, then `--set`, `--set-string` and `--set-file`.
#[derive(Debug, Clone, Default)]
pub struct ChartValues {
    /// Values files; later ones win.
    pub files: Vec<TreePath>,
    /// Values as YAML text; wins over the files.
    pub inline: String,
    /// `name=value`; wins over both.
    pub set: Vec<String>,
    /// `name=value`, always a text.
    pub set_string: Vec<String>,
    /// A name, and the file that holds its value.
    pub set_file: Vec<(String, TreePath)>,
}

/// The name under which inline values pass as one more values file.
const INLINE: &str = "inline values";

impl ChartValues {
    /// Reads and merges them all, for the chart in this folder.
    pub fn merge(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<Values, RenderError> {
        let mut files: Vec<String> = self.files.iter().map(|file| file.as_str().to_owned()).collect();
        if !self.inline.is_empty() {
            files.push(INLINE.to_owned());
        }
        let of_file =
            |(name, file): &(String, TreePath)| format!("{name}={}", file.as_str().replace(',', "\\,"));
        let flags = belay_helm::ValuesFlags {
            files,
            set: self.set.clone(),
            set_string: self.set_string.clone(),
            set_file: self.set_file.iter().map(of_file).collect(),
            ..belay_helm::ValuesFlags::default()
        };
        let read = |name: &str| match name {
            INLINE => Ok(self.inline.clone().into_bytes()),
            name => read_file(tree, name),
        };
        flags
            .merge(&read)
            .map_err(|error| RenderError::Chart { path: folder.clone(), source: Box::new(error) })
    }
}

fn read_file(tree: &dyn FileTree, name: &str) -> Result<Vec<u8>, String> {
    let path = TreePath::parse(name).map_err(|error| error.to_string())?;
    let content = tree.read(&path).map_err(|error| error.to_string())?;
    Ok(content.to_vec())
}
