//! Why a schema cannot be used, in the words of the library that Helm uses.

use belay_gotemplate::go_quote;

fn quote(text: &str) -> String {
    go_quote(text.as_bytes())
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// A reference or an id is no URL.
    #[error("error in parsing {}: {reason}", quote(text))]
    Address { text: String, reason: String },
    /// An id that cannot be resolved.
    #[error("error in parsing id at {}", quote(.0))]
    Id(String),
    /// An anchor that cannot be decoded.
    #[error("error in parsing anchor at {}", quote(.0))]
    Anchor(String),
    /// Two schemas have the same id.
    #[error("duplicate id {} in {} at {} and {}", quote(id), quote(url), quote(first), quote(second))]
    DuplicateId { id: String, url: String, first: String, second: String },
    /// Two schemas have the same anchor.
    #[error("duplicate anchor {} in {} at {} and {}", quote(anchor), quote(url), quote(first), quote(second))]
    DuplicateAnchor { anchor: String, url: String, first: String, second: String },
    /// Nothing has that anchor.
    #[error("anchor in {} not found in schema {}", quote(reference), quote(url))]
    AnchorNotFound { reference: String, url: String },
    /// A `~` that escapes nothing.
    #[error("invalid json-pointer {}", quote(.0))]
    InvalidPointer(String),
    /// Nothing is there.
    #[error("json-pointer in {} not found", quote(.0))]
    PointerNotFound(String),
    /// `$schema` is no URL.
    #[error("invalid $schema in {}: {reason}", quote(at))]
    InvalidMetaschemaUrl { at: String, reason: String },
    /// `$schema` names the schema itself.
    #[error("draft {} is not supported", quote(.0))]
    UnsupportedDraft(String),
    /// Metaschemas that describe each other.
    #[error("cycle in resolving $schema in {}", quote(.0))]
    MetaschemaCycle(String),
    /// A vocabulary that must be understood, and is not.
    #[error("unsupported vocabulary {} in {}", quote(vocabulary), quote(url))]
    UnsupportedVocabulary { url: String, vocabulary: String },
    /// Another document that could not be had.
    #[error("failing loading {}: {reason}", quote(url))]
    Loading { url: String, reason: String },
    /// A folder of metaschemas.
    #[error("read metaschemas/{0}/: is a directory")]
    Folder(String),
    /// A pattern that is none.
    #[error("invalid regex {} at {}: {reason}", quote(pattern), quote(at))]
    Pattern { pattern: String, at: String, reason: String },
    /// The metaschema does not allow the schema; the details end in no newline.
    #[error("{} is not valid against metaschema: {details}", quote(url))]
    Metaschema { url: String, details: String },
    /// The look at the schema ended before a verdict.
    #[error(transparent)]
    Stopped(#[from] super::evaluate::Stop),
}
