//! Regular expressions with RE2's meaning: `\d`, `\w`, `\s` and `\b` are ASCII. The engine is linear.

use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::function::{FunctionError, Functions};
use crate::value::Type::{Bool, Int, String as Str};
use crate::value::{Element, List, Text, Type, Value};

const STRINGS: Type = Type::List(Element::String);
const SIZE_LIMIT: usize = 4 << 20;

pub(super) fn register(functions: &mut Functions) {
    for must in [false, true] {
        let panics = if must { "" } else { "regexp: Compile(" };
        let name = |plain: &str| if must { format!("mustR{}", &plain[1..]) } else { plain.to_owned() };
        functions.add(&name("regexMatch"), [Str, Str], Bool, move |_, arguments| {
            match compile(arguments.text(0)?, "") {
                Ok(regex) => Ok(regex.is_match(arguments.text(1)?).into()),
                Err(error) if must => Err(error),
                Err(_) => Ok(false.into()),
            }
        });
        functions.add(&name("regexFind"), [Str, Str], Str, move |_, arguments| {
            let regex = compile(arguments.text(0)?, panics)?;
            Ok(Value::string(regex.find(arguments.text(1)?).map_or(&b""[..], |found| found.as_bytes())))
        });
        functions.add(&name("regexFindAll"), [Str, Str, Int], STRINGS, move |_, arguments| {
            let regex = compile(arguments.text(0)?, panics)?;
            let limit = usize::try_from(arguments.int(2)?).unwrap_or(usize::MAX);
            let found: Vec<Text> = regex
                .find_iter(arguments.text(1)?)
                .take(limit)
                .map(|found| found.as_bytes().into())
                .collect();
            Ok(if found.is_empty() { List::nil(Element::String) } else { List::strings(found) }.into())
        });
        functions.add(&name("regexReplaceAll"), [Str, Str, Str], Str, move |call, arguments| {
            let regex = compile(arguments.text(0)?, panics)?;
            let replacement = arguments.text(2)?.to_str();
            let expand = |captures: &Captures<'_>| expand(&regex, &replacement, captures);
            let replaced = regex.replace_all(arguments.text(1)?, expand);
            call.charge_bytes(replaced.len())?;
            Ok(Value::string(&*replaced))
        });
        functions.add(&name("regexReplaceAllLiteral"), [Str, Str, Str], Str, move |call, arguments| {
            let regex = compile(arguments.text(0)?, panics)?;
            let literal = regex::bytes::NoExpand(arguments.text(2)?);
            let replaced = regex.replace_all(arguments.text(1)?, literal);
            call.charge_bytes(replaced.len())?;
            Ok(Value::string(&*replaced))
        });
        functions.add(&name("regexSplit"), [Str, Str, Int], STRINGS, move |_, arguments| {
            let regex = compile(arguments.text(0)?, panics)?;
            Ok(split(&regex, arguments.text(0)?.is_empty(), arguments.text(1)?, arguments.int(2)?).into())
        });
    }
    functions.add("regexQuoteMeta", [Str], Str, |_, arguments| {
        let mut out = String::new();
        for character in arguments.text(0)?.to_str().chars() {
            if r"\.+*?()|[]{}^$".contains(character) {
                out.push('\\');
            }
            out.push(character);
        }
        Ok(Value::string(out))
    });
}

/// `panics` is how the text of Go's panic begins, when it does not return the error.
fn compile(pattern: &Text, panics: &str) -> Result<Regex, FunctionError> {
    let pattern = pattern.to_str();
    let built = RegexBuilder::new(&translate(&pattern)).size_limit(SIZE_LIMIT).build();
    built.map_err(|_| {
        let error = format!("error parsing regexp: {}", fault(&pattern));
        FunctionError::new(match panics {
            "" => error,
            _ => format!("regexp: Compile({}): {error}", go_backquote(&pattern)),
        })
    })
}

fn go_backquote(pattern: &str) -> String {
    if pattern.contains('`') { crate::format::go_quote(pattern.as_bytes()) } else { format!("`{pattern}`") }
}

/// The fault as Go names it, for the usual ones.
fn fault(pattern: &str) -> String {
    let (opened, closed) = (pattern.matches('(').count(), pattern.matches(')').count());
    if pattern.starts_with(['*', '+', '?']) {
        return format!("missing argument to repetition operator: `{}`", &pattern[..1]);
    }
    if opened > closed {
        return format!("missing closing ): `{pattern}`");
    }
    if closed > opened {
        return format!("unexpected ): `{pattern}`");
    }
    if let Some(open) = pattern.rfind('[').filter(|open| !pattern[*open..].contains(']')) {
        return format!("missing closing ]: `{}`", &pattern[open..]);
    }
    for look in ["(?=", "(?!", "(?<"] {
        if let Some(at) = pattern.find(look) {
            let end = (at + if look == "(?<" { 4 } else { 3 }).min(pattern.len());
            return format!("invalid or unsupported Perl syntax: `{}`", pattern.get(at..end).unwrap_or(look));
        }
    }
    format!("invalid or unsupported syntax: `{pattern}`")
}

/// RE2's syntax in the words of our engine: ASCII classes, `\Q…\E`, `\z`, and a `[` in a class is itself.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    let mut next_after_shorthand = false;
    while let Some(character) = characters.next() {
        // No range begins at `\w` and the like: a dash behind them is a dash.
        let after_shorthand = std::mem::take(&mut next_after_shorthand);
        next_after_shorthand =
            character == '\\' && characters.peek().is_some_and(|next| "dwsDWS".contains(*next));
        match character {
            '\\' => match characters.next() {
                Some('Q') => {
                    let rest: String = characters.clone().collect();
                    let literal = rest.split_once("\\E").map_or(&*rest, |(literal, _)| literal);
                    out.push_str(&regex::escape(literal));
                    let skip = literal.chars().count() + if literal.len() < rest.len() { 2 } else { 0 };
                    characters.by_ref().take(skip).for_each(drop);
                }
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('s') => out.push_str(if in_class { r"\t\n\f\r " } else { r"[\t\n\f\r ]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('S') => out.push_str(r"[^\t\n\f\r ]"),
                Some('b') => out.push_str(r"(?-u:\b)"),
                Some('B') => out.push_str(r"(?-u:\B)"),
                Some('C') => out.push_str("(?s-u:.)"),
                Some(other) => out.extend(['\\', other]),
                None => out.push('\\'),
            },
            '-' if in_class && after_shorthand => out.push_str("\\-"),
            '[' if in_class && characters.peek() != Some(&':') => out.push_str("\\["),
            '[' if in_class => {
                out.push('[');
                for inner in characters.by_ref() {
                    out.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
            }
            '[' => {
                in_class = true;
                out.push('[');
                if characters.next_if_eq(&'^').is_some() {
                    out.push('^');
                }
                if characters.next_if_eq(&']').is_some() {
                    out.push_str("\\]");
                }
            }
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

/// Go's `Regexp.Expand`: `$1`, `$name` (the longest name), `${name}`, `$$`.
fn expand(regex: &Regex, template: &str, captures: &Captures<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = template;
    while let Some(dollar) = rest.find('$') {
        out.extend_from_slice(&rest.as_bytes()[..dollar]);
        rest = &rest[dollar + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push(b'$');
            rest = after;
            continue;
        }
        let is_word = |character: char| character.is_alphanumeric() || character == '_';
        let braced = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (name, after) = match braced {
            Some((name, after)) if !name.is_empty() && name.chars().all(is_word) => (name, after),
            _ => {
                let end = rest.find(|character| !is_word(character)).unwrap_or(rest.len());
                rest.split_at(end)
            }
        };
        if name.is_empty() {
            out.push(b'$');
            continue;
        }
        rest = after;
        let group = match name.parse::<usize>() {
            Ok(index) => captures.get(index),
            Err(_) => regex
                .capture_names()
                .flatten()
                .find(|known| *known == name)
                .and_then(|name| captures.name(name)),
        };
        out.extend_from_slice(group.map_or(&b""[..], |group| group.as_bytes()));
    }
    out.extend_from_slice(rest.as_bytes());
    out
}

/// Go's `Regexp.Split`.
fn split(regex: &Regex, empty_pattern: bool, text: &[u8], limit: i64) -> List {
    if limit == 0 {
        return List::nil(Element::String);
    }
    if !empty_pattern && text.is_empty() {
        return List::strings([""]);
    }
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut parts: Vec<Text> = Vec::new();
    let (mut begin, mut end) = (0, 0);
    for found in regex.find_iter(text) {
        if parts.len() + 1 >= limit {
            break;
        }
        end = found.start();
        if found.end() != 0 {
            parts.push(text[begin..end].into());
        }
        begin = found.end();
    }
    if end != text.len() {
        parts.push(text[begin..].into());
    }
    List::strings(parts)
}
