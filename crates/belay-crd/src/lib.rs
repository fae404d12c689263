//! Custom resources described once. From the same lines come the typed view, the schema, the CRD, the checks and the
//! list of what is honoured: see [`described!`] first, then [`Kind`].

mod check;
mod described;
mod duration;
mod error;
mod facts;
mod int_or_string;
mod kind;
mod metadata;
mod schema;
mod support;
mod time;

pub use check::{check, duration_errors};
pub use described::{Described, take_field, take_object};
pub use duration::{GoDuration, format_go_duration, parse_go_duration};
pub use error::FieldError;
pub use facts::{crd_facts, schema_fields};
pub use int_or_string::IntOrString;
pub use kind::{Column, Kind, Resource, Subresources};
pub use metadata::{MetadataFields, ObjectMeta, OwnerReference};
pub use schema::Schema;
pub use support::{Support, SupportError, Verdict};
pub use time::Time;

#[doc(hidden)]
pub use serde;
#[doc(hidden)]
pub use serde_json as json;
