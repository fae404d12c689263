//! The plan: everything that an apply will do, decided beforehand.
//!
//! [`plan`] takes what should be, what is, and a family's rules, and gives ordered [`Step`]s.
//! Carrying them out decides nothing more; a dry run, a preview and a sync share the same plan. An Application's sync
//! goes in steps over time: see [`sync`].

mod plan;
pub mod sync;

pub use plan::{Action, Desired, KeptReason, Order, Plan, Step, Treatment, Wanted, plan};
