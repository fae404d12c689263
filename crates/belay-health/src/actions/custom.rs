//! Actions of kinds that controllers bring: Argo's and Flux's own, and a few that people use most.

use belay_manifest::Object;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::built_in::{number, remove, set, stamp};
use super::{Action, ActionError, Impact, Parameter, rollout};

const KEDA_PAUSED: &str = "autoscaling.keda.sh/paused";
const KEDA_REPLICAS: &str = "autoscaling.keda.sh/paused-replicas";
const CNPG_LOOP: &str = "cnpg.io/reconciliationLoop";

pub(super) fn named(name: &str, disabled: bool) -> Action {
    Action { name: name.to_owned(), disabled, ..Action::default() }
}

fn shown(name: &str, display_name: &str, icon: &str) -> Action {
    Action {
        display_name: display_name.to_owned(),
        icon_class: format!("fa fa-fw fa-{icon}"),
        ..named(name, false)
    }
}

fn asking(action: Action, parameter: &str) -> Action {
    Action { params: vec![Parameter { name: parameter.to_owned() }], ..action }
}

pub(super) fn list(object: &Object) -> Vec<Action> {
    let value = object.value();
    let annotation = |name: &str| object.annotation(name);
    let is_suspended = value["spec"]["suspend"] == true;
    match (object.gvk().group.as_str(), object.kind()) {
        ("argoproj.io", "Application") => {
            let title = if is_automated(value) { "Disable Auto-Sync" } else { "Enable Auto-Sync" };
            vec![Action { display_name: title.to_owned(), ..named("toggle-auto-sync", false) }]
        }
        ("argoproj.io", "Rollout") => rollout::list(value),
        ("argoproj.io", "AnalysisRun") => {
            const ENDED: [&str; 4] = ["Successful", "Failed", "Error", "Inconclusive"];
            let has_ended = value["status"]["phase"].as_str().is_some_and(|phase| ENDED.contains(&phase));
            vec![named("terminate", has_ended || value["spec"]["terminate"] == true)]
        }
        ("argoproj.io", "WorkflowTemplate" | "CronWorkflow") => {
            vec![shown("create-workflow", "Create Workflow", "plus")]
        }
        ("k8s.mariadb.com", "MariaDB") if is_suspended => vec![shown("resume", "Resume", "play")],
        ("k8s.mariadb.com", "MariaDB") => vec![shown("suspend", "Suspend", "pause")],
        (group, kind) if is_flux(group, kind) => {
            let mut actions = vec![named("suspend", is_suspended), named("resume", !is_suspended)];
            if kind != "Alert" && kind != "Provider" {
                actions.push(named("reconcile", is_suspended));
            }
            actions
        }
        ("keda.sh", "ScaledObject") => {
            let is_on = annotation(KEDA_PAUSED) == Some("true");
            let is_paused = is_on || annotation(KEDA_REPLICAS).is_some();
            let replicas = asking(shown("paused-replicas", "", "pause-circle"), "replicas");
            vec![
                Action { disabled: is_paused, ..shown("pause", "", "pause-circle") },
                Action { disabled: is_on, ..replicas },
                Action { disabled: !is_paused, ..shown("resume", "", "play-circle") },
            ]
        }
        ("keda.sh", "ScaledJob") => {
            let is_paused = annotation(KEDA_PAUSED) == Some("true");
            vec![
                Action { disabled: is_paused, ..shown("pause", "", "pause-circle") },
                Action { disabled: !is_paused, ..shown("resume", "", "play-circle") },
            ]
        }
        ("external-secrets.io", "ExternalSecret") => {
            let is_never = is_never(value) && value["spec"]["refreshPolicy"] != "OnChange";
            vec![named("refresh", is_never)]
        }
        ("external-secrets.io", "PushSecret") => vec![named("push", is_never(value))],
        ("postgresql.cnpg.io", "Cluster") => {
            cluster_actions(value, annotation(CNPG_LOOP) == Some("disabled"))
        }
        _ => Vec::new(),
    }
}

pub(super) fn run(
    object: &Object,
    name: &str,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<Vec<Impact>, ActionError> {
    let mut value = object.value().clone();
    let annotate = |value: &mut Value, name: &str, text: &str| {
        set(value, &format!("/metadata/annotations/{}", name.replace('/', "~1")), json!(text));
    };
    match (object.gvk().group.as_str(), object.kind(), name) {
        ("argoproj.io", "Application", "toggle-auto-sync") => {
            let enabled = !is_automated(&value);
            set(&mut value, "/spec/syncPolicy/automated/enabled", json!(enabled));
        }
        ("argoproj.io", "Rollout", name) => rollout::run(&mut value, name, now)?,
        ("argoproj.io", "AnalysisRun", "terminate") => set(&mut value, "/spec/terminate", json!(true)),
        ("argoproj.io", "WorkflowTemplate" | "CronWorkflow", "create-workflow") => {
            return Ok(vec![Impact::Create(workflow_of(object, now))]);
        }
        (group, kind, "suspend") if suspends(group, kind) => set(&mut value, "/spec/suspend", json!(true)),
        (group, kind, "resume") if suspends(group, kind) => {
            if value["spec"]["suspend"] == true {
                set(&mut value, "/spec/suspend", json!(false));
            }
        }
        (group, kind, "reconcile") if is_flux(group, kind) && kind != "Alert" && kind != "Provider" => {
            let asked = now.strftime("By Argo CD at: %Y-%m-%dT%H:%M:%S").to_string();
            annotate(&mut value, "reconcile.fluxcd.io/requestedAt", &asked);
        }
        ("keda.sh", "ScaledObject" | "ScaledJob", "pause") => annotate(&mut value, KEDA_PAUSED, "true"),
        ("keda.sh", "ScaledObject" | "ScaledJob", "resume") => {
            remove(&mut value, "/metadata/annotations", KEDA_PAUSED);
            remove(&mut value, "/metadata/annotations", KEDA_REPLICAS);
        }
        ("keda.sh", "ScaledObject", "paused-replicas") => {
            let replicas = number("replicas", parameters)?;
            if replicas < 0 {
                return Err(ActionError::NoNumber(format!("{replicas} (must be >= 0)")));
            }
            annotate(&mut value, KEDA_REPLICAS, &replicas.to_string());
        }
        ("external-secrets.io", "ExternalSecret", "refresh")
        | ("external-secrets.io", "PushSecret", "push") => {
            annotate(&mut value, "force-sync", &stamp(now));
        }
        ("postgresql.cnpg.io", "Cluster", "suspend") => annotate(&mut value, CNPG_LOOP, "disabled"),
        ("postgresql.cnpg.io", "Cluster", "resume") => remove(&mut value, "/metadata/annotations", CNPG_LOOP),
        ("postgresql.cnpg.io", "Cluster", "restart") => {
            annotate(&mut value, "kubectl.kubernetes.io/restartedAt", &stamp(now));
        }
        ("postgresql.cnpg.io", "Cluster", "reload") => {
            annotate(&mut value, "cnpg.io/reloadedAt", &stamp(now))
        }
        ("postgresql.cnpg.io", "Cluster", "promote") => promote(&mut value, object.name(), parameters, now)?,
        _ => return Err(ActionError::Unknown),
    }
    Ok(vec![Impact::Patch(value)])
}

fn is_automated(app: &Value) -> bool {
    let automated = &app["spec"]["syncPolicy"]["automated"];
    !automated.is_null() && automated["enabled"].as_bool().unwrap_or(true)
}

/// Flux's kinds that can be suspended.
fn is_flux(group: &str, kind: &str) -> bool {
    const SOURCES: [&str; 5] = ["GitRepository", "OCIRepository", "HelmRepository", "HelmChart", "Bucket"];
    match group {
        "kustomize.toolkit.fluxcd.io" => kind == "Kustomization",
        "helm.toolkit.fluxcd.io" => kind == "HelmRelease",
        "source.toolkit.fluxcd.io" => SOURCES.contains(&kind),
        "image.toolkit.fluxcd.io" => kind == "ImageRepository" || kind == "ImageUpdateAutomation",
        "notification.toolkit.fluxcd.io" => ["Alert", "Provider", "Receiver"].contains(&kind),
        _ => false,
    }
}

/// Kinds that are suspended by `spec.suspend`.
fn suspends(group: &str, kind: &str) -> bool {
    is_flux(group, kind) || (group, kind) == ("k8s.mariadb.com", "MariaDB")
}

/// Whether a secret is never refreshed by itself.
fn is_never(secret: &Value) -> bool {
    let interval = match &secret["spec"]["refreshInterval"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let unit = interval.strip_prefix('0');
    unit.is_some_and(|unit| ["", "ns", "us", "µs", "ms", "s", "m", "h"].contains(&unit))
}

fn cluster_actions(cluster: &Value, is_suspended: bool) -> Vec<Action> {
    let turn = if is_suspended {
        shown("resume", "Resume Reconciliation", "play")
    } else {
        shown("suspend", "Suspend Reconciliation", "pause")
    };
    let promote = asking(shown("promote", "Promote Replica to Primary", "angles-up"), "instance");
    vec![
        shown("restart", "Rollout restart Cluster", "recycle"),
        shown("reload", "Reload all Configuration", "rotate-right"),
        Action { disabled: healthy_instances(cluster).len() < 2, ..promote },
        turn,
    ]
}

fn healthy_instances(cluster: &Value) -> Vec<String> {
    let healthy = cluster["status"]["instancesStatus"]["healthy"].as_array().into_iter().flatten();
    healthy.filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Makes an instance of a PostgreSQL cluster its primary: a named or numbered one, or the one after the primary.
fn promote(
    cluster: &mut Value,
    name: &str,
    parameters: &[(String, String)],
    now: Timestamp,
) -> Result<(), ActionError> {
    let wanted = parameters.iter().find(|(name, _)| name == "instance");
    let wanted = wanted.map_or("any", |(_, instance)| instance.as_str());
    let healthy = healthy_instances(cluster);
    let found = match wanted {
        "any" => {
            let primary = cluster["status"]["currentPrimary"].as_str().unwrap_or_default();
            let after = healthy.iter().position(|one| one == primary).map_or(0, |place| place + 1);
            healthy.get(after).or(healthy.first())
        }
        number if number.parse::<f64>().is_ok() => {
            healthy.iter().find(|one| **one == format!("{name}-{number}"))
        }
        instance => healthy.iter().find(|one| *one == instance),
    };
    let found = found.ok_or_else(|| ActionError::NoInstance(wanted.to_owned()))?;
    set(cluster, "/status/targetPrimary", json!(found));
    set(cluster, "/status/targetPrimaryTimestamp", json!(stamp(now)));
    set(cluster, "/status/phase", json!("Switchover in progress"));
    set(cluster, "/status/phaseReason", json!(format!("Switching over to {found}")));
    Ok(())
}

/// The Workflow that a template or a schedule stands for.
fn workflow_of(object: &Object, now: Timestamp) -> Value {
    let value = object.value();
    let mut labels = json!({});
    let mut workflow = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Workflow", "metadata": {
        "name": format!("{}-{}", object.name(), now.strftime("%Y%m%d%H%M")),
        "namespace": value["metadata"]["namespace"],
    }});
    if object.kind() == "WorkflowTemplate" {
        labels["workflows.argoproj.io/workflow-template"] = json!(object.name());
        workflow["spec"] = json!({"workflowTemplateRef": {"name": object.name()}});
    } else {
        let metadata = &value["spec"]["workflowMetadata"];
        let given = |name: &str| if metadata[name].is_object() { metadata[name].clone() } else { json!({}) };
        labels = given("labels");
        labels["workflows.argoproj.io/cron-workflow"] = json!(object.name());
        const INSTANCE: &str = "workflows.argoproj.io/controller-instanceid";
        if let Some(instance) = object.label(INSTANCE) {
            labels[INSTANCE] = json!(instance);
        }
        let mut annotations = given("annotations");
        annotations["workflows.argoproj.io/scheduled-time"] = json!(stamp(now));
        workflow["metadata"]["annotations"] = annotations;
        if metadata["finalizers"].is_array() {
            workflow["metadata"]["finalizers"] = metadata["finalizers"].clone();
        }
        workflow["spec"] = value["spec"]["workflowSpec"].clone();
    }
    workflow["metadata"]["labels"] = labels;
    workflow["metadata"]["ownerReferences"] = json!([{
        "apiVersion": value["apiVersion"], "kind": value["kind"],
        "name": object.name(), "uid": value["metadata"]["uid"],
    }]);
    workflow
}
