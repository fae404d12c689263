//! What a running Belay has noted in its ledger, for the commands that show it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::bail;
use belay_ledger::Entry;
use belay_server::AppRef;
use clap::ValueEnum;

use crate::failure::Failure;
use crate::inert::inert;
use crate::wanted::Wanted;

/// Where to look, and for what.
#[derive(clap::Args)]
pub(crate) struct Which {
    /// Only this namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The folder that `belay run --data-dir` was given.
    #[arg(long, default_value = "belay-data")]
    data_dir: PathBuf,
    /// How it is printed.
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

/// How entries are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// A line for each.
    Text,
    /// A list.
    Json,
}

/// What is known of one app, oldest first.
pub(crate) struct Past {
    pub(crate) app: AppRef,
    pub(crate) entries: Vec<Entry>,
}

impl Which {
    /// What is known of all apps.
    pub(crate) fn all(&self) -> anyhow::Result<Vec<Past>> {
        let mut apps: BTreeMap<AppRef, Vec<Entry>> = BTreeMap::new();
        for entry in belay_ledger::read(&self.data_dir)? {
            let Some(app) = app_of(&entry.app) else { continue };
            if self.namespace.as_ref().is_none_or(|namespace| *namespace == app.namespace) {
                apps.entry(app).or_default().push(entry);
            }
        }
        if apps.is_empty() {
            let folder = self.data_dir.display();
            bail!(
                Failure::not_found(format!("nothing is noted in {folder}"))
                    .hint("--data-dir names the folder of a `belay run`; in a cluster: kubectl exec")
            );
        }
        Ok(apps.into_iter().map(|(app, entries)| Past { app, entries }).collect())
    }

    /// What is known of one.
    pub(crate) fn one(&self, name: &str) -> anyhow::Result<Past> {
        Wanted::parse(name)?.only(self.all()?, |past| &past.app)
    }

    /// Prints entries, as was asked for.
    pub(crate) fn print(&self, entries: &[Entry]) -> anyhow::Result<()> {
        let text = match self.output {
            Output::Json => format!("{}\n", serde_json::to_string_pretty(entries)?),
            Output::Text => inert(&entries.iter().map(line).collect::<String>()).into_owned(),
        };
        crate::commands::print(&text)
    }
}

/// `2026-01-01T00:00:00Z  app/argocd/web  0123456789ab  commit "…" → synced: automated policy`
fn line(entry: &Entry) -> String {
    let Entry { time, app, revision, trigger, decision } = entry;
    let revision: String = match revision.rsplit_once(':') {
        Some((branch, commit)) => format!("{branch}:{}", commit.chars().take(12).collect::<String>()),
        None => revision.chars().take(12).collect(),
    };
    let revision = if revision.is_empty() { "-" } else { &revision };
    format!("{time:.0}  {app}  {revision}  {trigger} → {decision}\n")
}

fn app_of(text: &str) -> Option<AppRef> {
    let mut parts = text.splitn(3, '/');
    let kind = parts.next()?.parse().ok()?;
    Some(AppRef { kind, namespace: parts.next()?.to_owned(), name: parts.next()?.to_owned() })
}
