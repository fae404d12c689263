//! Requests about one object: the kind found, the answer learnt.

use std::time::Duration;

use belay_cluster::{LiveState, PlainObject, Resource};
use belay_manifest::{Object, ObjectKey};
use kube::api::{Api, DeleteParams, Patch, Preconditions, PropagationPolicy};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::error::ApplyError;

/// How long an object may take to go when it is made anew.
const GO: Duration = Duration::from_secs(60);

/// Makes the requests of one write. Without an answer its object is in doubt.
pub(crate) async fn under_way<T>(
    object: &Object,
    live: &LiveState,
    requests: impl Future<Output = Result<T, ApplyError>>,
) -> Result<T, ApplyError> {
    let write = live.under_way(object);
    let result = requests.await;
    if result.as_ref().map_or_else(ApplyError::is_answer, |_done| true) {
        write.answered();
    }
    result
}

/// Where an object's requests go.
pub(crate) async fn api_of(object: &Object, live: &LiveState) -> Result<Api<PlainObject>, ApplyError> {
    let resource = resource(object, live).await?;
    Ok(resource.plain(live.client(), object.namespace()))
}

pub(crate) async fn resource(object: &Object, live: &LiveState) -> Result<Resource, ApplyError> {
    live.kinds().find(&object.gvk()).await.map_err(|source| ApplyError::Kind { key: object.key(), source })
}

/// Takes in the API server's answer ahead of the watch. Gives its `resourceVersion`.
pub(crate) fn learn(live: &LiveState, key: &ObjectKey, answer: PlainObject) -> Result<String, ApplyError> {
    let answer = answered(key, answer)?;
    let version = answer.resource_version().to_owned();
    live.learn(answer);
    Ok(version)
}

/// The object that the API server answers with.
pub(crate) fn answered(key: &ObjectKey, answer: PlainObject) -> Result<Object, ApplyError> {
    Object::new(answer.into_value()).map_err(|_no_object| ApplyError::Answer { key: key.clone() })
}

/// Whether the API server says that a field cannot be changed, or that the object is invalid.
pub(crate) fn is_immutable(status: &kube::core::Status) -> bool {
    status.code == 422 || status.message.contains("immutable")
}

/// Deletes an object and waits until it has gone.
pub(crate) async fn delete_and_wait(api: &Api<PlainObject>, name: &str) -> Result<(), kube::Error> {
    match api.delete(name, &DeleteParams::background()).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(()),
        Err(error) => return Err(error),
    }
    let deadline = Instant::now() + GO;
    while api.get_metadata_opt(name).await?.is_some() && Instant::now() < deadline {
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Deletes an object, if it is still the one that was seen. What has gone already is fine.
pub(crate) async fn delete(
    object: &Object,
    uid: &str,
    propagation: PropagationPolicy,
    live: &LiveState,
) -> Result<Gone, ApplyError> {
    under_way(object, live, ask_to_delete(object, uid, propagation, live)).await
}

async fn ask_to_delete(
    object: &Object,
    uid: &str,
    propagation: PropagationPolicy,
    live: &LiveState,
) -> Result<Gone, ApplyError> {
    let key = object.key();
    let api = api_of(object, live).await?;
    let params = DeleteParams {
        propagation_policy: Some(propagation),
        preconditions: Some(Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
        ..DeleteParams::default()
    };
    match api.delete(&key.name, &params).await {
        // The watch tells when it has gone: learning an answer could bring back what the watch has buried already.
        Ok(_) => Ok(Gone::Going),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            live.learn_gone(&key);
            Ok(Gone::Already)
        }
        Err(source @ kube::Error::Api(_)) if is_conflict(&source) => {
            match api.get_metadata_opt(&key.name).await {
                Ok(None) => {
                    live.learn_gone(&key);
                    Ok(Gone::Already)
                }
                // Another object of this name has been made since: it is not ours to delete.
                Ok(Some(there)) if there.metadata.uid.as_deref() != Some(uid) => Ok(Gone::Another),
                // The conflict is about something else.
                Ok(Some(_)) | Err(_) => Err(ApplyError::Delete { key, source }),
            }
        }
        Err(source) => Err(ApplyError::Delete { key, source }),
    }
}

fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

/// What came of a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gone {
    /// It is on its way out, or has gone by our request.
    Going,
    /// It was not there any more.
    Already,
    /// Another one has been made in its place.
    Another,
}

/// Takes a finalizer away.
pub(crate) async fn release(object: &Object, finalizer: &str, live: &LiveState) -> Result<(), ApplyError> {
    under_way(object, live, ask_to_release(object, finalizer, live)).await
}

async fn ask_to_release(object: &Object, finalizer: &str, live: &LiveState) -> Result<(), ApplyError> {
    let key = object.key();
    let finalizers = object.value().pointer("/metadata/finalizers").and_then(Value::as_array);
    let Some(place) = finalizers.and_then(|all| all.iter().position(|name| name == finalizer)) else {
        return Ok(());
    };
    let path = format!("/metadata/finalizers/{place}");
    let patch = json!([
        {"op": "test", "path": path, "value": finalizer},
        {"op": "remove", "path": path},
    ]);
    let patch =
        serde_json::from_value(patch).map_err(|_not_a_patch| ApplyError::Answer { key: key.clone() })?;
    let api = api_of(object, live).await?;
    match api.patch(&key.name, &Default::default(), &Patch::<()>::Json(patch)).await {
        // What was on its way out goes with its last finalizer.
        Ok(answer) if !answer.value()["metadata"]["deletionTimestamp"].is_null() => Ok(()),
        Ok(answer) => learn(live, &key, answer).map(drop),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            live.learn_gone(&key);
            Ok(())
        }
        Err(source) => Err(ApplyError::Refused { key, source }),
    }
}
