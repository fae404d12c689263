//! The one place where a GitRepository's status is made.

use belay_flux_api::{
    Artifact, Condition, ConditionStatus, GitRepository, GitRepositoryStatus, find_condition,
    remove_condition, set_condition,
};
use jiff::Timestamp;

use crate::context::Source;
use crate::repository::Fault;
use crate::write::REQUESTED_AT;

const FETCH_FAILED: &str = "FetchFailed";
const STORAGE_FAILED: &str = "StorageOperationFailed";
const INCLUDE_UNAVAILABLE: &str = "IncludeUnavailable";
const SOURCE_VERIFIED: &str = "SourceVerified";

/// The reason of what is under way.
const PROGRESSING: &str = "Progressing";

/// The condition that a fault is about.
fn aspect(reason: &str) -> (&'static str, ConditionStatus) {
    match reason {
        "ArchiveOperationFailed" | "IllegalPath" | "CopyFailure" => (STORAGE_FAILED, ConditionStatus::True),
        "NotFound" | "NoArtifact" => (INCLUDE_UNAVAILABLE, ConditionStatus::True),
        "VerificationError"
        | "InvalidVerificationMode"
        | "InvalidGitObject"
        | "InvalidTagSignature"
        | "InvalidCommitSignature" => (SOURCE_VERIFIED, ConditionStatus::False),
        _ => (FETCH_FAILED, ConditionStatus::True),
    }
}

/// What a look came to.
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and it is the large one")]
pub(crate) enum Found {
    /// The files at a revision.
    Files(Files),
    /// No news. What was there stays.
    Fault(Fault),
}

/// The files at a revision.
pub(crate) struct Files {
    /// The files.
    pub(crate) source: Source,
    /// What is stored of them.
    pub(crate) artifact: Artifact,
    /// The artifacts of others that are among them.
    pub(crate) included: Vec<Artifact>,
    /// Which signatures were verified, for people.
    pub(crate) verified: Option<String>,
}

/// What a look that fails or lasts was at, as the original tells it: not why it failed.
fn progress(repository: &GitRepository) -> String {
    let (status, generation) = (&repository.status, repository.metadata.generation);
    let observed = status.observed_generation.unwrap_or_default();
    if status.artifact.is_none() {
        "building artifact".to_owned()
    } else if observed != generation {
        format!("processing object: new generation {observed} -> {generation}")
    } else {
        "reconciliation in progress".to_owned()
    }
}

/// The status of a look that lasts; nothing when it says so already.
pub(crate) fn under_way(repository: &GitRepository, now: Timestamp) -> Option<GitRepositoryStatus> {
    let generation = repository.metadata.generation;
    let known = |type_: &str| find_condition(&repository.status.conditions, type_);
    // That it is tried again says as much, and a remote that hangs each time is not told of anew each time.
    let is_told = |known: &Condition| {
        known.status == ConditionStatus::True && known.observed_generation == Some(generation)
    };
    if known("Reconciling").is_some_and(is_told) {
        return None;
    }
    let mut status = repository.status.clone();
    let mut set = |type_: &str, is: ConditionStatus| {
        let condition = Condition::new(type_, is, PROGRESSING, progress(repository), generation);
        set_condition(&mut status.conditions, condition, now);
    };
    set("Reconciling", ConditionStatus::True);
    // What it was stays said until there is news.
    if known("Ready").is_none_or(|ready| ready.status == ConditionStatus::Unknown) {
        set("Ready", ConditionStatus::Unknown);
    }
    remove_condition(&mut status.conditions, "Stalled");
    Some(status)
}

/// The status after a look.
pub(crate) fn status(repository: &GitRepository, found: &Found, now: Timestamp) -> GitRepositoryStatus {
    let mut status = repository.status.clone();
    let generation = repository.metadata.generation;
    let mut set = |type_: &str, is: ConditionStatus, reason: &str, message: &str| {
        set_condition(&mut status.conditions, Condition::new(type_, is, reason, message, generation), now);
    };
    match found {
        Found::Files(Files { source, verified, .. }) => {
            let message = format!("stored artifact for revision '{}'", source.revision);
            set("Ready", ConditionStatus::True, "Succeeded", &message);
            set("ArtifactInStorage", ConditionStatus::True, "Succeeded", &message);
            if let Some(verified) = verified {
                set(SOURCE_VERIFIED, ConditionStatus::True, "Succeeded", verified);
            } else {
                remove_condition(&mut status.conditions, SOURCE_VERIFIED);
            }
            for type_ in ["Reconciling", "Stalled", FETCH_FAILED, STORAGE_FAILED, INCLUDE_UNAVAILABLE] {
                remove_condition(&mut status.conditions, type_);
            }
        }
        Found::Fault(fault) => {
            set("Ready", ConditionStatus::False, fault.reason, &fault.message);
            let (aspect, is) = aspect(fault.reason);
            set(aspect, is, fault.reason, &fault.message);
            if fault.is_final {
                set("Stalled", ConditionStatus::True, fault.reason, &fault.message);
                remove_condition(&mut status.conditions, "Reconciling");
            } else {
                set("Reconciling", ConditionStatus::True, "ProgressingWithRetry", &progress(repository));
                remove_condition(&mut status.conditions, "Stalled");
            }
        }
    }
    if let Found::Files(files) = found {
        let spec = &repository.spec;
        status.artifact = Some(files.artifact.clone());
        status.included_artifacts.clone_from(&files.included);
        status.observed_ignore.clone_from(&spec.ignore);
        status.observed_include.clone_from(&spec.include);
        status.observed_recurse_submodules = spec.recurse_submodules;
        status.observed_sparse_checkout.clone_from(&spec.sparse_checkout);
        status.source_verification_mode = match &spec.verify {
            None => String::new(),
            Some(verify) if matches!(verify.mode.as_str(), "" | "head") => "HEAD".to_owned(),
            Some(verify) => verify.mode.clone(),
        };
    }
    let is_settled = matches!(found, Found::Files(_) | Found::Fault(Fault { is_final: true, .. }));
    if is_settled {
        status.observed_generation = Some(generation);
    }
    if let Some(token) = repository.metadata.annotation(REQUESTED_AT) {
        token.clone_into(&mut status.last_handled_reconcile_at);
    }
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::named;
    use belay_crd::Described;
    use belay_filetree::MemoryTree;
    use belay_source::Checkout;
    use serde_json::{Value, json};
    use std::sync::Arc;

    fn repository(status: Value) -> GitRepository {
        GitRepository::read(json!({"metadata": {"name": "apps", "namespace": "flux-system", "generation": 2,
            "annotations": {"reconcile.fluxcd.io/requestedAt": "now"}}, "status": status}))
        .unwrap()
    }

    fn files(commit: &str) -> Found {
        let checkout = Checkout {
            commit: commit.into(),
            reference: String::new(),
            tree: Arc::new(MemoryTree::of([("a", "b")])),
            subject: String::new(),
            author: String::new(),
            date: 0,
            signed: belay_source::SignedObjects::default(),
        };
        let revision = format!("main@{}", named(commit));
        let artifact =
            Artifact { revision: revision.clone(), digest: "sha256:0".into(), ..Artifact::default() };
        let (ignore, digest) = (Arc::default(), "sha256:0".to_owned());
        let source = Source { revision, origin: String::new(), checkout, ignore, digest };
        Found::Files(Files { source, artifact, included: Vec::new(), verified: None })
    }

    #[test]
    fn files_make_it_ready_and_a_fault_keeps_the_artifact() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let ready = status(&repository(json!({})), &files("abc"), now);
        assert_eq!(ready.conditions[0].message, "stored artifact for revision 'main@sha1:abc'");
        assert_eq!(ready.observed_generation, Some(2));
        assert_eq!(ready.last_handled_reconcile_at, "now");
        let artifact = ready.artifact.clone().unwrap();
        assert_eq!(artifact.revision, "main@sha1:abc");
        let fault = Fault { reason: "GitOperationFailed", message: "gone".into(), is_final: false };
        let failed = status(&repository(ready.write()), &Found::Fault(fault), now);
        assert_eq!(failed.artifact, Some(artifact));
        let types: Vec<_> = failed.conditions.iter().map(|condition| condition.type_.as_str()).collect();
        assert_eq!(types, ["Ready", "Reconciling", "ArtifactInStorage", "FetchFailed"]);
        assert_eq!(failed.conditions[1].message, "reconciliation in progress");
        let mended = status(&repository(failed.write()), &files("abc"), now);
        assert_eq!(mended.conditions, ready.conditions);
    }

    #[test]
    fn a_long_look_is_told_of_once_and_leaves_what_is_known() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let told = |status: &GitRepositoryStatus| -> Vec<String> {
            let line = |known: &Condition| {
                format!("{} {:?} {}: {}", known.type_, known.status, known.reason, known.message)
            };
            status.conditions.iter().map(line).collect()
        };
        let first = under_way(&repository(json!({})), now).unwrap();
        let building = "Progressing: building artifact";
        assert_eq!(
            told(&first),
            [format!("Ready Unknown {building}"), format!("Reconciling True {building}")]
        );
        assert_eq!(under_way(&repository(first.write()), now), None);
        let fault = Fault { reason: "GitOperationFailed", message: "gone".into(), is_final: false };
        let failed = status(&repository(json!({})), &Found::Fault(fault), now);
        assert_eq!(under_way(&repository(failed.write()), now), None);
        let known = status(&repository(json!({})), &files("abc"), now);
        let again = under_way(&repository(known.write()), now).unwrap();
        assert_eq!(told(&again)[1], "Reconciling True Progressing: reconciliation in progress");
        assert!(told(&again)[0].starts_with("Ready True Succeeded"), "{:?}", told(&again));
        let ended = status(&repository(again.write()), &files("abc"), now);
        assert_eq!(ended.conditions, known.conditions);
    }
}
