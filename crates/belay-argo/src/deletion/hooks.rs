//! Hooks around the deletion of an app: those before its objects go, and those after.

use std::sync::Arc;

use belay_apply::{ApplySettings, carry_out, delete_hook};
use belay_argo_api::Application;
use belay_health::argo::Status;
use belay_manifest::Object;
use belay_plan::sync::{DeletePolicy, delete_policies, is_post_delete, is_pre_delete};
use belay_plan::{Action, Desired, Plan, Step, Treatment};
use kube::api::PropagationPolicy;
use serde_json::{Value, json};

use crate::context::{Context, FIELD_MANAGER};
use crate::desired::{self, Asked, Purpose};
use crate::health::health;
use crate::prepare::{Prepared, Wanted};
use crate::project::{Bounds, scope_of};
use crate::sources::Sources;
use crate::tracking::{Target, live_objects};
use crate::write;

/// When a hook runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the app's objects are deleted.
    Before,
    /// After they were.
    After,
}

impl When {
    /// The finalizer that holds the app until its hooks have run.
    pub(super) fn finalizer(self) -> &'static str {
        match self {
            When::Before => "pre-delete-finalizer.argocd.argoproj.io",
            When::After => "post-delete-finalizer.argocd.argoproj.io",
        }
    }

    /// The finalizer that holds the app until its hooks have gone.
    pub(super) fn cleanup(self) -> &'static str {
        match self {
            When::Before => "pre-delete-finalizer.argocd.argoproj.io/cleanup",
            When::After => "post-delete-finalizer.argocd.argoproj.io/cleanup",
        }
    }

    fn is_time_of(self, object: &Object) -> bool {
        match self {
            When::Before => is_pre_delete(object),
            When::After => is_post_delete(object),
        }
    }

    fn name(self) -> &'static str {
        match self {
            When::Before => "PreDelete",
            When::After => "PostDelete",
        }
    }
}

/// Gives an app the finalizers of the deletion hooks that Git says, and takes away those of hooks that Git says no more.
pub(crate) async fn keep_finalizers(context: &Context, object: &Object, prepared: &Prepared) {
    let mut finalizers: Vec<String> = object.finalizers().map(str::to_owned).collect();
    let before = finalizers.clone();
    for when in [When::Before, When::After] {
        let is_wanted = prepared.objects.iter().any(|wanted| when.is_time_of(&wanted.object));
        for name in [when.finalizer(), when.cleanup()] {
            finalizers.retain(|known| known != name);
            if is_wanted {
                finalizers.push(name.to_owned());
            }
        }
    }
    let sorted = |names: &[String]| {
        let mut names = names.to_vec();
        names.sort();
        names
    };
    if sorted(&finalizers) != sorted(&before) {
        let version = &object.value()["metadata"]["resourceVersion"];
        let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
        write::patch(context, object, patch).await;
    }
}

/// Runs the hooks; `true` once all have ended well. A failed one is deleted, so that the next try starts anew.
pub(super) async fn run(
    context: &Context,
    object: &Object,
    app: &Application,
    bounds: &Bounds,
    when: When,
) -> Result<bool, String> {
    let sources = Sources::of_app(app).ok_or("the app has no source")?;
    let target = Target::of_app(context, object, app);
    let revisions = sources.revisions(&[]);
    let purpose = Purpose::Comparison;
    let asked = Asked { object, app, sources: &sources, revisions, target: &target, purpose };
    let desired = desired::read(context, &asked).await.map_err(|fault| fault.message)?;
    let wanted: Vec<&Wanted> =
        desired.prepared.objects.iter().filter(|wanted| when.is_time_of(&wanted.object)).collect();
    let refusal =
        |wanted: &&Wanted| bounds.refusal(&wanted.object, scope_of(context.live.kinds(), &wanted.object));
    if let Some(refusal) = wanted.iter().find_map(refusal) {
        return Err(refusal);
    }
    let live: Vec<Arc<Object>> = live_hooks(context, bounds, &target, when);
    let missing = wanted.iter().filter(|wanted| !live.iter().any(|live| live.key() == wanted.object.key()));
    let steps: Vec<Step> = missing
        .map(|wanted| Step {
            key: wanted.object.key(),
            action: Action::Create,
            desired: Some(Desired {
                object: wanted.object.as_ref().clone(),
                origin: wanted.origin.clone(),
                treatment: Treatment::default(),
            }),
            live: None,
            stage: 0,
        })
        .collect();
    if !steps.is_empty() {
        let outcomes = carry_out(&Plan { steps }, &context.live, &settings(context)).await;
        return match outcomes.iter().find_map(|outcome| outcome.result.as_ref().err()) {
            Some(error) => Err(error.chain()),
            None => Ok(false),
        };
    }
    let status = |hook: &Object| health(context, hook).map_or(Status::Healthy, |health| health.status);
    let failed: Vec<&Arc<Object>> = live.iter().filter(|hook| status(hook) == Status::Degraded).collect();
    if !failed.is_empty() {
        for hook in &failed {
            delete(context, hook).await?;
        }
        let names: Vec<String> =
            failed.iter().map(|hook| format!("{}/{}", hook.namespace(), hook.name())).collect();
        return Err(format!("{} hook(s) failed: {}", when.name(), names.join(", ")));
    }
    Ok(!live.iter().any(|hook| status(hook) == Status::Progressing))
}

/// Deletes the hooks whose policy says so; `true` once they have gone.
pub(super) async fn clean_up(
    context: &Context,
    bounds: &Bounds,
    target: &Target,
    when: When,
) -> Result<bool, String> {
    let hooks = live_hooks(context, bounds, target, when);
    let status = |hook: &Object| health(context, hook).map_or(Status::Healthy, |health| health.status);
    let worst = hooks.iter().map(|hook| status(hook)).max().unwrap_or(Status::Healthy);
    let mut has_pending = false;
    for hook in &hooks {
        let is_due = delete_policies(hook).iter().any(|policy| match policy {
            DeletePolicy::HookFailed => worst == Status::Degraded,
            DeletePolicy::HookSucceeded => worst == Status::Healthy,
            DeletePolicy::BeforeHookCreation => false,
        });
        if is_due {
            has_pending = true;
            delete(context, hook).await?;
        }
    }
    Ok(!has_pending)
}

fn live_hooks(context: &Context, bounds: &Bounds, target: &Target, when: When) -> Vec<Arc<Object>> {
    let own = live_objects(context, target).into_iter();
    own.filter(|live| when.is_time_of(live) && bounds.permit_live(live)).collect()
}

async fn delete(context: &Context, hook: &Object) -> Result<(), String> {
    if hook.value()["metadata"]["deletionTimestamp"] != Value::Null {
        return Ok(());
    }
    delete_hook(hook, &context.live, &settings(context)).await.map_err(|error| error.chain())
}

fn settings(context: &Context) -> ApplySettings {
    ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: context.settings.in_flight,
        propagation: PropagationPolicy::Background,
    }
}
