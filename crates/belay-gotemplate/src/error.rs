//! What goes wrong when a template is parsed or executed.

use std::fmt;

use crate::function::FunctionError;

/// An error of the parser or the evaluator. Its text is Go's.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a template.
    #[error("{text}")]
    Parse {
        /// `template: NAME:LINE: …`
        text: String,
    },
    /// Executing failed.
    #[error("{text}")]
    Execute {
        /// `template: NAME:LINE:COL: executing "X" at <Y>: …`
        text: String,
        /// What the function that was called said, if one was.
        #[source]
        cause: Option<Box<FunctionError>>,
    },
    /// A limit of the budget was reached.
    #[error("{text}")]
    Limit {
        /// Which limit.
        limit: Limit,
        /// The text with the place, as for [`Error::Execute`].
        text: String,
    },
    /// The output is not UTF-8 and text was asked for.
    #[error("the output of template {name:?} is not UTF-8")]
    NotText {
        /// The template that was executed.
        name: String,
    },
}

impl Error {
    /// The limit that was reached, if that was the reason.
    pub fn limit(&self) -> Option<Limit> {
        match self {
            Self::Limit { limit, .. } => Some(*limit),
            _ => None,
        }
    }
}

/// A limit of the budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// Nodes evaluated.
    Steps,
    /// Bytes written or built.
    OutputBytes,
    /// Templates within templates.
    Depth,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Steps => "steps",
            Self::OutputBytes => "output bytes",
            Self::Depth => "template depth",
        })
    }
}
