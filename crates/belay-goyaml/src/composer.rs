//! Tokens to nodes: the grammar of YAML 1.1, read top down, one function per production.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::node::{Content, Document, Node, ParseOptions, Style};
use crate::scanner::{Mark, Scanner, Token, TokenKind};

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
    depth: usize,
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
            depth: 0,
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
        let root = if implicit {
            self.node(true, false)?
        } else {
            self.explicit_document()?
        };
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
            return Err(Scanner::grammar_error(
                None,
                mark,
                "did not find expected <document start>",
            ));
        }
        self.scanner.take()?;
        match self.peek()? {
            TokenKind::VersionDirective { .. }
            | TokenKind::TagDirective { .. }
            | TokenKind::DocumentStart
            | TokenKind::DocumentEnd
            | TokenKind::StreamEnd => Ok(empty(self.start()?)),
            _ => self.node(true, false),
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

    fn node(&mut self, block: bool, indentless_sequence: bool) -> Parse<Node> {
        if let TokenKind::Alias(_) = self.peek()? {
            return self.alias();
        }
        let properties = self.properties()?;
        if let Some(anchor) = &properties.anchor {
            self.anchors.insert(anchor.clone(), None);
        }
        let node = self.content(&properties, block, indentless_sequence)?;
        if let Some(anchor) = &properties.anchor {
            self.anchors.insert(anchor.clone(), Some(Arc::new(node.clone())));
        }
        Ok(node)
    }

    fn alias(&mut self) -> Parse<Node> {
        let token = self.scanner.take()?;
        let TokenKind::Alias(name) = token.kind else {
            unreachable!("the caller saw an alias");
        };
        let Some(target) = self.anchors.get(&name).cloned() else {
            return Err(Error::plain(format!("unknown anchor '{name}' referenced")));
        };
        Ok(bare(
            Content::Alias { name, target },
            Style::Flow,
            token.start,
            token.end,
        ))
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
        Ok(Properties {
            tag,
            anchor,
            start,
            end,
        })
    }

    fn resolve_tag(&self, handle: String, suffix: String, start: Mark, mark: Mark) -> Parse<String> {
        if handle.is_empty() {
            return Ok(suffix);
        }
        match self.tag_directives.iter().find(|(known, _)| *known == handle) {
            Some((_, prefix)) => Ok(format!("{prefix}{suffix}")),
            None => Err(Scanner::grammar_error(
                Some(start),
                mark,
                "found undefined tag handle",
            )),
        }
    }

    fn content(&mut self, properties: &Properties, block: bool, indentless_sequence: bool) -> Parse<Node> {
        let start = self.start()?;
        let mut node = match self.peek()? {
            TokenKind::BlockEntry if indentless_sequence => self.nested(Self::indentless_sequence)?,
            TokenKind::Scalar(..) => self.scalar()?,
            TokenKind::FlowSequenceStart => self.nested(Self::flow_sequence)?,
            TokenKind::FlowMappingStart => self.nested(Self::flow_mapping)?,
            TokenKind::BlockSequenceStart if block => self.nested(Self::block_sequence)?,
            TokenKind::BlockMappingStart if block => self.nested(Self::block_mapping)?,
            _ if properties.tag.is_some() || properties.anchor.is_some() => empty(properties.end),
            _ => {
                let context = properties.start;
                return Err(Scanner::grammar_error(
                    Some(context),
                    start,
                    "did not find expected node content",
                ));
            }
        };
        node.tag.clone_from(&properties.tag);
        node.anchor.clone_from(&properties.anchor);
        node.line = properties.start.line + 1;
        node.column = properties.start.column + 1;
        node.span.start = properties.start.offset;
        Ok(node)
    }

    fn nested(&mut self, read: fn(&mut Self) -> Parse<Node>) -> Parse<Node> {
        self.depth += 1;
        if self.depth > self.max_depth {
            let mark = self.start()?;
            let message = format!("exceeded max depth of {}", self.max_depth);
            return Err(Scanner::grammar_error(None, mark, &message));
        }
        let node = read(self);
        self.depth -= 1;
        node
    }

    fn scalar(&mut self) -> Parse<Node> {
        let token = self.scanner.take()?;
        let TokenKind::Scalar(value, style) = token.kind else {
            unreachable!("the caller saw a scalar");
        };
        Ok(bare(
            Content::Scalar(value.into_owned()),
            style,
            token.start,
            token.end,
        ))
    }

    // ---- block collections ----

    fn block_sequence(&mut self) -> Parse<Node> {
        let opening = self.scanner.take()?;
        let mut items = Vec::new();
        loop {
            match self.peek()? {
                TokenKind::BlockEntry => {
                    let entry = self.scanner.take()?;
                    items.push(match self.peek()? {
                        TokenKind::BlockEntry | TokenKind::BlockEnd => empty(entry.end),
                        _ => self.node(true, false)?,
                    });
                }
                TokenKind::BlockEnd => {
                    self.scanner.take()?;
                    return Ok(sequence(items, Style::Block, &opening, None));
                }
                _ => return self.unexpected(&opening, "did not find expected '-' indicator"),
            }
        }
    }

    fn indentless_sequence(&mut self) -> Parse<Node> {
        let opening = self.scanner.peek()?.clone();
        let mut items = Vec::new();
        while self.peek()? == &TokenKind::BlockEntry {
            let entry = self.scanner.take()?;
            items.push(match self.peek()? {
                TokenKind::BlockEntry | TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => {
                    empty(entry.end)
                }
                _ => self.node(true, false)?,
            });
        }
        Ok(sequence(items, Style::Block, &opening, None))
    }

    fn block_mapping(&mut self) -> Parse<Node> {
        let opening = self.scanner.take()?;
        let mut entries = Vec::new();
        loop {
            match self.peek()? {
                TokenKind::Key => {
                    let mark = self.scanner.take()?.end;
                    let key = self.block_mapping_part(mark)?;
                    let value = self.block_mapping_value()?;
                    entries.push((key, value));
                }
                TokenKind::BlockEnd => {
                    self.scanner.take()?;
                    return Ok(mapping(entries, Style::Block, &opening, None));
                }
                _ => return self.unexpected(&opening, "did not find expected key"),
            }
        }
    }

    fn block_mapping_value(&mut self) -> Parse<Node> {
        if self.peek()? != &TokenKind::Value {
            return Ok(empty(self.start()?));
        }
        let mark = self.scanner.take()?.end;
        self.block_mapping_part(mark)
    }

    fn block_mapping_part(&mut self, mark: Mark) -> Parse<Node> {
        match self.peek()? {
            TokenKind::Key | TokenKind::Value | TokenKind::BlockEnd => Ok(empty(mark)),
            _ => self.node(true, true),
        }
    }

    // ---- flow collections ----

    fn flow_sequence(&mut self) -> Parse<Node> {
        let opening = self.scanner.take()?;
        let mut items = Vec::new();
        while self.peek()? != &TokenKind::FlowSequenceEnd {
            if !items.is_empty() {
                if self.peek()? != &TokenKind::FlowEntry {
                    return self.unexpected(&opening, "did not find expected ',' or ']'");
                }
                self.scanner.take()?;
            }
            match self.peek()? {
                TokenKind::FlowSequenceEnd => break,
                TokenKind::Key => items.push(self.nested(Self::single_pair)?),
                _ => items.push(self.node(false, false)?),
            }
        }
        let closing = self.scanner.take()?;
        Ok(sequence(items, Style::Flow, &opening, Some(closing.end)))
    }

    /// `[a: b]`: a mapping of one entry without braces.
    fn single_pair(&mut self) -> Parse<Node> {
        let opening = self.scanner.take()?;
        let key = match self.peek()? {
            TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => {
                // libyaml takes the token away here, `:` included, so that `[? : a]` is an error.
                empty(self.scanner.take()?.end)
            }
            _ => self.node(false, false)?,
        };
        let value = if self.peek()? == &TokenKind::Value {
            self.scanner.take()?;
            match self.peek()? {
                TokenKind::FlowEntry | TokenKind::FlowSequenceEnd => empty(self.start()?),
                _ => self.node(false, false)?,
            }
        } else {
            empty(self.start()?)
        };
        Ok(mapping(vec![(key, value)], Style::Flow, &opening, None))
    }

    fn flow_mapping(&mut self) -> Parse<Node> {
        let opening = self.scanner.take()?;
        let mut entries = Vec::new();
        while self.peek()? != &TokenKind::FlowMappingEnd {
            if !entries.is_empty() {
                if self.peek()? != &TokenKind::FlowEntry {
                    return self.unexpected(&opening, "did not find expected ',' or '}'");
                }
                self.scanner.take()?;
            }
            match self.peek()? {
                TokenKind::FlowMappingEnd => break,
                TokenKind::Key => {
                    self.scanner.take()?;
                    let key = match self.peek()? {
                        TokenKind::Value | TokenKind::FlowEntry | TokenKind::FlowMappingEnd => {
                            empty(self.start()?)
                        }
                        _ => self.node(false, false)?,
                    };
                    let value = self.flow_mapping_value()?;
                    entries.push((key, value));
                }
                _ => {
                    let key = self.node(false, false)?;
                    let value = empty(self.start()?);
                    entries.push((key, value));
                }
            }
        }
        let closing = self.scanner.take()?;
        Ok(mapping(entries, Style::Flow, &opening, Some(closing.end)))
    }

    fn flow_mapping_value(&mut self) -> Parse<Node> {
        if self.peek()? == &TokenKind::Value {
            self.scanner.take()?;
            if !matches!(self.peek()?, TokenKind::FlowEntry | TokenKind::FlowMappingEnd) {
                return self.node(false, false);
            }
        }
        Ok(empty(self.start()?))
    }

    fn unexpected(&mut self, opening: &Token<'a>, message: &str) -> Parse<Node> {
        let mark = self.start()?;
        Err(Scanner::grammar_error(Some(opening.start), mark, message))
    }
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

fn sequence(items: Vec<Node>, style: Style, opening: &Token<'_>, closing: Option<Mark>) -> Node {
    let last = items.last().map(|item| item.span.end);
    collection(Content::Sequence(Arc::new(items)), style, opening, closing, last)
}

fn mapping(entries: Vec<(Node, Node)>, style: Style, opening: &Token<'_>, closing: Option<Mark>) -> Node {
    let last = entries
        .last()
        .map(|(key, value)| key.span.end.max(value.span.end));
    collection(Content::Mapping(Arc::new(entries)), style, opening, closing, last)
}

/// Block collections end where their last item ends, flow collections with their bracket.
fn collection(
    content: Content,
    style: Style,
    opening: &Token<'_>,
    closing: Option<Mark>,
    last: Option<usize>,
) -> Node {
    let mut node = bare(content, style, opening.start, opening.end);
    let end = closing
        .map(|mark| mark.offset)
        .or(last)
        .unwrap_or(opening.end.offset);
    node.span.end = end.max(node.span.start);
    node.value_span.end = node.span.end;
    node
}
