//! In which order kinds are applied: Argo CD's list, and Flux's stages and list.

/// Argo CD's order of kinds within a wave; kinds that are not named come last.
/// Source: `kindOrder` of gitops-engine (pkg/sync/sync_tasks.go).
const ARGO_ORDER: &[&str] = &[
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SecretList",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleList",
    "ClusterRoleBinding",
    "ClusterRoleBindingList",
    "Role",
    "RoleList",
    "RoleBinding",
    "RoleBindingList",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];

/// Flux's order of kinds within a stage: these first,
const FLUX_FIRST: &[&str] = &[
    "CustomResourceDefinition",
    "Namespace",
    "ClusterRole",
    "ClusterClass",
    "RuntimeClass",
    "PriorityClass",
    "StorageClass",
    "VolumeSnapshotClass",
    "IngressClass",
    "GatewayClass",
    "ClusterRoleBinding",
    "ResourceQuota",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ConfigMap",
    "Secret",
    "Service",
    "LimitRange",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// and these last.
const FLUX_LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn position(list: &[&str], kind: &str) -> Option<usize> {
    list.iter().position(|entry| *entry == kind)
}

/// The rank of a kind in an Argo CD sync: lower is applied first.
pub fn argo_kind_rank(kind: &str) -> usize {
    position(ARGO_ORDER, kind).unwrap_or(ARGO_ORDER.len())
}

/// The rank of a kind within a stage of a Flux apply: lower is applied first, deleted last.
pub fn flux_kind_rank(kind: &str) -> usize {
    match (position(FLUX_FIRST, kind), position(FLUX_LAST, kind)) {
        (Some(rank), _) => rank,
        (None, Some(rank)) => FLUX_FIRST.len() + 1 + rank,
        (None, None) => FLUX_FIRST.len(),
    }
}

/// The stage of a kind in a Flux apply: 0 definitions (waited for), 1 classes, 2 the rest.
/// Flux looks at the kind only, not at its group.
pub fn flux_stage(kind: &str) -> usize {
    match kind {
        "CustomResourceDefinition" | "Namespace" | "ClusterRole" => 0,
        _ if kind.ends_with("Class") => 1,
        _ => 2,
    }
}
