//! JSON as Go's decoder reads it with numbers left as they were written.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use serde_json::Value as Json;

use super::number::Number;

/// A schema, or values. What Go keeps in maps without an order comes by name here.
#[derive(Clone, Debug)]
pub(super) enum Document {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Document>),
    Object(Object),
}

/// The entries of an object.
pub(super) type Object = BTreeMap<String, Document>;

impl Document {
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(super) fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    pub(super) fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(entries) => Some(entries),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// Numbers are equal by their value, whatever their notation; one that Go does not hold equals none.
    pub(super) fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(other)) => one == other,
            (Self::String(one), Self::String(other)) => one == other,
            (Self::Number(one), Self::Number(other)) => {
                one.decimal().zip(other.decimal()).is_some_and(|(one, other)| one == other)
            }
            (Self::Array(one), Self::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| one.equals(other))
            }
            (Self::Object(one), Self::Object(other)) => {
                let is_there =
                    |(name, one): (&String, &Self)| other.get(name).is_some_and(|other| one.equals(other));
                one.len() == other.len() && one.iter().all(is_there)
            }
            _ => false,
        }
    }

    /// Feeds a hash that is the same for equal documents.
    pub(super) fn hash(&self, hasher: &mut impl Hasher) {
        std::mem::discriminant(self).hash(hasher);
        match self {
            Self::Null => {}
            Self::Bool(value) => value.hash(hasher),
            Self::String(text) => text.hash(hasher),
            Self::Number(number) => number.decimal().hash(hasher),
            Self::Array(items) => items.iter().for_each(|item| item.hash(hasher)),
            Self::Object(entries) => entries.iter().for_each(|(name, value)| {
                name.hash(hasher);
                value.hash(hasher);
            }),
        }
    }
}

impl From<&Json> for Document {
    fn from(json: &Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => Self::Number(Number::new(number.to_string())),
            Json::String(text) => Self::String(text.clone()),
            Json::Array(items) => Self::Array(items.iter().map(Self::from).collect()),
            Json::Object(entries) => {
                Self::Object(entries.iter().map(|(name, value)| (name.clone(), Self::from(value))).collect())
            }
        }
    }
}

/// Why a text was not read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// It is not JSON; what exactly Go says of it is for [`belay_gotemplate::go_json_error`] to tell.
    NotJson,
    /// Lists and objects stand within each other deeper than is allowed, as of this bracket.
    TooDeep(char),
}

/// Reads a text that holds one JSON value.
pub(super) fn read(text: &str, max_depth: usize) -> Result<Document, Unreadable> {
    let mut reader = Reader { rest: text, depth_left: max_depth };
    let document = reader.value()?;
    reader.skip_blanks();
    if reader.rest.is_empty() { Ok(document) } else { Err(Unreadable::NotJson) }
}

struct Reader<'t> {
    rest: &'t str,
    depth_left: usize,
}

impl<'t> Reader<'t> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
    }

    /// Takes what comes after blanks.
    fn eat(&mut self, text: &str) -> bool {
        self.skip_blanks();
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn expect(&mut self, text: &str) -> Result<(), Unreadable> {
        if self.eat(text) { Ok(()) } else { Err(Unreadable::NotJson) }
    }

    fn value(&mut self) -> Result<Document, Unreadable> {
        self.skip_blanks();
        match self.rest.as_bytes().first() {
            Some(b'{') => self.nested('{', Self::object),
            Some(b'[') => self.nested('[', Self::array),
            Some(b'"') => self.string().map(Document::String),
            Some(b't') => self.expect("true").map(|()| Document::Bool(true)),
            Some(b'f') => self.expect("false").map(|()| Document::Bool(false)),
            Some(b'n') => self.expect("null").map(|()| Document::Null),
            _ => self.number(),
        }
    }

    fn nested(
        &mut self,
        bracket: char,
        read: impl FnOnce(&mut Self) -> Result<Document, Unreadable>,
    ) -> Result<Document, Unreadable> {
        self.depth_left = self.depth_left.checked_sub(1).ok_or(Unreadable::TooDeep(bracket))?;
        let document = read(self);
        self.depth_left += 1;
        document
    }

    fn object(&mut self) -> Result<Document, Unreadable> {
        self.expect("{")?;
        let mut entries = Object::new();
        if self.eat("}") {
            return Ok(Document::Object(entries));
        }
        loop {
            self.skip_blanks();
            let name = self.string()?;
            self.expect(":")?;
            entries.insert(name, self.value()?);
            if self.eat("}") {
                return Ok(Document::Object(entries));
            }
            self.expect(",")?;
        }
    }

    fn array(&mut self) -> Result<Document, Unreadable> {
        self.expect("[")?;
        let mut items = Vec::new();
        if self.eat("]") {
            return Ok(Document::Array(items));
        }
        loop {
            items.push(self.value()?);
            if self.eat("]") {
                return Ok(Document::Array(items));
            }
            self.expect(",")?;
        }
    }

    fn number(&mut self) -> Result<Document, Unreadable> {
        let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
        let end = self.rest.bytes().position(|byte| !is_part(&byte)).unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        if !is_number(text) {
            return Err(Unreadable::NotJson);
        }
        self.rest = rest;
        Ok(Document::Number(Number::new(text.to_owned())))
    }

    fn string(&mut self) -> Result<String, Unreadable> {
        self.rest = self.rest.strip_prefix('"').ok_or(Unreadable::NotJson)?;
        let mut text = String::new();
        loop {
            let is_special = |character: char| matches!(character, '"' | '\\' | '\0'..='\x1f');
            let end = self.rest.find(is_special).ok_or(Unreadable::NotJson)?;
            let (plain, rest) = self.rest.split_at(end);
            text.push_str(plain);
            match rest.as_bytes()[0] {
                b'"' => {
                    self.rest = &rest[1..];
                    return Ok(text);
                }
                b'\\' => {
                    self.rest = &rest[1..];
                    text.push(self.escape()?);
                }
                _ => return Err(Unreadable::NotJson),
            }
        }
    }

    fn escape(&mut self) -> Result<char, Unreadable> {
        let sign = self.rest.chars().next().ok_or(Unreadable::NotJson)?;
        self.rest = &self.rest[sign.len_utf8()..];
        Ok(match sign {
            '"' | '\\' | '/' => sign,
            'b' => '\x08',
            'f' => '\x0c',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            _ => return Err(Unreadable::NotJson),
        })
    }

    /// Half of a pair alone is no character: Go puts U+FFFD.
    fn code_point(&mut self) -> Result<char, Unreadable> {
        let first = hexadecimal(self.rest).ok_or(Unreadable::NotJson)?;
        self.rest = &self.rest[4..];
        let second = self.rest.strip_prefix("\\u").and_then(hexadecimal);
        if let Some(second) = second.filter(|second| (0xdc00..0xe000).contains(second))
            && (0xd800..0xdc00).contains(&first)
        {
            self.rest = &self.rest[6..];
            let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
            return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }
}

fn hexadecimal(text: &str) -> Option<u32> {
    let digits = text.get(..4).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

/// Whether a text of digits, signs, dots and `e` is a number of JSON.
fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (unsigned, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let has_zero = whole.len() > 1 && whole.starts_with('0');
    are_digits(whole) && are_digits(fraction) && are_digits(exponent) && !has_zero
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_go_reads() {
        let text = r#" {"a": [1.50, -0, 1e+3, "\ud83d\ude00\ud800x\u00e9\/"], "a": {"b": null}, "c": true} "#;
        let document = read(text, 10).expect("JSON");
        let entries = document.as_object().expect("an object");
        assert!(entries["a"].as_object().is_some(), "the later one counts");
        let Ok(Document::Array(items)) = read(r#"[1.50, "\ud83d\ude00\ud800x\u00e9\/"]"#, 10) else {
            panic!("a list");
        };
        assert_eq!(items[0].as_number().map(Number::text), Some("1.50"));
        assert_eq!(items[1].as_str(), Some("😀\u{fffd}xé/"));
    }

    #[test]
    fn refuses_what_go_refuses() {
        for text in
            ["", "01", "1.", ".5", "+1", "1e", "--1", "[1,]", "{\"a\"}", "\"\n\"", "\"\\x\"", "tru", "1 2"]
        {
            assert!(matches!(read(text, 10), Err(Unreadable::NotJson)), "{text}");
        }
        assert!(matches!(read("[[[]]]", 2), Err(Unreadable::TooDeep('['))));
    }
}
