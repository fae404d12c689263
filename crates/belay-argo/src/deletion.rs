//! An Application that is being deleted: its objects first, last waves first, with the hooks around them.

mod hooks;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use belay_apply::{ApplySettings, carry_out, release_hook};
use belay_argo_api::Application;
use belay_cluster::LiveError;
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{deletion_rank, is_hook, wave, words};
use belay_plan::{Plan, Step};
use jiff::Timestamp;
use kube::api::PropagationPolicy;
use serde_json::json;

pub(crate) use hooks::keep_finalizers;

use self::hooks::When;
use crate::clusters::NoCluster;
use crate::context::{Context, FIELD_MANAGER};
use crate::desired::{self, Purpose};
use crate::project::{self, Bounds, Checked, account, bounds_of};
use crate::sync::{is_confirmed, own_or_app_option};
use crate::tracking::{Target, live_objects};
use crate::{traces, write};

/// How soon the objects that are on their way out are looked at again.
const AGAIN: Duration = Duration::from_millis(500);
/// How soon what could not be done is tried again.
const AFTER_FAULT: Duration = Duration::from_secs(10);
/// How long Git is waited for when an app is deleted.
const LONGEST_SEARCH: Duration = Duration::from_secs(15);
const CASCADE: [&str; 3] = [
    "resources-finalizer.argocd.argoproj.io",
    "resources-finalizer.argocd.argoproj.io/foreground",
    "resources-finalizer.argocd.argoproj.io/background",
];

/// Walks an app's deletion: hooks before, objects, hooks after, hooks away. Each part ends with its finalizer; without
/// the resources finalizer no object is deleted. An app whose destination is no cluster any more goes without.
pub(crate) async fn finish(
    context: &Context,
    object: &Object,
    app: &Application,
    no_cluster: Option<NoCluster>,
) -> Option<Duration> {
    let finalizers: Vec<&str> = object.finalizers().collect();
    let reached = match no_cluster {
        Some(none) if !none.has_secret => {
            return (!release_all(context, object, &finalizers).await).then_some(AFTER_FAULT);
        }
        Some(unusable) => Err(unusable.message),
        None => traces::watch(context, app).await.map_err(|fault| fault.message),
    };
    if let Err(message) = reached {
        write::deletion_error(context, object, app, &message).await;
        return Some(AFTER_FAULT);
    }
    let has = |name: &str| finalizers.contains(&name);
    let target = Target::of_app(context, object, app);
    let bounds = match bounds_of(context, object, app) {
        Ok(bounds) => bounds,
        Err(fault) => {
            let message = fault.no_project.unwrap_or(fault.message);
            return give_up(context, object, app, &message).await;
        }
    };
    let acting = match acting(context, app, &bounds, &target) {
        Ok(acting) => acting,
        Err(message) => return give_up(context, object, app, &message).await,
    };
    let context = acting.as_ref().unwrap_or(context);
    let cascade = finalizers.iter().find(|name| CASCADE.contains(name));
    let (finalizer, done) = if has(When::Before.finalizer()) {
        (When::Before.finalizer(), hooks::run(context, object, app, &bounds, When::Before).await)
    } else if let Some(cascade) = cascade {
        let background = cascade.ends_with("/background");
        (*cascade, delete_objects(context, object, app, &bounds, &target, background).await)
    } else if has(When::After.finalizer()) {
        (When::After.finalizer(), hooks::run(context, object, app, &bounds, When::After).await)
    } else if has(When::Before.cleanup()) {
        (When::Before.cleanup(), hooks::clean_up(context, &bounds, &target, When::Before).await)
    } else if has(When::After.cleanup()) {
        (When::After.cleanup(), hooks::clean_up(context, &bounds, &target, When::After).await)
    } else {
        return None;
    };
    match done {
        Ok(true) => {
            let is_released = release(context, object, &finalizers, finalizer).await;
            Some(if is_released { Duration::ZERO } else { AFTER_FAULT })
        }
        Ok(false) => Some(AGAIN),
        Err(message) => give_up(context, object, app, &message).await,
    }
}

/// The context in which objects are deleted, when that is a service account's.
fn acting(
    context: &Context,
    app: &Application,
    bounds: &Bounds,
    target: &Target,
) -> Result<Option<Context>, String> {
    let failed = |reason: String| {
        format!("cannot apply impersonation: error deriving service account to impersonate: {reason}")
    };
    let Some(user) = account(&target.system, bounds, app).map_err(failed)? else { return Ok(None) };
    let acting = context.acting_as(&user);
    acting.map(Some).ok_or_else(|| failed(format!("{user:?} is no name")))
}

async fn give_up(context: &Context, object: &Object, app: &Application, message: &str) -> Option<Duration> {
    tracing::warn!(app = %object.key(), message, "not deleted yet");
    write::deletion_error(context, object, app, message).await;
    Some(AFTER_FAULT)
}

/// Deletes what the app tracks and its project permits, wave by wave in reverse order; `true` once all of it has gone.
async fn delete_objects(
    context: &Context,
    object: &Object,
    app: &Application,
    bounds: &Bounds,
    target: &Target,
    background: bool,
) -> Result<bool, String> {
    if context.leftovers.may_find_more() {
        return Ok(false);
    }
    find_objects(context, object, app).await;
    let not_known = |error: LiveError| error.to_string();
    traces::know_current(context, app).await.map_err(not_known)?;
    // A restored backup of the cluster may have taken the deletion back.
    if !context.home.still_stands(object).await.map_err(not_known)? {
        return Ok(false);
    }
    let mut objects: Vec<Arc<Object>> = live_objects(context, target);
    objects.retain(|live| bounds.permit_live(live) && is_deleted_with(app, live));
    if objects.is_empty() {
        return Ok(true);
    }
    for hook in objects.iter().filter(|live| is_hook(live)) {
        // No sync waits for it any more.
        release_hook(hook, &context.live).await.map_err(|error| error.chain())?;
    }
    if objects.iter().any(|live| !live.value()["metadata"]["deletionTimestamp"].is_null()) {
        return Ok(false);
    }
    if !is_approved(object) && need_confirmation(app, &objects) {
        return Ok(false);
    }
    objects.sort_by_key(|live| deletion_rank(live));
    let last = objects.iter().map(|live| wave(live)).max().unwrap_or(0);
    let now = objects.iter().filter(|live| wave(live) == last);
    let steps = now.map(Step::prune);
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: if background { PropagationPolicy::Background } else { PropagationPolicy::Foreground },
    };
    let outcomes = carry_out(&Plan { steps: steps.collect() }, &context.live, &settings).await;
    match outcomes.iter().find_map(|outcome| outcome.result.as_ref().err()) {
        Some(error) => Err(error.chain()),
        None => Ok(false),
    }
}

/// Whether a live object goes with its app: its own option comes before the app's, and a chart may keep it.
fn is_deleted_with(app: &Application, live: &Object) -> bool {
    let kept_by_helm = words(live, "helm.sh/resource-policy").any(|word| word == "keep");
    let is_definition = live.kind() == "CustomResourceDefinition";
    let is_the_app = live.kind() == "Application"
        && live.name() == app.metadata.name
        && live.namespace() == app.metadata.namespace;
    deletion_option(app, live) != Some("false") && !kept_by_helm && !is_definition && !is_the_app
}

fn deletion_option<'a>(app: &'a Application, live: &'a Object) -> Option<&'a str> {
    own_or_app_option(app, live, "Delete")
}

/// Whether an object, in Git or in the cluster, says that it is only deleted when a person agrees, be it with its app or
/// because it left Git.
pub(crate) fn asks_for_confirmation(app: &Application, object: &Object) -> bool {
    ["Delete", "Prune"].iter().any(|name| own_or_app_option(app, object, name) == Some("confirm"))
}

/// Whether a person has to agree first: an object says so, or what Git said of it when it was last compared.
fn need_confirmation(app: &Application, objects: &[Arc<Object>]) -> bool {
    let told = app.status.resources.iter().filter(|one| one.requires_deletion_confirmation);
    let told: HashSet<ObjectKey> = told.map(traces::key_of).collect();
    objects.iter().any(|live| asks_for_confirmation(app, live) || told.contains(&live.key()))
}

fn is_approved(app: &Object) -> bool {
    let since = app.value()["metadata"]["deletionTimestamp"].as_str();
    let since = since.and_then(|text| text.parse::<Timestamp>().ok());
    since.is_some_and(|since| is_confirmed(app, since))
}

/// Lets an app go whose objects cannot be looked for. Gives whether that is written.
async fn release_all(context: &Context, object: &Object, finalizers: &[&str]) -> bool {
    let ours = [When::Before, When::After].map(|when| [when.finalizer(), when.cleanup()]);
    let ours: Vec<&str> = ours.into_iter().flatten().chain(CASCADE).collect();
    let kept: Vec<_> = finalizers.iter().filter(|name| !ours.contains(name)).collect();
    if kept.len() == finalizers.len() {
        return true;
    }
    tracing::info!(app = %object.key(), "deleted without its objects: its destination is no cluster");
    let version = &object.value()["metadata"]["resourceVersion"];
    write::patch(context, object, json!({"metadata": {"finalizers": kept, "resourceVersion": version}})).await
}

/// Takes one finalizer away. Gives whether that is written.
async fn release(context: &Context, object: &Object, finalizers: &[&str], finalizer: &str) -> bool {
    let kept: Vec<_> = finalizers.iter().filter(|name| **name != finalizer).collect();
    let version = &object.value()["metadata"]["resourceVersion"];
    write::patch(context, object, json!({"metadata": {"finalizers": kept, "resourceVersion": version}})).await
}

/// Finds what an app has left in the cluster, for a process that has not looked at it yet: a sync may have been cut off
/// before the status told of its objects, so Git is asked, too.
async fn find_objects(context: &Context, object: &Object, app: &Application) {
    let key = object.key();
    if context.recall(&key, |memory| memory.is_found) || context.desired(&key, Purpose::Comparison).is_some()
    {
        return;
    }
    let read = async {
        let Checked { sources, .. } = project::check(context, object, app, None)?;
        desired::newest(context, object, app, &sources, &Target::of_app(context, object, app)).await
    };
    match tokio::time::timeout(LONGEST_SEARCH, read).await {
        Ok(Ok(_)) => {}
        Ok(Err(fault)) => tracing::info!(app = %key, fault.message, "deleted without asking Git"),
        Err(_late) => tracing::info!(app = %key, "deleted without Git's answer"),
    }
    context.remember(&key, |memory| memory.is_found = true);
}
