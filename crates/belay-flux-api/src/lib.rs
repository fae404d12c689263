//! Flux's resources as data: sources, Kustomization, HelmRelease, image and notification kinds. Typed views that keep
//! what they do not know, CRDs made of them, checks, and the list of what is honoured.

mod check;
mod conditions;
mod helm_release;
mod image;
mod kinds;
mod kustomization;
mod notification;
mod shared;
mod source;
mod support;
mod values;

pub use belay_crd::{FieldError, GoDuration, IntOrString, ObjectMeta, Resource, Time};
pub use conditions::{find_condition, is_true, remove_condition, set_condition};
pub use helm_release::{
    ChartReference, DriftDetection, HelmChartSourceReference, HelmChartTemplate, HelmChartTemplateSpec,
    HelmChartTemplateVerification, HelmRelease, HelmReleaseSpec, HelmReleaseStatus, Install,
    InstallRemediation, InstallStrategy, PostRenderer, PostRendererKustomize, ReleaseSnapshot, Rollback,
    Test, TestFilter, TestHookStatus, Uninstall, Upgrade, UpgradeRemediation, UpgradeStrategy,
    ValuesReference, WaitStrategy,
};
pub use image::{
    AutomationSourceReference, CommitUser, GitCheckout, GitCommit, GitPush, GitSpec, ImagePolicy,
    ImagePolicyChoice, ImagePolicySpec, ImagePolicyStatus, ImageRef, ImageRepository, ImageRepositorySpec,
    ImageRepositoryStatus, ImageUpdateAutomation, ImageUpdateAutomationSpec, ImageUpdateAutomationStatus,
    LabelSelector, LabelSelectorRequirement, OrderPolicy, ScanResult, SemverPolicy, SigningKey, TagFilter,
    UpdateStrategy,
};
pub use kinds::{
    ALERT, BUCKET, EXTERNAL_ARTIFACT, GIT_REPOSITORY, HELM_CHART, HELM_RELEASE, HELM_REPOSITORY,
    IMAGE_POLICY, IMAGE_REPOSITORY, IMAGE_UPDATE_AUTOMATION, KINDS, KUSTOMIZATION, OCI_REPOSITORY, PROVIDER,
    RECEIVER, crds,
};
pub use kustomization::{
    Decryption, Kustomization, KustomizationSnapshot, KustomizationSourceReference, KustomizationSpec,
    KustomizationStatus, PostBuild, SubstituteReference,
};
pub use notification::{
    Alert, AlertSpec, EventSource, OidcProvider, OidcValidation, OidcVariable, Provider, ProviderSpec,
    Receiver, ReceiverResource, ReceiverSpec, ReceiverStatus,
};
pub use shared::{
    CommonMetadata, Condition, CustomHealthCheck, DependencyReference, IgnoreRule, KubeConfigReference,
    KustomizeImage, KustomizePatch, LocalObjectReference, NamespacedObjectKindReference,
    NamespacedObjectReference, ResourceInventory, ResourceReference, SecretKeyReference, Selector,
};
pub use source::{
    AccessFrom, Artifact, Bucket, BucketSpec, BucketStatus, BucketSts, ExternalArtifact,
    ExternalArtifactSpec, ExternalArtifactStatus, GitRepository, GitRepositoryInclude, GitRepositoryRef,
    GitRepositorySpec, GitRepositoryStatus, GitRepositoryVerification, HelmChart, HelmChartSpec,
    HelmChartStatus, HelmRepository, HelmRepositorySpec, HelmRepositoryStatus, LocalHelmChartSourceReference,
    NamespaceSelector, OCIRepository, OCIRepositorySpec, OCIRepositoryStatus, OciLayerSelector,
    OciRepositoryRef, OciRepositoryVerification, OciRepositoryVerificationWithoutRoot, OidcIdentityMatch,
};
pub use support::{refused_fields, refused_object_annotations, refused_resource_mark, support};
pub use values::{ConditionStatus, CrdsPolicy, DeletionPolicy, ReconcileStrategy};
