//! One look at one GitRepository: read → check → log in → fetch → store → report.

use std::collections::BTreeMap;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use belay_cluster::Severity;
use belay_crd::Resource;
use belay_flux_api::{
    Artifact, GIT_REPOSITORY, GitRepository, GitRepositoryRef, is_true, refused_fields, refused_resource_mark,
};
use belay_manifest::{Object, ObjectKey};
use belay_source::{Checkout, Request, Revision};

use crate::artifact::{self, Place};
use crate::context::{Context, SOURCE_GROUP, Source};
use crate::health::or;
use crate::ignore::Ignore;
use crate::long::with_progress;
use crate::repository_content::{Content, compose};
use crate::repository_status::{Files, Found, status, under_way};
use crate::repository_verify::verify;
use crate::{repository_access, unreadable, write};

/// The manager of sources' statuses, as Flux names it.
pub(crate) const MANAGER: &str = "source-controller";
const INTERVAL: Duration = Duration::from_secs(60);
const TIMEOUT: Duration = Duration::from_secs(60);
/// How soon a fault that may pass is looked at again.
const AFTER_FAULT: Duration = Duration::from_secs(10);
/// How soon repositories that are included and have no files are looked at again.
const FOR_OTHERS: Duration = Duration::from_secs(30);

/// How long consumers that a commit changes come before its archive.
const BEFORE_ARCHIVE: Duration = Duration::from_millis(250);

/// Letters of a commit's subject in an Event.
const SUBJECT: usize = 50;

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
    let repository: GitRepository = unreadable::read(context, &object).await?;
    if repository.metadata.is_deleting() {
        write::finalizer(context, &object, MANAGER, false).await;
        return None;
    }
    write::finalizer(context, &object, MANAGER, true).await;
    if repository.spec.suspend {
        restore(context, key, &repository).await;
        return None;
    }
    let interval = or(&repository.spec.interval, INTERVAL);
    let requested = repository.metadata.annotation(write::REQUESTED_AT).unwrap_or_default();
    let is_asked = requested != repository.status.last_handled_reconcile_at;
    let max_age = if is_asked { Duration::ZERO } else { interval };
    let looking = look(context, &object, &repository, max_age);
    let looking =
        with_progress(looking, ready(()), async |()| tell_under_way(context, &object, &repository).await);
    let (found, again) = match looking.await {
        Ok(files) => (Found::Files(files), Some(interval)),
        Err(fault) => {
            context.note_failure(key);
            let again = if is_waiting(&fault) { FOR_OTHERS } else { AFTER_FAULT.min(interval) };
            let again = (!fault.is_final).then_some(again);
            (Found::Fault(fault), again)
        }
    };
    report(context, &object, &repository, &found).await;
    if let Found::Files(files) = found {
        context.keep_source(key, files.source).await;
    }
    again
}

/// Whether only another repository can mend it, whose news bring a look.
fn is_waiting(fault: &Fault) -> bool {
    matches!(fault.reason, "NotFound" | "NoArtifact")
}

async fn look(
    context: &Context,
    object: &Object,
    repository: &GitRepository,
    max_age: Duration,
) -> Result<Files, Fault> {
    check(object, repository)?;
    let wanted = wanted_revision(repository.spec.reference.as_ref());
    let request = Request {
        url: repository.spec.url.clone(),
        revision: wanted.asked.clone(),
        access: repository_access::read(context, repository).await?,
        max_age,
        timeout: Some(or(&repository.spec.timeout, TIMEOUT).into()),
    };
    let checkout = context.repositories.checkout(&request).await.map_err(|error| Fault {
        reason: "GitOperationFailed",
        message: format!("failed to checkout and determine revision: {error}"),
        is_final: false,
    })?;
    let verified = verify(context, repository, &checkout).await?;
    let Content { checkout, included } =
        compose(context, &object.key(), repository, &request, checkout).await?;
    let source = Source {
        origin: String::new(),
        revision: format!("{}{}", wanted.shown(&checkout), named(&checkout.commit)),
        ignore: patterns(context, object, repository, &checkout).await?,
        digest: digests(&included),
        checkout,
    };
    hand_over_early(context, &object.key(), repository, &source).await;
    let artifact = store(context, object, repository, &source, &included).await?;
    Ok(Files { source, artifact, included, verified })
}

/// Hands a new revision's files on before its archive is made, which takes longer than all else, and a core, and which
/// apps do not need. Repositories that include this one do; and who has never seen it waits for its first status.
async fn hand_over_early(context: &Context, key: &ObjectKey, repository: &GitRepository, source: &Source) {
    if repository.status.artifact.is_none() || context.is_included(key) {
        return;
    }
    if context.keep_source(key, source.clone()).await {
        context.queue.settled(key, BEFORE_ARCHIVE).await;
    }
}

/// What was put among a repository's own files.
fn digests(included: &[Artifact]) -> String {
    included.iter().map(|artifact| artifact.digest.as_str()).collect::<Vec<_>>().join(" ")
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
        Some(known)
            if is_same_spec
                && known.checkout.commit == checkout.commit
                && repository.spec.include.is_empty() =>
        {
            Ok(known.ignore)
        }
        _ => artifact::patterns(checkout, &repository.spec.ignore).await,
    }
}

async fn store(
    context: &Context,
    object: &Object,
    repository: &GitRepository,
    source: &Source,
    included: &[Artifact],
) -> Result<Artifact, Fault> {
    let (metadata, status) = (&repository.metadata, &repository.status);
    let folder = format!("gitrepository/{}/{}", metadata.namespace, metadata.name);
    let place = Place {
        path: format!("{folder}/{}.tar.gz", source.checkout.commit),
        address: context.settings.artifact_address.clone(),
        revision: source.revision.clone(),
    };
    // Other patterns, folders or includes make another archive of the same revision.
    let spec = &repository.spec;
    let contents = |artifacts: &[Artifact]| -> Vec<(String, String)> {
        artifacts.iter().map(|artifact| (artifact.revision.clone(), artifact.digest.clone())).collect()
    };
    let is_same = status.observed_ignore == spec.ignore
        && status.observed_recurse_submodules == spec.recurse_submodules
        && status.observed_sparse_checkout == spec.sparse_checkout
        && status.observed_include == spec.include
        && contents(&status.included_artifacts) == contents(included);
    let known = status.artifact.as_ref().filter(|_| is_same);
    let artifacts = &context.settings.artifacts;
    let kept = artifact::store(artifacts, &place, &source.checkout, &source.ignore, known).await?;
    if kept.was_damaged {
        let digest = &kept.artifact.digest;
        let message =
            format!("failed to verify integrity of artifact: computed digest doesn't match '{digest}'");
        let none = BTreeMap::new();
        context.source_event(object, Severity::Warning, "ArtifactVerificationFailed", &message, &none).await;
    }
    Ok(kept.artifact)
}

fn not_supported(feature: &str) -> Fault {
    Fault { reason: "NotSupported", message: format!("{feature} is not supported yet"), is_final: true }
}

fn check(object: &Object, repository: &GitRepository) -> Result<(), Fault> {
    if let Some(field) = refused_fields(&GIT_REPOSITORY, object.value()).first() {
        return Err(not_supported(&format!("`{field}`")));
    }
    if let Some(mark) = refused_resource_mark(&repository.metadata) {
        return Err(not_supported(&mark));
    }
    match repository.validate().first() {
        Some(error) => Err(Fault { reason: "ValidationFailed", message: error.to_string(), is_final: true }),
        None => Ok(()),
    }
}

/// What is asked of Git, and what stands before the commit in a revision.
#[derive(Debug, PartialEq, Eq)]
struct WantedRevision {
    asked: Revision,
    /// Nothing where the tag is known only when it was found.
    shown: Option<String>,
}

impl WantedRevision {
    fn shown(&self, found: &Checkout) -> String {
        let tag = || found.reference.trim_start_matches("refs/tags/").to_owned();
        match self.shown.clone().unwrap_or_else(tag) {
            none if none.is_empty() => none,
            name => format!("{name}@"),
        }
    }
}

/// Commit before name before version before tag before branch; without any, the branch `master`.
fn wanted_revision(reference: Option<&GitRepositoryRef>) -> WantedRevision {
    let reference = reference.cloned().unwrap_or_default();
    let named =
        |asked: String, shown: String| WantedRevision { asked: Revision::Name(asked), shown: Some(shown) };
    if !reference.commit.is_empty() {
        named(reference.commit, reference.branch)
    } else if !reference.name.is_empty() {
        named(reference.name.clone(), reference.name)
    } else if !reference.semver.is_empty() {
        WantedRevision { asked: Revision::Version(reference.semver), shown: None }
    } else if !reference.tag.is_empty() {
        named(format!("refs/tags/{}", reference.tag), reference.tag)
    } else if !reference.branch.is_empty() {
        named(format!("refs/heads/{}", reference.branch), reference.branch)
    } else {
        named("refs/heads/master".to_owned(), "master".to_owned())
    }
}

/// A commit with the name of its hash.
pub(crate) fn named(commit: &str) -> String {
    let hash = if commit.len() == 64 { "sha256" } else { "sha1" };
    format!("{hash}:{commit}")
}

/// The files of the artifact that a suspended repository has, after a restart.
pub(crate) async fn restore(context: &Context, key: &ObjectKey, repository: &GitRepository) {
    if repository.status.artifact.is_none() || context.source(key).is_some() {
        return;
    }
    match stored(context, key, repository).await {
        Ok(source) => {
            context.keep_source(key, source).await;
        }
        Err(fault) => tracing::warn!(repository = %key, fault.message, "artifact not restored"),
    }
}

/// The files of the artifact that a repository's status names.
pub(crate) async fn stored(
    context: &Context,
    key: &ObjectKey,
    repository: &GitRepository,
) -> Result<Source, Fault> {
    let fault = |message: String| Fault { reason: "GitOperationFailed", message, is_final: false };
    let none = || fault(format!("GitRepository {}/{} has no artifact", key.namespace, key.name));
    let known = repository.status.artifact.as_ref().ok_or_else(none)?;
    let (_, commit) = known.revision.rsplit_once(':').ok_or_else(none)?;
    let request = Request {
        access: repository_access::read(context, repository).await?,
        max_age: Duration::MAX,
        ..Request::new(&repository.spec.url, Revision::name(commit))
    };
    let checkout = context.repositories.checkout(&request).await;
    let checkout = checkout.map_err(|error| fault(error.to_string()))?;
    let Content { checkout, included } = compose(context, key, repository, &request, checkout).await?;
    let ignore = artifact::patterns(&checkout, &repository.spec.ignore).await?;
    let (revision, digest) = (known.revision.clone(), digests(&included));
    Ok(Source { revision, origin: String::new(), digest, checkout, ignore })
}

/// As much of a subject as the original tells.
fn shortened(subject: &str) -> String {
    match subject.char_indices().nth(SUBJECT) {
        Some((end, _)) => format!("{}...", &subject[..end]),
        None => subject.to_owned(),
    }
}

/// Writes that a look is under way which lasts; its end is told of after that.
async fn tell_under_way(context: &Context, object: &Object, repository: &GitRepository) {
    if let Some(status) = under_way(repository, belay_cluster::now()) {
        write::status(context, object, MANAGER, &belay_crd::Described::write(&status)).await;
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
        Found::Files(Files { source, artifact, .. }) => {
            let known = repository.status.artifact.as_ref().map(|known| &known.digest);
            if known != Some(&artifact.digest) || !was_ready {
                let message = format!("stored artifact for commit '{}'", shortened(&source.checkout.subject));
                let annotations = BTreeMap::from([
                    (format!("{SOURCE_GROUP}/revision"), source.revision.clone()),
                    (format!("{SOURCE_GROUP}/digest"), artifact.digest.clone()),
                ]);
                context.source_event(object, Severity::Normal, "NewArtifact", &message, &annotations).await;
            }
        }
        Found::Fault(fault) if was_ready || old_message != fault.message => {
            context.source_event(object, Severity::Warning, fault.reason, &fault.message, &none).await;
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
    fn long_subjects_are_cut() {
        assert_eq!(shortened(&"\u{e4}".repeat(50)), "\u{e4}".repeat(50));
        assert_eq!(shortened(&"\u{e4}".repeat(51)), format!("{}...", "\u{e4}".repeat(50)));
    }

    #[test]
    fn references_have_flux_precedence_and_revisions() {
        let name = |text: &str| Revision::name(text);
        for (reference, asked, shown) in [
            (json!({}), name("refs/heads/master"), Some("master")),
            (json!({"branch": "main"}), name("refs/heads/main"), Some("main")),
            (json!({"branch": "main", "tag": "v1"}), name("refs/tags/v1"), Some("v1")),
            (json!({"tag": "v1", "semver": "1.x"}), Revision::Version("1.x".to_owned()), None),
            (
                json!({"semver": "1.x", "name": "refs/pull/1/head"}),
                name("refs/pull/1/head"),
                Some("refs/pull/1/head"),
            ),
            (json!({"commit": "abc", "name": "x"}), name("abc"), Some("")),
            (json!({"commit": "abc", "branch": "main"}), name("abc"), Some("main")),
        ] {
            let reference = GitRepositoryRef::read(reference).unwrap();
            let wanted = WantedRevision { asked, shown: shown.map(str::to_owned) };
            assert_eq!(wanted_revision(Some(&reference)), wanted);
        }
        assert_eq!(named(&"a".repeat(40)), format!("sha1:{}", "a".repeat(40)));
        assert_eq!(named(&"a".repeat(64)), format!("sha256:{}", "a".repeat(64)));
    }
}
