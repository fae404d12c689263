//! Regular expressions with RE2's meaning: `\d`, `\w`, `\s` and `\b` are ASCII. The engine is linear.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use regex::bytes::{Captures, Match, Regex, RegexBuilder};

use super::regex_fault::{check, counts, escape};
use crate::function::{FunctionError, Functions};
use crate::value::Type::{Bool, Int, String as Str};
use crate::value::{Element, List, Text, Type, Value};

const STRINGS: Type = Type::List(Element::String);
const SIZE_LIMIT: usize = 4 << 20;

pub(super) fn register(functions: &mut Functions) {
    let shared = Patterns::default();
    for must in [false, true] {
        let panics = if must { "" } else { "regexp: Compile(" };
        let name = |plain: &str| if must { format!("mustR{}", &plain[1..]) } else { plain.to_owned() };
        let patterns = shared.clone();
        functions.add(&name("regexMatch"), [Str, Str], Bool, move |_, arguments| {
            match patterns.compile(arguments.text(0)?, "") {
                Ok(regex) => Ok(regex.is_match(arguments.text(1)?).into()),
                Err(error) if must => Err(error),
                Err(_) => Ok(false.into()),
            }
        });
        let patterns = shared.clone();
        functions.add(&name("regexFind"), [Str, Str], Str, move |_, arguments| {
            let regex = patterns.compile(arguments.text(0)?, panics)?;
            Ok(Value::string(regex.find(arguments.text(1)?).map_or(&b""[..], |found| found.as_bytes())))
        });
        let patterns = shared.clone();
        functions.add(&name("regexFindAll"), [Str, Str, Int], STRINGS, move |_, arguments| {
            let regex = patterns.compile(arguments.text(0)?, panics)?;
            let limit = usize::try_from(arguments.int(2)?).unwrap_or(usize::MAX);
            let found = matches(&regex, arguments.text(1)?).take(limit);
            let found: Vec<Text> = found.map(|found| found.as_bytes().into()).collect();
            Ok(if found.is_empty() { List::nil(Element::String) } else { List::strings(found) }.into())
        });
        let patterns = shared.clone();
        functions.add(&name("regexReplaceAll"), [Str, Str, Str], Str, move |call, arguments| {
            let regex = patterns.compile(arguments.text(0)?, panics)?;
            let replacement = arguments.text(2)?.to_str();
            let replaced =
                replace(&regex, arguments.text(1)?, |captures| expand(&regex, &replacement, captures));
            call.charge_bytes(replaced.len())?;
            Ok(Value::string(replaced))
        });
        let patterns = shared.clone();
        functions.add(&name("regexReplaceAllLiteral"), [Str, Str, Str], Str, move |call, arguments| {
            let regex = patterns.compile(arguments.text(0)?, panics)?;
            let literal = arguments.text(2)?;
            let replaced = replace(&regex, arguments.text(1)?, |_| literal.to_vec());
            call.charge_bytes(replaced.len())?;
            Ok(Value::string(replaced))
        });
        let patterns = shared.clone();
        functions.add(&name("regexSplit"), [Str, Str, Int], STRINGS, move |_, arguments| {
            let regex = patterns.compile(arguments.text(0)?, panics)?;
            Ok(split(&regex, arguments.text(0)?.is_empty(), arguments.text(1)?, arguments.int(2)?).into())
        });
    }
    functions.add("regexQuoteMeta", [Str], Str, |_, arguments| {
        let mut out = Vec::new();
        for byte in arguments.text(0)?.iter() {
            if br"\.+*?()|[]{}^$".contains(byte) {
                out.push(b'\\');
            }
            out.push(*byte);
        }
        Ok(Value::string(out))
    });
}

/// A regular expression with RE2's meaning, for those who match without a template.
#[derive(Clone, Debug)]
pub struct Expression(Regex);

impl Expression {
    /// The expression, or what Go finds wrong with it.
    pub fn compile(pattern: &str) -> Result<Self, String> {
        compile(pattern).map(Self).map_err(|fault| format!("error parsing regexp: {fault}"))
    }

    /// Whether it is found anywhere in the text.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text.as_bytes())
    }

    /// Its groups, the whole first: their names.
    pub fn groups(&self) -> impl Iterator<Item = Option<&str>> {
        self.0.capture_names()
    }

    /// All matches: where the whole and each group are, in bytes.
    pub fn matches<'t>(&'t self, text: &'t str) -> impl Iterator<Item = Vec<Option<Range<usize>>>> + 't {
        let all = self.0.captures_iter(text.as_bytes());
        // `\C` matches a part of a character.
        let is_whole =
            |group: Match<'_>| text.is_char_boundary(group.start()) && text.is_char_boundary(group.end());
        let all = all.filter(move |captures| captures.iter().flatten().all(is_whole));
        all.map(|captures| captures.iter().map(|group| group.map(|group| group.range())).collect())
    }
}

/// Patterns that were compiled already: charts use few, and use them often.
#[derive(Clone, Default)]
struct Patterns(Arc<Mutex<HashMap<Text, Regex>>>);

/// More are not kept.
const MAX_PATTERNS: usize = 256;

impl Patterns {
    /// `panics` is how the text of Go's panic begins, when it does not return the error.
    fn compile(&self, pattern: &Text, panics: &str) -> Result<Regex, FunctionError> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(regex) = known.get(pattern) {
            return Ok(regex.clone());
        }
        let regex = compile(&pattern.to_str()).map_err(|fault| {
            let error = format!("error parsing regexp: {fault}");
            FunctionError::new(match panics {
                "" => error,
                _ => format!("regexp: Compile({}): {error}", go_backquote(&pattern.to_str())),
            })
        })?;
        if known.len() < MAX_PATTERNS {
            known.insert(pattern.clone(), regex.clone());
        }
        Ok(regex)
    }
}

fn compile(pattern: &str) -> Result<Regex, String> {
    check(pattern)?;
    let built = RegexBuilder::new(&translate(pattern)).size_limit(SIZE_LIMIT).build();
    built.map_err(|_| format!("expression too large: `{pattern}`"))
}

fn go_backquote(pattern: &str) -> String {
    if pattern.contains('`') { crate::format::go_quote(pattern.as_bytes()) } else { format!("`{pattern}`") }
}

/// RE2's syntax in the words of our engine: ASCII classes, `\Q…\E`, `\z`, and a `[` in a class is itself.
fn translate(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut characters = pattern.chars().peekable();
    let mut in_class = false;
    let mut names: Vec<String> = Vec::new();
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
                Some(digit @ '0'..='7') => {
                    let rest: String = ['\\', digit].into_iter().chain(characters.clone()).collect();
                    if let Ok((code, after)) = escape(&rest) {
                        let digits = rest.len() - after.len() - 2;
                        characters.by_ref().take(digits).for_each(drop);
                        out.push_str(&format!("\\x{{{code:x}}}"));
                    }
                }
                Some(sign @ ('p' | 'P')) if characters.clone().collect::<String>().starts_with("{^") => {
                    characters.by_ref().take(2).for_each(drop);
                    out.push_str(if sign == 'p' { "\\P{" } else { "\\p{" });
                }
                // A name or a code, not a repetition.
                Some(sign @ ('p' | 'P' | 'x')) if characters.next_if_eq(&'{').is_some() => {
                    out.extend(['\\', sign, '{']);
                }
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
            '{' if !in_class => {
                let rest: String = characters.clone().collect();
                out.push_str(if counts(&format!("{{{rest}")).is_some() { "{" } else { "\\{" });
            }
            '(' if !in_class && characters.peek() == Some(&'?') => {
                let rest: String = characters.clone().collect();
                let name = rest.strip_prefix("?P<").or_else(|| rest.strip_prefix("?<"));
                let name = name.and_then(|name| name.split_once('>')).map(|(name, _)| name.to_owned());
                out.push('(');
                match name {
                    // Go lets a name stand twice; our engine does not.
                    Some(name) if names.contains(&name) => {
                        let length = rest.find('>').map_or(0, |end| rest[..=end].chars().count());
                        characters.by_ref().take(length).for_each(drop);
                    }
                    Some(name) => names.push(name),
                    None => {}
                }
            }
            '&' | '~' if in_class => out.extend(['\\', character]),
            other => out.push(other),
        }
    }
    out
}

/// Whether a match may begin here: not within a character.
fn is_between_characters(text: &[u8], at: usize) -> bool {
    text.get(at).is_none_or(|byte| byte & 0xc0 != 0x80)
}

/// All matches; our engine finds nothing also within characters.
fn matches<'t>(regex: &Regex, text: &'t [u8]) -> impl Iterator<Item = Match<'t>> {
    regex.find_iter(text).filter(|found| !found.is_empty() || is_between_characters(text, found.start()))
}

fn replace(regex: &Regex, text: &[u8], by: impl Fn(&Captures<'_>) -> Vec<u8>) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut end = 0;
    for captures in regex.captures_iter(text) {
        let found = captures.get_match();
        if found.is_empty() && !is_between_characters(text, found.start()) {
            continue;
        }
        out.extend_from_slice(&text[end..found.start()]);
        out.extend(by(&captures));
        end = found.end();
    }
    out.extend_from_slice(&text[end..]);
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
    for found in matches(regex, text) {
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
