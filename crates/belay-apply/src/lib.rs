//! Carry out a plan. Decides nothing: every step says what to do, and every step has an outcome.
//!
//! # Contract
//! - Only this crate writes users' objects.
//! - One write request per changed object: a forced server-side apply. Only where somebody added
//!   fields that have to go, a second one first moves their ownership to us.
//! - A delete carries the uid that the plan saw; an object of the same name made since is spared.
//! - A group of steps that failed stops the steps behind it; nothing is pruned after a failure.

mod carry_out;
mod error;

pub use carry_out::{ApplySettings, Done, Outcome, carry_out};
pub use error::ApplyError;
