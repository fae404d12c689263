//! `Chart.yaml`, `requirements.yaml`, `Chart.lock`: reading and checking.

use serde_json::{Map, Value};

use crate::chart::{Dependency, Lock, Maintainer, Metadata};
use crate::decode::{self, DecodeError, Fields};
use crate::quote::{is_printable, quote};

/// Names longer than this never come from people.
const MAX_NAME: usize = 1024;

/// A `Chart.yaml` that says something it must not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("validation: {message}")]
pub struct ValidationError {
    message: String,
}

fn invalid(message: impl Into<String>) -> ValidationError {
    ValidationError { message: message.into() }
}

/// `Chart.yaml` as it is written, before it is checked: lists may still hold nulls.
#[derive(Debug, Default)]
pub(crate) struct RawMetadata {
    pub(crate) metadata: Metadata,
    pub(crate) maintainers: Option<Vec<Option<Maintainer>>>,
    pub(crate) dependencies: Option<Vec<Option<Dependency>>>,
}

/// The fields of `Chart.yaml`.
pub(crate) const FIELDS: [&str; 17] = [
    "name",
    "home",
    "sources",
    "version",
    "description",
    "keywords",
    "maintainers",
    "icon",
    "apiVersion",
    "condition",
    "tags",
    "appVersion",
    "deprecated",
    "annotations",
    "kubeVersion",
    "dependencies",
    "type",
];

/// The fields of a maintainer.
pub(crate) const MAINTAINER_FIELDS: [&str; 3] = ["name", "email", "url"];
/// The fields of a dependency.
pub(crate) const DEPENDENCY_FIELDS: [&str; 8] =
    ["name", "version", "repository", "condition", "tags", "enabled", "import-values", "alias"];

impl RawMetadata {
    pub(crate) fn api_version(&self) -> &str {
        &self.metadata.api_version
    }

    /// A chart of Helm 2 names no version.
    pub(crate) fn default_api_version(&mut self) {
        if self.metadata.api_version.is_empty() {
            self.metadata.api_version.push_str("v1");
        }
    }

    /// Reads a document over what was read before.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), DecodeError> {
        let map = decode::map(text, "v2.Metadata")?;
        let mut fields = Fields::default();
        for (name, value) in decode::fields(&map, &FIELDS) {
            self.read_field(&mut fields, name, value);
        }
        fields.finish()
    }

    fn read_field(&mut self, fields: &mut Fields, name: &str, value: &Value) {
        let place = format!("Metadata.{name}");
        let metadata = &mut self.metadata;
        match name {
            "name" => fields.text(value, &place, &mut metadata.name),
            "home" => fields.text(value, &place, &mut metadata.home),
            "version" => fields.text(value, &place, &mut metadata.version),
            "description" => fields.text(value, &place, &mut metadata.description),
            "icon" => fields.text(value, &place, &mut metadata.icon),
            "apiVersion" => fields.text(value, &place, &mut metadata.api_version),
            "condition" => fields.text(value, &place, &mut metadata.condition),
            "tags" => fields.text(value, &place, &mut metadata.tags),
            "appVersion" => fields.text(value, &place, &mut metadata.app_version),
            "kubeVersion" => fields.text(value, &place, &mut metadata.kube_version),
            "type" => fields.text(value, &place, &mut metadata.chart_type),
            "deprecated" => fields.boolean(value, &place, &mut metadata.deprecated),
            "sources" => fields.texts(value, &place, &mut metadata.sources),
            "keywords" => fields.texts(value, &place, &mut metadata.keywords),
            "annotations" => fields.text_map(value, &place, &mut metadata.annotations),
            "maintainers" => {
                let types = ("[]*v2.Maintainer", "v2.Maintainer");
                fields.structs(value, &place, types, &mut self.maintainers, read_maintainer);
            }
            _ => {
                let types = ("[]*v2.Dependency", "v2.Dependency");
                fields.structs(value, &place, types, &mut self.dependencies, read_dependency);
            }
        }
    }

    /// Checks what was read and takes out what does not print.
    pub(crate) fn validate(self) -> Result<Metadata, ValidationError> {
        let mut metadata = self.metadata;
        sanitize_metadata(&mut metadata);
        check_name_and_version(&metadata)?;
        for maintainer in self.maintainers.unwrap_or_default() {
            let mut maintainer =
                maintainer.ok_or_else(|| invalid("maintainers must not contain empty or null nodes"))?;
            for text in [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url] {
                sanitize(text);
            }
            metadata.maintainers.push(maintainer);
        }
        if let Some(dependencies) = self.dependencies {
            metadata.dependencies = Some(check_dependencies(dependencies)?);
        }
        Ok(metadata)
    }
}

fn read_maintainer(fields: &mut Fields, map: &Map<String, Value>, maintainer: &mut Maintainer) {
    for (name, value) in decode::fields(map, &MAINTAINER_FIELDS) {
        let place = format!("Maintainer.maintainers.{name}");
        match name {
            "name" => fields.text(value, &place, &mut maintainer.name),
            "email" => fields.text(value, &place, &mut maintainer.email),
            _ => fields.text(value, &place, &mut maintainer.url),
        }
    }
}

fn read_dependency(fields: &mut Fields, map: &Map<String, Value>, dependency: &mut Dependency) {
    for (name, value) in decode::fields(map, &DEPENDENCY_FIELDS) {
        let place = format!("Dependency.dependencies.{name}");
        match name {
            "name" => fields.text(value, &place, &mut dependency.name),
            "version" => fields.text(value, &place, &mut dependency.version),
            "repository" => fields.text(value, &place, &mut dependency.repository),
            "condition" => fields.text(value, &place, &mut dependency.condition),
            "tags" => fields.texts(value, &place, &mut dependency.tags),
            "enabled" => fields.boolean(value, &place, &mut dependency.enabled),
            "import-values" => fields.values(value, &place, &mut dependency.import_values),
            _ => fields.text(value, &place, &mut dependency.alias),
        }
    }
}

fn sanitize_metadata(metadata: &mut Metadata) {
    let texts = [
        &mut metadata.name,
        &mut metadata.description,
        &mut metadata.home,
        &mut metadata.icon,
        &mut metadata.condition,
        &mut metadata.tags,
        &mut metadata.app_version,
        &mut metadata.kube_version,
    ];
    for text in texts {
        sanitize(text);
    }
    metadata.sources.iter_mut().chain(&mut metadata.keywords).for_each(sanitize);
}

/// Every blank becomes a space; what does not print goes.
fn sanitize(text: &mut String) {
    if text.chars().all(|character| character == ' ' || character.is_ascii_graphic()) {
        return;
    }
    *text = text
        .chars()
        .filter_map(|character| match character {
            _ if character.is_whitespace() => Some(' '),
            _ if is_printable(character) => Some(character),
            _ => None,
        })
        .collect();
}

fn check_name_and_version(metadata: &Metadata) -> Result<(), ValidationError> {
    let name = &metadata.name;
    if metadata.api_version.is_empty() {
        return Err(invalid("chart.metadata.apiVersion is required"));
    }
    if name.is_empty() {
        return Err(invalid("chart.metadata.name is required"));
    }
    if name == "." || name == ".." {
        return Err(invalid(format!("chart.metadata.name {} is not allowed", quote(name))));
    }
    if name.contains('/') || name.len() > MAX_NAME {
        return Err(invalid(format!("chart.metadata.name {} is invalid", quote(name))));
    }
    if metadata.version.is_empty() {
        return Err(invalid("chart.metadata.version is required"));
    }
    if !crate::version::is_version(&metadata.version) {
        return Err(invalid(format!("chart.metadata.version {} is invalid", quote(&metadata.version))));
    }
    if !matches!(metadata.chart_type.as_str(), "" | "application" | "library") {
        return Err(invalid("chart.metadata.type must be application or library"));
    }
    Ok(())
}

fn check_dependencies(dependencies: Vec<Option<Dependency>>) -> Result<Vec<Dependency>, ValidationError> {
    let mut names: Vec<String> = Vec::new();
    let mut checked = Vec::new();
    for dependency in dependencies {
        let mut dependency =
            dependency.ok_or_else(|| invalid("dependencies must not contain empty or null nodes"))?;
        let texts = [
            &mut dependency.name,
            &mut dependency.version,
            &mut dependency.repository,
            &mut dependency.condition,
        ];
        for text in texts {
            sanitize(text);
        }
        dependency.tags.iter_mut().for_each(sanitize);
        if !dependency.alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            let name = quote(&dependency.name);
            return Err(invalid(format!("dependency {name} has disallowed characters in the alias")));
        }
        let key = if dependency.alias.is_empty() { &dependency.name } else { &dependency.alias };
        if names.contains(key) {
            return Err(invalid(format!("more than one dependency with name or alias {}", quote(key))));
        }
        names.push(key.clone());
        checked.push(dependency);
    }
    Ok(checked)
}

/// Reads `Chart.lock` or `requirements.lock`.
pub(crate) fn read_lock(text: &str) -> Result<Lock, DecodeError> {
    let map = decode::map(text, "v2.Lock")?;
    let mut lock = Lock::default();
    let mut fields = Fields::default();
    for (name, value) in decode::fields(&map, &["generated", "digest", "dependencies"]) {
        let place = format!("Lock.{name}");
        match name {
            "generated" => fields.text(value, &place, &mut lock.generated),
            "digest" => fields.text(value, &place, &mut lock.digest),
            _ => {
                let mut list = None;
                let types = ("[]*v2.Dependency", "v2.Dependency");
                fields.structs(value, &place, types, &mut list, read_dependency);
                lock.dependencies = list.unwrap_or_default().into_iter().flatten().collect();
            }
        }
    }
    fields.finish()?;
    Ok(lock)
}
