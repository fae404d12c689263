//! What the fields of Kubernetes objects are, as data and without a cluster: defaults, pruning, validation,
//! structured merge and field ownership, exactly as the API server of Kubernetes 1.34 does it.
//!
//! ```text
//! recorded OpenAPI ─┐
//!                   ├─ KindSchema ──┬── encoding::normalize, default_object, prune, validate (rules of built-in kinds)
//! CustomResource…  ─┘               ├── managed::{apply, update}   (server-side apply, managedFields)
//!                                   └── strategic::merge           (and the other patches)
//! ```
//!
//! A server's steps for a create, an update or a patch, in this order:
//!
//! 1. the new object: the body, or [`merge_patch`], [`json_patch`], [`strategic::merge`] on the live object;
//! 2. [`unknown_fields`] and [`duplicate_fields`] for `fieldValidation`, then [`decode`] and [`default_object`];
//! 3. [`managed::update`] with the live object: who owns what;
//! 4. [`keep_unchangeable`], what else the server fills in, then [`validate`].
//!
//! Server-side apply replaces 1 to 3 by [`managed::apply`]; a custom resource is then to be pruned ([`prune`]) and
//! defaulted. `tests/recorded.rs` walks these steps beside a real API server's answers.

mod arena;
mod builtin;
mod cel_rules;
mod conversion;
mod core_type;
mod crd;
mod defaults;
mod disabled;
mod encoding;
mod errors;
mod expression;
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
mod rules;
pub mod schedule;
pub mod strategic;
mod strategy;
mod structured;
mod unknown;
mod validate;
mod values;
mod versions;

pub use core_type::CoreType;
pub use crd::crd_errors;
pub use defaults::default_object;
pub use encoding::{DecodeError, decode};
pub use errors::{FieldError, Reason, invalid_message};
pub use expression::{Expression, ExpressionError};
pub use field_set::{FieldSet, FieldSetError};
pub use kind::{KindSchema, SchemaError};
pub use openapi::{custom_resources_document, second_document};
pub use patches::{PatchError, json_patch, merge_patch, merge_patch_between};
pub use path::{FieldPath, PathElement};
pub use prune::prune;
pub use quantity::{Quantity, QuantityError};
pub use registry::{GroupVersion, Registry, Resource};
pub use reset::keep_unchangeable;
pub use rules::metadata_errors;
pub use unknown::{duplicate_fields, unknown_fields};
pub use validate::validate;
pub use values::{go_json, go_text};
pub use versions::convert;
