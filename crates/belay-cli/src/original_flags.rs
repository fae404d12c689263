//! Flags of the commands that stand in for Go programs, read as those read them: scripts write `--flag=false`, give a
//! flag twice, and values that begin with a dash.

use clap::{Arg, ArgAction, Command};

/// Commands that take the place of the programs of the same name.
pub(crate) const STAND_INS: [&str; 2] = ["helm", "kustomize"];

/// Lets such a command read its flags as its original does.
pub(crate) fn read_stand_ins_as_in_go(command: Command) -> Command {
    if STAND_INS.contains(&command.get_name()) { read_as_in_go(command) } else { command }
}

/// Lets a command and those below it read their flags as Go's programs do.
fn read_as_in_go(command: Command) -> Command {
    // Of a flag that is given twice the last one counts.
    command.args_override_self(true).mut_args(as_in_go).mut_subcommands(read_as_in_go)
}

fn as_in_go(argument: Arg) -> Arg {
    if argument.is_positional() {
        return argument;
    }
    match argument.get_action() {
        ArgAction::SetTrue => boolean(argument),
        // Where a value is due, the next word is it, whatever it looks like.
        ArgAction::Set | ArgAction::Append if argument.get_num_args().is_none() => {
            argument.allow_hyphen_values(true)
        }
        _ => argument,
    }
}

/// `--flag` and `--flag=VALUE`, but not `--flag VALUE`.
fn boolean(argument: Arg) -> Arg {
    argument
        .action(ArgAction::Set)
        .num_args(0..=1)
        .require_equals(true)
        .default_value("false")
        .default_missing_value("true")
        .value_parser(parse_bool)
        .hide_default_value(true)
        .hide_possible_values(true)
        .value_name("BOOL")
}

/// What Go takes for a boolean.
pub(crate) fn parse_bool(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("invalid syntax".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    #[derive(Parser, Debug, PartialEq)]
    #[command(mut_subcommands = super::read_as_in_go)]
    struct Line {
        #[command(subcommand)]
        command: Sub,
    }

    #[derive(clap::Subcommand, Debug, PartialEq)]
    enum Sub {
        Build(Flags),
    }

    #[derive(clap::Args, Debug, Default, PartialEq)]
    struct Flags {
        #[arg(short, long)]
        quick: bool,
        #[arg(short, long)]
        other: bool,
        #[arg(long)]
        name: Option<String>,
        #[arg(short, long)]
        each: Vec<String>,
        folder: Option<String>,
    }

    fn read(line: &[&str]) -> Flags {
        let line = [&["belay", "build"], line].concat();
        let Sub::Build(flags) = Line::try_parse_from(line).unwrap().command;
        flags
    }

    #[test]
    fn booleans_may_have_values() {
        let quick = |quick| Flags { quick, ..Flags::default() };
        assert_eq!(read(&["--quick"]), quick(true));
        assert_eq!(read(&["--quick=true"]), quick(true));
        assert_eq!(read(&["--quick=F"]), quick(false));
        assert_eq!(read(&["-q=0"]), quick(false));
        assert_eq!(read(&["-qo"]), Flags { other: true, ..quick(true) });
        assert_eq!(read(&["--quick", "false"]), Flags { folder: Some("false".to_owned()), ..quick(true) });
        assert!(Line::try_parse_from(["belay", "build", "--quick=yes"]).is_err());
        assert!(Line::try_parse_from(["belay", "build", "--quick="]).is_err());
    }

    #[test]
    fn the_last_one_counts_and_lists_grow() {
        let flags = read(&["--quick", "--name", "a", "-e", "1", "--quick=false", "--name=b", "--each=2"]);
        let each = vec!["1".to_owned(), "2".to_owned()];
        assert_eq!(flags, Flags { name: Some("b".to_owned()), each, ..Flags::default() });
    }

    #[test]
    fn values_may_begin_with_a_dash() {
        let flags = read(&["--name", "--quick", "-e", "-x"]);
        let each = vec!["-x".to_owned()];
        assert_eq!(flags, Flags { name: Some("--quick".to_owned()), each, ..Flags::default() });
    }
}
