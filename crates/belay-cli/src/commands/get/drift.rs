//! `belay get --drift`: what others changed in the cluster, as Events keep it.

use std::collections::BTreeMap;

use anyhow::Context;
use belay_diff::Drift;
use kube::Client;
use kube::api::{Api, DynamicObject, ListParams};
use serde_json::Value;

use super::list::App;
use super::print::{Table, name};

/// The drift of the apps, newest last.
pub(super) async fn printed(client: &Client, rows: &[App]) -> anyhow::Result<String> {
    let resource = kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::Event>(&());
    let api: Api<DynamicObject> = Api::all_with(client.clone(), &resource);
    let wanted: BTreeMap<&str, String> =
        rows.iter().map(|row| (row.object.uid(), name(&row.summary.app))).collect();
    let found = api.list(&ListParams::default().fields("reason=DriftDetected")).await;
    let mut found: Vec<(String, Drift)> =
        found.context("events cannot be listed")?.iter().filter_map(|event| record(&wanted, event)).collect();
    found.sort_by(|(_, one), (_, other)| one.time.cmp(&other.time));
    let headings = ["APP", "OBJECT", "FIELD", "GIT", "CLUSTER", "MANAGER", "TIME"].map(str::to_owned);
    let lines = found.into_iter().map(|(app, drift)| {
        vec![app, drift.object.to_string(), drift.field, drift.desired, drift.live, drift.manager, drift.time]
    });
    Ok(Table::new(std::iter::once(headings.to_vec()).chain(lines).collect()).text())
}

fn record(wanted: &BTreeMap<&str, String>, event: &DynamicObject) -> Option<(String, Drift)> {
    let about = event.data.pointer("/involvedObject/uid").and_then(Value::as_str)?;
    let record = event.metadata.annotations.as_ref()?.get("belay.dev/drift")?;
    Some((wanted.get(about)?.clone(), serde_json::from_str(record).ok()?))
}
