//! One look at one GitRepository: read → check → log in → fetch → store → report.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use belay_cluster::Severity;
use belay_crd::Resource;
use belay_flux_api::{
    Artifact, GIT_REPOSITORY, GitRepository, GitRepositoryRef, is_true, refused_fields,
    refused_resource_annotations,
};
use belay_manifest::{Object, ObjectKey};
use belay_source::{Checkout, Login};
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use serde_json::Value;

use crate::artifact::{self, Place};
use crate::controller::{Context, SOURCE_GROUP, Source};
use crate::health::or;
use crate::ignore::Ignore;
use crate::repository_status::{Found, status};
use crate::write;

/// The manager of sources' statuses, as Flux names it.
const MANAGER: &str = "source-controller";
const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(60);
/// How soon a fault that may pass is looked at again.
const AFTER_FAULT: Duration = Duration::from_secs(10);

/// Why there are no files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The condition's reason.
    pub(crate) reason: &'static str,
    /// Why, for people.
    pub(crate) message: String,
    /// Whether only a change of the object can mend it.
    pub(crate) is_final: bool,
}

/// Looks at the repository, keeps its files, writes its status. Gives when to look again.
pub(crate) async fn reconcile(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let repository: GitRepository = serde_json::from_value(object.value().clone())
        .inspect_err(|error| tracing::warn!(repository = %key, %error, "cannot be read"))
        .ok()?;
    if repository.metadata.is_deleting() {
        write::finalizer(context, &object, MANAGER, false).await;
        return None;
    }
    if repository.spec.suspend {
        restore(context, key, &repository).await;
        return None;
    }
    let interval = or(&repository.spec.interval, INTERVAL);
    let requested = repository.metadata.annotation(write::REQUESTED_AT).unwrap_or_default();
    let is_asked = requested != repository.status.last_handled_reconcile_at;
    let max_age = if is_asked { Duration::ZERO } else { interval };
    let (found, again) = match look(context, &object, &repository, max_age).await {
        Ok((source, artifact)) => (Found::Files { source, artifact }, Some(interval)),
        Err(fault) => {
            let again = (!fault.is_final).then_some(AFTER_FAULT.min(interval));
            (Found::Fault(fault), again)
        }
    };
    report(context, &object, &repository, &found).await;
    if let Found::Files { source, .. } = found {
        context.keep_source(key, source);
    }
    again
}

async fn look(
    context: &Context,
    object: &Object,
    repository: &GitRepository,
    max_age: Duration,
) -> Result<(Source, Artifact), Fault> {
    check(object, repository)?;
    let login = login(context, repository).await?;
    let wanted = wanted_revision(repository.spec.reference.as_ref());
    let limit = or(&repository.spec.timeout, TIMEOUT);
    let checkout =
        context.repositories.checkout(&repository.spec.url, &wanted.asked, login.as_ref(), max_age);
    let failed = |text: &str| Fault {
        reason: "GitOperationFailed",
        message: format!("failed to checkout and determine revision: {text}"),
        is_final: false,
    };
    let checkout = match tokio::time::timeout(limit, checkout).await {
        Ok(Ok(checkout)) => checkout,
        Ok(Err(error)) => return Err(failed(&error.to_string())),
        Err(_late) => return Err(failed(&format!("no answer within {} s", limit.as_secs_f32()))),
    };
    let source = Source {
        revision: format!("{}{}", wanted.shown, named(&checkout.commit)),
        ignore: patterns(context, object, repository, &checkout).await?,
        checkout,
    };
    let artifact = store(context, repository, &source).await?;
    Ok((source, artifact))
}

/// What is left out; as it was before when neither the spec nor the files are others.
async fn patterns(
    context: &Context,
    object: &Object,
    repository: &GitRepository,
    checkout: &Checkout,
) -> Result<Arc<Ignore>, Fault> {
    let is_same_spec = repository.status.observed_generation == Some(repository.metadata.generation);
    match context.source(&object.key()) {
        Some(known) if is_same_spec && known.checkout.commit == checkout.commit => Ok(known.ignore),
        _ => artifact::patterns(checkout, &repository.spec.ignore).await,
    }
}

async fn store(context: &Context, repository: &GitRepository, source: &Source) -> Result<Artifact, Fault> {
    let (metadata, status) = (&repository.metadata, &repository.status);
    let folder = format!("gitrepository/{}/{}", metadata.namespace, metadata.name);
    let place = Place {
        path: format!("{folder}/{}.tar.gz", source.checkout.commit),
        address: context.settings.artifact_address.clone(),
        revision: source.revision.clone(),
    };
    // Other patterns make another archive of the same revision.
    let known = status.artifact.as_ref().filter(|_| status.observed_ignore == repository.spec.ignore);
    artifact::store(&context.settings.artifacts, &place, &source.checkout, &source.ignore, known).await
}

fn not_supported(feature: &str) -> Fault {
    Fault { reason: "NotSupported", message: format!("{feature} is not supported yet"), is_final: true }
}

fn check(object: &Object, repository: &GitRepository) -> Result<(), Fault> {
    if let Some(field) = refused_fields(&GIT_REPOSITORY, object.value()).first() {
        return Err(not_supported(&format!("`{field}`")));
    }
    let annotations = repository.metadata.annotations.keys().map(String::as_str);
    if let Some(name) = refused_resource_annotations(annotations).first() {
        return Err(not_supported(&format!("annotation `{name}`")));
    }
    match repository.validate().first() {
        Some(error) => Err(Fault { reason: "ValidationFailed", message: error.to_string(), is_final: true }),
        None => Ok(()),
    }
}

/// What is asked of Git, and what stands before the commit in a revision.
#[derive(Debug, PartialEq, Eq)]
struct WantedRevision {
    asked: String,
    shown: String,
}

/// Commit before name before tag before branch; without any, the branch `master`.
fn wanted_revision(reference: Option<&GitRepositoryRef>) -> WantedRevision {
    let reference = reference.cloned().unwrap_or_default();
    let named = |name: &str| if name.is_empty() { String::new() } else { format!("{name}@") };
    let (asked, shown) = if !reference.commit.is_empty() {
        (reference.commit, named(&reference.branch))
    } else if !reference.name.is_empty() {
        let shown = named(&reference.name);
        (reference.name, shown)
    } else if !reference.tag.is_empty() {
        (format!("refs/tags/{}", reference.tag), named(&reference.tag))
    } else {
        let branch = if reference.branch.is_empty() { "master" } else { &reference.branch };
        (format!("refs/heads/{branch}"), named(branch))
    };
    WantedRevision { asked, shown }
}

/// A commit with the name of its hash.
pub(crate) fn named(commit: &str) -> String {
    let hash = if commit.len() == 64 { "sha256" } else { "sha1" };
    format!("{hash}:{commit}")
}

/// Keys of a Secret that hold what a login is made of.
const LOGIN_KEYS: &[&str] = &["username", "password"];

async fn login(context: &Context, repository: &GitRepository) -> Result<Option<Login>, Fault> {
    let Some(reference) = &repository.spec.secret_ref else { return Ok(None) };
    let resource = ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&());
    let namespace = &repository.metadata.namespace;
    let api: Api<DynamicObject> = Api::namespaced_with(context.live.client().clone(), namespace, &resource);
    let failed = |reason: &str| Fault {
        reason: "AuthenticationFailed",
        message: format!("failed to get secret '{namespace}/{}': {reason}", reference.name),
        is_final: false,
    };
    let secret = api.get(&reference.name).await.map_err(|error| match error {
        kube::Error::Api(status) => failed(&status.message),
        other => failed(&other.to_string()),
    })?;
    read_login(&secret.data["data"]).map(Some).map_err(|reason| failed(&reason))
}

fn read_login(data: &Value) -> Result<Login, String> {
    let names = data.as_object().into_iter().flat_map(|data| data.keys());
    if let Some(other) = names.into_iter().find(|name| !LOGIN_KEYS.contains(&name.as_str())) {
        return Err(format!("its key {other:?} is not supported yet"));
    }
    let text = |name: &str| -> Result<String, String> {
        let bytes: k8s_openapi::ByteString = match data.get(name) {
            Some(value) => serde_json::from_value(value.clone())
                .map_err(|_no_base64| format!("its key {name:?} is not base64"))?,
            None => return Ok(String::new()),
        };
        String::from_utf8(bytes.0).map_err(|_no_text| format!("its key {name:?} is not text"))
    };
    let (username, password) = (text("username")?, text("password")?);
    if username.is_empty() || password.is_empty() {
        return Err("it needs the keys username and password".to_owned());
    }
    Ok(Login { username, password })
}

/// The files of the artifact that a suspended repository has, after a restart.
async fn restore(context: &Context, key: &ObjectKey, repository: &GitRepository) {
    let Some(known) = repository.status.artifact.as_ref() else { return };
    if context.source(key).is_some() {
        return;
    }
    let Some((_, commit)) = known.revision.rsplit_once(':') else { return };
    let Ok(login) = login(context, repository).await else { return };
    let checkout =
        context.repositories.checkout(&repository.spec.url, commit, login.as_ref(), Duration::MAX).await;
    match checkout {
        Ok(checkout) => {
            let Ok(ignore) = artifact::patterns(&checkout, &repository.spec.ignore).await else { return };
            let revision = known.revision.clone();
            context.keep_source(key, Source { revision, checkout, ignore });
        }
        Err(error) => tracing::warn!(repository = %key, %error, "artifact not restored"),
    }
}

async fn report(context: &Context, object: &Object, repository: &GitRepository, found: &Found) {
    let new = status(repository, found, belay_cluster::now());
    let was_ready = is_true(&repository.status.conditions, "Ready");
    let old_message = belay_flux_api::find_condition(&repository.status.conditions, "Ready")
        .map(|ready| ready.message.clone())
        .unwrap_or_default();
    write::status(context, object, MANAGER, &belay_crd::Described::write(&new)).await;
    let none = BTreeMap::new();
    match found {
        Found::Files { source, artifact } => {
            let known = repository.status.artifact.as_ref().map(|known| &known.digest);
            if known != Some(&artifact.digest) || !was_ready {
                let message = format!("stored artifact for commit '{}'", source.checkout.subject);
                let annotations = BTreeMap::from([
                    (format!("{SOURCE_GROUP}/revision"), source.revision.clone()),
                    (format!("{SOURCE_GROUP}/digest"), artifact.digest.clone()),
                ]);
                context
                    .source_events
                    .record(object, Severity::Normal, "NewArtifact", &message, &annotations)
                    .await;
            }
        }
        Found::Fault(fault) if was_ready || old_message != fault.message => {
            context
                .source_events
                .record(object, Severity::Warning, fault.reason, &fault.message, &none)
                .await;
        }
        Found::Fault(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    #[test]
    fn references_have_flux_precedence_and_revisions() {
        for (reference, asked, shown) in [
            (json!({}), "refs/heads/master", "master@"),
            (json!({"branch": "main"}), "refs/heads/main", "main@"),
            (json!({"branch": "main", "tag": "v1"}), "refs/tags/v1", "v1@"),
            (json!({"tag": "v1", "name": "refs/pull/1/head"}), "refs/pull/1/head", "refs/pull/1/head@"),
            (json!({"commit": "abc", "name": "x"}), "abc", ""),
            (json!({"commit": "abc", "branch": "main"}), "abc", "main@"),
        ] {
            let reference = GitRepositoryRef::read(reference).unwrap();
            let wanted = WantedRevision { asked: asked.into(), shown: shown.into() };
            assert_eq!(wanted_revision(Some(&reference)), wanted);
        }
        assert_eq!(named(&"a".repeat(40)), format!("sha1:{}", "a".repeat(40)));
        assert_eq!(named(&"a".repeat(64)), format!("sha256:{}", "a".repeat(64)));
    }

    #[test]
    fn a_secret_is_read_as_a_login_or_refused_without_its_values() {
        let login = read_login(&json!({"username": "Z2l0", "password": "c2VjcmV0"})).unwrap();
        assert_eq!((login.username.as_str(), login.password.as_str()), ("git", "secret"));
        let refused = read_login(&json!({"identity": "c2VjcmV0"})).unwrap_err();
        assert_eq!(refused, "its key \"identity\" is not supported yet");
        assert!(read_login(&json!({"username": "Z2l0"})).is_err());
        assert!(read_login(&json!({"username": "Z2l0", "password": "???"})).is_err());
    }
}
