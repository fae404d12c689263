//! What Go's `regexp/syntax` finds wrong with a pattern, in its words. Our engine takes more.

/// Counted repetitions go up to here.
const MAX_COUNT: u32 = 1000;
const MAX_NESTING: usize = 1000;

type Check<T> = Result<T, String>;

/// The first fault of a pattern.
pub(super) fn check(pattern: &str) -> Check<()> {
    Checker { whole: pattern, rest: pattern, open: 0, has_argument: false }.run()
}

struct Checker<'p> {
    whole: &'p str,
    rest: &'p str,
    open: usize,
    /// Whether there is something a repetition may repeat.
    has_argument: bool,
}

fn fault<T>(what: &str, part: &str) -> Check<T> {
    Err(format!("{what}: `{part}`"))
}

/// What was read of `from` when `to` is left.
fn between<'p>(from: &'p str, to: &str) -> &'p str {
    &from[..from.len() - to.len()]
}

impl<'p> Checker<'p> {
    fn run(mut self) -> Check<()> {
        let mut last_repeat = None;
        while let Some(character) = self.rest.chars().next() {
            let before = self.rest;
            let mut repeat = None;
            match character {
                '(' => self.group()?,
                ')' => {
                    self.open = match self.open.checked_sub(1) {
                        Some(open) => open,
                        None => return fault("unexpected )", self.whole),
                    };
                    self.step(1, true);
                }
                '|' => self.step(1, false),
                '[' => self.class()?,
                '*' | '+' | '?' => {
                    self.rest = &self.rest[1..];
                    self.repetition(before, last_repeat)?;
                    repeat = Some(before);
                }
                '{' => match counts(before) {
                    Some((least, most, after)) => {
                        self.rest = after;
                        let ascending = most.is_none_or(|most| least <= most && most <= MAX_COUNT);
                        if least > MAX_COUNT || !ascending {
                            return fault("invalid repeat count", between(before, after));
                        }
                        self.repetition(before, last_repeat)?;
                        repeat = Some(before);
                    }
                    None => self.step(1, true),
                },
                '\\' => self.backslash()?,
                other => self.step(other.len_utf8(), true),
            }
            last_repeat = repeat;
        }
        if self.open > 0 { fault("missing closing )", self.whole) } else { Ok(()) }
    }

    fn step(&mut self, bytes: usize, has_argument: bool) {
        self.rest = &self.rest[bytes..];
        self.has_argument = has_argument;
    }

    fn repetition(&mut self, before: &'p str, last: Option<&'p str>) -> Check<()> {
        self.rest = self.rest.strip_prefix('?').unwrap_or(self.rest);
        if let Some(last) = last {
            return fault("invalid nested repetition operator", between(last, self.rest));
        }
        if !self.has_argument {
            return fault("missing argument to repetition operator", between(before, self.rest));
        }
        Ok(())
    }

    fn group(&mut self) -> Check<()> {
        if let Some(inside) = self.rest.strip_prefix("(?") {
            return self.flags(inside);
        }
        self.enter(1)
    }

    fn enter(&mut self, bytes: usize) -> Check<()> {
        self.open += 1;
        if self.open > MAX_NESTING {
            return fault("expression nests too deeply", self.whole);
        }
        self.step(bytes, false);
        Ok(())
    }

    /// `(?flags)`, `(?flags:` or `(?P<name>`.
    fn flags(&mut self, inside: &'p str) -> Check<()> {
        let start = self.rest;
        if let Some(name) = inside.strip_prefix("P<").or_else(|| inside.strip_prefix('<'))
            && !name.is_empty()
        {
            return self.name(name);
        }
        let (mut negative, mut saw_flag) = (false, false);
        let mut characters = inside.chars();
        loop {
            let next = characters.next();
            match next {
                Some('i' | 'm' | 's' | 'U') => saw_flag = true,
                Some('-') if !negative => (negative, saw_flag) = (true, false),
                Some(':' | ')') if !negative || saw_flag => break,
                None => return fault("invalid or unsupported Perl syntax", start),
                Some(_) => {
                    return fault("invalid or unsupported Perl syntax", between(start, characters.as_str()));
                }
            }
        }
        let read = between(start, characters.as_str());
        if read.ends_with(':') {
            return self.enter(read.len());
        }
        // Flags alone leave what stands before them to be repeated.
        self.step(read.len(), self.has_argument);
        Ok(())
    }

    fn name(&mut self, name: &'p str) -> Check<()> {
        let start = self.rest;
        let Some((name, after)) = name.split_once('>') else {
            return fault("invalid named capture", start);
        };
        let is_word = |character: char| character == '_' || character.is_ascii_alphanumeric();
        if name.is_empty() || !name.chars().all(is_word) {
            return fault("invalid named capture", between(start, after));
        }
        self.enter(start.len() - after.len())
    }

    fn backslash(&mut self) -> Check<()> {
        let next = self.rest[1..].chars().next();
        match next {
            Some('A' | 'b' | 'B' | 'z') => self.step(2, true),
            Some('C') => return fault("invalid escape sequence", "\\C"),
            Some('Q') => {
                let (literal, after) = match self.rest[2..].split_once("\\E") {
                    Some((literal, after)) => (literal, after),
                    None => (&self.rest[2..], ""),
                };
                self.rest = after;
                self.has_argument |= !literal.is_empty();
            }
            _ => {
                let after = match shorthand(self.rest)? {
                    Some(after) => after,
                    None => escape(self.rest)?.1,
                };
                self.step(self.rest.len() - after.len(), true);
            }
        }
        Ok(())
    }

    fn class(&mut self) -> Check<()> {
        let start = self.rest;
        let mut rest = &start[1..];
        rest = rest.strip_prefix('^').unwrap_or(rest);
        let mut is_first = true;
        while is_first || !rest.starts_with(']') {
            is_first = false;
            if let Some(inner) = rest.strip_prefix("[:")
                && let Some((name, after)) = inner.split_once(":]")
            {
                if !POSIX.contains(&name.strip_prefix('^').unwrap_or(name)) {
                    return fault("invalid character class range", between(rest, after));
                }
                rest = after;
                continue;
            }
            if let Some(after) = shorthand(rest)? {
                rest = after;
                continue;
            }
            let range = rest;
            let (low, after) = class_character(rest, start)?;
            rest = after;
            if let Some(high) = rest.strip_prefix('-')
                && !high.is_empty()
                && !high.starts_with(']')
            {
                let (high, after) = class_character(high, start)?;
                rest = after;
                if high < low {
                    return fault("invalid character class range", between(range, rest));
                }
            }
        }
        self.step(start.len() - rest.len() + 1, true);
        Ok(())
    }
}

const POSIX: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
    "upper", "word", "xdigit",
];

fn class_character<'p>(rest: &'p str, class: &str) -> Check<(u32, &'p str)> {
    match rest.chars().next() {
        None => fault("missing closing ]", class),
        Some('\\') => escape(rest),
        Some(character) => Ok((character.into(), &rest[character.len_utf8()..])),
    }
}

/// `\d` and the like, `\pL`, `\p{Greek}`: what follows them.
fn shorthand(rest: &str) -> Check<Option<&str>> {
    let Some(letters) = rest.strip_prefix('\\') else { return Ok(None) };
    let mut characters = letters.chars();
    match characters.next() {
        Some('d' | 's' | 'w' | 'D' | 'S' | 'W') => Ok(Some(characters.as_str())),
        Some('p' | 'P') => {
            let (name, after) = match characters.next() {
                None => return fault("invalid character class range", rest),
                Some('{') => match characters.as_str().split_once('}') {
                    Some((name, after)) => (name, after),
                    None => return fault("invalid character class range", rest),
                },
                Some(_) => (between(&letters[1..], characters.as_str()), characters.as_str()),
            };
            let plain = name.strip_prefix('^').unwrap_or(name);
            if plain != "Any" && regex::Regex::new(&format!("\\p{{{plain}}}")).is_err() {
                return fault("invalid character class range", between(rest, after));
            }
            Ok(Some(after))
        }
        _ => Ok(None),
    }
}

/// The character of an escape, and what follows it.
pub(super) fn escape(start: &str) -> Check<(u32, &str)> {
    let mut characters = start[1..].chars();
    let Some(letter) = characters.next() else {
        return fault("trailing backslash at end of expression", "");
    };
    let rest = characters.as_str();
    let bad = |rest: &str| fault("invalid escape sequence", between(start, rest));
    let octal = |rest: &str| rest.bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
    match letter {
        '1'..='7' if octal(rest) == 0 => bad(rest),
        '0'..='7' => {
            let digits = &start[1..2 + octal(rest)];
            Ok((u32::from_str_radix(digits, 8).unwrap_or(0), &rest[octal(rest)..]))
        }
        'x' => hexadecimal(start, rest),
        'a' => Ok((7, rest)),
        'f' => Ok((12, rest)),
        'n' => Ok((10, rest)),
        'r' => Ok((13, rest)),
        't' => Ok((9, rest)),
        'v' => Ok((11, rest)),
        other if other.is_ascii() && !other.is_ascii_alphanumeric() => Ok((other.into(), rest)),
        _ => bad(rest),
    }
}

/// `\x41` or `\x{10FFFF}`.
fn hexadecimal<'p>(start: &'p str, rest: &'p str) -> Check<(u32, &'p str)> {
    let mut characters = rest.chars();
    let bad = |rest: &str| fault("invalid escape sequence", between(start, rest));
    let Some(first) = characters.next() else { return bad(rest) };
    if first != '{' {
        let second = characters.next();
        return match (first.to_digit(16), second.and_then(|second| second.to_digit(16))) {
            (Some(high), Some(low)) => Ok((high * 16 + low, characters.as_str())),
            _ => bad(characters.as_str()),
        };
    }
    let mut number: u32 = 0;
    let mut digits = 0;
    loop {
        match characters.next() {
            Some('}') if digits > 0 => return Ok((number, characters.as_str())),
            Some(character) if let Some(digit) = character.to_digit(16) => {
                number = number * 16 + digit;
                digits += 1;
                if number > char::MAX.into() {
                    return bad(characters.as_str());
                }
            }
            _ => return bad(characters.as_str()),
        }
    }
}

/// `{n}`, `{n,}` or `{n,m}` and what follows it; nothing for a brace that is a brace.
pub(super) fn counts(rest: &str) -> Option<(u32, Option<u32>, &str)> {
    let (least, rest) = number(rest.strip_prefix('{')?)?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((least, Some(least), after));
    }
    let rest = rest.strip_prefix(',')?;
    if let Some(after) = rest.strip_prefix('}') {
        return Some((least, None, after));
    }
    let (most, rest) = number(rest)?;
    Some((least, Some(most), rest.strip_prefix('}')?))
}

/// A number without zeros before it; huge ones are just too much.
fn number(text: &str) -> Option<(u32, &str)> {
    let count = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(count);
    if digits.is_empty() || (digits.len() > 1 && digits.starts_with('0')) {
        return None;
    }
    Some((digits.parse().unwrap_or(u32::MAX), rest))
}
