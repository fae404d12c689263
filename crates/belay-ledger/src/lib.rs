//! The causal record: for each app what caused a look to matter (a commit and its files, a field that somebody changed,
//! a person, a dependency), what was decided and by which rule, and how it ended.
//!
//! - [`Entry`] is one line of it; [`Trigger`] and [`Decision`] are its two halves.
//! - [`Ledger`] keeps the newest entries of each app in memory, and on disk as lines of JSON.
//! - [`AuditedChange`]s name who changed what, where the API server's audit log is told to the ledger.
//! - [`contests`] tells from the entries who undoes our repairs again and again.

mod audit;
mod contest;
mod entry;
mod file;
mod ledger;

pub use audit::AuditedChange;
pub use contest::{Contest, contests};
pub use entry::{Decision, Entry, Rule, Trigger};
pub use file::{LedgerError, read};
pub use ledger::{Ledger, Standing};
