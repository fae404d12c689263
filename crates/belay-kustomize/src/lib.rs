//! Kustomization builds: the objects `kustomize build` (v5.8.2) renders, to the byte.
//!
//! ```text
//! folder ── loader ── kustomization ── resources, bases, components ─┐
//!                                      generators ───────────────────┤
//!                                                                    ▼
//!                                      transformers, in their order, on what was gathered
//!                                                                    ▼
//!                 text ◄── output ◄── order ◄── references ◄── hashes
//! ```
//!
//! A build is a function of the file tree and its options: it reads no clock, environment or
//! network, and runs nothing. Every step is linear in the objects it touches; ids and former names
//! are found by index.
//!
//! - [`build`] is `kustomize build`; [`BuildOptions::edit`] lays settings over the kustomization,
//!   as Argo CD and Flux do.
//! - [`generate_kustomization`] makes a kustomization for a folder that has none.
//! - [`substitute`] is Flux's post-build substitution.
//! - What is not supported is an error that names the field.

mod absorb;
mod base_cache;
mod bases;
mod branches;
mod build;
mod configuration;
mod crds;
mod decode;
mod edit;
mod error;
mod explain;
mod field_lookup;
mod field_path;
mod generate;
mod generators;
mod helm;
mod id;
mod json_patch;
mod keys;
mod kustomization;
mod loader;
mod objects;
mod openapi;
mod options;
mod origin;
mod output;
mod places;
mod plugins;
mod quotes;
mod remote;
mod resource;
mod resources;
mod selector;
mod shared;
mod steps;
mod strategic_merge;
mod substitute;
mod target;
mod transformers;
mod types;
mod variables;

pub use base_cache::BaseCache;
pub use branches::{Branch, tree};
pub use build::build;
pub use edit::{FileEdit, edit_file};
pub use error::Error;
pub use explain::{Change, Explanation};
pub use generate::generate_kustomization;
pub use helm::{HelmChart, HelmChartArguments, HelmGlobals, HelmOptions};
pub use id::FieldSpec;
pub use kustomization::{
    FieldOptions, GeneratorArguments, GeneratorOptions, Image, Kustomization, Label, LegacySortOptions,
    ObjectMeta, Patch, PatchOptions, Replacement, ReplacementSource, ReplacementTarget, Replica, Selector,
    SortOptions, TextMap, Variable, VariableField, VariableTarget,
};
pub use options::{BuildOptions, FieldQuery, KustomizationEdit, LoadRestrictor, Reorder};
pub use output::{Build, Built};
pub use remote::{RemoteChart, RemoteRepository, Remotes};
pub use resource::Place;
pub use selector::ObjectSelector;
pub use substitute::{
    SUBSTITUTE_ANNOTATION, SubstituteError, SubstituteOptions, SubstituteVariables, is_substitution_disabled,
    substitute, substitute_text, variable_value,
};
