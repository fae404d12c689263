//! Why a look at an app ended early.

use crate::status::condition;

/// Why a look ended early. Each maps to one condition type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) condition: &'static str,
    pub(crate) message: String,
    /// More of the same kind.
    pub(crate) also: Vec<String>,
    /// Why there is no project, in the words of operations and deletions.
    pub(crate) no_project: Option<String>,
    /// Whether time alone may mend it.
    pub(crate) passing: bool,
    /// Whether the app's cluster does not answer.
    pub(crate) is_unreachable: bool,
}

impl Fault {
    pub(crate) fn spec(message: impl Into<String>) -> Fault {
        Fault::new(condition::INVALID_SPEC, message.into())
    }

    pub(crate) fn comparison(message: impl Into<String>) -> Fault {
        Fault::new(condition::COMPARISON, message.into())
    }

    pub(crate) fn passing(message: impl Into<String>) -> Fault {
        Fault { passing: true, ..Fault::comparison(message) }
    }

    pub(crate) fn unreachable(message: impl Into<String>) -> Fault {
        Fault { is_unreachable: true, ..Fault::passing(message) }
    }

    /// An app cannot be compared while what is live is not known.
    pub(crate) fn not_loaded(reason: impl std::fmt::Display) -> Fault {
        Fault::passing(format!("Failed to load live state: {reason}"))
    }

    pub(crate) fn new(condition: &'static str, message: String) -> Fault {
        Fault {
            condition,
            message,
            also: Vec::new(),
            no_project: None,
            passing: false,
            is_unreachable: false,
        }
    }

    /// Every message.
    pub(crate) fn messages(&self) -> Vec<String> {
        std::iter::once(&self.message).chain(&self.also).cloned().collect()
    }

    /// The message of an operation that cannot be carried out.
    pub(crate) fn of_operation(&self) -> String {
        if let Some(reason) = &self.no_project {
            return format!("Failed to load application project: {reason}");
        }
        let one = |message: &String| format!("{}: {message}", self.condition);
        self.messages().iter().map(one).collect::<Vec<_>>().join(";")
    }
}
