//! Text to tokens, with the rules, limits and quirks of libyaml as Go ported it.
//!
//! The one subtle part is the *simple key*: `a` becomes a key only when a `:` follows on the same
//! line within 1024 characters. Each flow level remembers one candidate; when the `:` comes, the
//! KEY token is inserted before the tokens already queued.

mod comments;

use std::borrow::Cow;
use std::collections::VecDeque;

use crate::characters::{
    at, is_blank, is_blank_or_end, is_break, is_break_or_end, is_readable, is_word, width,
};
use crate::error::Error;
use crate::node::{Comment, ParseOptions, Resolution, Style};
use comments::Attachment;

/// Farthest a `:` may be from the start of its key, in characters.
const SIMPLE_KEY_REACH: usize = 1024;
/// The reader of Go's port checks characters block by block, ahead of the scanner.
const READER_BLOCK: usize = 512;

/// Where the scanner is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Byte offset.
    pub(crate) offset: usize,
    /// Character offset.
    pub(crate) index: usize,
    /// 0-based line.
    pub(crate) line: usize,
    /// 0-based column in characters.
    pub(crate) column: usize,
}

/// A place of a token, kept small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    /// Byte offset.
    pub(crate) offset: u32,
    /// 0-based line.
    pub(crate) line: u32,
    /// 0-based column in characters.
    pub(crate) column: u32,
}

impl From<Mark> for Spot {
    fn from(mark: Mark) -> Self {
        Self { offset: mark.offset as u32, line: mark.line as u32, column: mark.column as u32 }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TokenKind<'a> {
    StreamEnd,
    VersionDirective { major: u8, minor: u8 },
    TagDirective(Box<Tag>),
    DocumentStart,
    DocumentEnd,
    BlockSequenceStart,
    BlockMappingStart,
    BlockEnd,
    FlowSequenceStart,
    FlowSequenceEnd,
    FlowMappingStart,
    FlowMappingEnd,
    BlockEntry,
    FlowEntry,
    Key,
    Value,
    Alias(Box<str>),
    Anchor(Box<str>),
    Tag(Box<Tag>),
    Scalar(Cow<'a, str>, Style),
}

/// A handle such as `!!`, and what follows it or what it stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tag {
    pub(crate) handle: String,
    pub(crate) rest: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Token<'a> {
    pub(crate) kind: TokenKind<'a>,
    pub(crate) start: Spot,
    pub(crate) end: Spot,
}

#[derive(Debug, Clone, Copy, Default)]
struct SimpleKey {
    possible: bool,
    required: bool,
    token_number: usize,
    mark: Mark,
}

pub(crate) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    mark: Mark,
    tokens: VecDeque<Token<'a>>,
    tokens_taken: usize,
    token_ready: bool,
    flow_level: usize,
    indent: isize,
    indents: Vec<isize>,
    simple_key_allowed: bool,
    simple_keys: Vec<SimpleKey>,
    /// Token number to flow level, of keys that may still turn out to be keys; ascending.
    keys_by_token: VecDeque<(usize, usize)>,
    stream_ended: bool,
    lookahead: usize,
    max_depth: usize,
    /// Offset of the first character the reader refuses; `bytes` ends at the start of its block.
    unreadable: Option<Mark>,
    keep_comments: bool,
    pub(crate) comments: Vec<Comment>,
    /// Comments on their way to nodes, if they are wanted there.
    attachment: Option<Box<Attachment>>,
}

/// Errors are rare and large.
type Scan<T> = Result<T, Box<Error>>;

impl<'a> Scanner<'a> {
    pub(crate) fn new(text: &'a str, options: &ParseOptions) -> Self {
        let (text, unreadable) = readable_part(text);
        // The reader takes one byte order mark, the scanner another.
        let marks = text.chars().take(2).take_while(|character| *character == '\u{FEFF}').count();
        let start = Mark { offset: 3 * marks, ..Mark::default() };
        Self {
            text,
            bytes: text.as_bytes(),
            mark: start,
            tokens: VecDeque::new(),
            tokens_taken: 1,
            token_ready: false,
            flow_level: 0,
            indent: -1,
            indents: Vec::new(),
            simple_key_allowed: true,
            simple_keys: vec![SimpleKey::default()],
            keys_by_token: VecDeque::new(),
            stream_ended: false,
            // yaml.v3 reads two tokens ahead for its comments, which changes which error is first.
            lookahead: match options.resolution {
                Resolution::V2 => 0,
                Resolution::V3 => 2,
            },
            max_depth: options.max_depth.min(ParseOptions::DEPTH_CEILING),
            unreadable,
            keep_comments: options.comments,
            comments: Vec::new(),
            attachment: None,
        }
    }

    /// The next token, left in the queue.
    pub(crate) fn peek(&mut self) -> Scan<&Token<'a>> {
        if !self.token_ready {
            self.fetch_more_tokens().map_err(|error| self.blame_reader(error))?;
        }
        if self.attachment.is_some() {
            self.hand_over_comments();
        }
        self.tokens.front().ok_or_else(past_the_end)
    }

    /// Takes the token that `peek` showed.
    pub(crate) fn take(&mut self) -> Scan<Token<'a>> {
        self.peek()?;
        self.token_ready = false;
        self.tokens_taken += 1;
        self.tokens.pop_front().ok_or_else(past_the_end)
    }

    /// An error of grammar at `mark`, found while reading what began at `context`.
    pub(crate) fn grammar_error(context: Option<Spot>, spot: Spot, message: &str) -> Box<Error> {
        let (line, column) = (spot.line as usize, spot.column as usize);
        let shown_v3 = match context {
            Some(context) if context.line != 0 => context.line as usize,
            _ => line,
        };
        Box::new(Error::at((line + 1, column + 1), (line, shown_v3), message))
    }

    fn error<T>(&self, context: Mark, message: impl Into<String>) -> Scan<T> {
        let shown = |line: usize| if line == 0 { 0 } else { line + 1 };
        let context_line = if context.line != 0 { context.line } else { self.mark.line };
        Err(Box::new(Error::at(
            (self.mark.line + 1, self.mark.column + 1),
            (shown(self.mark.line), shown(context_line)),
            message,
        )))
    }

    /// Near the end of the readable part every error is the unreadable character's.
    #[cold]
    fn blame_reader(&self, error: Box<Error>) -> Box<Error> {
        match self.unreadable {
            Some(mark) if self.mark.offset + 4 >= self.bytes.len() => unreadable_error(mark),
            _ => error,
        }
    }

    // ---- the queue ----

    fn fetch_more_tokens(&mut self) -> Scan<()> {
        loop {
            let enough = self.tokens.len() > self.lookahead || self.stream_ended;
            if enough && !self.head_may_be_key()? || self.stream_ended {
                break;
            }
            self.fetch_next_token()?;
        }
        self.token_ready = true;
        Ok(())
    }

    fn head_may_be_key(&mut self) -> Scan<bool> {
        while self.keys_by_token.front().is_some_and(|(token, _)| *token < self.tokens_taken) {
            self.keys_by_token.pop_front();
        }
        match self.keys_by_token.front() {
            Some((token, level)) if *token == self.tokens_taken => {
                let level = *level;
                self.simple_key_is_valid(level)
            }
            _ => Ok(false),
        }
    }

    fn next_token_number(&self) -> usize {
        self.tokens_taken + self.tokens.len()
    }

    fn push(&mut self, kind: TokenKind<'a>, start: Mark) {
        self.tokens.push_back(Token { kind, start: start.into(), end: self.mark.into() });
    }

    /// Puts a token before the one numbered `number`; at the end if that one was taken already.
    fn insert(&mut self, number: usize, kind: TokenKind<'a>, mark: Mark) {
        let token = Token { kind, start: mark.into(), end: mark.into() };
        match number.checked_sub(self.tokens_taken) {
            Some(position) if position <= self.tokens.len() => self.tokens.insert(position, token),
            _ => self.tokens.push_back(token),
        }
    }

    fn fetch_next_token(&mut self) -> Scan<()> {
        let before = self.mark;
        self.skip_to_next_token()?;
        self.unroll_indent(self.mark.column as isize, before);
        let here = self.byte(0);
        if here == 0 {
            return self.fetch_stream_end();
        }
        if self.mark.column == 0 {
            if here == b'%' {
                return self.fetch_directive();
            }
            if self.at_document_indicator() {
                let kind = if here == b'-' { TokenKind::DocumentStart } else { TokenKind::DocumentEnd };
                return self.fetch_document_indicator(kind);
            }
        }
        if self.attachment.is_none() {
            return self.fetch_content(here);
        }
        let owner = self.owner_of_line_comment(here);
        self.fetch_content(here)?;
        self.take_comment_behind_token(owner);
        Ok(())
    }

    /// A token that starts with the byte `here` and is neither an end, a directive nor a marker.
    fn fetch_content(&mut self, here: u8) -> Scan<()> {
        let in_flow = self.flow_level > 0;
        let alone = is_blank_or_end(self.bytes, self.mark.offset + 1);
        match here {
            b'[' => self.fetch_flow_start(TokenKind::FlowSequenceStart),
            b'{' => self.fetch_flow_start(TokenKind::FlowMappingStart),
            b']' => self.fetch_flow_end(TokenKind::FlowSequenceEnd),
            b'}' => self.fetch_flow_end(TokenKind::FlowMappingEnd),
            b',' => self.fetch_flow_entry(),
            b'-' if alone => self.fetch_block_entry(),
            b'?' if in_flow || alone => self.fetch_key(),
            b':' if in_flow || alone => self.fetch_value(),
            b'*' | b'&' => self.fetch_anchor(here == b'&'),
            b'!' => self.fetch_tag(),
            b'|' | b'>' if !in_flow => self.fetch_block_scalar(here == b'|'),
            b'\'' | b'"' => self.fetch_quoted(here == b'\''),
            b'|' | b'>' | b'#' | b'%' | b'@' | b'`' | b'\t' => {
                self.error(self.mark, "found character that cannot start any token")
            }
            _ => self.fetch_plain(),
        }
    }

    // ---- simple keys and indentation ----

    fn simple_key_is_valid(&mut self, level: usize) -> Scan<bool> {
        let key = self.simple_keys[level];
        if !key.possible {
            return Ok(false);
        }
        if key.mark.line < self.mark.line || key.mark.index + SIMPLE_KEY_REACH < self.mark.index {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[level].possible = false;
            return Ok(false);
        }
        Ok(true)
    }

    fn top_level(&self) -> usize {
        self.simple_keys.len() - 1
    }

    fn save_simple_key(&mut self) -> Scan<()> {
        let required = self.flow_level == 0 && self.indent == self.mark.column as isize;
        if !self.simple_key_allowed {
            return Ok(());
        }
        let token_number = self.next_token_number();
        self.remove_simple_key()?;
        let level = self.top_level();
        self.simple_keys[level] = SimpleKey { possible: true, required, token_number, mark: self.mark };
        match self.keys_by_token.back_mut() {
            Some(last) if last.0 == token_number => last.1 = level,
            _ => self.keys_by_token.push_back((token_number, level)),
        }
        Ok(())
    }

    fn remove_simple_key(&mut self) -> Scan<()> {
        let level = self.top_level();
        let key = self.simple_keys[level];
        if key.possible {
            if key.required {
                return self.error(key.mark, "could not find expected ':'");
            }
            self.simple_keys[level].possible = false;
            self.forget_key(key.token_number);
        }
        Ok(())
    }

    fn forget_key(&mut self, token_number: usize) {
        if let Ok(position) = self.keys_by_token.binary_search_by_key(&token_number, |(token, _)| *token) {
            self.keys_by_token.remove(position);
        }
    }

    fn roll_indent(
        &mut self,
        column: usize,
        number: Option<usize>,
        kind: TokenKind<'a>,
        mark: Mark,
    ) -> Scan<()> {
        if self.flow_level > 0 || self.indent >= column as isize {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column as isize;
        if self.indents.len() > self.max_depth {
            let context = self.simple_keys[self.top_level()].mark;
            return self.error(context, format!("exceeded max depth of {}", self.max_depth));
        }
        self.insert(number.unwrap_or(usize::MAX), kind, mark);
        Ok(())
    }

    /// Ends the blocks that are indented more than `column`; `before` is where the blanks and
    /// comments before the current place begin.
    fn unroll_indent(&mut self, column: isize, before: Mark) {
        if self.flow_level > 0 || self.indent <= column {
            return;
        }
        let mut ends = self.attachment.is_some().then(|| self.block_ends_after(before));
        while self.indent > column {
            let spot = match &mut ends {
                None => self.mark.into(),
                Some(last) => self.block_end(last),
            };
            self.tokens.push_back(Token { kind: TokenKind::BlockEnd, start: spot, end: spot });
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    // ---- fetchers, one per kind of token ----

    fn fetch_stream_end(&mut self) -> Scan<()> {
        if let Some(mark) = self.unreadable {
            return Err(unreadable_error(mark));
        }
        if self.mark.column != 0 {
            self.mark.column = 0;
            self.mark.line += 1;
        }
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        self.push(TokenKind::StreamEnd, self.mark);
        self.stream_ended = true;
        Ok(())
    }

    fn fetch_directive(&mut self) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let kind = self.scan_directive()?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_document_indicator(&mut self, kind: TokenKind<'a>) -> Scan<()> {
        self.unroll_indent(-1, self.mark);
        self.remove_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(3);
        self.push(kind, start);
        Ok(())
    }

    fn fetch_flow_start(&mut self, kind: TokenKind<'a>) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_keys.push(SimpleKey {
            token_number: self.next_token_number(),
            mark: self.mark,
            ..SimpleKey::default()
        });
        self.flow_level += 1;
        if self.flow_level > self.max_depth {
            return self.error(self.mark, format!("exceeded max depth of {}", self.max_depth));
        }
        self.simple_key_allowed = true;
        self.fetch_indicator(kind)
    }

    fn fetch_flow_end(&mut self, kind: TokenKind<'a>) -> Scan<()> {
        self.remove_simple_key()?;
        if self.flow_level > 0 {
            self.flow_level -= 1;
            if let Some(key) = self.simple_keys.pop() {
                self.forget_key(key.token_number);
            }
        }
        self.simple_key_allowed = false;
        self.fetch_indicator(kind)
    }

    fn fetch_flow_entry(&mut self) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.fetch_indicator(TokenKind::FlowEntry)
    }

    fn fetch_indicator(&mut self, kind: TokenKind<'a>) -> Scan<()> {
        let start = self.mark;
        self.skip_ascii(1);
        self.push(kind, start);
        Ok(())
    }

    fn fetch_block_entry(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(self.mark, "block sequence entries are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockSequenceStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        self.fetch_indicator(TokenKind::BlockEntry)
    }

    fn fetch_key(&mut self) -> Scan<()> {
        if self.flow_level == 0 {
            if !self.simple_key_allowed {
                return self.error(self.mark, "mapping keys are not allowed in this context");
            }
            self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
        }
        self.remove_simple_key()?;
        self.simple_key_allowed = self.flow_level == 0;
        self.fetch_indicator(TokenKind::Key)
    }

    fn fetch_value(&mut self) -> Scan<()> {
        let level = self.top_level();
        if self.simple_key_is_valid(level)? {
            let key = self.simple_keys[level];
            self.insert(key.token_number, TokenKind::Key, key.mark);
            self.roll_indent(
                key.mark.column,
                Some(key.token_number),
                TokenKind::BlockMappingStart,
                key.mark,
            )?;
            self.simple_keys[level].possible = false;
            self.forget_key(key.token_number);
            self.simple_key_allowed = false;
        } else {
            if self.flow_level == 0 {
                if !self.simple_key_allowed {
                    return self.error(self.mark, "mapping values are not allowed in this context");
                }
                self.roll_indent(self.mark.column, None, TokenKind::BlockMappingStart, self.mark)?;
            }
            self.simple_key_allowed = self.flow_level == 0;
        }
        self.fetch_indicator(TokenKind::Value)
    }

    fn fetch_anchor(&mut self, anchor: bool) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.read_word();
        let next = self.byte(0);
        let ends = is_blank_or_end(self.bytes, self.mark.offset)
            || matches!(next, b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return self.error(start, "did not find expected alphabetic or numeric character");
        }
        let name = name.into();
        self.push(if anchor { TokenKind::Anchor(name) } else { TokenKind::Alias(name) }, start);
        Ok(())
    }

    fn fetch_tag(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let kind = self.scan_tag(start)?;
        self.push(kind, start);
        Ok(())
    }

    fn fetch_block_scalar(&mut self, literal: bool) -> Scan<()> {
        self.remove_simple_key()?;
        self.simple_key_allowed = true;
        let token = self.scan_block_scalar(literal)?;
        self.tokens.push_back(token);
        Ok(())
    }

    fn fetch_quoted(&mut self, single: bool) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let start = self.mark;
        let value = self.scan_quoted(single)?;
        let style = if single { Style::SingleQuoted } else { Style::DoubleQuoted };
        self.push(TokenKind::Scalar(value, style), start);
        Ok(())
    }

    fn fetch_plain(&mut self) -> Scan<()> {
        self.save_simple_key()?;
        self.simple_key_allowed = false;
        let token = self.scan_plain()?;
        self.tokens.push_back(token);
        Ok(())
    }

    // ---- moving through the text ----

    fn byte(&self, ahead: usize) -> u8 {
        at(self.bytes, self.mark.offset + ahead)
    }

    fn skip_ascii(&mut self, count: usize) {
        self.mark.offset += count;
        self.mark.index += count;
        self.mark.column += count;
    }

    /// Skips one character; never past the end.
    fn skip(&mut self) {
        if self.mark.offset < self.bytes.len() {
            self.mark.offset += width(self.bytes[self.mark.offset]);
            self.mark.index += 1;
            self.mark.column += 1;
        }
    }

    fn skip_blanks(&mut self) {
        while is_blank(self.byte(0)) {
            self.skip_ascii(1);
        }
    }

    fn skip_comment(&mut self) {
        if self.byte(0) != b'#' {
            return;
        }
        let start = self.mark;
        self.skip_line();
        if self.keep_comments {
            self.comments.push(Comment {
                line: start.line + 1,
                column: start.column + 1,
                span: start.offset..self.mark.offset,
            });
        }
    }

    /// Takes a line break and returns what it means: `\n`, or LS and PS as they are.
    fn read_break(&mut self) -> &'static str {
        let (length, characters, meaning) = match self.byte(0) {
            b'\r' if self.byte(1) == b'\n' => (2, 2, "\n"),
            b'\r' | b'\n' => (1, 1, "\n"),
            0xC2 => (2, 1, "\n"),
            0xE2 if self.byte(2) == 0xA8 => (3, 1, "\u{2028}"),
            0xE2 => (3, 1, "\u{2029}"),
            _ => return "",
        };
        self.mark.offset += length;
        self.mark.index += characters;
        self.mark.column = 0;
        self.mark.line += 1;
        meaning
    }

    fn skip_break(&mut self) {
        if is_break(self.bytes, self.mark.offset) {
            self.read_break();
        }
    }

    fn read_word(&mut self) -> &'a str {
        let start = self.mark.offset;
        while is_word(self.byte(0)) {
            self.skip_ascii(1);
        }
        &self.text[start..self.mark.offset]
    }

    fn at_document_indicator(&self) -> bool {
        let first = self.byte(0);
        self.mark.column == 0
            && (first == b'-' || first == b'.')
            && self.byte(1) == first
            && self.byte(2) == first
            && is_blank_or_end(self.bytes, self.mark.offset + 3)
    }

    fn skip_to_next_token(&mut self) -> Scan<()> {
        let before = self.mark;
        loop {
            while self.byte(0) == b' '
                || (self.byte(0) == b'\t' && (self.flow_level > 0 || !self.simple_key_allowed))
            {
                self.skip_ascii(1);
            }
            if self.attachment.is_some() {
                self.attach_comments_before_token(before);
            } else {
                self.skip_comment();
            }
            if !is_break(self.bytes, self.mark.offset) {
                return Ok(());
            }
            self.skip_break();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    // ---- directives ----

    fn scan_directive(&mut self) -> Scan<TokenKind<'a>> {
        let start = self.mark;
        self.skip_ascii(1);
        let name = self.read_word();
        if name.is_empty() {
            return self.error(start, "could not find expected directive name");
        }
        if !is_blank_or_end(self.bytes, self.mark.offset) {
            return self.error(start, "found unexpected non-alphabetical character");
        }
        let kind = match name {
            "YAML" => self.scan_version(start)?,
            "TAG" => self.scan_tag_directive(start)?,
            _ => return self.error(start, "found unknown directive name"),
        };
        self.end_of_line(start)?;
        Ok(kind)
    }

    /// Blanks, a comment, and the line break.
    fn end_of_line(&mut self, start: Mark) -> Scan<()> {
        self.skip_blanks();
        self.skip_comment();
        if !is_break_or_end(self.bytes, self.mark.offset) {
            return self.error(start, "did not find expected comment or line break");
        }
        self.skip_break();
        Ok(())
    }

    fn scan_version(&mut self, start: Mark) -> Scan<TokenKind<'a>> {
        self.skip_blanks();
        let major = self.scan_version_number(start)?;
        if self.byte(0) != b'.' {
            return self.error(start, "did not find expected digit or '.' character");
        }
        self.skip_ascii(1);
        let minor = self.scan_version_number(start)?;
        Ok(TokenKind::VersionDirective { major, minor })
    }

    fn scan_version_number(&mut self, start: Mark) -> Scan<u8> {
        let mut value = 0;
        let mut length = 0;
        while self.byte(0).is_ascii_digit() {
            length += 1;
            if length > 2 {
                return self.error(start, "found extremely long version number");
            }
            value = value * 10 + (self.byte(0) - b'0');
            self.skip_ascii(1);
        }
        if length == 0 {
            return self.error(start, "did not find expected version number");
        }
        Ok(value)
    }

    fn scan_tag_directive(&mut self, start: Mark) -> Scan<TokenKind<'a>> {
        self.skip_blanks();
        let handle = self.scan_tag_handle(true, start)?;
        if !is_blank(self.byte(0)) {
            return self.error(start, "did not find expected whitespace");
        }
        self.skip_blanks();
        let prefix = self.scan_tag_uri("", start)?;
        if !is_blank_or_end(self.bytes, self.mark.offset) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        Ok(TokenKind::TagDirective(Box::new(Tag { handle, rest: prefix })))
    }

    // ---- tags ----

    fn scan_tag(&mut self, start: Mark) -> Scan<TokenKind<'a>> {
        let (handle, suffix) = if self.byte(1) == b'<' {
            self.skip_ascii(2);
            let suffix = self.scan_tag_uri("", start)?;
            if self.byte(0) != b'>' {
                return self.error(start, "did not find the expected '>'");
            }
            self.skip_ascii(1);
            (String::new(), suffix)
        } else {
            let handle = self.scan_tag_handle(false, start)?;
            if handle.len() > 1 && handle.ends_with('!') {
                let suffix = self.scan_tag_uri("", start)?;
                (handle, suffix)
            } else {
                let suffix = self.scan_tag_uri(&handle, start)?;
                if suffix.is_empty() { (suffix, handle) } else { ("!".to_owned(), suffix) }
            }
        };
        if !is_blank_or_end(self.bytes, self.mark.offset) {
            return self.error(start, "did not find expected whitespace or line break");
        }
        Ok(TokenKind::Tag(Box::new(Tag { handle, rest: suffix })))
    }

    fn scan_tag_handle(&mut self, directive: bool, start: Mark) -> Scan<String> {
        if self.byte(0) != b'!' {
            return self.error(start, "did not find expected '!'");
        }
        self.skip_ascii(1);
        let mut handle = format!("!{}", self.read_word());
        if self.byte(0) == b'!' {
            handle.push('!');
            self.skip_ascii(1);
        } else if directive && handle != "!" {
            return self.error(start, "did not find expected '!'");
        }
        Ok(handle)
    }

    fn scan_tag_uri(&mut self, head: &str, start: Mark) -> Scan<String> {
        let mut uri = head.get(1..).unwrap_or("").as_bytes().to_vec();
        let mut found = !head.is_empty();
        loop {
            let byte = self.byte(0);
            if byte == b'%' {
                self.scan_uri_escapes(start, &mut uri)?;
            } else if is_word(byte) || b";/?:@&=+$,.!~*'()[]".contains(&byte) {
                uri.push(byte);
                self.skip_ascii(1);
            } else {
                break;
            }
            found = true;
        }
        if !found {
            return self.error(start, "did not find expected tag URI");
        }
        Ok(String::from_utf8_lossy(&uri).into_owned())
    }

    /// One percent-encoded character.
    fn scan_uri_escapes(&mut self, start: Mark, uri: &mut Vec<u8>) -> Scan<()> {
        let mut left = None;
        loop {
            let octet = (self.byte(0) == b'%')
                .then(|| Some(hex_digit(self.byte(1))? * 16 + hex_digit(self.byte(2))?))
                .flatten();
            let Some(octet) = octet.map(|value| value as u8) else {
                return self.error(start, "did not find URI escaped octet");
            };
            let remaining = match left {
                None => match octet {
                    0x80..=0xBF | 0xF8..=0xFF => {
                        return self.error(start, "found an incorrect leading UTF-8 octet");
                    }
                    _ => width(octet),
                },
                Some(remaining) if octet & 0xC0 == 0x80 => remaining,
                Some(_) => return self.error(start, "found an incorrect trailing UTF-8 octet"),
            };
            uri.push(octet);
            self.skip_ascii(3);
            if remaining == 1 {
                return Ok(());
            }
            left = Some(remaining - 1);
        }
    }

    // ---- block scalars ----

    fn scan_block_scalar(&mut self, literal: bool) -> Scan<Token<'a>> {
        let start = self.mark;
        self.skip_ascii(1);
        let (chomping, increment) = self.scan_block_header(start)?;
        if self.attachment.is_some() {
            self.take_line_comment(start.offset);
        }
        self.end_of_line(start)?;
        let mut end = self.mark;
        let mut indent = match increment {
            0 => 0,
            increment => self.indent.max(0) as usize + increment,
        };
        let mut value = String::new();
        let mut leading_break = "";
        let mut trailing_breaks = String::new();
        self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        let mut leading_blank = false;
        while self.mark.column == indent && self.byte(0) != 0 {
            let trailing_blank = is_blank(self.byte(0));
            let fold = !literal && !leading_blank && !trailing_blank && leading_break == "\n";
            if !fold {
                value.push_str(leading_break);
            } else if trailing_breaks.is_empty() {
                value.push(' ');
            }
            value.push_str(&trailing_breaks);
            trailing_breaks.clear();
            leading_blank = is_blank(self.byte(0));
            let line_start = self.mark.offset;
            self.skip_line();
            value.push_str(&self.text[line_start..self.mark.offset]);
            leading_break = self.read_break();
            self.scan_block_breaks(&mut indent, &mut trailing_breaks, start, &mut end)?;
        }
        if chomping != Chomping::Strip {
            value.push_str(leading_break);
        }
        if chomping == Chomping::Keep {
            value.push_str(&trailing_breaks);
        }
        let style = if literal { Style::Literal } else { Style::Folded };
        Ok(Token { kind: TokenKind::Scalar(Cow::Owned(value), style), start: start.into(), end: end.into() })
    }

    fn scan_block_header(&mut self, start: Mark) -> Scan<(Chomping, usize)> {
        let mut chomping = self.scan_chomping();
        let mut increment = 0;
        if self.byte(0).is_ascii_digit() {
            if self.byte(0) == b'0' {
                return self.error(start, "found an indentation indicator equal to 0");
            }
            increment = usize::from(self.byte(0) - b'0');
            self.skip_ascii(1);
            if chomping.is_none() {
                chomping = self.scan_chomping();
            }
        }
        Ok((chomping.unwrap_or(Chomping::Clip), increment))
    }

    fn scan_chomping(&mut self) -> Option<Chomping> {
        let chomping = match self.byte(0) {
            b'+' => Chomping::Keep,
            b'-' => Chomping::Strip,
            _ => return None,
        };
        self.skip_ascii(1);
        Some(chomping)
    }

    /// Indentation and empty lines; finds out the indentation where it is still 0.
    fn scan_block_breaks(
        &mut self,
        indent: &mut usize,
        breaks: &mut String,
        start: Mark,
        end: &mut Mark,
    ) -> Scan<()> {
        *end = self.mark;
        let mut widest = 0;
        loop {
            while (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b' ' {
                self.skip_ascii(1);
            }
            widest = widest.max(self.mark.column);
            if (*indent == 0 || self.mark.column < *indent) && self.byte(0) == b'\t' {
                return self.error(start, "found a tab character where an indentation space is expected");
            }
            if !is_break(self.bytes, self.mark.offset) {
                break;
            }
            breaks.push_str(self.read_break());
            *end = self.mark;
        }
        if *indent == 0 {
            *indent = widest.max((self.indent + 1) as usize).max(1);
        }
        Ok(())
    }

    // ---- quoted scalars ----

    fn scan_quoted(&mut self, single: bool) -> Scan<Cow<'a, str>> {
        let start = self.mark;
        self.skip_ascii(1);
        if let Some(value) = self.scan_quoted_in_one_piece(single) {
            return Ok(value);
        }
        let quote = if single { b'\'' } else { b'"' };
        let mut value = String::new();
        loop {
            if self.at_document_indicator() {
                return self.error(start, "found unexpected document indicator");
            }
            if self.byte(0) == 0 {
                return self.error(start, "found unexpected end of stream");
            }
            let escaped_break = self.scan_quoted_run(single, start, &mut value)?;
            if self.byte(0) == quote {
                break;
            }
            self.scan_quoted_gap(escaped_break, &mut value);
        }
        self.skip_ascii(1);
        Ok(Cow::Owned(value))
    }

    /// The usual case: no escape and no break before the closing quote.
    fn scan_quoted_in_one_piece(&mut self, single: bool) -> Option<Cow<'a, str>> {
        let start = self.mark.offset;
        let mut mark = self.mark;
        loop {
            let byte = at(self.bytes, mark.offset);
            match byte {
                b'\'' if single && at(self.bytes, mark.offset + 1) == b'\'' => return None,
                b'\'' if single => break,
                b'"' if !single => break,
                b'\\' if !single => return None,
                0 => return None,
                b'\r' | b'\n' | 0xC2 | 0xE2 if is_break(self.bytes, mark.offset) => return None,
                _ => {
                    mark.offset += width(byte);
                    mark.index += 1;
                    mark.column += 1;
                }
            }
        }
        self.mark = mark;
        let value = &self.text[start..mark.offset];
        self.skip_ascii(1);
        Some(Cow::Borrowed(value))
    }

    /// Non-blank characters; says whether it ended at an escaped line break.
    fn scan_quoted_run(&mut self, single: bool, start: Mark, value: &mut String) -> Scan<bool> {
        while !is_blank_or_end(self.bytes, self.mark.offset) {
            match self.byte(0) {
                b'\'' if single && self.byte(1) == b'\'' => {
                    value.push('\'');
                    self.skip_ascii(2);
                }
                b'\'' if single => break,
                b'"' if !single => break,
                b'\\' if !single && is_break(self.bytes, self.mark.offset + 1) => {
                    self.skip_ascii(1);
                    self.skip_break();
                    return Ok(true);
                }
                b'\\' if !single => self.scan_escape(start, value)?,
                _ => {
                    let from = self.mark.offset;
                    self.skip();
                    value.push_str(&self.text[from..self.mark.offset]);
                }
            }
        }
        Ok(false)
    }

    fn scan_escape(&mut self, start: Mark, value: &mut String) -> Scan<()> {
        let code_length = match self.byte(1) {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            letter => {
                let Some(character) = escaped(letter) else {
                    return self.error(start, "found unknown escape character");
                };
                value.push(character);
                self.skip_ascii(2);
                return Ok(());
            }
        };
        self.skip_ascii(2);
        let mut code: u64 = 0;
        for ahead in 0..code_length {
            let Some(digit) = hex_digit(self.byte(ahead)) else {
                return self.error(start, "did not find expected hexdecimal number");
            };
            code = code * 16 + u64::from(digit);
        }
        let character = u32::try_from(code).ok().and_then(char::from_u32);
        let Some(character) = character else {
            return self.error(start, "found invalid Unicode character escape code");
        };
        value.push(character);
        self.skip_ascii(code_length);
        Ok(())
    }

    /// Blanks and breaks inside quotes, folded.
    fn scan_quoted_gap(&mut self, escaped_break: bool, value: &mut String) {
        let mut after_break = escaped_break;
        let blanks_start = self.mark.offset;
        let mut blanks_end = blanks_start;
        let mut leading_break = "";
        let mut trailing_breaks = String::new();
        loop {
            if is_blank(self.byte(0)) {
                self.skip_ascii(1);
                if !after_break {
                    blanks_end = self.mark.offset;
                }
            } else if is_break(self.bytes, self.mark.offset) {
                if after_break {
                    trailing_breaks.push_str(self.read_break());
                } else {
                    leading_break = self.read_break();
                    after_break = true;
                }
            } else {
                break;
            }
        }
        if after_break {
            fold_breaks(leading_break, &trailing_breaks, value);
        } else {
            value.push_str(&self.text[blanks_start..blanks_end]);
        }
    }

    // ---- plain scalars ----

    fn scan_plain(&mut self) -> Scan<Token<'a>> {
        let start = self.mark;
        let mut end = self.mark;
        let indent = self.indent + 1;
        let mut value: Cow<'a, str> = Cow::Borrowed("");
        let mut leading_break = "";
        let mut trailing_breaks = String::new();
        let mut after_break = false;
        loop {
            if self.at_document_indicator() || self.byte(0) == b'#' {
                break;
            }
            let run_start = self.mark.offset;
            self.skip_plain_run();
            if self.mark.offset > run_start {
                let run = &self.text[run_start..self.mark.offset];
                if after_break {
                    let value = value.to_mut();
                    fold_breaks(leading_break, &trailing_breaks, value);
                    value.push_str(run);
                    trailing_breaks.clear();
                    after_break = false;
                } else {
                    match &mut value {
                        // Still one piece of the text: stretch it over the blanks and the run.
                        Cow::Borrowed(piece) => *piece = &self.text[start.offset..self.mark.offset],
                        Cow::Owned(value) => value.push_str(&self.text[end.offset..self.mark.offset]),
                    }
                }
                end = self.mark;
            }
            if !is_blank(self.byte(0)) && !is_break(self.bytes, self.mark.offset) {
                break;
            }
            loop {
                if is_blank(self.byte(0)) {
                    if after_break && (self.mark.column as isize) < indent && self.byte(0) == b'\t' {
                        return self.error(start, "found a tab character that violates indentation");
                    }
                    self.skip_ascii(1);
                } else if is_break(self.bytes, self.mark.offset) {
                    if after_break {
                        trailing_breaks.push_str(self.read_break());
                    } else {
                        leading_break = self.read_break();
                        after_break = true;
                    }
                } else {
                    break;
                }
            }
            if self.flow_level == 0 && (self.mark.column as isize) < indent {
                break;
            }
        }
        if after_break {
            self.simple_key_allowed = true;
        }
        Ok(Token { kind: TokenKind::Scalar(value, Style::Plain), start: start.into(), end: end.into() })
    }

    fn skip_plain_run(&mut self) {
        let in_flow = self.flow_level > 0;
        let mut offset = self.mark.offset;
        loop {
            match at(self.bytes, offset) {
                0 | b' ' | b'\t' | b'\r' | b'\n' => break,
                b':' if is_blank_or_end(self.bytes, offset + 1) => break,
                b',' | b'?' | b'[' | b']' | b'{' | b'}' if in_flow => break,
                0xC2 | 0xE2 if is_break(self.bytes, offset) => break,
                _ => offset += 1,
            }
        }
        self.skip_to(offset);
    }

    /// Skips to an offset on the same line, which may stand at the end of a character only.
    fn skip_to(&mut self, offset: usize) {
        let skipped = &self.bytes[self.mark.offset..offset];
        let characters = skipped.iter().filter(|byte| (**byte & 0xC0) != 0x80).count();
        self.mark.offset = offset;
        self.mark.index += characters;
        self.mark.column += characters;
    }

    fn skip_line(&mut self) {
        let mut offset = self.mark.offset;
        while !is_break_or_end(self.bytes, offset) {
            offset += 1;
        }
        self.skip_to(offset);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Chomping {
    Strip,
    Clip,
    Keep,
}

fn fold_breaks(leading_break: &str, trailing_breaks: &str, value: &mut String) {
    if leading_break == "\n" {
        if trailing_breaks.is_empty() {
            value.push(' ');
        }
    } else {
        value.push_str(leading_break);
    }
    value.push_str(trailing_breaks);
}

fn escaped(letter: u8) -> Option<char> {
    Some(match letter {
        b'0' => '\0',
        b'a' => '\u{7}',
        b'b' => '\u{8}',
        b't' | b'\t' => '\t',
        b'n' => '\n',
        b'v' => '\u{B}',
        b'f' => '\u{C}',
        b'r' => '\r',
        b'e' => '\u{1B}',
        b' ' => ' ',
        b'"' => '"',
        b'\'' => '\'',
        b'\\' => '\\',
        b'N' => '\u{85}',
        b'_' => '\u{A0}',
        b'L' => '\u{2028}',
        b'P' => '\u{2029}',
        _ => return None,
    })
}

fn hex_digit(byte: u8) -> Option<u32> {
    char::from(byte).to_digit(16)
}

fn unreadable_error(mark: Mark) -> Box<Error> {
    Box::new(Error::at((mark.line + 1, mark.column + 1), (0, 0), "control characters are not allowed"))
}

#[cold]
fn past_the_end() -> Box<Error> {
    Box::new(Error::plain("attempted to go past the end of stream; corrupted value?"))
}

/// The text up to the block that holds the first unreadable character, and that character's place.
fn readable_part(text: &str) -> (&str, Option<Mark>) {
    let suspicious = |byte: &u8| (*byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r')) || *byte >= 0x7F;
    if !text.as_bytes().iter().any(suspicious) {
        return (text, None);
    }
    let Some((offset, _)) = text.char_indices().find(|(_, character)| !is_readable(*character)) else {
        return (text, None);
    };
    let before = &text[..offset];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let mark = Mark {
        offset,
        index: before.chars().count(),
        line: before.matches('\n').count(),
        column: before[line_start..].chars().count(),
    };
    let mut cut = offset / READER_BLOCK * READER_BLOCK;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    (&text[..cut], Some(mark))
}
