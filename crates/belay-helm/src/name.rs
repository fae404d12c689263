//! The names of releases.

use std::sync::Arc;

use belay_gotemplate::{Clock, Options, RandomSource, TemplateSet, Value, sprig};

/// Names of Kubernetes objects are derived from it, so it must leave room.
const MAX_NAME: usize = 53;

/// Why a release cannot have a name.
#[derive(Debug, thiserror::Error)]
pub enum NameError {
    /// Empty.
    #[error("no name provided")]
    Missing,
    /// Too long, or with characters that no object's name may have.
    #[error(
        "invalid release name, must match regex \
         ^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$ and the length must not be \
         longer than {MAX_NAME}"
    )]
    Invalid,
    /// `--name-template` cannot be used.
    #[error("{text}")]
    Template {
        /// What the template engine says.
        text: String,
    },
}

/// Checks a name as Helm does.
pub fn check_release_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Missing);
    }
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fine = name.len() <= MAX_NAME
        && name.split('.').all(|label| {
            let bytes = label.as_bytes();
            bytes.first().is_some_and(|byte| letter(*byte))
                && bytes.last().is_some_and(|byte| letter(*byte))
                && bytes.iter().all(|byte| letter(*byte) || *byte == b'-')
        });
    if fine { Ok(()) } else { Err(NameError::Invalid) }
}

/// `--name-template`
pub fn name_from_template(
    text: &str,
    clock: Option<Arc<dyn Clock>>,
    random: Option<Arc<dyn RandomSource>>,
) -> Result<String, NameError> {
    let failed = |error: belay_gotemplate::Error| NameError::Template { text: error.to_string() };
    let mut set = TemplateSet::new("name-template", Arc::new(sprig()));
    set.parse("name-template", text).map_err(failed)?;
    let options = Options { clock, random, ..Options::default() };
    set.execute("name-template", Value::Nil, &options).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_objects() {
        for name in ["a", "web-1", "a.b", &"a".repeat(53)] {
            assert!(check_release_name(name).is_ok(), "{name}");
        }
        for name in ["", "A", "-a", "a-", "a..b", "a_b", &"a".repeat(54)] {
            assert!(check_release_name(name).is_err(), "{name}");
        }
    }
}
