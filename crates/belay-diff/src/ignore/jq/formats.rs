//! `@base64` and its like.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use serde_json::Value;

/// How a value is written as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Base64,
    Base64Decode,
    Csv,
    Html,
    Json,
    Shell,
    Text,
    Tsv,
    Uri,
    UriDecode,
}

impl Format {
    /// The format that `@name` means.
    pub(super) fn of(name: &str) -> Option<Format> {
        Some(match name {
            "base64" => Format::Base64,
            "base64d" => Format::Base64Decode,
            "csv" => Format::Csv,
            "html" => Format::Html,
            "json" => Format::Json,
            "sh" => Format::Shell,
            "text" => Format::Text,
            "tsv" => Format::Tsv,
            "uri" => Format::Uri,
            "urid" => Format::UriDecode,
            _ => return None,
        })
    }

    /// The value in this format; nothing if it cannot be.
    pub(super) fn write(self, value: &Value) -> Option<String> {
        match self {
            Format::Base64 => Some(STANDARD.encode(plain(value))),
            Format::Base64Decode => {
                let text = plain(value);
                let text = text.split_once('=').map_or(text.as_str(), |(text, _)| text);
                let decoded = STANDARD_NO_PAD.decode(text).ok()?;
                Some(String::from_utf8_lossy(&decoded).into_owned())
            }
            Format::Csv => {
                row(value.as_array()?, ",", "", |text| format!("\"{}\"", text.replace('"', "\"\"")))
            }
            Format::Html => Some(replaced(&plain(value), |letter| match letter {
                '<' => Some("&lt;"),
                '>' => Some("&gt;"),
                '&' => Some("&amp;"),
                '\'' => Some("&apos;"),
                '"' => Some("&quot;"),
                _ => None,
            })),
            Format::Json => Some(json(value)),
            Format::Shell => {
                let items = value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice);
                row(items, " ", "null", |text| format!("'{}'", text.replace('\'', r"'\''")))
            }
            Format::Text => Some(plain(value)),
            Format::Tsv => row(value.as_array()?, "\t", "", |text| {
                replaced(text, |letter| match letter {
                    '\t' => Some(r"\t"),
                    '\r' => Some(r"\r"),
                    '\n' => Some(r"\n"),
                    '\\' => Some(r"\\"),
                    _ => None,
                })
            }),
            Format::Uri => Some(uri(&plain(value))),
            Format::UriDecode => uri_decoded(&plain(value)),
        }
    }
}

/// A value as JSON, names in order.
pub(super) fn json(value: &Value) -> String {
    let mut sorted = value.clone();
    sorted.sort_all_objects();
    sorted.to_string()
}

/// A text as it is, everything else as JSON.
pub(super) fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| json(value), str::to_owned)
}

/// Scalars side by side.
fn row(items: &[Value], between: &str, nothing: &str, quoted: impl Fn(&str) -> String) -> Option<String> {
    let cells = items.iter().map(|item| match item {
        Value::Null => Some(nothing.to_owned()),
        Value::String(text) => Some(quoted(text).replace('\0', r"\0")),
        Value::Array(_) | Value::Object(_) => None,
        other => Some(other.to_string()),
    });
    Some(cells.collect::<Option<Vec<_>>>()?.join(between))
}

fn replaced(text: &str, by: impl Fn(char) -> Option<&'static str>) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match by(letter) {
            Some(other) => out.push_str(other),
            None => out.push(letter),
        }
    }
    out
}

fn uri(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'_' | b'.' | b'~' => out.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn uri_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => byte,
        });
    }
    Some(String::from_utf8_lossy(&out).into_owned())
}
