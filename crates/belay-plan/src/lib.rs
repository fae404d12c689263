//! The plan: everything that an apply will do, decided beforehand.
//!
//! [`plan`] takes what should be, what is, and a family's rules, and gives ordered [`Step`]s.
//! Carrying them out decides nothing more; a dry run, a preview and a sync share the same plan.

mod plan;

pub use plan::{Action, Desired, KeptReason, Order, Plan, Step, Treatment, Wanted, plan};
