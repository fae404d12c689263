//! Workloads: selectors and templates that fit each other, rollouts, jobs.

use serde_json::{Value, json};

use super::super::{Checker, Object, child, field, is_set, items, number, text, words};
use super::selects;

/// Deployments and their kin.
pub(super) fn workload(checker: &mut Checker<'_>, name: &str, object: &Object) {
    let kind = name.rsplit('.').next().unwrap_or_default();
    let none = Object::new();
    let spec = field(object, "spec").as_object().unwrap_or(&none);
    let selector = field(spec, "selector");
    let template = field(spec, "template");
    match kind {
        "ReplicationController" => {
            let wanted = json!({ "matchLabels": selector });
            if template.is_null() {
                return checker.required("spec.template", "");
            }
            if is_set(selector) && !selects(&wanted, &template["metadata"]["labels"]) {
                mismatch(checker, template);
            }
        }
        _ => selector_fits(checker, kind, selector, template),
    }
    let restart = template["spec"]["restartPolicy"].as_str().unwrap_or("Always");
    if restart != "Always" {
        checker.unsupported("spec.template.spec.restartPolicy", &json!(restart), &["Always"]);
    }
    if !template["spec"]["activeDeadlineSeconds"].is_null() {
        let said = format!(
            "activeDeadlineSeconds in {} is not Supported",
            if kind == "Deployment" { "ReplicaSet" } else { kind }
        );
        checker.forbidden("spec.template.spec.activeDeadlineSeconds", &said);
    }
    match kind {
        "Deployment" => deployment(checker, spec),
        "StatefulSet" => stateful_set(checker, spec),
        "DaemonSet" => daemon_set(checker, spec),
        _ => {}
    }
}

fn mismatch(checker: &mut Checker<'_>, template: &Value) {
    let labels = &template["metadata"]["labels"];
    let said = "`selector` does not match template `labels`";
    checker.invalid("spec.template.metadata.labels", labels, said);
}

fn selector_fits(checker: &mut Checker<'_>, kind: &str, selector: &Value, template: &Value) {
    let is_empty = selector.as_object().is_some_and(|selector| {
        !is_set(field(selector, "matchLabels")) && items(selector, "matchExpressions").is_empty()
    });
    if is_empty {
        let kind = if kind == "ReplicaSet" { "deployment".to_owned() } else { kind.to_lowercase() };
        checker.invalid("spec.selector", selector, &format!("empty selector is invalid for {kind}"));
    } else if !super::is_selector(selector) {
        let said = if kind == "StatefulSet" { "" } else { "invalid label selector" };
        if kind != "DaemonSet" {
            checker.invalid("spec.selector", selector, said);
        }
    } else if !selects(selector, &template["metadata"]["labels"]) {
        mismatch(checker, template);
    }
}

fn deployment(checker: &mut Checker<'_>, spec: &Object) {
    let strategy = field(spec, "strategy");
    let update = &strategy["rollingUpdate"];
    match strategy["type"].as_str().unwrap_or("RollingUpdate") {
        "Recreate" if !update.is_null() => {
            let said = "may not be specified when strategy `type` is 'Recreate'";
            checker.forbidden("spec.strategy.rollingUpdate", said);
        }
        "Recreate" => {}
        "RollingUpdate" => {
            let path = "spec.strategy.rollingUpdate";
            let most = &update["maxUnavailable"];
            count_or_percent(checker, most, &child(path, "maxUnavailable"));
            count_or_percent(checker, &update["maxSurge"], &child(path, "maxSurge"));
            if is_none(most) && is_none(&update["maxSurge"]) {
                checker.invalid(child(path, "maxUnavailable"), most, "may not be 0 when `maxSurge` is 0");
            }
            not_all(checker, most, &child(path, "maxUnavailable"));
        }
        _ => checker.unsupported("spec.strategy", strategy, &["Recreate", "RollingUpdate"]),
    }
    let least = number(spec, "minReadySeconds").unwrap_or(0);
    if let Some(deadline) = number(spec, "progressDeadlineSeconds").filter(|deadline| *deadline <= least) {
        checker.invalid(
            "spec.progressDeadlineSeconds",
            &json!(deadline),
            "must be greater than minReadySeconds",
        );
    }
}

fn stateful_set(checker: &mut Checker<'_>, spec: &Object) {
    let policy = text(spec, "podManagementPolicy");
    if !matches!(policy, "" | "OrderedReady" | "Parallel") {
        checker.invalid("spec.podManagementPolicy", &json!(policy), "must be 'OrderedReady' or 'Parallel'");
    }
    let strategy = field(spec, "updateStrategy");
    let update = &strategy["rollingUpdate"];
    match strategy["type"].as_str().unwrap_or_default() {
        "" => checker.required("spec.updateStrategy", ""),
        "OnDelete" if !update.is_null() => {
            let said = "only allowed for updateStrategy 'RollingUpdate'";
            checker.invalid("spec.updateStrategy.rollingUpdate", update, said);
        }
        "OnDelete" => {}
        "RollingUpdate" => {
            let partition = &update["partition"];
            if partition.as_i64().is_some_and(|partition| partition < 0) {
                let at = "spec.updateStrategy.rollingUpdate.partition";
                checker.invalid(at, partition, "must be greater than or equal to 0");
            }
        }
        _ => checker.invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'"),
    }
    if field(spec, "ordinals")["start"].as_i64().is_some_and(|start| start < 0) {
        let value = &field(spec, "ordinals")["start"];
        checker.invalid("spec.ordinals.start", value, "must be greater than or equal to 0");
    }
    let service = text(spec, "serviceName");
    if !service.is_empty() {
        checker.complaints("spec.serviceName", service, words::dns_label(service));
    }
}

fn daemon_set(checker: &mut Checker<'_>, spec: &Object) {
    let strategy = field(spec, "updateStrategy");
    let update = &strategy["rollingUpdate"];
    let path = "spec.updateStrategy.rollingUpdate";
    match strategy["type"].as_str().unwrap_or_default() {
        "OnDelete" => {}
        "RollingUpdate" => {
            let (most, surge) = (&update["maxUnavailable"], &update["maxSurge"]);
            for (name, value) in [("maxUnavailable", most), ("maxSurge", surge)] {
                count_or_percent(checker, value, &child(path, name));
                not_all(checker, value, &child(path, name));
            }
            if !is_none(most) && !is_none(surge) {
                checker.invalid(
                    child(path, "maxSurge"),
                    surge,
                    "may not be set when maxUnavailable is non-zero",
                );
            } else if is_none(most) && is_none(surge) {
                checker.required(child(path, "maxUnavailable"), "cannot be 0 when maxSurge is 0");
            }
        }
        _ => checker.unsupported("spec.updateStrategy", strategy, &["RollingUpdate", "OnDelete"]),
    }
}

const PERCENT: &str = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

fn percent(value: &Value) -> Option<i64> {
    let digits = value.as_str()?.strip_suffix('%')?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { digits.parse().ok() } else { None }
}

/// A number that is not negative, or a percentage.
pub(super) fn count_or_percent(checker: &mut Checker<'_>, value: &Value, path: &str) {
    if value.is_string() && percent(value).is_none() {
        checker.invalid(path, value, PERCENT);
    }
    if value.as_i64().is_some_and(|count| count < 0) {
        checker.invalid(path, value, "must be greater than or equal to 0");
    }
}

pub(super) fn not_all(checker: &mut Checker<'_>, value: &Value, path: &str) {
    if percent(value).is_some_and(|percent| percent > 100) {
        checker.invalid(path, value, "must not be greater than 100%");
    }
}

fn is_none(value: &Value) -> bool {
    percent(value).or_else(|| value.as_i64()).unwrap_or(0) == 0
}

pub(super) fn revision(checker: &mut Checker<'_>, revision: &Object) {
    match field(revision, "data") {
        // What was let in stays.
        _ if checker.is_update => {}
        Value::Null => checker.required("data", "data is mandatory"),
        Value::Object(_) => {}
        _ => checker.required("data", "data must be a valid JSON object"),
    }
}

/// The spec of a Job, or of what a CronJob makes.
pub(super) fn job_spec(checker: &mut Checker<'_>, spec: &Object, path: &str) {
    let restart = field(spec, "template")["spec"]["restartPolicy"].as_str().unwrap_or_default();
    let at = child(path, "template.spec.restartPolicy");
    match restart {
        "" | "Always" => checker.required(at, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" | "Never" => {
            if restart == "OnFailure" && field(spec, "podFailurePolicy").is_object() {
                checker.invalid(
                    at,
                    &json!(restart),
                    "only \"Never\" is supported when podFailurePolicy is specified",
                );
            }
        }
        _ => checker.unsupported(at, &json!(restart), &["OnFailure", "Never"]),
    }
    let is_indexed = text(spec, "completionMode") == "Indexed";
    if is_indexed && field(spec, "completions").is_null() {
        checker.required(child(path, "completions"), "when completion mode is Indexed");
    }
    for name in ["backoffLimitPerIndex", "maxFailedIndexes"] {
        if !is_indexed && !field(spec, name).is_null() {
            checker.invalid(child(path, name), field(spec, name), "requires indexed completion mode");
        }
    }
    if !field(spec, "maxFailedIndexes").is_null() && field(spec, "backoffLimitPerIndex").is_null() {
        checker.required(child(path, "backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    let replacement = text(spec, "podReplacementPolicy");
    if field(spec, "podFailurePolicy").is_object() {
        if !matches!(replacement, "" | "Failed") {
            checker.unsupported(child(path, "podReplacementPolicy"), &json!(replacement), &["Failed"]);
        }
    } else if !matches!(replacement, "" | "Failed" | "TerminatingOrFailed") {
        checker.unsupported(
            child(path, "podReplacementPolicy"),
            &json!(replacement),
            &["Failed", "TerminatingOrFailed"],
        );
    }
}

pub(super) fn job(checker: &mut Checker<'_>, job: &Object) {
    let none = Object::new();
    let spec = field(job, "spec").as_object().unwrap_or(&none);
    let selector = field(spec, "selector");
    if selector.is_null() {
        checker.required("spec.selector", "");
    }
    if !selects(selector, &field(spec, "template")["metadata"]["labels"]) {
        mismatch(checker, field(spec, "template"));
    }
}

pub(super) fn cron_job(checker: &mut Checker<'_>, cron_job: &Object) {
    let none = Object::new();
    let spec = field(cron_job, "spec").as_object().unwrap_or(&none);
    let name = field(cron_job, "metadata")["name"].as_str().unwrap_or_default();
    if name.len() > 52 {
        checker.invalid("metadata.name", &json!(name), "must be no more than 52 characters");
    }
    let schedule = text(spec, "schedule");
    if !schedule.is_empty() {
        if let Err(said) = crate::schedule::Schedule::parse(schedule) {
            checker.invalid("spec.schedule", &json!(schedule), &said.to_string());
        }
        let zone = field(spec, "timeZone");
        if schedule.contains("TZ") && !zone.is_null() {
            checker.invalid(
                "spec.schedule",
                &json!(schedule),
                "cannot use both timeZone field and TZ or CRON_TZ in schedule",
            );
        } else if schedule.contains("TZ") {
            checker.invalid(
                "spec.schedule",
                &json!(schedule),
                "cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
            );
        }
    }
    time_zone(checker, field(spec, "timeZone"));
    let template = field(spec, "jobTemplate");
    if !template["spec"]["selector"].is_null() {
        checker.invalid(
            "spec.jobTemplate.spec.selector",
            &template["spec"]["selector"],
            "`selector` will be auto-generated",
        );
    }
    if template["spec"]["manualSelector"] == true {
        checker.unsupported("spec.jobTemplate.spec.manualSelector", &json!(true), &["nil", "false"]);
    }
}

fn time_zone(checker: &mut Checker<'_>, zone: &Value) {
    let Some(name) = zone.as_str() else { return };
    let path = "spec.timeZone";
    if name.is_empty() {
        return checker.invalid(path, zone, "timeZone must be nil or non-empty string");
    }
    let is_part = |part: &str| {
        !matches!(part, "." | ".." | "")
            && !part.starts_with('-')
            && part.len() <= 14
            && part.chars().all(|character| character.is_ascii_alphanumeric() || ".-_+".contains(character))
    };
    if !name.split('/').all(is_part) {
        return checker.invalid(path, zone, &format!("unknown time zone {name}"));
    }
    if name.eq_ignore_ascii_case("local") {
        let said = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
        checker.invalid(path, zone, said);
    } else if !crate::schedule::is_time_zone(name) {
        checker.invalid(path, zone, &format!("unknown time zone {name}"));
    }
}
