//! From a text to an expression.

mod terms;

use regex::Regex;
use serde_json::Value;

use super::functions::{Function, function};

/// The longest expression, in bytes.
const LONGEST: usize = 4096;
/// The deepest nesting.
const DEEPEST: usize = 64;

/// Why an expression is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("jq expression {expression:?}: {reason}")]
pub struct JqError {
    /// The expression.
    pub expression: String,
    /// What is wrong with it.
    pub reason: String,
}

/// What is understood of jq.
#[derive(Debug, Clone)]
pub(super) enum Expression {
    /// `.`
    Identity,
    /// `..`
    Everything,
    /// A text, number, `true`, `false`, `null`.
    Literal(Value),
    /// `.[KEY]` of what stands before it.
    Key(Box<Expression>, Box<Expression>),
    /// `.[]`
    Each(Box<Expression>),
    /// `.[FROM:TO]`
    Slice(Box<Expression>, Option<Box<Expression>>, Option<Box<Expression>>),
    /// `EXPRESSION?`
    Try(Box<Expression>),
    /// `A | B`
    Pipe(Box<Expression>, Box<Expression>),
    /// `A, B`
    Both(Box<Expression>, Box<Expression>),
    /// `A // B`
    Otherwise(Box<Expression>, Box<Expression>),
    /// `A and B`, `A or B`
    Logic(Box<Expression>, bool, Box<Expression>),
    /// `A == B` and the like
    Compare(Box<Expression>, Comparison, Box<Expression>),
    /// `[A]`
    List(Option<Box<Expression>>),
    /// `test("…")`, checked when it was read.
    Test(Regex),
    /// A function.
    Call(Function, Vec<Expression>),
    /// `$name`
    Variable(String),
    /// `A as $name | B`
    Bind(Box<Expression>, String, Box<Expression>),
    /// `reduce A as $name (B; C)`
    Reduce(Box<Fold>),
    /// `foreach A as $name (B; C; D)`
    Foreach(Box<Fold>),
    /// `if A then B else C end`
    If(Box<Expression>, Box<Expression>, Option<Box<Expression>>),
    /// `try A catch B`
    Catch(Box<Expression>, Option<Box<Expression>>),
    /// `def …; A`
    Define(Box<Definition>, Box<Expression>),
    /// A function that the expression itself defines, or an argument of one.
    Invoke(String, Vec<Expression>),
    /// `A + B` and the like.
    Arithmetic(Box<Expression>, Operator, Box<Expression>),
    /// `{A: B}`
    Map(Vec<(Expression, Expression)>),
}

/// `def name(parameters): body;`
#[derive(Debug, Clone)]
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    pub(super) body: Expression,
}

/// What `reduce` and `foreach` say.
#[derive(Debug, Clone)]
pub(super) struct Fold {
    pub(super) source: Expression,
    pub(super) name: String,
    pub(super) start: Expression,
    pub(super) update: Expression,
    pub(super) extract: Option<Expression>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Reads a whole expression.
pub(super) fn parse(text: &str) -> Result<Expression, JqError> {
    let fail = |reason: String| JqError { expression: shortened(text), reason };
    if text.len() > LONGEST {
        return Err(fail(format!("is longer than {LONGEST} bytes")));
    }
    let tokens = tokens(text).map_err(fail)?;
    let mut parser = Parser { tokens, place: 0, depth: 0, functions: Vec::new(), variables: Vec::new() };
    let expression = parser.pipe().map_err(fail)?;
    match parser.next() {
        None => Ok(expression),
        Some(token) => Err(fail(format!("unexpected {:?}", token.text()))),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    /// `.name`, without the dot.
    Field(String),
    Name(String),
    Text(String),
    Number(f64),
    Sign(&'static str),
}

impl Token {
    fn text(&self) -> String {
        match self {
            Token::Field(name) => format!(".{name}"),
            Token::Name(text) | Token::Text(text) => text.clone(),
            Token::Number(number) => number.to_string(),
            Token::Sign(sign) => (*sign).to_owned(),
        }
    }
}

/// Longer signs come before those they begin with.
const SIGNS: &[&str] = &[
    "//=", "|=", "//", "==", "!=", "<=", ">=", "..", "?", "|", ",", ".", "[", "]", "(", ")", ":", ";", "<",
    ">", "-", "+", "*", "/", "%", "=", "{", "}", "$", "@",
];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let word = |rest: &str| rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        if first == '"' {
            let end = end_of_text(rest).ok_or("a text has no end")?;
            let read = serde_json::from_str(&rest[..end]).map_err(|_unreadable| "a text cannot be read")?;
            tokens.push(Token::Text(read));
            rest = &rest[end..];
        } else if first.is_ascii_digit() {
            let end =
                rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(rest.len());
            let number = rest[..end].parse().map_err(|_unreadable| "a number cannot be read")?;
            tokens.push(Token::Number(number));
            rest = &rest[end..];
        } else if first.is_ascii_alphabetic() || first == '_' {
            let end = word(rest);
            tokens.push(Token::Name(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first == '.'
            && rest[1..].starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_')
        {
            let end = 1 + word(&rest[1..]);
            tokens.push(Token::Field(rest[1..end].to_owned()));
            rest = &rest[end..];
        } else {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            let sign = sign.ok_or_else(|| format!("unexpected {first:?}"))?;
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// Where a text in quotes ends.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (place, letter) in text.char_indices().skip(1) {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(place + 1),
            _ => {}
        }
    }
    None
}

struct Parser {
    tokens: Vec<Token>,
    place: usize,
    depth: usize,
    /// What is defined where it reads: names with how many arguments.
    functions: Vec<(String, usize)>,
    variables: Vec<String>,
}

type Parsed = Result<Expression, String>;

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.place)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.place).cloned();
        self.place += 1;
        token
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.place += usize::from(found);
        found
    }

    fn takes_name(&mut self, name: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Name(own)) if own == name);
        self.place += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) {
            return Ok(());
        }
        let found = self.peek().map_or("the end".to_owned(), Token::text);
        Err(format!("expected {sign:?}, found {found:?}"))
    }

    fn pipe(&mut self) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST}"));
        }
        if self.takes_name("def") {
            let defined = self.definition()?;
            self.depth -= 1;
            return Ok(defined);
        }
        let mut left = self.comma()?;
        while self.takes("|") {
            left = Expression::Pipe(Box::new(left), Box::new(self.comma()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn comma(&mut self) -> Parsed {
        let mut left = self.otherwise()?;
        while self.takes(",") {
            left = Expression::Both(Box::new(left), Box::new(self.otherwise()?));
        }
        Ok(left)
    }

    fn otherwise(&mut self) -> Parsed {
        let mut left = self.or()?;
        while self.takes("//") {
            left = Expression::Otherwise(Box::new(left), Box::new(self.or()?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Parsed {
        let mut left = self.and()?;
        while self.takes_name("or") {
            left = Expression::Logic(Box::new(left), false, Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Parsed {
        let mut left = self.comparison()?;
        while self.takes_name("and") {
            left = Expression::Logic(Box::new(left), true, Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Parsed {
        let left = self.sum()?;
        let signs = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        for (sign, comparison) in signs {
            if self.takes(sign) {
                return Ok(Expression::Compare(Box::new(left), comparison, Box::new(self.sum()?)));
            }
        }
        Ok(left)
    }

    fn postfix(&mut self) -> Parsed {
        let expression = self.postfix_before_as()?;
        if self.takes_name("as") { self.binding(expression) } else { Ok(expression) }
    }

    fn postfix_before_as(&mut self) -> Parsed {
        let mut expression = self.primary()?;
        loop {
            if let Some(Token::Field(name)) = self.peek() {
                let name = Expression::Literal(Value::from(name.clone()));
                self.place += 1;
                expression = Expression::Key(Box::new(expression), Box::new(name));
            } else if self.takes("?") {
                expression = Expression::Try(Box::new(expression));
            } else if self.takes("[") {
                expression = self.index(expression)?;
            } else if matches!(self.peek(), Some(Token::Sign(".")))
                && matches!(self.tokens.get(self.place + 1), Some(Token::Text(_) | Token::Sign("[")))
            {
                self.place += 1;
                if let Some(Token::Text(name)) = self.peek().cloned() {
                    self.place += 1;
                    let name = Expression::Literal(Value::from(name));
                    expression = Expression::Key(Box::new(expression), Box::new(name));
                }
            } else {
                return Ok(expression);
            }
        }
    }

    /// What stands in brackets.
    fn index(&mut self, of: Expression) -> Parsed {
        let of = Box::new(of);
        if self.takes("]") {
            return Ok(Expression::Each(of));
        }
        if self.takes(":") {
            let to = self.pipe()?;
            self.expect("]")?;
            return Ok(Expression::Slice(of, None, Some(Box::new(to))));
        }
        let from = self.pipe()?;
        if !self.takes(":") {
            self.expect("]")?;
            return Ok(Expression::Key(of, Box::new(from)));
        }
        let to = if self.takes("]") {
            None
        } else {
            let to = self.pipe()?;
            self.expect("]")?;
            Some(Box::new(to))
        };
        Ok(Expression::Slice(of, Some(Box::new(from)), to))
    }

    fn primary(&mut self) -> Parsed {
        let token = self.next().ok_or("unexpected end")?;
        match token {
            Token::Field(name) => {
                let name = Expression::Literal(Value::from(name));
                Ok(Expression::Key(Box::new(Expression::Identity), Box::new(name)))
            }
            Token::Sign(".") => match self.peek().cloned() {
                Some(Token::Text(name)) => {
                    self.place += 1;
                    let name = Expression::Literal(Value::from(name));
                    Ok(Expression::Key(Box::new(Expression::Identity), Box::new(name)))
                }
                _ => Ok(Expression::Identity),
            },
            Token::Sign("..") => Ok(Expression::Everything),
            Token::Sign("(") => {
                let expression = self.pipe()?;
                self.expect(")")?;
                Ok(expression)
            }
            Token::Sign("[") if self.takes("]") => Ok(Expression::List(None)),
            Token::Sign("[") => {
                let expression = self.pipe()?;
                self.expect("]")?;
                Ok(Expression::List(Some(Box::new(expression))))
            }
            Token::Sign("-") => match self.next() {
                Some(Token::Number(number)) => Ok(Expression::Literal(number_value(-number))),
                _ => Err("only a number can follow \"-\"".to_owned()),
            },
            Token::Sign("{") => self.map(),
            Token::Sign("$") => self.variable(),
            Token::Text(text) => Ok(Expression::Literal(Value::from(text))),
            Token::Number(number) => Ok(Expression::Literal(number_value(number))),
            Token::Name(name) => self.named(&name),
            Token::Sign(sign) => Err(format!("unexpected {sign:?}")),
        }
    }

    fn named(&mut self, name: &str) -> Parsed {
        match name {
            "true" => return Ok(Expression::Literal(Value::Bool(true))),
            "false" => return Ok(Expression::Literal(Value::Bool(false))),
            "null" => return Ok(Expression::Literal(Value::Null)),
            "recurse" if !matches!(self.peek(), Some(Token::Sign("("))) => return Ok(Expression::Everything),
            "reduce" => return self.fold(false),
            "foreach" => return self.fold(true),
            "if" => return self.condition(),
            "try" => return self.tried(),
            _ => {}
        }
        let mut arguments = Vec::new();
        if self.takes("(") {
            arguments.push(self.pipe()?);
            while self.takes(";") {
                arguments.push(self.pipe()?);
            }
            self.expect(")")?;
        }
        if self.functions.iter().rev().any(|(known, count)| known == name && *count == arguments.len()) {
            return Ok(Expression::Invoke(name.to_owned(), arguments));
        }
        if name == "test" {
            return terms::test(&arguments);
        }
        let Some(function) = function(name, arguments.len()) else {
            return Err(format!("{name:?} with {} arguments is not supported yet", arguments.len()));
        };
        Ok(Expression::Call(function, arguments))
    }
}

fn number_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return Value::from(number as i64);
    }
    serde_json::Number::from_f64(number).map_or(Value::Null, Value::Number)
}
