//! `Chart.yaml`

use belay_filetree::Kind;
use serde_json::Value;

use super::addresses::{is_email, is_request_url, is_url};
use super::{Folder, Linter, Severity};
use crate::chart::Metadata;
use crate::metadata::{DEPENDENCY_FIELDS, FIELDS, MAINTAINER_FIELDS, RawMetadata};
use crate::quote::quote;
use crate::version;
use crate::yaml;

const FILE: &str = "Chart.yaml";

pub(super) fn check(folder: &Folder<'_>, linter: &mut Linter) {
    let is_folder = folder.kind(FILE) == Some(Kind::Directory);
    let not_folder = if is_folder { Err("should be a file, not a directory".to_owned()) } else { Ok(()) };
    linter.rule(Severity::Error, FILE, not_folder);
    let Some(data) = folder.read(FILE) else {
        let message = format!("unable to parse YAML\n\tread {FILE}: is a directory");
        linter.rule(Severity::Error, FILE, Err(message));
        return;
    };
    let mut raw = RawMetadata::default();
    let text = yaml::text(&data);
    let read = match &text {
        Ok(text) => raw.read(text).map_err(|error| belay_causes::chain(&error)),
        Err(error) => Err(belay_causes::chain(error)),
    };
    let read = read.map_err(|reason| format!("unable to parse YAML\n\t{reason}"));
    if !linter.rule(Severity::Error, FILE, read) {
        return;
    }
    let text = text.unwrap_or_default();
    linter.rule(Severity::Warning, FILE, strict(&text));
    let untyped = yaml::decode(&text).unwrap_or_default();
    check_fields(&raw, &untyped, linter);
}

fn check_fields(raw: &RawMetadata, untyped: &Value, linter: &mut Linter) {
    let metadata = &raw.metadata;
    let mut error = |result| linter.rule(Severity::Error, FILE, result);
    error(name(metadata));
    error(api_version(metadata));
    error(is_text(untyped, "version"));
    error(version(metadata));
    error(is_text(untyped, "appVersion"));
    error(maintainers(raw));
    error(sources(metadata));
    let icon = if metadata.icon.is_empty() { Err("icon is recommended".to_owned()) } else { Ok(()) };
    linter.rule(Severity::Info, FILE, icon);
    let mut error = |result| linter.rule(Severity::Error, FILE, result);
    error(icon_address(metadata));
    error(chart_type(metadata));
    error(dependencies(raw));
    let strict = if version::is_strict(&metadata.version) {
        Ok(())
    } else {
        Err(format!("version '{}' is not a valid SemVerV2", metadata.version))
    };
    linter.rule(Severity::Warning, FILE, strict);
}

/// No key twice, and no key that Helm does not know.
fn strict(text: &str) -> Result<(), String> {
    let failed = |reason: String| Err(format!("failed to strictly parse chart metadata file\n\t{reason}"));
    let value = match belay_goyaml::to_json_strict(text) {
        Ok(value) => value,
        Err(error) => return failed(format!("error converting YAML to JSON: {error}")),
    };
    match unknown_field(&value) {
        Some(field) => failed(format!(
            "error unmarshaling JSON: while decoding JSON: json: unknown field {}",
            quote(field)
        )),
        None => Ok(()),
    }
}

/// The first unknown key, keys taken in the order of their names.
fn unknown_field(value: &Value) -> Option<&str> {
    for (key, value) in sorted(value) {
        if !is_known(key, &FIELDS) {
            return Some(key);
        }
        let inner: &[&str] = match key.to_ascii_lowercase().as_str() {
            "maintainers" => &MAINTAINER_FIELDS,
            "dependencies" => &DEPENDENCY_FIELDS,
            _ => continue,
        };
        for item in value.as_array().into_iter().flatten() {
            if let Some((key, _)) = sorted(item).into_iter().find(|(key, _)| !is_known(key, inner)) {
                return Some(key);
            }
        }
    }
    None
}

fn sorted(value: &Value) -> Vec<(&str, &Value)> {
    let mut entries: Vec<(&str, &Value)> =
        value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value)).collect();
    entries.sort_by_key(|(key, _)| *key);
    entries
}

fn is_known(key: &str, fields: &[&str]) -> bool {
    fields.iter().any(|field| field.eq_ignore_ascii_case(key))
}

fn name(metadata: &Metadata) -> Result<(), String> {
    let name = &metadata.name;
    if name.is_empty() {
        return Err("name is required".to_owned());
    }
    if name.contains('/') {
        return Err(format!("chart name {} is invalid", quote(name)));
    }
    Ok(())
}

fn api_version(metadata: &Metadata) -> Result<(), String> {
    match metadata.api_version.as_str() {
        "v1" | "v2" => Ok(()),
        "" => Err("apiVersion is required. The value must be either \"v1\" or \"v2\"".to_owned()),
        other => Err(format!("apiVersion '{other}' is not valid. The value must be either \"v1\" or \"v2\"")),
    }
}

fn is_text(chart: &Value, key: &str) -> Result<(), String> {
    let go_type = match chart.get(key) {
        None | Some(Value::String(_)) => return Ok(()),
        Some(Value::Null) => "<nil>",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Number(_)) => "float64",
        Some(Value::Array(_)) => "[]interface {}",
        Some(Value::Object(_)) => "map[string]interface {}",
    };
    Err(format!("{key} should be of type string but it's of type {go_type}"))
}

fn version(metadata: &Metadata) -> Result<(), String> {
    let version = &metadata.version;
    if version.is_empty() {
        return Err("version is required".to_owned());
    }
    if !version::is_version(version) {
        return Err(format!("version '{version}' is not a valid SemVer"));
    }
    if !version::satisfies(">0.0.0-0", version) {
        return Err(format!("version {version} is less than or equal to 0.0.0-0"));
    }
    Ok(())
}

fn maintainers(raw: &RawMetadata) -> Result<(), String> {
    for maintainer in raw.maintainers.iter().flatten() {
        let Some(person) = maintainer else { return Err("a maintainer entry is empty".to_owned()) };
        if person.name.is_empty() {
            return Err("each maintainer requires a name".to_owned());
        }
        if !person.email.is_empty() && !is_email(&person.email) {
            return Err(format!("invalid email '{}' for maintainer '{}'", person.email, person.name));
        }
        if !person.url.is_empty() && !is_url(&person.url) {
            return Err(format!("invalid url '{}' for maintainer '{}'", person.url, person.name));
        }
    }
    Ok(())
}

fn sources(metadata: &Metadata) -> Result<(), String> {
    match metadata.sources.iter().find(|source| !is_request_url(source)) {
        Some(source) => Err(format!("invalid source URL '{source}'")),
        None => Ok(()),
    }
}

fn icon_address(metadata: &Metadata) -> Result<(), String> {
    if metadata.icon.is_empty() || is_request_url(&metadata.icon) {
        return Ok(());
    }
    Err(format!("invalid icon URL '{}'", metadata.icon))
}

fn chart_type(metadata: &Metadata) -> Result<(), String> {
    let version = &metadata.api_version;
    if metadata.chart_type.is_empty() || version == "v2" {
        return Ok(());
    }
    Err(format!("chart type is not valid in apiVersion '{version}'. It is valid in apiVersion 'v2'"))
}

fn dependencies(raw: &RawMetadata) -> Result<(), String> {
    let version = &raw.metadata.api_version;
    if raw.dependencies.as_ref().is_none_or(Vec::is_empty) || version == "v2" {
        return Ok(());
    }
    Err(format!(
        "dependencies are not valid in the Chart file with apiVersion '{version}'. They are valid in apiVersion \
         'v2'"
    ))
}
