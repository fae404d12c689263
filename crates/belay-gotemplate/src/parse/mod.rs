//! From text to trees.

mod lexer;
pub(crate) mod literal;
mod parser;
pub(crate) mod tree;

use std::sync::Arc;

pub use lexer::Delimiters;

use crate::error::Error;
use tree::{Source, Template};

/// What one file defines: its own text under its name, and its `define`s. It can be cached and added
/// to many sets.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub(crate) templates: Arc<[Arc<Template>]>,
    source: Arc<Source>,
}

impl Parsed {
    /// The names of the templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| &*template.name)
    }

    /// Whether this is what that text under that name was parsed to.
    pub(crate) fn is_of(&self, name: &str, text: &str) -> bool {
        *self.source.name == *name && *self.source.text == *text
    }
}

/// Parses a file. `is_function` tells which names are functions, builtins included.
pub fn parse(
    name: &str,
    text: &str,
    delimiters: &Delimiters,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Parsed, Error> {
    let source = Arc::new(Source::new(name.into(), text.into()));
    let templates = parser::parse(&source, delimiters, is_function).map_err(|text| Error::Parse { text })?;
    Ok(Parsed { templates: templates.into(), source })
}

/// Parses a file that is not UTF-8.
pub(crate) fn parse_broken(
    name: &str,
    bytes: &[u8],
    delimiters: &Delimiters,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Parsed, Error> {
    let Some(text) = crate::stand_ins::with_stand_ins(bytes) else {
        let text = format!("template: {name}:1: bytes that are not UTF-8 beside U+10FF80 are not supported");
        return Err(Error::Parse { text });
    };
    let source = Arc::new(Source::of_broken(name.into(), text.into()));
    match parser::parse(&source, delimiters, is_function) {
        Ok(templates) => Ok(Parsed { templates: templates.into(), source }),
        // Errors show characters as Go reads them.
        Err(text) => {
            parse(name, &crate::value::text_of(bytes), delimiters, is_function)?;
            Err(Error::Parse { text })
        }
    }
}
