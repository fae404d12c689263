//! Errors for people: `error:` with the chain of causes, then `hint:`.

use std::io::ErrorKind;

use belay_cluster::ConnectError;

use crate::inert::inert;
use crate::usage::USAGE;

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
    /// Something that went wrong (exit code 1).
    pub(crate) fn new(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code: 1, source: None }
    }

    /// Something that was typed wrongly (exit code 2).
    pub(crate) fn usage(message: impl Into<String>) -> Failure {
        Failure { message: message.into(), hint: None, code: USAGE, source: None }
    }

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

/// An exit code that says it all.
#[derive(Debug, thiserror::Error)]
#[error("exit code {0}")]
pub(crate) struct Quiet(pub(crate) u8);

/// Lets an error end with another exit code than 1, unless it has one of its own.
pub(crate) fn with_code(error: anyhow::Error, code: u8) -> anyhow::Error {
    match error.downcast::<Failure>() {
        Ok(failure) if failure.code != 1 => failure.into(),
        Ok(failure) => Failure { code, ..failure }.into(),
        Err(error) => {
            let hint = error.chain().find_map(usual_hint).map(str::to_owned);
            Failure { code, hint, ..Failure::new(format!("{error:#}")) }.into()
        }
    }
}

/// An error in the words of the tool whose command was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub(crate) struct Original {
    text: String,
}

impl Original {
    /// The whole text, causes included.
    pub(crate) fn new(text: impl Into<String>) -> Original {
        Original { text: text.into() }
    }

    /// An error and its causes, as Go programs join them.
    pub(crate) fn of(error: &dyn std::error::Error) -> Original {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            text.push_str(&format!(": {error}"));
            cause = error.source();
        }
        Original { text }
    }

    /// What Go says of a file that could not be opened, written or the like.
    pub(crate) fn failed(action: &str, file: &std::path::Path, error: &std::io::Error) -> Original {
        Original { text: format!("{action} {}: {}", file.display(), go_reason(error)) }
    }
}

/// Go words the commonest reasons without capitals and numbers.
fn go_reason(error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Prints the error and gives the exit code that it asks for, else 1.
#[expect(clippy::print_stderr, reason = "the one place where errors reach the terminal")]
pub(crate) fn report(error: &anyhow::Error) -> u8 {
    if let Some(Quiet(code)) = error.downcast_ref() {
        return *code;
    }
    if let Some(original) = error.downcast_ref::<Original>() {
        eprintln!("Error: {original}");
        return 1;
    }
    eprintln!("error: {}", inert(&format!("{error:#}")));
    let failure = error.downcast_ref::<Failure>();
    let known = failure.and_then(|failure| failure.hint.as_deref());
    if let Some(hint) = known.or_else(|| error.chain().find_map(usual_hint)) {
        eprintln!("hint: {}", inert(hint));
    }
    failure.map_or(1, |failure| failure.code)
}

/// What a person can do about causes that any command may meet.
fn usual_hint(cause: &(dyn std::error::Error + 'static)) -> Option<&'static str> {
    if let Some(error) = cause.downcast_ref::<std::io::Error>() {
        return match error.kind() {
            ErrorKind::AddrInUse => Some("another process listens there; port 0 takes a free one"),
            ErrorKind::AddrNotAvailable => Some("the address has to be one of this machine's"),
            _ => None,
        };
    }
    match cause.downcast_ref::<ConnectError>()? {
        ConnectError::Kubeconfig { .. } => {
            Some("--kubeconfig takes the file that `kubectl` uses, such as ~/.kube/config")
        }
        ConnectError::NoCluster { .. } => Some("name a kubeconfig by --kubeconfig or KUBECONFIG"),
        ConnectError::Connection { .. } | ConnectError::Client { .. } => {
            Some("`kubectl cluster-info` with the same kubeconfig tells more")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn a_cause_that_is_known_brings_its_hint() {
        let hint = |error: anyhow::Error| error.chain().find_map(usual_hint);
        let used: Result<(), _> = Err(std::io::Error::from(ErrorKind::AddrInUse));
        let used = used.with_context(|| "127.0.0.1:1 cannot be listened on").unwrap_err();
        assert_eq!(hint(used), Some("another process listens there; port 0 takes a free one"));
        assert_eq!(hint(std::io::Error::from(ErrorKind::NotFound).into()), None);
        let path = "/nowhere".into();
        let unreadable = ConnectError::Kubeconfig { path, source: "no such file".into() };
        assert!(hint(unreadable.into()).is_some_and(|hint| hint.starts_with("--kubeconfig")));
    }
}
