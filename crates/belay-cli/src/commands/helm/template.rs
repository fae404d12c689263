//! `belay helm template`

mod installing;

use std::ffi::OsString;
use std::mem;
use std::path::Path;
use std::sync::Arc;

use belay_filetree::{Probe, Reads};
use belay_helm::{
    COMMAND_LINE_DEPTH, Capabilities, Chart, HostResolver, KubeVersion, OutputOptions, RenderError,
    RenderOptions, Rendered, Target, check_release_name, name_from_template, render,
};

use self::installing::Installing;
use super::cluster::{Check, Cluster};
use super::locate::{ChartArguments, Located};
use super::machine::{SystemClock, SystemRandom, resolve_host};
use super::settings::Settings;
use super::values::{ValuesArguments, read_text};
use super::{Printed, dependency, output_dir};
use crate::failure::Original;

/// The name of a release that was given none.
const RELEASE_NAME: &str = "release-name";

/// Print what a chart renders to: the bytes of Helm v4.3.1's `template`.
#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The release's name, if any, and the chart: a folder, a .tgz file, an address, `REPOSITORY/CHART`, or a name in
    /// `--repo`.
    #[arg(required = true, value_name = "[NAME] CHART")]
    positional: Vec<String>,
    #[command(flatten)]
    source: ChartArguments,
    #[command(flatten)]
    values: ValuesArguments,
    /// Only what these templates render to.
    #[arg(short, long)]
    show_only: Vec<String>,
    /// Print the files of crds/ too.
    #[arg(long)]
    include_crds: bool,
    /// Say nothing of crds/ when a cluster is asked: they are only printed when asked for.
    #[arg(long)]
    skip_crds: bool,
    /// Leave out the hooks that test the release.
    #[arg(long)]
    skip_tests: bool,
    /// Leave out the hooks.
    #[arg(long)]
    no_hooks: bool,
    /// Render for an upgrade instead of an install.
    #[arg(long)]
    is_upgrade: bool,
    /// The version of Kubernetes that charts are told.
    #[arg(long)]
    kube_version: Option<String>,
    /// API versions that charts are told, beside the usual ones.
    #[arg(short, long, value_delimiter = ',')]
    api_versions: Vec<String>,
    /// A template for the release's name.
    #[arg(long)]
    name_template: Option<String>,
    /// Cannot go with a name; without one, the name is `release-name` either way.
    #[arg(short, long)]
    generate_name: bool,
    /// Leave values.schema.json alone.
    #[arg(long)]
    skip_schema_validation: bool,
    /// Fetch the charts that charts/ lacks before rendering.
    #[arg(long)]
    dependency_update: bool,
    /// Write a file for each template below this folder, instead of printing.
    #[arg(long)]
    output_dir: Option<OsString>,
    /// Put the release's name between the folder and the files.
    #[arg(long)]
    release_name: bool,
    /// Tell where a field came from instead of printing: `Deployment/web:spec.replicas`.
    #[arg(long, value_name = "KIND/NAME:FIELD")]
    explain: Vec<String>,
    /// List the files that were read, missed or listed instead of printing.
    #[arg(long)]
    reads: bool,
    /// `server`: a cluster tells what it can do, answers `lookup` and is asked whether it knows the objects;
    /// `client`: no cluster is asked.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "unset")]
    dry_run: Option<String>,
    /// The same as `--dry-run=server`.
    #[arg(long)]
    validate: bool,
    /// With a cluster: objects of others are no reason to refuse.
    #[arg(long)]
    take_ownership: bool,
    /// No effect: servers check fields when objects are written.
    #[arg(long)]
    disable_openapi_validation: bool,
    /// Look up the addresses of hosts that templates ask for.
    #[arg(long)]
    enable_dns: bool,
    #[command(flatten)]
    installing: Installing,
    #[command(flatten)]
    refused: Refused,
}

impl Arguments {
    /// The chart, as it was typed.
    pub(super) fn chart(&self) -> &str {
        self.positional.last().map_or("a chart", String::as_str)
    }

    /// What Helm says of flags that it will not take for ever.
    pub(super) fn deprecations(&self) -> Vec<String> {
        let mut lines = self.installing.deprecations();
        if self.validate {
            lines.push("Flag --validate has been deprecated, use '--dry-run=server' instead".to_owned());
        }
        lines
    }
}

/// Flags that are refused by name.
#[derive(clap::Args)]
struct Refused {
    /// Refused: programs are never run while rendering.
    #[arg(long)]
    post_renderer: Option<String>,
}

impl Refused {
    fn check(&self) -> Result<(), Original> {
        match self.post_renderer {
            Some(_) => Err(Original::new(
                "`--post-renderer` is not supported: programs are never run while rendering",
            )),
            None => Ok(()),
        }
    }
}

/// What `helm template` prints.
pub(super) fn run(arguments: &Arguments, settings: &Settings) -> Result<Printed, Original> {
    let mut warnings = Vec::new();
    arguments.installing.check(&mut warnings)?;
    let mut options = RenderOptions::new(RELEASE_NAME, settings.namespace());
    options.budget.depth = COMMAND_LINE_DEPTH;
    options.capabilities = capabilities(arguments)?;
    arguments.refused.check()?;
    let is_server = asks_server(arguments, &mut warnings)?;
    let (name, reference) = name_and_chart(arguments)?;
    let located = arguments.source.locate(&reference, settings)?;
    options.values = arguments.values.merge()?;
    let mut text = String::new();
    let (chart, reads) = load_with_dependencies(&located, arguments, settings, &mut text)?;
    let cluster = is_server.then(|| Cluster::reach(&settings.cluster).map(Arc::new)).transpose()?;
    check_release_name(&name).map_err(|error| {
        Original::new(format!("release name check failed: release name {name:?}: {error}"))
    })?;
    let chart = Arc::new(chart);
    options.trace = !arguments.explain.is_empty();
    options.keep_chart = false;
    options.takes_bytes = true;
    options.release_name = name;
    options.is_upgrade = arguments.is_upgrade;
    options.skip_schema_validation = arguments.skip_schema_validation;
    options.clock = Some(Arc::new(SystemClock));
    options.random = Some(Arc::new(SystemRandom));
    options.resolve_host = arguments.enable_dns.then(|| Arc::new(resolve_host) as HostResolver);
    if let Some(cluster) = &cluster {
        if has_crds(&chart) && !arguments.skip_crds {
            let inexact = "Rendering may fail or contain inaccuracies.";
            warnings.push(format!("This chart or one of its subcharts contains CRDs. {inexact}"));
        }
        options.capabilities = cluster.capabilities(&mut warnings)?;
        options.lookup = Some(cluster.clone());
    }
    arguments.installing.check_labels()?;
    let rendered = match render(&chart, &options) {
        Ok(rendered) => rendered,
        Err(error) => return Ok(render_failure(&error, settings.debug)),
    };
    warnings.extend(rendered.warnings.iter().cloned());
    if let Some(cluster) = &cluster {
        check(arguments, &options, cluster, &rendered)?;
    }
    let mut printed = if options.trace {
        explain(&rendered, arguments)?
    } else if arguments.reads {
        Printed::from(list_reads(&reads, arguments).into_bytes())
    } else {
        print_rendered(&rendered, arguments, &options.release_name, text)?
    };
    printed.warnings = warnings;
    // The process ends when this is printed; taking apart what was rendered would only delay it.
    mem::forget((chart, rendered, reads));
    Ok(printed)
}

/// What the cluster would say to the objects.
fn check(
    arguments: &Arguments,
    options: &RenderOptions,
    cluster: &Cluster,
    rendered: &Rendered,
) -> Result<(), Original> {
    let check = Check {
        release: &options.release_name,
        namespace: &options.namespace,
        with_crds: arguments.include_crds,
        may_exist: arguments.is_upgrade || arguments.take_ownership,
    };
    check.run(cluster, rendered)
}

fn has_crds(chart: &Chart) -> bool {
    chart.crds().next().is_some() || chart.dependencies.iter().any(|subchart| has_crds(subchart))
}

/// The chart, and what was read of it if that is asked for; what `charts/` lacks is fetched first if that is.
fn load_with_dependencies(
    located: &Located,
    arguments: &Arguments,
    settings: &Settings,
    text: &mut String,
) -> Result<(Chart, Reads), Original> {
    // Recording takes longer than reading.
    let load = || match arguments.reads {
        true => located.load_recorded(),
        false => Ok((located.load()?, Reads::default())),
    };
    let (chart, reads) = load()?;
    if !arguments.dependency_update || chart.missing_dependencies().is_empty() {
        return Ok((chart, reads));
    }
    match located {
        Located::OnDisk(place) => dependency::update(place, settings, text)?,
        Located::Fetched { .. } => return Err(Original::new("only unpacked charts can be updated")),
    }
    load()
}

/// Where the fields came from.
fn explain(rendered: &Rendered, arguments: &Arguments) -> Result<Printed, Original> {
    let layers = arguments.values.flags().layers(&read_text);
    let mut text = String::new();
    for target in &arguments.explain {
        let target: Target = target.parse().map_err(|error| Original::of(&error))?;
        let explanation = rendered.explain(&target, &layers).map_err(|error| Original::of(&error))?;
        text.push_str(&explanation.to_string());
    }
    Ok(Printed::from(text.into_bytes()))
}

/// Every file that decides what is rendered, a line each.
fn list_reads(reads: &Reads, arguments: &Arguments) -> String {
    let mut lines: Vec<String> = Vec::new();
    let missing = |probe: &Probe| *probe == Probe::Missing;
    lines.extend(reads.contents.keys().map(|path| format!("read   /{}", path.as_str())));
    let missed = reads.probes.iter().filter(|(_, probe)| missing(probe));
    lines.extend(missed.map(|(path, _)| format!("missed /{}", path.as_str())));
    lines.extend(reads.listings.keys().map(|path| format!("listed /{}", path.as_str())));
    lines.extend(arguments.values.read_files().iter().map(|file| format!("read   {file}")));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn capabilities(arguments: &Arguments) -> Result<Capabilities, Original> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = arguments.kube_version.as_deref().filter(|version| !version.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| Original::of(&error))?;
    }
    capabilities.api_versions.extend(arguments.api_versions.iter().cloned());
    Ok(capabilities)
}

/// Whether a cluster is asked.
fn asks_server(arguments: &Arguments, warnings: &mut Vec<String>) -> Result<bool, Original> {
    let Some(value) = arguments.dry_run.as_deref() else { return Ok(arguments.validate) };
    if arguments.validate {
        return Err(Original::new(
            "if any flags in the group [validate dry-run] are set none of the others can be; [dry-run validate] were \
             all set",
        ));
    }
    let wrong =
        |known: &str| Err(Original::new(format!("invalid dry-run value ({value:?}). Must be {known}")));
    match value {
        "client" => Ok(false),
        "server" => Ok(true),
        "unset" => {
            warnings
                .push("--dry-run is deprecated and should be replaced with '--dry-run=client'".to_owned());
            Ok(false)
        }
        "1" | "t" | "T" | "true" | "TRUE" | "True" => {
            warnings.push(
                "boolean '--dry-run=true' flag is deprecated and must be replaced with '--dry-run=client'"
                    .to_owned(),
            );
            Ok(false)
        }
        "none" | "0" | "f" | "F" | "false" | "FALSE" | "False" => wrong("\"server\" or \"client\""),
        _ => wrong("\"none\", \"server\", or \"client\""),
    }
}

fn name_and_chart(arguments: &Arguments) -> Result<(String, String), Original> {
    let template = arguments.name_template.as_deref().filter(|text| !text.is_empty());
    match arguments.positional.as_slice() {
        [_, _] if arguments.generate_name => {
            Err(Original::new("cannot set --generate-name and also specify a name"))
        }
        [_, _] if template.is_some() => {
            Err(Original::new("cannot set --name-template and also specify a name"))
        }
        [name, chart] => Ok((name.clone(), chart.clone())),
        [chart] => {
            let Some(text) = template else { return Ok((RELEASE_NAME.to_owned(), chart.clone())) };
            let name = name_from_template(text, Some(Arc::new(SystemClock)), Some(Arc::new(SystemRandom)));
            Ok((name.map_err(|error| Original::of(&error))?, chart.clone()))
        }
        more => Err(Original::new(format!(
            "expected at most two arguments, unexpected arguments: {}",
            more.get(2..).unwrap_or_default().join(", ")
        ))),
    }
}

fn print_rendered(
    rendered: &Rendered,
    arguments: &Arguments,
    release: &str,
    mut text: String,
) -> Result<Printed, Original> {
    let options = OutputOptions {
        include_crds: arguments.include_crds,
        no_hooks: arguments.no_hooks,
        skip_tests: arguments.skip_tests,
        show_only: arguments.show_only.clone(),
    };
    // Helm takes an empty folder's name for none.
    let folder = arguments.output_dir.as_ref().filter(|folder| !folder.is_empty());
    let shown = match folder {
        Some(folder) => {
            let below = arguments.release_name.then_some(release);
            output_dir::write(rendered, &options, Path::new(folder), below, &mut text)?;
            Vec::new()
        }
        None => rendered.to_template_bytes(&options).map_err(|error| Original::of(&error))?,
    };
    let output = [text.into_bytes(), shown].concat();
    Ok(Printed { output, warnings: rendered.warnings.clone(), error: None })
}

/// Helm offers a look at what was rendered once it began to render.
fn render_failure(error: &RenderError, debug: bool) -> Printed {
    let original = Original::of(error);
    let began = matches!(
        error,
        RenderError::KubeVersion { .. } | RenderError::Engine(_) | RenderError::Manifest { .. }
    );
    if !began {
        return original.into();
    }
    if !debug {
        return Original::new(format!("{original}\n\nUse --debug flag to render out invalid YAML")).into();
    }
    let rendered = match error {
        RenderError::Manifest { rendered, .. } => rendered.trim_ascii(),
        _ => b"",
    };
    Printed { output: [rendered, b"\n"].concat(), warnings: Vec::new(), error: Some(original) }
}
