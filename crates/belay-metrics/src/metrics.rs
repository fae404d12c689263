//! What happens, counted.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use prometheus::core::{Atomic, GenericCounterVec};
use prometheus::{
    CounterVec, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

use crate::families::{self, Family, Type, family};
use crate::gauge::Gauge;
use crate::per_app::{Owner, PerApp};

/// Repositories that are counted each for itself; further ones are counted together.
const MOST_REPOSITORIES: usize = 1000;

/// Counters and histograms. A copy is another handle on the same ones.
#[derive(Clone)]
pub struct Metrics(Arc<Counts>);

struct Counts {
    registry: Registry,
    app_syncs: PerApp<IntCounterVec>,
    app_sync_seconds: PerApp<CounterVec>,
    app_requests: PerApp<IntCounterVec>,
    app_looks: HistogramVec,
    git_requests: IntCounterVec,
    git_seconds: HistogramVec,
    git_failures: IntCounterVec,
    repositories_answer: IntGaugeVec,
    repositories: Mutex<BTreeSet<String>>,
    flux_looks: PerApp<HistogramVec>,
    looks: IntCounterVec,
    look_seconds: HistogramVec,
    requests: IntCounterVec,
    renders: IntCounterVec,
    spans: IntCounterVec,
    dropped: IntCounterVec,
}

/// A cluster that apps deploy to, as its series tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterState {
    /// Its URL.
    pub server: String,
    /// Its name; may be empty.
    pub name: String,
    /// Its version, empty if unknown.
    pub version: String,
    /// How many of its objects are held in memory.
    pub objects: usize,
    /// How many of its kinds have such objects.
    pub kinds: usize,
    /// Whether it answers.
    pub answers: bool,
}

/// An Application, as its series name it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the labels")]
pub struct AppName {
    pub namespace: String,
    pub name: String,
    pub project: String,
    /// The destination's URL.
    pub server: String,
}

impl AppName {
    fn owner(&self) -> Owner {
        owner("Application", &self.namespace, &self.name)
    }
}

/// A request to an API server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KubernetesRequest<'a> {
    /// `GET`, `PATCH`, …
    pub method: &'a str,
    /// The path, without a query.
    pub path: &'a str,
    /// The query.
    pub query: &'a str,
    /// The API server.
    pub host: &'a str,
    /// Its answer's status; `<error>` when there was none.
    pub code: &'a str,
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Metrics")
    }
}

impl Metrics {
    /// Nothing has happened yet.
    pub fn new() -> Metrics {
        let registry = Registry::new();
        let counts = Counts {
            app_syncs: PerApp::new(counter(&registry, families::APP_SYNC)),
            app_sync_seconds: PerApp::new(counter(&registry, families::APP_SYNC_DURATION)),
            app_requests: PerApp::new(counter(&registry, families::APP_REQUEST)),
            app_looks: histogram(&registry, families::APP_RECONCILE, &[0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]),
            git_requests: counter(&registry, families::GIT_REQUEST),
            git_seconds: histogram(
                &registry,
                families::GIT_DURATION,
                &[0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 10.0, 20.0],
            ),
            git_failures: counter(&registry, families::GIT_FAIL),
            repositories_answer: state(&registry, families::REPOSITORY),
            repositories: Mutex::default(),
            flux_looks: PerApp::new(histogram(&registry, families::FLUX_DURATION, &flux_buckets())),
            looks: counter(&registry, families::RECONCILE),
            look_seconds: histogram(&registry, families::RECONCILE_TIME, &flux_buckets()),
            requests: counter(&registry, families::REQUESTS),
            renders: counter(&registry, families::RENDERS),
            spans: counter(&registry, families::SPANS),
            dropped: counter(&registry, families::DROPPED),
            registry,
        };
        Metrics(Arc::new(counts))
    }

    /// A sync of an Application has ended, in this phase and after so many seconds.
    pub fn app_synced(&self, app: &AppName, phase: &str, is_dry_run: bool, seconds: f64) {
        let AppName { namespace, name, project, server } = app;
        let dry_run = if is_dry_run { "true" } else { "false" };
        let labels = [namespace.as_str(), name, project, server, phase, dry_run];
        match self.0.app_syncs.of(&app.owner(), &labels) {
            Some(series) => series.inc(),
            None => self.dropped(families::APP_SYNC),
        }
        if let Some(series) = self.0.app_sync_seconds.of(&app.owner(), &labels[..4]) {
            series.inc_by(seconds.max(0.0));
        }
    }

    /// An Application was looked at.
    pub fn app_reconciled(&self, app: &AppName, took: Duration) {
        self.0.app_looks.with_label_values(&[&app.namespace, &app.server]).observe(took.as_secs_f64());
    }

    /// An API server was asked; for an Application, where it was for one.
    pub fn kubernetes_request(&self, app: Option<&AppName>, request: &KubernetesRequest<'_>) {
        let KubernetesRequest { method, path, query, host, code } = request;
        self.0.requests.with_label_values(&[code, host, method]).inc();
        let Some(app) = app else { return };
        let target = Target::of(method, path, query);
        let dry_run = if query.contains("dryRun=") { "true" } else { "false" };
        let AppName { namespace, name, project, server } = app;
        let labels = [
            namespace.as_str(),
            name,
            project,
            server,
            code,
            target.verb,
            target.kind,
            target.namespace,
            dry_run,
        ];
        match self.0.app_requests.of(&app.owner(), &labels) {
            Some(series) => series.inc(),
            None => self.dropped(families::APP_REQUEST),
        }
    }

    /// A Git server was asked. `repository` is shown, and must hold no login.
    pub fn git_request(&self, repository: &str, revision: &str, took: Duration, is_good: bool) {
        let repository = self.counted(repository);
        self.0.git_requests.with_label_values(&[repository, "fetch"]).inc();
        self.0.git_seconds.with_label_values(&[repository, "fetch"]).observe(took.as_secs_f64());
        if repository != OTHERS {
            self.0.repositories_answer.with_label_values(&[repository]).set(i64::from(is_good));
        }
        if !is_good {
            // Who may name revisions must not be able to make ever more series.
            let revision = if repository == OTHERS || revision.len() > 100 { OTHERS } else { revision };
            self.0.git_failures.with_label_values(&[repository, revision]).inc();
        }
    }

    /// A resource of Flux was looked at.
    pub fn flux_reconciled(&self, kind: &str, namespace: &str, name: &str, took: Duration) {
        match self.0.flux_looks.of(&owner(kind, namespace, name), &[kind, name, namespace]) {
            Some(series) => series.observe(took.as_secs_f64()),
            None => self.dropped(families::FLUX_DURATION),
        }
    }

    /// A controller's look has ended: `success`, `error`, `requeue` or `requeue_after`.
    pub fn looked(&self, controller: &str, result: &str, took: Duration) {
        self.0.looks.with_label_values(&[controller, result]).inc();
        self.0.look_seconds.with_label_values(&[controller]).observe(took.as_secs_f64());
    }

    /// Something was to be rendered, and was or was not found as it had been rendered before.
    pub fn rendered(&self, family: &str, is_found: bool) {
        self.0.renders.with_label_values(&[family, if is_found { "hit" } else { "miss" }]).inc();
    }

    /// So many spans were dropped.
    pub fn spans_dropped(&self, count: usize) {
        self.0.spans.with_label_values::<&str>(&[]).inc_by(u64::try_from(count).unwrap_or(u64::MAX));
    }

    /// An app, or another resource, has gone, and what was counted of it goes.
    pub fn forget(&self, kind: &str, namespace: &str, name: &str) {
        let owner = owner(kind, namespace, name);
        self.0.app_syncs.forget(&owner);
        self.0.app_sync_seconds.forget(&owner);
        self.0.app_requests.forget(&owner);
        self.0.flux_looks.forget(&owner);
    }

    /// Everything in Prometheus' text format, with what others know.
    pub fn text(&self, gauges: &[Gauge]) -> String {
        let asked = Registry::new();
        for gauge in gauges {
            register(&asked, gauge);
        }
        let mut all = asked.gather();
        all.extend(self.0.registry.gather());
        // Encoding into memory fails for names that are no names, of which we have none.
        TextEncoder::new().encode_to_string(&all).unwrap_or_default()
    }

    fn dropped(&self, family: &str) {
        self.0.dropped.with_label_values(&[family]).inc();
    }

    fn counted<'a>(&self, repository: &'a str) -> &'a str {
        let mut known = self.0.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        if known.contains(repository) {
            return repository;
        }
        if known.len() >= MOST_REPOSITORIES {
            return OTHERS;
        }
        known.insert(repository.to_owned());
        repository
    }
}

/// What stands for everything that is too much to be counted for itself.
const OTHERS: &str = "others";

/// What a request is about, in the words of Argo CD.
#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    verb: &'static str,
    kind: &'a str,
    namespace: &'a str,
}

impl<'a> Target<'a> {
    fn of(method: &str, path: &'a str, query: &str) -> Target<'a> {
        let mut parts = path.trim_matches('/').split('/');
        // `api/v1` or `apis/GROUP/VERSION`
        let leading = if parts.next() == Some("apis") { 2 } else { 1 };
        let mut parts = parts.skip(leading).peekable();
        let mut namespace = "";
        let mut kind = parts.next().unwrap_or_default();
        let mut name = parts.next();
        if kind == "namespaces" && parts.peek().is_some() {
            namespace = name.unwrap_or_default();
            kind = parts.next().unwrap_or_default();
            name = parts.next();
        }
        let verb = match (method, name) {
            ("GET", _) if query.contains("watch=true") || query.contains("watch=1") => "Watch",
            ("GET", None) => "List",
            ("GET", Some(_)) => "Get",
            ("POST", _) => "Create",
            ("DELETE", _) => "Delete",
            ("PATCH", _) => "Patch",
            ("PUT", _) => "Update",
            _ => "Unknown",
        };
        Target { verb, kind, namespace }
    }
}

fn owner(kind: &str, namespace: &str, name: &str) -> Owner {
    (kind.to_owned(), namespace.to_owned(), name.to_owned())
}

/// Ten buckets from 10 ms to half an hour, each as many times as large as the one before.
fn flux_buckets() -> Vec<f64> {
    let factor = (1800.0_f64 / 0.01).powf(1.0 / 9.0);
    (0..10).map(|power| 0.01 * factor.powi(power)).collect()
}

fn known(name: &str, is: Type) -> &'static Family {
    family(name).filter(|family| family.is == is).expect("a family that is listed, with its type")
}

fn counter<P: Atomic + 'static>(registry: &Registry, name: &str) -> GenericCounterVec<P> {
    let family = known(name, Type::Counter);
    let made = GenericCounterVec::new(Opts::new(family.name, family.help), family.labels);
    let made = made.expect("names and labels are valid");
    registry.register(Box::new(made.clone())).expect("each family is registered once");
    made
}

fn state(registry: &Registry, name: &str) -> IntGaugeVec {
    let family = known(name, Type::Gauge);
    let made = IntGaugeVec::new(Opts::new(family.name, family.help), family.labels);
    let made = made.expect("names and labels are valid");
    registry.register(Box::new(made.clone())).expect("each family is registered once");
    made
}

fn histogram(registry: &Registry, name: &str, buckets: &[f64]) -> HistogramVec {
    let family = known(name, Type::Histogram);
    let options = HistogramOpts::new(family.name, family.help).buckets(buckets.to_vec());
    let made = HistogramVec::new(options, family.labels).expect("names and labels are valid");
    registry.register(Box::new(made.clone())).expect("each family is registered once");
    made
}

/// Samples whose labels are not those of their family are left out.
fn register(registry: &Registry, gauge: &Gauge) {
    let Some(family) = family(gauge.name) else { return };
    let options = Opts::new(family.name, family.help);
    match family.is {
        Type::Counter => {
            let Ok(made) = CounterVec::new(options, family.labels) else { return };
            for (labels, value) in &gauge.samples {
                let _ = made.get_metric_with_label_values(labels).map(|series| series.inc_by(*value));
            }
            let _ = registry.register(Box::new(made));
        }
        Type::Gauge | Type::Histogram => {
            let Ok(made) = GaugeVec::new(options, family.labels) else { return };
            for (labels, value) in &gauge.samples {
                let _ = made.get_metric_with_label_values(labels).map(|series| series.set(*value));
            }
            let _ = registry.register(Box::new(made));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(name: &str) -> AppName {
        let text = |text: &str| text.to_owned();
        AppName {
            namespace: text("argocd"),
            name: text(name),
            project: text("default"),
            server: text("https://c"),
        }
    }

    #[test]
    fn requests_are_named_as_argo_cd_names_them() {
        for (method, path, query, verb, kind, namespace) in [
            ("GET", "/api/v1/namespaces/shop/configmaps/a", "", "Get", "configmaps", "shop"),
            ("GET", "/api/v1/configmaps", "watch=true", "Watch", "configmaps", ""),
            ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/web", "", "Patch", "deployments", "shop"),
            ("POST", "/api/v1/namespaces", "", "Create", "namespaces", ""),
            ("GET", "/api/v1/namespaces/shop", "", "Get", "namespaces", ""),
            ("GET", "/apis/apps/v1/deployments", "limit=1", "List", "deployments", ""),
        ] {
            assert_eq!(Target::of(method, path, query), Target { verb, kind, namespace }, "{path}");
        }
    }

    #[test]
    fn an_app_that_goes_takes_its_series_along() {
        let metrics = Metrics::new();
        let request =
            KubernetesRequest { method: "GET", path: "/api/v1/pods", query: "", host: "c", code: "200" };
        for name in ["web", "shop"] {
            metrics.app_synced(&app(name), "Succeeded", false, 1.5);
            metrics.kubernetes_request(Some(&app(name)), &request);
        }
        metrics.flux_reconciled("Kustomization", "apps", "maps", Duration::from_millis(5));
        let lines = |part: &str| metrics.text(&[]).lines().filter(|line| line.contains(part)).count();
        assert_eq!((lines("\"web\""), lines("\"shop\"")), (3, 3));
        assert_eq!(lines("\"maps\""), 13);
        metrics.forget("Application", "argocd", "web");
        metrics.forget("Kustomization", "apps", "maps");
        assert_eq!((lines("\"web\""), lines("\"shop\""), lines("\"maps\"")), (0, 3, 0));
    }

    #[test]
    fn one_app_has_no_more_than_a_bounded_number_of_series() {
        let metrics = Metrics::new();
        for number in 0..1000 {
            let path = format!("/apis/g/v1/kind{number}");
            let request = KubernetesRequest { method: "GET", path: &path, query: "", host: "c", code: "200" };
            metrics.kubernetes_request(Some(&app("web")), &request);
        }
        let text = metrics.text(&[]);
        let of_app = text.lines().filter(|line| line.starts_with("argocd_app_k8s_request_total{")).count();
        assert_eq!(of_app, 200);
        assert!(
            text.contains("belay_metrics_series_dropped_total{family=\"argocd_app_k8s_request_total\"} 800")
        );
    }

    #[test]
    fn buckets_are_those_of_flux() {
        let buckets = flux_buckets();
        assert_eq!(buckets.len(), 10);
        assert!(
            (buckets[1] - 0.038_36).abs() < 0.000_1 && (buckets[9] - 1800.0).abs() < 0.001,
            "{buckets:?}"
        );
    }
}
