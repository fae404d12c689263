//! `status.history`: what was reconciled before, newest first, each content and outcome once.

use std::time::Duration;

use belay_crd::{GoDuration, Time};
use belay_flux_api::KustomizationSnapshot;
use belay_manifest::Manifest;
use indexmap::IndexMap;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::health::rounded;

/// As many are kept.
const MOST: usize = 5;

/// The digest of what a build made, as Flux takes it of the build's text.
pub(crate) fn digest(manifests: &[Manifest]) -> String {
    let mut digest = Sha256::new();
    for (position, manifest) in manifests.iter().enumerate() {
        if position > 0 {
            digest.update("---\n");
        }
        digest.update(belay_goyaml::to_yaml(manifest.object.value()));
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}

/// What was reconciled, and how it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reconciled {
    /// Of the content.
    pub(crate) digest: String,
    /// The reason of the end.
    pub(crate) status: &'static str,
    /// The revision, and the one that it was made from.
    pub(crate) metadata: IndexMap<String, String>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// Whether the newest entry tells the same.
pub(crate) fn is_newest(history: &[KustomizationSnapshot], reconciled: &Reconciled) -> bool {
    history.first().is_some_and(|newest| is_of(newest, reconciled) && newest.metadata == reconciled.metadata)
}

fn is_of(snapshot: &KustomizationSnapshot, reconciled: &Reconciled) -> bool {
    snapshot.digest == reconciled.digest && snapshot.last_reconciled_status == reconciled.status
}

/// Notes it as the newest: anew, or once more.
pub(crate) fn upsert(history: &mut Vec<KustomizationSnapshot>, reconciled: Reconciled, now: Timestamp) {
    let mut snapshot = match history.iter().position(|known| is_of(known, &reconciled)) {
        Some(position) => history.remove(position),
        None => KustomizationSnapshot {
            digest: reconciled.digest,
            first_reconciled: Time::from(now),
            last_reconciled_status: reconciled.status.to_owned(),
            ..KustomizationSnapshot::default()
        },
    };
    snapshot.last_reconciled = Time::from(now);
    snapshot.last_reconciled_duration = GoDuration::parse(&rounded(reconciled.took));
    snapshot.total_reconciliations += 1;
    snapshot.metadata = reconciled.metadata;
    history.insert(0, snapshot);
    history.truncate(MOST);
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::{Object, Origin};
    use serde_json::json;

    fn reconciled(digest: &str, status: &'static str, revision: &str) -> Reconciled {
        let metadata = IndexMap::from([("revision".to_owned(), revision.to_owned())]);
        Reconciled { digest: digest.to_owned(), status, metadata, took: Duration::from_millis(1500) }
    }

    #[test]
    fn each_content_and_outcome_is_there_once_and_the_newest_is_first() {
        let now: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut history = Vec::new();
        upsert(&mut history, reconciled("a", "ReconciliationSucceeded", "1"), now);
        upsert(&mut history, reconciled("b", "ReconciliationFailed", "2"), now);
        let later: Timestamp = "2026-01-01T00:01:00Z".parse().unwrap();
        upsert(&mut history, reconciled("a", "ReconciliationSucceeded", "3"), later);
        let digests: Vec<_> = history.iter().map(|known| known.digest.as_str()).collect();
        assert_eq!(digests, ["a", "b"]);
        assert_eq!((history[0].total_reconciliations, history[0].metadata["revision"].as_str()), (2, "3"));
        assert_eq!(history[0].first_reconciled, Time::from(now));
        assert_eq!(history[0].last_reconciled, Time::from(later));
        assert_eq!(history[0].last_reconciled_duration.as_str(), "1.5s");
        assert!(is_newest(&history, &reconciled("a", "ReconciliationSucceeded", "3")));
        assert!(!is_newest(&history, &reconciled("a", "ReconciliationSucceeded", "4")));
        for number in 0..9 {
            upsert(&mut history, reconciled(&number.to_string(), "ReconciliationFailed", "5"), later);
        }
        assert_eq!(history.len(), MOST);
    }

    #[test]
    fn the_digest_is_of_the_text_that_the_original_makes() {
        let map = |name: &str| {
            Manifest {
            object: Object::new(json!({"apiVersion": "v1", "data": {"a": "b"}, "kind": "ConfigMap", "metadata": {"name": name}}))
                .unwrap(),
            origin: Origin::default(),
        }
        };
        let text = "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: one\n---\napiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: two\n";
        let expected = format!("sha256:{}", hex::encode(Sha256::digest(text)));
        assert_eq!(digest(&[map("one"), map("two")]), expected);
    }
}
