//! Nodes to text, as yaml.v3's encoder writes a `yaml.Node`.
//!
//! Comments are handled as the original does it: a node that begins or ends hands its comments to
//! the writer, which writes them at the next place for such comments, whoever's that is.

use super::{EditableContent, EditableDocument, EditableNode};
use crate::characters::is_word;
use crate::emitter::{Analysis, Emitter, Place, analyse, is_break_character};
use crate::error::Error;
use crate::node::{Resolution, Style};
use crate::resolve::{long_tag, resolve_plain, short_tag};

/// Most bytes of anchor, tag and text of a key that is written without a `?` before it.
const SIMPLE_KEY_LENGTH: usize = 128;
/// Columns of an indentation.
const INDENT: usize = 2;

/// Writes a document as kyaml's `String()` does: yaml.v3's encoder with an indentation of two, and
/// dashes in the column of their key.
pub fn write_editable(document: &EditableDocument) -> Result<String, Error> {
    let mut writer = Writer {
        emitter: Emitter::new(Resolution::V3, INDENT),
        comments: Comments::default(),
        flow_level: 0,
    };
    writer.document(document)?;
    Ok(writer.emitter.out)
}

struct Writer {
    emitter: Emitter,
    comments: Comments,
    flow_level: usize,
}

/// The comments that were handed over and not written yet.
#[derive(Default)]
struct Comments {
    head: String,
    line: String,
    foot: String,
    /// The foot of the key before.
    tail: String,
    /// The line comment of a key, which its value has behind it.
    key_line: String,
}

impl Comments {
    fn announce(&mut self, head: &str, line: &str, foot: &str, tail: &str) {
        let slots =
            [(&mut self.head, head), (&mut self.line, line), (&mut self.foot, foot), (&mut self.tail, tail)];
        for (slot, text) in slots {
            if !text.is_empty() {
                text.clone_into(slot);
            }
        }
    }

    /// Hands over what a node has at its start. The foot of a key is the tail of the next.
    fn begin(&mut self, node: &EditableNode, is_key: bool, tail: &str) {
        let EditableNode { head_comment: head, line_comment: line, .. } = node;
        let foot = if is_key { "" } else { &node.foot_comment };
        match node.content {
            EditableContent::Scalar(_) => self.announce(head, line, foot, tail),
            EditableContent::Alias(_) => self.announce(head, line, foot, ""),
            EditableContent::Sequence(_) => self.announce(head, "", "", ""),
            EditableContent::Mapping(_) => self.announce(head, "", "", tail),
        }
    }

    /// Hands over what a collection has at its end.
    fn end(&mut self, node: &EditableNode, is_key: bool, tail: &str) {
        let foot = if is_key { "" } else { &node.foot_comment };
        self.announce("", &node.line_comment, foot, tail);
    }

    /// Whether something has to be written behind a flow item.
    fn follow(&self) -> bool {
        !(self.line.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }

    /// Whether something has to be written before the end of a flow mapping.
    fn precede_end(&self) -> bool {
        !(self.head.is_empty() && self.foot.is_empty() && self.tail.is_empty())
    }
}

/// A tag as it is written: `!!` and `int`, or no handle and the tag as a whole.
#[derive(Default)]
struct WrittenTag {
    handle: &'static str,
    suffix: String,
}

/// Where the children of a collection stand.
#[derive(Clone, Copy)]
struct Within {
    /// The indentation around it.
    outer: isize,
    place: Place,
}

type Write = Result<(), Error>;

impl Writer {
    fn document(&mut self, document: &EditableDocument) -> Write {
        let top = -1;
        self.comments.announce(&document.head_comment, "", "", "");
        if !self.comments.head.is_empty() {
            self.head_comment(top);
            self.emitter.put_break();
        }
        match &document.root {
            None => self.emitter.write_plain("null", top, true),
            Some(root) => {
                self.comments.begin(root, false, "");
                self.head_comment(top);
                self.begin(root, top, Place::Root)?;
                self.comments_behind(top);
                self.children(root, top, Place::Root)?;
            }
        }
        self.comments.announce("", "", &document.foot_comment, "");
        self.emitter.foot_indent = Some(0);
        self.foot_comment(top);
        self.emitter.foot_indent = None;
        self.emitter.write_indent(top);
        Ok(())
    }

    // ---- nodes ----

    /// Writes a scalar or alias, or anchor and tag of a collection.
    fn begin(&mut self, node: &EditableNode, indent: isize, place: Place) -> Write {
        let tag = written_tag(node);
        match &node.content {
            EditableContent::Alias(name) => self.anchor("*", name),
            EditableContent::Scalar(text) => self.scalar(node, &tag, text, indent, place),
            EditableContent::Sequence(_) | EditableContent::Mapping(_) => self.properties(node, &tag),
        }
    }

    fn properties(&mut self, node: &EditableNode, tag: &WrittenTag) -> Write {
        if let Some(anchor) = node.anchor.as_deref().filter(|anchor| !anchor.is_empty()) {
            self.anchor("&", anchor)?;
        }
        self.tag(tag);
        Ok(())
    }

    fn anchor(&mut self, sign: &str, name: &str) -> Write {
        let kind = if sign == "*" { "alias" } else { "anchor" };
        if name.is_empty() {
            return Err(Error::plain(format!("{kind} value must not be empty")));
        }
        if !name.bytes().all(is_word) {
            let message = format!("{kind} value must contain alphanumerical characters only");
            return Err(Error::plain(message));
        }
        self.emitter.write_indicator(sign, true, false, false);
        self.emitter.write_indicator(name, false, false, false);
        Ok(())
    }

    fn tag(&mut self, tag: &WrittenTag) {
        let WrittenTag { handle, suffix } = tag;
        if handle.is_empty() && suffix.is_empty() {
            return;
        }
        let open = if handle.is_empty() { "!<" } else { handle };
        self.emitter.write_indicator(open, true, false, false);
        self.emitter.write_indicator(&escape_tag(suffix), false, false, false);
        if handle.is_empty() {
            self.emitter.write_indicator(">", false, false, false);
        }
    }

    /// Writes what is in a collection, if it is one.
    fn children(&mut self, node: &EditableNode, outer: isize, place: Place) -> Write {
        let flow = self.flow_level > 0 || node.style == Style::Flow;
        let within = Within { outer, place };
        match &node.content {
            EditableContent::Sequence(items) if flow || items.is_empty() => {
                self.flow_sequence(node, items, within)
            }
            EditableContent::Sequence(items) => self.block_sequence(node, items, within),
            EditableContent::Mapping(entries) if flow || entries.is_empty() => {
                self.flow_mapping(node, entries, within)
            }
            EditableContent::Mapping(entries) => self.block_mapping(node, entries, within),
            EditableContent::Scalar(_) | EditableContent::Alias(_) => Ok(()),
        }
    }

    // ---- collections ----

    fn block_sequence(&mut self, node: &EditableNode, items: &[EditableNode], within: Within) -> Write {
        let indent = self.sequence_indent(within);
        for item in items {
            self.comments.begin(item, false, "");
            self.head_comment(indent);
            self.emitter.write_indent(indent);
            self.emitter.write_indicator("-", true, false, true);
            self.begin(item, indent, Place::Item)?;
            self.comments_behind(indent);
            self.children(item, indent, Place::Item)?;
        }
        self.comments.end(node, is_key(within.place), "");
        Ok(())
    }

    /// The dashes of a value stand in the column of its key.
    fn sequence_indent(&self, Within { outer, place }: Within) -> isize {
        let indent = self.emitter.deeper(outer, place, false);
        let in_mapping = matches!(place, Place::Value | Place::SimpleKey | Place::ComplexKey);
        let on_own_line = self.emitter.column == 0 || !self.emitter.indention;
        if in_mapping && on_own_line { indent - INDENT as isize } else { indent }
    }

    fn block_mapping(
        &mut self,
        node: &EditableNode,
        entries: &[(EditableNode, EditableNode)],
        within: Within,
    ) -> Write {
        let indent = self.emitter.deeper(within.outer, within.place, false);
        let mut tail = "";
        for (key, value) in entries {
            self.comments.begin(key, true, tail);
            self.head_comment(indent);
            self.emitter.write_indent(indent);
            if !self.comments.line.is_empty() {
                self.comments.key_line = std::mem::take(&mut self.comments.line);
            }
            let simple = is_simple_key(key);
            if !simple {
                self.emitter.write_indicator("?", true, false, true);
            }
            self.key(key, indent, simple)?;
            self.comments.begin(value, false, "");
            if simple {
                self.emitter.write_indicator(":", false, false, false);
            } else {
                self.emitter.write_indent(indent);
                self.emitter.write_indicator(":", true, false, true);
            }
            self.comment_of_key(value, indent);
            self.begin(value, indent, Place::Value)?;
            self.comments_behind(indent);
            self.children(value, indent, Place::Value)?;
            tail = &key.foot_comment;
        }
        self.comments.end(node, is_key(within.place), tail);
        self.head_comment(indent);
        Ok(())
    }

    fn key(&mut self, key: &EditableNode, indent: isize, simple: bool) -> Write {
        let place = if simple { Place::SimpleKey } else { Place::ComplexKey };
        self.begin(key, indent, place)?;
        self.children(key, indent, place)
    }

    /// The line comment of a key comes behind a scalar value, or before a block.
    fn comment_of_key(&mut self, value: &EditableNode, indent: isize) {
        if self.comments.key_line.is_empty() {
            return;
        }
        match value.content {
            EditableContent::Scalar(_) if self.comments.line.is_empty() => {
                self.comments.line = std::mem::take(&mut self.comments.key_line);
            }
            EditableContent::Sequence(_) | EditableContent::Mapping(_) if value.style != Style::Flow => {
                let comment = std::mem::take(&mut self.comments.key_line);
                self.comment_behind(&comment, indent);
            }
            _ => {}
        }
    }

    fn flow_sequence(&mut self, node: &EditableNode, items: &[EditableNode], within: Within) -> Write {
        self.emitter.write_indicator("[", true, true, false);
        let indent = self.emitter.deeper(within.outer, within.place, true);
        self.flow_level += 1;
        let mut comma_written = true;
        for item in items {
            self.comments.begin(item, false, "");
            self.start_flow_item(indent, comma_written);
            comma_written = self.comments.follow();
            self.begin(item, indent, Place::FlowItem)?;
            self.end_flow_item(indent);
            self.children(item, indent, Place::FlowItem)?;
        }
        self.comments.end(node, is_key(within.place), "");
        self.flow_level -= 1;
        if self.emitter.column == 0 {
            self.emitter.write_indent(within.outer);
        }
        self.emitter.write_indicator("]", false, false, false);
        self.comments_behind(within.outer);
        Ok(())
    }

    fn flow_mapping(
        &mut self,
        node: &EditableNode,
        entries: &[(EditableNode, EditableNode)],
        within: Within,
    ) -> Write {
        self.emitter.write_indicator("{", true, true, false);
        let indent = self.emitter.deeper(within.outer, within.place, true);
        self.flow_level += 1;
        let mut tail = "";
        let mut comma_written = true;
        for (key, value) in entries {
            self.comments.begin(key, true, tail);
            self.start_flow_item(indent, comma_written);
            let simple = is_simple_key(key);
            if !simple {
                self.emitter.write_indicator("?", true, false, false);
            }
            self.key(key, indent, simple)?;
            self.comments.begin(value, false, "");
            self.emitter.write_indicator(":", !simple, false, false);
            comma_written = self.comments.follow();
            self.begin(value, indent, Place::Value)?;
            self.end_flow_item(indent);
            self.children(value, indent, Place::Value)?;
            tail = &key.foot_comment;
        }
        self.comments.end(node, is_key(within.place), tail);
        if self.comments.precede_end() && !comma_written {
            self.emitter.write_indicator(",", false, false, false);
        }
        self.head_comment(indent);
        self.flow_level -= 1;
        self.emitter.write_indicator("}", false, false, false);
        self.comments_behind(within.outer);
        Ok(())
    }

    fn start_flow_item(&mut self, indent: isize, comma_written: bool) {
        if !comma_written {
            self.emitter.write_indicator(",", false, false, false);
        }
        self.head_comment(indent);
        if self.emitter.column == 0 {
            self.emitter.write_indent(indent);
        }
    }

    /// Comments stand behind the comma.
    fn end_flow_item(&mut self, indent: isize) {
        if self.comments.follow() {
            self.emitter.write_indicator(",", false, false, false);
        }
        self.comments_behind(indent);
    }

    // ---- scalars ----

    fn scalar(
        &mut self,
        node: &EditableNode,
        tag: &WrittenTag,
        text: &str,
        indent: isize,
        place: Place,
    ) -> Write {
        let analysis = analyse(text, Resolution::V3);
        let style = self.allowed_style(wished_style(node, text), text, &analysis, place);
        self.properties(node, tag)?;
        let indent = self.emitter.deeper(indent, place, true);
        let allow_breaks = place != Place::SimpleKey;
        match style {
            Style::SingleQuoted => self.emitter.write_single_quoted(text, indent, allow_breaks),
            Style::DoubleQuoted => self.emitter.write_double_quoted(text, indent, allow_breaks),
            Style::Literal => {
                self.block_header("|", text, indent);
                self.emitter.write_literal_lines(text, indent);
            }
            Style::Folded => {
                self.block_header(">", text, indent);
                self.folded_lines(text, indent);
            }
            _ if text.is_empty() => self.emitter.indention = false,
            _ => self.emitter.write_plain(text, indent, allow_breaks),
        }
        Ok(())
    }

    /// The wished style, or the next one that can hold the text.
    fn allowed_style(&self, wished: Style, text: &str, analysis: &Analysis, place: Place) -> Style {
        let in_flow = self.flow_level > 0;
        let in_key = place == Place::SimpleKey;
        let plain_allowed = if in_flow { analysis.flow_plain_allowed } else { analysis.plain_allowed };
        let mut style = if in_key && analysis.multiline { Style::DoubleQuoted } else { wished };
        if style == Style::Plain && (!plain_allowed || (text.is_empty() && (in_flow || in_key))) {
            style = Style::SingleQuoted;
        }
        if style == Style::SingleQuoted && !analysis.single_quoted_allowed {
            style = Style::DoubleQuoted;
        }
        let is_block = matches!(style, Style::Literal | Style::Folded);
        if is_block && (!analysis.block_allowed || in_flow || in_key) {
            style = Style::DoubleQuoted;
        }
        style
    }

    fn block_header(&mut self, sign: &str, text: &str, indent: isize) {
        self.emitter.write_block_header(sign, text);
        if self.comments.line.is_empty() {
            self.emitter.put_break();
        } else {
            self.line_comment(indent);
        }
    }

    /// Lines are as long as they are; a break within is doubled so that it stays one.
    fn folded_lines(&mut self, text: &str, indent: isize) {
        self.emitter.whitespace = true;
        let first_content = text.trim_start_matches(is_break_character).chars().next();
        // Go looks at the first line of the text, not at the one that follows.
        let doubles = !matches!(first_content, None | Some(' ' | '\t' | '\0'));
        let mut at_start = true;
        let mut after_blank_start = true;
        for character in text.chars() {
            if is_break_character(character) {
                if !at_start && !after_blank_start && character == '\n' && doubles {
                    self.emitter.put_break();
                }
                self.emitter.write_break(character);
                at_start = true;
                continue;
            }
            if at_start {
                self.emitter.write_indent(indent);
                after_blank_start = matches!(character, ' ' | '\t');
            }
            self.emitter.put(character);
            self.emitter.indention = false;
            at_start = false;
        }
    }

    // ---- comments ----

    /// Writes the foot of the key before, and the head of what comes.
    fn head_comment(&mut self, indent: isize) {
        let tail = std::mem::take(&mut self.comments.tail);
        if !tail.is_empty() {
            self.emitter.write_indent(indent);
            self.comment(&tail, indent);
            self.emitter.foot_indent = Some(indent.max(0));
        }
        let head = std::mem::take(&mut self.comments.head);
        if !head.is_empty() {
            self.emitter.write_indent(indent);
            self.comment(&head, indent);
        }
    }

    fn comments_behind(&mut self, indent: isize) {
        self.line_comment(indent);
        self.foot_comment(indent);
    }

    fn line_comment(&mut self, indent: isize) {
        let line = std::mem::take(&mut self.comments.line);
        self.comment_behind(&line, indent);
    }

    fn comment_behind(&mut self, comment: &str, indent: isize) {
        if comment.is_empty() {
            return;
        }
        if !self.emitter.whitespace {
            self.emitter.put(' ');
        }
        self.comment(comment, indent);
    }

    fn foot_comment(&mut self, indent: isize) {
        let foot = std::mem::take(&mut self.comments.foot);
        if !foot.is_empty() {
            self.emitter.write_indent(indent);
            self.comment(&foot, indent);
            self.emitter.foot_indent = Some(indent.max(0));
        }
    }

    /// Writes the lines of a comment, with a mark where one is missing.
    fn comment(&mut self, comment: &str, indent: isize) {
        let mut at_start = false;
        let mut marked = false;
        for character in comment.chars() {
            if is_break_character(character) {
                self.emitter.write_break(character);
                at_start = true;
                marked = false;
                continue;
            }
            if at_start {
                self.emitter.write_indent(indent);
            }
            if !marked && character != '#' {
                self.emitter.put('#');
                self.emitter.put(' ');
            }
            marked = true;
            self.emitter.put(character);
            self.emitter.indention = false;
            at_start = false;
        }
        if !at_start {
            self.emitter.put_break();
        }
        self.emitter.whitespace = true;
    }
}

fn is_key(place: Place) -> bool {
    matches!(place, Place::SimpleKey | Place::ComplexKey)
}

/// Whether a key fits before a `:` on its line.
fn is_simple_key(key: &EditableNode) -> bool {
    let anchor = key.anchor.as_ref().map_or(0, String::len);
    let tag = written_tag(key);
    let properties = anchor + tag.handle.len() + tag.suffix.len();
    let length = match &key.content {
        EditableContent::Alias(name) => name.len(),
        EditableContent::Scalar(text) if text.contains(is_break_character) => return false,
        EditableContent::Scalar(text) => properties + text.len(),
        EditableContent::Sequence(items) if items.is_empty() => properties,
        EditableContent::Mapping(entries) if entries.is_empty() => properties,
        EditableContent::Sequence(_) | EditableContent::Mapping(_) => return false,
    };
    length <= SIMPLE_KEY_LENGTH
}

fn wished_style(node: &EditableNode, text: &str) -> Style {
    match node.style {
        Style::SingleQuoted | Style::DoubleQuoted | Style::Literal | Style::Folded => node.style,
        _ if text.contains('\n') => Style::Literal,
        _ if has_to_be_quoted(node, text) => Style::DoubleQuoted,
        _ => Style::Plain,
    }
}

/// A text that would be read as something else.
fn has_to_be_quoted(node: &EditableNode, text: &str) -> bool {
    !node.is_tag_written && short_tag(&node.tag) == "!!str" && found_tag(text) != "!!str"
}

fn found_tag(text: &str) -> &'static str {
    resolve_plain(text, Resolution::V3).short_tag()
}

/// The tag that has to be written, if one has.
fn written_tag(node: &EditableNode) -> WrittenTag {
    let short = short_tag(&node.tag);
    let goes_without_saying = match &node.content {
        EditableContent::Alias(_) => true,
        _ if node.is_tag_written => false,
        EditableContent::Scalar(text) => short == "!!str" || short == found_tag(text),
        EditableContent::Sequence(_) => short == "!!seq",
        EditableContent::Mapping(_) => short == "!!map",
    };
    if node.tag.is_empty() || goes_without_saying {
        return WrittenTag::default();
    }
    let long = long_tag(&node.tag);
    for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
        if let Some(suffix) = long.strip_prefix(prefix) {
            return WrittenTag { handle, suffix: suffix.to_owned() };
        }
    }
    WrittenTag { handle: "", suffix: long }
}

/// The characters a tag cannot hold, percent-encoded.
fn escape_tag(suffix: &str) -> String {
    let mut out = String::with_capacity(suffix.len());
    for byte in suffix.bytes() {
        if is_word(byte) || b";/?:@&=+$,.~*'()[]".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
