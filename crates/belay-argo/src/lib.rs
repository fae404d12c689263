//! Argo CD's Application and AppProject, carried out.
//!
//! ```text
//! read → check → source → render → compare → decide → sync → report
//! ```
//! [`Controller`] says which app is looked at when; `reconcile` is one look, step by step, each step in its own room:
//! `desired` is what Git says, `compare` what the cluster has beside it, `sync` carries an operation out over many
//! looks, `status` alone makes a status, `write` alone writes it.

mod act;
mod charts;
mod clusters;
mod compare;
mod context;
mod controller;
mod decide;
mod deletion;
mod desired;
mod drift;
mod events;
mod evidence;
mod fault;
mod health;
mod lanes;
mod leftovers;
mod once;
mod orphans;
mod prepare;
mod project;
mod reconcile;
mod render;
pub mod repositories;
pub mod settings;
mod sources;
mod status;
mod sync;
mod traces;
mod tracking;
mod unbuilt;
mod write;

pub use context::{Commit, FIELD_MANAGER, GROUP, Settings, application_kind};
pub use controller::Controller;
pub use once::{ActionFault, ActionOf, Differences, LookError};
pub use project::{IN_CLUSTER, IN_CLUSTER_NAME};
pub use tracking::{TRACKING_ID, belonging, live_name, tracked_app};
