//! Expressions in a text: `${NAME}`, `${NAME:=default}`, `${NAME/from/to}` and the like.

use std::sync::OnceLock;

use regex::Regex;

use super::SubstituteError;

/// Deepest nesting of expressions in expressions.
const MAX_DEPTH: usize = 100;

const BAD_SUBSTITUTION: &str = "bad substitution";
const IN_FUNCTION: &str = "unable to parse substitution within function";

/// A part of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part {
    /// As it stands.
    Text(String),
    /// To be evaluated.
    Expression(Expression),
}

/// One `${…}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expression {
    pub(super) name: String,
    /// The operator; empty where there is none.
    pub(super) function: String,
    pub(super) arguments: Vec<Part>,
}

pub(super) fn parse(text: &str) -> Result<Vec<Part>, SubstituteError> {
    let mut scanner = Scanner { text, at: 0, depth: 0 };
    let mut parts = Vec::new();
    loop {
        let plain = scanner.plain();
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        if !scanner.eat("${") {
            return Ok(parts);
        }
        parts.push(Part::Expression(scanner.expression()?));
    }
}

/// Which escapes count within a word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    None,
    /// `$$`, `\/` and `\\`.
    All,
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Scanner<'t> {
    /// What is left; a zero byte ends the text.
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next().filter(|letter| *letter != '\0')
    }

    fn eat(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn fault<T>(&self, reason: &'static str) -> Result<T, SubstituteError> {
        let line = self.text[..self.at].matches('\n').count() + 1;
        Err(SubstituteError::Syntax { line, reason })
    }

    /// Text outside of expressions: `$$` is one `$`.
    fn plain(&mut self) -> String {
        let mut plain = String::new();
        while let Some(letter) = self.peek() {
            let rest = self.rest();
            if letter == '$' {
                if rest.starts_with("${") {
                    break;
                }
                plain.push('$');
                self.at += if rest.starts_with("$$") { 2 } else { 1 };
                continue;
            }
            let end = rest.find(['$', '\0']).unwrap_or(rest.len());
            plain.push_str(&rest[..end]);
            self.at += end;
        }
        plain
    }

    /// Letters, digits and `_`.
    fn identifier(&mut self) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|letter| !is_identifier(letter)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Letters as long as `accept` takes them; an expression ends them too.
    fn word(&mut self, accept: impl Fn(char) -> bool, escapes: Escapes) -> String {
        let mut word = String::new();
        while let Some(letter) = self.peek() {
            let rest = self.rest();
            if rest.starts_with("${") {
                break;
            }
            if escapes == Escapes::All && ["$$", r"\/", r"\\"].iter().any(|sign| rest.starts_with(sign)) {
                self.at += 2;
                word.push_str(&rest[1..2]);
                continue;
            }
            if !accept(letter) {
                break;
            }
            word.push(letter);
            self.at += letter.len_utf8();
        }
        word
    }

    /// As many of the letters as stand here, at most `most`.
    fn signs(&mut self, letters: &[char], most: usize) -> &'t str {
        let rest = self.rest();
        let count = rest.chars().take(most).take_while(|letter| letters.contains(letter)).count();
        self.at += count;
        &rest[..count]
    }

    /// An expression behind its `${`.
    fn expression(&mut self) -> Result<Expression, SubstituteError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(SubstituteError::Limit { what: "nested expressions", limit: MAX_DEPTH });
        }
        let expression = self.inner();
        self.depth -= 1;
        expression
    }

    fn inner(&mut self) -> Result<Expression, SubstituteError> {
        if self.eat("#") {
            let name = self.identifier();
            if name.is_empty() {
                return self.fault(BAD_SUBSTITUTION);
            }
            return self.closed(name, "#", Vec::new());
        }
        let name = self.identifier();
        if name.is_empty() {
            return self.fault("unable to parse variable name");
        }
        match self.peek() {
            Some(':') => self.default_or_substring(name),
            Some('=') => self.default(name),
            Some(',' | '^') => {
                let function = self.signs(&[',', '^'], 2);
                self.closed(name, function, Vec::new())
            }
            Some('/') => self.replace(name),
            Some('#') => self.remove(name, '#'),
            Some('%') => self.remove(name, '%'),
            Some('}') => self.closed(name, "", Vec::new()),
            _ => self.fault("missing closing brace"),
        }
    }

    fn closed(
        &mut self,
        name: &str,
        function: &str,
        arguments: Vec<Part>,
    ) -> Result<Expression, SubstituteError> {
        if !self.eat("}") {
            return self.fault(BAD_SUBSTITUTION);
        }
        Ok(Expression { name: name.to_owned(), function: function.to_owned(), arguments })
    }

    /// One argument: an expression or a word, which must not be empty.
    fn argument(&mut self, accept: impl Fn(char) -> bool, escapes: Escapes) -> Result<Part, SubstituteError> {
        if self.eat("${") {
            return self.expression().map(Part::Expression);
        }
        let word = self.word(accept, escapes);
        if word.is_empty() {
            return self.fault(IN_FUNCTION);
        }
        Ok(Part::Text(word))
    }

    fn default_or_substring(&mut self, name: &str) -> Result<Expression, SubstituteError> {
        match self.rest()[1..].chars().next() {
            Some('=' | '-' | '?' | '+') => self.default(name),
            // The original loses its place before such a letter.
            Some(letter) if !letter.is_ascii() => self.fault(BAD_SUBSTITUTION),
            _ => self.substring(name),
        }
    }

    /// `${NAME=word}`, `${NAME:=word}`, `${NAME:-word}`, …
    fn default(&mut self, name: &str) -> Result<Expression, SubstituteError> {
        let length = if self.peek() == Some('=') { 1 } else { 2 };
        let function = &self.rest()[..length];
        self.at += length;
        let mut arguments = Vec::new();
        while self.peek() != Some('}') {
            arguments.push(self.argument(|letter| letter != '}', Escapes::None)?);
        }
        self.closed(name, function, arguments)
    }

    /// `${NAME:offset}` and `${NAME:offset:length}`
    fn substring(&mut self, name: &str) -> Result<Expression, SubstituteError> {
        self.at += 1;
        let mut arguments = vec![self.argument(|letter| letter != ':' && letter != '}', Escapes::None)?];
        if self.signs(&[':'], usize::MAX).is_empty() {
            return self.closed(name, ":", arguments);
        }
        arguments.push(self.argument(|letter| letter != '}', Escapes::None)?);
        self.closed(name, ":", arguments)
    }

    /// `${NAME#pattern}`, `${NAME%%pattern}`, …
    fn remove(&mut self, name: &str, sign: char) -> Result<Expression, SubstituteError> {
        let function = self.signs(&[sign], 2);
        let pattern = self.argument(|letter| letter != '}', Escapes::None)?;
        self.closed(name, function, vec![pattern])
    }

    /// `${NAME/from/to}`, with `//` for all, `/#` at the start, `/%` at the end.
    fn replace(&mut self, name: &str) -> Result<Expression, SubstituteError> {
        let length = if self.rest()[1..].starts_with(['/', '#', '%']) { 2 } else { 1 };
        let function = &self.rest()[..length];
        self.at += length;
        let mut arguments = vec![self.argument(|letter| letter != '/', Escapes::All)?];
        if self.signs(&['/'], usize::MAX).is_empty() {
            return self.fault(BAD_SUBSTITUTION);
        }
        if self.peek() != Some('}') {
            arguments.push(self.argument(|letter| letter != '}', Escapes::All)?);
        }
        self.closed(name, function, arguments)
    }
}

fn is_identifier(letter: char) -> bool {
    static WORDS: OnceLock<Regex> = OnceLock::new();
    if letter.is_ascii() {
        return letter == '_' || letter.is_ascii_alphanumeric();
    }
    let words = WORDS.get_or_init(|| Regex::new(r"^[\p{L}\p{Nd}]$").expect("a constant pattern"));
    words.is_match(letter.encode_utf8(&mut [0; 4]))
}
