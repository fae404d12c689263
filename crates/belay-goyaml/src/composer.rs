//! Tokens to nodes: the grammar of YAML 1.1, read top down, one function per production.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::node::{Content, Document, Node, ParseOptions, Style};
use crate::scanner::{Mark, Scanner, TokenKind};

/// Reads every document of a stream.
///
/// Aliases point at the node they stand for; nothing is expanded here, so a small text cannot
/// become a large tree.
pub fn parse(text: &str, options: &ParseOptions) -> Result<Vec<Document>, Error> {
    let mut composer = Composer::new(text, options)?;
    let mut documents = Vec::new();
    while let Some(document) = composer.next_document()? {
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
    Composer::new(text, options)?.next_document()
}

struct Composer<'a> {
    scanner: Scanner<'a>,
    tag_directives: Vec<(String, String)>,
    /// Finished anchored nodes; `None` while the collection is still being read.
    anchors: HashMap<String, Option<Arc<Node>>>,
    max_depth: usize,
    started: bool,
}

/// Tag and anchor in front of a node.
struct Properties {
    tag: Option<String>,
    anchor: Option<String>,
    start: Mark,
    end: Mark,
}

type Parse<T> = Result<T, Error>;

impl<'a> Composer<'a> {
    fn new(text: &'a str, options: &ParseOptions) -> Parse<Self> {
        if text.len() > options.max_bytes {
            let limit = options.max_bytes;
            return Err(Error::plain(format!("exceeded max size of {limit} bytes")));
        }
        Ok(Self {
            scanner: Scanner::new(text, options),
            tag_directives: Vec::new(),
            anchors: HashMap::new(),
            max_depth: options.max_depth.min(ParseOptions::DEPTH_CEILING),
            started: false,
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
                TokenKind::VersionDirective { .. }
                    | TokenKind::TagDirective { .. }
                    | TokenKind::DocumentStart
            );
        self.started = true;
        self.process_directives()?;
        self.anchors.clear();
        let root = if implicit { self.node()? } else { self.explicit_document()? };
        if self.peek()? == &TokenKind::DocumentEnd {
            self.scanner.take()?;
        }
        self.tag_directives.clear();
        Ok(Some(Document {
            root,
            line: start.line + 1,
            comments: std::mem::take(&mut self.scanner.comments),
        }))
    }

    fn explicit_document(&mut self) -> Parse<Node> {
        if self.peek()? != &TokenKind::DocumentStart {
            let mark = self.start()?;
            return Err(Scanner::grammar_error(None, mark, "did not find expected <document start>"));
        }
        self.scanner.take()?;
        match self.peek()? {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
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
                TokenKind::TagDirective { handle, prefix } => {
                    let directive = (handle.clone(), prefix.clone());
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

    fn start(&mut self) -> Parse<Mark> {
        Ok(self.scanner.peek()?.start)
    }

    /// Reads a node and everything below it. The open collections are on a list of our own, so
    /// that deep nesting does not use the stack.
    fn node(&mut self) -> Parse<Node> {
        let mut open: Vec<Open> = Vec::new();
        let mut next = Next::Node(Context::BLOCK);
        loop {
            let node = match next {
                Next::Node(context) => match self.begin(context)? {
                    Begun::Leaf(node) => node,
                    Begun::Collection(collection) => {
                        next = self.descend(&mut open, collection)?;
                        continue;
                    }
                },
                Next::Pair(start, end) => {
                    let pair = Open::new(Kind::Pair, start, end, None);
                    next = self.descend(&mut open, pair)?;
                    continue;
                }
                Next::Empty(mark) => empty(mark),
                Next::Close(end) => match open.pop() {
                    Some(collection) => self.close(collection, end),
                    None => unreachable!("only an open collection asks to be closed"),
                },
            };
            let Some(parent) = open.last_mut() else {
                return Ok(node);
            };
            parent.children.push(node);
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
        let properties = self.properties()?;
        if let Some(anchor) = &properties.anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        let kind = match self.peek()? {
            TokenKind::BlockEntry if context.indentless_sequence => Kind::IndentlessSequence,
            TokenKind::FlowSequenceStart => Kind::FlowSequence,
            TokenKind::FlowMappingStart => Kind::FlowMapping,
            TokenKind::BlockSequenceStart if context.block => Kind::BlockSequence,
            TokenKind::BlockMappingStart if context.block => Kind::BlockMapping,
            _ => return self.leaf(properties).map(Begun::Leaf),
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
        Ok(Begun::Collection(Open::new(kind, start, end, Some(properties))))
    }

    fn leaf(&mut self, properties: Properties) -> Parse<Node> {
        let start = self.start()?;
        let node = match self.peek()? {
            TokenKind::Scalar(..) => self.scalar()?,
            _ if properties.tag.is_some() || properties.anchor.is_some() => empty(properties.end),
            _ => {
                let message = "did not find expected node content";
                return Err(Scanner::grammar_error(Some(properties.start), start, message));
            }
        };
        Ok(self.finish(node, properties))
    }

    /// Gives the node its tag, anchor and first place, and makes it known to aliases.
    fn finish(&mut self, mut node: Node, properties: Properties) -> Node {
        node.tag = properties.tag;
        node.anchor = properties.anchor;
        node.line = properties.start.line + 1;
        node.column = properties.start.column + 1;
        node.span.start = properties.start.offset;
        if let Some(anchor) = &node.anchor {
            self.anchors.insert(anchor.clone(), Some(Arc::new(node.clone())));
        }
        node
    }

    fn close(&mut self, open: Open, end: Option<Mark>) -> Node {
        let last = open.children.iter().map(|child| child.span.end).next_back();
        let style = match open.kind {
            Kind::BlockSequence | Kind::IndentlessSequence | Kind::BlockMapping => Style::Block,
            Kind::FlowSequence | Kind::FlowMapping | Kind::Pair => Style::Flow,
        };
        let content = match open.kind {
            Kind::BlockSequence | Kind::IndentlessSequence | Kind::FlowSequence => {
                Content::Sequence(Arc::new(open.children))
            }
            Kind::BlockMapping | Kind::FlowMapping | Kind::Pair => {
                Content::Mapping(Arc::new(in_pairs(open.children)))
            }
        };
        let mut node = bare(content, style, open.start, open.end);
        // Block collections end where their last item ends, flow collections with their bracket.
        let end = end.map(|mark| mark.offset).or(last).unwrap_or(open.end.offset);
        node.span.end = end.max(node.span.start);
        node.value_span.end = node.span.end;
        match open.properties {
            Some(properties) => self.finish(node, properties),
            None => node,
        }
    }

    fn alias(&mut self) -> Parse<Node> {
        let token = self.scanner.take()?;
        let TokenKind::Alias(name) = token.kind else {
            unreachable!("the caller saw an alias");
        };
        let Some(target) = self.anchors.get(&name).cloned() else {
            return Err(Error::plain(format!("unknown anchor '{name}' referenced")));
        };
        Ok(bare(Content::Alias { name, target }, Style::Flow, token.start, token.end))
    }

    fn properties(&mut self) -> Parse<Properties> {
        let start = self.start()?;
        let mut end = start;
        let mut anchor = None;
        let mut written: Option<(String, String, Mark)> = None;
        for _ in 0..2 {
            match self.peek()? {
                TokenKind::Anchor(_) if anchor.is_none() => {}
                TokenKind::Tag { .. } if written.is_none() => {}
                _ => break,
            }
            let token = self.scanner.take()?;
            end = token.end;
            match token.kind {
                TokenKind::Anchor(name) => anchor = Some(name),
                TokenKind::Tag { handle, suffix } => written = Some((handle, suffix, token.start)),
                _ => unreachable!("only tags and anchors get here"),
            }
        }
        let tag = match written {
            None => None,
            Some((handle, suffix, mark)) => Some(self.resolve_tag(handle, suffix, start, mark)?),
        };
        Ok(Properties { tag, anchor, start, end })
    }

    fn resolve_tag(&self, handle: String, suffix: String, start: Mark, mark: Mark) -> Parse<String> {
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
        Ok(bare(Content::Scalar(value.into_owned()), style, token.start, token.end))
    }

    // ---- collections ----

    /// What comes next in an open collection, going by how many children it has.
    fn advance(&mut self, open: &mut Open) -> Parse<Next> {
        let wants_key = open.children.len().is_multiple_of(2);
        match open.kind {
            Kind::BlockSequence => self.block_sequence_item(open),
            Kind::IndentlessSequence => self.indentless_sequence_item(),
            Kind::BlockMapping if wants_key => self.block_mapping_key(open),
            Kind::BlockMapping => self.block_mapping_value(),
            Kind::FlowSequence => self.flow_sequence_item(open),
            Kind::Pair => match open.children.len() {
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
        let mark = self.scanner.take()?.end;
        Ok(match self.peek()? {
            TokenKind::BlockEntry | TokenKind::BlockEnd => Next::Empty(mark),
            _ => Next::Node(Context::BLOCK),
        })
    }

    fn indentless_sequence_item(&mut self) -> Parse<Next> {
        if self.peek()? != &TokenKind::BlockEntry {
            return Ok(Next::Close(None));
        }
        let mark = self.scanner.take()?.end;
        Ok(match self.peek()? {
            TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                Next::Empty(mark)
            }
            _ => Next::Node(Context::BLOCK),
        })
    }

    fn block_mapping_key(&mut self, open: &Open) -> Parse<Next> {
        match self.peek()? {
            TokenKind::Key => {
                let mark = self.scanner.take()?.end;
                self.block_mapping_part(mark)
            }
            TokenKind::BlockEnd => {
                self.scanner.take()?;
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

    fn block_mapping_part(&mut self, mark: Mark) -> Parse<Next> {
        Ok(match self.peek()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => Next::Empty(mark),
            _ => Next::Node(Context::BLOCK_OR_INDENTLESS),
        })
    }

    fn flow_sequence_item(&mut self, open: &Open) -> Parse<Next> {
        if self.peek()? != &TokenKind::FlowSequenceEnd && !open.children.is_empty() {
            if self.peek()? != &TokenKind::FlowEntry {
                return self.unexpected(open, "did not find expected ',' or ']'");
            }
            self.scanner.take()?;
        }
        match self.peek()? {
            TokenKind::FlowSequenceEnd => Ok(Next::Close(Some(self.scanner.take()?.end))),
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
        if self.peek()? != &TokenKind::FlowMappingEnd && !open.children.is_empty() {
            if self.peek()? != &TokenKind::FlowEntry {
                return self.unexpected(open, "did not find expected ',' or '}'");
            }
            self.scanner.take()?;
        }
        open.key_seen = self.peek()? == &TokenKind::Key;
        if self.peek()? == &TokenKind::FlowMappingEnd {
            return Ok(Next::Close(Some(self.scanner.take()?.end)));
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
    Pair(Mark, Mark),
    /// Nothing is written: a null at the mark.
    Empty(Mark),
    /// The collection is complete; flow collections end at the mark.
    Close(Option<Mark>),
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
    start: Mark,
    end: Mark,
    properties: Option<Properties>,
    children: Vec<Node>,
    /// In a flow mapping: whether the current key was marked as one.
    key_seen: bool,
}

impl Open {
    fn new(kind: Kind, start: Mark, end: Mark, properties: Option<Properties>) -> Self {
        Self { kind, start, end, properties, children: Vec::new(), key_seen: false }
    }
}

fn in_pairs(children: Vec<Node>) -> Vec<(Node, Node)> {
    let mut entries = Vec::with_capacity(children.len() / 2);
    let mut children = children.into_iter();
    while let (Some(key), Some(value)) = (children.next(), children.next()) {
        entries.push((key, value));
    }
    entries
}

fn bare(content: Content, style: Style, start: Mark, end: Mark) -> Node {
    let span = start.offset..end.offset.max(start.offset);
    Node {
        content,
        tag: None,
        anchor: None,
        style,
        line: start.line + 1,
        column: start.column + 1,
        value_span: span.clone(),
        span,
    }
}

/// The null that stands where nothing is written.
fn empty(mark: Mark) -> Node {
    bare(Content::Scalar(String::new()), Style::Plain, mark, mark)
}
