//! The tree a text is read into, with places, styles and anchors kept.

use std::ops::Range;
use std::sync::Arc;

use compact_str::CompactString;

use crate::depth::depth_of_thread;

/// One document of a stream.
#[derive(Debug, Clone)]
pub struct Document {
    /// The only node at the top; an empty document has an empty plain scalar.
    pub root: Node,
    /// 1-based line the document starts at.
    pub line: usize,
    /// Every comment of the document in order, when [`ParseOptions::comments`] asks for them.
    pub comments: Vec<Comment>,
}

/// A comment, from its `#` to the end of the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// 1-based line.
    pub line: usize,
    /// 1-based column in characters.
    pub column: usize,
    /// Bytes of the text it covers, the `#` included.
    pub span: Range<usize>,
}

/// A value of the document. Documents have many, so that it is kept small.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    pub(crate) properties: Option<Box<Properties>>,
    /// 1-based line of its first character, tag and anchor included.
    pub line: usize,
    /// 1-based column in characters.
    pub column: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) value_start: u32,
    pub(crate) value_end: u32,
    /// How it is written.
    pub style: Style,
}

/// What few nodes have: tag and anchor in front, and comments if they were asked for by node.
#[derive(Debug, Clone, Default)]
pub(crate) struct Properties {
    pub(crate) tag: Option<String>,
    pub(crate) anchor: Option<String>,
    pub(crate) comments: Option<Box<NodeComments>>,
}

/// The comments that yaml.v3 counts to a node; several lines are one text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NodeComments {
    /// In the lines before it.
    pub(crate) head: String,
    /// Behind it, on its line.
    pub(crate) line: String,
    /// In the lines after it.
    pub(crate) foot: String,
}

impl NodeComments {
    pub(crate) fn is_empty(&self) -> bool {
        self.head.is_empty() && self.line.is_empty() && self.foot.is_empty()
    }
}

/// What a node holds. Collections are shared, so that a copy of an anchored node costs nothing.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text with quotes and escapes undone.
    Scalar(CompactString),
    /// Items in order.
    Sequence(Arc<Vec<Node>>),
    /// Keys and values in order, duplicates included.
    Mapping(Arc<Vec<(Node, Node)>>),
    /// `*name`.
    Alias(Box<Alias>),
}

/// A node that stands for another.
#[derive(Debug, Clone)]
pub struct Alias {
    /// The name after `*`.
    pub name: Box<str>,
    /// What it stands for; `None` if it stands for a collection that holds it.
    pub target: Option<Arc<Node>>,
}

/// How a node is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// A scalar without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
    /// A collection by indentation.
    Block,
    /// A collection in brackets, or an alias.
    Flow,
}

/// Whose rules decide what a plain scalar means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Resolution {
    /// `yaml.v2`, which `sigs.k8s.io/yaml` reads with: YAML 1.1 booleans, last duplicate wins.
    #[default]
    V2,
    /// `yaml.v3`: `yes` is a string, `0o17` a number, duplicate keys are errors.
    V3,
}

/// Limits of reading.
#[derive(Debug, Clone)]
pub struct ParseOptions {
    /// Deepest nesting of collections: [`ParseOptions::USUAL_DEPTH`] unless
    /// [`with_depth`](crate::with_depth) says otherwise. Above [`ParseOptions::DEPTH_CEILING`] the
    /// ceiling holds.
    pub max_depth: usize,
    /// Most documents in one stream.
    pub max_documents: usize,
    /// Longest text in bytes; above 4 GiB that limit holds.
    pub max_bytes: usize,
    /// Which library's order of errors to follow.
    pub resolution: Resolution,
    /// Whether to keep comments.
    pub comments: bool,
}

impl ParseOptions {
    /// Deepest nesting where nobody asked for more: it fits every thread's stack, however the tree
    /// is walked.
    pub const USUAL_DEPTH: usize = 256;
    /// The limit of Go's libraries. They count indentation and brackets apart, and neither the
    /// mapping of a `[key: value]` nor dashes in the column of their key, and so does this limit, other
    /// than the ones below it: there may be four times as many collections within each other.
    pub const DEPTH_CEILING: usize = 10_000;
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            max_depth: depth_of_thread(),
            max_documents: 100_000,
            max_bytes: 256 << 20,
            resolution: Resolution::V2,
            comments: false,
        }
    }
}

impl Node {
    /// The tag in long form (`tag:yaml.org,2002:int`), `!`, or a local one, if one is written.
    pub fn tag(&self) -> Option<&str> {
        self.properties.as_ref()?.tag.as_deref()
    }

    /// The name after `&`.
    pub fn anchor(&self) -> Option<&str> {
        self.properties.as_ref()?.anchor.as_deref()
    }

    /// Bytes of the text it covers, tag and anchor included.
    pub fn span(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Bytes of the value alone, quotes included: what a span edit replaces.
    pub fn value_span(&self) -> Range<usize> {
        self.value_start as usize..self.value_end as usize
    }

    /// The text of a scalar; aliases are followed.
    pub fn as_str(&self) -> Option<&str> {
        match &self.resolved().content {
            Content::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The items of a sequence; aliases are followed.
    pub fn items(&self) -> Option<&[Node]> {
        match &self.resolved().content {
            Content::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping; aliases are followed.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.resolved().content {
            Content::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of the last entry whose key is the scalar `key` (merge keys are not looked into).
    pub fn get(&self, key: &str) -> Option<&Node> {
        let matches = |candidate: &&(Node, Node)| candidate.0.as_str() == Some(key);
        self.entries()?.iter().rev().find(matches).map(|(_, value)| value)
    }

    /// The node an alias stands for, else the node itself.
    pub fn resolved(&self) -> &Node {
        match &self.content {
            Content::Alias(alias) => alias.target.as_deref().unwrap_or(self),
            _ => self,
        }
    }
}
