//! Comparisons that exist for charts and for kustomizations alike: one command, told which by its flag.

use clap::Parser;

/// `--charts …` or `--kustomizations …`, and what goes with it; `--help` after either lists that.
#[derive(clap::Args)]
pub(crate) struct Family {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    arguments: Vec<String>,
}

/// Which of the two.
pub(crate) enum Of {
    /// `--charts`
    Charts,
    /// `--kustomizations`
    Kustomizations,
}

/// The arguments of one of them, as a command line of its own.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Line<A: clap::Args> {
    #[command(flatten)]
    arguments: A,
}

impl Family {
    /// What is compared.
    pub(crate) fn of(&self) -> anyhow::Result<Of> {
        let given =
            |flag: &str| self.arguments.iter().any(|argument| argument.split('=').next() == Some(flag));
        match (given("--charts"), given("--kustomizations")) {
            (true, false) => Ok(Of::Charts),
            (false, true) => Ok(Of::Kustomizations),
            _ => anyhow::bail!("give either --charts or --kustomizations"),
        }
    }

    /// Everything given, for a command whose flag takes a folder.
    pub(crate) fn parse<A: clap::Args>(&self) -> A {
        Line::<A>::parse_from(&self.arguments).arguments
    }

    /// What is given beside the flag itself.
    pub(crate) fn parse_rest<A: clap::Args>(&self) -> A {
        let rest = self
            .arguments
            .iter()
            .filter(|argument| !matches!(argument.as_str(), "--charts" | "--kustomizations"));
        Line::<A>::parse_from(rest).arguments
    }
}
