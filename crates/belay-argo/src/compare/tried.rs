//! What the API server makes of an apply, mutating webhooks and all, for apps that count what these change
//! (`IncludeMutationWebhook=true`). Asked once for each state of an object that a webhook may change.

use std::collections::HashMap;
use std::sync::Arc;

use belay_apply::{ApplyError, ApplySettings, concern, try_apply};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use belay_plan::sync::{ADMISSION_GROUP, Judges, Settings, is_hook, is_skipped, method};
use futures::{StreamExt, stream};
use kube::api::PropagationPolicy;

use crate::context::{Context, FIELD_MANAGER};
use crate::fault::Fault;
use crate::prepare::Prepared;

const MUTATING: &str = "MutatingWebhookConfiguration";

/// The API server's answers for the objects of one app.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    answers: HashMap<ObjectKey, Answer>,
}

/// One state of an object that a webhook may change.
#[derive(Debug, Clone)]
struct Question {
    desired: Arc<Object>,
    live: Arc<Object>,
    /// The webhooks that may: names and versions. A change of others is no reason to ask again.
    webhooks: Vec<(String, String)>,
}

/// The answer to it.
#[derive(Debug, Clone)]
struct Answer {
    question: Question,
    predicted: Arc<Object>,
}

impl Question {
    fn is_same(&self, other: &Question) -> bool {
        self.webhooks == other.webhooks && self.is_of(&other.desired, &other.live)
    }

    fn is_of(&self, desired: &Object, live: &Object) -> bool {
        version(&self.live) == version(live) && *self.desired == *desired
    }
}

impl Tried {
    /// What the API server would make of the live object, if it was asked.
    pub(crate) fn answer(&self, key: &ObjectKey, desired: &Object, live: &Object) -> Option<&Arc<Object>> {
        let answer = self.answers.get(key).filter(|answer| answer.question.is_of(desired, live));
        answer.map(|answer| &answer.predicted)
    }
}

/// Asks the API server for what is not known yet. Without `counts` nothing is asked, and nothing known any more.
pub(crate) async fn try_applies(
    context: &Context,
    app: &ObjectKey,
    prepared: &Prepared,
    settings: &Settings,
    counts: bool,
) -> Result<(), Fault> {
    let known = context.tried(app);
    if !counts {
        if !known.answers.is_empty() {
            context.remember_tried(app, Tried::default());
        }
        return Ok(());
    }
    let mut tried = Tried::default();
    let mut unknown = Vec::new();
    for question in questions(context, prepared, settings, &webhooks(context).await) {
        let key = question.desired.key();
        match known.answers.get(&key).filter(|answer| answer.question.is_same(&question)) {
            Some(answer) => drop(tried.answers.insert(key, answer.clone())),
            None => unknown.push(ask(context, question)),
        }
    }
    let in_flight = context.settings.in_flight.max(1);
    let answers: Vec<_> = stream::iter(unknown).buffered(in_flight).collect().await;
    let mut fault = None;
    for answer in answers {
        match answer {
            Ok(answer) => drop(tried.answers.insert(answer.question.desired.key(), answer)),
            Err(other) => fault = fault.or(Some(other)),
        }
    }
    context.remember_tried(app, tried);
    fault.map_or(Ok(()), Err)
}

/// A mutating webhook configuration.
struct Webhook {
    version: (String, String),
    judges: Judges,
}

/// The mutating webhooks of the app's cluster, from a watch. Where they may not be listed, none is known.
async fn webhooks(context: &Context) -> Vec<Webhook> {
    let kind = GroupVersionKind::new(&format!("{ADMISSION_GROUP}/v1"), MUTATING);
    if let Err(error) = context.live.ensure(&kind).await {
        tracing::debug!(%error, "compared without asking webhooks");
        return Vec::new();
    }
    let mut found = context.live.of_kind(ADMISSION_GROUP, MUTATING);
    found.sort_by(|one, other| one.name().cmp(other.name()));
    let webhook = |object: Arc<Object>| Webhook { version: version(&object), judges: Judges::of(&[object]) };
    found.into_iter().map(webhook).collect()
}

/// Of the objects that are there, are compared by server-side apply and may be changed by a webhook.
fn questions(
    context: &Context,
    prepared: &Prepared,
    settings: &Settings,
    webhooks: &[Webhook],
) -> Vec<Question> {
    let question = |desired: &Arc<Object>| {
        if is_hook(desired)
            || is_skipped(desired)
            || method(desired, settings) != belay_diff::Method::ServerSide
        {
            return None;
        }
        let concerns = |webhook: &&Webhook| concern(&context.live, &webhook.judges, desired, false);
        let webhooks: Vec<_> =
            webhooks.iter().filter(concerns).map(|webhook| webhook.version.clone()).collect();
        let live = (!webhooks.is_empty()).then(|| context.live.get(&desired.key()))??;
        Some(Question { desired: desired.clone(), live, webhooks })
    };
    prepared.objects.iter().filter_map(|wanted| question(&wanted.object)).collect()
}

async fn ask(context: &Context, question: Question) -> Result<Answer, Fault> {
    let settings = ApplySettings {
        manager: FIELD_MANAGER.to_owned(),
        in_flight: 1,
        propagation: PropagationPolicy::Background,
    };
    match try_apply(&question.desired, &context.live, &settings).await {
        Ok(predicted) => Ok(Answer { question, predicted: Arc::new(predicted) }),
        Err(error) => Err(fault(&question.desired, &error)),
    }
}

fn fault(desired: &Object, error: &ApplyError) -> Fault {
    Fault::passing(format!(
        "Failed to compare desired state to live state: failed to calculate diff: error calculating server side diff: \
         serverSideDiff error: error running server side apply in dryrun mode for resource {}/{}: {}",
        desired.kind(),
        desired.name(),
        error.reason()
    ))
}

fn version(object: &Object) -> (String, String) {
    (format!("{}/{}", object.name(), object.uid()), object.resource_version().to_owned())
}
