//! Desired against live: which fields differ, and who owns them.
//!
//! The live object's `managedFields` tell three things: how its lists merge, which fields we set
//! and no longer want, and which fields somebody else added. See [`compare`].

mod client_side;
mod compare;
mod drift;
mod ignore;
mod known_types;
mod normalise;
mod ownership;
mod path;
mod predict;
mod quantity;
mod takeover;

pub use client_side::{LAST_APPLIED, Patch, Sides, last_applied_text, with_last_applied};
pub use compare::{AddedFields, CompareOptions, Difference, compare};
pub use drift::{DigestKey, Drift, describe};
pub use ignore::{IgnoreRule, Ignored, Jq, JqError};
pub use known_types::{KnownField, KnownType};
pub use normalise::{IgnoredStatus, NormaliseOptions, normalised, with_string_data};
pub use ownership::{Owner, Ownership};
pub use path::{FieldPath, Segment};
pub use predict::{Method, PredictError, added_paths};
pub use takeover::take_over;
