//! Strings. Lengths and positions count bytes, as sprig's do.

use super::convert::text;
use super::words::{lower, upper};
use crate::format::{go_quote, sprint_one};
use crate::function::{Call, FunctionError, Functions};
use crate::value::Type::{Any, Bool, Int, String as Str};
use crate::value::{Element, List, Map, Text, Type, Value, text_of};

const STRINGS: Type = Type::List(Element::String);
const STRING_MAP: Type = Type::Map(Element::String);

type Change = fn(&str) -> String;
type CutWith = for<'t> fn(&[u8], &'t [u8]) -> &'t [u8];
type Test = fn(&[u8], &[u8]) -> bool;

pub(super) fn register(functions: &mut Functions) {
    functions.add("trim", [Str], Str, |_, arguments| {
        Ok(Value::string(trim(arguments.text(0)?, char::is_whitespace)))
    });
    let simple: [(&str, Change); 7] = [
        ("upper", |text| text.chars().map(upper).collect()),
        ("lower", |text| text.chars().map(lower).collect()),
        ("title", title),
        ("untitle", untitle),
        ("nospace", without_space),
        ("initials", initials),
        ("swapcase", swap_case),
    ];
    for (name, change) in simple {
        functions.add(name, [Str], Str, move |_, arguments| {
            Ok(Value::string(change(&arguments.text(0)?.to_str())))
        });
    }
    // The set or affix comes first, so that text can be piped in.
    let pairs: [(&str, CutWith); 4] = [
        ("trimAll", trim_all),
        ("trimall", trim_all),
        ("trimSuffix", |suffix, text| text.strip_suffix(suffix).unwrap_or(text)),
        ("trimPrefix", |prefix, text| text.strip_prefix(prefix).unwrap_or(text)),
    ];
    for (name, change) in pairs {
        functions.add(name, [Str, Str], Str, move |_, arguments| {
            Ok(Value::string(change(arguments.text(0)?, arguments.text(1)?)))
        });
    }
    let tests: [(&str, Test); 3] = [
        ("contains", |part, text| find(text, part).is_some()),
        ("hasPrefix", |prefix, text| text.starts_with(prefix)),
        ("hasSuffix", |suffix, text| text.ends_with(suffix)),
    ];
    for (name, test) in tests {
        functions.add(name, [Str, Str], Bool, move |_, arguments| {
            Ok(test(arguments.text(0)?, arguments.text(1)?).into())
        });
    }
    register_quoting(functions);
    register_cutting(functions);
    register_layout(functions);
}

fn register_quoting(functions: &mut Functions) {
    functions.add_variadic("quote", [Any], Str, |_, arguments| {
        let given = arguments.all().iter().filter(|value| !value.is_nil());
        let quoted: Vec<String> = given.map(|value| go_quote(text(value).as_bytes())).collect();
        Ok(Value::string(quoted.join(" ")))
    });
    functions.add_variadic("squote", [Any], Str, |_, arguments| {
        let given = arguments.all().iter().filter(|value| !value.is_nil());
        let quoted: Vec<Vec<u8>> = given.map(|value| [b"'", &sprint_one(value)[..], b"'"].concat()).collect();
        Ok(Value::string(quoted.join(&b' ')))
    });
    functions.add_variadic("cat", [Any], Str, |_, arguments| {
        let given = arguments.all().iter().filter(|value| !value.is_nil());
        Ok(Value::string(given.map(sprint_one).collect::<Vec<_>>().join(&b' ')))
    });
    functions.add("toString", [Any], Str, |_, arguments| Ok(Value::String(text(arguments.value(0)?))));
    functions.add("plural", [Str, Str, Int], Str, |_, arguments| {
        Ok(arguments.value(if arguments.int(2)? == 1 { 0 } else { 1 })?.clone())
    });
}

fn register_cutting(functions: &mut Functions) {
    functions.add("trunc", [Int, Str], Str, |_, arguments| {
        let (count, text) = (arguments.int(0)?, arguments.text(1)?);
        let length = text.len() as i64;
        Ok(Value::string(if count < 0 && length.saturating_add(count) > 0 {
            &text[(length + count) as usize..]
        } else if count >= 0 && length > count {
            &text[..count as usize]
        } else {
            &text[..]
        }))
    });
    functions.add("substr", [Int, Int, Str], Str, |_, arguments| {
        let (start, end, text) = (arguments.int(0)?, arguments.int(1)?, arguments.text(2)?);
        let length = text.len() as i64;
        let (from, to) = if start < 0 {
            (0, end)
        } else if end < 0 || end > length {
            (start, length)
        } else {
            (start, end)
        };
        let out_of_range = || match (to < 0 || to > length, from > length && to == length) {
            (true, _) if to < 0 => format!("runtime error: slice bounds out of range [:{to}]"),
            (true, _) => format!("runtime error: slice bounds out of range [:{to}] with length {length}"),
            (_, true) => format!("runtime error: slice bounds out of range [{from}:{length}]"),
            _ => format!("runtime error: slice bounds out of range [{from}:{to}]"),
        };
        let cut = usize::try_from(from).ok().zip(usize::try_from(to).ok());
        Ok(Value::string(cut.and_then(|(from, to)| text.get(from..to)).ok_or_else(out_of_range)?))
    });
    functions.add("splitList", [Str, Str], STRINGS, |_, arguments| {
        Ok(List::strings(split(arguments.text(1)?, arguments.text(0)?, -1)).into())
    });
    functions.add("split", [Str, Str], STRING_MAP, |_, arguments| {
        Ok(numbered(split(arguments.text(1)?, arguments.text(0)?, -1)))
    });
    functions.add("splitn", [Str, Int, Str], STRING_MAP, |_, arguments| {
        Ok(numbered(split(arguments.text(2)?, arguments.text(0)?, arguments.int(1)?)))
    });
    functions.add("abbrev", [Int, Str], Str, |_, arguments| {
        let (width, text) = (arguments.int(0)?, arguments.text(1)?);
        Ok(Value::String(if width < 4 { text.clone() } else { abbreviate(text, 0, width) }))
    });
    functions.add("abbrevboth", [Int, Int, Str], Str, |_, arguments| {
        let (left, right, text) = (arguments.int(0)?, arguments.int(1)?, arguments.text(2)?);
        let unchanged = right < 4 || (left > 0 && right < 7);
        Ok(Value::String(if unchanged { text.clone() } else { abbreviate(text, left, right) }))
    });
}

fn register_layout(functions: &mut Functions) {
    functions.add("repeat", [Int, Str], Str, |call, arguments| {
        let (count, text) = (arguments.int(0)?, arguments.text(1)?);
        let count = usize::try_from(count).map_err(|_| "strings: negative Repeat count".to_owned())?;
        call.charge_bytes(text.len().saturating_mul(count))?;
        Ok(Value::string(text.repeat(count)))
    });
    functions.add("replace", [Str, Str, Str], Str, |call, arguments| {
        let (old, new, source) = (arguments.text(0)?, arguments.text(1)?, arguments.text(2)?);
        if old.is_empty() {
            let source = source.to_str();
            call.charge_bytes(source.len().saturating_mul(new.len()))?;
            return Ok(Value::string(source.replace("", &new.to_str())));
        }
        replace(call, source, old, new)
    });
    for (name, before) in [("indent", ""), ("nindent", "\n")] {
        functions.add(name, [Int, Str], Str, move |call, arguments| {
            let (spaces, text) = (arguments.int(0)?, arguments.text(1)?);
            let spaces = usize::try_from(spaces).map_err(|_| "strings: negative Repeat count".to_owned())?;
            let lines = 1 + text.iter().filter(|byte| **byte == b'\n').count();
            call.charge_bytes(spaces.saturating_mul(lines).saturating_add(text.len()))?;
            let pad = vec![b' '; spaces];
            let mut out = Vec::with_capacity(spaces * lines + text.len() + 1);
            out.extend_from_slice(before.as_bytes());
            for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
                if index > 0 {
                    out.push(b'\n');
                }
                out.extend_from_slice(&pad);
                out.extend_from_slice(line);
            }
            Ok(Value::string(out))
        });
    }
}

/// Go's `strings.SplitN`: an empty separator splits into characters.
fn split(text: &Text, separator: &Text, limit: i64) -> Vec<Text> {
    if limit == 0 {
        return Vec::new();
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    if !separator.is_empty() && std::str::from_utf8(text).is_err() {
        return split_bytes(text, separator, limit);
    }
    let text = text.to_str();
    if separator.is_empty() {
        let mut parts = Vec::new();
        let mut rest = &*text;
        while let Some(character) = rest.chars().next() {
            if parts.len() + 1 >= limit {
                parts.push(rest.into());
                return parts;
            }
            parts.push(rest[..character.len_utf8()].into());
            rest = &rest[character.len_utf8()..];
        }
        return parts;
    }
    text.splitn(limit, &*separator.to_str()).map(Text::from).collect()
}

fn split_bytes(text: &[u8], separator: &[u8], limit: usize) -> Vec<Text> {
    let mut parts: Vec<Text> = Vec::new();
    let mut rest = text;
    while parts.len() + 1 < limit
        && let Some(at) = rest.windows(separator.len()).position(|window| window == separator)
    {
        parts.push(rest[..at].into());
        rest = &rest[at + separator.len()..];
    }
    parts.push(rest.into());
    parts
}

/// `{_0: first, _1: second, …}`
fn numbered(parts: Vec<Text>) -> Value {
    let map = Map::of(Element::String);
    for (index, part) in parts.into_iter().enumerate() {
        map.insert(format!("_{index}"), part);
    }
    map.into()
}

/// Without the characters at both ends; what is not UTF-8 stays.
fn trim(text: &[u8], is_cut: impl Fn(char) -> bool) -> &[u8] {
    let mut text = text;
    if let Some(first) = text.utf8_chunks().next() {
        text = &text[first.valid().len() - first.valid().trim_start_matches(&is_cut).len()..];
    }
    if let Some(last) = text.utf8_chunks().last()
        && last.invalid().is_empty()
    {
        text = &text[..text.len() - (last.valid().len() - last.valid().trim_end_matches(&is_cut).len())];
    }
    text
}

fn trim_all<'t>(set: &[u8], text: &'t [u8]) -> &'t [u8] {
    let set = text_of(set);
    trim(text, |character| set.contains(character))
}

/// Where a part begins.
fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    match (std::str::from_utf8(text), std::str::from_utf8(part)) {
        (Ok(text), Ok(part)) => text.find(part),
        _ if part.is_empty() => Some(0),
        _ => text.windows(part.len()).position(|window| window == part),
    }
}

/// `old` is not empty.
fn replace(call: &mut Call<'_>, source: &[u8], old: &[u8], new: &[u8]) -> Result<Value, FunctionError> {
    if let (Ok(source), Ok(old), Ok(new)) =
        (std::str::from_utf8(source), std::str::from_utf8(old), std::str::from_utf8(new))
    {
        call.charge_bytes(source.matches(old).count().saturating_mul(new.len()))?;
        return Ok(Value::string(source.replace(old, new)));
    }
    let mut out = Vec::with_capacity(source.len());
    let mut rest = source;
    while let Some(at) = rest.windows(old.len()).position(|window| window == old) {
        call.charge_bytes(new.len())?;
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    Ok(Value::string(out))
}

/// Upper case after anything that is not a letter, a digit or an underscore.
fn title(text: &str) -> String {
    let mut before = ' ';
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let starts_word = if before.is_ascii() {
            !before.is_ascii_alphanumeric() && before != '_'
        } else {
            before.is_whitespace()
        };
        if starts_word {
            out.push(title_case(character));
        } else {
            out.push(character);
        }
        before = character;
    }
    out
}

/// Upper case, but for characters that are two letters, and for scripts without capitals in titles.
fn title_case(character: char) -> char {
    match character {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჿ' => character,
        _ => upper(character),
    }
}

fn untitle(text: &str) -> String {
    let mut starts_word = true;
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if starts_word {
            out.push(lower(character));
        } else {
            out.push(character);
        }
        starts_word = character.is_whitespace();
    }
    out
}

/// The original reads bytes as characters, but only where there is space to delete.
fn without_space(text: &str) -> String {
    let kept: String = text.bytes().map(char::from).filter(|character| !character.is_whitespace()).collect();
    if kept.chars().count() == text.len() { text.to_owned() } else { kept }
}

/// The original reads bytes as characters.
fn initials(text: &str) -> String {
    let characters: String = text.bytes().map(char::from).collect();
    characters.split_whitespace().filter_map(|word| word.chars().next()).collect()
}

/// Lower case becomes upper case at a word's start too.
fn swap_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_uppercase() {
            out.push(lower(character));
        } else {
            out.push(upper(character));
        }
    }
    out
}

/// Cuts to the width with `...` where something was cut off.
fn abbreviate(text: &Text, offset: i64, width: i64) -> Text {
    let length = text.len() as i64;
    if length <= width {
        return text.clone();
    }
    let offset = offset.min(length);
    let offset = if length - offset < width - 3 { length - (width - 3) } else { offset };
    let cut = |from: i64, to: i64| &text[from.clamp(0, length) as usize..to.clamp(0, length) as usize];
    if offset <= 4 {
        return [cut(0, width - 3), b"..."].concat().into();
    }
    if offset + width - 3 < length {
        return [b"...", cut(offset, offset + width - 6), b"..."].concat().into();
    }
    [b"...", cut(length - (width - 3), length)].concat().into()
}
