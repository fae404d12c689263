//! The one place where a GitRepository's status is made.

use belay_crd::Time;
use belay_flux_api::{
    Artifact, Condition, ConditionStatus, GitRepository, GitRepositoryStatus, remove_condition, set_condition,
};
use belay_source::Checkout;
use jiff::Timestamp;

use crate::repository::{Fault, named};
use crate::write::REQUESTED_AT;

/// What a look came to.
pub(crate) enum Found {
    /// The files at a revision.
    Files {
        /// `main@sha1:…`.
        revision: String,
        /// The files.
        checkout: Checkout,
    },
    /// No news. What was there stays.
    Fault(Fault),
}

/// The status after a look.
pub(crate) fn status(
    repository: &GitRepository,
    found: &Found,
    address: &str,
    now: Timestamp,
) -> GitRepositoryStatus {
    let mut status = repository.status.clone();
    let generation = repository.metadata.generation;
    let mut set = |type_: &str, is: ConditionStatus, reason: &str, message: &str| {
        set_condition(&mut status.conditions, Condition::new(type_, is, reason, message, generation), now);
    };
    match found {
        Found::Files { revision, .. } => {
            let message = format!("stored artifact for revision '{revision}'");
            set("Ready", ConditionStatus::True, "Succeeded", &message);
            set("ArtifactInStorage", ConditionStatus::True, "Succeeded", &message);
            for type_ in ["Reconciling", "Stalled", "FetchFailed"] {
                remove_condition(&mut status.conditions, type_);
            }
        }
        Found::Fault(fault) => {
            set("Ready", ConditionStatus::False, fault.reason, &fault.message);
            set("FetchFailed", ConditionStatus::True, fault.reason, &fault.message);
            if fault.is_final {
                set("Stalled", ConditionStatus::True, fault.reason, &fault.message);
                remove_condition(&mut status.conditions, "Reconciling");
            } else {
                set("Reconciling", ConditionStatus::True, "ProgressingWithRetry", &fault.message);
                remove_condition(&mut status.conditions, "Stalled");
            }
        }
    }
    if let Found::Files { revision, checkout } = found {
        keep_artifact(&mut status, repository, revision, &checkout.commit, address, now);
    }
    let is_settled = matches!(found, Found::Files { .. } | Found::Fault(Fault { is_final: true, .. }));
    if is_settled {
        status.observed_generation = Some(generation);
    }
    if let Some(token) = repository.metadata.annotation(REQUESTED_AT) {
        token.clone_into(&mut status.last_handled_reconcile_at);
    }
    status
}

/// The artifact keeps its time while the revision is the same. Its digest is the commit's: it names
/// the files' content, and no archive is made of them yet.
fn keep_artifact(
    status: &mut GitRepositoryStatus,
    repository: &GitRepository,
    revision: &str,
    commit: &str,
    address: &str,
    now: Timestamp,
) {
    let metadata = &repository.metadata;
    let path = format!("gitrepository/{}/{}/{commit}.tar.gz", metadata.namespace, metadata.name);
    let url = format!("http://{address}/{path}");
    let known = status.artifact.as_ref();
    if known.is_some_and(|artifact| artifact.revision == revision && artifact.url == url) {
        return;
    }
    status.artifact = Some(Artifact {
        digest: named(commit),
        last_update_time: Time::from(now),
        path,
        revision: revision.to_owned(),
        url,
        ..Artifact::default()
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use belay_filetree::MemoryTree;
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
        };
        Found::Files { revision: format!("main@{}", named(commit)), checkout }
    }

    #[test]
    fn files_make_it_ready_and_a_fault_keeps_the_artifact() {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let ready = status(&repository(json!({})), &files("abc"), "host", now);
        assert_eq!(ready.conditions[0].message, "stored artifact for revision 'main@sha1:abc'");
        assert_eq!(ready.observed_generation, Some(2));
        assert_eq!(ready.last_handled_reconcile_at, "now");
        let artifact = ready.artifact.clone().unwrap();
        assert_eq!(artifact.url, "http://host/gitrepository/flux-system/apps/abc.tar.gz");
        let fault = Fault { reason: "GitOperationFailed", message: "gone".into(), is_final: false };
        let failed = status(&repository(ready.write()), &Found::Fault(fault), "host", now);
        assert_eq!(failed.artifact, Some(artifact));
        let types: Vec<_> = failed.conditions.iter().map(|condition| condition.type_.as_str()).collect();
        assert_eq!(types, ["Ready", "Reconciling", "ArtifactInStorage", "FetchFailed"]);
        let mended = status(&repository(failed.write()), &files("abc"), "host", now);
        assert_eq!(mended.conditions, ready.conditions);
    }
}
