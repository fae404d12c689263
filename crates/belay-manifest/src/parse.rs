//! Reading manifests: a file's text into objects, each with the file and line it came from.

use std::fmt;

use serde_json::Value;

use crate::object::{IdentityError, Object, type_name};

/// Bounds on one file.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Most bytes of one file.
    pub bytes: usize,
    /// Most documents in one file.
    pub documents: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 10 * 1024 * 1024, documents: 20_000 }
    }
}

/// Where an object was written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The file, relative to the root of its source.
    pub file: String,
    /// The line its document starts on, counted from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

/// An object and where it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// The object.
    pub object: Object,
    /// File and line.
    pub origin: Origin,
}

/// Why a file is not a list of objects.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The text is no YAML.
    #[error("{origin}: is not valid YAML: {reason}")]
    Syntax {
        /// File, and the line of the fault.
        origin: Origin,
        /// What the parser said. Its own line would be one of the document, and often the one before: it is left out.
        reason: String,
    },
    /// A document is YAML, but no object.
    #[error("{origin}: is not a Kubernetes object")]
    Identity {
        /// File, and the line where the document starts.
        origin: Origin,
        /// What is missing.
        #[source]
        source: IdentityError,
    },
    /// The file holds bytes that are not UTF-8.
    #[error("{file}: is not text in UTF-8")]
    Encoding {
        /// The file.
        file: String,
    },
    /// The file is larger than allowed.
    #[error("{file}: {size} bytes are more than the limit of {limit}")]
    TooLarge {
        /// The file.
        file: String,
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The file holds more documents than allowed.
    #[error("{file}: more than {limit} documents")]
    TooMany {
        /// The file.
        file: String,
        /// The limit.
        limit: usize,
    },
}

/// Reads every object of a YAML or JSON file, with `List`s taken apart.
///
/// A document that has none of `apiVersion`, `kind` and `metadata` (a values file, say) is passed
/// over, as Argo CD does; one that has only some of them is an error.
pub fn parse(file: &str, content: &[u8], limits: &Limits) -> Result<Vec<Manifest>, ManifestError> {
    if content.len() > limits.bytes {
        return Err(ManifestError::TooLarge {
            file: file.to_owned(),
            size: content.len(),
            limit: limits.bytes,
        });
    }
    let text = std::str::from_utf8(content)
        .map_err(|_not_utf8| ManifestError::Encoding { file: file.to_owned() })?;
    let mut manifests = Vec::new();
    for (count, (line, document)) in belay_goyaml::split_documents(text).into_iter().enumerate() {
        if count >= limits.documents {
            return Err(ManifestError::TooMany { file: file.to_owned(), limit: limits.documents });
        }
        let value = belay_goyaml::to_json_strict(document).map_err(|error| ManifestError::Syntax {
            origin: Origin { file: file.to_owned(), line: line + error.line.max(1) - 1 },
            reason: error.message,
        })?;
        let origin = Origin { file: file.to_owned(), line };
        collect(value, &origin, &mut manifests)
            .map_err(|source| ManifestError::Identity { origin, source })?;
    }
    Ok(manifests)
}

fn collect(value: Value, origin: &Origin, manifests: &mut Vec<Manifest>) -> Result<(), IdentityError> {
    match value {
        Value::Null => Ok(()),
        Value::Array(items) => items.into_iter().try_for_each(|item| collect(item, origin, manifests)),
        Value::Object(mut fields) if is_list(&fields) => match fields.remove("items") {
            Some(Value::Array(items)) => {
                items.into_iter().try_for_each(|item| collect(item, origin, manifests))
            }
            _ => Ok(()),
        },
        Value::Object(fields)
            if !["apiVersion", "kind", "metadata"].iter().any(|name| fields.contains_key(*name)) =>
        {
            Ok(())
        }
        Value::Object(fields) => {
            let object = Object::new(Value::Object(fields))?;
            manifests.push(Manifest { object, origin: origin.clone() });
            Ok(())
        }
        scalar => Err(IdentityError::NotAnObject { found: type_name(&scalar) }),
    }
}

fn is_list(fields: &serde_json::Map<String, Value>) -> bool {
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    kind.ends_with("List") && fields.get("items").is_some_and(Value::is_array)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        let manifests = parse("a.yaml", text.as_bytes(), &Limits::default()).unwrap();
        manifests.iter().map(|manifest| format!("{} {}", manifest.object.key(), manifest.origin)).collect()
    }

    #[test]
    fn several_documents_and_lists_keep_their_lines() {
        let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\n# nothing here\n---\n\
                    apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: b}}\n";
        assert_eq!(names(text), ["Namespace/a a.yaml:1", "Pod/b a.yaml:7"]);
    }

    #[test]
    fn a_values_file_is_passed_over_and_a_half_object_is_not() {
        assert!(names("replicas: 3\n").is_empty());
        let half = parse("a.yaml", b"kind: Pod\nmetadata: {name: b}\n", &Limits::default());
        assert!(matches!(half, Err(ManifestError::Identity { .. })));
    }

    #[test]
    fn a_fault_names_its_line_in_the_file() {
        let text = b"apiVersion: v1\nkind: Namespace\nmetadata: {name: a}\n---\na: 1\n\tb: 2\n";
        let error = parse("apps/a.yaml", text, &Limits::default()).unwrap_err();
        let said = "apps/a.yaml:6: is not valid YAML: found a tab character that violates indentation";
        assert_eq!(error.to_string(), said);
    }

    #[test]
    fn a_duplicate_key_is_a_fault() {
        let error = parse("a.yaml", b"a: 1\na: 2\n", &Limits::default()).unwrap_err();
        assert!(matches!(error, ManifestError::Syntax { .. }));
    }
}
