//! What the fields of Kubernetes objects are, as data and without a cluster: defaults, pruning, validation,
//! structured merge and field ownership, exactly as the API server of Kubernetes 1.34 does it.
//!
//! ```text
//! recorded OpenAPI ─┐
//!                   ├─ KindSchema ──┬── encoding::normalize, default_object, prune, validate
//! CustomResource…  ─┘               ├── managed::{apply, update}   (server-side apply, managedFields)
//!                                   └── strategic::merge           (and the other patches)
//! ```
//!
//! A server's order for a write: `unknown_fields` → `decode` (normalise) or `prune` → `default_object` →
//! `validate` → `managed::update`; server-side apply starts with `managed::apply`.

mod arena;
mod builtin;
mod cel_rules;
mod conversion;
mod crd;
mod defaults;
mod encoding;
mod errors;
mod field_set;
mod kind;
pub mod managed;
mod openapi;
mod patches;
mod path;
mod prune;
mod quantity;
mod registry;
mod reset;
pub mod strategic;
mod structured;
mod unknown;
mod validate;
mod values;

pub use crd::crd_errors;
pub use defaults::default_object;
pub use encoding::{DecodeError, decode};
pub use errors::{FieldError, Reason, invalid_message};
pub use field_set::{FieldSet, FieldSetError};
pub use kind::{KindSchema, SchemaError};
pub use openapi::custom_resources_document;
pub use patches::{PatchError, json_patch, merge_patch};
pub use path::{FieldPath, PathElement};
pub use prune::prune;
pub use quantity::{Quantity, QuantityError};
pub use registry::{GroupVersion, Registry, Resource};
pub use reset::keep_unchangeable;
pub use unknown::{duplicate_fields, unknown_fields};
pub use validate::validate;
