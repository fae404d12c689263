//! `belay get -w`: a line for each app that changes.

use std::collections::{BTreeMap, BTreeSet};

use belay_cluster::Resource;
use belay_manifest::ObjectKey;
use belay_server::AppRef;
use futures::stream::SelectAll;
use futures::{StreamExt, TryStreamExt};
use kube::api::DynamicObject;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{self, Event, watcher};

use super::Output;
use super::list::{App, Apps, object_of};
use super::print::{Table, aligned, cells, name};

/// Prints changes until Ctrl-C.
pub(super) async fn follow(mut apps: Apps, rows: Vec<App>, output: Output) -> anyhow::Result<()> {
    let mut shown = Shown::new(&rows, output);
    let mut listed = BTreeMap::new();
    let mut watches = SelectAll::new();
    for (kind, namespace) in apps.kinds.clone() {
        let api = apps.api(&kind, namespace.as_deref());
        let events = watcher(api, watcher::Config::default()).default_backoff();
        watches.push(events.map_ok(move |event| (kind.clone(), event)).boxed());
    }
    loop {
        let event = tokio::select! {
            event = watches.next() => event,
            _ = tokio::signal::ctrl_c() => return Ok(()),
        };
        match event {
            Some(Ok((kind, event))) => take(&mut apps, &mut listed, &kind, event)?,
            Some(Err(error)) => {
                tracing::debug!(%error, "the watch broke, and starts again");
                continue;
            }
            None => return Ok(()),
        }
        crate::commands::print(&shown.changes(apps.rows())?)?;
    }
}

/// What a list that is still going on has brought, by kind: what it does not bring is gone.
type Listed = BTreeMap<String, BTreeSet<ObjectKey>>;

fn take(
    apps: &mut Apps,
    listed: &mut Listed,
    kind: &Resource,
    event: Event<DynamicObject>,
) -> anyhow::Result<()> {
    let name = kind.api.kind.clone();
    match event {
        Event::Init => {
            listed.insert(name, BTreeSet::new());
        }
        Event::InitApply(object) => {
            let object = object_of(kind, object)?;
            listed.entry(name).or_default().insert(object.key());
            apps.take(object);
        }
        Event::InitDone => apps.keep_of_kind(&name, &listed.remove(&name).unwrap_or_default()),
        Event::Apply(object) => apps.take(object_of(kind, object)?),
        Event::Delete(object) => apps.forget(&object_of(kind, object)?.key()),
    }
    Ok(())
}

/// What was printed last of each app.
struct Shown {
    output: Output,
    widths: Vec<usize>,
    lines: BTreeMap<AppRef, String>,
}

impl Shown {
    fn new(rows: &[App], output: Output) -> Shown {
        let widths = Table::of(rows, output).widths();
        let mut shown = Shown { output, widths, lines: BTreeMap::new() };
        for row in rows {
            shown.lines.insert(row.summary.app.clone(), shown.state(row));
        }
        shown
    }

    /// What a change of shows.
    fn state(&self, row: &App) -> String {
        match self.output {
            Output::Json | Output::Yaml => row.object.value().to_string(),
            Output::Table | Output::Wide | Output::Name => {
                cells(&row.summary, self.output == Output::Wide).join(" ")
            }
        }
    }

    /// What is to be printed of the rows as they are now.
    fn changes(&mut self, rows: Vec<App>) -> anyhow::Result<String> {
        let mut text = String::new();
        let mut gone = std::mem::take(&mut self.lines);
        for row in rows {
            let state = self.state(&row);
            if gone.remove(&row.summary.app).as_ref() != Some(&state) {
                text.push_str(&self.printed(&row)?);
            }
            self.lines.insert(row.summary.app.clone(), state);
        }
        for app in gone.into_keys() {
            text.push_str(&self.gone(&app));
        }
        Ok(text)
    }

    fn printed(&self, row: &App) -> anyhow::Result<String> {
        Ok(match self.output {
            Output::Json => format!("{}\n", serde_json::to_string_pretty(row.object.value())?),
            Output::Yaml => format!("---\n{}", belay_goyaml::to_yaml(row.object.value())),
            Output::Name => format!("{}\n", name(&row.summary.app)),
            Output::Table | Output::Wide => {
                aligned(&cells(&row.summary, self.output == Output::Wide), &self.widths)
            }
        })
    }

    /// Resources that are gone are not printed again; a line says so.
    fn gone(&self, app: &AppRef) -> String {
        match self.output {
            Output::Table | Output::Wide => {
                let line = [name(app), app.namespace.clone(), "Deleted".to_owned()];
                aligned(&line, &self.widths)
            }
            Output::Json | Output::Yaml | Output::Name => String::new(),
        }
    }
}
