//! Release records that Helm wrote. `tests/oracle/helm/cmd/records` wrote them from records of ours.

use belay_helm::record::{self, Written};
use belay_helm::{Release, Status};

fn written_by_helm() -> Release {
    let secret = serde_json::from_str(include_str!("records/helm-4.json")).expect("JSON");
    record::from_secret(&secret).expect("a record")
}

#[test]
fn a_record_of_helm_4_is_read() {
    let release = written_by_helm();
    assert_eq!((release.name.as_str(), release.namespace.as_str(), release.version), ("web", "prod", 4));
    assert_eq!(release.info.status, Status::Deployed);
    assert_eq!(release.info.first_deployed.as_deref(), Some("2026-01-02T03:04:05.000000006Z"));
    assert_eq!(release.info.notes, "notes!");
    assert_eq!(release.chart["metadata"]["dependencies"][0]["enabled"], true);
    assert_eq!(release.chart["values"]["z"], 1, "imported values are part of the record");
    assert_eq!(release.config["b"]["c"][0], 1);
    assert_eq!(release.hooks[0].events, ["test"]);
    assert_eq!(release.labels["team"], "blue");
    assert_eq!(release.apply_method, "ssa");
}

#[test]
fn what_we_write_of_it_says_the_same() {
    let release = written_by_helm();
    let again = record::from_secret(&record::to_secret(&release, Written::Modified(1))).unwrap();
    assert_eq!(again, release);
}
