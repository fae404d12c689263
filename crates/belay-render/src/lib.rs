//! From a file tree to objects.
//!
//! [`detect`] tells which tool a folder is for, as Argo CD does; each tool has a function that
//! renders the folder to [`Manifest`](belay_manifest::Manifest)s. All are pure: the tree, the
//! options and the cluster's capabilities in, objects with their files and lines out.

mod cache;
mod detect;
mod directory;
mod glob;
mod helm;
mod kept;
mod kustomize;
mod readers;
mod remembered;

pub use cache::{Freshness, Render, RenderCache};
pub use detect::{SourceType, detect, kustomization_file};
pub use directory::{DirectoryOptions, render_directory};
pub use glob::{Glob, GlobError};
pub use helm::{ChartOutput, ChartValues, controller_options, render_chart};
pub use kept::RenderStore;
pub use kustomize::render_kustomize;

mod error;
pub use error::RenderError;
