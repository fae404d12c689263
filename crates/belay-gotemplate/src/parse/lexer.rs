//! Splits a template into tokens. The parser asks for one token at a time.

use std::borrow::Cow;

use crate::format::go_unicode_point;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Error,
    Bool,
    Char,
    CharConstant,
    Complex,
    Assign,
    Declare,
    Eof,
    Field,
    Identifier,
    LeftDelimiter,
    LeftParen,
    Number,
    Pipe,
    RawString,
    RightDelimiter,
    RightParen,
    Space,
    String,
    Text,
    Variable,
    // Keywords.
    Block,
    Break,
    Continue,
    Dot,
    Define,
    Else,
    End,
    If,
    Nil,
    Range,
    Template,
    With,
}

impl TokenKind {
    fn is_keyword(self) -> bool {
        use TokenKind::*;
        matches!(
            self,
            Block | Break | Continue | Dot | Define | Else | End | If | Nil | Range | Template | With
        )
    }
}

fn keyword(word: &str) -> Option<TokenKind> {
    Some(match word {
        "." => TokenKind::Dot,
        "block" => TokenKind::Block,
        "break" => TokenKind::Break,
        "continue" => TokenKind::Continue,
        "define" => TokenKind::Define,
        "else" => TokenKind::Else,
        "end" => TokenKind::End,
        "if" => TokenKind::If,
        "range" => TokenKind::Range,
        "nil" => TokenKind::Nil,
        "template" => TokenKind::Template,
        "with" => TokenKind::With,
        _ => return None,
    })
}

#[derive(Clone, Debug)]
pub(super) struct Token<'t> {
    pub(super) kind: TokenKind,
    pub(super) position: usize,
    /// A piece of the text, or what is wrong with it.
    pub(super) value: Cow<'t, str>,
    pub(super) line: usize,
}

impl Token<'_> {
    /// The token as parse errors show it.
    pub(super) fn describe(&self) -> String {
        match self.kind {
            TokenKind::Eof => "EOF".to_owned(),
            TokenKind::Error => self.value.to_string(),
            kind if kind.is_keyword() => format!("<{}>", self.value),
            _ if self.value.len() > 10 => {
                let short: String = self.value.chars().take(10).collect();
                format!("{}...", crate::format::go_quote(short.as_bytes()))
            }
            _ => crate::format::go_quote(self.value.as_bytes()),
        }
    }
}

/// What opens and closes an action.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delimiters {
    /// Opens an action.
    pub left: String,
    /// Closes an action.
    pub right: String,
}

impl Default for Delimiters {
    fn default() -> Self {
        Self { left: "{{".to_owned(), right: "}}".to_owned() }
    }
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    left: &'t str,
    right: &'t str,
    position: usize,
    start: usize,
    at_end: bool,
    paren_depth: usize,
    line: usize,
    start_line: usize,
    inside_action: bool,
    failed: bool,
    /// Whether `break` is a keyword and not a function.
    pub(super) break_is_keyword: bool,
    /// Whether `continue` is a keyword and not a function.
    pub(super) continue_is_keyword: bool,
}

/// What follows: another state, or the token that is complete.
enum Next<'t> {
    State(State),
    Token(Token<'t>),
}

#[derive(Clone, Copy)]
enum State {
    Text,
    LeftDelimiter,
    Comment,
    RightDelimiter,
    InsideAction,
    Space,
    Identifier,
    Field,
    Variable,
    Char,
    Number,
    Quote,
    RawQuote,
}

const SPACES: [char; 4] = [' ', '\t', '\r', '\n'];
const MARKER_LENGTH: usize = 2;

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str, delimiters: &'t Delimiters) -> Self {
        let or_default = |given: &'t str, default| if given.is_empty() { default } else { given };
        Self {
            text,
            left: or_default(&delimiters.left, "{{"),
            right: or_default(&delimiters.right, "}}"),
            position: 0,
            start: 0,
            at_end: false,
            paren_depth: 0,
            line: 1,
            start_line: 1,
            inside_action: false,
            failed: false,
            break_is_keyword: true,
            continue_is_keyword: true,
        }
    }

    pub(super) fn next_token(&mut self) -> Token<'t> {
        if self.failed {
            return self.token_of(TokenKind::Eof, 0, "EOF".into());
        }
        let mut state = if self.inside_action { State::InsideAction } else { State::Text };
        loop {
            match self.step(state) {
                Next::State(next) => state = next,
                Next::Token(token) => return token,
            }
        }
    }

    fn step(&mut self, state: State) -> Next<'t> {
        match state {
            State::Text => self.lex_text(),
            State::LeftDelimiter => self.lex_left_delimiter(),
            State::Comment => self.lex_comment(),
            State::RightDelimiter => self.lex_right_delimiter(),
            State::InsideAction => self.lex_inside_action(),
            State::Space => self.lex_space(),
            State::Identifier => self.lex_identifier(),
            State::Field => self.lex_field_or_variable(TokenKind::Field),
            State::Variable => {
                if self.at_terminator() {
                    return self.emit(TokenKind::Variable);
                }
                self.lex_field_or_variable(TokenKind::Variable)
            }
            State::Char => self.lex_quoted('\'', TokenKind::CharConstant, "unterminated character constant"),
            State::Number => self.lex_number(),
            State::Quote => self.lex_quoted('"', TokenKind::String, "unterminated quoted string"),
            State::RawQuote => self.lex_raw_quote(),
        }
    }

    fn rest(&self) -> &'t str {
        &self.text[self.position..]
    }

    fn next(&mut self) -> Option<char> {
        let Some(character) = self.rest().chars().next() else {
            self.at_end = true;
            return None;
        };
        self.position += character.len_utf8();
        if character == '\n' {
            self.line += 1;
        }
        Some(character)
    }

    fn peek(&mut self) -> Option<char> {
        let character = self.next();
        self.backup();
        character
    }

    fn backup(&mut self) {
        if self.at_end || self.position == 0 {
            return;
        }
        if let Some(character) = self.text[..self.position].chars().next_back() {
            self.position -= character.len_utf8();
            if character == '\n' {
                self.line -= 1;
            }
        }
    }

    fn token_of(&self, kind: TokenKind, position: usize, value: Cow<'t, str>) -> Token<'t> {
        Token { kind, position, value, line: self.start_line }
    }

    fn this_token(&mut self, kind: TokenKind) -> Token<'t> {
        let value = match kind {
            TokenKind::Eof => "EOF",
            _ => &self.text[self.start..self.position],
        };
        let token = self.token_of(kind, self.start, value.into());
        self.start = self.position;
        self.start_line = self.line;
        token
    }

    fn emit(&mut self, kind: TokenKind) -> Next<'t> {
        Next::Token(self.this_token(kind))
    }

    fn fail(&mut self, message: String) -> Next<'t> {
        self.failed = true;
        Next::Token(self.token_of(TokenKind::Error, self.start, message.into()))
    }

    fn ignore(&mut self) {
        self.line += newlines(&self.text[self.start..self.position]);
        self.start = self.position;
        self.start_line = self.line;
    }

    fn accept(&mut self, valid: &str) -> bool {
        if self.next().is_some_and(|character| valid.contains(character)) {
            return true;
        }
        self.backup();
        false
    }

    fn accept_run(&mut self, valid: &str) {
        while self.next().is_some_and(|character| valid.contains(character)) {}
        self.backup();
    }

    fn lex_text(&mut self) -> Next<'t> {
        let Some(found) = self.rest().find(self.left) else {
            self.position = self.text.len();
            if self.position > self.start {
                self.line += newlines(&self.text[self.start..self.position]);
                return self.emit(TokenKind::Text);
            }
            return self.emit(TokenKind::Eof);
        };
        if found > 0 {
            self.position += found;
            let mut trimmed = 0;
            if has_left_trim_marker(&self.text[self.position + self.left.len()..]) {
                let before = &self.text[self.start..self.position];
                trimmed = before.len() - before.trim_end_matches(SPACES).len();
            }
            self.position -= trimmed;
            self.line += newlines(&self.text[self.start..self.position]);
            let token = self.this_token(TokenKind::Text);
            self.position += trimmed;
            self.ignore();
            if !token.value.is_empty() {
                return Next::Token(token);
            }
        }
        Next::State(State::LeftDelimiter)
    }

    /// Whether a right delimiter is next, and whether it trims.
    fn at_right_delimiter(&self) -> (bool, bool) {
        let rest = self.rest();
        if has_right_trim_marker(rest) && rest[MARKER_LENGTH..].starts_with(self.right) {
            return (true, true);
        }
        (rest.starts_with(self.right), false)
    }

    fn lex_left_delimiter(&mut self) -> Next<'t> {
        self.position += self.left.len();
        let marker = if has_left_trim_marker(self.rest()) { MARKER_LENGTH } else { 0 };
        if self.rest()[marker..].starts_with("/*") {
            self.position += marker;
            self.ignore();
            return Next::State(State::Comment);
        }
        let token = self.this_token(TokenKind::LeftDelimiter);
        self.inside_action = true;
        self.position += marker;
        self.ignore();
        self.paren_depth = 0;
        Next::Token(token)
    }

    fn lex_comment(&mut self) -> Next<'t> {
        self.position += 2;
        let Some(end) = self.rest().find("*/") else {
            return self.fail("unclosed comment".to_owned());
        };
        self.position += end + 2;
        let (at_end, trim) = self.at_right_delimiter();
        if !at_end {
            return self.fail("comment ends before closing delimiter".to_owned());
        }
        self.line += newlines(&self.text[self.start..self.position]);
        self.start = self.position;
        self.start_line = self.line;
        if trim {
            self.position += MARKER_LENGTH;
        }
        self.position += self.right.len();
        if trim {
            self.skip_spaces();
        }
        self.ignore();
        Next::State(State::Text)
    }

    fn skip_spaces(&mut self) {
        let rest = self.rest();
        self.position += rest.len() - rest.trim_start_matches(SPACES).len();
    }

    fn lex_right_delimiter(&mut self) -> Next<'t> {
        let (_, trim) = self.at_right_delimiter();
        if trim {
            self.position += MARKER_LENGTH;
            self.ignore();
        }
        self.position += self.right.len();
        let token = self.this_token(TokenKind::RightDelimiter);
        if trim {
            self.skip_spaces();
            self.ignore();
        }
        self.inside_action = false;
        Next::Token(token)
    }

    fn lex_inside_action(&mut self) -> Next<'t> {
        if self.at_right_delimiter().0 {
            if self.paren_depth == 0 {
                return Next::State(State::RightDelimiter);
            }
            return self.fail("unclosed left paren".to_owned());
        }
        let Some(character) = self.next() else {
            return self.fail("unclosed action".to_owned());
        };
        match character {
            ' ' | '\t' | '\r' | '\n' => {
                self.backup();
                Next::State(State::Space)
            }
            '=' => self.emit(TokenKind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return self.fail("expected :=".to_owned());
                }
                self.emit(TokenKind::Declare)
            }
            '|' => self.emit(TokenKind::Pipe),
            '"' => Next::State(State::Quote),
            '`' => Next::State(State::RawQuote),
            '$' => Next::State(State::Variable),
            '\'' => Next::State(State::Char),
            '.' if self.rest().bytes().next().is_some_and(|byte| !byte.is_ascii_digit()) => {
                Next::State(State::Field)
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.backup();
                Next::State(State::Number)
            }
            _ if is_alphanumeric(character) => {
                self.backup();
                Next::State(State::Identifier)
            }
            '(' => {
                self.paren_depth += 1;
                self.emit(TokenKind::LeftParen)
            }
            ')' => {
                if self.paren_depth == 0 {
                    return self.fail("unexpected right paren".to_owned());
                }
                self.paren_depth -= 1;
                self.emit(TokenKind::RightParen)
            }
            ' '..='~' => self.emit(TokenKind::Char),
            _ => self.fail(format!("unrecognized character in action: {}", go_unicode_point(character))),
        }
    }

    fn lex_space(&mut self) -> Next<'t> {
        let mut spaces = 0;
        while self.peek().is_some_and(is_space) {
            self.next();
            spaces += 1;
        }
        // The last space may belong to a trimming right delimiter.
        let from_last = &self.text[self.position - 1..];
        if has_right_trim_marker(from_last) && from_last[MARKER_LENGTH..].starts_with(self.right) {
            self.backup();
            if spaces == 1 {
                return Next::State(State::RightDelimiter);
            }
        }
        self.emit(TokenKind::Space)
    }

    fn lex_identifier(&mut self) -> Next<'t> {
        let mut character = self.next();
        while character.is_some_and(is_alphanumeric) {
            character = self.next();
        }
        self.backup();
        let word = &self.text[self.start..self.position];
        if !self.at_terminator() {
            return self.fail(format!("bad character {}", bad_character(character)));
        }
        match keyword(word) {
            Some(TokenKind::Break) if !self.break_is_keyword => self.emit(TokenKind::Identifier),
            Some(TokenKind::Continue) if !self.continue_is_keyword => self.emit(TokenKind::Identifier),
            Some(kind) => self.emit(kind),
            None if word == "true" || word == "false" => self.emit(TokenKind::Bool),
            None => self.emit(TokenKind::Identifier),
        }
    }

    fn lex_field_or_variable(&mut self, kind: TokenKind) -> Next<'t> {
        if self.at_terminator() {
            let kind = if kind == TokenKind::Variable { kind } else { TokenKind::Dot };
            return self.emit(kind);
        }
        let mut character = self.next();
        while character.is_some_and(is_alphanumeric) {
            character = self.next();
        }
        self.backup();
        if !self.at_terminator() {
            return self.fail(format!("bad character {}", bad_character(character)));
        }
        self.emit(kind)
    }

    fn at_terminator(&mut self) -> bool {
        match self.peek() {
            None | Some(' ' | '\t' | '\r' | '\n' | '.' | ',' | '|' | ':' | ')' | '(') => true,
            Some(_) => self.rest().starts_with(self.right),
        }
    }

    fn lex_quoted(&mut self, quote: char, kind: TokenKind, unterminated: &str) -> Next<'t> {
        loop {
            match self.next() {
                Some('\\') if matches!(self.next(), None | Some('\n')) => {
                    return self.fail(unterminated.to_owned());
                }
                None | Some('\n') => return self.fail(unterminated.to_owned()),
                Some(character) if character == quote => return self.emit(kind),
                Some(_) => {}
            }
        }
    }

    fn lex_raw_quote(&mut self) -> Next<'t> {
        loop {
            match self.next() {
                None => return self.fail("unterminated raw quoted string".to_owned()),
                Some('`') => return self.emit(TokenKind::RawString),
                Some(_) => {}
            }
        }
    }

    fn lex_number(&mut self) -> Next<'t> {
        if !self.scan_number() {
            return self.bad_number();
        }
        if matches!(self.peek(), Some('+' | '-')) {
            if !self.scan_number() || !self.text[..self.position].ends_with('i') {
                return self.bad_number();
            }
            return self.emit(TokenKind::Complex);
        }
        self.emit(TokenKind::Number)
    }

    fn bad_number(&mut self) -> Next<'t> {
        let number = crate::format::go_quote(&self.text.as_bytes()[self.start..self.position]);
        self.fail(format!("bad number syntax: {number}"))
    }

    fn scan_number(&mut self) -> bool {
        self.accept("+-");
        let mut digits = "0123456789_";
        if self.accept("0") {
            if self.accept("xX") {
                digits = "0123456789abcdefABCDEF_";
            } else if self.accept("oO") {
                digits = "01234567_";
            } else if self.accept("bB") {
                digits = "01_";
            }
        }
        self.accept_run(digits);
        if self.accept(".") {
            self.accept_run(digits);
        }
        if digits.len() == 11 && self.accept("eE") {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        if digits.len() == 23 && self.accept("pP") {
            self.accept("+-");
            self.accept_run("0123456789_");
        }
        self.accept("i");
        if self.peek().is_some_and(is_alphanumeric) {
            self.next();
            return false;
        }
        true
    }
}

/// Go prints the end of input as the rune -1.
fn bad_character(character: Option<char>) -> String {
    character.map_or_else(|| "U+FFFFFFFFFFFFFFFF".to_owned(), go_unicode_point)
}

fn newlines(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'\n').count()
}

fn is_space(character: char) -> bool {
    SPACES.contains(&character)
}

fn is_alphanumeric(character: char) -> bool {
    character == '_' || character.is_alphanumeric()
}

fn has_left_trim_marker(text: &str) -> bool {
    matches!(text.as_bytes(), [b'-', b' ' | b'\t' | b'\r' | b'\n', ..])
}

fn has_right_trim_marker(text: &str) -> bool {
    matches!(text.as_bytes(), [b' ' | b'\t' | b'\r' | b'\n', b'-', ..])
}
