//! Why a look at an app ended early.

use crate::status::condition;

/// Why a look ended early. Each maps to one condition type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) condition: &'static str,
    pub(crate) message: String,
    /// Whether time alone may mend it.
    pub(crate) passing: bool,
}

impl Fault {
    pub(crate) fn spec(message: impl Into<String>) -> Fault {
        Fault { condition: condition::INVALID_SPEC, message: message.into(), passing: false }
    }

    pub(crate) fn comparison(message: impl Into<String>) -> Fault {
        Fault { condition: condition::COMPARISON, message: message.into(), passing: false }
    }

    pub(crate) fn passing(message: impl Into<String>) -> Fault {
        Fault { condition: condition::COMPARISON, message: message.into(), passing: true }
    }
}
