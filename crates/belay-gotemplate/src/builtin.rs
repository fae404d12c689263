//! Go's builtin functions. They see whether a nil came from an `interface {}`.

use crate::format::{is_printable, sprint, sprintf, sprintln};
use crate::function::FunctionError;
use crate::value::{Element, List, Type, Value};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Builtin {
    And,
    Call,
    Html,
    Index,
    Slice,
    Js,
    Len,
    Not,
    Or,
    Print,
    Printf,
    Println,
    UrlQuery,
    Eq,
    Ge,
    Gt,
    Le,
    Lt,
    Ne,
}

/// An argument, and whether it is a nil of type `interface {}` rather than no value.
pub(crate) struct Argument {
    pub(crate) value: Value,
    pub(crate) is_nil_interface: bool,
}

type Result<T> = std::result::Result<T, FunctionError>;

pub(crate) fn find(name: &str) -> Option<Builtin> {
    Some(match name {
        "and" => Builtin::And,
        "call" => Builtin::Call,
        "html" => Builtin::Html,
        "index" => Builtin::Index,
        "slice" => Builtin::Slice,
        "js" => Builtin::Js,
        "len" => Builtin::Len,
        "not" => Builtin::Not,
        "or" => Builtin::Or,
        "print" => Builtin::Print,
        "printf" => Builtin::Printf,
        "println" => Builtin::Println,
        "urlquery" => Builtin::UrlQuery,
        "eq" => Builtin::Eq,
        "ge" => Builtin::Ge,
        "gt" => Builtin::Gt,
        "le" => Builtin::Le,
        "lt" => Builtin::Lt,
        "ne" => Builtin::Ne,
        _ => return None,
    })
}

pub(crate) fn is_builtin(name: &str) -> bool {
    find(name).is_some()
}

impl Builtin {
    /// The parameters, and whether the last may repeat.
    pub(crate) fn parameters(self) -> (&'static [Type], bool) {
        use Type::{Any, Reflect, String};
        match self {
            Self::And | Self::Or | Self::Call | Self::Index | Self::Slice | Self::Eq => {
                (&[Reflect, Reflect], true)
            }
            Self::Len | Self::Not => (&[Reflect], false),
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => (&[Reflect, Reflect], false),
            Self::Html | Self::Js | Self::Print | Self::Println | Self::UrlQuery => (&[Any], true),
            Self::Printf => (&[String, Any], true),
        }
    }

    /// The result, and whether its static type is `interface {}`.
    pub(crate) fn call(self, arguments: &[Argument]) -> Result<(Value, bool)> {
        let plain = |value: Value| Ok((value, false));
        let truth = |truth: bool| Ok((Value::Bool(truth), false));
        let two = || (&arguments[0].value, &arguments[1].value);
        match self {
            Self::Index => index(arguments),
            Self::Slice => plain(slice(arguments)?),
            Self::Len => plain(Value::Int(length(&arguments[0])?)),
            Self::Not => truth(!arguments[0].value.is_true()),
            Self::Eq => truth(equal(arguments)?),
            Self::Ne => truth(!equal(arguments)?),
            Self::Lt => truth(less(two())?),
            Self::Le => truth(less(two())? || equal(arguments)?),
            Self::Gt => truth(!(less(two())? || equal(arguments)?)),
            Self::Ge => truth(!less(two())?),
            Self::Print => plain(Value::String(sprint(&values(arguments)))),
            Self::Println => plain(Value::String(sprintln(&values(arguments)))),
            Self::Printf => {
                let values = values(arguments);
                let Some((Value::String(format), values)) = values.split_first() else {
                    return Err("printf needs a format".into());
                };
                plain(Value::String(sprintf(format, values)))
            }
            Self::Html => plain(Value::string(html_escape(&escaper_text(arguments)))),
            Self::Js => plain(Value::string(js_escape(&escaper_text(arguments)))),
            Self::UrlQuery => plain(Value::string(query_escape(&escaper_text(arguments)))),
            Self::And | Self::Or | Self::Call => Err("this builtin is evaluated elsewhere".into()),
        }
    }
}

fn values(arguments: &[Argument]) -> Vec<Value> {
    arguments.iter().map(|argument| argument.value.clone()).collect()
}

/// What the escapers escape: `<no value>` stands for nil.
fn escaper_text(arguments: &[Argument]) -> Vec<u8> {
    let shown = |value: Value| if value.is_nil() { Value::string("<no value>") } else { value };
    let values: Vec<Value> = values(arguments).into_iter().map(shown).collect();
    sprint(&values).to_vec()
}

fn is_integer(value: &Value) -> bool {
    value.as_signed().is_some() || value.as_unsigned().is_some()
}

/// Checks that a value can be an argument of the type, integers of any type for each other.
pub(crate) fn prepare_argument(value: &Value, wanted: Type) -> Result<Value> {
    if value.is_nil() {
        if !wanted.can_be_nil() {
            return Err(format!("value is nil; should be of type {}", wanted.name()).into());
        }
        return Ok(wanted.zero());
    }
    if value.is_assignable(wanted) {
        return Ok(value.clone());
    }
    if is_integer(value) {
        let number = value.as_signed().unwrap_or_else(|| value.as_unsigned().unwrap_or(0) as i64);
        match wanted {
            Type::Int => return Ok(Value::Int(number)),
            Type::Int32 => return Ok(Value::Int32(number as i32)),
            Type::Int64 => return Ok(Value::Int64(number)),
            Type::Uint => return Ok(Value::Uint(number as u64)),
            Type::Uint8 => return Ok(Value::Uint8(number as u8)),
            Type::Uint64 => return Ok(Value::Uint64(number as u64)),
            _ => {}
        }
    }
    Err(format!("value has type {}; should be {}", value.type_name(), wanted.name()).into())
}

/// An index into something of the length.
fn index_argument(index: &Value, length: usize) -> Result<usize> {
    let number = match (index.as_signed(), index.as_unsigned()) {
        (Some(number), _) => number,
        (_, Some(number)) => number as i64,
        _ if index.is_nil() => return Err("cannot index slice/array with nil".into()),
        _ => return Err(format!("cannot index slice/array with type {}", index.type_name()).into()),
    };
    match usize::try_from(number) {
        Ok(number) if number <= length => Ok(number),
        _ => Err(format!("index out of range: {number}").into()),
    }
}

fn index(arguments: &[Argument]) -> Result<(Value, bool)> {
    let (item, indexes) = arguments.split_first().ok_or("index of untyped nil")?;
    if item.value.is_nil() {
        return Err("index of untyped nil".into());
    }
    let mut item = item.value.clone();
    let mut is_interface = false;
    for index in indexes {
        (item, is_interface) = index_once(&item, &index.value)?;
    }
    Ok((item, is_interface))
}

fn index_once(item: &Value, index: &Value) -> Result<(Value, bool)> {
    let out_of_range = || FunctionError::new("reflect: slice index out of range");
    match item {
        Value::Nil => Err("index of nil pointer".into()),
        Value::List(list) => {
            let position = index_argument(index, list.len())?;
            let value = list.items().get(position).cloned().ok_or_else(out_of_range)?;
            Ok((value, list.element() == Element::Any))
        }
        Value::Bytes(bytes) => {
            let position = index_argument(index, bytes.len())?;
            let byte = bytes.get(position).ok_or_else(out_of_range)?;
            Ok((Value::Uint8(*byte), false))
        }
        Value::String(text) => {
            let position = index_argument(index, text.len())?;
            let byte = text.get(position).ok_or("reflect: string index out of range")?;
            Ok((Value::Uint8(*byte), false))
        }
        Value::Map(map) => {
            let Value::String(key) = prepare_argument(index, Type::String)? else {
                return Err("value has no type; should be string".into());
            };
            let value = map.get(&*key).unwrap_or_else(|| map.element().as_type().zero());
            Ok((value, map.element() == Element::Any))
        }
        Value::Host(object) => match object.underlying() {
            Some(value) => index_once(&value, index),
            None => Err(format!("can't index item of type {}", item.type_name()).into()),
        },
        _ => Err(format!("can't index item of type {}", item.type_name()).into()),
    }
}

fn slice(arguments: &[Argument]) -> Result<Value> {
    let (item, indexes) = arguments.split_first().ok_or("slice of untyped nil")?;
    let item = match &item.value {
        Value::Nil => return Err("slice of untyped nil".into()),
        Value::Host(object) => object.underlying().unwrap_or_else(|| item.value.clone()),
        other => other.clone(),
    };
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    let length = match &item {
        Value::String(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".into()),
        Value::String(text) => text.len(),
        Value::List(list) => list.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => return Err(format!("can't slice item of type {}", item.type_name()).into()),
    };
    let mut bounds = [0, length, length];
    for (bound, index) in bounds.iter_mut().zip(indexes) {
        *bound = index_argument(&index.value, length)?;
    }
    let [from, to, capacity] = bounds;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    if indexes.len() == 3 && to > capacity {
        return Err(format!("invalid slice index: {to} > {capacity}").into());
    }
    Ok(match &item {
        Value::String(text) => Value::String(text[from..to].into()),
        Value::List(list) => Value::List(List::of(list.element(), list.items()[from..to].to_vec())),
        Value::Bytes(bytes) => Value::Bytes(bytes[from..to].into()),
        _ => item,
    })
}

fn length(argument: &Argument) -> Result<i64> {
    let length = match &argument.value {
        Value::Nil if argument.is_nil_interface => return Err("len of nil pointer".into()),
        Value::Nil => return Err("reflect: call of reflect.Value.Type on zero Value".into()),
        Value::String(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        Value::List(list) => list.len(),
        Value::Map(map) => map.len(),
        Value::Host(object) => match object.underlying() {
            Some(value) => return length(&Argument { value, is_nil_interface: false }),
            None => {
                let name = object.type_name();
                // Go looks through pointers.
                let name = name.strip_prefix('*').unwrap_or(&name);
                return Err(format!("len of type {name}").into());
            }
        },
        other => return Err(format!("len of type {}", other.type_name()).into()),
    };
    Ok(length as i64)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

/// The value with names of the host's types taken off, and its basic kind.
fn basic(value: &Value) -> (Value, Option<Basic>) {
    let value = match value {
        Value::Host(object) => match object.underlying() {
            Some(
                inner @ (Value::String(_)
                | Value::Int64(_)
                | Value::Int(_)
                | Value::Bool(_)
                | Value::Float(_)),
            ) => inner,
            _ => value.clone(),
        },
        other => other.clone(),
    };
    let kind = match &value {
        Value::Bool(_) => Some(Basic::Bool),
        Value::Complex(..) => Some(Basic::Complex),
        Value::Float(_) => Some(Basic::Float),
        Value::String(_) => Some(Basic::String),
        other if other.as_signed().is_some() => Some(Basic::Int),
        other if other.as_unsigned().is_some() => Some(Basic::Uint),
        _ => None,
    };
    (value, kind)
}

fn incompatible(first: &Value, second: &Value) -> FunctionError {
    FunctionError::new(format!(
        "incompatible types for comparison: {} and {}",
        first.type_name(),
        second.type_name()
    ))
}

fn equal(arguments: &[Argument]) -> Result<bool> {
    let (first, others) = arguments.split_first().ok_or("missing argument for comparison")?;
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    for other in others {
        if equal_two(&first.value, &other.value)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn equal_two(first: &Value, second: &Value) -> Result<bool> {
    let ((first, first_kind), (second, second_kind)) = (basic(first), basic(second));
    if first_kind != second_kind {
        return match (first_kind, second_kind) {
            (Some(Basic::Int), Some(Basic::Uint)) | (Some(Basic::Uint), Some(Basic::Int)) => {
                Ok(wide(&first) == wide(&second))
            }
            _ if first.is_nil() || second.is_nil() => Ok(false),
            _ => Err(incompatible(&first, &second)),
        };
    }
    Ok(match (&first, &second) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Float(a), Value::Float(b)) => a == b,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::String(a), Value::String(b)) => a == b,
        _ if first_kind.is_some() => wide(&first) == wide(&second),
        _ => return equal_others(&first, &second),
    })
}

/// Values without a basic kind: nils, lists, maps, objects.
fn equal_others(first: &Value, second: &Value) -> Result<bool> {
    let shown = |value: &Value| sprintf(b"%s", std::slice::from_ref(value)).to_string();
    if first.kind() != second.kind() && !first.is_nil() && !second.is_nil() {
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            shown(first),
            first.type_name(),
            second.type_name(),
            crate::format::format_value(second)
        )
        .into());
    }
    let (first_nil, second_nil) = (is_nil(first), is_nil(second));
    if first_nil || second_nil {
        return Ok(first_nil == second_nil);
    }
    match (first, second) {
        (Value::Host(a), Value::Host(b)) => Ok(std::rc::Rc::ptr_eq(a, b) || a.is_equal(b.as_any())),
        _ => Err(format!("non-comparable type {}: {}", shown(second), second.type_name()).into()),
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

fn wide(value: &Value) -> i128 {
    value.as_signed().map_or_else(|| value.as_unsigned().unwrap_or(0).into(), i128::from)
}

fn less((first, second): (&Value, &Value)) -> Result<bool> {
    const INVALID: &str = "invalid type for comparison";
    let ((first, first_kind), (second, second_kind)) = (basic(first), basic(second));
    let first_kind = first_kind.ok_or(INVALID)?;
    let second_kind = second_kind.ok_or(INVALID)?;
    let integers = |kind| matches!(kind, Basic::Int | Basic::Uint);
    if integers(first_kind) && integers(second_kind) {
        return Ok(wide(&first) < wide(&second));
    }
    if first_kind != second_kind {
        return Err(incompatible(&first, &second));
    }
    match (&first, &second) {
        (Value::Float(a), Value::Float(b)) => Ok(a < b),
        (Value::String(a), Value::String(b)) => Ok(a < b),
        _ => Err(INVALID.into()),
    }
}

/// Go's `template.HTMLEscapeString`.
pub(crate) fn html_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    out
}

fn js_escape(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for character in crate::value::text_of(text).chars() {
        match character {
            '\\' => out.extend_from_slice(b"\\\\"),
            '\'' => out.extend_from_slice(b"\\'"),
            '"' => out.extend_from_slice(b"\\\""),
            '<' | '>' | '&' | '=' | '\0'..='\x1f' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            '\u{80}'.. if !is_printable(character) => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(character)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// Go's `url.QueryEscape`.
pub(crate) fn query_escape(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*byte))
            }
            b' ' => out.push('+'),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
