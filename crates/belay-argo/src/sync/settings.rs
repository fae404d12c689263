//! From an operation and its options to what a sync is asked for.

use belay_argo_api::{Application, OperationState, SyncOperation};
use belay_manifest::Object;
use belay_plan::sync::{Settings, option};
use jiff::Timestamp;
use kube::api::PropagationPolicy;

use super::operation::sync_of;

/// Options of a sync, by the operation, else by the app.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Options(Vec<String>);

/// The options of an operation; one that names none takes the app's.
pub(crate) fn options_of(app: &Application, sync: &SyncOperation) -> Options {
    if sync.sync_options.is_empty() {
        return Options(app_options(app).to_vec());
    }
    Options(sync.sync_options.clone())
}

fn app_options(app: &Application) -> &[String] {
    app.spec.sync_policy.as_ref().map(|policy| policy.sync_options.as_slice()).unwrap_or_default()
}

/// What an option says for an object: its own word, or else the app's.
pub(crate) fn own_or_app_option<'a>(app: &'a Application, object: &'a Object, name: &str) -> Option<&'a str> {
    option(object, name).or_else(|| value(app_options(app), name))
}

fn value<'a>(options: &'a [String], name: &str) -> Option<&'a str> {
    options.iter().find_map(|own| own.strip_prefix(name)?.strip_prefix('='))
}

impl Options {
    /// Whether this option is there, `Replace=true` say.
    pub(crate) fn has(&self, option: &str) -> bool {
        self.0.iter().any(|own| own == option)
    }

    /// The value of an option.
    fn value(&self, name: &str) -> Option<&str> {
        value(&self.0, name)
    }

    /// How dependents go when an object is deleted.
    pub(crate) fn propagation(&self) -> PropagationPolicy {
        match self.value("PrunePropagationPolicy") {
            Some("background") => PropagationPolicy::Background,
            Some("orphan") => PropagationPolicy::Orphan,
            _ => PropagationPolicy::Foreground,
        }
    }
}

/// What an operation is asked for.
pub(crate) fn settings(
    app: &Application,
    object: &Object,
    state: &OperationState,
    revision: &str,
) -> Settings {
    let sync = sync_of(state);
    let options = options_of(app, &sync);
    let strategy = sync.sync_strategy.clone().unwrap_or_default();
    let is_forced =
        |mode: &Option<belay_argo_api::SyncStrategyMode>| mode.as_ref().is_some_and(|mode| mode.force);
    let started = state.started_at.get();
    Settings {
        dry_run: sync.dry_run,
        prune: sync.prune,
        skip_hooks: strategy.apply.is_some() || !sync.resources.is_empty(),
        force: is_forced(&strategy.apply) || is_forced(&strategy.hook),
        replace: options.has("Replace=true"),
        server_side: options.has("ServerSideApply=true"),
        prune_last: options.has("PruneLast=true"),
        prune_option: options.value("Prune").map(str::to_owned),
        confirmed: started.is_some_and(|started| is_confirmed(object, started)),
        out_of_sync_only: options.has("ApplyOutOfSyncOnly=true"),
        skip_dry_run_on_missing: options.has("SkipDryRunOnMissingResource=true"),
        validate: !options.has("Validate=false"),
        namespace: app.spec.destination.namespace.clone(),
        revision: revision.to_owned(),
        started: started.map(Timestamp::as_second).unwrap_or_default(),
        hook_mark: started.map(|started| {
            let commit: String = revision.chars().take(7).collect();
            // A status has no parts of seconds.
            let started = started.strftime("%FT%TZ");
            format!("{started} {commit} {}", state.retry_count.unwrap_or_default())
        }),
    }
}

/// What matters for a comparison outside of an operation: how objects are applied.
pub(crate) fn compare_settings(
    app: &Application,
    object: &Object,
    system: &crate::settings::Settings,
) -> Settings {
    let server_side = app_options(app).iter().any(|own| own == "ServerSideApply=true")
        || system.parameters.server_side_diff
        || compared(object, "ServerSideDiff=true");
    Settings {
        server_side: server_side && !compared(object, "ServerSideDiff=false"),
        namespace: app.spec.destination.namespace.clone(),
        ..Settings::default()
    }
}

/// Whether what mutating webhooks change counts for a comparison; without `ServerSideDiff` it never does.
pub(crate) fn counts_webhooks(object: &Object, system: &crate::settings::Settings) -> bool {
    let by_server = system.parameters.server_side_diff || compared(object, "ServerSideDiff=true");
    by_server && !compared(object, "ServerSideDiff=false") && compared(object, "IncludeMutationWebhook=true")
}

/// Whether an app has this word among its compare options.
fn compared(object: &Object, word: &str) -> bool {
    belay_plan::sync::words(object, "argocd.argoproj.io/compare-options").any(|own| own == word)
}

/// Whether somebody has confirmed the deletions of something that began then.
pub(crate) fn is_confirmed(object: &Object, since: Timestamp) -> bool {
    let approved = object.annotation("argocd.argoproj.io/deletion-approved");
    approved.and_then(|text| text.parse::<Timestamp>().ok()).is_some_and(|approved| approved >= since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn webhooks_count_where_the_server_compares() {
        let counts = |words: &str, everywhere| {
            let metadata = json!({"name": "a", "annotations": {"argocd.argoproj.io/compare-options": words}});
            let app =
                json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": metadata});
            let mut system = crate::settings::Settings::default();
            system.parameters.server_side_diff = everywhere;
            counts_webhooks(&Object::new(app).unwrap(), &system)
        };
        assert!(counts("ServerSideDiff=true,IncludeMutationWebhook=true", false));
        assert!(counts("IncludeMutationWebhook=true", true));
        assert!(!counts("IncludeMutationWebhook=true", false));
        assert!(!counts("ServerSideDiff=false,IncludeMutationWebhook=true", true));
        assert!(!counts("ServerSideDiff=true", false));
    }
}
