//! `toToml`, `mustToToml`, `fromToml`, in the wording and layout of BurntSushi's library.

use belay_gotemplate::{
    Duration, Function, FunctionError, Functions, Map, Signature, Time, Type, Value, format_duration,
    format_float, read_toml,
};

use super::{any_map, error_map};

/// Tables within tables deeper than this were built to exhaust the stack, or hold themselves.
const MAX_DEPTH: usize = 1000;

pub(super) fn register(functions: &mut Functions) {
    functions.add("toToml", [Type::Any], Type::String, |_, arguments| {
        Ok(Value::string(encode(something(arguments.value(0)?)?).unwrap_or_else(|error| error)))
    });
    functions.add("mustToToml", [Type::Any], Type::String, |_, arguments| {
        encode(something(arguments.value(0)?)?).map(Value::string).map_err(FunctionError::new)
    });
    functions.insert(
        "fromToml",
        Function::new(Signature::new([Type::String], any_map()), |call, arguments| {
            let read = read_toml(arguments.text(0)?, call);
            Ok(Value::Map(read.unwrap_or_else(|error| error_map(&error.to_string()))))
        }),
    );
}

/// Go's library panics over nothing at all, which a template reports as the function's error.
fn something(value: &Value) -> Result<&Value, FunctionError> {
    if matches!(value, Value::Nil) {
        return Err(FunctionError::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    Ok(value)
}

/// The layouts of dates, each with the zone that tells its dates from others when they are written again.
const LOCAL_DATES: [(&str, &str); 3] = [
    ("datetime-local", "2006-01-02T15:04:05.999999999"),
    ("date-local", "2006-01-02"),
    ("time-local", "15:04:05.999999999"),
];
const OFFSET_DATE: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// As Go's library writes it: a date that was read without an offset has none.
fn date_text(time: &Time) -> String {
    let kind = LOCAL_DATES.iter().find(|(zone, _)| time.zone_name() == Some(zone));
    kind.map_or_else(|| time.format(OFFSET_DATE), |(_, layout)| time.format_in_utc(layout))
}

fn encode(value: &Value) -> Result<String, String> {
    let mut encoder = Encoder { out: String::new() };
    encoder.value(&[], value)?;
    Ok(encoder.out)
}

struct Encoder {
    out: String,
}

/// A host's object as the list or map it is made of.
fn plain(value: &Value) -> Value {
    match value {
        // A duration is written as text, though it is a number.
        Value::Host(_) if Duration::of(value).is_some() => value.clone(),
        Value::Host(object) => object.underlying().unwrap_or_else(|| value.clone()),
        other => other.clone(),
    }
}

fn is_nil(value: &Value) -> bool {
    match value {
        Value::Nil => true,
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        _ => false,
    }
}

/// Whether the value is written with a header of its own: a table, or a list of nothing else.
fn is_table(value: &Value) -> Result<bool, String> {
    Ok(matches!(value, Value::Map(map) if !map.is_nil()) || is_table_list(value)?)
}

fn is_table_list(value: &Value) -> Result<bool, String> {
    is_table_list_at(value, 0)
}

/// Lists within are looked at too: a nil in any of them is an error before anything is written.
fn is_table_list_at(value: &Value, depth: usize) -> Result<bool, String> {
    let Value::List(list) = value else { return Ok(false) };
    if depth > MAX_DEPTH {
        return Err("toml: values are nested too deeply".to_owned());
    }
    let mut tables = !list.is_empty();
    for item in list.items() {
        if is_nil(item) {
            return Err("toml: cannot encode array with nil element".to_owned());
        }
        let item = plain(item);
        is_table_list_at(&item, depth + 1)?;
        tables &= matches!(item, Value::Map(_));
    }
    Ok(tables)
}

impl Encoder {
    fn value(&mut self, path: &[String], value: &Value) -> Result<(), String> {
        if path.len() > MAX_DEPTH {
            return Err("toml: tables are nested too deeply".to_owned());
        }
        let value = plain(value);
        match &value {
            value if is_nil(value) => Ok(()),
            Value::Map(map) => self.table(path, map),
            Value::List(_) if path.is_empty() && is_table_list(&value)? => {
                Err("toml: top-level values must be Go maps or structs".to_owned())
            }
            Value::List(list) if is_table_list(&value)? => {
                for item in list.items() {
                    self.newline();
                    self.out.push_str(&format!("{}[[{}]]", indent(path), path_text(path)));
                    self.newline();
                    if let Value::Map(map) = plain(item) {
                        self.entries(path, &map)?;
                    }
                }
                Ok(())
            }
            value => self.key_value(path, value),
        }
    }

    fn newline(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn table(&mut self, path: &[String], map: &Map) -> Result<(), String> {
        if path.len() == 1 {
            self.newline();
        }
        if !path.is_empty() {
            self.out.push_str(&format!("{}[{}]", indent(path), path_text(path)));
            self.newline();
        }
        self.entries(path, map)
    }

    /// Plain entries first, then those with headers.
    fn entries(&mut self, path: &[String], map: &Map) -> Result<(), String> {
        for with_header in [false, true] {
            for (key, value) in map.entries() {
                let value = plain(&value);
                if is_table(&value)? == with_header && !is_nil(&value) {
                    let mut path = path.to_vec();
                    path.push(key.to_str().into_owned());
                    self.value(&path, &value)?;
                }
            }
        }
        Ok(())
    }

    fn key_value(&mut self, path: &[String], value: &Value) -> Result<(), String> {
        if let Some(key) = path.last() {
            self.out.push_str(&format!("{}{} = ", indent(path), key_text(key)));
        }
        self.element(value, 0)?;
        if !path.is_empty() {
            self.newline();
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err("toml: values are nested too deeply".to_owned());
        }
        if let Some(time) = Time::of(value) {
            self.out.push_str(&date_text(time));
            return Ok(());
        }
        if let Some(Duration(nanoseconds)) = Duration::of(value) {
            self.out.push_str(&quoted(&format_duration(nanoseconds)));
            return Ok(());
        }
        if let Some(number) = value.as_signed() {
            self.out.push_str(&number.to_string());
            return Ok(());
        }
        if let Some(number) = value.as_unsigned() {
            self.out.push_str(&number.to_string());
            return Ok(());
        }
        match plain(value) {
            Value::String(text) => self.out.push_str(&quoted(&text.to_str())),
            Value::Bool(value) => self.out.push_str(&value.to_string()),
            Value::Float(float) => self.out.push_str(&float_text(float)),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.out.push_str(&format!("[{}]", items.join(", ")));
            }
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.items().iter().enumerate() {
                    if index > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(map) => self.inline_table(&map, depth)?,
            other => return Err(format!("unexpected type: {}", other.type_name())),
        }
        Ok(())
    }

    fn inline_table(&mut self, map: &Map, depth: usize) -> Result<(), String> {
        let mut plain_entries = Vec::new();
        let mut tables = Vec::new();
        for (key, value) in map.entries() {
            let value = plain(&value);
            if is_table(&value)? { tables.push((key, value)) } else { plain_entries.push((key, value)) }
        }
        self.out.push('{');
        for (entries, more_follow) in [(&plain_entries, !tables.is_empty()), (&tables, false)] {
            for (index, (key, value)) in entries.iter().enumerate() {
                if is_nil(value) {
                    continue;
                }
                self.out.push_str(&format!("{} = ", key_text(&key.to_str())));
                self.element(value, depth + 1)?;
                if more_follow || index + 1 < entries.len() {
                    self.out.push_str(", ");
                }
            }
        }
        self.out.push('}');
        Ok(())
    }
}

fn indent(path: &[String]) -> String {
    "  ".repeat(path.len().saturating_sub(1))
}

fn path_text(path: &[String]) -> String {
    let keys: Vec<String> = path.iter().map(|key| key_text(key)).collect();
    keys.join(".")
}

fn key_text(key: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '-';
    if !key.is_empty() && key.chars().all(bare) { key.to_owned() } else { quoted(key) }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\x08' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\x0c' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\x1f' | '\x7f' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

fn float_text(float: f64) -> String {
    if float.is_nan() {
        return "nan".to_owned();
    }
    if float.is_infinite() {
        return if float < 0.0 { "-inf" } else { "inf" }.to_owned();
    }
    let text = format_float(float, 'g', None);
    if text.contains(['e', '.']) { text } else { format!("{text}.0") }
}
