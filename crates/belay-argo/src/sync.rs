//! Carrying an operation out, step by step, across looks.
//!
//! ```text
//! status.operationState ──► results ──► tasks ──► what is next ──► requests ──► results ──► status
//! ```
//! Nothing but the operation's state in the app's status is needed from look to look, so another process can go on. What
//! that has no room for is kept in mind, and found anew by another process.

mod check;
mod judged;
mod namespace;
pub(crate) mod operation;
mod results;
mod room;
mod run;
mod settings;
mod steps;

pub(crate) use namespace::kind as namespace_kind;
pub(crate) use operation::{Current, current, has_revision, may_be_superseded, start};
pub(crate) use room::{Overflow, fit, size};
pub(crate) use settings::{compare_settings, counts_webhooks, is_confirmed, own_or_app_option};
pub(crate) use steps::{Scene, fail, go_on, overdue, refuse};
