//! Flux's GitRepository and Kustomization, carried out.
//!
//! ```text
//! GitRepository: read → check → log in → fetch → report
//! Kustomization: read → check → source → build → compare → plan → apply → wait → report
//! ```
//! [`Controller`] says which object is looked at when; `repository` and `reconcile` are one look each,
//! step by step. `repository_status` and `kustomization_status` alone make statuses, `write` alone writes
//! them. HelmReleases are told that they are not supported yet.

mod build;
mod controller;
mod deletion;
mod drift;
mod files;
mod health;
mod helm_release;
mod inventory;
mod kustomization_status;
mod prepare;
mod reconcile;
mod report;
mod repository;
mod repository_status;
mod write;

pub use controller::{Controller, FIELD_MANAGER, HELM_GROUP, KUSTOMIZE_GROUP, SOURCE_GROUP, Settings, kinds};
pub use prepare::{OWNER_NAME, OWNER_NAMESPACE};
