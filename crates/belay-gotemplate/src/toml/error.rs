//! Why a text is not TOML.

use crate::format::{go_quote, go_quote_rune};

/// Where a text stops being TOML, and why. The words are those of Go's library.
#[derive(Debug, thiserror::Error)]
#[error("toml: line {line}{}: {problem}", shown_key(.last_key))]
pub struct TomlError {
    /// Lines count from one, but what is missing at the end of the text counts as the line before.
    pub line: i64,
    /// The key that was read last; empty before the first.
    pub last_key: String,
    /// What is wrong.
    #[source]
    pub problem: TomlProblem,
}

fn shown_key(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!(" (last key {})", go_quote(key.as_bytes())) }
}

/// A problem and the line that it is reported for.
pub(super) struct Fault {
    pub(super) line: i64,
    pub(super) problem: TomlProblem,
}

/// What is wrong with a text.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "each says its own text")]
pub enum TomlProblem {
    #[error("files cannot contain NULL bytes; probably using UTF-16; TOML files must be UTF-8")]
    Utf16,
    #[error("invalid UTF-8 byte: 0x{0:02x}")]
    Byte(u8),
    #[error("TOML files cannot contain control characters: '0x{0:02x}'")]
    Control(u32),
    #[error("expected a top-level item to end with a newline, comment, or EOF, but got {} instead", go_quote_rune(*.0))]
    AfterItem(char),
    #[error("expected end of table array name delimiter ']', but got {} instead", go_quote_rune(*.0))]
    ArrayNameEnd(char),
    #[error("unexpected end of table name (table names cannot be empty)")]
    EmptyTableName,
    #[error("unexpected table separator (table names cannot be empty)")]
    EmptyTablePart,
    #[error("expected '.' or ']' to end table name, but got {} instead", go_quote_rune(*.0))]
    TableNameEnd(char),
    #[error("unexpected '=': key name appears blank")]
    BlankKey,
    #[error("unexpected '.': keys cannot start with a '.'")]
    KeyStartsWithDot,
    #[error("unexpected '{0}'")]
    InKey(char),
    #[error("unexpected EOF; expected key separator '='")]
    KeyAtEnd,
    #[error("expected '.' or '=', but got {} instead", go_quote_rune(*.0))]
    AfterKey(char),
    #[error("floats must start with a digit, not '.'")]
    FloatWithoutDigit,
    #[error("unexpected EOF; expected {0}")]
    End(&'static str),
    #[error("expected value but found {} instead", go_quote_rune(*.0))]
    NoValue(char),
    #[error("expected value but found {} instead", go_quote(.0.as_bytes()))]
    NoWord(String),
    #[error("unexpected comma")]
    Comma,
    #[error("expected a comma (',') or array terminator (']'), but got {}", character_or_end(*.0))]
    AfterElement(Option<char>),
    #[error("expected a comma or an inline table terminator '}}', but got {} instead", character_or_end(*.0))]
    AfterPair(Option<char>),
    #[error("strings cannot contain newlines")]
    NewlineInString,
    #[error("unexpected {0}")]
    SixQuotes(&'static str),
    #[error("invalid escape in string '\\{0}'")]
    Escape(char),
    #[error("invalid escape: '\\{0}'")]
    EscapedBlank(char),
    #[error("expected {count} hexadecimal digits after '\\{kind}', but got {} instead", go_quote(.found.as_bytes()))]
    EscapeDigits { count: &'static str, kind: char, found: String },
    #[error("Escaped character '\\u{0}' is not valid UTF-8.")]
    EscapedCharacter(String),
    #[error("invalid float: '{0}'")]
    FloatWord(String),
    #[error("cannot use sign with non-decimal numbers: '{0}{1}'")]
    SignedBase(String, char),
    #[error("expected a digit but got {}", go_quote_rune(*.0))]
    NoDigit(char),
    #[error("not {kind} number: '{found}{next}'")]
    BaseDigit { kind: &'static str, found: String, next: char },
    #[error("Invalid {kind} {}: {why}", go_quote(.text.as_bytes()))]
    Number { kind: &'static str, text: String, why: &'static str },
    #[error("Invalid float value: {}", go_quote(.0.as_bytes()))]
    FloatValue(String),
    #[error("{0} is out of range for {1}")]
    Range(String, &'static str),
    #[error("invalid datetime: {}", go_quote(.0.as_bytes()))]
    Date(String),
    #[error("Key '{0}' was already created as a hash.")]
    NotTable(String),
    #[error("Key '{0}' was already created and cannot be used as an array.")]
    NotArray(String),
    #[error("Key '{0}' has already been defined.")]
    Defined(String),
    #[error("{} is not a table", go_quote(.0.as_bytes()))]
    NotInlineTable(String),
    #[error("tables and arrays are nested too deeply")]
    Depth,
}

fn character_or_end(character: Option<char>) -> String {
    character.map_or_else(|| "end of file".to_owned(), |character| format!("'{character}'"))
}
