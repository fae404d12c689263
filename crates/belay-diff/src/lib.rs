//! Desired against live: which fields differ, and who owns them.
//!
//! The live object's `managedFields` tell three things: how its lists merge, which fields we set
//! and no longer want, and which fields somebody else added. See [`compare`].

mod compare;
mod drift;
mod ownership;
mod path;
mod quantity;
mod takeover;

pub use compare::{AddedFields, CompareOptions, Difference, compare};
pub use drift::{Drift, describe};
pub use ownership::{Owner, Ownership};
pub use path::{FieldPath, Segment};
pub use takeover::take_over;
