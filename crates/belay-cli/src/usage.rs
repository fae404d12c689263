//! What is said of a command line that makes no sense.

use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;

use crate::arguments::{Arguments, Command};
use crate::original_flags::STAND_INS;

/// The exit code when the arguments make no sense.
pub(crate) const USAGE: u8 = 2;

/// Prints what is wrong with what was typed, or the help that was asked for.
#[expect(clippy::print_stderr, clippy::print_stdout, reason = "here errors of usage reach the terminal")]
pub(crate) fn report(error: &clap::Error) -> ExitCode {
    let words = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    let command = command(words);
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && stands_in(&command) {
        // For the originals, a command that only holds others is a question for help.
        print!("{}", error.render());
        return ExitCode::SUCCESS;
    }
    // Nothing can be done where even this cannot be printed.
    let _ = error.print();
    let is_help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !is_help && !stands_in(&command) {
        eprintln!("hint: {}", hint(&command));
    }
    ExitCode::from(code(error.exit_code(), &command))
}

/// Whether the command takes the place of an original's, and says what is wrong in its words.
fn stands_in(command: &[String]) -> bool {
    command.first().is_some_and(|first| STAND_INS.contains(&first.as_str()))
}

fn code(code: i32, command: &[String]) -> u8 {
    // A server's start fails with 1 whatever the cause, and so do Go's programs.
    let is_one = stands_in(command) || command.first().is_some_and(|first| first == "localkube");
    match code {
        0 => 0,
        _ if is_one => 1,
        _ => USAGE,
    }
}

fn hint(command: &[String]) -> String {
    match command {
        [] => "`belay --help` lists the commands".to_owned(),
        words => format!("`belay {} --help` tells what it takes", words.join(" ")),
    }
}

/// The command that was meant: the words of the line that name one, in order.
fn command(mut words: impl Iterator<Item = String>) -> Vec<String> {
    let mut place = Arguments::<Command>::command();
    let mut names = Vec::new();
    while let Some(word) = words.next() {
        if names.is_empty() && word == "--log-format" {
            // The only flag before the command that has a value of its own.
            words.next();
            continue;
        }
        match place.find_subcommand(&word).cloned() {
            Some(known) => {
                names.push(known.get_name().to_owned());
                place = known;
            }
            None if word.starts_with('-') => {}
            None => break,
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meant(line: &str) -> Vec<String> {
        command(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn the_hint_names_the_command_that_was_meant() {
        assert_eq!(hint(&meant("frobnicate run")), "`belay --help` lists the commands");
        assert_eq!(hint(&meant("--log-format json run --x")), "`belay run --help` tells what it takes");
        assert_eq!(hint(&meant("app sync --x")), "`belay app sync --help` tells what it takes");
    }

    #[test]
    fn what_stands_in_for_other_programs_ends_as_they_do() {
        let code = |line: &str| code(2, &meant(line));
        assert_eq!(code("kustomize build --nonsense"), 1);
        assert_eq!(code("--log-format json helm template"), 1);
        assert_eq!(code("localkube --nonsense"), 1);
        assert_eq!(code("get apps kustomize"), 2);
        assert_eq!(code("--log-format helm get"), 2);
        assert_eq!(super::code(0, &[]), 0);
    }
}
