//! `--wait`: until the operation has ended, and what came of it.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, bail};
use belay_argo_api::{Application, OperationPhase, OperationState, ResourceResult, ResourceStatus};
use kube::api::DynamicObject;
use kube::runtime::wait::await_condition;

use super::find::{Found, application};
use crate::commands::get::Table;
use crate::commands::print;
use crate::inert::inert;

/// Whether an operation is waited for.
#[derive(clap::Args)]
pub(super) struct Waiting {
    /// Wait until it has ended, and print what came of it.
    #[arg(long)]
    wait: bool,
    /// For how long; 0 is for ever.
    #[arg(long, value_name = "SECONDS", default_value = "0", requires = "wait")]
    timeout: u64,
}

impl Waiting {
    /// Waits if it is asked for. An end that is no success is an error, and so are objects that were left although the
    /// whole app was synced.
    pub(super) async fn wait(&self, found: &Found, is_whole: bool) -> anyhow::Result<()> {
        let name = &found.key.name;
        if !self.wait {
            return print(&format!("application '{name}': operation asked for\n"));
        }
        let ended = self.until_ended(found).await?;
        let app = application(&ended)?;
        let Some(state) = &app.status.operation_state else {
            bail!("the operation of application '{name}' is not known any more");
        };
        print(&format!("{}\n{}", inert(&outcome(state)), table(&app).text()))?;
        if state.phase != OperationPhase::Succeeded {
            bail!("Operation has completed with phase: {}", state.phase.as_str());
        }
        let is_synced = app.status.sync.as_ref().is_some_and(|sync| sync.status.as_str() == "Synced");
        let left = results(state).iter().filter(|result| result.status.as_str() == "PruneSkipped").count();
        if is_whole && !is_synced && left > 0 {
            bail!("{left} resources require pruning");
        }
        Ok(())
    }

    async fn until_ended(&self, found: &Found) -> anyhow::Result<DynamicObject> {
        let name = &found.key.name;
        let ended = await_condition(found.api.clone(), name, |object: Option<&DynamicObject>| {
            object.is_none_or(has_ended)
        });
        let ended = match self.timeout {
            0 => ended.await,
            seconds => tokio::time::timeout(Duration::from_secs(seconds), ended).await.map_err(|_late| {
                anyhow::anyhow!("timed out ({seconds}s) waiting for app {name:?} match desired state")
            })?,
        };
        let ended = ended.with_context(|| format!("application {name:?} cannot be watched"))?;
        ended.with_context(|| format!("application {name:?} is gone"))
    }
}

/// Whether the operation is over, so that its state can be told. It began without one.
fn has_ended(object: &DynamicObject) -> bool {
    let phase = object.data.pointer("/status/operationState/phase").and_then(|phase| phase.as_str());
    object.data["operation"].is_null()
        && phase.is_some_and(|phase| !["Running", "Terminating"].contains(&phase))
}

fn results(state: &OperationState) -> &[ResourceResult] {
    state.sync_result.as_ref().map(|result| result.resources.as_slice()).unwrap_or_default()
}

fn outcome(state: &OperationState) -> String {
    let mut lines = Vec::new();
    if let Some(result) = &state.sync_result {
        let revision =
            if result.revisions.is_empty() { result.revision.clone() } else { result.revisions.join(", ") };
        lines.extend([("Operation:", "Sync".to_owned()), ("Sync Revision:", revision)]);
    }
    lines.push(("Phase:", state.phase.as_str().to_owned()));
    let (started, finished) = (state.started_at.get(), state.finished_at.get());
    if let (Some(started), Some(finished)) = (started, finished) {
        lines.push(("Start:", started.to_string()));
        lines.push(("Finished:", finished.to_string()));
        lines.push(("Duration:", format!("{}s", finished.as_second() - started.as_second())));
    }
    if !state.message.is_empty() {
        lines.push(("Message:", state.message.clone()));
    }
    lines.iter().map(|(name, value)| format!("{name:<20}{value}\n")).collect()
}

/// What the operation did, then the objects that it left alone.
fn table(app: &Application) -> Table {
    let key = |group: &str, kind: &str, namespace: &str, name: &str| {
        [group, kind, namespace, name].map(str::to_owned)
    };
    let mut others: HashMap<[String; 4], &ResourceStatus> = HashMap::new();
    for one in &app.status.resources {
        others.insert(key(&one.group, &one.kind, &one.namespace, &one.name), one);
    }
    let health = |one: &ResourceStatus| {
        one.health.as_ref().map(|health| health.status.as_str().to_owned()).unwrap_or_default()
    };
    let headings = ["GROUP", "KIND", "NAMESPACE", "NAME", "STATUS", "HEALTH", "HOOK", "MESSAGE"];
    let mut lines = vec![headings.map(str::to_owned).to_vec()];
    for result in app.status.operation_state.as_ref().map(results).unwrap_or_default() {
        let key = key(&result.group, &result.kind, &result.namespace, &result.name);
        let one = others.remove(&key).filter(|_| result.hook_type.is_empty());
        let (status, health) = match one {
            Some(one) => (one.status.as_str().to_owned(), health(one)),
            None => (result.hook_phase.as_str().to_owned(), result.status.as_str().to_owned()),
        };
        let said = [status, health, result.hook_type.clone(), result.message.clone()];
        lines.push(key.into_iter().chain(said).collect());
    }
    let mut others: Vec<_> = others.into_iter().collect();
    others.sort_by(|(one, _), (other, _)| one.cmp(other));
    for (key, one) in others {
        let said = [one.status.as_str().to_owned(), health(one), String::new(), String::new()];
        lines.push(key.into_iter().chain(said).collect());
    }
    Table::new(lines)
}
