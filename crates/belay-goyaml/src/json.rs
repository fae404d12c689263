//! Numbers, quoted strings and JSON as Go prints them.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// `strconv.FormatFloat(value, 'g', -1, 64)` with YAML's names for the special ones
/// (`1e+06`, `.inf`, `-.inf`, `.nan`).
pub fn format_float(value: f64) -> String {
    match special(value) {
        Some(name) => name.to_owned(),
        None => general(&format!("{value:e}")),
    }
}

/// The same with the precision of a `float32`.
pub fn format_float32(value: f32) -> String {
    match special(f64::from(value)) {
        Some(name) => name.to_owned(),
        None => general(&format!("{value:e}")),
    }
}

fn special(value: f64) -> Option<&'static str> {
    match value {
        value if value.is_nan() => Some(".nan"),
        f64::INFINITY => Some(".inf"),
        f64::NEG_INFINITY => Some("-.inf"),
        _ => None,
    }
}

/// Rust's shortest `1.5e-7` as Go's `%g`.
fn general(shortest: &str) -> String {
    let (sign, digits, exponent) = decompose(shortest);
    // Go decides with a precision of 6 when it prints the shortest form.
    if !(-4..6).contains(&exponent) {
        scientific(sign, &digits, exponent, 2)
    } else {
        positional(sign, &digits, exponent)
    }
}

/// Sign, digits without a point, and the power of ten of the first digit.
fn decompose(shortest: &str) -> (&'static str, String, i32) {
    let (sign, rest) = match shortest.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", shortest),
    };
    let (mantissa, exponent) = rest.split_once('e').unwrap_or((rest, "0"));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    (sign, digits, exponent.parse().unwrap_or(0))
}

fn scientific(sign: &str, digits: &str, exponent: i32, width: usize) -> String {
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    let exponent_sign = if exponent < 0 { '-' } else { '+' };
    let magnitude = exponent.unsigned_abs();
    format!("{sign}{first}{point}{rest}e{exponent_sign}{magnitude:0width$}")
}

fn positional(sign: &str, digits: &str, exponent: i32) -> String {
    if exponent < 0 {
        let zeros = "0".repeat((-exponent - 1) as usize);
        return format!("{sign}0.{zeros}{digits}");
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        let zeros = "0".repeat(whole - digits.len());
        return format!("{sign}{digits}{zeros}");
    }
    let (whole, fraction) = digits.split_at(whole);
    format!("{sign}{whole}.{fraction}")
}

/// A float as `encoding/json` prints it: positional between 1e-6 and 1e21.
pub fn format_json_float(value: f64) -> String {
    let (sign, digits, exponent) = decompose(&format!("{value:e}"));
    let magnitude = value.abs();
    if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
        // Go cuts `e-09` to `e-9`, but leaves `e+21`.
        let width = if exponent < 0 { 1 } else { 2 };
        scientific(sign, &digits, exponent, width)
    } else {
        positional(sign, &digits, exponent)
    }
}

/// A number as `encoding/json` prints it.
pub(crate) fn json_number_text(number: &Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => format_json_float(value),
        _ => number.to_string(),
    }
}

/// The value as Go's `encoding/json` marshals it: keys sorted by bytes, no spaces.
///
/// `escape_html` writes `<`, `>` and `&` as `\u003c`…, which `json.Marshal` does and an encoder
/// with `SetEscapeHTML(false)` does not.
pub fn to_go_json(value: &Value, escape_html: bool) -> String {
    let mut out = String::new();
    Writer { out: &mut out, escape_html, indent: None }.value(value, 0);
    out
}

/// Like [`to_go_json`], as `json.MarshalIndent(value, "", indent)`.
pub fn to_go_json_indent(value: &Value, escape_html: bool, indent: &str) -> String {
    let mut out = String::new();
    Writer { out: &mut out, escape_html, indent: Some(indent) }.value(value, 0);
    out
}

struct Writer<'a> {
    out: &'a mut String,
    escape_html: bool,
    indent: Option<&'a str>,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(true) => self.out.push_str("true"),
            Value::Bool(false) => self.out.push_str("false"),
            Value::Number(number) => self.out.push_str(&json_number_text(number)),
            Value::String(text) => self.string(text),
            Value::Array(items) => {
                self.out.push('[');
                for (position, item) in items.iter().enumerate() {
                    self.separator(position, depth + 1);
                    self.value(item, depth + 1);
                }
                self.close(']', items.is_empty(), depth);
            }
            Value::Object(entries) => {
                let mut entries: Vec<(&String, &Value)> = entries.iter().collect();
                entries.sort_by_key(|(key, _)| key.as_str());
                let is_empty = entries.is_empty();
                self.out.push('{');
                for (position, (key, value)) in entries.into_iter().enumerate() {
                    self.separator(position, depth + 1);
                    self.string(key);
                    self.out.push_str(if self.indent.is_some() { ": " } else { ":" });
                    self.value(value, depth + 1);
                }
                self.close('}', is_empty, depth);
            }
        }
    }

    fn separator(&mut self, position: usize, depth: usize) {
        if position > 0 {
            self.out.push(',');
        }
        self.new_line(depth);
    }

    fn close(&mut self, bracket: char, is_empty: bool, depth: usize) {
        if !is_empty {
            self.new_line(depth);
        }
        self.out.push(bracket);
    }

    fn new_line(&mut self, depth: usize) {
        if let Some(indent) = self.indent {
            self.out.push('\n');
            for _ in 0..depth {
                self.out.push_str(indent);
            }
        }
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for character in text.chars() {
            match character {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\u{8}' => self.out.push_str("\\b"),
                '\u{C}' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.escape_html => self.escape(character),
                '\0'..='\u{1F}' | '\u{2028}' | '\u{2029}' => self.escape(character),
                _ => self.out.push(character),
            }
        }
        self.out.push('"');
    }

    fn escape(&mut self, character: char) {
        let _ = write!(self.out, "\\u{:04x}", u32::from(character));
    }
}

/// `strconv.Quote`.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{C}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{B}' => out.push_str("\\v"),
            '\0'..='\u{1F}' | '\u{7F}' => {
                let _ = write!(out, "\\x{:02x}", u32::from(character));
            }
            '\u{80}'..='\u{A0}' | '\u{AD}' | '\u{2028}' | '\u{2029}' | '\u{FEFF}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
