//! An Application's sync: hooks, phases, waves and prunes as a value, and how far they have come.
//!
//! [`tasks`] makes the ordered list of [`Task`]s from desired and live objects, what came of them so far included. A
//! [`Progress`] then says what is next: run these, wait for those, or it is over. Nothing is remembered besides the
//! results, which live in the Application's status; so a sync goes on where it was, whoever carries it on.

mod actions;
mod admission;
mod annotations;
mod hook;
mod order;
mod progress;
mod settings;
mod task;
mod tasks;
mod write;

pub use actions::{Action, Stage};
pub use admission::{ADMISSION_GROUP, ADMISSION_KINDS, Judges};
pub use annotations::{SYNC_OPTIONS, has_option, option, words};
pub use hook::{
    DeletePolicy, HOOK_FINALIZER, HOOK_MARK, Phase, delete_policies, hook_phases, is_hook, is_post_delete,
    is_pre_delete, is_skipped, runs_in_sync,
};
pub use order::{deletion_rank, wave};
pub use progress::{Batch, End, Health, Next, Progress, Purpose, Turn};
pub use settings::{Prune, Settings};
pub use task::{Code, Reason, Stand, Task, TaskResult};
pub use tasks::{Pair, tasks};
pub use write::{Write, method, write};
