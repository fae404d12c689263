//! The characters of a text, one after the other, with the line they are in.

use super::error::{Fault, TomlProblem};

/// Where in a text the reader is. Characters that TOML forbids are refused when they are looked at.
pub(super) struct Cursor<'t> {
    /// As far as it is UTF-8.
    text: &'t str,
    /// The first byte that is not.
    broken: Option<u8>,
    position: usize,
    line: i64,
    /// Whether the end was taken for a character.
    at_end: bool,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        let first = bytes.utf8_chunks().next();
        let (text, broken) =
            first.map_or(("", None), |chunk| (chunk.valid(), chunk.invalid().first().copied()));
        Self { text, broken, position: 0, line: 1, at_end: false }
    }

    pub(super) fn position(&self) -> usize {
        self.position
    }

    pub(super) fn line(&self) -> i64 {
        self.line
    }

    /// What was read since a position.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.position]
    }

    pub(super) fn peek(&self) -> Result<Option<char>, Fault> {
        let rest = &self.text[self.position..];
        let Some(character) = rest.chars().next() else {
            return self.broken.map_or(Ok(None), |byte| Err(self.here(TomlProblem::Byte(byte))));
        };
        let is_lone_return = character == '\r' && !rest.starts_with("\r\n");
        if is_lone_return || is_control(character) {
            return Err(self.here(TomlProblem::Control(character.into())));
        }
        Ok(Some(character))
    }

    pub(super) fn next(&mut self) -> Result<Option<char>, Fault> {
        let next = self.peek()?;
        match next {
            None => self.at_end = true,
            Some(character) => {
                self.position += character.len_utf8();
                self.line += i64::from(character == '\n');
            }
        }
        Ok(next)
    }

    /// Reads on if this character is next.
    pub(super) fn accept(&mut self, wanted: char) -> Result<bool, Fault> {
        let is_next = self.peek()? == Some(wanted);
        if is_next {
            self.next()?;
        }
        Ok(is_next)
    }

    /// Reads on while characters are wanted.
    pub(super) fn skip(&mut self, wanted: impl Fn(char) -> bool) -> Result<(), Fault> {
        while self.peek()?.is_some_and(&wanted) {
            self.next()?;
        }
        Ok(())
    }

    /// Goes back over so many characters of ASCII of this line.
    pub(super) fn back(&mut self, characters: usize) {
        self.position -= characters;
    }

    /// A problem of this line; after the end of a text that ends with a line, of that line.
    pub(super) fn fault(&self, problem: TomlProblem) -> Fault {
        let is_after_line = self.at_end && self.text.ends_with('\n');
        Fault { line: self.line - i64::from(is_after_line), problem }
    }

    /// A problem of the line before.
    pub(super) fn fault_before(&self, problem: TomlProblem) -> Fault {
        Fault { line: self.line - 1, problem }
    }

    /// A problem of this line; at the end, whatever it is, of the line before.
    pub(super) fn fault_or_before(&self, problem: TomlProblem) -> Fault {
        if self.at_end { self.fault_before(problem) } else { self.here(problem) }
    }

    fn here(&self, problem: TomlProblem) -> Fault {
        Fault { line: self.line, problem }
    }
}

fn is_control(character: char) -> bool {
    !matches!(character, '\t' | '\r' | '\n') && character.is_ascii_control()
}
