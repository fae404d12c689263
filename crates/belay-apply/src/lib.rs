//! Carry out a plan. Decides nothing: every step says what to do, and every step has an outcome.
//!
//! # Contract
//! - Only this crate writes users' objects.
//! - One write request per changed object, as the plan says: a patch, a server-side apply, a replacement. Only where
//!   somebody added fields that have to go from a server-side applied object, a second one first moves them to us.
//! - What webhooks or policies may refuse is tried first where other writes go with it, which leaves nothing behind: see
//!   [`rehearse`]. So is what seems invalid by the API server's own rules, which are asked in process: see
//!   [`is_suspect`] and [`carry_out_whole_stages`].
//! - A delete carries the uid that the plan saw; an object of the same name made since is spared.
//! - A group of steps that failed stops the steps behind it; nothing is pruned after a failure. An Application's sync
//!   has its own order: see [`carry_out_stage`].

mod admission;
mod carry_out;
mod check;
mod definitions;
mod error;
mod migrate;
mod rehearse;
mod requests;
mod schemas;
mod stage;

pub use admission::{concern, judges, namespace_key};
pub use carry_out::{ApplySettings, Done, Outcome, carry_out, carry_out_whole_stages};
pub use check::{fault, is_suspect};
pub use error::ApplyError;
pub use rehearse::{rehearse, try_apply};
pub use schemas::{Schemas, definitions};
pub use stage::{Answered, Performed, StageSettings, Written, carry_out_stage, delete_hook, release_hook};
