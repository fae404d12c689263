//! `belay helm show`

use belay_helm::Chart;
use serde_json::{Map, Value, json};

use super::jsonpath::JsonPath;
use super::locate::ChartArguments;
use super::settings::Settings;
use crate::failure::Original;

/// Show what a chart holds.
#[derive(clap::Subcommand)]
pub(super) enum Show {
    /// All of it.
    #[command(disable_version_flag = true)]
    All(ShowArguments),
    /// Its definition.
    #[command(disable_version_flag = true)]
    Chart(ShowArguments),
    /// Its values.yaml.
    #[command(disable_version_flag = true)]
    Values(ShowValuesArguments),
    /// Its README.
    #[command(disable_version_flag = true)]
    Readme(ShowArguments),
    /// Its CustomResourceDefinitions.
    #[command(disable_version_flag = true)]
    Crds(ShowArguments),
}

/// The chart to show.
#[derive(clap::Args)]
pub(super) struct ShowArguments {
    /// A folder, a .tgz file, an address, `REPOSITORY/CHART`, or a name in `--repo`.
    chart: String,
    #[command(flatten)]
    source: ChartArguments,
}

/// The chart to show the values of.
#[derive(clap::Args)]
pub(super) struct ShowValuesArguments {
    #[command(flatten)]
    show: ShowArguments,
    /// Print what a JSONPath template finds in the values, such as `{.image.tag}`.
    #[arg(long, default_value = "")]
    jsonpath: String,
}

/// What `helm show` prints.
pub(super) fn run(what: &Show, settings: &Settings) -> Result<Vec<u8>, Original> {
    let (Show::All(arguments)
    | Show::Chart(arguments)
    | Show::Values(ShowValuesArguments { show: arguments, .. })
    | Show::Readme(arguments)
    | Show::Crds(arguments)) = what;
    let chart = arguments.source.locate(&arguments.chart, settings)?.load_any_version()?;
    Ok(match what {
        Show::Chart(_) => definition_text(&chart).into_bytes(),
        Show::Values(arguments) if !arguments.jsonpath.is_empty() => {
            values_at(&chart, &arguments.jsonpath)?.into_bytes()
        }
        Show::Values(_) => values(&chart, ""),
        Show::Readme(_) => readme(&chart, ""),
        Show::Crds(_) => crds(&chart),
        Show::All(_) => {
            let definition = definition_text(&chart).into_bytes();
            [definition, values(&chart, "---\n"), readme(&chart, "---\n"), crds(&chart)].concat()
        }
    })
}

fn definition_text(chart: &Chart) -> String {
    format!("{}\n", belay_goyaml::to_yaml(&definition(chart)))
}

fn values(chart: &Chart, before: &str) -> Vec<u8> {
    let files: Vec<_> = chart.raw.iter().filter(|file| file.name == "values.yaml").collect();
    let before = if files.is_empty() { "" } else { before };
    let lines = files.iter().flat_map(|file| [&file.data[..], b"\n"]);
    std::iter::once(before.as_bytes()).chain(lines).collect::<Vec<_>>().concat()
}

/// What a template finds in the values; Helm prints nothing where it does not find everything.
fn values_at(chart: &Chart, template: &str) -> Result<String, Original> {
    if chart.raw_file("values.yaml").is_none() {
        return Ok(String::new());
    }
    let path = JsonPath::parse(template)
        .map_err(|error| Original::new(format!("error parsing jsonpath {template}: {error}")))?;
    Ok(path.execute(&Value::Object(chart.values.clone())).unwrap_or_default())
}

fn readme(chart: &Chart, before: &str) -> Vec<u8> {
    const NAMES: [&str; 3] = ["readme.md", "readme.txt", "readme"];
    let is_readme = |name: &str| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    let file = chart.files.iter().find(|file| is_readme(&file.name));
    file.map_or_else(Vec::new, |file| [before.as_bytes(), &file.data, b"\n"].concat())
}

/// The definitions of the chart and of those below it.
fn crds(chart: &Chart) -> Vec<u8> {
    let mut output = Vec::new();
    for file in chart.crds() {
        let separator: &[u8] = if file.data.starts_with(b"---") { b"" } else { b"---\n" };
        output.extend_from_slice(&[separator, &file.data, b"\n"].concat());
    }
    for subchart in &chart.dependencies {
        output.extend(crds(subchart));
    }
    output
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
