//! Errors for people: `error:` with the chain of causes, then `hint:`.

use std::process::ExitCode;

use crate::original_flags::STAND_INS;

/// The exit code when the arguments make no sense.
const USAGE: u8 = 2;
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
        Err(error) => Failure { code, ..Failure::new(format!("{error:#}")) }.into(),
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
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::NotFound => "no such file or directory".to_owned(),
        ErrorKind::PermissionDenied => "permission denied".to_owned(),
        ErrorKind::IsADirectory => "is a directory".to_owned(),
        ErrorKind::NotADirectory => "not a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Prints what is wrong with what was typed, or the help that was asked for.
pub(crate) fn report_usage(error: &clap::Error) -> ExitCode {
    // Nothing can be done where even this cannot be printed.
    let _ = error.print();
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    ExitCode::from(usage_code(error.exit_code(), words))
}

fn usage_code(code: i32, mut words: impl Iterator<Item = String>) -> u8 {
    let command = loop {
        match words.next() {
            // The only flag before the command that has a value of its own.
            Some(flag) if flag == "--log-format" => drop(words.next()),
            Some(flag) if flag.starts_with('-') => {}
            command => break command,
        }
    };
    // A server's start fails with 1 whatever the cause, and so do Go's programs.
    let is_one = |command: &str| command == "localkube" || STAND_INS.contains(&command);
    match code {
        0 => 0,
        _ if command.as_deref().is_some_and(is_one) => 1,
        _ => USAGE,
    }
}

/// Prints the error and gives the exit code that it asks for, else 1.
#[expect(clippy::print_stderr, reason = "the one place where errors reach the terminal")]
pub(crate) fn report(error: &anyhow::Error) -> ExitCode {
    if let Some(Quiet(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    if let Some(original) = error.downcast_ref::<Original>() {
        eprintln!("Error: {original}");
        return ExitCode::FAILURE;
    }
    eprintln!("error: {error:#}");
    let failure = error.downcast_ref::<Failure>();
    if let Some(hint) = failure.and_then(|failure| failure.hint.as_deref()) {
        eprintln!("hint: {hint}");
    }
    ExitCode::from(failure.map_or(1, |failure| failure.code))
}

#[cfg(test)]
mod tests {
    use super::usage_code;

    #[test]
    fn what_stands_in_for_other_programs_ends_as_they_do() {
        let code = |line: &str| usage_code(2, line.split(' ').map(str::to_owned));
        assert_eq!(code("kustomize build --nonsense"), 1);
        assert_eq!(code("--log-format json helm template"), 1);
        assert_eq!(code("get apps kustomize"), 2);
        assert_eq!(code("--log-format helm get"), 2);
        assert_eq!(usage_code(0, std::iter::empty()), 0);
    }
}
