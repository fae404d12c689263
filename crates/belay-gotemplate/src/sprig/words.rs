//! Words: the cases of names, wrapping and shuffling, as the libraries sprig calls do them.

use std::sync::LazyLock;

use regex::Regex;

use super::random::below;
use crate::function::{Call, FunctionError, Functions};
use crate::value::Type::{Int, String as Str};
use crate::value::Value;

/// What the original's decoder gives for bytes that are not UTF-8; it is passed over.
const INVALID: char = char::REPLACEMENT_CHARACTER;

pub(super) fn register(functions: &mut Functions) {
    functions.add("camelcase", [Str], Str, |_, arguments| {
        Ok(Value::string(upper_camel_case(&arguments.text(0)?.to_str())))
    });
    for (name, connector) in [("snakecase", '_'), ("kebabcase", '-')] {
        functions.add(name, [Str], Str, move |call, arguments| {
            let text = arguments.text(0)?.to_str();
            call.charge_bytes(text.len())?;
            Ok(Value::string(connected_case(&text, connector)))
        });
    }
    functions.add("wrap", [Int, Str], Str, |call, arguments| {
        let lines = Wrapping { width: arguments.int(0)?, line_end: b"\n", cuts_long_words: false };
        Ok(Value::string(lines.apply(call, arguments.text(1)?)?))
    });
    functions.add("wrapWith", [Int, Str, Str], Str, |call, arguments| {
        let line_end = match &arguments.text(1)?[..] {
            b"" => b"\n",
            given => given,
        };
        let lines = Wrapping { width: arguments.int(0)?, line_end, cuts_long_words: true };
        Ok(Value::string(lines.apply(call, arguments.text(2)?)?))
    });
    functions.add("shuffle", [Str], Str, |call, arguments| {
        let mut characters: Vec<char> = arguments.text(0)?.to_str().chars().collect();
        for index in (1..characters.len()).rev() {
            let other = below(call, "shuffle", index as u64 + 1)?;
            characters.swap(index, other as usize);
        }
        Ok(Value::string(characters.into_iter().collect::<String>()))
    });
}

fn is_connector(character: char) -> bool {
    matches!(character, '-' | '_') || character.is_whitespace()
}

fn is_in(class: &Regex, character: char) -> bool {
    class.is_match(character.encode_utf8(&mut [0; 4]))
}

fn is_punctuation(character: char) -> bool {
    static CLASS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{P}").expect("the pattern is valid"));
    is_in(&CLASS, character)
}

fn is_upper(character: char) -> bool {
    static CLASS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{Lu}").expect("the pattern is valid"));
    if character.is_ascii() { character.is_ascii_uppercase() } else { is_in(&CLASS, character) }
}

/// Go's `unicode.IsLetter`.
pub(crate) fn is_letter(character: char) -> bool {
    static CLASS: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\p{L}").expect("the pattern is valid"));
    if character.is_ascii() { character.is_ascii_alphabetic() } else { is_in(&CLASS, character) }
}

/// A letter that is not one of the common Chinese characters.
fn is_alphabet(character: char) -> bool {
    let is_chinese =
        matches!(character, '\u{4E00}'..='\u{9FCC}' | '\u{3400}'..='\u{4D85}' | '\u{20000}'..='\u{2B81D}');
    !is_chinese && is_letter(character)
}

/// The mapping to one character, as Go's `unicode.ToLower` has it.
pub(super) fn lower(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

/// The mapping to one character; one that needs several stays as it is.
pub(super) fn upper(character: char) -> char {
    let mut mapped = character.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(single), None) => single,
        _ => character,
    }
}

/// `some_words` becomes `SomeWords`; connectors at the start stay, and of several in a row all but one.
fn upper_camel_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    let mut current = None;
    let mut starts_upper = false;
    for character in characters.by_ref() {
        current = Some(character);
        if !is_connector(character) {
            starts_upper = is_upper(character);
            current = Some(upper(character));
            break;
        }
        out.push(character);
    }
    let Some(mut current) = current else { return out };
    for next in characters {
        let before = std::mem::replace(&mut current, next);
        match (is_connector(before), is_connector(next)) {
            (true, true) => out.push(before),
            (true, false) => {
                starts_upper = is_upper(next);
                current = upper(next);
            }
            (false, _) => {
                if starts_upper && is_upper(next) {
                    current = lower(next);
                } else {
                    starts_upper = false;
                }
                out.push(before);
            }
        }
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WordKind {
    None,
    Number,
    Upper,
    Alphabet,
    Connector,
    Punctuation,
    Other,
}

impl WordKind {
    /// Whether the word needs no connector before it.
    fn is_separate(self) -> bool {
        matches!(self, Self::Connector | Self::Punctuation)
    }

    fn continues_number(self) -> bool {
        matches!(self, Self::Alphabet | Self::Number)
    }
}

/// The words of a text, from left to right, each with its kind.
struct Words<'a> {
    rest: &'a str,
    kind: WordKind,
    word: &'a str,
}

impl<'a> Words<'a> {
    fn advance(&mut self) {
        let (kind, length) = next_word(self.rest);
        (self.word, self.rest) = self.rest.split_at(length);
        self.kind = kind;
    }

    /// Writes words while letters and digits follow a number.
    fn write_number_tail(&mut self, out: &mut String, connector: char) {
        while self.kind.continues_number() {
            write_word(out, self.kind, self.word, connector);
            self.advance();
        }
        if self.kind != WordKind::None && !self.kind.is_separate() {
            out.push(connector);
        }
    }
}

/// `FirstName` becomes `first_name` or `first-name`.
fn connected_case(text: &str, connector: char) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut words = Words { rest: text, kind: WordKind::None, word: "" };
    words.advance();
    while !words.rest.is_empty() {
        let (kind, word) = (words.kind, words.word);
        if kind != WordKind::Connector {
            write_word(&mut out, kind, word, connector);
        }
        words.advance();
        match kind {
            WordKind::Number => words.write_number_tail(&mut out, connector),
            WordKind::Connector => write_word(&mut out, kind, word, connector),
            WordKind::Punctuation => {}
            _ if words.kind != WordKind::Number => {
                if !words.kind.is_separate() {
                    out.push(connector);
                }
            }
            _ if words.rest.is_empty() => {}
            _ => {
                let number = words.word;
                words.advance();
                if words.kind == WordKind::Alphabet {
                    out.push(connector);
                    write_word(&mut out, WordKind::Number, number, connector);
                    words.write_number_tail(&mut out, connector);
                } else {
                    // The number belongs to the word before it.
                    write_word(&mut out, WordKind::Number, number, connector);
                    if !words.kind.is_separate() {
                        out.push(connector);
                    }
                }
            }
        }
    }
    write_word(&mut out, words.kind, words.word, connector);
    out
}

fn write_word(out: &mut String, kind: WordKind, word: &str, connector: char) {
    if !matches!(kind, WordKind::Upper | WordKind::Connector) {
        out.push_str(word);
        return;
    }
    out.extend(word.chars().map(|character| match character {
        character if is_connector(character) => connector,
        character if is_upper(character) => lower(character),
        character => character,
    }));
}

/// The first valid character and how long the text is up to its end.
fn next_character(text: &str) -> Option<(char, usize)> {
    let (at, character) = text.char_indices().find(|(_, character)| *character != INVALID)?;
    Some((character, at + character.len_utf8()))
}

/// How much of a text its beginning of matching characters takes. What is invalid counts with what follows.
fn run_length(text: &str, previous: char, matches: impl Fn(char) -> bool) -> usize {
    let mut length = 0;
    let mut previous = previous;
    while length < text.len() {
        let (character, size) = next_character(&text[length..]).unwrap_or((previous, text.len() - length));
        if !matches(character) {
            break;
        }
        previous = character;
        length += size;
    }
    length
}

fn next_word(text: &str) -> (WordKind, usize) {
    let Some((first, size)) = next_character(text) else { return (WordKind::None, text.len()) };
    let run = |matches: fn(char) -> bool| size + run_length(&text[size..], first, matches);
    if is_connector(first) {
        (WordKind::Connector, run(is_connector))
    } else if is_punctuation(first) {
        (WordKind::Punctuation, run(is_punctuation))
    } else if is_upper(first) {
        (WordKind::Upper, upper_word(text, first, size))
    } else if is_alphabet(first) {
        (WordKind::Alphabet, run(|character| is_alphabet(character) && !is_upper(character)))
    } else if first.is_numeric() {
        (WordKind::Number, run(char::is_numeric))
    } else {
        let is_other = |character: char| {
            !(is_connector(character)
                || is_alphabet(character)
                || character.is_numeric()
                || is_punctuation(character))
        };
        (WordKind::Other, run(is_other))
    }
}

/// `HTTPStatus` begins with `HTTP`, `Status` is one word.
fn upper_word(text: &str, first: char, size: usize) -> usize {
    let rest = &text[size..];
    let Some(second) = (!rest.is_empty()).then(|| next_character(rest).map_or(first, |(second, _)| second))
    else {
        return size;
    };
    if !is_upper(second) {
        let is_small = |character| is_alphabet(character) && !is_upper(character);
        return size + run_length(rest, first, is_small);
    }
    let end = size + run_length(rest, first, is_upper);
    let follower = next_character(&text[end..]);
    if !follower.is_some_and(|(follower, _)| is_alphabet(follower)) {
        return end;
    }
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    end - last
}

/// Breaks a line at spaces. Widths count bytes.
struct Wrapping<'a> {
    width: i64,
    line_end: &'a [u8],
    cuts_long_words: bool,
}

impl Wrapping<'_> {
    fn apply(&self, call: &mut Call<'_>, text: &[u8]) -> Result<Vec<u8>, FunctionError> {
        let width = usize::try_from(self.width.max(1)).unwrap_or(usize::MAX);
        call.charge_bytes(text.len())?;
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while rest.len() > width {
            if let Some(after) = rest.strip_prefix(b" ") {
                rest = after;
                continue;
            }
            let is_space = |byte: &u8| *byte == b' ';
            let (line, next) = if let Some(space) = rest[..=width].iter().rposition(is_space) {
                (space, space + 1)
            } else if self.cuts_long_words {
                (width, width)
            } else if let Some(space) = rest[width..].iter().position(is_space) {
                (width + space, width + space + 1)
            } else {
                break;
            };
            call.charge_bytes(self.line_end.len())?;
            out.extend_from_slice(&rest[..line]);
            out.extend_from_slice(self.line_end);
            rest = &rest[next..];
        }
        out.extend_from_slice(rest);
        Ok(out)
    }
}
