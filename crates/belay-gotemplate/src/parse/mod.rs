//! From text to trees.

mod lexer;
pub(crate) mod literal;
mod parser;
pub(crate) mod tree;

use std::sync::Arc;

pub use lexer::Delimiters;

use crate::error::Error;
use tree::Template;

/// What one file defines: its own text under its name, and its `define`s. It can be cached and added
/// to many sets.
#[derive(Clone, Debug)]
pub struct Parsed {
    pub(crate) templates: Vec<Arc<Template>>,
}

impl Parsed {
    /// The names of the templates.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.templates.iter().map(|template| &*template.name)
    }
}

/// Parses a file. `is_function` tells which names are functions, builtins included.
pub fn parse(
    name: &str,
    text: &str,
    delimiters: &Delimiters,
    is_function: &dyn Fn(&str) -> bool,
) -> Result<Parsed, Error> {
    let templates =
        parser::parse(name, text, delimiters, is_function).map_err(|text| Error::Parse { text })?;
    Ok(Parsed { templates })
}
