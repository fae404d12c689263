//! Is an object healthy? Pure functions from its JSON to a verdict.
//!
//! [`argo`] holds Argo CD's rules and messages, [`kstatus`] those by which Flux waits, [`actions`] what can be done
//! with an object.

pub mod actions;
pub mod argo;
pub mod kstatus;
mod lua;
mod rules;
