//! A chart as it was loaded.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

/// A file of the chart, named by its path from the chart's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The path from the chart's folder.
    pub name: String,
    /// The content.
    pub data: Bytes,
}

impl File {
    /// The content as text; bytes that are not UTF-8 become U+FFFD.
    pub fn text(&self) -> Cow<'_, str> {
        // Almost always text, and telling so is cheaper than replacing.
        std::str::from_utf8(&self.data).map_or_else(|_| String::from_utf8_lossy(&self.data), Cow::Borrowed)
    }
}

/// A chart and the charts in its `charts/` folder, as they were loaded: nothing merged, nothing
/// rendered.
#[derive(Debug, Clone, Default)]
pub struct Chart {
    /// `Chart.yaml`
    pub metadata: Metadata,
    /// `Chart.lock`
    pub lock: Option<Lock>,
    /// The files of `templates/`.
    pub templates: Vec<File>,
    /// `values.yaml`, its numbers as floats.
    pub values: Map<String, Value>,
    /// `values.schema.json`
    pub schema: Option<Bytes>,
    /// The other files, those of `crds/` among them.
    pub files: Vec<File>,
    /// Every file, as it stood in the folder or the archive.
    pub raw: Vec<File>,
    /// The charts in `charts/`.
    pub dependencies: Vec<Arc<Chart>>,
    /// What Helm would log while it loads the chart.
    pub warnings: Vec<String>,
}

impl Chart {
    /// The chart's name.
    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    /// The files of `crds/` that hold manifests.
    pub fn crds(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.name.starts_with("crds/") && has_manifest_extension(&file.name))
    }

    /// The first file of that name, as it stood in the chart.
    pub fn raw_file(&self, name: &str) -> Option<&File> {
        self.raw.iter().find(|file| file.name == name)
    }
}

fn has_manifest_extension(name: &str) -> bool {
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    ["yaml", "yml", "json"].iter().any(|known| extension.eq_ignore_ascii_case(known))
}

/// What `Chart.yaml` says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// The chart's name, or its alias once dependencies are processed.
    pub name: String,
    /// A page about the project.
    pub home: String,
    /// Where the source is.
    pub sources: Vec<String>,
    /// The chart's version.
    pub version: String,
    /// One sentence.
    pub description: String,
    /// Words to search for.
    pub keywords: Vec<String>,
    /// Who maintains it.
    pub maintainers: Vec<Maintainer>,
    /// An icon's address.
    pub icon: String,
    /// `v1` or `v2`
    pub api_version: String,
    /// A path in the values that enables the chart.
    pub condition: String,
    /// Tags that enable the chart.
    pub tags: String,
    /// The version of the application inside.
    pub app_version: String,
    /// Whether the chart should no longer be used.
    pub deprecated: bool,
    /// Anything else.
    pub annotations: Option<BTreeMap<String, String>>,
    /// The Kubernetes versions the chart can be used with.
    pub kube_version: String,
    /// The charts it needs. Absent and empty are not the same to Helm.
    pub dependencies: Option<Vec<Dependency>>,
    /// `application` or `library`
    pub chart_type: String,
}

impl Metadata {
    /// Whether the chart only holds definitions for others.
    pub fn is_library(&self) -> bool {
        self.chart_type.eq_ignore_ascii_case("library")
    }
}

/// A maintainer of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Maintainer {
    /// The person's name.
    pub name: String,
    /// The person's mail address.
    pub email: String,
    /// The person's page.
    pub url: String,
}

/// A chart another chart needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dependency {
    /// The needed chart's name.
    pub name: String,
    /// The versions that will do.
    pub version: String,
    /// Where to get it.
    pub repository: String,
    /// Paths in the values, comma separated, the first of which that is a boolean enables it.
    pub condition: String,
    /// Tags, any of which enables it.
    pub tags: Vec<String>,
    /// Whether it takes part.
    pub enabled: bool,
    /// Values to lift into the parent: names, or pairs of `child` and `parent`.
    pub import_values: Vec<Value>,
    /// Another name for this use of it.
    pub alias: String,
}

/// The name of a repository that a dependency names by its name: `@NAME` or `alias:NAME`.
pub fn repository_name(repository: &str) -> Option<&str> {
    repository.strip_prefix('@').or_else(|| repository.strip_prefix("alias:"))
}

/// `Chart.lock`
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Lock {
    /// When it was written, as RFC 3339 text.
    pub generated: String,
    /// A digest of the dependencies.
    pub digest: String,
    /// The versions that were chosen.
    pub dependencies: Vec<Dependency>,
}
