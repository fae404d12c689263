//! Errors for people: `error:` with the chain of causes, then `hint:`.

use std::process::ExitCode;

/// The exit code when an app or object is not there.
const NOT_FOUND: u8 = 3;

/// An error with advice, or with an exit code of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct Failure {
    message: String,
    hint: Option<String>,
    code: u8,
    #[source]
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Failure {
    /// Something that is not there (exit code 3).
    pub(crate) fn not_found(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code: NOT_FOUND, source: None }
    }

    /// Adds what the person could do.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        self.hint = Some(hint.into());
        self
    }
}

/// Prints the error and gives the exit code that it asks for, else 1.
#[expect(clippy::print_stderr, reason = "the one place where errors reach the terminal")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    let failure = error.downcast_ref::<Failure>();
    if let Some(hint) = failure.and_then(|failure| failure.hint.as_deref()) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(failure.map_or(1, |failure| failure.code))
}
