//! Admission webhooks: which of them a write meets, and what they say to it.
//!
//! A write is done under the state's lock, where nobody waits. So a write that meets a webhook that was not asked yet
//! ends there; the webhook is asked without the lock, and the write is done again with its answer. An answer counts for
//! the version of the object that it was given for: when another write came between, the webhook is asked anew.

mod call;
mod hook;
mod inside;
mod review;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use belay_schema::{convert, json_patch};
use serde_json::{Value, json};

use self::call::Call;
use self::hook::{Hook, Subject, hooks};
pub(crate) use self::inside::Inside;
pub use self::inside::WebhookAnswer;
use self::review::Verdict;
use crate::cluster::{Cluster, State};
use crate::object::resource_version;
use crate::request::{Request, Target, User};
use crate::status::ApiError;

/// What a write does, as webhooks' rules name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Operation {
    Create,
    Update,
    Delete,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Create => "CREATE",
            Self::Update => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// Webhooks that change objects, and those that only judge them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Stage {
    Mutating,
    Validating,
}

/// One request, as far as webhooks are concerned.
#[derive(Debug)]
pub(crate) struct Admission {
    user: User,
    /// `CreateOptions` and the like, as the request gives them.
    options: Value,
    dry_run: bool,
    asked: Mutex<Asked>,
}

/// Who was asked so far.
#[derive(Debug, Default)]
struct Asked {
    answers: HashMap<Key, Result<Verdict, String>>,
    pending: Option<(Key, Call)>,
    warnings: Vec<String>,
    generated: Option<String>,
}

/// One question to one webhook.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    stage: Stage,
    operation: Operation,
    configuration: String,
    webhook: String,
    /// The version of the object that it is about; empty for one to be made.
    version: String,
}

/// Do a write, asking the webhooks that it meets.
pub(crate) async fn admitted<T>(
    cluster: &Arc<Cluster>,
    admission: &Admission,
    mut write: impl FnMut(&mut State) -> Result<T, ApiError>,
) -> Result<T, ApiError> {
    loop {
        let result = cluster.with(&mut write);
        let Some((key, call)) = admission.lock().pending.take() else { return result };
        let answer = call.ask(cluster.inside.get(&call.url)).await;
        admission.lock().answers.insert(key, answer);
    }
}

impl Admission {
    pub(crate) fn new(request: &Request, options: Value, dry_run: bool) -> Self {
        Self { user: request.user.clone(), options, dry_run, asked: Mutex::default() }
    }

    /// The name that is made for an object without one, the same however often the write is begun.
    pub(crate) fn generated(&self, make: impl FnOnce() -> String) -> String {
        self.lock().generated.get_or_insert_with(make).clone()
    }

    /// What webhooks want the client to be told.
    pub(crate) fn warnings(&self) -> Vec<String> {
        std::mem::take(&mut self.lock().warnings)
    }

    /// Let webhooks change what is to be stored.
    pub(crate) fn mutate(
        &self,
        state: &State,
        target: &Target,
        operation: Operation,
        object: &mut Value,
        live: Option<&Value>,
    ) -> Result<(), ApiError> {
        for hook in hooks(state, target, Stage::Mutating) {
            // The API server does not show them what is deleted.
            let old = live.filter(|_| operation != Operation::Delete);
            let subject =
                Subject { operation, object: Some(&*object).filter(|_| operation != Operation::Delete), old };
            let Some(version) = hook.meets(state, target, &subject)? else { continue };
            let verdict = self.verdict(&hook, target, &version, &subject, live)?;
            let Some(patch) = verdict.patch else { continue };
            if operation == Operation::Delete {
                return Err(internal(&format!(
                    "failed calling webhook {:?}: webhook attempted to modify the object, which is not supported for this operation",
                    hook.name()
                )));
            }
            let shown = convert(object, &target.definition.api_version(&version));
            let patched = json_patch(&shown, &patch).map_err(|error| internal(&error.to_string()))?;
            *object = convert(&patched, &target.api_version());
        }
        Ok(())
    }

    /// Let webhooks refuse what is to be stored, or to be deleted.
    pub(crate) fn validate(
        &self,
        state: &State,
        target: &Target,
        operation: Operation,
        object: Option<&Value>,
        live: Option<&Value>,
    ) -> Result<(), ApiError> {
        for hook in hooks(state, target, Stage::Validating) {
            let subject = Subject { operation, object, old: live };
            let Some(version) = hook.meets(state, target, &subject)? else { continue };
            self.verdict(&hook, target, &version, &subject, live)?;
        }
        Ok(())
    }

    /// What a webhook says: known already, or to be asked.
    fn verdict(
        &self,
        hook: &Hook,
        target: &Target,
        version: &str,
        subject: &Subject<'_>,
        live: Option<&Value>,
    ) -> Result<Verdict, ApiError> {
        if self.dry_run && !hook.is_harmless() {
            let message = format!("admission webhook {:?} does not support dry run", hook.name());
            return Err(ApiError::bad_request(message));
        }
        let key = Key {
            stage: hook.stage,
            operation: subject.operation,
            configuration: hook.configuration.clone(),
            webhook: hook.name().to_owned(),
            version: live.map(|live| resource_version(live).to_owned()).unwrap_or_default(),
        };
        let mut asked = self.lock();
        let Some(answer) = asked.answers.get(&key).cloned() else {
            let review = review::request(self, target, version, subject);
            let call = hook.call(review)?;
            asked.pending = Some((key, call));
            return Err(internal("an admission webhook was not asked yet"));
        };
        match answer {
            Ok(verdict) => {
                for warning in &verdict.warnings {
                    if !asked.warnings.contains(warning) {
                        asked.warnings.push(warning.clone());
                    }
                }
                if verdict.allowed { Ok(verdict) } else { Err(verdict.denial(hook.name())) }
            }
            Err(failure) if hook.is_needed() => {
                Err(internal(&format!("failed calling webhook {:?}: {failure}", hook.name())))
            }
            Err(_ignored) => Ok(Verdict::allowed()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// As the API server words what went wrong within.
fn internal(cause: &str) -> ApiError {
    let mut error = ApiError::new(500, "InternalError", format!("Internal error occurred: {cause}"));
    error.details = json!({ "causes": [{ "message": cause }] });
    error
}
