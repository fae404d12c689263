//! Keys that a build sets: the original writes them without quotes and reads them again, and what
//! then is a number, boolean, date or null cannot be a key of JSON.

use belay_goyaml::{Resolution, is_text_unquoted};

use crate::error::Error;

/// Refuses a key that the original cannot set.
pub(crate) fn check(key: &str) -> Result<(), Error> {
    if key.is_empty() {
        return Err(Error::rule("a key may not be empty"));
    }
    if is_text_unquoted(key, Resolution::V3) {
        return Ok(());
    }
    Err(Error::rule(format!("the key {key:?} is no text in YAML: an object cannot have it as a key")))
}
