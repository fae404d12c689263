//! CronJobs make Jobs when their time has come.

use std::sync::Arc;
use std::time::Duration;

use belay_schema::schedule::Schedule;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{MANAGER, delete_now, set_status};
use crate::cluster::State;
use crate::object::{
    controller_reference, is_being_deleted, is_controlled_by, items, name, namespace, number, text, uid,
};
use crate::request::Target;
use crate::store::GroupResource;

/// Start what is due; how long until the next is.
pub(super) fn step(state: &mut State) -> Option<Duration> {
    let all = state.store.list(&GroupResource::new("batch", "cronjobs"), "");
    let waiting: Vec<Arc<Value>> =
        all.filter(|job| !is_being_deleted(job) && job["spec"]["suspend"] != true).cloned().collect();
    let now = state.clock.now();
    let mut next: Option<Timestamp> = None;
    for cron_job in waiting {
        tidy(state, &cron_job);
        let Some(mut due) = next_run(&cron_job, last_run(&cron_job)) else { continue };
        if due <= now {
            // Of several that were missed, the latest is made up for.
            let mut latest = due;
            while let Some(later) = next_run(&cron_job, latest).filter(|later| *later <= now) {
                latest = later;
            }
            start(state, &cron_job, latest);
            let Some(following) = next_run(&cron_job, now) else { continue };
            due = following;
        }
        next = Some(next.map_or(due, |earliest| earliest.min(due)));
    }
    let wait = next?.duration_since(now);
    Some(Duration::try_from(wait).unwrap_or_default().max(Duration::from_millis(50)))
}

fn last_run(cron_job: &Value) -> Timestamp {
    let last = text(cron_job, &["status", "lastScheduleTime"]);
    let last = if last.is_empty() { text(cron_job, &["metadata", "creationTimestamp"]) } else { last };
    last.parse().unwrap_or(Timestamp::UNIX_EPOCH)
}

fn next_run(cron_job: &Value, after: Timestamp) -> Option<Timestamp> {
    let zone = text(cron_job, &["spec", "timeZone"]);
    let zone = if zone.is_empty() { TimeZone::UTC } else { TimeZone::get(zone).unwrap_or(TimeZone::UTC) };
    Schedule::parse(text(cron_job, &["spec", "schedule"])).ok()?.next_after(after, &zone)
}

fn jobs_of(state: &State, cron_job: &Value) -> Vec<Arc<Value>> {
    let jobs = state.store.list(&GroupResource::new("batch", "jobs"), namespace(cron_job));
    jobs.filter(|job| is_controlled_by(job, uid(cron_job))).cloned().collect()
}

fn is_over(job: &Value, kind: &str) -> bool {
    items(job, &["status", "conditions"])
        .iter()
        .any(|condition| condition["type"] == kind && condition["status"] == "True")
}

fn is_active(job: &Value) -> bool {
    !is_over(job, "Complete") && !is_over(job, "Failed")
}

fn start(state: &mut State, cron_job: &Value, due: Timestamp) {
    let active: Vec<Arc<Value>> = jobs_of(state, cron_job).into_iter().filter(|job| is_active(job)).collect();
    match text(cron_job, &["spec", "concurrencyPolicy"]) {
        "Forbid" if !active.is_empty() => return,
        "Replace" => active.iter().for_each(|job| delete_now(state, job)),
        _ => {}
    }
    let Some(definition) = state.definition_of("batch/v1", "Job") else { return };
    let template = &cron_job["spec"]["jobTemplate"];
    let job_name = format!("{}-{}", name(cron_job), due.as_second() / 60);
    let mut annotations = template["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    let time = crate::clock::seconds(due);
    annotations.insert("batch.kubernetes.io/cronjob-scheduled-timestamp".into(), time.as_str().into());
    let job = json!({
        "metadata": {
            "name": job_name, "labels": template["metadata"]["labels"], "annotations": annotations,
            "ownerReferences": [controller_reference(cron_job)],
        },
        "spec": template["spec"],
    });
    let target = Target::of(&definition, namespace(cron_job), "");
    if let Err(error) = super::super::create(state, &target, job, MANAGER) {
        tracing::debug!(%error, cron_job = name(cron_job), "a job was not made");
    }
    set_status(state, cron_job, |cron_job| cron_job["status"]["lastScheduleTime"] = time.into());
}

/// What runs is listed, and of what is over only the newest are kept.
fn tidy(state: &mut State, cron_job: &Value) {
    let jobs = jobs_of(state, cron_job);
    for (kind, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
        let kept =
            number(cron_job, &["spec", limit]).and_then(|limit| usize::try_from(limit).ok()).unwrap_or(1);
        let mut over: Vec<&Arc<Value>> = jobs.iter().filter(|job| is_over(job, kind)).collect();
        over.sort_by_key(|job| std::cmp::Reverse(text(job, &["metadata", "creationTimestamp"]).to_owned()));
        over.iter().skip(kept).for_each(|job| delete_now(state, job));
    }
    let reference = |job: &Arc<Value>| {
        json!({ "apiVersion": "batch/v1", "kind": "Job", "name": name(job), "namespace": namespace(job), "uid": uid(job),
            "resourceVersion": job["metadata"]["resourceVersion"] })
    };
    let active: Vec<Value> = jobs.iter().filter(|job| is_active(job)).map(reference).collect();
    let succeeded = jobs.iter().filter_map(|job| job["status"]["completionTime"].as_str()).max();
    let succeeded = succeeded.map(str::to_owned);
    set_status(state, cron_job, |cron_job| {
        if active.is_empty() {
            crate::object::remove(cron_job, &["status", "active"]);
        } else {
            cron_job["status"]["active"] = active.into();
        }
        if let Some(time) = succeeded {
            cron_job["status"]["lastSuccessfulTime"] = time.into();
        }
    });
}
