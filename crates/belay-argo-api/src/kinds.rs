//! The kinds: everything that their CRDs say, in one table.

use std::sync::LazyLock;

use belay_crd::{Column, Described, Kind, Subresources};
use serde_json::Value;

use crate::application::Application;
use crate::application_set::ApplicationSet;
use crate::project::AppProject;

/// Every kind of the family.
pub static KINDS: &[&Kind] = &[&APPLICATION, &APP_PROJECT, &APPLICATION_SET];

/// The CustomResourceDefinitions, made from our own types.
pub fn crds() -> Vec<Value> {
    KINDS.iter().map(|kind| kind.crd()).collect()
}

/// `Application`.
pub static APPLICATION: Kind = Kind {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "Application",
    plural: "applications",
    short_names: &["app", "apps"],
    categories: &[],
    subresources: Subresources::Empty,
    columns: &[
        Column::text("Sync Status", ".status.sync.status"),
        Column::text("Health Status", ".status.health.status"),
        Column::wide("Revision", ".status.sync.revision", 10),
        Column::wide("Project", ".spec.project", 10),
    ],
    labels: &[
        ("app.kubernetes.io/name", "applications.argoproj.io"),
        ("app.kubernetes.io/part-of", "argocd"),
    ],
    annotations: &[],
    schema: LazyLock::new(|| Application::schema().into_value()),
};

/// `AppProject`.
pub static APP_PROJECT: Kind = Kind {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "AppProject",
    plural: "appprojects",
    short_names: &["appproj", "appprojs"],
    categories: &[],
    subresources: Subresources::Unmentioned,
    columns: &[],
    labels: &[("app.kubernetes.io/name", "appprojects.argoproj.io"), ("app.kubernetes.io/part-of", "argocd")],
    annotations: &[],
    schema: LazyLock::new(|| AppProject::schema().into_value()),
};

/// `ApplicationSet`.
pub static APPLICATION_SET: Kind = Kind {
    group: "argoproj.io",
    version: "v1alpha1",
    kind: "ApplicationSet",
    plural: "applicationsets",
    short_names: &["appset", "appsets"],
    categories: &[],
    subresources: Subresources::Status,
    columns: &[],
    labels: &[
        ("app.kubernetes.io/name", "applicationsets.argoproj.io"),
        ("app.kubernetes.io/part-of", "argocd"),
    ],
    annotations: &[],
    schema: LazyLock::new(|| ApplicationSet::schema().into_value()),
};
