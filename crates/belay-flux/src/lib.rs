//! Flux's GitRepository, Kustomization, HelmChart and HelmRelease, carried out.
//!
//! ```text
//! GitRepository: read → check → log in → fetch → store → report
//! Kustomization: read → check → source → build → compare → plan → apply → wait → report
//! HelmChart:     read → check → source → build → store → report
//! HelmRelease:   read → check → chart → values → state → act → report
//! ```
//! [`Controller`] says which object is looked at when; `repository` and `reconcile` are one look each,
//! step by step. The files named `status` alone make statuses, `write` alone writes them.

mod artifact;
mod build;
mod chart;
mod chart_build;
mod chart_status;
mod clusters;
mod context;
mod controller;
mod deletion;
mod dependents;
mod depends;
mod drift;
mod drift_ignore;
mod evidence;
mod external_artifact;
mod files;
mod health;
mod health_checks;
mod helm_release;
mod history;
mod ignore;
mod inventory;
mod jobs;
mod kustomization_source;
mod kustomization_status;
mod leftovers;
mod long;
mod once;
mod pieces;
mod post_build;
mod prepare;
mod reconcile;
mod references;
mod report;
mod repository;
mod repository_access;
mod repository_content;
mod repository_status;
mod repository_verify;
mod secret_data;
mod unbuilt;
mod unreadable;
mod write;

pub use context::{FIELD_MANAGER, HELM_GROUP, KUSTOMIZE_GROUP, SOURCE_GROUP, Settings};
pub use controller::{Controller, belonging, kinds};
pub use once::{Differences, LookError};
pub use prepare::{OWNER_NAME, OWNER_NAMESPACE};
