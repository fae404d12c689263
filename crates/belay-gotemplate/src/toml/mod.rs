//! TOML as BurntSushi's library 1.6 reads it, with its leniences and in its words.
//!
//! ```text
//! bytes ── Cursor (characters, lines) ── Reader (grammar) ── Document (what keys already are) ── Map
//! ```
//!
//! An error tells the line and the key that was read last, so it depends on what was looked at before what: a
//! character is refused when it is looked at, a value when it is complete, a key when all its parts are read.

mod cursor;
mod document;
mod error;
mod number;
mod reader;
mod text;

pub use error::{TomlError, TomlProblem};

use crate::function::Call;
use crate::value::Map;
use cursor::Cursor;
use error::Fault;
use reader::Reader;

/// Reads a document; a date without an offset is in a zone of the name that Go's library gives its kind.
pub fn read_toml(text: &[u8], call: &Call<'_>) -> Result<Map, TomlError> {
    let text = without_mark(text);
    if text.iter().take(6).any(|byte| *byte == 0) {
        return Err(TomlError { line: 1, last_key: String::new(), problem: TomlProblem::Utf16 });
    }
    let mut reader = Reader::new(Cursor::new(text), call);
    match reader.read() {
        Ok(()) => Ok(reader.into_map()),
        Err(Fault { line, problem }) => Err(TomlError { line, last_key: reader.last_key(), problem }),
    }
}

/// The text after its byte order mark, of which Go's library knows those of UTF-16, too.
fn without_mark(text: &[u8]) -> &[u8] {
    let marks: [&[u8]; 3] = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf"];
    marks.iter().find_map(|mark| text.strip_prefix(*mark)).unwrap_or(text)
}
