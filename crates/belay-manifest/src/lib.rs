//! Kubernetes objects as data: parse them from files, identify, order and mask them.
//!
//! Nothing here talks to a cluster. An [`Object`] is the JSON a manifest holds; an [`ObjectKey`]
//! says which object that is, whatever version it was written in.

mod key;
mod object;
mod order;
mod packed;
mod parse;
mod secret;

pub use key::{GroupVersionKind, ObjectKey, is_dns_label, is_dns_subdomain};
pub use object::{IdentityError, Object};
pub use order::{argo_kind_rank, flux_kind_rank, flux_stage};
pub use packed::PackedObject;
pub use parse::{Limits, Manifest, ManifestError, Origin, parse};
pub use secret::{MASK, Secret, mask_secret_values};
