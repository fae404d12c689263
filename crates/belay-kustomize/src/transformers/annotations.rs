//! `commonAnnotations`: annotations on objects and templates.

use super::labels::{Labels, sorted};
use super::{Configured, Setting};
use crate::error::Error;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let annotations = &setting.kustomization.common_annotations;
    if annotations.is_empty() {
        return Ok(Vec::new());
    }
    let fields = setting.configuration.common_annotations.clone();
    Ok(vec![Box::new(Labels { pairs: sorted(annotations), fields })])
}
