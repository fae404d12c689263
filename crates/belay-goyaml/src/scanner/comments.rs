//! Which node a comment belongs to, as yaml.v3 finds it out while it scans.
//!
//! What stands behind a token on its line is that token's *line* comment. Lines of comments are the
//! *head* of the token after them, but those before the first empty line are the *foot* of the
//! token before them if they touch it, and so are those that are indented less than the block.
//! A comment waits until the parser looks at the token it belongs to, and goes to the next node
//! from there on.
//!
//! Places are byte offsets here. Go counts characters, which comes to the same as long as one
//! step back is a whole character.

use std::collections::VecDeque;

use super::{Mark, Scanner, Spot, TokenKind};
use crate::characters::{is_blank, is_break, is_break_or_end};
use crate::node::NodeComments;

/// Farthest a comment may be from what is before it to be found, in bytes of blanks and breaks.
const REACH: usize = 512;

/// Comments between the text and the nodes.
#[derive(Default)]
pub(super) struct Attachment {
    /// Those whose token was not looked at yet, in the order of the text.
    waiting: VecDeque<Waiting>,
    /// What the next node gets.
    next: NodeComments,
    /// The head of an item whose content is a block collection: it is the collection's, not that
    /// of the first thing within.
    stem: String,
}

struct Waiting {
    kind: Kind,
    text: String,
    /// It goes to the first token that starts here or later.
    owner: usize,
    start: Start,
    /// The blanks and comments that were looked through to find it; nothing for line comments.
    searched: (usize, usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Head,
    Line,
    Foot,
}

/// Where a comment starts: its column is one-based when it stands in lines of its own.
#[derive(Debug, Clone, Copy, Default)]
struct Start {
    offset: usize,
    line: usize,
    column: usize,
}

/// Lines of comments while they are read.
struct Lines {
    text: String,
    /// Where the search that found them began.
    searched_from: usize,
    /// Whose foot they may be.
    owner: usize,
    start: Start,
    line: usize,
    /// One-based column of the byte that is looked at.
    column: usize,
    /// Column of the block that goes on.
    indent: usize,
    /// The line a foot must start in.
    foot_line: Option<usize>,
    after_value: bool,
    is_first_empty: bool,
    was_empty: bool,
}

impl Lines {
    fn is_foot_at_empty_line(&self) -> bool {
        let touches = Some(self.start.line) == self.foot_line && !self.after_value;
        self.is_first_empty && (touches || self.starts_before_block())
    }

    fn starts_before_block(&self) -> bool {
        self.start.column.saturating_sub(1) < self.indent
    }

    /// Whether what comes now is indented less than the block, and otherwise than the comment.
    fn is_left(&self) -> bool {
        self.column - 1 < self.indent && self.column != self.start.column
    }
}

impl Attachment {
    fn push_line(&mut self, text: &str, owner: usize, start: Start) {
        let text = text.to_owned();
        self.waiting.push_back(Waiting { kind: Kind::Line, text, owner, start, searched: (0, 0) });
    }

    /// Ends a comment before `end`: it is a foot, and a new search begins there.
    fn push_foot(&mut self, lines: &mut Lines, end: usize) {
        self.waiting.push_back(Waiting {
            kind: Kind::Foot,
            text: std::mem::take(&mut lines.text),
            owner: lines.owner,
            start: lines.start,
            searched: (lines.searched_from, end),
        });
        lines.searched_from = end;
        lines.owner = end;
    }

    /// Moves the comments of a token on to the next node.
    fn hand_over(&mut self, offset: usize, is_block_end: bool) {
        while let Some(first) = self.waiting.front() {
            // What follows an end has a head, the end itself has none.
            if first.owner > offset || (is_block_end && first.kind == Kind::Head) {
                break;
            }
            let text = match first.kind {
                Kind::Head => &mut self.next.head,
                Kind::Line => &mut self.next.line,
                Kind::Foot => &mut self.next.foot,
            };
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&first.text);
            self.waiting.pop_front();
        }
    }
}

// ---- what the composer asks for ----

impl Scanner<'_> {
    /// From now on comments are attached to nodes.
    pub(crate) fn attach_comments(&mut self) {
        self.attachment = Some(Box::default());
    }

    /// The comments of the node that begins or ends now.
    pub(crate) fn take_comments(&mut self) -> Option<Box<NodeComments>> {
        let attachment = self.attachment.as_mut()?;
        attachment.stem.clear();
        let comments = std::mem::take(&mut attachment.next);
        (!comments.is_empty()).then(|| Box::new(comments))
    }

    /// Length of the head that waits for the next node.
    pub(crate) fn head_length(&self) -> usize {
        self.attachment.as_ref().map_or(0, |attachment| attachment.next.head.len())
    }

    /// Sets aside so much of the head for the block collection that comes now.
    pub(crate) fn split_stem(&mut self, length: usize) {
        if let Some(attachment) = &mut self.attachment {
            let head = std::mem::take(&mut attachment.next.head);
            attachment.stem = head.get(..length).unwrap_or_default().to_owned();
            // A line break stands between them.
            attachment.next.head = head.get(length + 1..).unwrap_or_default().to_owned();
        }
    }

    /// What [`Scanner::split_stem`] set aside.
    pub(crate) fn take_stem(&mut self) -> Option<Box<NodeComments>> {
        let attachment = self.attachment.as_mut().filter(|attachment| !attachment.stem.is_empty())?;
        let head = std::mem::take(&mut attachment.stem);
        Some(Box::new(NodeComments { head, ..NodeComments::default() }))
    }

    /// The part of the first head that belongs to the document: what stands above its last empty line.
    pub(crate) fn take_document_head(&mut self) -> String {
        let Some(attachment) = &mut self.attachment else { return String::new() };
        let head = &mut attachment.next.head;
        let (end, rest) = match (head.strip_suffix('\n'), head.rfind("\n\n")) {
            (Some(all), _) => (all.len(), head.len()),
            (None, Some(empty)) => (empty, empty + 2),
            (None, None) => return String::new(),
        };
        let rest = head.split_off(rest);
        head.truncate(end);
        std::mem::replace(head, rest)
    }
}

// ---- what the scanner does between and behind tokens ----

impl Scanner<'_> {
    /// Lets the comments of the token that is looked at, and of those before, reach the next node.
    pub(super) fn hand_over_comments(&mut self) {
        if let (Some(attachment), Some(token)) = (&mut self.attachment, self.tokens.front()) {
            attachment.hand_over(token.start.offset as usize, token.kind == TokenKind::BlockEnd);
        }
    }

    /// Whose a comment behind the token that begins now is: behind a `:` or `,` it is the token's
    /// before.
    pub(super) fn owner_of_line_comment(&self, here: u8) -> usize {
        let follows = if self.flow_level == 0 { here == b':' } else { here == b',' };
        match self.tokens.back() {
            Some(last) if follows => last.start.offset as usize,
            None if follows => 0,
            _ => self.mark.offset,
        }
    }

    /// Behind a dash there is no line comment: it is the head of what follows.
    pub(super) fn take_comment_behind_token(&mut self, owner: usize) {
        if self.tokens.back().is_some_and(|token| token.kind != TokenKind::BlockEntry) {
            self.take_line_comment(owner);
        }
    }

    /// Takes a comment that follows on the same line.
    pub(super) fn take_line_comment(&mut self, owner: usize) {
        if self.breaks_before() > 0 {
            return;
        }
        let blanks = (0..REACH).take_while(|ahead| is_blank(self.byte(*ahead))).count();
        if blanks == REACH || self.byte(blanks) != b'#' {
            return;
        }
        self.skip_ascii(blanks);
        let Mark { offset, line, column, .. } = self.mark;
        self.skip_line();
        if let Some(attachment) = &mut self.attachment {
            let text = &self.text[offset..self.mark.offset];
            attachment.push_line(text, owner, Start { offset, line, column });
        }
    }

    /// Takes the comments before the next token, if this is one.
    pub(super) fn attach_comments_before_token(&mut self, before: Mark) {
        self.turn_line_comment_of_first_item();
        if self.byte(0) == b'#' {
            self.take_comment_lines(before);
        }
    }

    /// A line comment that still waits when the first dash of a sequence was read is the head of
    /// the item.
    fn turn_line_comment_of_first_item(&mut self) {
        let count = self.tokens.len();
        let is_kind = |index: Option<usize>, kind: &TokenKind<'_>| {
            index.and_then(|index| self.tokens.get(index)).is_some_and(|token| token.kind == *kind)
        };
        let after_first_dash = is_kind(count.checked_sub(1), &TokenKind::BlockEntry)
            && is_kind(count.checked_sub(2), &TokenKind::BlockSequenceStart);
        if !after_first_dash || is_break(self.bytes, self.mark.offset) {
            return;
        }
        let last = self.attachment.as_mut().and_then(|attachment| attachment.waiting.back_mut());
        if let Some(comment) = last.filter(|comment| comment.kind == Kind::Line) {
            comment.kind = Kind::Head;
            if comment.start.line + 1 == self.mark.line {
                comment.owner = self.mark.offset;
            }
        }
    }

    /// Takes lines of comments, and decides whether they belong to what is before or after.
    fn take_comment_lines(&mut self, before: Mark) {
        let mut lines = self.lines(before);
        let mut ahead = 0;
        while ahead < REACH {
            lines.column += 1;
            let byte = self.byte(ahead);
            if is_blank(byte) {
                ahead += 1;
                continue;
            }
            let offset = self.mark.offset + ahead;
            let closes = self.flow_level > 0 && matches!(byte, b']' | b'}');
            if closes || is_break_or_end(self.bytes, offset) {
                self.end_comment(&mut lines, offset, closes);
                if !is_break(self.bytes, offset) {
                    break;
                }
                lines.is_first_empty = false;
                lines.was_empty = true;
                lines.column = 0;
                lines.line += 1;
                ahead += 1;
                continue;
            }
            if !lines.text.is_empty() && lines.is_left() {
                self.push_foot(&mut lines, offset);
            }
            if byte != b'#' {
                break;
            }
            self.take_comment_line(&mut lines, offset);
            // The break behind the comment.
            ahead = 1;
        }
        self.push_head(lines, self.mark.offset + ahead);
    }

    fn lines(&self, before: Mark) -> Lines {
        let breaks = self.breaks_before();
        let previous = match self.tokens.back() {
            Some(token) if token.kind == TokenKind::FlowEntry => {
                self.tokens.iter().rev().nth(1).or(Some(token))
            }
            last => last,
        };
        let behind_content = breaks == 0 && self.mark.column > 1;
        let foot_line = (self.mark.line + 1).saturating_sub(breaks) + usize::from(behind_content);
        Lines {
            text: String::new(),
            searched_from: before.offset,
            owner: previous.map_or(0, |token| token.start.offset as usize),
            start: Start::default(),
            line: self.mark.line,
            column: self.mark.column,
            indent: self.indent.max(0) as usize,
            foot_line: (before.line > 0).then_some(foot_line),
            after_value: previous.is_some_and(|token| token.kind == TokenKind::Value),
            is_first_empty: breaks <= 1,
            was_empty: false,
        }
    }

    /// An empty line, the end of a flow collection or of the text.
    fn end_comment(&mut self, lines: &mut Lines, offset: usize, closes: bool) {
        if lines.text.is_empty() || (lines.was_empty && !closes) {
            return;
        }
        if closes || lines.is_foot_at_empty_line() {
            if lines.starts_before_block() {
                // It has nothing to do with the token before.
                lines.owner = lines.start.offset;
            }
            self.push_foot(lines, offset);
        } else if offset < self.bytes.len() {
            lines.text.push('\n');
        }
    }

    fn take_comment_line(&mut self, lines: &mut Lines, offset: usize) {
        if lines.text.is_empty() {
            lines.start = Start { offset, line: lines.line, column: lines.column };
        } else {
            lines.text.push('\n');
        }
        lines.was_empty = false;
        while self.mark.offset < offset {
            if is_break(self.bytes, self.mark.offset) {
                self.skip_break();
            } else {
                self.skip();
            }
        }
        let start = self.mark.offset;
        self.skip_line();
        lines.text.push_str(&self.text[start..self.mark.offset]);
        lines.column = 0;
        lines.line = self.mark.line;
        lines.indent = self.indent.max(0) as usize;
    }

    fn push_foot(&mut self, lines: &mut Lines, offset: usize) {
        let end = self.character_from(offset);
        if let Some(attachment) = &mut self.attachment {
            attachment.push_foot(lines, end);
        }
    }

    fn push_head(&mut self, lines: Lines, offset: usize) {
        if lines.text.is_empty() {
            return;
        }
        let end = self.character_before(self.character_from(offset));
        if let Some(attachment) = &mut self.attachment {
            attachment.waiting.push_back(Waiting {
                kind: Kind::Head,
                text: lines.text,
                owner: lines.start.offset,
                start: lines.start,
                searched: (lines.searched_from, end),
            });
        }
    }

    /// How many line breaks there are since the last character that is no blank.
    fn breaks_before(&self) -> usize {
        let mut rest = &self.text[..self.mark.offset];
        let mut count = 0;
        loop {
            rest = rest.trim_end_matches([' ', '\t']);
            let shorter = rest
                .strip_suffix("\r\n")
                .or_else(|| rest.strip_suffix(['\r', '\n', '\u{85}', '\u{2028}', '\u{2029}']));
            let Some(shorter) = shorter else { return count };
            rest = shorter;
            count += 1;
        }
    }

    // ---- ends of blocks ----

    /// Where blocks end that end after `before`: with the last character there.
    pub(super) fn block_ends_after(&self, before: Mark) -> Spot {
        let offset = self.character_before(before.offset) as u32;
        Spot { offset, ..Spot::from(before) }
    }

    /// Where the innermost block ends: before the comments that are indented as its content is,
    /// so that they become the foot of something around it.
    pub(super) fn block_end(&self, last: &mut Spot) -> Spot {
        let mut reached = last.offset as usize;
        for comment in self.attachment.iter().flat_map(|attachment| attachment.waiting.iter().rev()) {
            if comment.searched.1 < reached {
                break;
            }
            if comment.start.column as isize == self.indent + 1 {
                let Start { offset, line, column } = comment.start;
                *last = Spot { offset: offset as u32, line: line as u32, column: column as u32 };
            }
            reached = comment.searched.0;
        }
        *last
    }

    /// The next offset that stands between two characters.
    fn character_from(&self, offset: usize) -> usize {
        (offset..self.text.len()).find(|offset| self.text.is_char_boundary(*offset)).unwrap_or(offset)
    }

    fn character_before(&self, offset: usize) -> usize {
        let start = offset.saturating_sub(1);
        (0..=start).rev().find(|offset| self.text.is_char_boundary(*offset)).unwrap_or(start)
    }
}
