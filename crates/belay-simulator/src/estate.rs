//! What people want: apps, their folders in Git, and what has been in them. The oracle of every check.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use belay_filetree::{Kind as FileKind, MemoryTree, TreePath};
use serde_json::{Value, json};

use crate::storm::Storm;
use crate::{bulk, hooks};

/// Where all folders are.
pub(crate) const CONFIG_URL: &str = "https://git.example.com/config.git";
/// A repository whose server never answers.
pub(crate) const DEAD_URL: &str = "https://dead.example.com/config.git";
/// Another one. Two that wait for one server with different patience would tell its failure in turns.
pub(crate) const SILENT_URL: &str = "https://silent.example.com/config.git";
/// Argo CD's control plane.
pub(crate) const ARGO_NAMESPACE: &str = "argocd";
/// Flux's control plane.
pub(crate) const FLUX_NAMESPACE: &str = "flux-system";

/// Which resource is an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Argo CD's Application.
    Application,
    /// Flux's Kustomization.
    Kustomization,
    /// Flux's HelmRelease.
    HelmRelease,
}

/// A kind of object in a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ConfigMap,
    Secret,
    Deployment,
    Widget,
}

/// Kinds with their versions and paths.
pub(crate) const KINDS: [(Kind, &str, &str); 4] = [
    (Kind::ConfigMap, "ConfigMap", "/api/v1/configmaps"),
    (Kind::Secret, "Secret", "/api/v1/secrets"),
    (Kind::Deployment, "Deployment", "/apis/apps/v1/deployments"),
    (Kind::Widget, "Widget", "/apis/example.com/v1/widgets"),
];

impl Kind {
    pub(crate) fn collection(self, namespace: &str) -> String {
        let (base, plural) = match self {
            Kind::ConfigMap => ("/api/v1", "configmaps"),
            Kind::Secret => ("/api/v1", "secrets"),
            Kind::Deployment => ("/apis/apps/v1", "deployments"),
            Kind::Widget => ("/apis/example.com/v1", "widgets"),
        };
        format!("{base}/namespaces/{namespace}/{plural}")
    }
}

/// How a folder stands in Git.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As it should.
    Sound,
    /// With a file that nobody can read.
    Broken,
    /// Not at all.
    Missing,
    /// Without any object.
    Empty,
    /// With a hook that never ends.
    Stuck,
}

/// A folder: objects by name, each with the number of its last change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Folder {
    pub(crate) items: BTreeMap<(Kind, String), u64>,
    pub(crate) manner: Manner,
}

/// Whether an app is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    Present,
    /// It was deleted, and its objects with it.
    Gone,
    /// It was deleted, and its objects stay.
    Orphaned,
}

/// An app.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) prunes: bool,
    /// How its objects are waited for, its hooks, what it depends on.
    pub(crate) spec: Value,
    pub(crate) folder: Folder,
    /// Everything that was ever in its folder.
    pub(crate) ever: BTreeSet<(Kind, String)>,
    pub(crate) presence: Presence,
}

impl App {
    fn new(name: &'static str, family: Family, prunes: bool, spec: Value) -> App {
        let folder = Folder { items: BTreeMap::new(), manner: Manner::Sound };
        App { name, family, prunes, spec, folder, ever: BTreeSet::new(), presence: Presence::Gone }
    }

    pub(crate) fn path(&self) -> String {
        match self.family {
            Family::HelmRelease => format!("charts/{}", self.name),
            _ => format!("apps/{}", self.name),
        }
    }

    /// Whether Jobs run before and after its objects are applied.
    pub(crate) fn has_hooks(&self) -> bool {
        hooks::HOOKED.contains(&self.name)
    }

    /// The namespace of its objects.
    pub(crate) fn namespace(&self) -> &str {
        self.name
    }

    /// The API path of the collection of its resource.
    pub(crate) fn collection(&self) -> String {
        match self.family {
            Family::Application => {
                format!("/apis/argoproj.io/v1alpha1/namespaces/{ARGO_NAMESPACE}/applications")
            }
            Family::Kustomization => {
                format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/kustomizations")
            }
            Family::HelmRelease => {
                format!("/apis/helm.toolkit.fluxcd.io/v2/namespaces/{FLUX_NAMESPACE}/helmreleases")
            }
        }
    }

    /// Its resource, to be created.
    pub(crate) fn resource(&self) -> Value {
        match self.family {
            Family::Application => json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": self.name, "namespace": ARGO_NAMESPACE, "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
                "spec": self.spec,
            }),
            Family::Kustomization => json!({
                "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
                "metadata": {"name": self.name, "namespace": FLUX_NAMESPACE}, "spec": self.spec,
            }),
            Family::HelmRelease => json!({
                "apiVersion": "helm.toolkit.fluxcd.io/v2", "kind": "HelmRelease",
                "metadata": {"name": self.name, "namespace": FLUX_NAMESPACE}, "spec": self.spec,
            }),
        }
    }
}

/// The apps of every run. Those with hooks have no folder, and nobody creates them, before a run is about hooks.
pub(crate) fn apps() -> Vec<App> {
    let application = |name: &str, url: &str, prune: bool| {
        json!({
            "project": "default",
            "source": {"repoURL": url, "path": format!("apps/{name}"), "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": name},
            "syncPolicy": {
                "automated": {"prune": prune, "selfHeal": true}, "syncOptions": ["CreateNamespace=true"],
                "retry": {"limit": -1, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}},
            },
        })
    };
    let kustomization = |name: &str, prune: bool, more: Value| {
        let mut spec = json!({
            "interval": "2m", "retryInterval": "20s", "path": format!("./apps/{name}"), "prune": prune,
            "sourceRef": {"kind": "GitRepository", "name": "config"}, "targetNamespace": name, "timeout": "1m",
        });
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        spec
    };
    let release = |name: &str| {
        json!({
            "interval": "2m", "targetNamespace": name, "releaseName": name, "timeout": "1m",
            "chart": {"spec": {"chart": format!("./charts/{name}"), "reconcileStrategy": "Revision",
                "interval": "1m", "sourceRef": {"kind": "GitRepository", "name": "config"}}},
            "install": {"createNamespace": true, "strategy": {"name": "RetryOnFailure", "retryInterval": "20s"}},
            "upgrade": {"strategy": {"name": "RetryOnFailure", "retryInterval": "20s"}},
            "values": {"note": "as written"},
        })
    };
    vec![
        App::new("web", Family::Application, true, application("web", CONFIG_URL, true)),
        App::new("archive", Family::Application, false, application("archive", CONFIG_URL, false)),
        App::new("ghost", Family::Application, true, application("ghost", DEAD_URL, true)),
        App::new("base", Family::Kustomization, true, kustomization("base", true, json!({"wait": true}))),
        App::new(
            "shop",
            Family::Kustomization,
            true,
            kustomization("shop", true, json!({"dependsOn": [{"name": "base"}]})),
        ),
        App::new("attic", Family::Kustomization, false, kustomization("attic", false, json!({}))),
        App::new("store", Family::HelmRelease, true, release("store")),
        App::new("tasks", Family::Application, true, application("tasks", CONFIG_URL, true)),
        App::new("parcel", Family::HelmRelease, true, release("parcel")),
    ]
}

/// The folders of all apps as one tree of files.
pub(crate) fn tree(apps: &[App], storm: &Storm) -> MemoryTree {
    let mut tree = MemoryTree::new();
    let mut put = |path: String, text: String| {
        let path = TreePath::parse(&path).expect("the names of apps and objects are plain");
        tree.insert(path, FileKind::File, text);
    };
    put("README.md".to_owned(), "Everything that runs\n".to_owned());
    for (path, text) in storm.files() {
        put(path.to_owned(), text.to_owned());
    }
    let has_begun = |app: &&App| !app.has_hooks() || !app.folder.items.is_empty();
    let is_there = |app: &&App| app.folder.manner != Manner::Missing;
    for app in apps.iter().filter(has_begun).filter(is_there) {
        let is_chart = app.family == Family::HelmRelease;
        let folder = app.path();
        if is_chart {
            put(
                format!("{folder}/Chart.yaml"),
                format!("apiVersion: v2\nname: {}\nversion: 1.0.0\n", app.name),
            );
        }
        let place = if is_chart { format!("{folder}/templates") } else { folder.clone() };
        put(format!("{folder}/README.md"), format!("What {} is made of\n", app.name));
        if app.folder.manner == Manner::Empty {
            continue;
        }
        if app.folder.manner == Manner::Broken {
            put(format!("{place}/broken.yaml"), "{{ a: [\n".to_owned());
        }
        if app.name == "base" {
            put(format!("{place}/definition.yaml"), format!("{:#}\n", definition()));
        }
        if app.has_hooks() {
            for (name, hook) in hooks::manifests(app) {
                put(format!("{place}/{name}.yaml"), format!("{hook:#}\n"));
            }
        }
        for ((kind, name), serial) in &app.folder.items {
            let object = manifest(app, *kind, name, *serial);
            put(
                format!("{place}/{}-{name}.yaml", format!("{kind:?}").to_lowercase()),
                format!("{object:#}\n"),
            );
        }
    }
    tree
}

/// An object as it stands in Git.
pub(crate) fn manifest(app: &App, kind: Kind, name: &str, serial: u64) -> Value {
    // A chart's objects are in its release's namespace; Kustomize and Argo CD place theirs.
    let metadata = json!({"name": name});
    let serial = serial.to_string();
    let note = if app.family == Family::HelmRelease { "{{ .Values.note }}" } else { "as written" };
    let mut object = match kind {
        Kind::ConfigMap => json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
            "data": {"serial": serial, "note": note}}),
        Kind::Secret => json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": "Opaque",
            "stringData": {"serial": serial}}),
        Kind::Deployment => json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
            "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"serial": serial}},
                "spec": {"containers": [{"name": "main", "image": "registry.example.com/main:1"}]}}}}),
        Kind::Widget => json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata,
            "spec": {"serial": serial}}),
    };
    bulk::swell(name, &mut object);
    object
}

/// The number of the change that an object is of, be it as it is written or as the cluster keeps it.
pub(crate) fn serial(kind: Kind, object: &Value) -> Option<u64> {
    let text = match kind {
        Kind::ConfigMap => object.pointer("/data/serial")?.as_str()?.to_owned(),
        Kind::Secret => match object.pointer("/stringData/serial") {
            Some(plain) => plain.as_str()?.to_owned(),
            None => {
                let encoded = object.pointer("/data/serial")?.as_str()?;
                String::from_utf8(base64::engine::general_purpose::STANDARD.decode(encoded).ok()?).ok()?
            }
        },
        Kind::Deployment => {
            object.pointer("/spec/template/metadata/annotations/serial")?.as_str()?.to_owned()
        }
        Kind::Widget => object.pointer("/spec/serial")?.as_str()?.to_owned(),
    };
    text.parse().ok()
}

/// The definition of widgets.
fn definition() -> Value {
    let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {"serial": {"type": "string"}}}}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": {"kind": "Widget", "listKind": "WidgetList", "plural": "widgets", "singular": "widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}}],
        },
    })
}
