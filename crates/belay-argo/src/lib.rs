//! Argo CD's Application and AppProject, carried out.
//!
//! ```text
//! read → check → source → render → compare → decide → apply → report
//! ```
//! [`Controller`] says which app is looked at when; `reconcile` is one look, step by step, each step
//! in its own file. `report` alone makes a status, `write` alone writes it.

mod controller;
mod decide;
mod deletion;
mod prepare;
mod project;
mod reconcile;
mod render;
mod report;
mod write;

pub use controller::{Commit, Controller, FIELD_MANAGER, GROUP, Settings, application_kind};
pub use prepare::{TRACKING_ID, tracked_app};
pub use project::{IN_CLUSTER, IN_CLUSTER_NAME};
