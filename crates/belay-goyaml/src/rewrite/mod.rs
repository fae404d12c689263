//! Texts that are changed as Go programs change them: read into a `yaml.Node`, edited, written.
//!
//! yaml.v3 keeps comments, styles, anchors and tags on the way, and nothing else: indentation, empty
//! lines, directives and the marks between documents are laid out anew. kyaml does this to resource
//! files and to YAML inside of a field; its settings (two columns, dashes under their key) are the
//! ones here.
//!
//! What is not followed is one mistake of the original: while its buffer happens to begin with a byte
//! order mark (two of them start the text, or one stands some 500 bytes before), it drops the first
//! character of each line.

mod reader;
mod writer;

pub use reader::read_editable;
pub use writer::write_editable;

use serde_json::Value;

use crate::json::format_float;
use crate::node::Style;

/// The first document of a text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EditableDocument {
    /// Its only node at the top; `None` if the text has no document, which is written as `null`.
    pub root: Option<EditableNode>,
    /// The comment above the first empty line.
    pub head_comment: String,
    /// The comment behind everything.
    pub foot_comment: String,
}

/// A value with all that yaml.v3 remembers of how it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct EditableNode {
    /// What it holds.
    pub content: EditableContent,
    /// The tag in short form (`!!int`, `!local`), found out by the text if none is written. It is
    /// written if it does not go without saying; a `!!str` is put in quotes instead. Empty: none.
    pub tag: String,
    /// Whether the tag is in the text, and so has to be written again.
    pub is_tag_written: bool,
    /// How it is written, if its text allows that.
    pub style: Style,
    /// The name after `&`.
    pub anchor: Option<String>,
    /// Comments in the lines before it, marks included; empty if there are none.
    pub head_comment: String,
    /// The comment behind it, on its line.
    pub line_comment: String,
    /// Comments in the lines after it; those after a value belong to its key.
    pub foot_comment: String,
}

/// What an [`EditableNode`] holds.
#[derive(Debug, Clone, PartialEq)]
pub enum EditableContent {
    /// Text with quotes and escapes undone.
    Scalar(String),
    /// Items in order.
    Sequence(Vec<EditableNode>),
    /// Keys and values in order, duplicates included.
    Mapping(Vec<(EditableNode, EditableNode)>),
    /// `*name`.
    Alias(String),
}

impl From<EditableContent> for EditableNode {
    /// A node as Go's programs make new ones: without a tag, in the usual style.
    fn from(content: EditableContent) -> Self {
        let style = match content {
            EditableContent::Scalar(_) => Style::Plain,
            EditableContent::Sequence(_) | EditableContent::Mapping(_) => Style::Block,
            EditableContent::Alias(_) => Style::Flow,
        };
        Self {
            content,
            tag: String::new(),
            is_tag_written: false,
            style,
            anchor: None,
            head_comment: String::new(),
            line_comment: String::new(),
            foot_comment: String::new(),
        }
    }
}

impl From<&Value> for EditableNode {
    /// The node yaml.v3 makes of such a value when it stands in a text without quotes.
    fn from(value: &Value) -> Self {
        match value {
            Value::Null => Self::scalar("null").with_tag("!!null"),
            Value::Bool(value) => Self::scalar(value.to_string()).with_tag("!!bool"),
            Value::Number(number) => match number.as_f64() {
                Some(float) if number.is_f64() => Self::scalar(format_float(float)).with_tag("!!float"),
                _ => Self::scalar(number.to_string()).with_tag("!!int"),
            },
            Value::String(text) => Self::scalar(text).with_tag("!!str"),
            Value::Array(items) => Self::sequence(items.iter().map(Self::from).collect()).with_tag("!!seq"),
            Value::Object(entries) => {
                let entry = |(key, value): (&String, &Value)| {
                    (Self::scalar(key).with_tag("!!str"), Self::from(value))
                };
                Self::mapping(entries.iter().map(entry).collect()).with_tag("!!map")
            }
        }
    }
}

impl EditableNode {
    /// A new scalar without a tag: it is written plain if its characters allow that, so that `5`
    /// is a number.
    pub fn scalar(text: impl Into<String>) -> Self {
        EditableContent::Scalar(text.into()).into()
    }

    /// A new sequence.
    pub fn sequence(items: Vec<Self>) -> Self {
        EditableContent::Sequence(items).into()
    }

    /// A new mapping.
    pub fn mapping(entries: Vec<(Self, Self)>) -> Self {
        EditableContent::Mapping(entries).into()
    }

    /// The node with a tag (`!!str`) that is written only if it has to be.
    pub fn with_tag(self, tag: impl Into<String>) -> Self {
        Self { tag: tag.into(), ..self }
    }

    /// The text of a scalar; aliases are not followed, here and below.
    pub fn as_scalar(&self) -> Option<&str> {
        match &self.content {
            EditableContent::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// Changes the text of a scalar and leaves tag, style and comments; says whether it is one.
    pub fn set_scalar(&mut self, text: impl Into<String>) -> bool {
        match &mut self.content {
            EditableContent::Scalar(old) => {
                *old = text.into();
                true
            }
            _ => false,
        }
    }

    /// The items of a sequence.
    pub fn items(&self) -> Option<&[Self]> {
        match &self.content {
            EditableContent::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The items of a sequence, to change or add some.
    pub fn items_mut(&mut self) -> Option<&mut Vec<Self>> {
        match &mut self.content {
            EditableContent::Sequence(items) => Some(items),
            _ => None,
        }
    }

    /// The entries of a mapping.
    pub fn entries(&self) -> Option<&[(Self, Self)]> {
        match &self.content {
            EditableContent::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The entries of a mapping, to change or add some.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Self, Self)>> {
        match &mut self.content {
            EditableContent::Mapping(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of the first entry whose key is the scalar `key`.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()?.iter().find(|(name, _)| name.as_scalar() == Some(key)).map(|(_, value)| value)
    }

    /// [`EditableNode::get`], to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        let entries = self.entries_mut()?.iter_mut();
        entries.into_iter().find(|(name, _)| name.as_scalar() == Some(key)).map(|(_, value)| value)
    }

    /// Adds an entry behind the others of a mapping and returns its value.
    pub fn insert(&mut self, key: Self, value: Self) -> Option<&mut Self> {
        let entries = self.entries_mut()?;
        entries.push((key, value));
        entries.last_mut().map(|(_, value)| value)
    }

    /// Adds an item behind the others of a sequence and returns it.
    pub fn push(&mut self, item: Self) -> Option<&mut Self> {
        let items = self.items_mut()?;
        items.push(item);
        items.last_mut()
    }
}
