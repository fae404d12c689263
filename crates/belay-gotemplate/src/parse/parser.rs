//! Builds the tree from tokens. The order in which errors are found is Go's.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::lexer::{Delimiters, Lexer, Token, TokenKind};
use super::literal;
use super::tree::{
    ActionNode, BoolNode, Branch, ChainNode, CommandNode, FieldNode, IdentifierNode, JumpNode, ListNode,
    Node, NumberNode, Operand, PipeNode, PlainNode, Source, StringNode, Template, TemplateNode, TextNode,
    VariableNode,
};
use crate::exec::with_stack;
use crate::format::go_quote;

/// Nested parentheses, as in Go. Nested `if`, `range` and `with` get the same limit, where Go has none.
const MAX_DEPTH: usize = 10_000;

type Result<T> = std::result::Result<T, String>;

pub(super) fn parse(
    source: &Arc<Source>,
    delimiters: &Delimiters,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Vec<Arc<Template>>> {
    let mut file = File {
        lexer: Lexer::new(&source.text, delimiters),
        source: source.clone(),
        is_function,
        templates: BTreeMap::new(),
        block_depth: 0,
    };
    file.lexer.break_is_keyword = !is_function("break");
    file.lexer.continue_is_keyword = !is_function("continue");
    let mut parser = TreeParser::new();
    let root = parser.parse_file(&mut file)?;
    parser.add(&mut file, source.name.clone(), root)?;
    Ok(file.templates.into_values().collect())
}

/// What the parsers of one file's templates share.
struct File<'t> {
    lexer: Lexer<'t>,
    source: Arc<Source>,
    is_function: &'t dyn Fn(&str) -> bool,
    templates: BTreeMap<Arc<str>, Arc<Template>>,
    block_depth: usize,
}

/// The parser of one template; a `define` or `block` gets its own.
struct TreeParser<'t> {
    tokens: [Token<'t>; 3],
    peeked: usize,
    variables: Vec<Cow<'t, str>>,
    action_line: usize,
    range_depth: usize,
    paren_depth: usize,
}

/// What ended a list of nodes, or a node of it.
enum Item {
    Node(Node),
    End(Ending),
}

enum Ending {
    End,
    Else { position: usize },
}

impl Ending {
    fn text(&self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else { .. } => "{{else}}",
        }
    }
}

impl<'t> TreeParser<'t> {
    fn new() -> Self {
        let none = Token { kind: TokenKind::Eof, position: 0, value: Cow::Borrowed(""), line: 0 };
        Self {
            tokens: [none.clone(), none.clone(), none],
            peeked: 0,
            variables: vec!["$".into()],
            action_line: 0,
            range_depth: 0,
            paren_depth: 0,
        }
    }

    fn fail<T>(&self, file: &File<'t>, message: impl AsRef<str>) -> Result<T> {
        Err(format!("template: {}:{}: {}", file.source.name, self.tokens[0].line, message.as_ref()))
    }

    fn unexpected<T>(&self, file: &File<'t>, token: &Token<'t>, context: &str) -> Result<T> {
        if token.kind != TokenKind::Error {
            return self.fail(file, format!("unexpected {} in {context}", token.describe()));
        }
        let mut extra = String::new();
        if self.action_line != 0 && self.action_line != token.line {
            extra = format!(" in action started at {}:{}", file.source.name, self.action_line);
            if token.value.ends_with(" action") {
                extra = extra.split_off(" in action".len());
            }
        }
        self.fail(file, format!("{}{extra}", token.value))
    }

    fn next(&mut self, file: &mut File<'t>) -> Token<'t> {
        if self.peeked > 0 {
            self.peeked -= 1;
        } else {
            self.tokens[0] = file.lexer.next_token();
        }
        self.tokens[self.peeked].clone()
    }

    fn backup(&mut self) {
        self.peeked += 1;
    }

    fn backup2(&mut self, first: Token<'t>) {
        self.tokens[1] = first;
        self.peeked = 2;
    }

    fn backup3(&mut self, second: Token<'t>, first: Token<'t>) {
        self.tokens[1] = first;
        self.tokens[2] = second;
        self.peeked = 3;
    }

    fn peek(&mut self, file: &mut File<'t>) -> &Token<'t> {
        if self.peeked == 0 {
            self.peeked = 1;
            self.tokens[0] = file.lexer.next_token();
        }
        &self.tokens[self.peeked - 1]
    }

    fn next_non_space(&mut self, file: &mut File<'t>) -> Token<'t> {
        loop {
            let token = self.next(file);
            if token.kind != TokenKind::Space {
                return token;
            }
        }
    }

    fn peek_non_space(&mut self, file: &mut File<'t>) -> Token<'t> {
        let token = self.next_non_space(file);
        self.backup();
        token
    }

    fn expect(&mut self, file: &mut File<'t>, kind: TokenKind, context: &str) -> Result<Token<'t>> {
        let token = self.next_non_space(file);
        if token.kind != kind {
            return self.unexpected(file, &token, context);
        }
        Ok(token)
    }

    fn unquote(&self, file: &File<'t>, token: &Token<'t>) -> Result<Vec<u8>> {
        let failed = |message| self.fail(file, message);
        if token.kind != TokenKind::RawString {
            return literal::unquote(&file.source.runes_of(&token.value)).or_else(failed);
        }
        let text = literal::unquote(&token.value).or_else(failed)?;
        Ok(std::str::from_utf8(&text).map_or(Vec::new(), |text| file.source.bytes_of(text).into_owned()))
    }

    /// Installs a template. In one file, only one of a name may have content.
    fn add(&self, file: &mut File<'t>, name: Arc<str>, root: ListNode) -> Result<()> {
        let taken = file.templates.get(&name).is_some_and(|template| !template.root.is_empty());
        if !taken {
            let template = Template { name: name.clone(), source: file.source.clone(), root };
            file.templates.insert(name, Arc::new(template));
            return Ok(());
        }
        if root.is_empty() {
            return Ok(());
        }
        self.fail(file, format!("template: multiple definition of template {}", go_quote(name.as_bytes())))
    }

    fn parse_file(&mut self, file: &mut File<'t>) -> Result<ListNode> {
        let mut root = ListNode { position: self.peek(file).position, nodes: Vec::new() };
        while self.peek(file).kind != TokenKind::Eof {
            if self.peek(file).kind == TokenKind::LeftDelimiter {
                let delimiter = self.next(file);
                if self.next_non_space(file).kind == TokenKind::Define {
                    Self::new().parse_definition(file)?;
                    continue;
                }
                self.backup2(delimiter);
            }
            match self.text_or_action(file)? {
                Item::Node(node) => root.nodes.push(node),
                Item::End(ending) => return self.fail(file, format!("unexpected {}", ending.text())),
            }
        }
        Ok(root)
    }

    fn parse_definition(&mut self, file: &mut File<'t>) -> Result<()> {
        let context = "define clause";
        let token = self.next_non_space(file);
        if !matches!(token.kind, TokenKind::String | TokenKind::RawString) {
            return self.unexpected(file, &token, context);
        }
        let name = self.unquote(file, &token)?;
        self.expect(file, TokenKind::RightDelimiter, context)?;
        let (root, ending) = self.item_list(file)?;
        if !matches!(ending, Ending::End) {
            return self.fail(file, format!("unexpected {} in {context}", ending.text()));
        }
        self.add(file, String::from_utf8_lossy(&name).into(), root)
    }

    fn item_list(&mut self, file: &mut File<'t>) -> Result<(ListNode, Ending)> {
        file.block_depth += 1;
        if file.block_depth > MAX_DEPTH {
            return self.fail(file, "max nesting depth exceeded");
        }
        let mut list = ListNode { position: self.peek_non_space(file).position, nodes: Vec::new() };
        while self.peek_non_space(file).kind != TokenKind::Eof {
            match with_stack(|| self.text_or_action(file))? {
                Item::Node(node) => list.nodes.push(node),
                Item::End(ending) => {
                    file.block_depth -= 1;
                    return Ok((list, ending));
                }
            }
        }
        self.fail(file, "unexpected EOF")
    }

    fn text_or_action(&mut self, file: &mut File<'t>) -> Result<Item> {
        let token = self.next_non_space(file);
        match token.kind {
            TokenKind::Text => Ok(Item::Node(Node::Text(TextNode {
                position: token.position,
                text: file.source.bytes_of(&token.value).as_ref().into(),
            }))),
            TokenKind::LeftDelimiter => {
                self.action_line = token.line;
                let item = self.action(file)?;
                self.action_line = 0;
                Ok(item)
            }
            _ => self.unexpected(file, &token, "input"),
        }
    }

    fn action(&mut self, file: &mut File<'t>) -> Result<Item> {
        let token = self.next_non_space(file);
        let node = match token.kind {
            TokenKind::Block => self.block_control(file)?,
            TokenKind::Break => Node::Break(self.jump(file, &token, "break")?),
            TokenKind::Continue => Node::Continue(self.jump(file, &token, "continue")?),
            TokenKind::Else => return self.else_control(file),
            TokenKind::End => {
                self.expect(file, TokenKind::RightDelimiter, "end")?;
                return Ok(Item::End(Ending::End));
            }
            TokenKind::If => Node::If(self.control(file, "if")?),
            TokenKind::Range => Node::Range(self.control(file, "range")?),
            TokenKind::Template => self.template_control(file)?,
            TokenKind::With => Node::With(self.control(file, "with")?),
            _ => {
                self.backup();
                let position = self.peek(file).position;
                let pipe = self.pipeline(file, "command", TokenKind::RightDelimiter)?;
                Node::Action(ActionNode { position, pipe })
            }
        };
        Ok(Item::Node(node))
    }

    fn jump(&mut self, file: &mut File<'t>, token: &Token<'t>, keyword: &'static str) -> Result<JumpNode> {
        let next = self.next_non_space(file);
        if next.kind != TokenKind::RightDelimiter {
            return self.unexpected(file, &next, &format!("{{{{{keyword}}}}}"));
        }
        if self.range_depth == 0 {
            return self.fail(file, format!("{{{{{keyword}}}}} outside {{{{range}}}}"));
        }
        Ok(JumpNode { position: token.position, keyword })
    }

    fn else_control(&mut self, file: &mut File<'t>) -> Result<Item> {
        let next = self.peek_non_space(file);
        let position = match next.kind {
            TokenKind::If | TokenKind::With => next.position,
            _ => self.expect(file, TokenKind::RightDelimiter, "else")?.position,
        };
        Ok(Item::End(Ending::Else { position }))
    }

    fn control(&mut self, file: &mut File<'t>, keyword: &'static str) -> Result<Branch> {
        let variables = self.variables.len();
        let pipe = self.pipeline(file, keyword, TokenKind::RightDelimiter)?;
        let is_range = keyword == "range";
        self.range_depth += usize::from(is_range);
        let (list, ending) = self.item_list(file)?;
        self.range_depth -= usize::from(is_range);
        let otherwise = match ending {
            Ending::End => None,
            Ending::Else { position } => Some(Box::new(self.else_list(file, keyword, position)?)),
        };
        self.variables.truncate(variables);
        Ok(Branch { keyword, position: pipe.position, pipe, list: Box::new(list), otherwise })
    }

    /// `{{else if}}` is `{{else}}{{if}}` with one `{{end}}` for both; the same for `with`.
    fn else_list(&mut self, file: &mut File<'t>, keyword: &str, position: usize) -> Result<ListNode> {
        let next = self.peek(file).kind;
        let node = if keyword == "if" && next == TokenKind::If {
            self.next(file);
            Node::If(self.chained_control(file, "if")?)
        } else if keyword == "with" && next == TokenKind::With {
            self.next(file);
            Node::With(self.chained_control(file, "with")?)
        } else {
            let (list, ending) = self.item_list(file)?;
            if !matches!(ending, Ending::End) {
                return self.fail(file, format!("expected end; found {}", ending.text()));
            }
            return Ok(list);
        };
        Ok(ListNode { position, nodes: vec![node] })
    }

    fn chained_control(&mut self, file: &mut File<'t>, keyword: &'static str) -> Result<Branch> {
        file.block_depth += 1;
        if file.block_depth > MAX_DEPTH {
            return self.fail(file, "max nesting depth exceeded");
        }
        let branch = with_stack(|| self.control(file, keyword))?;
        file.block_depth -= 1;
        Ok(branch)
    }

    fn block_control(&mut self, file: &mut File<'t>) -> Result<Node> {
        let context = "block clause";
        let token = self.next_non_space(file);
        let name = self.template_name(file, &token, context)?;
        let pipe = self.pipeline(file, context, TokenKind::RightDelimiter)?;
        let mut block = Self::new();
        let (root, ending) = block.item_list(file)?;
        if !matches!(ending, Ending::End) {
            return self.fail(file, format!("unexpected {} in {context}", ending.text()));
        }
        block.add(file, name.clone(), root)?;
        Ok(Node::Template(TemplateNode { position: token.position, name, pipe: Some(pipe) }))
    }

    fn template_control(&mut self, file: &mut File<'t>) -> Result<Node> {
        let context = "template clause";
        let token = self.next_non_space(file);
        let name = self.template_name(file, &token, context)?;
        let mut pipe = None;
        if self.next_non_space(file).kind != TokenKind::RightDelimiter {
            self.backup();
            pipe = Some(self.pipeline(file, context, TokenKind::RightDelimiter)?);
        }
        Ok(Node::Template(TemplateNode { position: token.position, name, pipe }))
    }

    fn template_name(&self, file: &File<'t>, token: &Token<'t>, context: &str) -> Result<Arc<str>> {
        match token.kind {
            TokenKind::String | TokenKind::RawString => {
                let name = self.unquote(file, token)?;
                Ok(String::from_utf8_lossy(&name).into())
            }
            _ => self.unexpected(file, token, context),
        }
    }

    fn pipeline(&mut self, file: &mut File<'t>, context: &str, end: TokenKind) -> Result<PipeNode> {
        let position = self.peek_non_space(file).position;
        let mut pipe = PipeNode { position, is_assign: false, variables: Vec::new(), commands: Vec::new() };
        self.declarations(file, context, &mut pipe)?;
        loop {
            let token = self.next_non_space(file);
            match token.kind {
                kind if kind == end => {
                    self.check_pipeline(file, &pipe, context)?;
                    return Ok(pipe);
                }
                TokenKind::Bool
                | TokenKind::CharConstant
                | TokenKind::Complex
                | TokenKind::Dot
                | TokenKind::Field
                | TokenKind::Identifier
                | TokenKind::Number
                | TokenKind::Nil
                | TokenKind::RawString
                | TokenKind::String
                | TokenKind::Variable
                | TokenKind::LeftParen => {
                    self.backup();
                    let command = self.command(file)?;
                    pipe.commands.push(command);
                }
                _ => return self.unexpected(file, &token, context),
            }
        }
    }

    /// `$x :=`, `$x =`, and in a range `$i, $x :=`.
    fn declarations(&mut self, file: &mut File<'t>, context: &str, pipe: &mut PipeNode) -> Result<()> {
        loop {
            let variable = self.peek_non_space(file);
            if variable.kind != TokenKind::Variable {
                return Ok(());
            }
            self.next(file);
            let after = self.peek(file).clone();
            let next = self.peek_non_space(file);
            match next.kind {
                TokenKind::Assign | TokenKind::Declare => {
                    pipe.is_assign = next.kind == TokenKind::Assign;
                    self.next_non_space(file);
                    self.declare(pipe, &variable);
                    return Ok(());
                }
                TokenKind::Char if next.value == "," => {
                    self.next_non_space(file);
                    self.declare(pipe, &variable);
                    if context != "range" || pipe.variables.len() >= 2 {
                        return self.fail(file, format!("too many declarations in {context}"));
                    }
                    let next = self.peek_non_space(file).kind;
                    if !matches!(
                        next,
                        TokenKind::Variable | TokenKind::RightDelimiter | TokenKind::RightParen
                    ) {
                        return self.fail(file, "range can only initialize variables");
                    }
                }
                _ => {
                    if after.kind == TokenKind::Space {
                        self.backup3(variable, after);
                    } else {
                        self.backup2(variable);
                    }
                    return Ok(());
                }
            }
        }
    }

    fn declare(&mut self, pipe: &mut PipeNode, token: &Token<'t>) {
        pipe.variables.push(variable_node(token));
        self.variables.push(token.value.clone());
    }

    fn check_pipeline(&self, file: &File<'t>, pipe: &PipeNode, context: &str) -> Result<()> {
        if pipe.commands.is_empty() {
            return self.fail(file, format!("missing value for {context}"));
        }
        for (index, command) in pipe.commands.iter().enumerate().skip(1) {
            if let Some(
                Operand::Bool(_)
                | Operand::Dot(_)
                | Operand::Nil(_)
                | Operand::Number(_)
                | Operand::String(_),
            ) = command.arguments.first()
            {
                return self.fail(file, format!("non executable command in pipeline stage {}", index + 1));
            }
        }
        Ok(())
    }

    fn command(&mut self, file: &mut File<'t>) -> Result<CommandNode> {
        let mut command = CommandNode { position: self.peek_non_space(file).position, arguments: Vec::new() };
        loop {
            self.peek_non_space(file);
            if let Some(operand) = self.operand(file)? {
                command.arguments.push(operand);
            }
            let token = self.next(file);
            match token.kind {
                TokenKind::Space => continue,
                TokenKind::RightDelimiter | TokenKind::RightParen => self.backup(),
                TokenKind::Pipe => {}
                _ => return self.unexpected(file, &token, "operand"),
            }
            break;
        }
        if command.arguments.is_empty() {
            return self.fail(file, "empty command");
        }
        Ok(command)
    }

    fn operand(&mut self, file: &mut File<'t>) -> Result<Option<Operand>> {
        let Some(term) = self.term(file)? else {
            return Ok(None);
        };
        if self.peek(file).kind != TokenKind::Field {
            return Ok(Some(term));
        }
        let position = self.peek(file).position;
        let mut fields = Vec::new();
        while self.peek(file).kind == TokenKind::Field {
            fields.push(self.next(file).value[1..].to_owned());
        }
        Ok(Some(match term {
            Operand::Field(mut node) => {
                node.names.append(&mut fields);
                Operand::Field(FieldNode { position, names: node.names })
            }
            Operand::Variable(mut node) => {
                node.names.append(&mut fields);
                Operand::Variable(VariableNode { position, names: node.names })
            }
            Operand::Bool(_)
            | Operand::String(_)
            | Operand::Number(_)
            | Operand::Nil(_)
            | Operand::Dot(_) => {
                let term = go_quote(term.text().as_bytes());
                return self.fail(file, format!("unexpected . after term {term}"));
            }
            node => Operand::Chain(ChainNode { position, node: Box::new(node), fields }),
        }))
    }

    fn term(&mut self, file: &mut File<'t>) -> Result<Option<Operand>> {
        let token = self.next_non_space(file);
        let position = token.position;
        Ok(Some(match token.kind {
            TokenKind::Identifier => {
                if !(file.is_function)(&token.value) {
                    let name = go_quote(token.value.as_bytes());
                    return self.fail(file, format!("function {name} not defined"));
                }
                Operand::Identifier(IdentifierNode { position, name: token.value.into_owned() })
            }
            TokenKind::Dot => Operand::Dot(PlainNode { position, text: "." }),
            TokenKind::Nil => Operand::Nil(PlainNode { position, text: "nil" }),
            TokenKind::Variable => self.use_variable(file, &token)?,
            TokenKind::Field => {
                Operand::Field(FieldNode { position, names: vec![token.value[1..].to_owned()] })
            }
            TokenKind::Bool => Operand::Bool(BoolNode { position, value: token.value == "true" }),
            TokenKind::CharConstant | TokenKind::Complex | TokenKind::Number => {
                Operand::Number(self.number(file, &token)?)
            }
            TokenKind::LeftParen => {
                if self.paren_depth >= MAX_DEPTH {
                    return self.fail(file, "max expression depth exceeded");
                }
                self.paren_depth += 1;
                let pipe =
                    with_stack(|| self.pipeline(file, "parenthesized pipeline", TokenKind::RightParen))?;
                self.paren_depth -= 1;
                Operand::Pipe(pipe)
            }
            TokenKind::String | TokenKind::RawString => {
                let text = self.unquote(file, &token)?.into();
                let quoted = file.source.runes_of(&token.value).into_owned();
                Operand::String(StringNode { position, quoted, text })
            }
            _ => {
                self.backup();
                return Ok(None);
            }
        }))
    }

    fn number(&self, file: &File<'t>, token: &Token<'t>) -> Result<NumberNode> {
        let number = match token.kind {
            TokenKind::CharConstant => literal::unquote_character(&token.value).map(|rune| NumberNode {
                text: token.value.to_string(),
                int: Some(rune),
                uint: Some(rune.unsigned_abs()),
                float: Some(rune as f64),
                ..NumberNode::default()
            }),
            TokenKind::Complex => literal::complex(&token.value),
            _ => literal::number(&token.value),
        };
        let number = number.or_else(|message| self.fail(file, message))?;
        Ok(NumberNode { position: token.position, ..number })
    }

    fn use_variable(&self, file: &File<'t>, token: &Token<'t>) -> Result<Operand> {
        if !self.variables.contains(&token.value) {
            let name = go_quote(token.value.as_bytes());
            return self.fail(file, format!("undefined variable {name}"));
        }
        Ok(Operand::Variable(variable_node(token)))
    }
}

fn variable_node(token: &Token<'_>) -> VariableNode {
    VariableNode { position: token.position, names: vec![token.value.to_string()] }
}
