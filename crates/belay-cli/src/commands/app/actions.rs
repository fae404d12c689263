//! `belay app actions`

use belay_argo::{ActionFault, ActionOf};
use belay_manifest::ObjectKey;
use clap::ValueEnum;
use serde_json::json;

use super::find::Which;
use crate::commands::get::Table;
use crate::commands::print;
use crate::failure::Failure;

/// What can be done with an app's objects, and doing it: restart, pause, scale, and what argocd-cm defines.
#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    List(List),
    Run(Run),
}

/// List what can be done.
#[derive(clap::Args)]
struct List {
    #[command(flatten)]
    which: Which,
    /// Only objects of this kind.
    #[arg(long)]
    kind: Option<String>,
    #[command(flatten)]
    meant: Meant,
    /// How it is printed.
    #[arg(short, long = "out", value_enum, default_value = "table")]
    output: Output,
}

/// Run an action on the object that is meant.
#[derive(clap::Args)]
struct Run {
    #[command(flatten)]
    which: Which,
    /// The action's name.
    action: String,
    /// The object's kind.
    #[arg(long)]
    kind: String,
    #[command(flatten)]
    meant: Meant,
    /// Run it on several objects, if several are meant.
    #[arg(long)]
    all: bool,
    /// What the action asks for. May be repeated.
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
}

/// Which objects of the app.
#[derive(clap::Args)]
struct Meant {
    /// Only objects of this API group; `""` is the core group.
    #[arg(long)]
    group: Option<String>,
    /// Only objects of this name.
    #[arg(long)]
    resource_name: Option<String>,
    /// Only objects in this namespace.
    #[arg(long)]
    resource_namespace: Option<String>,
    /// The namespace of Argo CD's settings and projects.
    #[arg(long, default_value = "argocd")]
    argocd_namespace: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
    Yaml,
}

impl Meant {
    fn means(&self, kind: Option<&str>, object: &ObjectKey) -> bool {
        let is = |wanted: Option<&str>, own: &str| wanted.is_none_or(|wanted| wanted == own);
        is(kind, &object.kind)
            && is(self.group.as_deref(), &object.group)
            && is(self.resource_name.as_deref(), &object.name)
            && is(self.resource_namespace.as_deref(), &object.namespace)
    }
}

/// Lists or runs.
pub(super) async fn run(arguments: &Arguments) -> anyhow::Result<()> {
    match &arguments.command {
        Command::List(command) => list(command).await,
        Command::Run(command) => act(command).await,
    }
}

async fn list(arguments: &List) -> anyhow::Result<()> {
    let found = arguments.which.find().await?;
    let (engine, _folder) = found.looking(&arguments.meant.argocd_namespace)?;
    let is_meant = |object: &ObjectKey| arguments.meant.means(arguments.kind.as_deref(), object);
    let actions = engine.argo.actions_once(&found.key, is_meant).await.map_err(failure)?;
    print(&printed(&actions, arguments.output)?)
}

fn printed(actions: &[ActionOf], output: Output) -> anyhow::Result<String> {
    let record = |ActionOf { object, action }: &ActionOf| json!({"Group": object.group, "Kind": object.kind, "Name": object.name, "Action": action.name, "Disabled": action.disabled});
    let records = || actions.iter().map(record).collect::<serde_json::Value>();
    let line = |ActionOf { object, action }: &ActionOf| {
        let disabled = action.disabled.to_string();
        vec![object.group.clone(), object.kind.clone(), object.name.clone(), action.name.clone(), disabled]
    };
    Ok(match output {
        Output::Json => format!("{}\n", serde_json::to_string_pretty(&records())?),
        Output::Yaml => belay_goyaml::to_yaml(&records()),
        Output::Table => {
            let headings = ["GROUP", "KIND", "NAME", "ACTION", "DISABLED"].map(str::to_owned).to_vec();
            Table::new(std::iter::once(headings).chain(actions.iter().map(line)).collect()).text()
        }
    })
}

async fn act(arguments: &Run) -> anyhow::Result<()> {
    let parameters =
        arguments.parameters.iter().map(|text| parameter(text)).collect::<Result<Vec<_>, _>>()?;
    let found = arguments.which.find().await?;
    let (engine, _folder) = found.looking(&arguments.meant.argocd_namespace)?;
    let is_meant = |object: &ObjectKey| arguments.meant.means(Some(&arguments.kind), object);
    let action = &arguments.action;
    let done = engine.argo.run_action_once(&found.key, is_meant, arguments.all, action, &parameters).await;
    let lines =
        done.map_err(failure)?.iter().map(|object| format!("{object}: ran {action}\n")).collect::<String>();
    print(&lines)
}

fn parameter(text: &str) -> Result<(String, String), Failure> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(Failure::usage(format!("{text:?} is no NAME=VALUE"))),
    }
}

fn failure(error: ActionFault) -> anyhow::Error {
    match error {
        ActionFault::NoObject => {
            Failure::not_found(error.to_string()).hint("`belay app actions list` names them").into()
        }
        ActionFault::ManyObjects => {
            Failure::new("multiple resources match inputs, use the --all flag to run on all of them")
                .hint("or name one by --group, --resource-name and --resource-namespace")
                .into()
        }
        other => other.into(),
    }
}
