//! `type`, `const`, `enum` and `format`: when one of them fails, nothing else is looked at.

use super::super::compile::Schema;
use super::super::document::Document;
use super::super::types::Types;
use super::super::words::{quoted, shown};

/// Tells what is wrong, if somebody wants to know.
pub(super) type Telling<'t> = Box<dyn FnOnce() -> String + 't>;

/// What is wrong with the value as a whole.
pub(super) fn fault<'t>(schema: &'t Schema<'_>, value: &'t Document) -> Option<Telling<'t>> {
    if !schema.types.allow(value) {
        return Some(Box::new(|| format!("got {}, want {}", Types::name_of(value), schema.types.names())));
    }
    if let Some(constant) = schema.constant.filter(|constant| !value.equals(constant)) {
        return Some(Box::new(|| of_constant(constant)));
    }
    if let Some(allowed) = schema.allowed.filter(|allowed| !allowed.iter().any(|item| value.equals(item))) {
        return Some(Box::new(|| of_allowed(allowed)));
    }
    let (format, text) = (schema.format?, value.as_str()?);
    let fault = format.fault(text)?;
    Some(Box::new(move || format!("{} is not valid {}: {fault}", quoted(text), format.name)))
}

fn is_nested(value: &Document) -> bool {
    matches!(value, Document::Array(_) | Document::Object(_))
}

fn of_constant(constant: &Document) -> String {
    if is_nested(constant) {
        "'const' failed".to_owned()
    } else {
        format!("value must be {}", shown(constant))
    }
}

fn of_allowed(allowed: &[Document]) -> String {
    if allowed.iter().any(is_nested) {
        return "'enum' failed".to_owned();
    }
    let texts: Vec<String> = allowed.iter().map(shown).collect();
    match texts.as_slice() {
        [one] => format!("value must be {one}"),
        several => format!("value must be one of {}", several.join(", ")),
    }
}
