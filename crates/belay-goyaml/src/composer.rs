//! Tokens to nodes: the grammar of YAML 1.1, read top down, one function per production.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::node::{Alias, Content, Document, Node, NodeComments, ParseOptions, Properties, Style};
use crate::scanner::{Scanner, Spot, Tag, TokenKind};

/// Reads every document of a stream.
///
/// Aliases point at the node they stand for; nothing is expanded here, so a small text cannot
/// become a large tree.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Vec<Document>, Error> {
    let mut composer = Composer::new(text, options)?;
    let mut documents = Vec::new();
    while let Some(document) = composer.next_document().map_err(|error| *error)? {
        if documents.len() == options.max_documents {
            let limit = options.max_documents;
            return Err(Error::plain(format!("exceeded max documents of {limit}")));
        }
        documents.push(document);
    }
    Ok(documents)
}

/// Reads the first document only, as Go's `Unmarshal` does: what follows is not looked at.
pub(crate) fn parse_first(text: &str, options: &ParseOptions) -> Result<Option<Document>, Error> {
    Composer::new(text, options)?.next_document().map_err(|error| *error)
}

/// [`parse_first`] with the comments attached to nodes as yaml.v3 does it, and the document's own.
pub(crate) fn parse_first_with_comments(
    text: &str,
    options: &ParseOptions,
) -> Result<Option<(Document, NodeComments)>, Error> {
    let mut composer = Composer::new(text, options)?;
    composer.scanner.attach_comments();
    let document = composer.next_document().map_err(|error| *error)?;
    Ok(document.map(|document| (document, composer.document_comments)))
}

struct Composer<'a> {
    scanner: Scanner<'a>,
    tag_directives: Vec<(String, String)>,
    anchors: HashMap<Box<str>, Anchored>,
    /// The children of all open collections, those of the innermost one last.
    nodes: Vec<Node>,
    max_depth: usize,
    started: bool,
    document_comments: NodeComments,
    /// An error behind the dash of an item with a comment: Go goes on to the end of the item's first
    /// token, and reports this one only if it did not come upon another.
    overlooked: Option<Box<Error>>,
}

/// What an anchor names.
enum Anchored {
    /// A node that begins there and is still being read.
    Open(u32),
    Node(Arc<Node>),
}

/// Tag and anchor in front of a node, and where they are.
struct Front {
    properties: Option<Box<Properties>>,
    start: Spot,
    end: Spot,
}

/// Errors are rare and large.
type Parse<T> = Result<T, Box<Error>>;

impl<'a> Composer<'a> {
    fn new(text: &'a str, options: &ParseOptions) -> Result<Self, Error> {
        let limit = options.max_bytes.min(u32::MAX as usize);
        if text.len() > limit {
            return Err(Error::plain(format!("exceeded max size of {limit} bytes")));
        }
        Ok(Self {
            scanner: Scanner::new(text, options),
            tag_directives: Vec::new(),
            anchors: HashMap::new(),
            nodes: Vec::new(),
            max_depth: match options.max_depth {
                // Go counts in the scanner only, where brackets and indentation are apart.
                ParseOptions::DEPTH_CEILING.. => usize::MAX,
                depth => depth,
            },
            started: false,
            document_comments: NodeComments::default(),
            overlooked: None,
        })
    }

    // ---- documents ----

    fn next_document(&mut self) -> Parse<Option<Document>> {
        if self.started {
            while self.peek()? == &TokenKind::DocumentEnd {
                self.scanner.take()?;
            }
        }
        if self.peek()? == &TokenKind::StreamEnd {
            return Ok(None);
        }
        let start = self.start()?;
        let implicit = !self.started
            && !matches!(
                self.peek()?,
                TokenKind::VersionDirective { .. } | TokenKind::TagDirective(_) | TokenKind::DocumentStart
            );
        self.started = true;
        self.process_directives()?;
        self.anchors.clear();
        let root = if implicit { self.implicit_document()? } else { self.explicit_document()? };
        if self.peek()? == &TokenKind::DocumentEnd {
            self.scanner.take()?;
        }
        self.finish_document_comments();
        self.tag_directives.clear();
        Ok(Some(Document {
            root,
            line: start.line as usize + 1,
            comments: std::mem::take(&mut self.scanner.comments),
        }))
    }

    fn implicit_document(&mut self) -> Parse<Node> {
        self.document_comments.head = self.scanner.take_document_head();
        self.node()
    }

    /// What is left at the end is the foot of the document.
    fn finish_document_comments(&mut self) {
        if let Some(comments) = self.scanner.take_comments() {
            let foot = if comments.foot.is_empty() { comments.head } else { comments.foot };
            self.document_comments.foot = foot;
        }
    }

    fn explicit_document(&mut self) -> Parse<Node> {
        if self.peek()? != &TokenKind::DocumentStart {
            let mark = self.start()?;
            return Err(Scanner::grammar_error(None, mark, "did not find expected <document start>"));
        }
        self.scanner.take()?;
        match self.peek()? {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective(_)
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => Ok(empty(self.start()?)),
            _ => self.node(),
        }
    }

    fn process_directives(&mut self) -> Parse<()> {
        let mut version_seen = false;
        loop {
            let mark = self.start()?;
            let problem = match self.peek()? {
                TokenKind::VersionDirective { .. } if version_seen => Some("found duplicate %YAML directive"),
                TokenKind::VersionDirective { major, minor } => {
                    version_seen = true;
                    ((*major, *minor) != (1, 1)).then_some("found incompatible YAML document")
                }
                TokenKind::TagDirective(tag) => {
                    let directive = (tag.handle.clone(), tag.rest.clone());
                    let duplicate = self.tag_directives.iter().any(|(known, _)| *known == directive.0);
                    self.tag_directives.push(directive);
                    duplicate.then_some("found duplicate %TAG directive")
                }
                _ => break,
            };
            if let Some(problem) = problem {
                return Err(Scanner::grammar_error(None, mark, problem));
            }
            self.scanner.take()?;
        }
        for (handle, prefix) in [("!", "!"), ("!!", "tag:yaml.org,2002:")] {
            if !self.tag_directives.iter().any(|(known, _)| known == handle) {
                self.tag_directives.push((handle.to_owned(), prefix.to_owned()));
            }
        }
        Ok(())
    }

    // ---- nodes ----

    fn peek(&mut self) -> Parse<&TokenKind<'a>> {
        Ok(&self.scanner.peek()?.kind)
    }

    fn start(&mut self) -> Parse<Spot> {
        Ok(self.scanner.peek()?.start)
    }

    /// Reads a node and everything below it. The open collections are on a list of our own, so
    /// that deep nesting does not use the stack.
    fn node(&mut self) -> Parse<Node> {
        let mut open: Vec<Open> = Vec::new();
        let mut next = Next::Node(Context::BLOCK);
        loop {
            let node = match next {
                Next::Node(context) => {
                    match self.begin(context).and_then(|begun| self.unless_overlooked(begun))? {
                        Begun::Leaf(node) => node,
                        Begun::Collection(collection) => {
                            next = self.descend(&mut open, collection)?;
                            continue;
                        }
                    }
                }
                Next::Pair(start, end) => {
                    let pair = Open::new(Kind::Pair, start, end, None);
                    next = self.descend(&mut open, pair)?;
                    continue;
                }
                Next::Empty(mark) => self.unless_overlooked(empty(mark))?,
                Next::Close(end) => match open.pop() {
                    Some(collection) => self.close(collection, end),
                    None => unreachable!("only an open collection asks to be closed"),
                },
            };
            let Some(parent) = open.last_mut() else {
                return Ok(node);
            };
            parent.children += 1;
            self.nodes.push(node);
            next = self.advance(parent)?;
        }
    }

    fn descend(&mut self, open: &mut Vec<Open>, collection: Open) -> Parse<Next> {
        if open.len() == self.max_depth {
            let mark = self.start()?;
            let message = format!("exceeded max depth of {}", self.max_depth);
            return Err(Scanner::grammar_error(None, mark, &message));
        }
        open.push(collection);
        match open.last_mut() {
            Some(collection) => self.advance(collection),
            None => unreachable!("it was pushed just now"),
        }
    }

    /// A scalar or alias as a whole, or the start of a collection.
    fn begin(&mut self, context: Context) -> Parse<Begun> {
        if let TokenKind::Alias(_) = self.peek()? {
            return Ok(Begun::Leaf(self.alias()?));
        }
        let front = self.front()?;
        if let Some(anchor) = front.properties.as_ref().and_then(|properties| properties.anchor.as_deref()) {
            self.anchors.insert(anchor.into(), Anchored::Open(front.start.offset));
        }
        let kind = match self.peek()? {
            TokenKind::BlockEntry if context.indentless_sequence => Kind::IndentlessSequence,
            TokenKind::FlowSequenceStart => Kind::FlowSequence,
            TokenKind::FlowMappingStart => Kind::FlowMapping,
            TokenKind::BlockSequenceStart if context.block => Kind::BlockSequence,
            TokenKind::BlockMappingStart if context.block => Kind::BlockMapping,
            _ => return self.leaf(front).map(Begun::Leaf),
        };
        let comments = match kind {
            Kind::FlowSequence | Kind::FlowMapping => self.scanner.take_comments(),
            Kind::BlockSequence | Kind::BlockMapping => self.scanner.take_stem(),
            Kind::IndentlessSequence | Kind::Pair => None,
        };
        let (start, end) = match kind {
            // Its dash is its first item's.
            Kind::IndentlessSequence => {
                let token = self.scanner.peek()?;
                (token.start, token.end)
            }
            _ => {
                let token = self.scanner.take()?;
                (token.start, token.end)
            }
        };
        let head = comments.map(|comments| comments.head).unwrap_or_default();
        Ok(Begun::Collection(Open { head, ..Open::new(kind, start, end, Some(front)) }))
    }

    fn leaf(&mut self, front: Front) -> Parse<Node> {
        let start = self.start()?;
        let mut comments = None;
        let node = match self.peek()? {
            TokenKind::Scalar(..) => {
                comments = self.scanner.take_comments();
                self.scalar()?
            }
            _ if front.properties.is_some() => empty(front.end),
            _ => {
                let message = "did not find expected node content";
                return Err(Scanner::grammar_error(Some(front.start), start, message));
            }
        };
        Ok(with_comments(self.finish(node, front), comments))
    }

    /// Gives the node its tag, anchor and first place, and makes it known to aliases.
    fn finish(&mut self, mut node: Node, front: Front) -> Node {
        node.line = front.start.line as usize + 1;
        node.column = front.start.column + 1;
        node.start = front.start.offset;
        node.properties = front.properties;
        if let Some(anchor) = node.anchor() {
            // Something within may have taken the name since.
            let is_own = |known: &Anchored| matches!(known, Anchored::Open(start) if *start == node.start);
            if self.anchors.get(anchor).is_none_or(is_own) {
                self.anchors.insert(anchor.into(), Anchored::Node(Arc::new(node.clone())));
            }
        }
        node
    }

    fn close(&mut self, open: Open, end: Option<Spot>) -> Node {
        let children = self.nodes.len() - open.children..;
        let last = self.nodes[children.clone()].last().map(|child| child.end);
        let style = match open.kind {
            Kind::BlockSequence | Kind::IndentlessSequence | Kind::BlockMapping => Style::Block,
            Kind::FlowSequence | Kind::FlowMapping | Kind::Pair => Style::Flow,
        };
        let content = match open.kind {
            Kind::BlockSequence | Kind::IndentlessSequence | Kind::FlowSequence => {
                Content::Sequence(Arc::new(self.nodes.drain(children).collect()))
            }
            Kind::BlockMapping | Kind::FlowMapping | Kind::Pair => {
                Content::Mapping(Arc::new(in_pairs(self.nodes.drain(children))))
            }
        };
        let mut node = bare(content, style, open.start, open.end);
        // Block collections end where their last item ends, flow collections with their bracket.
        let end = end.map(|mark| mark.offset).or(last).unwrap_or(open.end.offset);
        node.end = end.max(node.start);
        node.value_end = node.end;
        let comments = with_head(open.end_comments, open.head);
        let node = match open.front {
            Some(front) => self.finish(node, front),
            None => node,
        };
        with_comments(node, comments)
    }

    fn alias(&mut self) -> Parse<Node> {
        let comments = self.scanner.take_comments();
        let token = self.scanner.take()?;
        let TokenKind::Alias(name) = token.kind else {
            unreachable!("the caller saw an alias");
        };
        let target = match self.anchors.get(&name) {
            Some(Anchored::Node(node)) => Some(node.clone()),
            Some(Anchored::Open(_)) => None,
            None => {
                return Err(Box::new(Error::plain(format!("unknown anchor '{name}' referenced"))));
            }
        };
        let alias = Content::Alias(Box::new(Alias { name, target }));
        Ok(with_comments(bare(alias, Style::Flow, token.start, token.end), comments))
    }

    fn front(&mut self) -> Parse<Front> {
        let start = self.start()?;
        let mut end = start;
        if !matches!(self.peek()?, TokenKind::Anchor(_) | TokenKind::Tag(_)) {
            return Ok(Front { properties: None, start, end });
        }
        let mut anchor = None;
        let mut written: Option<(Tag, Spot)> = None;
        for _ in 0..2 {
            match self.peek()? {
                TokenKind::Anchor(_) if anchor.is_none() => {}
                TokenKind::Tag(_) if written.is_none() => {}
                _ => break,
            }
            let token = self.scanner.take()?;
            end = token.end;
            match token.kind {
                TokenKind::Anchor(name) => anchor = Some(name.into()),
                TokenKind::Tag(tag) => written = Some((*tag, token.start)),
                _ => unreachable!("only tags and anchors get here"),
            }
        }
        let tag = match written {
            None => None,
            Some((tag, spot)) => Some(self.resolve_tag(tag, start, spot)?),
        };
        let properties = Box::new(Properties { tag, anchor, comments: None });
        Ok(Front { properties: Some(properties), start, end })
    }

    fn resolve_tag(&self, Tag { handle, rest: suffix }: Tag, start: Spot, mark: Spot) -> Parse<String> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.tag_directives.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => Ok(format!("{prefix}{suffix}")),
            None => Err(Scanner::grammar_error(Some(start), mark, "found undefined tag handle")),
        }
    }

    fn scalar(&mut self) -> Parse<Node> {
        let token = self.scanner.take()?;
        let TokenKind::Scalar(value, style) = token.kind else {
            unreachable!("the caller saw a scalar");
        };
        Ok(bare(Content::Scalar(value.into()), style, token.start, token.end))
    }

    // ---- collections ----

    /// What comes next in an open collection, going by how many children it has.
    fn advance(&mut self, open: &mut Open) -> Parse<Next> {
        let wants_key = open.children.is_multiple_of(2);
        match open.kind {
            Kind::BlockSequence => self.block_sequence_item(open),
            Kind::IndentlessSequence => self.indentless_sequence_item(),
            Kind::BlockMapping if wants_key => self.block_mapping_key(open),
            Kind::BlockMapping => self.block_mapping_value(),
            Kind::FlowSequence => self.flow_sequence_item(open),
            Kind::Pair => match open.children {
                0 => self.pair_key(),
                1 => self.pair_value(),
                _ => Ok(Next::Close(None)),
            },
            Kind::FlowMapping if wants_key => self.flow_mapping_key(open),
            Kind::FlowMapping => self.flow_mapping_value(open),
        }
    }

    fn block_sequence_item(&mut self, open: &Open) -> Parse<Next> {
        match self.peek()? {
            TokenKind::BlockEntry => {}
            TokenKind::BlockEnd => {
                self.scanner.take()?;
                return Ok(Next::Close(None));
            }
            _ => return self.unexpected(open, "did not find expected '-' indicator"),
        }
        let mark = self.dash()?;
        Ok(match self.peek()? {
            TokenKind::BlockEntry | TokenKind::BlockEnd => Next::Empty(mark),
            _ => Next::Node(Context::BLOCK),
        })
    }

    fn indentless_sequence_item(&mut self) -> Parse<Next> {
        if self.peek()? != &TokenKind::BlockEntry {
            return Ok(Next::Close(None));
        }
        let mark = self.dash()?;
        Ok(match self.peek()? {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Next::Empty(mark)
            }
            _ => Next::Node(Context::BLOCK),
        })
    }

    /// Takes the dash of an item. The comments above it are those of a block collection in it.
    fn dash(&mut self) -> Parse<Spot> {
        let stem = self.scanner.head_length();
        let end = self.scanner.take()?.end;
        if stem == 0 {
            return Ok(end);
        }
        match self.peek() {
            Ok(TokenKind::BlockSequenceStart | TokenKind::BlockMappingStart) => self.scanner.split_stem(stem),
            Ok(_) => {}
            Err(error) => self.overlooked = Some(error),
        }
        Ok(end)
    }

    /// What was read, unless Go finds out now that it overlooked an error.
    fn unless_overlooked<T>(&mut self, read: T) -> Parse<T> {
        match self.overlooked.take() {
            Some(error) => Err(error),
            None => Ok(read),
        }
    }

    /// Takes the token that ends a collection, and the comments up to there.
    fn end(&mut self, open: &mut Open) -> Parse<Spot> {
        open.end_comments = self.scanner.take_comments();
        Ok(self.scanner.take()?.end)
    }

    fn block_mapping_key(&mut self, open: &mut Open) -> Parse<Next> {
        match self.peek()? {
            TokenKind::Key => {
                let mark = self.scanner.take()?.end;
                self.block_mapping_part(mark)
            }
            TokenKind::BlockEnd => {
                self.end(open)?;
                Ok(Next::Close(None))
            }
            _ => self.unexpected(open, "did not find expected key"),
        }
    }

    fn block_mapping_value(&mut self) -> Parse<Next> {
        if self.peek()? != &TokenKind::Value {
            return Ok(Next::Empty(self.start()?));
        }
        let mark = self.scanner.take()?.end;
        self.block_mapping_part(mark)
    }

    fn block_mapping_part(&mut self, mark: Spot) -> Parse<Next> {
        Ok(match self.peek()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => Next::Empty(mark),
            _ => Next::Node(Context::BLOCK_OR_INDENTLESS),
        })
    }

    fn flow_sequence_item(&mut self, open: &mut Open) -> Parse<Next> {
        if self.peek()? != &TokenKind::FlowSequenceEnd && open.children > 0 {
            if self.peek()? != &TokenKind::FlowEntry {
                return self.unexpected(open, "did not find expected ',' or ']'");
            }
            self.scanner.take()?;
        }
        match self.peek()? {
            TokenKind::FlowSequenceEnd => Ok(Next::Close(Some(self.end(open)?))),
            TokenKind::Key => {
                let token = self.scanner.take()?;
                Ok(Next::Pair(token.start, token.end))
            }
            _ => Ok(Next::Node(Context::FLOW)),
        }
    }

    fn pair_key(&mut self) -> Parse<Next> {
        match self.peek()? {
            // libyaml takes the token away here, `:` included, so that `[? : a]` is an error.
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                Ok(Next::Empty(self.scanner.take()?.end))
            }
            _ => Ok(Next::Node(Context::FLOW)),
        }
    }

    fn pair_value(&mut self) -> Parse<Next> {
        if self.peek()? == &TokenKind::Value {
            self.scanner.take()?;
            if !matches!(self.peek()?, TokenKind::FlowEntry | TokenKind::FlowSequenceEnd) {
                return Ok(Next::Node(Context::FLOW));
            }
        }
        Ok(Next::Empty(self.start()?))
    }

    fn flow_mapping_key(&mut self, open: &mut Open) -> Parse<Next> {
        if self.peek()? != &TokenKind::FlowMappingEnd && open.children > 0 {
            if self.peek()? != &TokenKind::FlowEntry {
                return self.unexpected(open, "did not find expected ',' or '}'");
            }
            self.scanner.take()?;
        }
        open.key_seen = self.peek()? == &TokenKind::Key;
        if self.peek()? == &TokenKind::FlowMappingEnd {
            return Ok(Next::Close(Some(self.end(open)?)));
        }
        if open.key_seen {
            self.scanner.take()?;
            if matches!(self.peek()?, TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return Ok(Next::Empty(self.start()?));
            }
        }
        Ok(Next::Node(Context::FLOW))
    }

    fn flow_mapping_value(&mut self, open: &Open) -> Parse<Next> {
        if open.key_seen && self.peek()? == &TokenKind::Value {
            self.scanner.take()?;
            if !matches!(self.peek()?, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return Ok(Next::Node(Context::FLOW));
            }
        }
        Ok(Next::Empty(self.start()?))
    }

    fn unexpected(&mut self, open: &Open, message: &str) -> Parse<Next> {
        let mark = self.start()?;
        Err(Scanner::grammar_error(Some(open.start), mark, message))
    }
}

/// Which nodes may stand at a place.
#[derive(Debug, Clone, Copy)]
struct Context {
    block: bool,
    indentless_sequence: bool,
}

impl Context {
    const FLOW: Self = Self { block: false, indentless_sequence: false };
    const BLOCK: Self = Self { block: true, ..Self::FLOW };
    const BLOCK_OR_INDENTLESS: Self = Self { block: true, indentless_sequence: true };
}

enum Begun {
    Leaf(Node),
    Collection(Open),
}

enum Next {
    Node(Context),
    /// A mapping of one entry that begins with a key token from here to there.
    Pair(Spot, Spot),
    /// Nothing is written: a null at the mark.
    Empty(Spot),
    /// The collection is complete; flow collections end at the mark.
    Close(Option<Spot>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    BlockSequence,
    IndentlessSequence,
    BlockMapping,
    FlowSequence,
    FlowMapping,
    /// `[a: b]`: a mapping of one entry without braces.
    Pair,
}

/// A collection that is being read; the children of a mapping are keys and values in turn.
struct Open {
    kind: Kind,
    start: Spot,
    end: Spot,
    front: Option<Front>,
    /// How many there are so far.
    children: usize,
    /// In a flow mapping: whether the current key was marked as one.
    key_seen: bool,
    /// The comment before it.
    head: String,
    /// Those at its end; Go counts them to blocks of items or lone pairs in no case.
    end_comments: Option<Box<NodeComments>>,
}

impl Open {
    fn new(kind: Kind, start: Spot, end: Spot, front: Option<Front>) -> Self {
        let (head, end_comments) = (String::new(), None);
        Self { kind, start, end, front, children: 0, key_seen: false, head, end_comments }
    }
}

/// What a collection has at its end, with the head that it had at its start.
fn with_head(end: Option<Box<NodeComments>>, head: String) -> Option<Box<NodeComments>> {
    if head.is_empty() && end.is_none() {
        return None;
    }
    Some(Box::new(NodeComments { head, ..end.map(|comments| *comments).unwrap_or_default() }))
}

fn with_comments(mut node: Node, comments: Option<Box<NodeComments>>) -> Node {
    if comments.is_some() {
        node.properties.get_or_insert_default().comments = comments;
    }
    node
}

fn in_pairs(mut children: impl ExactSizeIterator<Item = Node>) -> Vec<(Node, Node)> {
    let mut entries = Vec::with_capacity(children.len() / 2);
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        entries.push((key, value));
    }
    entries
}

fn bare(content: Content, style: Style, start: Spot, end: Spot) -> Node {
    let end = end.offset.max(start.offset);
    Node {
        content,
        properties: None,
        line: start.line as usize + 1,
        column: start.column + 1,
        start: start.offset,
        end,
        value_start: start.offset,
        value_end: end,
        style,
    }
}

/// The null that stands where nothing is written.
fn empty(spot: Spot) -> Node {
    bare(Content::Scalar(Default::default()), Style::Plain, spot, spot)
}
