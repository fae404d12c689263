//! `templates/` and `crds/`

use std::borrow::Cow;
use std::sync::Arc;

use belay_filetree::Kind;
use belay_gotemplate::{MissingKey, Options, TemplateSet};
use serde_json::Value;

use super::{Folder, LintOptions, Linter, Severity, deprecations, names};
use crate::capabilities::Capabilities;
use crate::chart::Chart;
use crate::decode::{self, Fields};
use crate::dependencies;
use crate::engine;
use crate::functions;
use crate::graph::{ChartId, Graph};
use crate::load::LoadError;
use crate::manifest;
use crate::quote::quote;
use crate::render::{ReleaseOptions, top_values};
use crate::schema;
use crate::values::coalesce::{Nulls, coalesce_values};
use crate::yaml;

const FOLDER: &str = "templates/";
const EXTENSIONS: [&str; 4] = [".yaml", ".yml", ".tpl", ".txt"];

pub(super) fn check(
    folder: &Folder<'_>,
    loaded: &Result<Arc<Chart>, LoadError>,
    options: &LintOptions,
    linter: &mut Linter,
) {
    match folder.kind("templates") {
        None => {
            linter.rule(Severity::Warning, FOLDER, Err("directory does not exist".to_owned()));
            return;
        }
        Some(Kind::Directory) => {}
        Some(_) => {
            linter.rule(Severity::Error, FOLDER, Err("not a directory".to_owned()));
            return;
        }
    }
    let chart = match loaded {
        Ok(chart) => chart,
        Err(error) => {
            linter.rule(Severity::Error, FOLDER, Err(belay_causes::chain(error)));
            return;
        }
    };
    match render(chart, options) {
        Ok(Some(rendered)) => check_files(chart, &rendered, options, linter),
        Ok(None) => {}
        Err(message) => {
            linter.rule(Severity::Error, FOLDER, Err(message));
        }
    }
}

/// Renders as the linter does: `fail` and `required` let everything pass. Nothing, where Helm's linter is silent.
fn render(chart: &Arc<Chart>, options: &LintOptions) -> Result<Option<engine::Files>, String> {
    let given = options.values.to_template();
    let mut graph = Graph::new(chart);
    let mut warnings = Vec::new();
    if dependencies::process(&mut graph, &given, &mut warnings).is_err() {
        return Ok(None);
    }
    let mut coalesce =
        |values: &_| coalesce_values(&graph, Graph::ROOT, values, Nulls::Delete, &mut warnings);
    let Ok(once) = coalesce(&given) else { return Ok(None) };
    let values = coalesce(&once).map_err(|error| error.to_string())?;
    if !options.skip_schema_validation {
        schema::validate(&graph, &values).map_err(|error| error.to_string())?;
    }
    let mut capabilities = Capabilities::default();
    if let Some(version) = &options.kube_version {
        capabilities.kube_version = version.clone();
    }
    let release = ReleaseOptions {
        name: "test-release",
        namespace: &options.namespace,
        revision: 0,
        is_install: false,
        is_upgrade: false,
    };
    let template_options = Options {
        missing_key: MissingKey::Zero,
        budget: options.budget,
        clock: options.clock.clone(),
        random: options.random.clone(),
    };
    let top = top_values(&release, &capabilities, values);
    let set = TemplateSet::new("gotpl", Arc::new(functions::of_linter()));
    engine::render(&graph, &top, set, &template_options, false).map(Some).map_err(|error| error.to_string())
}

fn check_files(chart: &Chart, rendered: &engine::Files, options: &LintOptions, linter: &mut Linter) {
    for template in &chart.templates {
        let name = &template.name;
        linter.rule(Severity::Error, name, allowed_extension(name));
        let lower = extension(name).to_lowercase();
        if lower != ".yaml" && lower != ".yml" {
            continue;
        }
        let path = format!("{}/{name}", chart.name());
        let content = rendered.texts.get(&path).map_or("", String::as_str);
        let has_stand_ins = rendered.stand_ins.contains(&path);
        if !content.trim().is_empty() && !check_content(name, content, has_stand_ins, options, linter) {
            return;
        }
    }
}

fn extension(name: &str) -> &str {
    let base = name.rsplit('/').next().unwrap_or(name);
    base.rfind('.').map_or("", |dot| &base[dot..])
}

fn allowed_extension(name: &str) -> Result<(), String> {
    let extension = extension(name);
    if EXTENSIONS.contains(&extension) {
        return Ok(());
    }
    Err(format!("file extension '{extension}' not valid. Valid extensions are .yaml, .yml, .tpl, or .txt"))
}

/// Whether every document could be read. In `content` characters may stand in for bytes.
fn check_content(
    name: &str,
    content: &str,
    has_stand_ins: bool,
    options: &LintOptions,
    linter: &mut Linter,
) -> bool {
    linter.rule(Severity::Warning, name, top_indent(content));
    let (documents, broken) = documents(content);
    for document in documents {
        let head = match read_head(document, has_stand_ins) {
            Ok(Some(head)) => head,
            Ok(None) => continue,
            Err(message) => return linter.rule(Severity::Error, name, Err(message)),
        };
        linter.rule(Severity::Warning, name, names::check(&head.kind, &head.name));
        linter.rule(Severity::Warning, name, not_deprecated(&head, options));
        linter.rule(Severity::Error, name, has_selector(&head, content));
        linter.rule(Severity::Error, name, list_annotations(&head, content, has_stand_ins));
    }
    match broken {
        Some(rest) => {
            let message = format!("unable to parse YAML: invalid Yaml document separator: {rest}");
            linter.rule(Severity::Error, name, Err(message))
        }
        None => true,
    }
}

/// The documents; with a separator that goes on, those finished before it and the rest of its line.
fn documents(content: &str) -> (Vec<&str>, Option<&str>) {
    let texts =
        |text| belay_goyaml::split_documents(text).into_iter().map(|(_, document)| document).collect();
    let mut start = 0;
    for line in content.split_inclusive('\n') {
        let rest = line.strip_prefix("---").map_or("", str::trim);
        if !rest.is_empty() && !rest.starts_with('#') {
            let mut finished: Vec<&str> = texts(&content[..start]);
            finished.pop();
            return (finished, Some(rest));
        }
        start += line.len();
    }
    (texts(content), None)
}

fn top_indent(content: &str) -> Result<(), String> {
    match content.lines().find(|line| !line.trim().is_empty()) {
        Some(line) if line.starts_with([' ', '\t']) => Err(format!(
            "document starts with an illegal indent: {}, which may cause parsing problems",
            quote(line)
        )),
        _ => Ok(()),
    }
}

/// What the linter reads of an object.
#[derive(Default)]
struct Head {
    api_version: String,
    kind: String,
    name: String,
}

fn read_head(document: &str, has_stand_ins: bool) -> Result<Option<Head>, String> {
    let wrong =
        |error: &dyn std::error::Error| format!("unable to parse YAML: {}", belay_causes::chain(error));
    // Helm hands on whole lines, which shows where a line's end takes two bytes.
    let lines = match has_stand_ins && !document.ends_with('\n') {
        true => Cow::Owned(format!("{document}\n")),
        false => Cow::Borrowed(document),
    };
    let value = manifest::read(&lines, has_stand_ins).map_err(|error| wrong(&error))?;
    let map = match &value {
        Value::Null => return Ok(None),
        Value::Object(map) => map,
        other => {
            let found = decode::json_type(other);
            return Err(format!(
                "unable to parse YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} \
                 into Go value of type rules.k8sYamlStruct"
            ));
        }
    };
    let mut head = Head::default();
    let mut fields = Fields::default();
    for (name, value) in decode::fields(map, &["apiVersion", "Kind", "Metadata"]) {
        match name {
            "apiVersion" => fields.text(value, "k8sYamlStruct.apiVersion", &mut head.api_version),
            "Kind" => fields.text(value, "k8sYamlStruct.Kind", &mut head.kind),
            _ => read_metadata(value, &mut fields, &mut head),
        }
    }
    fields.finish().map_err(|error| wrong(&error))?;
    Ok(Some(head))
}

fn read_metadata(value: &Value, fields: &mut Fields, head: &mut Head) {
    let Value::Object(metadata) = value else {
        if !value.is_null() {
            fields.wrong(value, "k8sYamlStruct.Metadata", "rules.k8sYamlMetadata");
        }
        return;
    };
    let mut namespace = String::new();
    for (name, value) in decode::fields(metadata, &["Namespace", "Name"]) {
        let place = format!("k8sYamlMetadata.Metadata.{name}");
        fields.text(value, &place, if name == "Name" { &mut head.name } else { &mut namespace });
    }
}

fn not_deprecated(head: &Head, options: &LintOptions) -> Result<(), String> {
    let default = Capabilities::default().kube_version;
    let version = options.kube_version.as_ref().unwrap_or(&default);
    match deprecations::warning(&head.api_version, &head.kind, version) {
        Some(warning) => Err(warning.to_owned()),
        None => Ok(()),
    }
}

fn has_selector(head: &Head, content: &str) -> Result<(), String> {
    let needed = matches!(head.kind.as_str(), "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet");
    if !needed || content.contains("matchLabels") || content.contains("matchExpressions") {
        return Ok(());
    }
    Err(format!(
        "a {} must contain matchLabels or matchExpressions, and {} does not",
        head.kind,
        quote(&head.name)
    ))
}

fn list_annotations(head: &Head, content: &str, has_stand_ins: bool) -> Result<(), String> {
    if head.kind != "List" {
        return Ok(());
    }
    let list = manifest::read(content, has_stand_ins)
        .map_err(|error| format!("unable to parse YAML: {}", belay_causes::chain(&error)))?;
    let items = list["items"].as_array().into_iter().flatten();
    let mut kept =
        items.filter(|item| item["metadata"]["annotations"].get("helm.sh/resource-policy").is_some());
    match kept.next() {
        Some(_) => Err("annotation 'helm.sh/resource-policy' within List objects are ignored".to_owned()),
        None => Ok(()),
    }
}

/// The files of `crds/`, and of those of the charts below, are definitions.
pub(super) fn check_crds(folder: &Folder<'_>, loaded: &Result<Arc<Chart>, LoadError>, linter: &mut Linter) {
    const FOLDER: &str = "crds/";
    match folder.kind("crds") {
        None => return,
        Some(Kind::Directory) => {}
        Some(_) => {
            linter.rule(Severity::Error, FOLDER, Err("not a directory".to_owned()));
            return;
        }
    }
    let chart = match loaded {
        Ok(chart) => chart,
        Err(error) => {
            linter.rule(Severity::Error, FOLDER, Err(belay_causes::chain(error)));
            return;
        }
    };
    let graph = Graph::new(chart);
    check_crds_of(&graph, Graph::ROOT, linter);
}

/// Whether to go on.
fn check_crds_of(graph: &Graph, chart: ChartId, linter: &mut Linter) -> bool {
    for file in graph.chart(chart).crds() {
        let text = match yaml::text(&file.data) {
            Ok(text) => text,
            Err(error) => {
                let message = format!("unable to parse YAML: {}", belay_causes::chain(&error));
                return linter.rule(Severity::Error, &file.name, Err(message));
            }
        };
        for (_, document) in belay_goyaml::split_documents(&text) {
            let head = match read_head(document, false) {
                Ok(Some(head)) => head,
                Ok(None) => continue,
                Err(message) => return linter.rule(Severity::Error, &file.name, Err(message)),
            };
            let expect = |holds: bool, message: &str| if holds { Ok(()) } else { Err(message.to_owned()) };
            let in_group = head.api_version.starts_with("apiextensions.k8s.io");
            let message = "apiVersion is not in 'apiextensions.k8s.io'";
            linter.rule(Severity::Error, &file.name, expect(in_group, message));
            let is_definition = head.kind == "CustomResourceDefinition";
            let message = "object kind is not 'CustomResourceDefinition'";
            linter.rule(Severity::Error, &file.name, expect(is_definition, message));
        }
    }
    graph.dependencies(chart).iter().all(|subchart| check_crds_of(graph, *subchart, linter))
}
