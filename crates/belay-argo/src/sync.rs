//! Carrying an operation out, step by step, across looks.
//!
//! ```text
//! status.operationState ──► results ──► tasks ──► what is next ──► requests ──► results ──► status
//! ```
//! Nothing but the operation's state in the app's status is carried from look to look, so another process can go on.

mod check;
mod judged;
mod namespace;
pub(crate) mod operation;
mod results;
mod run;
mod settings;
mod steps;

pub(crate) use namespace::kind as namespace_kind;
pub(crate) use operation::{Current, current, has_revision, may_be_superseded, start};
pub(crate) use settings::{compare_settings, counts_webhooks, is_confirmed};
pub(crate) use steps::{Scene, fail, go_on, refuse};
