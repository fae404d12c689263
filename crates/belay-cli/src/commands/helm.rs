//! `belay helm`

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use belay_gotemplate::{Clock, Moment, RandomSource};
use belay_helm::{
    Capabilities, Chart, KubeVersion, LoadError, OutputOptions, RenderError, RenderOptions, Rendered,
    ValuesFlags, check_release_name, name_from_template, render,
};
use serde_json::{Map, Value, json};

use crate::disk_tree::whole_disk;
use crate::failure::Original;

/// Helm's limit for an archive; a folder's files come together under the loader's own.
const MAX_FILE_BYTES: u64 = 100 << 20;
/// Templates include each other a thousand deep in charts that Helm still renders.
const STACK_BYTES: usize = 256 << 20;
/// The name of a release that was given none.
const RELEASE_NAME: &str = "release-name";

/// Render and show charts as `helm` does.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// The commands of Helm.
#[derive(clap::Subcommand)]
enum Command {
    #[command(disable_version_flag = true)]
    Template(Box<TemplateArguments>),
    #[command(subcommand)]
    Show(Show),
}

/// Print what a chart renders to: the bytes of Helm v4.3.1's `template`.
#[derive(clap::Args)]
struct TemplateArguments {
    /// The release's name, if any, and the chart: a folder or a .tgz file.
    #[arg(required = true, value_name = "[NAME] CHART")]
    positional: Vec<String>,
    /// The release's namespace.
    #[arg(short, long, env = "HELM_NAMESPACE", default_value = "default")]
    namespace: String,
    /// Files of values.
    #[arg(short = 'f', long, value_delimiter = ',')]
    values: Vec<String>,
    /// Values as `key=value`.
    #[arg(long, allow_hyphen_values = true)]
    set: Vec<String>,
    /// Values that stay texts.
    #[arg(long, allow_hyphen_values = true)]
    set_string: Vec<String>,
    /// Values as JSON.
    #[arg(long, allow_hyphen_values = true)]
    set_json: Vec<String>,
    /// One value, taken as it stands.
    #[arg(long, allow_hyphen_values = true)]
    set_literal: Vec<String>,
    /// Values that are the text of a file.
    #[arg(long, allow_hyphen_values = true)]
    set_file: Vec<String>,
    /// Only what these templates render to.
    #[arg(short, long)]
    show_only: Vec<String>,
    /// Print the files of crds/ too.
    #[arg(long)]
    include_crds: bool,
    /// No effect: they are only printed when asked for.
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
    /// Print what was rendered even where it is not YAML.
    #[arg(long)]
    debug: bool,
    /// `client`: nothing is asked of a cluster.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<String>,
    #[command(flatten)]
    refused: Refused,
}

/// Flags that are refused by name.
#[derive(clap::Args)]
struct Refused {
    /// Refused: dependencies are not fetched.
    #[arg(long)]
    dependency_update: bool,
    /// Refused: no cluster is asked.
    #[arg(long)]
    validate: bool,
    /// Refused: programs are never run while rendering.
    #[arg(long)]
    post_renderer: Option<String>,
    /// Refused: charts are not fetched.
    #[arg(long)]
    repo: Option<String>,
    /// Refused: signatures are not checked.
    #[arg(long)]
    verify: bool,
    /// Refused: names are not looked up while rendering.
    #[arg(long)]
    enable_dns: bool,
    /// Refused: only standard output is written.
    #[arg(long)]
    output_dir: Option<PathBuf>,
}

impl Refused {
    fn check(&self) -> Result<(), Original> {
        let flags = [
            ("--dependency-update", self.dependency_update),
            ("--validate", self.validate),
            ("--post-renderer", self.post_renderer.is_some()),
            ("--repo", self.repo.is_some()),
            ("--verify", self.verify),
            ("--enable-dns", self.enable_dns),
            ("--output-dir", self.output_dir.is_some()),
        ];
        match flags.into_iter().find(|(_, given)| *given) {
            Some((flag, _)) => Err(Original::new(format!("`{flag}` is not supported yet"))),
            None => Ok(()),
        }
    }
}

/// Show what a chart holds.
#[derive(clap::Subcommand)]
enum Show {
    /// Its definition.
    Chart(ShowArguments),
    /// Its values.yaml.
    Values(ShowArguments),
    /// Its README.
    Readme(ShowArguments),
    /// Its CustomResourceDefinitions.
    Crds(ShowArguments),
}

/// The chart to show.
#[derive(clap::Args)]
struct ShowArguments {
    /// A folder or a .tgz file.
    chart: String,
}

/// Output that may be followed by an error.
struct Printed {
    text: String,
    warnings: Vec<String>,
    error: Option<Original>,
}

impl From<Original> for Printed {
    fn from(error: Original) -> Printed {
        Printed { text: String::new(), warnings: Vec::new(), error: Some(error) }
    }
}

/// Carries the command out.
#[expect(clippy::print_stderr, reason = "standard output is for the objects")]
pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let deep = std::thread::Builder::new().stack_size(STACK_BYTES);
    let work = deep.spawn(move || match &arguments.command {
        Command::Template(arguments) => template(arguments).unwrap_or_else(Printed::from),
        Command::Show(what) => match show(what) {
            Ok(text) => Printed { text, warnings: Vec::new(), error: None },
            Err(error) => error.into(),
        },
    })?;
    let printed = work.join().map_err(|_| anyhow::anyhow!("the renderer ended in a panic"))?;
    for warning in &printed.warnings {
        eprintln!("level=WARN msg={warning:?}");
    }
    super::print(&printed.text)?;
    printed.error.map_or(Ok(()), |error| Err(error.into()))
}

/// What `helm template` prints.
fn template(arguments: &TemplateArguments) -> Result<Printed, Original> {
    let mut options = RenderOptions::new(RELEASE_NAME, arguments.namespace.clone());
    options.capabilities = capabilities(arguments)?;
    arguments.refused.check()?;
    check_dry_run(arguments.dry_run.as_deref())?;
    let (name, reference) = name_and_chart(arguments)?;
    check_release_name(&name).map_err(|error| {
        Original::new(format!("release name check failed: release name {name:?}: {error}"))
    })?;
    let chart_place = locate(&reference)?;
    options.values = values(arguments)?;
    let chart = Arc::new(load(&chart_place)?);
    options.release_name = name;
    options.is_upgrade = arguments.is_upgrade;
    options.skip_schema_validation = arguments.skip_schema_validation;
    options.clock = Some(Arc::new(SystemClock));
    options.random = Some(Arc::new(SystemRandom));
    match render(&chart, &options) {
        Ok(rendered) => print_rendered(&rendered, arguments),
        Err(error) => Ok(render_failure(&error, arguments.debug)),
    }
}

fn capabilities(arguments: &TemplateArguments) -> Result<Capabilities, Original> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = arguments.kube_version.as_deref().filter(|version| !version.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| Original::of(&error))?;
    }
    capabilities.api_versions.extend(arguments.api_versions.iter().cloned());
    Ok(capabilities)
}

fn check_dry_run(strategy: Option<&str>) -> Result<(), Original> {
    match strategy {
        None | Some("client" | "unset" | "true") => Ok(()),
        Some(other) => {
            Err(Original::new(format!("`--dry-run={other}` is not supported: no cluster is asked")))
        }
    }
}

fn name_and_chart(arguments: &TemplateArguments) -> Result<(String, String), Original> {
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

fn values(arguments: &TemplateArguments) -> Result<belay_helm::Values, Original> {
    let flags = ValuesFlags {
        files: arguments.values.clone(),
        set_json: arguments.set_json.clone(),
        set: arguments.set.clone(),
        set_string: arguments.set_string.clone(),
        set_file: arguments.set_file.clone(),
        set_literal: arguments.set_literal.clone(),
    };
    flags.merge(&read_text).map_err(|error| Original::of(&error))
}

/// A file of values, or standard input for `-`.
fn read_text(file: &str) -> Result<String, String> {
    if file.trim() == "-" {
        return std::io::read_to_string(std::io::stdin()).map_err(|error| error.to_string());
    }
    if file.contains("://") {
        return Err(format!("reading {file} is not supported: values are read from files"));
    }
    let bytes =
        fs::read(file).map_err(|error| Original::failed("open", Path::new(file), &error).to_string())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The chart's place on the disk.
fn locate(reference: &str) -> Result<PathBuf, Original> {
    let reference = reference.trim();
    if reference.contains("://") {
        return Err(Original::new(format!(
            "fetching the chart {reference} is not supported yet; give a folder or a .tgz file"
        )));
    }
    std::path::absolute(reference)
        .ok()
        .filter(|place| place.exists())
        .ok_or_else(|| Original::new(format!("path {reference:?} not found")))
}

fn load(place: &Path) -> Result<Chart, Original> {
    let chart_file = place.join("Chart.yaml");
    if place.is_dir()
        && let Err(error) = fs::metadata(&chart_file)
    {
        let cause = Original::failed("open", &chart_file, &error);
        return Err(Original::new(format!("unable to detect chart at {}: {cause}", chart_file.display())));
    }
    let (tree, path) =
        whole_disk(place, MAX_FILE_BYTES).map_err(|error| Original::failed("open", place, &error))?;
    Chart::load(&tree, &path).map_err(|error: LoadError| Original::of(&error))
}

fn print_rendered(rendered: &Rendered, arguments: &TemplateArguments) -> Result<Printed, Original> {
    let options = OutputOptions {
        include_crds: arguments.include_crds,
        no_hooks: arguments.no_hooks,
        skip_tests: arguments.skip_tests,
        show_only: arguments.show_only.clone(),
    };
    let text = rendered.to_template_output(&options).map_err(|error| Original::of(&error))?;
    Ok(Printed { text, warnings: rendered.warnings.clone(), error: None })
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
        RenderError::Manifest { rendered, .. } => rendered.trim(),
        _ => "",
    };
    Printed { text: format!("{rendered}\n"), warnings: Vec::new(), error: Some(original) }
}

/// What `helm show` prints.
fn show(what: &Show) -> Result<String, Original> {
    let (Show::Chart(arguments) | Show::Values(arguments) | Show::Readme(arguments) | Show::Crds(arguments)) =
        what;
    let chart = load(&locate(&arguments.chart)?)?;
    Ok(match what {
        Show::Chart(_) => format!("{}\n", belay_goyaml::to_yaml(&definition(&chart))),
        Show::Values(_) => {
            chart.raw_file("values.yaml").map_or_else(String::new, |file| format!("{}\n", file.text()))
        }
        Show::Readme(_) => readme(&chart),
        Show::Crds(_) => crds(&chart),
    })
}

fn readme(chart: &Chart) -> String {
    const NAMES: [&str; 3] = ["readme.md", "readme.txt", "readme"];
    let is_readme = |name: &str| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let file = chart.files.iter().find(|file| is_readme(&file.name));
    file.map_or_else(String::new, |file| format!("{}\n", file.text()))
}

/// The definitions of the chart and of those below it.
fn crds(chart: &Chart) -> String {
    let mut text = String::new();
    for file in chart.crds() {
        let separator = if file.data.starts_with(b"---") { "" } else { "---\n" };
        text.push_str(&format!("{separator}{}\n", file.text()));
    }
    for subchart in &chart.dependencies {
        text.push_str(&crds(subchart));
    }
    text
}

/// `Chart.yaml` as Helm writes it: known fields only, those that say something.
fn definition(chart: &Chart) -> Value {
    let metadata = &chart.metadata;
    let maintainers = metadata.maintainers.iter().map(|person| {
        stated([("name", json!(person.name)), ("email", json!(person.email)), ("url", json!(person.url))])
    });
    let dependencies = metadata.dependencies.iter().flatten().map(|needed| {
        let mut fields = stated([
            ("version", json!(needed.version)),
            ("condition", json!(needed.condition)),
            ("tags", json!(needed.tags)),
            ("enabled", json!(needed.enabled)),
            ("import-values", json!(needed.import_values)),
            ("alias", json!(needed.alias)),
        ]);
        fields["name"] = json!(needed.name);
        fields["repository"] = json!(needed.repository);
        fields
    });
    stated([
        ("name", json!(metadata.name)),
        ("home", json!(metadata.home)),
        ("sources", json!(metadata.sources)),
        ("version", json!(metadata.version)),
        ("description", json!(metadata.description)),
        ("keywords", json!(metadata.keywords)),
        ("maintainers", maintainers.collect()),
        ("icon", json!(metadata.icon)),
        ("apiVersion", json!(metadata.api_version)),
        ("condition", json!(metadata.condition)),
        ("tags", json!(metadata.tags)),
        ("appVersion", json!(metadata.app_version)),
        ("deprecated", json!(metadata.deprecated)),
        ("annotations", json!(metadata.annotations)),
        ("kubeVersion", json!(metadata.kube_version)),
        ("dependencies", dependencies.collect()),
        ("type", json!(metadata.chart_type)),
    ])
}

/// The fields that are not empty.
fn stated<const COUNT: usize>(fields: [(&str, Value); COUNT]) -> Value {
    let says = |value: &Value| match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Object(map) => !map.is_empty(),
        _ => true,
    };
    let stated = fields.into_iter().filter(|(_, value)| says(value));
    Value::Object(stated.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// The machine's clock and time zone.
struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Moment {
            seconds: i64::try_from(since.as_secs()).unwrap_or(i64::MAX),
            nanoseconds: since.subsec_nanos(),
            offset: jiff::Zoned::now().offset().seconds(),
        }
    }
}

/// Random bytes fit for keys.
struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::Rng::fill(&mut rand::rng(), buffer);
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn cases() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../belay-helm/tests/cases")
    }

    /// What is printed for a line, or the error.
    fn printed(line: &[&str]) -> Result<String, String> {
        let line = [&["helm"], line].concat();
        let printed = match Line::try_parse_from(line).unwrap().arguments.command {
            Command::Template(arguments) => template(&arguments).unwrap_or_else(Printed::from),
            Command::Show(what) => {
                return show(&what).map_err(|error| error.to_string());
            }
        };
        printed.error.map_or(Ok(printed.text), |error| Err(format!("Error: {error}\n")))
    }

    /// The lines of the case, its files named by their places.
    fn case(name: &str) -> Result<String, String> {
        let folder = cases().join(name);
        let text = fs::read_to_string(folder.join("args.txt")).unwrap();
        let mut line = vec!["template".to_owned()];
        for argument in text.lines() {
            let file = folder.join(argument);
            line.push(if file.exists() { file.to_string_lossy().into_owned() } else { argument.to_owned() });
        }
        printed(&line.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn cases_are_printed_as_recorded() {
        for name in ["alias_twice", "capabilities", "condition_tags", "control_flow", "empty_documents"] {
            let expected = fs::read_to_string(cases().join(name).join("expected.yaml")).unwrap();
            assert_eq!(case(name), Ok(expected), "{name}");
        }
        for name in ["fail_args", "fail_bad_kube_version"] {
            let expected = fs::read_to_string(cases().join(name).join("expected-error.txt")).unwrap();
            assert_eq!(case(name), Err(expected), "{name}");
        }
    }

    #[test]
    fn what_is_not_done_is_named() {
        for flag in ["--dependency-update", "--validate", "--dry-run=server", "--verify"] {
            let error = printed(&["template", flag, "chart"]).unwrap_err();
            assert!(error.contains(flag), "{error}");
        }
        assert!(printed(&["template", "oci://example.com/chart"]).unwrap_err().contains("oci://"));
        assert_eq!(printed(&["show", "chart", "./none"]), Err("path \"./none\" not found".to_owned()));
    }
}
