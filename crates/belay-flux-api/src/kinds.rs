//! The kinds: everything that their CRDs say, in one table.

use std::sync::LazyLock;

use belay_crd::{Column, Described, Kind, Subresources};
use serde_json::Value;

use crate::helm_release::HelmRelease;
use crate::image::{ImagePolicy, ImageRepository, ImageUpdateAutomation};
use crate::kustomization::Kustomization;
use crate::notification::{Alert, Provider, Receiver};
use crate::source::{Bucket, ExternalArtifact, GitRepository, HelmChart, HelmRepository, OCIRepository};

const READY: Column = Column::text("Ready", r#".status.conditions[?(@.type=="Ready")].status"#);
const STATUS: Column = Column::text("Status", r#".status.conditions[?(@.type=="Ready")].message"#);

/// Every kind of the family.
pub static KINDS: &[&Kind] = &[
    &GIT_REPOSITORY,
    &OCI_REPOSITORY,
    &HELM_REPOSITORY,
    &HELM_CHART,
    &BUCKET,
    &EXTERNAL_ARTIFACT,
    &KUSTOMIZATION,
    &HELM_RELEASE,
    &IMAGE_REPOSITORY,
    &IMAGE_POLICY,
    &IMAGE_UPDATE_AUTOMATION,
    &ALERT,
    &PROVIDER,
    &RECEIVER,
];

/// The CustomResourceDefinitions, made from our own types.
pub fn crds() -> Vec<Value> {
    KINDS.iter().map(|kind| kind.crd()).collect()
}

/// `GitRepository`.
pub static GIT_REPOSITORY: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "GitRepository",
    plural: "gitrepositories",
    short_names: &["gitrepo"],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[Column::text("URL", ".spec.url"), Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| GitRepository::schema().into_value()),
};

/// `OCIRepository`.
pub static OCI_REPOSITORY: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "OCIRepository",
    plural: "ocirepositories",
    short_names: &["ocirepo"],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[Column::text("URL", ".spec.url"), READY, STATUS, Column::age()],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| OCIRepository::schema().into_value()),
};

/// `HelmRepository`.
pub static HELM_REPOSITORY: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "HelmRepository",
    plural: "helmrepositories",
    short_names: &["helmrepo"],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[Column::text("URL", ".spec.url"), Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| HelmRepository::schema().into_value()),
};

/// `HelmChart`.
pub static HELM_CHART: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "HelmChart",
    plural: "helmcharts",
    short_names: &["hc"],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[
        Column::text("Chart", ".spec.chart"),
        Column::text("Version", ".spec.version"),
        Column::text("Source Kind", ".spec.sourceRef.kind"),
        Column::text("Source Name", ".spec.sourceRef.name"),
        Column::age(),
        READY,
        STATUS,
    ],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| HelmChart::schema().into_value()),
};

/// `Bucket`.
pub static BUCKET: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "Bucket",
    plural: "buckets",
    short_names: &[],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[Column::text("Endpoint", ".spec.endpoint"), Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| Bucket::schema().into_value()),
};

/// `ExternalArtifact`.
pub static EXTERNAL_ARTIFACT: Kind = Kind {
    group: "source.toolkit.fluxcd.io",
    version: "v1",
    kind: "ExternalArtifact",
    plural: "externalartifacts",
    short_names: &["ea"],
    categories: &["all", "fluxcd", "fluxcd-sources"],
    subresources: Subresources::Status,
    columns: &[Column::age(), READY, STATUS, Column::text("Source", ".spec.sourceRef.name")],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| ExternalArtifact::schema().into_value()),
};

/// `Kustomization`.
pub static KUSTOMIZATION: Kind = Kind {
    group: "kustomize.toolkit.fluxcd.io",
    version: "v1",
    kind: "Kustomization",
    plural: "kustomizations",
    short_names: &["ks"],
    categories: &["all", "fluxcd", "fluxcd-appliers"],
    subresources: Subresources::Status,
    columns: &[Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| Kustomization::schema().into_value()),
};

/// `HelmRelease`.
pub static HELM_RELEASE: Kind = Kind {
    group: "helm.toolkit.fluxcd.io",
    version: "v2",
    kind: "HelmRelease",
    plural: "helmreleases",
    short_names: &["hr"],
    categories: &["all", "fluxcd", "fluxcd-appliers"],
    subresources: Subresources::Status,
    columns: &[Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| HelmRelease::schema().into_value()),
};

/// `ImageRepository`.
pub static IMAGE_REPOSITORY: Kind = Kind {
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    kind: "ImageRepository",
    plural: "imagerepositories",
    short_names: &["imgrepo", "imagerepo"],
    categories: &["all", "fluxcd", "fluxcd-images"],
    subresources: Subresources::Status,
    columns: &[
        Column::text("Image", ".spec.image"),
        Column::text("Tags", ".status.lastScanResult.tagCount"),
        READY,
        STATUS,
        Column::wide("Last scan", ".status.lastScanResult.scanTime", 1),
        Column::age(),
    ],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| ImageRepository::schema().into_value()),
};

/// `ImagePolicy`.
pub static IMAGE_POLICY: Kind = Kind {
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    kind: "ImagePolicy",
    plural: "imagepolicies",
    short_names: &["imgpol", "imagepol"],
    categories: &["all", "fluxcd", "fluxcd-images"],
    subresources: Subresources::Status,
    columns: &[
        Column::text("Image", ".status.latestRef.name"),
        Column::text("Tag", ".status.latestRef.tag"),
        READY,
        STATUS,
        Column::age(),
    ],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| ImagePolicy::schema().into_value()),
};

/// `ImageUpdateAutomation`.
pub static IMAGE_UPDATE_AUTOMATION: Kind = Kind {
    group: "image.toolkit.fluxcd.io",
    version: "v1",
    kind: "ImageUpdateAutomation",
    plural: "imageupdateautomations",
    short_names: &["iua", "imgupd", "imgauto"],
    categories: &["all", "fluxcd", "fluxcd-images"],
    subresources: Subresources::Status,
    columns: &[READY, STATUS, Column::wide("Last run", ".status.lastAutomationRunTime", 1), Column::age()],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| ImageUpdateAutomation::schema().into_value()),
};

/// `Alert`.
pub static ALERT: Kind = Kind {
    group: "notification.toolkit.fluxcd.io",
    version: "v1beta3",
    kind: "Alert",
    plural: "alerts",
    short_names: &[],
    categories: &["all", "fluxcd", "fluxcd-notifications"],
    subresources: Subresources::Empty,
    columns: &[Column::age()],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| Alert::schema().into_value()),
};

/// `Provider`.
pub static PROVIDER: Kind = Kind {
    group: "notification.toolkit.fluxcd.io",
    version: "v1beta3",
    kind: "Provider",
    plural: "providers",
    short_names: &[],
    categories: &["all", "fluxcd", "fluxcd-notifications"],
    subresources: Subresources::Empty,
    columns: &[Column::age()],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| Provider::schema().into_value()),
};

/// `Receiver`.
pub static RECEIVER: Kind = Kind {
    group: "notification.toolkit.fluxcd.io",
    version: "v1",
    kind: "Receiver",
    plural: "receivers",
    short_names: &[],
    categories: &["all", "fluxcd", "fluxcd-notifications"],
    subresources: Subresources::Status,
    columns: &[Column::age(), READY, STATUS],
    labels: &[],
    annotations: &[("kustomize.toolkit.fluxcd.io/substitute", "disabled")],
    schema: LazyLock::new(|| Receiver::schema().into_value()),
};
