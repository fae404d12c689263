//! The parsed form of a template.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use crate::format::go_quote;
use crate::stand_ins;
use crate::value::Text;

/// A file's text and name, shared by the templates it defines.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    /// Whether characters stand in for bytes that are not UTF-8.
    is_broken: bool,
    /// Where the lines begin, once somebody asked.
    lines: OnceLock<Vec<usize>>,
}

impl Source {
    pub(crate) fn new(name: Arc<str>, text: Arc<str>) -> Self {
        Self { name, text, is_broken: false, lines: OnceLock::new() }
    }

    /// A text with stand-ins.
    pub(super) fn of_broken(name: Arc<str>, text: Arc<str>) -> Self {
        Self { is_broken: true, ..Self::new(name, text) }
    }

    /// The bytes of a piece of the text.
    pub(super) fn bytes_of<'t>(&self, piece: &'t str) -> Cow<'t, [u8]> {
        if self.is_broken { stand_ins::bytes_of(piece) } else { Cow::Borrowed(piece.as_bytes()) }
    }

    /// A piece of the text as Go reads it rune by rune.
    pub(super) fn runes_of<'t>(&self, piece: &'t str) -> Cow<'t, str> {
        if self.is_broken { Cow::Owned(stand_ins::runes_of(piece)) } else { Cow::Borrowed(piece) }
    }

    /// Line and column of an offset, as execution errors print them: the column counts bytes from 0.
    pub(crate) fn place(&self, offset: usize) -> (usize, usize) {
        let offset = offset.min(self.text.len());
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
            std::iter::once(0).chain(ends.map(|(end, _)| end + 1)).collect()
        });
        let line = lines.partition_point(|start| *start <= offset);
        let start = lines[line - 1];
        let before = self.text.get(start..offset).filter(|_| self.is_broken);
        (line, offset - start - before.map_or(0, stand_ins::surplus))
    }
}

/// One template: a file's own text or a `define` in it.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) name: Arc<str>,
    pub(crate) source: Arc<Source>,
    pub(crate) root: ListNode,
}

/// A node that errors can point at.
pub(crate) trait Located {
    fn position(&self) -> usize;
    fn write(&self, out: &mut String);
}

macro_rules! located {
    ($node:ty, |$self:ident, $out:ident| $body:expr) => {
        impl Located for $node {
            fn position(&self) -> usize {
                self.position
            }
            fn write(&self, out: &mut String) {
                let ($self, $out) = (self, out);
                $body
            }
        }
    };
}

#[derive(Debug)]
pub(crate) struct ListNode {
    pub(crate) position: usize,
    pub(crate) nodes: Vec<Node>,
}

impl ListNode {
    /// Whether there is nothing but space.
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.iter().all(|node| match node {
            Node::Text(text) => {
                std::str::from_utf8(text.text.as_bytes()).is_ok_and(|text| text.trim().is_empty())
            }
            _ => false,
        })
    }
}

located!(ListNode, |self_, out| for node in &self_.nodes {
    node.located().write(out);
});

#[derive(Debug)]
pub(crate) enum Node {
    Text(TextNode),
    Action(ActionNode),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template(TemplateNode),
    Break(JumpNode),
    Continue(JumpNode),
}

impl Node {
    pub(crate) fn located(&self) -> &dyn Located {
        match self {
            Self::Text(node) => node,
            Self::Action(node) => node,
            Self::If(node) | Self::With(node) | Self::Range(node) => node,
            Self::Template(node) => node,
            Self::Break(node) | Self::Continue(node) => node,
        }
    }
}

#[derive(Debug)]
pub(crate) struct TextNode {
    pub(crate) position: usize,
    pub(crate) text: Text,
}
located!(TextNode, |self_, out| out.push_str(&self_.text.to_str()));

#[derive(Debug)]
pub(crate) struct ActionNode {
    pub(crate) position: usize,
    pub(crate) pipe: PipeNode,
}
located!(ActionNode, |self_, out| {
    out.push_str("{{");
    self_.pipe.write(out);
    out.push_str("}}");
});

#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) keyword: &'static str,
    pub(crate) position: usize,
    pub(crate) pipe: PipeNode,
    pub(crate) list: Box<ListNode>,
    pub(crate) otherwise: Option<Box<ListNode>>,
}
located!(Branch, |self_, out| {
    out.push_str("{{");
    out.push_str(self_.keyword);
    out.push(' ');
    self_.pipe.write(out);
    out.push_str("}}");
    self_.list.write(out);
    if let Some(otherwise) = &self_.otherwise {
        out.push_str("{{else}}");
        otherwise.write(out);
    }
    out.push_str("{{end}}");
});

#[derive(Debug)]
pub(crate) struct TemplateNode {
    pub(crate) position: usize,
    pub(crate) name: Arc<str>,
    pub(crate) pipe: Option<PipeNode>,
}
located!(TemplateNode, |self_, out| {
    out.push_str("{{template ");
    out.push_str(&go_quote(self_.name.as_bytes()));
    if let Some(pipe) = &self_.pipe {
        out.push(' ');
        pipe.write(out);
    }
    out.push_str("}}");
});

#[derive(Debug)]
pub(crate) struct JumpNode {
    pub(crate) position: usize,
    pub(crate) keyword: &'static str,
}
located!(JumpNode, |self_, out| {
    out.push_str("{{");
    out.push_str(self_.keyword);
    out.push_str("}}");
});

#[derive(Debug)]
pub(crate) struct PipeNode {
    pub(crate) position: usize,
    pub(crate) is_assign: bool,
    pub(crate) variables: Vec<VariableNode>,
    pub(crate) commands: Vec<CommandNode>,
}
located!(PipeNode, |self_, out| {
    for (index, variable) in self_.variables.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        variable.write(out);
    }
    if !self_.variables.is_empty() {
        out.push_str(if self_.is_assign { " = " } else { " := " });
    }
    for (index, command) in self_.commands.iter().enumerate() {
        if index > 0 {
            out.push_str(" | ");
        }
        command.write(out);
    }
});

// Parentheses nest deeper than a thread's stack is high.
impl Drop for PipeNode {
    fn drop(&mut self) {
        crate::exec::with_stack(|| self.commands.clear());
    }
}

#[derive(Debug)]
pub(crate) struct CommandNode {
    pub(crate) position: usize,
    pub(crate) arguments: Vec<Operand>,
}
located!(CommandNode, |self_, out| {
    for (index, argument) in self_.arguments.iter().enumerate() {
        if index > 0 {
            out.push(' ');
        }
        argument.write_in_parentheses(out);
    }
});

/// A term of a command.
#[derive(Debug)]
pub(crate) enum Operand {
    Bool(BoolNode),
    Chain(ChainNode),
    Dot(PlainNode),
    Field(FieldNode),
    Identifier(IdentifierNode),
    Nil(PlainNode),
    Number(NumberNode),
    Pipe(PipeNode),
    String(StringNode),
    Variable(VariableNode),
}

impl Operand {
    pub(crate) fn located(&self) -> &dyn Located {
        match self {
            Self::Bool(node) => node,
            Self::Chain(node) => node,
            Self::Dot(node) | Self::Nil(node) => node,
            Self::Field(node) => node,
            Self::Identifier(node) => node,
            Self::Number(node) => node,
            Self::Pipe(node) => node,
            Self::String(node) => node,
            Self::Variable(node) => node,
        }
    }

    fn write_in_parentheses(&self, out: &mut String) {
        if matches!(self, Self::Pipe(_)) {
            out.push('(');
            self.located().write(out);
            out.push(')');
        } else {
            self.located().write(out);
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        self.located().write(&mut text);
        text
    }
}

#[derive(Debug)]
pub(crate) struct BoolNode {
    pub(crate) position: usize,
    pub(crate) value: bool,
}
located!(BoolNode, |self_, out| out.push_str(if self_.value { "true" } else { "false" }));

/// `.` or `nil`.
#[derive(Debug)]
pub(crate) struct PlainNode {
    pub(crate) position: usize,
    pub(crate) text: &'static str,
}
located!(PlainNode, |self_, out| out.push_str(self_.text));

#[derive(Debug)]
pub(crate) struct ChainNode {
    pub(crate) position: usize,
    pub(crate) node: Box<Operand>,
    pub(crate) fields: Vec<String>,
}
located!(ChainNode, |self_, out| {
    self_.node.write_in_parentheses(out);
    for field in &self_.fields {
        out.push('.');
        out.push_str(field);
    }
});

#[derive(Debug)]
pub(crate) struct FieldNode {
    pub(crate) position: usize,
    pub(crate) names: Vec<String>,
}
located!(FieldNode, |self_, out| for name in &self_.names {
    out.push('.');
    out.push_str(name);
});

#[derive(Debug)]
pub(crate) struct IdentifierNode {
    pub(crate) position: usize,
    pub(crate) name: String,
}
located!(IdentifierNode, |self_, out| out.push_str(&self_.name));

/// A variable (with its `$`), then fields.
#[derive(Debug)]
pub(crate) struct VariableNode {
    pub(crate) position: usize,
    pub(crate) names: Vec<String>,
}
located!(VariableNode, |self_, out| out.push_str(&self_.names.join(".")));

#[derive(Debug)]
pub(crate) struct StringNode {
    pub(crate) position: usize,
    pub(crate) quoted: String,
    pub(crate) text: Text,
}
located!(StringNode, |self_, out| out.push_str(&self_.quoted));

/// A number under every type that can hold it.
#[derive(Debug, Default)]
pub(crate) struct NumberNode {
    pub(crate) position: usize,
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}
located!(NumberNode, |self_, out| out.push_str(&self_.text));
