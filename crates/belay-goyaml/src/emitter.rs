//! JSON values to YAML, byte for byte as Go's libraries write them.
//!
//! The rules are libyaml's: a scalar is analysed once, the wished style is lowered to one the
//! analysis allows, and three flags (`column`, `whitespace`, `indention`) decide about every break.

use serde_json::Value;

use crate::characters::is_printable;
use crate::decode::to_json;
use crate::error::Error;
use crate::json::{format_float, json_number_text, to_go_json};
use crate::key_order::sort_entries;
use crate::node::Resolution;
use crate::resolve::{Resolved, is_base60, old_bool, resolve_plain};

/// Longest key, in bytes, that is written without a `?` before it.
const SIMPLE_KEY_LENGTH: usize = 128;
/// Longest key, quotes included, that survives `sigs.k8s.io/yaml`'s detour through JSON.
const JSON_KEY_LENGTH: usize = 1024;

/// Writes a value as `sigs.k8s.io/yaml.Marshal` does, or says why Go would refuse it.
pub fn marshal(value: &Value) -> Result<String, Error> {
    if is_changed_by_json(value) {
        let read_back = to_json(&to_go_json(value, true))?;
        return Ok(emit(&read_back, Resolution::V2, 2));
    }
    Ok(emit(value, Resolution::V2, 2))
}

/// [`marshal`] as Helm's `toYaml` uses it: what Go refuses (control characters that JSON leaves as
/// they are, keys beyond 1024 characters) becomes the empty text.
pub fn to_yaml(value: &Value) -> String {
    marshal(value).unwrap_or_default()
}

/// Writes a value as yaml.v3's `Encoder` does after `SetIndent(indent)`.
pub fn to_yaml_v3(value: &Value, indent: usize) -> String {
    emit(value, Resolution::V3, indent)
}

fn emit(value: &Value, rules: Resolution, indent: usize) -> String {
    let mut emitter = Emitter::new(rules, indent);
    emitter.node(value, -1, Place::Root);
    emitter.write_indent(0);
    emitter.out
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Root,
    /// After the dash of a block sequence.
    Item,
    FlowItem,
    /// A key that fits before a `:`.
    SimpleKey,
    /// A key after `?`.
    ComplexKey,
    Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ScalarStyle {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    Literal,
}

/// What a scalar's characters allow.
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    pub(crate) plain_allowed: bool,
    /// Between brackets or braces.
    pub(crate) flow_plain_allowed: bool,
    pub(crate) single_quoted_allowed: bool,
    pub(crate) block_allowed: bool,
}

pub(crate) struct Emitter {
    pub(crate) out: String,
    rules: Resolution,
    best_indent: isize,
    best_width: usize,
    pub(crate) column: usize,
    pub(crate) whitespace: bool,
    pub(crate) indention: bool,
    /// An indentation before which an empty line has to come.
    pub(crate) foot_indent: Option<isize>,
}

impl Emitter {
    pub(crate) fn new(rules: Resolution, indent: usize) -> Self {
        Self {
            out: String::new(),
            rules,
            best_indent: if (2..=9).contains(&indent) { indent as isize } else { 2 },
            best_width: match rules {
                Resolution::V2 => 80,
                Resolution::V3 => usize::MAX,
            },
            column: 0,
            whitespace: true,
            indention: true,
            foot_indent: None,
        }
    }

    fn node(&mut self, value: &Value, indent: isize, place: Place) {
        match value {
            Value::Null => self.plain_word("null", indent, place),
            Value::Bool(true) => self.plain_word("true", indent, place),
            Value::Bool(false) => self.plain_word("false", indent, place),
            Value::Number(number) => {
                let text = match self.rules {
                    Resolution::V2 => self.number_after_json(&json_number_text(number)),
                    Resolution::V3 => match number.as_f64() {
                        Some(float) if number.is_f64() => format_float(float),
                        _ => number.to_string(),
                    },
                };
                self.plain_word(&text, indent, place);
            }
            Value::String(text) => self.string(text, indent, place),
            Value::Array(items) if items.is_empty() => self.empty_collection("[", "]"),
            Value::Array(items) => self.sequence(items, indent, place),
            Value::Object(entries) if entries.is_empty() => self.empty_collection("{", "}"),
            Value::Object(entries) => self.mapping(entries, indent, place),
        }
    }

    /// The JSON text of a number read again by yaml.v2: an integer where it looks like one.
    fn number_after_json(&self, text: &str) -> String {
        match resolve_plain(text, Resolution::V2) {
            Resolved::Int(value) => value.to_string(),
            Resolved::Uint(value) => value.to_string(),
            Resolved::Float(value) => format_float(value),
            _ => text.to_owned(),
        }
    }

    fn empty_collection(&mut self, open: &str, close: &str) {
        self.write_indicator(open, true, true, false);
        self.write_indicator(close, false, false, false);
    }

    // ---- collections ----

    fn sequence(&mut self, items: &[Value], indent: isize, place: Place) {
        // yaml.v2 writes the items of a mapping's value under the key, without indentation.
        let indentless = self.rules == Resolution::V2
            && matches!(place, Place::Value | Place::ComplexKey)
            && !self.indention;
        let indent = match indentless {
            true => indent,
            false => self.deeper(indent, place, false),
        };
        for item in items {
            self.write_indent(indent);
            self.write_indicator("-", true, false, true);
            self.node(item, indent, Place::Item);
        }
    }

    fn mapping(&mut self, entries: &serde_json::Map<String, Value>, indent: isize, place: Place) {
        let indent = self.deeper(indent, place, false);
        let mut entries: Vec<(&str, &Value)> =
            entries.iter().map(|(key, value)| (key.as_str(), value)).collect();
        sort_entries(&mut entries, self.rules);
        for (key, value) in entries {
            self.write_indent(indent);
            self.key_and_colon(key, indent);
            self.node(value, indent, Place::Value);
        }
    }

    fn key_and_colon(&mut self, key: &str, indent: isize) {
        if !has_breaks(key) && key.len() <= SIMPLE_KEY_LENGTH {
            self.string(key, indent, Place::SimpleKey);
            self.write_indicator(":", false, false, false);
        } else {
            self.write_indicator("?", true, false, true);
            self.string(key, indent, Place::ComplexKey);
            self.write_indent(indent);
            self.write_indicator(":", true, false, true);
        }
    }

    /// The indentation one level down, where a scalar is `flow`, too.
    pub(crate) fn deeper(&self, indent: isize, place: Place, flow: bool) -> isize {
        if indent < 0 {
            return if flow { self.best_indent } else { 0 };
        }
        match self.rules {
            Resolution::V2 => indent + self.best_indent,
            // v3 counts only the "- " under an item and aligns everything else.
            Resolution::V3 if place == Place::Item => indent + 2,
            Resolution::V3 => self.best_indent * ((indent + self.best_indent) / self.best_indent),
        }
    }

    // ---- scalars ----

    fn plain_word(&mut self, word: &str, indent: isize, place: Place) {
        let indent = self.deeper(indent, place, true);
        self.write_plain(word, indent, place != Place::SimpleKey);
    }

    fn string(&mut self, text: &str, indent: isize, place: Place) {
        let analysis = analyse(text, self.rules);
        let style = self.style(text, &analysis, place);
        let indent = self.deeper(indent, place, true);
        let allow_breaks = place != Place::SimpleKey;
        match style {
            ScalarStyle::Plain => self.write_plain(text, indent, allow_breaks),
            ScalarStyle::SingleQuoted => self.write_single_quoted(text, indent, allow_breaks),
            ScalarStyle::DoubleQuoted => self.write_double_quoted(text, indent, allow_breaks),
            ScalarStyle::Literal => self.write_literal(text, indent),
        }
    }

    fn style(&self, text: &str, analysis: &Analysis, place: Place) -> ScalarStyle {
        let mut style = match text {
            text if text.contains('\n') => ScalarStyle::Literal,
            text if self.reads_back_as_string(text) => ScalarStyle::Plain,
            _ => ScalarStyle::DoubleQuoted,
        };
        if place == Place::SimpleKey && analysis.multiline {
            style = ScalarStyle::DoubleQuoted;
        }
        if style == ScalarStyle::Plain && !analysis.plain_allowed {
            style = ScalarStyle::SingleQuoted;
        }
        if style == ScalarStyle::SingleQuoted && !analysis.single_quoted_allowed {
            style = ScalarStyle::DoubleQuoted;
        }
        if style == ScalarStyle::Literal && (!analysis.block_allowed || place == Place::SimpleKey) {
            style = ScalarStyle::DoubleQuoted;
        }
        style
    }

    fn reads_back_as_string(&self, text: &str) -> bool {
        resolve_plain(text, self.rules) == Resolved::Str
            && !is_base60(text)
            && (self.rules == Resolution::V2 || old_bool(text).is_none())
    }

    pub(crate) fn write_plain(&mut self, text: &str, indent: isize, allow_breaks: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        self.write_flowing(text, indent, allow_breaks, false);
        self.whitespace = false;
        self.indention = false;
    }

    pub(crate) fn write_single_quoted(&mut self, text: &str, indent: isize, allow_breaks: bool) {
        self.write_indicator("'", true, false, false);
        self.write_flowing(text, indent, allow_breaks, true);
        self.write_indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    /// The body of plain and single-quoted scalars: folds at single spaces beyond the width.
    fn write_flowing(&mut self, text: &str, indent: isize, allow_breaks: bool, quoted: bool) {
        let may_fold = allow_breaks && self.column.saturating_add(text.len()) > self.best_width;
        if !may_fold && text.is_ascii() && !text.contains(['\r', '\n', '\'']) {
            self.out.push_str(text);
            self.column += text.len();
            return;
        }
        let mut after_space = false;
        let mut after_break = false;
        let mut characters = text.char_indices().peekable();
        while let Some((position, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            if character == ' ' {
                let inside = !quoted || (position > 0 && position + 1 < text.len());
                let folds = allow_breaks && !after_space && self.column > self.best_width;
                if folds && inside && next != Some(' ') {
                    self.write_indent(indent);
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else if is_break_character(character) {
                if !after_break && character == '\n' {
                    self.put_break();
                }
                self.write_break(character);
                after_break = true;
            } else {
                if after_break {
                    self.write_indent(indent);
                }
                if quoted && character == '\'' {
                    self.put('\'');
                }
                self.put(character);
                self.indention = false;
                after_space = false;
                after_break = false;
            }
        }
    }

    pub(crate) fn write_double_quoted(&mut self, text: &str, indent: isize, allow_breaks: bool) {
        self.write_indicator("\"", true, false, false);
        // libyaml looks for a byte order mark at the start instead of here, and escapes everything.
        let bom_first = text.starts_with('\u{FEFF}');
        let mut after_space = false;
        let mut characters = text.char_indices().peekable();
        while let Some((position, character)) = characters.next() {
            let special = !is_printable(character) || is_astral(character);
            if special || bom_first || is_break_character(character) || matches!(character, '"' | '\\') {
                self.write_escape(character);
                after_space = false;
            } else if character == ' ' {
                let inside = position > 0 && position + 1 < text.len();
                if allow_breaks && !after_space && self.column > self.best_width && inside {
                    self.write_indent(indent);
                    if characters.peek().is_some_and(|(_, next)| *next == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                after_space = true;
            } else {
                self.put(character);
                after_space = false;
            }
        }
        self.write_indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_escape(&mut self, character: char) {
        let code = u32::from(character);
        let text = match character {
            '\0' => "\\0".to_owned(),
            '\u{7}' => "\\a".to_owned(),
            '\u{8}' => "\\b".to_owned(),
            '\t' => "\\t".to_owned(),
            '\n' => "\\n".to_owned(),
            '\u{B}' => "\\v".to_owned(),
            '\u{C}' => "\\f".to_owned(),
            '\r' => "\\r".to_owned(),
            '\u{1B}' => "\\e".to_owned(),
            '"' => "\\\"".to_owned(),
            '\\' => "\\\\".to_owned(),
            '\u{85}' => "\\N".to_owned(),
            '\u{A0}' => "\\_".to_owned(),
            '\u{2028}' => "\\L".to_owned(),
            '\u{2029}' => "\\P".to_owned(),
            _ if code <= 0xFF => format!("\\x{code:02X}"),
            _ if code <= 0xFFFF => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        self.column += text.len();
        self.out.push_str(&text);
    }

    fn write_literal(&mut self, text: &str, indent: isize) {
        self.write_block_header("|", text);
        self.put_break();
        self.write_literal_lines(text, indent);
    }

    /// `|` or `>` and the hints about indentation and breaks at the end.
    pub(crate) fn write_block_header(&mut self, sign: &str, text: &str) {
        self.write_indicator(sign, true, false, false);
        if text.starts_with([' ', '\n', '\u{85}', '\u{2028}', '\u{2029}']) {
            let hint = self.best_indent.to_string();
            self.write_indicator(&hint, false, false, false);
        }
        if let Some(hint) = chomping_hint(text) {
            self.write_indicator(hint, false, false, false);
        }
    }

    pub(crate) fn write_literal_lines(&mut self, text: &str, indent: isize) {
        self.whitespace = true;
        let mut rest = text;
        while !rest.is_empty() {
            let line = &rest[..rest.find(is_break_character).unwrap_or(rest.len())];
            if !line.is_empty() {
                self.write_indent(indent);
                self.out.push_str(line);
                // Only whether the line is at its start matters from here on.
                self.column += line.len();
                self.indention = false;
            }
            rest = &rest[line.len()..];
            if let Some(line_break) = rest.chars().next() {
                self.write_break(line_break);
                rest = &rest[line_break.len_utf8()..];
            }
        }
    }

    // ---- characters ----

    pub(crate) fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    pub(crate) fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    pub(crate) fn write_break(&mut self, character: char) {
        if character == '\n' {
            self.put_break();
        } else {
            self.out.push(character);
            self.column = 0;
            self.indention = true;
        }
    }

    pub(crate) fn write_indent(&mut self, indent: isize) {
        let separates = self.foot_indent == Some(indent.max(0));
        let indent = indent.max(0) as usize;
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if separates {
            self.put_break();
        }
        self.foot_indent = None;
        if self.column < indent {
            self.out.extend(std::iter::repeat_n(' ', indent - self.column));
            self.column = indent;
        }
        self.whitespace = true;
        if self.rules == Resolution::V2 {
            self.indention = true;
        }
    }

    pub(crate) fn write_indicator(
        &mut self,
        indicator: &str,
        need_whitespace: bool,
        is_whitespace: bool,
        is_indention: bool,
    ) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(indicator);
        self.column += indicator.len();
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }
}

pub(crate) fn is_break_character(character: char) -> bool {
    matches!(character, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// libyaml takes every character beyond the first plane for unprintable.
fn is_astral(character: char) -> bool {
    u32::from(character) >= 0x10000
}

fn has_breaks(text: &str) -> bool {
    text.contains(is_break_character)
}

/// `-` without a final break, `+` with more than one.
fn chomping_hint(text: &str) -> Option<&'static str> {
    let mut backwards = text.chars().rev();
    match backwards.next() {
        None => Some("-"),
        Some(last) if !is_break_character(last) => Some("-"),
        Some(_) => match backwards.next() {
            None => Some("+"),
            Some(before) if is_break_character(before) => Some("+"),
            Some(_) => None,
        },
    }
}

/// The usual case: nothing in it could be mistaken for YAML.
fn is_simple_word(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes[0].is_ascii_alphanumeric()
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'/' | b'-' | b'_'))
}

pub(crate) fn analyse(text: &str, rules: Resolution) -> Analysis {
    if text.is_empty() {
        return Analysis {
            multiline: false,
            plain_allowed: true,
            flow_plain_allowed: false,
            single_quoted_allowed: true,
            block_allowed: false,
        };
    }
    if is_simple_word(text) {
        return Analysis {
            multiline: false,
            plain_allowed: true,
            flow_plain_allowed: true,
            single_quoted_allowed: true,
            block_allowed: true,
        };
    }
    let mut indicators = text.starts_with("---") || text.starts_with("...");
    let mut flow_indicators = false;
    let mut line_breaks = false;
    let mut special = false;
    let mut tabs = false;
    let mut break_space = false;
    let mut space_break = false;
    let mut previous_space = false;
    let mut previous_break = false;
    let mut after_white = true;
    let mut characters = text.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        let before_blank = characters.peek().is_none_or(|(_, next)| matches!(next, ' ' | '\t'));
        indicators |= match character {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
            | '`'
                if position == 0 =>
            {
                true
            }
            '?' | '-' if position == 0 => before_blank,
            ':' => before_blank,
            '#' => after_white,
            _ => false,
        };
        flow_indicators |= matches!(character, ',' | '?' | '[' | ']' | '{' | '}' | ':');
        if character == '\t' && rules == Resolution::V3 {
            tabs = true;
        } else if !is_printable(character) || is_astral(character) {
            special = true;
        }
        let is_break = is_break_character(character);
        if character == ' ' {
            break_space |= previous_break;
        } else if is_break {
            line_breaks = true;
            space_break |= previous_space;
        }
        previous_space = character == ' ';
        previous_break = is_break;
        after_white = is_break || matches!(character, ' ' | '\t' | '\0');
    }
    let white = |character: char| character == ' ' || is_break_character(character);
    let at_edges = text.starts_with(white) || text.ends_with(white);
    let special = special || space_break;
    let plain_allowed = !(at_edges || break_space || special || tabs || line_breaks || indicators);
    Analysis {
        multiline: line_breaks,
        plain_allowed,
        flow_plain_allowed: plain_allowed && !flow_indicators,
        single_quoted_allowed: !(break_space || special || tabs),
        block_allowed: !(text.ends_with(' ') || special),
    }
}

// ---- the detour of sigs.k8s.io/yaml: value → JSON → yaml.v2 → value → YAML ----

/// Whether YAML reads the value's JSON as something else, or not at all.
fn is_changed_by_json(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(is_changed_character),
        Value::Array(items) => items.iter().any(is_changed_by_json),
        Value::Object(entries) => {
            entries.iter().any(|(key, value)| is_changed_key(key) || is_changed_by_json(value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// JSON writes DEL, C1 and the last two of the plane raw, which YAML refuses, or folds (NEL).
fn is_changed_character(character: char) -> bool {
    matches!(character, '\u{7F}'..='\u{9F}' | '\u{FFFE}' | '\u{FFFF}')
}

/// A key may not be farther than 1024 characters from its `:`; an escape has at most six.
fn is_changed_key(key: &str) -> bool {
    key.contains(is_changed_character) || key.len() > JSON_KEY_LENGTH / 6 - 2
}
