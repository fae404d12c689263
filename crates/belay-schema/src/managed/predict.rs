//! What an API server would leave of an apply, without asking it.

use serde_json::Value;

use super::{ApplyError, Write, apply};
use crate::prune::drop_left_nulls;
use crate::{KindSchema, default_object, keep_unchangeable, prune};

/// The object that a server-side apply yields, managedFields included, or the conflict that it meets. Whether the result
/// is valid is not asked here, nor is what admission would add.
pub fn predict(
    kind: &KindSchema,
    live: Option<&Value>,
    applied: &Value,
    write: &Write<'_>,
    force: bool,
) -> Result<Value, ApplyError> {
    let mut object = apply(kind, live, applied, write, force)?;
    prune(kind, &mut object);
    drop_left_nulls(kind, applied, &mut object);
    default_object(kind, &mut object);
    keep_unchangeable(kind, live, &mut object, write.subresource);
    Ok(object)
}
