//! Every family of metrics, once.

/// What a family's samples are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by size.
    Histogram,
}

/// A family: its name, what its samples are, their labels, and what it tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the text format")]
pub struct Family {
    pub name: &'static str,
    pub is: Type,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, is: Type::Counter, labels, help }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, is: Type::Gauge, labels, help }
}

const fn histogram(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, is: Type::Histogram, labels, help }
}

pub(crate) const APP_SYNC: &str = "argocd_app_sync_total";
pub(crate) const APP_SYNC_DURATION: &str = "argocd_app_sync_duration_seconds_total";
pub(crate) const APP_REQUEST: &str = "argocd_app_k8s_request_total";
pub(crate) const APP_RECONCILE: &str = "argocd_app_reconcile";
pub(crate) const GIT_REQUEST: &str = "argocd_git_request_total";
pub(crate) const GIT_DURATION: &str = "argocd_git_request_duration_seconds";
pub(crate) const GIT_FAIL: &str = "argocd_git_fetch_fail_total";
pub(crate) const FLUX_DURATION: &str = "gotk_reconcile_duration_seconds";
pub(crate) const RECONCILE: &str = "controller_runtime_reconcile_total";
pub(crate) const RECONCILE_TIME: &str = "controller_runtime_reconcile_time_seconds";
pub(crate) const REQUESTS: &str = "rest_client_requests_total";
pub(crate) const RENDERS: &str = "belay_renders_total";
pub(crate) const REPOSITORY: &str = "belay_repository_connection_status";
pub(crate) const SPANS: &str = "belay_trace_spans_dropped_total";
pub(crate) const DROPPED: &str = "belay_metrics_series_dropped_total";

/// Names, labels and types as the originals have them: Argo CD's controller and repo-server, Flux's controllers
/// (`gotk_resource_info` as its kube-state-metrics configuration makes it), client-go and controller-runtime under both;
/// `belay_` ours.
pub const FAMILIES: &[Family] = &[
    gauge(
        "argocd_app_info",
        &[
            "namespace",
            "name",
            "project",
            "autosync_enabled",
            "repo",
            "dest_server",
            "dest_namespace",
            "sync_status",
            "health_status",
            "operation",
        ],
        "How an Application stands; always 1.",
    ),
    counter(
        APP_SYNC,
        &["namespace", "name", "project", "dest_server", "phase", "dry_run"],
        "Syncs of an Application that have ended.",
    ),
    counter(
        APP_SYNC_DURATION,
        &["namespace", "name", "project", "dest_server"],
        "Seconds that an Application's syncs took, in all.",
    ),
    counter(
        APP_REQUEST,
        &[
            "namespace",
            "name",
            "project",
            "server",
            "response_code",
            "verb",
            "resource_kind",
            "resource_namespace",
            "dry_run",
        ],
        "Requests to the API server for an Application.",
    ),
    histogram(APP_RECONCILE, &["namespace", "dest_server"], "Seconds that a look at an Application took."),
    gauge("argocd_cluster_info", &["server", "k8s_version", "name"], "A cluster that is known; always 1."),
    gauge(
        "argocd_cluster_api_resource_objects",
        &["server"],
        "Objects of a cluster that are held in memory.",
    ),
    gauge("argocd_cluster_api_resources", &["server"], "Kinds of a cluster that are watched."),
    gauge(
        "argocd_cluster_connection_status",
        &["server", "k8s_version"],
        "Whether a cluster answers: 1 if it does.",
    ),
    counter(GIT_REQUEST, &["repo", "request_type"], "Requests to a Git server."),
    histogram(GIT_DURATION, &["repo", "request_type"], "Seconds that requests to a Git server took."),
    counter(GIT_FAIL, &["repo", "revision"], "Fetches from a Git server that failed."),
    gauge(
        REPOSITORY,
        &["repo"],
        "Whether the last request for a repository was answered as wanted: 1 if it was.",
    ),
    histogram(
        FLUX_DURATION,
        &["kind", "name", "namespace"],
        "Seconds that a look at a resource of Flux took.",
    ),
    gauge(
        "gotk_resource_info",
        &[
            "customresource_group",
            "customresource_version",
            "customresource_kind",
            "name",
            "exported_namespace",
            "ready",
            "suspended",
            "revision",
            "source_name",
            "chart_name",
            "chart_app_version",
            "chart_source_name",
            "chart_version",
            "url",
        ],
        "How a resource of Flux stands; always 1. What a kind does not have is empty.",
    ),
    counter(RECONCILE, &["controller", "result"], "Looks at resources of a kind, by how they ended."),
    histogram(RECONCILE_TIME, &["controller"], "Seconds that looks at resources of a kind took."),
    counter(REQUESTS, &["code", "host", "method"], "Requests to API servers."),
    gauge("belay_apps", &["family", "sync", "health"], "Apps by family, sync and health."),
    counter("belay_http_responses_total", &["class"], "HTTP answers by class of status."),
    counter(RENDERS, &["family", "cache"], "Renders, by whether the last one was still good: hit or miss."),
    gauge(
        "belay_app_drift_age_seconds",
        &["kind", "namespace", "name"],
        "Since when the oldest field is changed that somebody changed in the cluster and that still differs.",
    ),
    gauge(
        "belay_app_sync_age_seconds",
        &["kind", "namespace", "name"],
        "How long ago the app was last synced, as far as the ledger reaches.",
    ),
    gauge(
        "belay_app_blocked",
        &["kind", "namespace", "name", "rule"],
        "Apps of which something differs and is left, and the rule that says so; always 1.",
    ),
    counter(SPANS, &[], "Spans that no collector took in time."),
    counter(DROPPED, &["family"], "Series that were not counted, as their app had too many."),
];

/// A family by its name.
pub fn family(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.name == name)
}
