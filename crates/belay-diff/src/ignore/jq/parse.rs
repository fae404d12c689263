//! From a text to an expression.

mod matching;
mod terms;
mod texts;
mod tokens;

use serde_json::Value;

pub(super) use self::matching::{Matching, Pattern, Purpose, Wanted};
use self::tokens::{ASSIGNMENTS, Token, tokens};
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
    /// What a regular expression finds.
    Match(Box<Matching>),
    /// A text that is put together; each part makes texts.
    Text(Vec<Expression>),
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
        Some(token) => Err(fail(unexpected(&token))),
    }
}

fn unexpected(token: &Token) -> String {
    let text = token.text();
    match token {
        Token::Sign(sign) if ASSIGNMENTS.contains(sign) => format!("{text:?} is not supported yet"),
        _ => format!("unexpected {text:?}"),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
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
        Err(self.expected(sign))
    }

    fn expected(&self, what: &str) -> String {
        match self.peek() {
            Some(token) => format!("expected {what:?}: {}", unexpected(token)),
            None => format!("expected {what:?}, found the end"),
        }
    }

    fn pipe(&mut self) -> Parsed {
        self.deeper(|parser| {
            if parser.takes_name("def") {
                return parser.definition();
            }
            let mut left = parser.comma()?;
            while parser.takes("|") {
                let right = if parser.takes_name("def") { parser.definition() } else { parser.comma() };
                left = Expression::Pipe(Box::new(left), Box::new(right?));
            }
            Ok(left)
        })
    }

    /// One level deeper.
    fn deeper(&mut self, read: impl FnOnce(&mut Parser) -> Parsed) -> Parsed {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST}"));
        }
        let read = read(self);
        self.depth -= 1;
        read
    }

    fn comma(&mut self) -> Parsed {
        let mut left = self.otherwise()?;
        while self.takes(",") {
            let right = if self.takes_name("def") { self.definition() } else { self.otherwise() };
            left = Expression::Both(Box::new(left), Box::new(right?));
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
                if let Some(name) = self.takes_text(None)? {
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
            Token::Sign(".") => Ok(match self.takes_text(None)? {
                Some(name) => Expression::Key(Box::new(Expression::Identity), Box::new(name)),
                None => Expression::Identity,
            }),
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
            Token::Sign("-") => self.negative(),
            Token::Sign("{") => self.map(),
            Token::Sign("$") => self.variable(),
            Token::Text(parts) => self.text(parts, None),
            Token::Format(name) => self.formatted(&name),
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
        if let Some(purpose) = Purpose::of(name, arguments.len()) {
            return matching::read(name, purpose, arguments);
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
