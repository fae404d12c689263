//! A file of rules, read.

use serde_json::Value;

use crate::argo::Status;

/// The rules of some kinds.
#[derive(Debug)]
pub(super) struct KindRules {
    /// The kinds' names; `*` is any.
    pub kinds: Vec<String>,
    /// What is tried, from the top.
    pub steps: Vec<Step>,
}

/// One line, and what lies below it.
#[derive(Debug)]
pub(super) enum Step {
    /// A verdict, if all tests hold.
    Rule { status: Status, tests: Vec<Test>, message: Vec<Part> },
    /// Steps for each item of a list for which all tests hold.
    Each { list: Path, tests: Vec<Test>, steps: Vec<Step> },
    /// A script of ours decides.
    Lua(String),
}

/// Something that holds or not.
#[derive(Debug)]
pub(super) struct Test {
    /// Whether it must not hold.
    pub negated: bool,
    /// What.
    pub what: What,
}

/// What a test looks at.
#[derive(Debug)]
pub(super) enum What {
    /// A condition's status.
    Condition { kind: String, unequal: bool, values: Vec<String> },
    /// A value that is there.
    Truth(Operand),
    /// A value beside others.
    Compare { left: Operand, comparison: Comparison, right: Vec<Operand> },
}

/// How two values are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// A value.
#[derive(Debug)]
pub(super) enum Operand {
    /// Said in the rule.
    Literal(Value),
    /// Found.
    Path(Path),
    /// The first that is there.
    First(Vec<Operand>),
    /// How many items.
    Length(Path),
    /// A field of the object's condition of a type.
    OfCondition { kind: String, field: String },
}

/// Where to look.
#[derive(Debug)]
pub(super) struct Path {
    /// From where.
    pub start: Start,
    /// The names on the way.
    pub names: Vec<String>,
}

/// Where a path begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start {
    /// At the object: `.a`.
    Object,
    /// At the item: `a`, or `@a` on the right of a comparison.
    Item,
    /// At the item around the item: `^a`.
    Outer,
}

/// A piece of a message.
#[derive(Debug)]
pub(super) enum Part {
    /// As it is.
    Text(String),
    /// What is found.
    Value(Operand),
}

/// A line that is no rule.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {what}")]
pub(super) struct ParseError {
    line: usize,
    what: String,
}

/// A line without comment, its number and how far it is indented.
struct Line<'a> {
    number: usize,
    indent: usize,
    text: &'a str,
}

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Vec<KindRules>, ParseError> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .map(|(index, line)| Line {
            number: index + 1,
            indent: line.len() - line.trim_start().len(),
            text: line.trim(),
        })
        .filter(|line| !line.text.is_empty() && !line.text.starts_with('#'))
        .collect();
    let mut rest = lines.as_slice();
    let mut found = Vec::new();
    while let Some((head, below)) = rest.split_first() {
        if head.indent != 0 {
            return Err(head.fault("rules before a kind"));
        }
        let kinds = head.text.split_whitespace().map(str::to_owned).collect();
        found.push(KindRules { kinds, steps: steps(block(&mut rest, below, 0))? });
    }
    Ok(found)
}

/// The lines that lie deeper, taken off `rest`.
fn block<'a, 'b>(rest: &mut &'b [Line<'a>], below: &'b [Line<'a>], indent: usize) -> &'b [Line<'a>] {
    let end = below.iter().position(|line| line.indent <= indent).unwrap_or(below.len());
    *rest = &below[end..];
    &below[..end]
}

fn steps(mut rest: &[Line<'_>]) -> Result<Vec<Step>, ParseError> {
    let mut found = Vec::new();
    while let Some((line, below)) = rest.split_first() {
        let inner = block(&mut rest, below, line.indent);
        found.push(line.step(inner)?);
    }
    Ok(found)
}

impl Line<'_> {
    fn fault(&self, what: impl Into<String>) -> ParseError {
        ParseError { line: self.number, what: what.into() }
    }

    fn step(&self, inner: &[Line<'_>]) -> Result<Step, ParseError> {
        let (left, message) = self.text.split_once("->").unwrap_or((self.text, ""));
        let words = words(left);
        let (first, words) = words.split_first().ok_or_else(|| self.fault("a rule without a status"))?;
        if first == "each" {
            let (list, words) = words.split_first().ok_or_else(|| self.fault("each of what?"))?;
            let tests = words.iter().map(|word| self.test(word)).collect::<Result<_, _>>()?;
            return Ok(Step::Each { list: self.path(list)?, tests, steps: steps(inner)? });
        }
        if let Some(line) = inner.first() {
            return Err(line.fault("lies below a rule"));
        }
        if first == "lua" {
            return words
                .first()
                .map(|name| Step::Lua(name.clone()))
                .ok_or_else(|| self.fault("which script?"));
        }
        let status = Status::from_name(first).ok_or_else(|| self.fault(format!("{first} is no status")))?;
        let tests = words.iter().map(|word| self.test(word)).collect::<Result<_, _>>()?;
        Ok(Step::Rule { status, tests, message: self.message(message.trim())? })
    }

    fn test(&self, word: &str) -> Result<Test, ParseError> {
        let (negated, word) = match word.strip_prefix('!') {
            Some(word) => (true, word),
            None => (false, word),
        };
        let Some((left, comparison, right)) = split_comparison(word) else {
            return Ok(Test { negated, what: What::Truth(self.operand(word)?) });
        };
        if is_condition_type(left) && of_condition(left).is_none() {
            let unequal = match comparison {
                Comparison::Equal => false,
                Comparison::NotEqual => true,
                _ => return Err(self.fault("a condition's status is equal or not")),
            };
            let kind = left.trim_matches('"').to_owned();
            let values = split_outside_quotes(right, ',').into_iter().map(str::to_owned).collect();
            return Ok(Test { negated, what: What::Condition { kind, unequal, values } });
        }
        let right = split_outside_quotes(right, ',');
        let right = right.into_iter().map(|value| self.value(value)).collect::<Result<_, _>>()?;
        Ok(Test { negated, what: What::Compare { left: self.operand(left)?, comparison, right } })
    }

    /// The right side of a comparison: a path begins with a dot there, anything else is what it says.
    fn value(&self, text: &str) -> Result<Operand, ParseError> {
        if text.starts_with(['.', '#', '@', '^']) {
            self.operand(text)
        } else {
            Ok(Operand::Literal(literal(text)))
        }
    }

    fn operand(&self, text: &str) -> Result<Operand, ParseError> {
        let parts = split_outside_quotes(text, '|');
        if parts.len() > 1 {
            return Ok(Operand::First(
                parts.iter().map(|part| self.operand(part)).collect::<Result<_, _>>()?,
            ));
        }
        if let Some((kind, field)) = of_condition(text) {
            return Ok(Operand::OfCondition {
                kind: kind.trim_matches('"').to_owned(),
                field: field.to_owned(),
            });
        }
        if text.starts_with(|first: char| first == '"' || first.is_ascii_digit()) {
            return Ok(Operand::Literal(literal(text)));
        }
        if let Some(path) = text.strip_prefix('#') {
            return Ok(Operand::Length(self.path(path)?));
        }
        self.path(text).map(Operand::Path)
    }

    fn path(&self, text: &str) -> Result<Path, ParseError> {
        let start = match text.chars().next() {
            Some('.') => Start::Object,
            Some('^') => Start::Outer,
            _ => Start::Item,
        };
        let names = split_outside_quotes(text.trim_start_matches(['.', '^', '@']), '.');
        if names.iter().any(|name| name.is_empty()) {
            return Err(self.fault(format!("{text:?} is no path")));
        }
        Ok(Path { start, names: names.iter().map(|name| name.trim_matches('"').to_owned()).collect() })
    }

    fn message(&self, text: &str) -> Result<Vec<Part>, ParseError> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let (inside, behind) =
                after.split_once('}').ok_or_else(|| self.fault("a brace that is not closed"))?;
            parts.push(Part::Text(before.to_owned()));
            parts.push(Part::Value(self.operand(inside)?));
            rest = behind;
        }
        parts.push(Part::Text(rest.replace("\\n", "\n")));
        Ok(parts)
    }
}

/// `Ready.reason` in its parts.
fn of_condition(text: &str) -> Option<(&str, &str)> {
    match split_outside_quotes(text, '.').as_slice() {
        [kind, field] if is_condition_type(kind) => Some((kind, field)),
        _ => None,
    }
}

fn is_condition_type(text: &str) -> bool {
    text.starts_with(|first: char| first == '"' || first.is_ascii_uppercase())
}

/// A word of a rule as JSON: a number, true, false, or text.
fn literal(text: &str) -> Value {
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(text) => Value::from(text),
        None => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
        },
    }
}

const COMPARISONS: [(&str, Comparison); 6] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

fn split_comparison(word: &str) -> Option<(&str, Comparison, &str)> {
    let mut quoted = false;
    for (at, letter) in word.char_indices() {
        quoted ^= letter == '"';
        if quoted {
            continue;
        }
        for (sign, comparison) in COMPARISONS {
            if let Some(right) = word[at..].strip_prefix(sign) {
                return Some((&word[..at], comparison, right));
            }
        }
    }
    None
}

/// Words apart by spaces, where quotes hold them together.
fn words(text: &str) -> Vec<String> {
    split_outside_quotes(text, ' ').into_iter().filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|letter: char| {
        quoted ^= letter == '"';
        letter == separator && !quoted
    })
    .collect()
}
