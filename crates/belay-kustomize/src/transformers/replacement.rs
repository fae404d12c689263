//! `replacements`: a field's value copied to other fields.

use super::{Configured, Setting};
use crate::error::Error;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured, Error> {
    if setting.kustomization.replacements.is_empty() {
        return Ok(Vec::new());
    }
    let file = setting.loader.folder().clone();
    Err(Error::Unsupported { file, feature: "replacements".to_owned(), reason: " yet" })
}
