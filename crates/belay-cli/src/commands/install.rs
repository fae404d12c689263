//! `belay install`

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::definitions::{self, fits_an_annotation};
use crate::engine::Family;

/// The user of the image; nobody's.
const USER: u32 = 65532;
/// The web UI's port, reached through `kubectl port-forward` only.
const UI_PORT: u16 = 8080;
/// The port of probes, metrics and webhooks.
const PUBLIC_PORT: u16 = 8081;
/// The port of Flux's artifacts.
const ARTIFACT_PORT: u16 = 9790;

/// Print everything that runs Belay in a cluster: namespace, definitions, rights, Deployment, Service.
///
/// `belay install | kubectl apply -f -`. A definition that is larger than such an apply can remember
/// (ApplicationSet's) is not printed: Belay creates it when it starts.
///
/// The web UI listens inside of the pod only, as it has no login yet: `kubectl -n belay-system
/// port-forward deployment/belay 8080` leads there, and the pod's log has the address with its token.
/// Probes, metrics and webhooks are reached through the Service, as are Flux's artifacts, which a
/// NetworkPolicy keeps to Flux's namespace and Belay's own.
///
/// Belay may read and write every kind, as it applies what repositories hold. It cannot hand out rights
/// that it does not have (impersonate, escalate, approve, …): use --cluster-admin when repositories do, or
/// when Kustomizations act as a serviceAccountName.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The namespace that Belay itself runs in.
    #[arg(short, long, default_value = "belay-system", value_parser = namespace_name)]
    namespace: String,
    /// The image to run; `deploy/Containerfile` builds it.
    #[arg(long, default_value_t = format!("localhost/belay:{}", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// Which families run.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["argo", "flux"])]
    controllers: Vec<Family>,
    /// The namespace of Argo CD's resources.
    #[arg(long, default_value = "argocd", value_parser = namespace_name)]
    argocd_namespace: String,
    /// The namespace of Flux's control plane.
    #[arg(long, default_value = "flux-system", value_parser = namespace_name)]
    flux_namespace: String,
    /// Also bind Belay to cluster-admin, so that repositories can grant any right.
    #[arg(long)]
    cluster_admin: bool,
    /// How many replicas share the work; more than one do by Leases. Scale a Deployment of one, which has none, to 0
    /// before it becomes one of more.
    #[arg(long, value_name = "COUNT", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    replicas: u32,
    /// Leave the CustomResourceDefinitions out, where another installation brings them.
    #[arg(long)]
    no_crds: bool,
}

/// Prints the objects as YAML documents, in the order in which they are applied.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let documents: Vec<String> = objects(arguments).iter().map(belay_goyaml::to_yaml).collect();
    super::print(&format!("{}{}", left_out(arguments), documents.join("---\n")))
}

/// A comment that names the definitions that are not printed.
fn left_out(arguments: &Arguments) -> String {
    let large = definitions(arguments).into_iter().filter(|definition| !fits_an_annotation(definition));
    let line = |definition: Value| {
        let name = definition["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        format!("# {name} is larger than kubectl apply can remember: Belay creates it when it starts.\n")
    };
    large.map(line).collect()
}

fn definitions(arguments: &Arguments) -> Vec<Value> {
    if arguments.no_crds { Vec::new() } else { definitions::of(&arguments.controllers) }
}

fn objects(arguments: &Arguments) -> Vec<Value> {
    let mut objects = vec![namespace(arguments)];
    objects.extend(definitions(arguments).into_iter().filter(fits_an_annotation));
    objects.push(of_namespace(arguments, "v1", "ServiceAccount"));
    objects.push(cluster_role());
    objects.push(binding(arguments, "belay", "belay"));
    if arguments.cluster_admin {
        objects.push(binding(arguments, "belay-cluster-admin", "cluster-admin"));
    }
    objects.push(deployment(arguments));
    objects.push(service(arguments));
    objects.push(network_policy(arguments));
    objects
}

fn labels() -> Value {
    json!({"app.kubernetes.io/name": "belay", "app.kubernetes.io/part-of": "belay"})
}

fn namespace(arguments: &Arguments) -> Value {
    let mut labels = labels();
    labels["pod-security.kubernetes.io/enforce"] = json!("restricted");
    json!({
        "apiVersion": "v1", "kind": "Namespace",
        "metadata": {"name": arguments.namespace, "labels": labels},
    })
}

/// An object of Belay's own namespace, without a spec yet.
fn of_namespace(arguments: &Arguments, api_version: &str, kind: &str) -> Value {
    json!({
        "apiVersion": api_version, "kind": kind,
        "metadata": {"name": "belay", "namespace": arguments.namespace, "labels": labels()},
    })
}

/// What Belay itself does with objects is all but `update`, which only its own Leases need, and `deletecollection`; these
/// are there so that repositories can grant them, which nearly every operator's role does.
fn cluster_role() -> Value {
    let verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": "belay", "labels": labels()},
        "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}],
    })
}

fn binding(arguments: &Arguments, name: &str, role: &str) -> Value {
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": labels()},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "ServiceAccount", "name": "belay", "namespace": arguments.namespace}],
    })
}

fn deployment(arguments: &Arguments) -> Value {
    let selector = json!({"app.kubernetes.io/name": "belay"});
    let mut deployment = of_namespace(arguments, "apps/v1", "Deployment");
    // Two without Leases would both write; one must have ended before the next starts.
    let strategy = if arguments.replicas > 1 { "RollingUpdate" } else { "Recreate" };
    deployment["spec"] = json!({
        "replicas": arguments.replicas,
        "strategy": {"type": strategy},
        "selector": {"matchLabels": selector},
        "template": {
            "metadata": {"labels": labels()},
            "spec": {
                "serviceAccountName": "belay",
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [container(arguments)],
                "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}],
            },
        },
    });
    deployment
}

fn container(arguments: &Arguments) -> Value {
    json!({
        "name": "belay",
        "image": arguments.image,
        "imagePullPolicy": "IfNotPresent",
        "args": run_arguments(arguments),
        "ports": [
            {"name": "ui", "containerPort": UI_PORT}, {"name": "public", "containerPort": PUBLIC_PORT},
            {"name": "artifacts", "containerPort": ARTIFACT_PORT},
        ],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": "public"}, "periodSeconds": 10, "failureThreshold": 6,
        },
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "public"}, "periodSeconds": 5},
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "2Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
    })
}

fn run_arguments(arguments: &Arguments) -> Vec<String> {
    let names = arguments.controllers.iter().filter_map(|family| family.to_possible_value());
    let families: Vec<String> = names.map(|name| name.get_name().to_owned()).collect();
    let mut words = vec![
        "run".to_owned(),
        format!("--controllers={}", families.join(",")),
        format!("--argocd-namespace={}", arguments.argocd_namespace),
        format!("--flux-namespace={}", arguments.flux_namespace),
        format!("--listen=127.0.0.1:{UI_PORT}"),
        format!("--public-listen=0.0.0.0:{PUBLIC_PORT}"),
        format!("--artifact-addr=0.0.0.0:{ARTIFACT_PORT}"),
        format!("--artifact-adv-addr=belay.{}.svc.cluster.local.:{ARTIFACT_PORT}", arguments.namespace),
        "--data-dir=/data".to_owned(),
        "--log-format=json".to_owned(),
    ];
    words.extend((!arguments.no_crds).then(|| "--create-crds".to_owned()));
    words.extend((arguments.replicas > 1).then(|| "--leader-elect".to_owned()));
    words
}

fn service(arguments: &Arguments) -> Value {
    let mut service = of_namespace(arguments, "v1", "Service");
    service["spec"] = json!({
        "selector": {"app.kubernetes.io/name": "belay"},
        "ports": [
            {"name": "http", "port": 80, "targetPort": "public"},
            {"name": "artifacts", "port": ARTIFACT_PORT, "targetPort": "artifacts"},
        ],
    });
    service
}

/// Artifacts are whole repositories, and nobody logs in to read them.
fn network_policy(arguments: &Arguments) -> Value {
    let readers = [&arguments.namespace, &arguments.flux_namespace];
    let mut policy = of_namespace(arguments, "networking.k8s.io/v1", "NetworkPolicy");
    policy["spec"] = json!({
        "podSelector": {"matchLabels": {"app.kubernetes.io/name": "belay"}},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"ports": [{"port": "public"}]},
            {
                "from": [{"namespaceSelector": {"matchExpressions": [
                    {"key": "kubernetes.io/metadata.name", "operator": "In", "values": readers},
                ]}}],
                "ports": [{"port": "artifacts"}],
            },
        ],
    });
    policy
}

/// A name that the API server takes for a namespace.
fn namespace_name(text: &str) -> Result<String, String> {
    let is_inner = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    let is_name = !text.is_empty()
        && text.len() <= 63
        && text.chars().all(is_inner)
        && !text.starts_with('-')
        && !text.ends_with('-');
    if is_name { Ok(text.to_owned()) } else { Err("a namespace is a DNS label: a-z, 0-9 and -".to_owned()) }
}
