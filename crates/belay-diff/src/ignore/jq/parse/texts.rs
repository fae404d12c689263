//! Texts into which something is put, and formats.

use serde_json::Value;

use super::tokens::{Part, Token};
use super::{Expression, Parsed, Parser};
use crate::ignore::jq::formats::Format;
use crate::ignore::jq::functions::Function;

impl Parser {
    /// A text, if one follows.
    pub(super) fn takes_text(&mut self, format: Option<Format>) -> Result<Option<Expression>, String> {
        let Some(Token::Text(parts)) = self.peek().cloned() else { return Ok(None) };
        self.place += 1;
        self.text(parts, format).map(Some)
    }

    /// A text of these parts. What is put in is written in the format.
    pub(super) fn text(&mut self, parts: Vec<Part>, format: Option<Format>) -> Parsed {
        let mut pieces = Vec::with_capacity(parts.len());
        for part in parts {
            pieces.push(match part {
                Part::Plain(text) => Expression::Literal(Value::from(text)),
                Part::Made(tokens) => {
                    let made = self.within(tokens)?;
                    let written = in_format(format.unwrap_or(Format::Text));
                    Expression::Pipe(Box::new(made), Box::new(written))
                }
            });
        }
        Ok(match <[Expression; 1]>::try_from(pieces) {
            Ok([Expression::Literal(text)]) => Expression::Literal(text),
            Ok(piece) => Expression::Text(piece.into()),
            Err(pieces) if pieces.is_empty() => Expression::Literal(Value::from("")),
            Err(pieces) => Expression::Text(pieces),
        })
    }

    /// A whole expression of tokens of its own, which knows what is defined here.
    fn within(&mut self, tokens: Vec<Token>) -> Parsed {
        let outer = (std::mem::replace(&mut self.tokens, tokens), std::mem::take(&mut self.place));
        let read = self.pipe();
        let left = self.next();
        (self.tokens, self.place) = outer;
        match (read, left) {
            (Ok(_), Some(token)) => Err(format!("unexpected {:?}", token.text())),
            (read, _) => read,
        }
    }

    /// What follows `@name`: a text or nothing.
    pub(super) fn formatted(&mut self, name: &str) -> Parsed {
        let format = Format::of(name).ok_or_else(|| format!("the format \"@{name}\" is not known"))?;
        Ok(self.takes_text(Some(format))?.unwrap_or_else(|| in_format(format)))
    }
}

fn in_format(format: Format) -> Expression {
    Expression::Call(Function::Format(format), Vec::new())
}
