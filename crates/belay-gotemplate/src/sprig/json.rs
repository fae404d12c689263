//! JSON as Go's encoding/json writes it: keys sorted, `<`, `>` and `&` escaped unless raw.

use crate::format::format_float;
use crate::function::{FunctionError, Functions};
use crate::json::{json_text, read_json};
use crate::value::Type::{Any, String as Str};
use crate::value::Value;

pub(super) fn register(functions: &mut Functions) {
    for (name, indent, escape) in
        [("toJson", false, true), ("toPrettyJson", true, true), ("toRawJson", false, false)]
    {
        // Only the raw form and the `must` forms fail; the others give nothing.
        let must = format!("must{}", name.replacen('t', "T", 1));
        for (name, fails) in [(name, name == "toRawJson"), (&must, true)] {
            functions.add(name, [Any], Str, move |_, arguments| {
                match write(arguments.value(0)?, indent, escape) {
                    Ok(text) => Ok(Value::string(text)),
                    Err(error) if fails => Err(error),
                    Err(_) => Ok(Value::string("")),
                }
            });
        }
    }
    functions.add("fromJson", [Str], Any, |_, arguments| {
        Ok(read(&arguments.text(0)?.to_str()).unwrap_or_default())
    });
    functions.add("mustFromJson", [Str], Any, |_, arguments| read(&arguments.text(0)?.to_str()));
}

fn read(text: &str) -> Result<Value, FunctionError> {
    Ok(read_json(text)?)
}

fn write(value: &Value, indent: bool, escape: bool) -> Result<String, FunctionError> {
    let text = json_text(value, |json| {
        let mut out = String::new();
        write_json(&mut out, json, escape, indent.then_some(0));
        out
    });
    Ok(text.map_err(|error| error.to_string())?)
}

/// `level` is the indentation, when there is any.
fn write_json(out: &mut String, json: &serde_json::Value, escape: bool, level: Option<usize>) {
    match json {
        serde_json::Value::Null => out.push_str("null"),
        serde_json::Value::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        serde_json::Value::Number(number) => out.push_str(&number_text(number)),
        serde_json::Value::String(text) => write_string(out, text, escape),
        serde_json::Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                separate(out, index, level);
                crate::exec::with_stack(|| write_json(out, item, escape, level.map(|level| level + 1)));
            }
            close(out, items.is_empty(), level, ']');
        }
        serde_json::Value::Object(entries) => {
            out.push('{');
            let mut sorted: Vec<_> = entries.iter().collect();
            sorted.sort_by(|a, b| a.0.cmp(b.0));
            for (index, (key, value)) in sorted.into_iter().enumerate() {
                separate(out, index, level);
                write_string(out, key, escape);
                out.push_str(if level.is_some() { ": " } else { ":" });
                crate::exec::with_stack(|| write_json(out, value, escape, level.map(|level| level + 1)));
            }
            close(out, entries.is_empty(), level, '}');
        }
    }
}

fn separate(out: &mut String, index: usize, level: Option<usize>) {
    if index > 0 {
        out.push(',');
    }
    if let Some(level) = level {
        out.push('\n');
        out.push_str(&"  ".repeat(level + 1));
    }
}

fn close(out: &mut String, is_empty: bool, level: Option<usize>, bracket: char) {
    if let Some(level) = level.filter(|_| !is_empty) {
        out.push('\n');
        out.push_str(&"  ".repeat(level));
    }
    out.push(bracket);
}

/// Go writes floats plainly between 1e-6 and 1e21, and exponents without a leading zero.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let size = float.abs();
            if size != 0.0 && !(1e-6..1e21).contains(&size) {
                return format_float(float, 'e', None).replace("e-0", "e-");
            }
            format_float(float, 'f', None)
        }
        _ => number.to_string(),
    }
}

fn write_string(out: &mut String, text: &str, escape: bool) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '<' | '>' | '&' if escape => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(character)))
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
