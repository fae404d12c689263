//! The sample repositories and the resources that point to them.

use belay_testkit::Change;
use serde_json::{Value, json};

/// `apps/my-app`: a Deployment, a Service, a ConfigMap.
pub(super) fn app(folder: &str, name: &str, image: &str, greeting: &str) -> Vec<Change> {
    vec![
        Change::write(&format!("{folder}/deployment.yaml"), deployment(name, image)),
        Change::write(
            &format!("{folder}/service.yaml"),
            format!(
                "apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\nspec:\n  selector: {{app: {name}}}\n  ports:\n  - port: 80\n"
            ),
        ),
        settings(folder, greeting),
    ]
}

/// The Deployment's manifest.
pub(super) fn deployment(name: &str, image: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {{app: {name}}}\n  template:\n    metadata:\n      labels: {{app: {name}}}\n    spec:\n      containers:\n      - name: {name}\n        image: {image}\n        ports:\n        - containerPort: 80\n"
    )
}

/// The ConfigMap's file.
pub(super) fn settings(folder: &str, greeting: &str) -> Change {
    Change::write(
        &format!("{folder}/settings.yaml"),
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  greeting: {greeting}\n"
        ),
    )
}

/// An Application as guides print it.
pub(super) fn application(
    name: &str,
    repository: &str,
    path: &str,
    namespace: &str,
    self_heal: bool,
) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": "argocd"},
        "spec": {
            "project": "default",
            "source": {"repoURL": repository, "targetRevision": "main", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": true, "selfHeal": self_heal},
                "syncOptions": ["CreateNamespace=true"],
            },
        },
    })
}

/// A GitRepository and a Kustomization as guides print them.
pub(super) fn flux(repository: &str) -> [Value; 2] {
    [
        json!({
            "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
            "metadata": {"name": "my-app", "namespace": "flux-system"},
            "spec": {"interval": "1m", "url": repository, "ref": {"branch": "main"}},
        }),
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "my-app", "namespace": "flux-system"},
            "spec": {
                "interval": "10m", "path": "./apps/my-app", "prune": true,
                "sourceRef": {"kind": "GitRepository", "name": "my-app"},
            },
        }),
    ]
}
