//! The one error of this crate, worded as Go's YAML libraries word theirs.

use std::fmt;

/// Why a text could not be read or a value could not be written.
///
/// `Display` prints what `yaml.v2` (and so `sigs.k8s.io/yaml`) prints, including its habit of
/// naming the line before for errors of grammar. `line` and `column` are the true place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// 1-based line of the problem, 0 when the problem has no place.
    pub line: usize,
    /// 1-based column of the problem in characters, 0 when the problem has no place.
    pub column: usize,
    /// What is wrong, without the `yaml: line N:` prefix.
    pub message: String,
    prefix: &'static str,
    shown: usize,
    shown_v3: usize,
}

impl Error {
    /// An error without a place: `yaml: message`.
    pub(crate) fn plain(message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, message: message.into(), prefix: "yaml: ", shown: 0, shown_v3: 0 }
    }

    /// An error of a later step (JSON), printed without the `yaml: ` prefix.
    pub(crate) fn bare(message: impl Into<String>) -> Self {
        Self { prefix: "", ..Self::plain(message) }
    }

    /// [`Error::bare`] at the start of a line.
    pub(crate) fn bare_at(line: usize, message: impl Into<String>) -> Self {
        Self { line, column: 1, ..Self::bare(message) }
    }

    /// The list of errors that decoding collects: `yaml: unmarshal errors:` and a line each.
    pub(crate) fn unmarshal(line: usize, errors: &[String]) -> Self {
        let mut message = String::from("unmarshal errors:");
        for error in errors {
            message.push_str("\n  ");
            message.push_str(error);
        }
        Self { line, column: 1, ..Self::plain(message) }
    }

    /// An error at a place; `shown` and `shown_v3` are the lines the two libraries print.
    pub(crate) fn at(
        (line, column): (usize, usize),
        (shown, shown_v3): (usize, usize),
        message: impl Into<String>,
    ) -> Self {
        Self { line, column, shown, shown_v3, ..Self::plain(message) }
    }

    /// The same error, printed as `yaml.v3` prints it.
    pub(crate) fn into_v3(self) -> Self {
        Self { shown: self.shown_v3, ..self }
    }

    /// The text `yaml.v3` prints for the same problem.
    pub fn to_v3_string(&self) -> String {
        render(self.prefix, self.shown_v3, &self.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&render(self.prefix, self.shown, &self.message))
    }
}

impl std::error::Error for Error {}

fn render(prefix: &str, line: usize, message: &str) -> String {
    match line {
        0 => format!("{prefix}{message}"),
        line => format!("{prefix}line {line}: {message}"),
    }
}
