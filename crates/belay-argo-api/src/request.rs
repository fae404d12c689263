//! Operations that people ask for: a sync, and the way back to an earlier one; refused in the words of Argo CD's API.

use crate::{
    Application, ApplicationSource, ApplicationSpec, Operation, OperationInitiator, SyncOperation,
    SyncOperationResource, SyncStrategy, SyncStrategyMode,
};

/// A sync as somebody asks for it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SyncRequest {
    /// Who asks.
    pub username: String,
    /// Another revision than the app's.
    pub revision: Option<String>,
    /// Delete what Git no longer names.
    pub prune: bool,
    /// Only try.
    pub dry_run: bool,
    /// These objects only.
    pub resources: Vec<SyncOperationResource>,
    /// How to apply.
    pub strategy: SyncStrategy,
    /// Options in the place of the app's.
    pub options: Vec<String>,
    /// Objects that are synced in the place of what Git says, each as a text.
    pub manifests: Vec<String>,
}

/// Why an operation is not begun.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Another one is on its way.
    #[error("another operation is already in progress")]
    Busy,
    /// The app is on its way out.
    #[error("application is deleting")]
    Deleting,
    /// The app itself would go back.
    #[error("Cannot sync to {asked}: auto-sync currently set to {own}")]
    Automated {
        /// The revision that is asked for.
        asked: String,
        /// The app's.
        own: String,
    },
    /// The app itself would undo it.
    #[error("cannot use local sync when Automatic Sync Policy is enabled unless for dry run")]
    AutomatedLocally,
    /// One revision does not say which source's it is.
    #[error("an Application with several sources takes no single revision")]
    ManySources,
    /// The app itself would undo it.
    #[error("rollback cannot be initiated when auto-sync is enabled")]
    RollbackOfAutomated,
    /// It was never deployed, or that is long ago.
    #[error("application {app} does not have deployment with id {id}")]
    NoDeployment {
        /// The app, with its namespace.
        app: String,
        /// What was asked for.
        id: i64,
    },
    /// There is nothing to end.
    #[error("Unable to terminate operation. No operation is in progress")]
    NothingToEnd,
}

impl ApplicationSpec {
    /// Whether the app is synced without being asked.
    pub fn is_automated(&self) -> bool {
        let automated = self.sync_policy.as_ref().and_then(|policy| policy.automated.as_ref());
        automated.is_some_and(|automated| automated.enabled.unwrap_or(true))
    }
}

/// The operation that a sync is asked for by.
pub fn sync_operation(app: &Application, request: SyncRequest) -> Result<Operation, RequestError> {
    if !request.manifests.is_empty() && app.spec.is_automated() && !request.dry_run {
        return Err(RequestError::AutomatedLocally);
    }
    let source = app.spec.source.as_ref().filter(|_| app.spec.sources.is_empty());
    if let Some(asked) = &request.revision {
        let own = source.ok_or(RequestError::ManySources)?.target_revision.as_str();
        let is_own = asked == if own.is_empty() { "HEAD" } else { own };
        if !is_own && app.spec.is_automated() && !request.dry_run {
            return Err(RequestError::Automated { asked: asked.clone(), own: own.to_owned() });
        }
    }
    let policy = app.spec.sync_policy.as_ref();
    let sync = SyncOperation {
        source: source.cloned(),
        sources: app.spec.sources.clone(),
        revision: request.revision.unwrap_or_default(),
        prune: request.prune,
        dry_run: request.dry_run,
        resources: request.resources,
        sync_strategy: Some(request.strategy),
        sync_options: match request.options.is_empty() {
            true => policy.map(|policy| policy.sync_options.clone()).unwrap_or_default(),
            false => request.options,
        },
        manifests: request.manifests,
        ..SyncOperation::default()
    };
    let retry = policy.and_then(|policy| policy.retry.clone());
    began(app, Operation { sync: Some(sync), retry, ..by(request.username) })
}

/// The operation that leads back to an entry of the app's history.
pub fn rollback_operation(
    app: &Application,
    id: i64,
    request: SyncRequest,
) -> Result<Operation, RequestError> {
    if app.spec.is_automated() {
        return Err(RequestError::RollbackOfAutomated);
    }
    let is_whole = |source: &ApplicationSource| !source.repo_url.is_empty();
    let entry = app.status.history.iter().find(|entry| entry.id == id);
    let entry =
        entry.filter(|entry| entry.source.as_ref().is_some_and(is_whole) || !entry.sources.is_empty());
    let Some(entry) = entry else {
        let app = format!("{}/{}", app.metadata.namespace, app.metadata.name);
        return Err(RequestError::NoDeployment { app, id });
    };
    let policy = app.spec.sync_policy.as_ref();
    let sync = SyncOperation {
        source: entry.source.clone(),
        sources: entry.sources.clone(),
        revision: entry.revision.clone(),
        revisions: entry.revisions.clone(),
        prune: request.prune,
        dry_run: request.dry_run,
        sync_options: policy.map(|policy| policy.sync_options.clone()).unwrap_or_default(),
        sync_strategy: Some(SyncStrategy {
            apply: Some(SyncStrategyMode::default()),
            ..SyncStrategy::default()
        }),
        ..SyncOperation::default()
    };
    began(app, Operation { sync: Some(sync), ..by(request.username) })
}

/// That there is an operation which can be ended.
pub fn check_termination(app: &Application) -> Result<(), RequestError> {
    match (&app.operation, &app.status.operation_state) {
        (Some(_), Some(_)) => Ok(()),
        _ => Err(RequestError::NothingToEnd),
    }
}

fn by(username: String) -> Operation {
    let initiator = OperationInitiator { username, ..OperationInitiator::default() };
    Operation { initiated_by: Some(initiator), ..Operation::default() }
}

fn began(app: &Application, operation: Operation) -> Result<Operation, RequestError> {
    if !app.metadata.deletion_timestamp.is_unset() {
        return Err(RequestError::Deleting);
    }
    if app.operation.is_some() {
        return Err(RequestError::Busy);
    }
    Ok(operation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::{Value, json};

    fn app(extra: Value) -> Application {
        let mut app = json!({"metadata": {"name": "web", "namespace": "argocd"},
            "spec": {"project": "default", "destination": {},
                "source": {"repoURL": "u", "path": "p", "targetRevision": "main"},
                "syncPolicy": {"syncOptions": ["Validate=false"], "retry": {"limit": 2}}},
            "status": {"history": [{"id": 3, "revision": "r3", "source": {"repoURL": "u", "path": "old"}},
                {"id": 4, "revision": "r4"}]}});
        for (pointer, value) in extra.as_object().unwrap() {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            app.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        serde_json::from_value(app).unwrap()
    }

    fn asked(revision: &str) -> SyncRequest {
        SyncRequest { revision: Some(revision.to_owned()), ..SyncRequest::default() }
    }

    #[test]
    fn a_sync_takes_what_the_app_says_unless_asked_otherwise() {
        let plain = sync_operation(&app(json!({})), asked("v1")).unwrap().write();
        assert_eq!(plain["sync"]["syncOptions"], json!(["Validate=false"]));
        assert_eq!((&plain["sync"]["revision"], &plain["retry"]["limit"]), (&json!("v1"), &json!(2)));
        let options = vec!["Replace=true".to_owned()];
        let own = sync_operation(&app(json!({})), SyncRequest { options, ..SyncRequest::default() }).unwrap();
        assert_eq!(own.write()["sync"]["syncOptions"], json!(["Replace=true"]));
    }

    #[test]
    fn what_would_be_undone_is_refused() {
        let automated = app(json!({"/spec/syncPolicy/automated": {}}));
        let error = sync_operation(&automated, asked("v1")).unwrap_err();
        assert_eq!(error.to_string(), "Cannot sync to v1: auto-sync currently set to main");
        assert!(sync_operation(&automated, asked("main")).is_ok());
        assert!(sync_operation(&automated, SyncRequest { dry_run: true, ..asked("v1") }).is_ok());
        let local = SyncRequest { manifests: vec!["{}".to_owned()], ..SyncRequest::default() };
        assert_eq!(sync_operation(&automated, local), Err(RequestError::AutomatedLocally));
        let back = rollback_operation(&automated, 3, SyncRequest::default());
        assert_eq!(back, Err(RequestError::RollbackOfAutomated));
        let off = app(json!({"/spec/syncPolicy/automated": {"enabled": false}}));
        assert!(sync_operation(&off, asked("v1")).is_ok());
    }

    #[test]
    fn one_operation_at_a_time() {
        let busy = app(json!({"/operation": {"sync": {}}}));
        assert_eq!(sync_operation(&busy, SyncRequest::default()), Err(RequestError::Busy));
        assert_eq!(check_termination(&busy), Err(RequestError::NothingToEnd));
        let deleting = app(json!({"/metadata/deletionTimestamp": "2026-01-01T00:00:00Z"}));
        assert_eq!(sync_operation(&deleting, SyncRequest::default()), Err(RequestError::Deleting));
        let state = json!({"phase": "Running", "startedAt": "2026-01-01T00:00:00Z", "operation": {}});
        let running = app(json!({"/operation": {"sync": {}}, "/status/operationState": state}));
        assert_eq!(check_termination(&running), Ok(()));
    }

    #[test]
    fn the_way_back_is_an_entry_of_the_history() {
        let back = rollback_operation(&app(json!({})), 3, SyncRequest::default()).unwrap().write();
        assert_eq!(
            (&back["sync"]["revision"], &back["sync"]["source"]["path"]),
            (&json!("r3"), &json!("old"))
        );
        for id in [4, 9] {
            let error = rollback_operation(&app(json!({})), id, SyncRequest::default()).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("application argocd/web does not have deployment with id {id}")
            );
        }
    }
}
