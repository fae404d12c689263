//! The values of expressions: variables, and the functions of strings.

use super::glob;
use super::parse::{Expression, Part};
use super::{SubstituteError, SubstituteVariables};

/// Most bytes a text may grow to.
const MAX_OUTPUT: usize = 32 << 20;

/// Most steps of matching patterns in one text.
const MAX_STEPS: usize = 20_000_000;

pub(super) fn evaluate(
    parts: &[Part],
    variables: &SubstituteVariables,
    strict: bool,
) -> Result<String, SubstituteError> {
    let mut evaluation = Evaluation { variables, strict, steps: 0 };
    let mut text = String::new();
    for part in parts {
        evaluation.part(part, &mut text)?;
    }
    Ok(text)
}

struct Evaluation<'v> {
    variables: &'v SubstituteVariables,
    strict: bool,
    steps: usize,
}

impl Evaluation<'_> {
    fn part(&mut self, part: &Part, text: &mut String) -> Result<(), SubstituteError> {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Expression(expression) => text.push_str(&self.expression(expression)?),
        }
        if text.len() > MAX_OUTPUT {
            return Err(SubstituteError::Limit { what: "bytes of output", limit: MAX_OUTPUT });
        }
        Ok(())
    }

    fn expression(&mut self, expression: &Expression) -> Result<String, SubstituteError> {
        let mut arguments = Vec::new();
        for part in &expression.arguments {
            let mut argument = String::new();
            self.part(part, &mut argument)?;
            arguments.push(argument);
        }
        let name = &expression.name;
        let value = self.variables.get(name);
        let has_default = matches!(expression.function.as_str(), "=" | ":=" | ":-" | ":?" | ":+");
        if value.is_none() && self.strict && !has_default {
            return Err(SubstituteError::NotSet { name: name.clone() });
        }
        let value = value.map(String::as_str).unwrap_or_default();
        self.apply(&expression.function, value, &arguments).map_err(|fault| match fault {
            Fault::Function(reason) => SubstituteError::Function { name: name.clone(), reason },
            Fault::Steps => SubstituteError::Limit { what: "steps of matching", limit: MAX_STEPS },
        })
    }

    fn apply(&mut self, function: &str, value: &str, arguments: &[String]) -> Result<String, Fault> {
        Ok(match (function, arguments) {
            (",", _) => first(value, lower),
            (",,", _) => value.chars().map(lower).collect(),
            ("^", _) => first(value, upper),
            ("^^", _) => value.chars().map(upper).collect(),
            ("#", []) => value.len().to_string(),
            ("#", [pattern, ..]) => self.trimmed(value, pattern, Trim::Shortest)?,
            ("##", [pattern, ..]) => self.trimmed(value, pattern, Trim::Longest)?,
            ("%", [pattern, ..]) => {
                reversed(&self.trimmed(&reversed(value), &reversed(pattern), Trim::Shortest)?)
            }
            ("%%", [pattern, ..]) => {
                reversed(&self.trimmed(&reversed(value), &reversed(pattern), Trim::Longest)?)
            }
            (":", arguments) => substring(value, arguments)?,
            ("/", [from]) => value.replacen(from.as_str(), "", 1),
            ("/", [from, to, ..]) => value.replacen(from.as_str(), to, 1),
            ("//", [from]) => value.replace(from.as_str(), ""),
            ("//", [from, to, ..]) => value.replace(from.as_str(), to),
            ("/#", [from, to]) => match value.strip_prefix(from.as_str()) {
                Some(rest) => format!("{to}{rest}"),
                None => value.to_owned(),
            },
            ("/%", [from, to]) => match value.strip_suffix(from.as_str()) {
                Some(rest) => format!("{rest}{to}"),
                None => value.to_owned(),
            },
            ("/#" | "/%", _) => value.to_owned(),
            (_, arguments) if value.is_empty() => arguments.concat(),
            _ => value.to_owned(),
        })
    }

    /// Without the start that the pattern matches. A pattern that cannot be read matches nothing.
    fn trimmed(&mut self, value: &str, pattern: &str, trim: Trim) -> Result<String, Fault> {
        let bytes = value.as_bytes();
        let mut matched = None;
        for end in (1..=bytes.len()).rev() {
            match glob::matches(pattern.as_bytes(), &bytes[..end], &mut self.steps) {
                Err(glob::BadPattern) => return Ok(value.to_owned()),
                Ok(true) => matched = Some(end),
                Ok(false) => {}
            }
            if self.steps > MAX_STEPS {
                return Err(Fault::Steps);
            }
            if matched.is_some() && trim == Trim::Longest {
                break;
            }
        }
        let start = matched.unwrap_or_default();
        value.get(start..).map(str::to_owned).ok_or(Fault::Function("the pattern parts a letter in two"))
    }
}

enum Fault {
    Function(&'static str),
    Steps,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trim {
    Shortest,
    Longest,
}

/// One letter for one, as Go maps cases.
fn upper(letter: char) -> char {
    let mut mapped = letter.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => letter,
    }
}

fn lower(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

fn first(value: &str, change: impl Fn(char) -> char) -> String {
    let mut letters = value.chars();
    let head = letters.next().map(change);
    head.into_iter().chain(letters).collect()
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// Offset and length in bytes; an offset below zero counts from the end.
fn substring(value: &str, arguments: &[String]) -> Result<String, Fault> {
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse::<i64>().ok());
    let size = value.len() as i64;
    let Some(offset) = number(0) else { return Ok(value.to_owned()) };
    let start = if offset < 0 { offset.saturating_add(size).max(0) } else { offset };
    let end = match (arguments.len(), number(1)) {
        (..=1, _) => size,
        (_, None) => return Ok(value.to_owned()),
        // A length below zero counts from the end too.
        (_, Some(length)) if length < 0 && size.saturating_add(length) < start => return Ok(String::new()),
        (_, Some(length)) if length < 0 => size.saturating_add(length),
        (_, Some(length)) => start.saturating_add(length),
    };
    if end >= size {
        let rest = if start < size { cut(value, start, size) } else { Some("") };
        return rest.map(str::to_owned).ok_or(Fault::Function("the offset parts a letter in two"));
    }
    let part = cut(value, start, end);
    part.map(str::to_owned).ok_or(Fault::Function("the substring parts a letter in two"))
}

fn cut(value: &str, start: i64, end: i64) -> Option<&str> {
    value.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?)
}
