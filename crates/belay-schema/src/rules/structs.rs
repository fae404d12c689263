//! Rules between the fields of one struct, by its Go type.

mod access;
mod autoscaling;
mod containers;
mod networks;
mod pods;
mod services;
mod storage;
mod volumes;
mod workloads;

use serde_json::Value;

use super::{Checker, Object, field, items, text};

/// Check one struct.
pub(super) fn check(checker: &mut Checker<'_>, name: &str, object: &Object, path: &str) {
    match name {
        "core.v1.PodSpec" => pods::pod_spec(checker, object, path),
        "core.v1.PodTemplateSpec" => pods::template(checker, object, path),
        "core.v1.Toleration" => pods::toleration(checker, object, path),
        "core.v1.NodeSelectorRequirement" => pods::node_requirement(checker, object, path),
        "core.v1.TopologySpreadConstraint" => pods::spread(checker, object, path),
        "core.v1.PodAffinityTerm" => pods::affinity_term(checker, object, path),
        "core.v1.Container" => containers::container(checker, object, path),
        "core.v1.EnvVar" => containers::variable(checker, object, path),
        "core.v1.EnvFromSource" => containers::variables_from(checker, object, path),
        "core.v1.Probe" | "core.v1.LifecycleHandler" => containers::handler(checker, object, path),
        "core.v1.ResourceRequirements" => containers::resources(checker, object, path),
        "core.v1.Volume" => volumes::volume(checker, object, path),
        "core.v1.ProjectedVolumeSource" => volumes::projected(checker, object, path),
        "core.v1.Service" => services::service(checker, object),
        "core.v1.ConfigMap" | "core.v1.Secret" => storage::data(checker, name, object),
        "core.v1.PersistentVolumeClaimSpec" => storage::claim(checker, object, path),
        "core.v1.PersistentVolumeSpec" => storage::volume(checker, object, path),
        "core.v1.Node" => storage::node(checker, object),
        "core.v1.LimitRange" => storage::limit_range(checker, object),
        "core.v1.EndpointSubset" => networks::subset(checker, object, path),
        "storage.v1.StorageClass" => storage::class(checker, object),
        "apiregistration.v1.APIService" => access::api_service(checker, object),
        "admissionregistration.v1.ValidatingWebhook" | "admissionregistration.v1.MutatingWebhook" => {
            access::webhook(checker, object, path);
        }
        "admissionregistration.v1.ValidatingAdmissionPolicySpec" => {
            access::admission_policy(checker, object, path)
        }
        "admissionregistration.v1.WebhookClientConfig" => access::client_config(checker, object, path),
        "core.v1.ResourceQuota" => storage::quota(checker, object),
        "core.v1.Event" => storage::event(checker, object),
        "apps.v1.Deployment"
        | "apps.v1.ReplicaSet"
        | "apps.v1.StatefulSet"
        | "apps.v1.DaemonSet"
        | "core.v1.ReplicationController" => workloads::workload(checker, name, object),
        "apps.v1.ControllerRevision" => workloads::revision(checker, object),
        "batch.v1.JobSpec" => workloads::job_spec(checker, object, path),
        "batch.v1.Job" => workloads::job(checker, object),
        "batch.v1.CronJob" => workloads::cron_job(checker, object),
        "autoscaling.v2.HorizontalPodAutoscalerSpec" | "autoscaling.v1.HorizontalPodAutoscalerSpec" => {
            autoscaling::spec(checker, object, path);
        }
        "autoscaling.v2.MetricSpec" => autoscaling::metric(checker, object, path),
        "autoscaling.v2.HPAScalingRules" => autoscaling::scaling_rules(checker, object, path),
        "autoscaling.v2.HPAScalingPolicy" => autoscaling::scaling_policy(checker, object, path),
        "policy.v1.PodDisruptionBudgetSpec" => autoscaling::disruption_budget(checker, object, path),
        "networking.v1.Ingress" => networks::ingress(checker, object),
        "networking.v1.IngressBackend" => networks::backend(checker, object, path),
        "networking.v1.HTTPIngressPath" => networks::http_path(checker, object, path),
        "networking.v1.NetworkPolicySpec" => networks::policy(checker, object, path),
        "networking.v1.NetworkPolicyPeer" => networks::peer(checker, object, path),
        "networking.v1.NetworkPolicyPort" => networks::policy_port(checker, object, path),
        "networking.v1.IPBlock" => networks::block(checker, object, path),
        "networking.v1.IngressClassSpec" => networks::class(checker, object, path),
        "discovery.v1.EndpointSlice" => networks::endpoint_slice(checker, object),
        "rbac.v1.Role" | "rbac.v1.ClusterRole" => access::role(checker, name, object),
        "rbac.v1.RoleBinding" | "rbac.v1.ClusterRoleBinding" => access::binding(checker, name, object),
        "flowcontrol.v1.PriorityLevelConfigurationSpec" => access::priority_level(checker, object, path),
        "flowcontrol.v1.FlowSchemaSpec" => access::flow_rules(checker, object, path),
        "scheduling.v1.PriorityClass" => access::priority_class(checker, object),
        _ => {}
    }
}

/// A labels selector that selects nothing is missing, one that selects all is empty.
fn selects(selector: &Value, labels: &Value) -> bool {
    let Some(selector) = selector.as_object() else { return false };
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let mut wanted = field(selector, "matchLabels").as_object().into_iter().flatten();
    wanted.all(|(key, value)| label(key) == value.as_str())
        && items(selector, "matchExpressions").iter().filter_map(Value::as_object).all(|expression| {
            let found = label(text(expression, "key"));
            let is_listed = || items(expression, "values").iter().any(|value| value.as_str() == found);
            match text(expression, "operator") {
                "In" => found.is_some() && is_listed(),
                "NotIn" => found.is_none() || !is_listed(),
                "Exists" => found.is_some(),
                _ => found.is_none(),
            }
        })
}

/// Whether a selector can be asked at all.
fn is_selector(selector: &Value) -> bool {
    let is_key = |key: &str| super::words::qualified(key).is_empty();
    let is_value =
        |value: &Value| value.as_str().is_some_and(|text| super::words::label_value(text).is_empty());
    let Some(selector) = selector.as_object() else { return true };
    let mut labels = field(selector, "matchLabels").as_object().into_iter().flatten();
    labels.all(|(key, value)| is_key(key) && is_value(value))
        && items(selector, "matchExpressions").iter().filter_map(Value::as_object).all(|expression| {
            let values = items(expression, "values");
            let fits = match text(expression, "operator") {
                "In" | "NotIn" => !values.is_empty(),
                "Exists" | "DoesNotExist" => values.is_empty(),
                _ => false,
            };
            fits && is_key(text(expression, "key")) && values.iter().all(is_value)
        })
}

/// The named parts that are there, of which only some may be.
fn present<'n>(object: &Object, names: &[&'n str]) -> Vec<&'n str> {
    names.iter().copied().filter(|name| !field(object, name).is_null()).collect()
}
