//! A chart and what the user asks for, rendered.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use belay_gotemplate::{
    Budget, Clock, Map, MissingKey, Options, ParseCache, RandomSource, TemplateSet, Value, bytes_of,
    with_stand_ins,
};

use bytes::Bytes;

use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::decode::DecodeError;
use crate::dependencies::{self, DependencyError};
use crate::engine::{self, EngineError};
use crate::explain::Traced;
use crate::functions::{self, HostResolver, Lookup};
use crate::graph::{ChartId, Graph};
use crate::manifest::{self, Hook, Manifest, ManifestError, Sorted};
use crate::record;
use crate::schema::{self, SchemaError};
use crate::values::Values;
use crate::values::coalesce::{Nulls, TypeMismatch, coalesce_values};
use crate::version;

/// Templates within templates. Helm stops `include` at a thousand, and `tpl` only when memory ends.
const MAX_TEMPLATE_DEPTH: usize = 5_000;

/// As many as Helm's own command line takes in one execution, and some in those around it.
pub const COMMAND_LINE_DEPTH: usize = 200_000;

/// What a release is rendered for.
#[derive(Clone)]
pub struct RenderOptions {
    /// `.Release.Name`
    pub release_name: String,
    /// `.Release.Namespace`
    pub namespace: String,
    /// `.Release.Revision`
    pub revision: i64,
    /// `.Release.IsUpgrade` instead of `.Release.IsInstall`.
    pub is_upgrade: bool,
    /// What the user gives.
    pub values: Values,
    /// What the cluster can do.
    pub capabilities: Capabilities,
    /// Leave `values.schema.json` alone.
    pub skip_schema_validation: bool,
    /// What rendering may cost.
    pub budget: Budget,
    /// The time, for charts that ask for it.
    pub clock: Option<Arc<dyn Clock>>,
    /// Random bytes, for charts that ask for them.
    pub random: Option<Arc<dyn RandomSource>>,
    /// Keep the chart for a release record ([`Rendered::chart`]); who only prints needs none.
    pub keep_chart: bool,
    /// Keep where the output came from, for [`Rendered::explain`].
    pub trace: bool,
    /// Where `lookup` looks; without it, it finds nothing.
    pub lookup: Option<Arc<dyn Lookup>>,
    /// What `getHostByName` asks; without it, no name has an address.
    pub resolve_host: Option<HostResolver>,
    /// Templates parsed by earlier renders, for those who render more than once.
    pub parsed: Option<Arc<ParseCache>>,
    /// Whether templates may give other than UTF-8 (YAML reads UTF-16, too), see [`Rendered::stand_ins`].
    pub takes_bytes: bool,
}

impl RenderOptions {
    /// A first install of that name into that namespace, with nothing given.
    pub fn new(release_name: impl Into<String>, namespace: impl Into<String>) -> RenderOptions {
        RenderOptions {
            release_name: release_name.into(),
            namespace: namespace.into(),
            revision: 1,
            is_upgrade: false,
            values: Values::default(),
            capabilities: Capabilities::default(),
            skip_schema_validation: false,
            budget: Budget { depth: MAX_TEMPLATE_DEPTH, ..Budget::default() },
            clock: None,
            random: None,
            keep_chart: true,
            trace: false,
            lookup: None,
            resolve_host: None,
            parsed: None,
            takes_bytes: false,
        }
    }
}

/// What a chart gives.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// The files of `crds/`, which Helm installs before anything else.
    pub crds: Vec<Crd>,
    /// The objects, in install order.
    pub manifests: Vec<Manifest>,
    /// The hooks, in install order of their kinds.
    pub hooks: Vec<Hook>,
    /// `NOTES.txt`
    pub notes: String,
    /// The chart as a release record keeps it: dependencies worked out, values imported. Null if
    /// [`RenderOptions::keep_chart`] does not ask for it.
    pub chart: serde_json::Value,
    /// What Helm would log.
    pub warnings: Vec<String>,
    /// Where everything came from, if [`RenderOptions::trace`] asked for it.
    pub traced: Option<Traced>,
    /// The templates that gave other than UTF-8: in their documents characters stand in for bytes, as
    /// [`belay_gotemplate::with_stand_ins`] has them. None, unless [`RenderOptions::takes_bytes`] asked for them.
    pub stand_ins: BTreeSet<String>,
}

/// A file of `crds/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crd {
    /// The file, as `# Source:` names it.
    pub source: String,
    /// The content as it stands in the file. Only this may be applied: as text, bytes could be others.
    pub data: Bytes,
}

/// A file of `crds/` is not UTF-8, which Helm passes on as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file} is not UTF-8, which is not supported of CRDs")]
pub struct NotText {
    /// The file.
    pub file: String,
}

impl Crd {
    /// The content as text.
    pub fn text(&self) -> Result<&str, NotText> {
        std::str::from_utf8(&self.data).map_err(|_| self.no_text())
    }

    /// The content with a character for each byte that is not UTF-8, as [`belay_gotemplate::with_stand_ins`] has them.
    pub(crate) fn text_with_stand_ins(&self) -> Result<Cow<'_, str>, NotText> {
        with_stand_ins(&self.data).map(Cow::Owned).ok_or_else(|| self.no_text())
    }

    fn no_text(&self) -> NotText {
        NotText { file: self.source.clone() }
    }
}

/// Why a chart cannot be rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Not an application.
    #[error("{chart_type} charts are not installable")]
    NotInstallable {
        /// The type of the chart.
        chart_type: String,
    },
    /// `Chart.yaml` asks for charts that `charts/` does not hold.
    #[error(
        "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' \
         to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {}",
        names.join(", ")
    )]
    MissingDependencies {
        /// Their names.
        names: Vec<String>,
    },
    /// The dependencies cannot be worked out.
    #[error("chart dependencies processing failed")]
    Dependencies(#[from] DependencyError),
    /// The values of a subchart are no map.
    #[error(transparent)]
    Values(#[from] TypeMismatch),
    /// The values do not fit `values.schema.json`.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The chart is not made for this version of Kubernetes.
    #[error("chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {found}")]
    KubeVersion {
        /// What the chart asks for.
        wanted: String,
        /// What the cluster is.
        found: String,
    },
    /// A template cannot be rendered.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// What a template gave is not YAML.
    #[error("{text}")]
    Manifest {
        /// The file, as an error of its own.
        text: String,
        /// What is wrong.
        #[source]
        source: Box<DecodeError>,
        /// Everything that was rendered, for a person to look at.
        rendered: Vec<u8>,
    },
    /// What a template gave is YAML in UTF-16, and [`RenderOptions::takes_bytes`] does not ask for it.
    #[error("the output of {template} is not UTF-8, which is not supported here")]
    NotText {
        /// The template, as `# Source:` names it.
        template: String,
    },
}

/// Renders the chart.
pub fn render(chart: &Arc<Chart>, options: &RenderOptions) -> Result<Rendered, RenderError> {
    check_installable(chart)?;
    let mut warnings = chart.warnings.clone();
    let given = options.values.to_template();
    let mut graph = Graph::new(chart);
    dependencies::process(&mut graph, &given, &mut warnings)?;
    let values = coalesce_values(&graph, Graph::ROOT, &given, Nulls::Delete, &mut warnings)?;
    if !options.skip_schema_validation {
        schema::validate(&graph, &values)?;
    }
    check_kube_version(&graph, &options.capabilities)?;
    let top = top_values(&release_options(options), &options.capabilities, values);
    let functions = functions::of_helm(options.lookup.clone(), options.resolve_host.clone());
    let mut set = TemplateSet::new("gotpl", Arc::new(functions));
    if let Some(parsed) = &options.parsed {
        set = set.with_cache(parsed.clone());
    }
    let engine::Files { texts: mut files, stand_ins, provenance } =
        engine::render(&graph, &top, set, &template_options(options), options.trace)?;
    let traced = options.trace.then(|| Traced::of(&graph, files.clone(), provenance));
    let notes = take_notes(&mut files, &graph.name(Graph::ROOT), &stand_ins);
    let sorted = manifest::sort_manifests(&files, &stand_ins)
        .map_err(|error| manifest_error(error, &files, &stand_ins))?;
    check_text(options, &sorted, &stand_ins)?;
    warnings.extend(sorted.warnings);
    let mut crds = Vec::new();
    collect_crds(&graph, Graph::ROOT, &mut crds);
    Ok(Rendered {
        crds,
        manifests: sorted.manifests,
        hooks: sorted.hooks,
        notes,
        chart: if options.keep_chart { record::chart_record(&graph) } else { serde_json::Value::Null },
        warnings,
        traced,
        stand_ins,
    })
}

fn manifest_error(
    error: ManifestError,
    files: &BTreeMap<String, String>,
    stand_ins: &BTreeSet<String>,
) -> RenderError {
    let text = error.to_string();
    RenderError::Manifest { text, source: Box::new(error.source), rendered: everything(files, stand_ins) }
}

/// Refuses documents with stand-ins for bytes, unless they are asked for. Positions of a trace are those of bytes.
fn check_text(
    options: &RenderOptions,
    sorted: &Sorted,
    stand_ins: &BTreeSet<String>,
) -> Result<(), RenderError> {
    if stand_ins.is_empty() || (options.takes_bytes && !options.trace) {
        return Ok(());
    }
    let manifests = sorted.manifests.iter().map(|manifest| &manifest.source);
    let mut templates = manifests.chain(sorted.hooks.iter().map(|hook| &hook.path));
    match templates.find(|template| stand_ins.contains(*template)) {
        Some(template) => Err(RenderError::NotText { template: template.clone() }),
        None => Ok(()),
    }
}

fn check_installable(chart: &Chart) -> Result<(), RenderError> {
    let chart_type = chart.metadata.chart_type.as_str();
    if !matches!(chart_type, "" | "application") {
        return Err(RenderError::NotInstallable { chart_type: chart_type.to_owned() });
    }
    let names: Vec<String> = dependencies::missing(chart).into_iter().map(str::to_owned).collect();
    if names.is_empty() { Ok(()) } else { Err(RenderError::MissingDependencies { names }) }
}

fn check_kube_version(graph: &Graph, capabilities: &Capabilities) -> Result<(), RenderError> {
    let wanted = graph.metadata(Graph::ROOT).borrow().kube_version.clone();
    let found = &capabilities.kube_version;
    if wanted.is_empty() || version::satisfies(&wanted, &found.normalized) {
        return Ok(());
    }
    Err(RenderError::KubeVersion { wanted, found: found.version.clone() })
}

fn release_options(options: &RenderOptions) -> ReleaseOptions<'_> {
    ReleaseOptions {
        name: &options.release_name,
        namespace: &options.namespace,
        revision: options.revision,
        is_install: !options.is_upgrade,
        is_upgrade: options.is_upgrade,
    }
}

/// What templates know of the release.
pub(crate) struct ReleaseOptions<'a> {
    pub(crate) name: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) revision: i64,
    pub(crate) is_install: bool,
    pub(crate) is_upgrade: bool,
}

pub(crate) fn top_values(options: &ReleaseOptions<'_>, capabilities: &Capabilities, values: Map) -> Map {
    let release = Map::new();
    release.insert("Name", options.name);
    release.insert("Namespace", options.namespace);
    release.insert("IsUpgrade", options.is_upgrade);
    release.insert("IsInstall", options.is_install);
    release.insert("Revision", Value::Int(options.revision));
    release.insert("Service", "Helm");
    let top = Map::new();
    top.insert("Release", release);
    top.insert("Capabilities", Value::host(capabilities.clone()));
    top.insert("Values", values);
    top
}

fn template_options(options: &RenderOptions) -> Options {
    Options {
        missing_key: MissingKey::Zero,
        budget: options.budget,
        clock: options.clock.clone(),
        random: options.random.clone(),
    }
}

/// Takes every `NOTES.txt` out; only the root chart's is kept.
fn take_notes(files: &mut BTreeMap<String, String>, chart: &str, stand_ins: &BTreeSet<String>) -> String {
    let path = format!("{chart}/templates/NOTES.txt");
    let mut notes = files.remove(&path).unwrap_or_default();
    if stand_ins.contains(&path) {
        notes = String::from_utf8_lossy(&bytes_of(&notes)).into_owned();
    }
    files.retain(|path, _| !path.ends_with("NOTES.txt"));
    notes
}

fn everything(files: &BTreeMap<String, String>, stand_ins: &BTreeSet<String>) -> Vec<u8> {
    let mut output = Vec::new();
    for (path, content) in files.iter().filter(|(_, content)| !content.trim().is_empty()) {
        let content = raw(content, stand_ins.contains(path));
        output.extend([b"---\n# Source: ", path.as_bytes(), b"\n", &*content, b"\n"].concat());
    }
    output
}

/// A text's bytes; `has_stand_ins` if characters stand in for some.
fn raw(text: &str, has_stand_ins: bool) -> Cow<'_, [u8]> {
    if has_stand_ins { bytes_of(text) } else { Cow::Borrowed(text.as_bytes()) }
}

impl Rendered {
    /// A document of that template, byte by byte.
    pub fn raw<'d>(&self, template: &str, document: &'d str) -> Cow<'d, [u8]> {
        raw(document, self.stand_ins.contains(template))
    }
}

fn collect_crds(graph: &Graph, chart: ChartId, crds: &mut Vec<Crd>) {
    let path = graph.full_path(chart);
    for file in graph.chart(chart).crds() {
        crds.push(Crd { source: format!("{path}/{}", file.name), data: file.data.clone() });
    }
    for subchart in graph.dependencies(chart) {
        collect_crds(graph, *subchart, crds);
    }
}
