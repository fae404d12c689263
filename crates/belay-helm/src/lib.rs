//! Charts as Helm treats them: loaded, given values, rendered, sorted, recorded.
//!
//! ```text
//! tree or .tgz ── load ── Chart ─┐
//! -f, --set… ──── values ────────┴─ render ── Rendered ─┬─ output   what `helm template` prints
//!                  (dependencies, coalescing, schema,   └─ record   what Helm stores of a release
//!                   templates, manifests and hooks)
//! ```
//!
//! Bytes and error texts are those of Helm 4.3.1. Nothing here reads files, clocks, random sources
//! or clusters: all of them are handed in.

mod archive;
mod capabilities;
mod chart;
mod decode;
mod dependencies;
mod engine;
mod explain;
mod functions;
mod graph;
mod ignore;
mod lint;
mod load;
pub mod lock;
mod manifest;
mod metadata;
mod name;
mod objects;
mod output;
mod package;
mod quote;
pub mod record;
mod render;
mod repository;
mod schema;
mod values;
pub mod version;
mod yaml;

pub use archive::{ArchiveError, unpack};
pub use belay_gotemplate::ParseCache;
pub use capabilities::{BuildInfo, Capabilities, KubeVersion, KubeVersionError};
pub use chart::{Chart, Dependency, File, Lock, Maintainer, Metadata, repository_name};
pub use decode::DecodeError;
pub use dependencies::DependencyError;
pub use engine::EngineError;
pub use explain::{
    ExplainError, Explanation, FieldStep, Layer, Piece, Read, Setter, Target, TargetError, Traced,
};
pub use functions::{HostResolver, Lookup};
pub use ignore::IgnoreError;
pub use lint::{Finding, LintOptions, Severity, lint};
pub use load::{LoadError, LoadLimits};
pub use manifest::{Hook, HookEvent, Manifest, ManifestError, split_manifests};
pub use metadata::ValidationError;
pub use name::{NameError, check_release_name, name_from_template};
pub use output::{OutputError, OutputOptions};
pub use record::{Release, Status};
pub use render::{COMMAND_LINE_DEPTH, Crd, NotText, RenderError, RenderOptions, Rendered, render};
pub use repository::{ChartVersion, IndexError, NotInIndex, RepositoryIndex};
pub use schema::SchemaError;
pub use values::{ReadValuesError, SetError, Values, ValuesError, ValuesFlags};
pub use yaml::YamlError;
