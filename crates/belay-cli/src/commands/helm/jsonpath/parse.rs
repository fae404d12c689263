//! The reader: texts, and actions between braces.

use super::Node;

/// The nodes of a template: texts, and a list for each action.
pub(super) fn template(text: &str) -> Result<Vec<Node>, String> {
    let mut nodes = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        if start > 0 {
            nodes.push(Node::Text(rest[..start].to_owned()));
        }
        let mut reader = Reader { rest: &rest[start + 1..], nodes: Vec::new() };
        reader.action()?;
        nodes.push(Node::List(reader.nodes));
        rest = reader.rest;
    }
    if !rest.is_empty() {
        nodes.push(Node::Text(rest.to_owned()));
    }
    Ok(nodes)
}

/// The first action of `{TEXT}`.
fn inner(text: &str) -> Result<Node, String> {
    let nodes = template(&format!("{{{text}}}"))?;
    Ok(nodes.into_iter().next().unwrap_or(Node::List(Vec::new())))
}

struct Reader<'a> {
    rest: &'a str,
    nodes: Vec<Node>,
}

impl Reader<'_> {
    /// Up to the closing brace.
    fn action(&mut self) -> Result<(), String> {
        loop {
            if let Some(rest) = self.rest.strip_prefix('}') {
                self.rest = rest;
                return Ok(());
            }
            if let Some(rest) = self.rest.strip_prefix("[?(") {
                self.rest = rest;
                self.filter()?;
                continue;
            }
            if let Some(rest) = self.rest.strip_prefix("..") {
                self.rest = rest;
                self.recursive()?;
                continue;
            }
            let Some(first) = self.rest.chars().next() else { return Err("unclosed action".to_owned()) };
            let behind = &self.rest[first.len_utf8()..];
            match first {
                '\r' | '\n' => return Err("unclosed action".to_owned()),
                ' ' | '@' | '$' => self.rest = behind,
                '[' => {
                    self.rest = behind;
                    self.array()?;
                }
                '"' | '\'' => {
                    self.rest = behind;
                    self.quoted(first)?;
                }
                '.' => {
                    self.rest = behind;
                    self.field();
                }
                '+' | '-' => self.number()?,
                _ if first.is_numeric() => self.number()?,
                _ if is_word(first) => self.word(),
                _ => {
                    let code = u32::from(first);
                    return Err(format!("unrecognized character in action: U+{code:04X} '{first}'"));
                }
            }
        }
    }

    fn recursive(&mut self) -> Result<(), String> {
        if self.nodes.last() == Some(&Node::Recursive) {
            return Err("invalid multiple recursive descent".to_owned());
        }
        self.nodes.push(Node::Recursive);
        if self.rest.starts_with(is_word) {
            self.field();
        }
        Ok(())
    }

    /// A name up to what cannot be in one, unless a backslash stands before it.
    fn field(&mut self) {
        let mut name = String::new();
        let mut is_escaped = false;
        let mut end = self.rest.len();
        for (position, char) in self.rest.char_indices() {
            if !is_escaped && char == '\\' {
                is_escaped = true;
                continue;
            }
            if !is_escaped && is_terminator(char) {
                end = position;
                break;
            }
            if char != '\\' {
                name.push(char);
            }
            is_escaped = false;
        }
        self.rest = &self.rest[end..];
        self.nodes.push(if name == "*" { Node::Wildcard } else { Node::Field(name) });
    }

    fn word(&mut self) {
        let (word, rest) = self.rest.split_at(self.rest.find(is_terminator).unwrap_or(self.rest.len()));
        self.rest = rest;
        self.nodes.push(match word {
            "true" => Node::Bool(true),
            "false" => Node::Bool(false),
            word => Node::Word(word.to_owned()),
        });
    }

    fn number(&mut self) -> Result<(), String> {
        let signs = usize::from(self.rest.starts_with(['+', '-']));
        let digits = self.rest[signs..].find(|char: char| char != '.' && !char.is_numeric());
        let (number, rest) = self.rest.split_at(digits.map_or(self.rest.len(), |digits| digits + signs));
        self.rest = rest;
        self.nodes.push(match (number.parse(), number.parse()) {
            (Ok(number), _) => Node::Int(number),
            (_, Ok(number)) => Node::Float(number),
            _ => return Err(format!("cannot parse number {number}")),
        });
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), String> {
        let mut previous = quote;
        for (position, char) in self.rest.char_indices() {
            if char == '\n' {
                break;
            }
            if char == quote && previous != '\\' {
                self.nodes.push(Node::Text(unquoted(&self.rest[..position])));
                self.rest = &self.rest[position + 1..];
                return Ok(());
            }
            previous = char;
        }
        Err("unterminated quoted string".to_owned())
    }

    fn array(&mut self) -> Result<(), String> {
        let end = self.rest.find([']', '\n']).filter(|end| self.rest[*end..].starts_with(']'));
        let end = end.ok_or_else(|| "unterminated array".to_owned())?;
        let text = if &self.rest[..end] == "*" { ":" } else { &self.rest[..end] };
        self.rest = &self.rest[end + 1..];
        if text.contains(',') {
            let parts = text.split(',').map(|part| inner(&format!("[{}]", part.trim_matches(' '))));
            self.nodes.push(Node::Union(parts.collect::<Result<_, _>>()?));
            return Ok(());
        }
        let key = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
        if let Some(key) = key.filter(|key| !key.contains('\'')) {
            if let Node::List(nodes) = inner(&format!(".{key}"))? {
                self.nodes.extend(nodes);
            }
            return Ok(());
        }
        self.nodes.push(slice(text).ok_or_else(|| format!("invalid array index {text}"))?);
        Ok(())
    }

    fn filter(&mut self) -> Result<(), String> {
        let end = self.filter_end()?;
        let text = &self.rest[..end];
        self.rest =
            self.rest[end + 1..].strip_prefix(']').ok_or_else(|| "unclosed array expect ]".to_owned())?;
        let is_operator = |char: char| "!<>=".contains(char);
        let operator = text.find(is_operator).filter(|start| *start > 0).and_then(|start| {
            let length = text[start..].find(|char| !is_operator(char))?;
            Some((start, start + length))
        });
        let (left, operator, right) = match operator {
            None => (inner(text)?, "exists", Node::List(Vec::new())),
            Some((start, end)) => (inner(&text[..start])?, &text[start..end], inner(&text[end..])?),
        };
        self.nodes.push(Node::Filter(Box::new(left), operator.to_owned(), Box::new(right)));
        Ok(())
    }

    /// The closing parenthesis that is in no quotes.
    fn filter_end(&self) -> Result<usize, String> {
        let (mut opened, mut is_closed, mut previous) = (None, false, ' ');
        for (position, char) in self.rest.char_indices() {
            match char {
                '\n' => break,
                '"' | '\'' if opened.is_none() => opened = Some(char),
                '"' | '\'' if previous != '\\' && opened == Some(char) => is_closed = true,
                ')' if opened.is_some() == is_closed => return Ok(position),
                _ => {}
            }
            previous = char;
        }
        Err("unterminated filter".to_owned())
    }
}

/// `1`, `1:3`, `::2`; what is left out follows.
fn slice(text: &str) -> Option<Node> {
    let mut parts = [None; 3];
    let mut count = 0;
    for part in text.split(':') {
        let digits = part.strip_prefix('-').unwrap_or(part);
        if count == 3 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        parts[count] = if part.is_empty() { None } else { Some(part.parse().ok()?) };
        count += 1;
    }
    let is_one = count == 1;
    if is_one {
        parts[1] = Some(parts[0].unwrap_or(0) + 1);
    }
    Some(Node::Slice(parts, is_one))
}

/// The text between quotes, its escapes taken for what they mean.
fn unquoted(text: &str) -> String {
    let mut chars = text.chars();
    let mut unquoted = String::new();
    while let Some(char) = chars.next() {
        if char != '\\' {
            unquoted.push(char);
            continue;
        }
        match chars.next() {
            Some('n') => unquoted.push('\n'),
            Some('t') => unquoted.push('\t'),
            Some('r') => unquoted.push('\r'),
            Some(other) => unquoted.push(other),
            None => {}
        }
    }
    unquoted
}

fn is_word(char: char) -> bool {
    char == '_' || char.is_alphanumeric()
}

fn is_terminator(char: char) -> bool {
    " \t\r\n.,[]$@{}".contains(char)
}
