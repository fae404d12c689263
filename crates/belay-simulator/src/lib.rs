//! Both families' controllers in a simulated world: one thread, a paused clock, and trouble drawn from a seed.
//!
//! ```text
//! script ──► world ─┬─ people (no faults) ────────────► embedded API
//! weather ──────────┼─ process: controllers ─ line ─ faults ─┘   │
//!                   └─ remote: Git in memory                     ▼
//!                                         check, digest: is it as Git says?
//! ```
//! The same seed is the same run. What must hold is in `check`: of every write, and of the end.

mod administrator;
mod bulk;
mod chance;
mod check;
mod claims;
mod digest;
mod disk;
mod estate;
mod gate;
mod hooks;
#[cfg(test)]
mod leftovers;
mod line;
mod many;
#[cfg(test)]
mod marks;
mod process;
mod remote;
#[cfg(test)]
mod replicas;
mod rollouts;
mod run;
mod script;
mod storm;
mod weather;
mod world;

pub use many::{Count, Summary, crashes, seeds};
pub use run::{End, Failure, Report, reference_run, seed};
