//! A release taken out: hooks → delete → wait → hooks → forget the records.

use std::sync::Arc;

use belay_helm::Status;
use belay_helm::record::Release;
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_plan::Plan;

use super::objects::WaitFor;
use super::status::{self, Action};
use super::storage::{Storage, Stored};
use super::target::Target;
use super::{Look, content, hooks, report, target};
use belay_causes::chain;

/// Takes the release out and says so, unless it was gone already. The error has been reported.
pub(crate) async fn uninstall(look: &mut Look<'_>) -> Result<(), String> {
    let result = take_out(look).await;
    if result == Ok(false) {
        return Ok(());
    }
    let result = result.map(drop);
    let (reason, message) = status::uninstalled(&mut look.release, &result);
    report::ended(look, result.is_ok(), reason, &message).await;
    result
}

/// Takes the release of the last snapshot out of the cluster and of Helm's records. Gives whether it
/// was there.
pub(crate) async fn take_out(look: &mut Look<'_>) -> Result<bool, String> {
    let Some(current) = look.release.status.history.first().cloned() else { return Ok(false) };
    // The release that is there, which may be another than the wanted one.
    let wanted = look.target.clone();
    look.target = Target {
        name: current.name.clone(),
        namespace: current.namespace.clone(),
        storage: look.release.status.storage_namespace.clone(),
        ..wanted.clone()
    };
    let result = run(look).await;
    look.target = wanted;
    result
}

async fn run(look: &mut Look<'_>) -> Result<bool, String> {
    let storage = Storage::new(look.context.live.client(), &look.target.storage);
    let history = storage.history(&look.target.name).await.map_err(|error| chain(&error))?;
    // Somebody else has taken it out already.
    let Some(last) = history.last() else { return Ok(false) };
    let keeps = look.release.spec.uninstall.as_ref().is_some_and(|uninstall| uninstall.keep_history);
    if last.release.info.status == Status::Uninstalled {
        if !keeps {
            purge(&storage, &history).await?;
        }
        return Ok(true);
    }
    let mut record = last.release.clone();
    let manner = target::uninstall(&look.release);
    record.info.status = Status::Uninstalling;
    record.info.deleted = Some(belay_cluster::now().to_string());
    record.info.description = "Deletion in progress (or silently failed)".to_owned();
    hooks::run(look, &storage, &mut record, "pre-delete", manner.timeout).await?;
    storage.update(&record).await.map_err(|error| chain(&error))?;
    delete_objects(look, &record, !manner.disable_wait).await?;
    hooks::run(look, &storage, &mut record, "post-delete", manner.timeout).await?;
    record.info.status = Status::Uninstalled;
    record.info.description = "Uninstallation complete".to_owned();
    status::recorded(&mut look.release.status, &record, Action::Install);
    match keeps {
        true => keep(&storage, &history, &record).await?,
        false => purge(&storage, &history).await?,
    }
    Ok(true)
}

async fn delete_objects(look: &mut Look<'_>, record: &Release, waits: bool) -> Result<(), String> {
    let manner = target::uninstall(&look.release);
    let objects = recorded(look, &record.manifest).await?;
    look.watch(&objects).await?;
    let live: Vec<Arc<Object>> = objects.iter().filter_map(|object| look.live(&object.key())).collect();
    let steps = super::objects::deletes(&live, &look.target);
    let keys: Vec<ObjectKey> = steps.iter().map(|step| step.key.clone()).collect();
    look.carry_out(&Plan { steps }).await?;
    if waits { look.wait(WaitFor::Gone, &keys, manner.timeout).await } else { Ok(()) }
}

/// The objects of a record's manifest, placed.
pub(crate) async fn recorded(look: &Look<'_>, manifest: &str) -> Result<Vec<Object>, String> {
    look.learn_kinds(content::kinds_of(manifest).map_err(|error| chain(&error))?).await;
    let scope = |kind: &GroupVersionKind| look.scope(kind);
    content::recorded_objects(manifest, &look.target, &scope).map_err(|error| chain(&error))
}

/// With `keepHistory`: the record stays, and nothing counts as deployed.
async fn keep(storage: &Storage, history: &[Stored], record: &Release) -> Result<(), String> {
    storage.update(record).await.map_err(|error| chain(&error))?;
    for stored in history {
        let mut release = stored.release.clone();
        if release.version == record.version || release.info.status != Status::Deployed {
            continue;
        }
        release.info.status = Status::Superseded;
        storage.update(&release).await.map_err(|error| chain(&error))?;
    }
    Ok(())
}

async fn purge(storage: &Storage, history: &[Stored]) -> Result<(), String> {
    for stored in history {
        storage.delete(&stored.release).await.map_err(|error| chain(&error))?;
    }
    Ok(())
}

/// Whether there is a release of ours to take out.
pub(crate) fn is_there(look: &Look<'_>) -> bool {
    !look.release.status.storage_namespace.is_empty() && !look.release.status.history.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helm_release::state::target_changed;
    use belay_crd::Described;
    use belay_flux_api::HelmRelease;
    use serde_json::json;

    #[test]
    fn another_target_is_noticed() {
        let release = HelmRelease::read(json!({
            "metadata": {"name": "web", "namespace": "apps"},
            "spec": {"targetNamespace": "prod"},
            "status": {"storageNamespace": "apps", "history": [
                {"name": "web", "namespace": "apps", "version": 1, "chartName": "web"}]},
        }))
        .unwrap();
        let target = Target::of(&release);
        assert_eq!(target_changed(&release, &target, "web"), Some("release namespace"));
        let same = Target { name: "web".into(), namespace: "apps".into(), ..target };
        assert_eq!(target_changed(&release, &same, "web"), None);
        assert_eq!(target_changed(&release, &same, "shop"), Some("chart name"));
    }
}
