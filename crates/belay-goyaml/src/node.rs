//! The tree a text is read into, with places, styles and anchors kept.

use std::ops::Range;
use std::sync::Arc;

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

/// A value of the document.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it holds.
    pub content: Content,
    /// The tag in long form (`tag:yaml.org,2002:int`), `!`, or a local one; `None` if none is written.
    pub tag: Option<String>,
    /// The name after `&`.
    pub anchor: Option<String>,
    /// How it is written.
    pub style: Style,
    /// 1-based line of its first character, tag and anchor included.
    pub line: usize,
    /// 1-based column in characters.
    pub column: usize,
    /// Bytes of the text it covers, tag and anchor included.
    pub span: Range<usize>,
    /// Bytes of the value alone, quotes included: what a span edit replaces.
    pub value_span: Range<usize>,
}

/// What a node holds. Collections are shared, so that a copy of an anchored node costs nothing.
#[derive(Debug, Clone)]
pub enum Content {
    /// Text with quotes and escapes undone.
    Scalar(String),
    /// Items in order.
    Sequence(Arc<Vec<Node>>),
    /// Keys and values in order, duplicates included.
    Mapping(Arc<Vec<(Node, Node)>>),
    /// `*name`.
    Alias {
        /// The name after `*`.
        name: String,
        /// What it stands for; `None` if it stands for a collection that holds it.
        target: Option<Arc<Node>>,
    },
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
    /// Deepest nesting of collections; above [`ParseOptions::DEPTH_CEILING`] the ceiling holds.
    pub max_depth: usize,
    /// Most documents in one stream.
    pub max_documents: usize,
    /// Longest text in bytes.
    pub max_bytes: usize,
    /// Which library's order of errors to follow.
    pub resolution: Resolution,
    /// Whether to keep comments.
    pub comments: bool,
}

impl ParseOptions {
    /// Nesting beyond this would endanger the stack of whoever walks the tree.
    pub const DEPTH_CEILING: usize = 512;
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            max_depth: 256,
            max_documents: 100_000,
            max_bytes: 256 << 20,
            resolution: Resolution::V2,
            comments: false,
        }
    }
}

impl Node {
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
            Content::Alias { target: Some(target), .. } => target,
            _ => self,
        }
    }
}
