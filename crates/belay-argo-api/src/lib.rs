//! Argo CD's resources as data: Application, AppProject, ApplicationSet. Typed views that keep what they do not know,
//! CRDs made of them, checks, and the list of what is honoured.

mod application;
mod application_set;
mod check;
mod conditions;
mod kinds;
mod operation;
mod project;
mod request;
mod source;
mod status;
mod support;
mod values;

pub use application::{
    Application, ApplicationDestination, ApplicationSpec, DrySource, HydrateTo, ManagedNamespaceMetadata,
    ResourceIgnoreDifferences, SourceHydrator, SyncPolicy, SyncPolicyAutomated, SyncSource,
};
pub use application_set::{
    ApplicationMatchExpression, ApplicationSet, ApplicationSetApplicationStatus, ApplicationSetCondition,
    ApplicationSetGenerator, ApplicationSetIgnoreDifferences, ApplicationSetSpec, ApplicationSetStatus,
    ApplicationSetStrategy, ApplicationSetSyncPolicy, ApplicationSetTemplate, ApplicationSetTemplateMetadata,
    BasicAuth, BearerToken, ClusterDecisionResourceGenerator, ClusterGenerator, ConfigMapKeyReference,
    GitGenerator, GitPath, LabelSelector, LabelSelectorRequirement, ListGenerator, MatrixGenerator,
    MergeGenerator, NestedGenerator, PluginConfigMapReference, PluginGenerator, PluginInput, PreservedFields,
    PullRequestAzureDevOps, PullRequestBitbucket, PullRequestBitbucketServer, PullRequestFilter,
    PullRequestGenerator, PullRequestGitea, PullRequestGithub, PullRequestGitlab, RollingSync,
    RollingSyncStep, ScmProviderAwsCodeCommit, ScmProviderAzureDevOps, ScmProviderBitbucket,
    ScmProviderBitbucketServer, ScmProviderFilter, ScmProviderGenerator, ScmProviderGitea, ScmProviderGithub,
    ScmProviderGitlab, SecretReference, TagFilter,
};
pub use belay_crd::{FieldError, GoDuration, IntOrString, ObjectMeta, Resource, Time};
pub use kinds::{APP_PROJECT, APPLICATION, APPLICATION_SET, KINDS, crds};
pub use operation::{
    Backoff, Info, Operation, OperationInitiator, OperationState, ResourceResult, RetryStrategy,
    SyncOperation, SyncOperationResource, SyncOperationResult, SyncStrategy, SyncStrategyMode,
};
pub use project::{
    AppProject, AppProjectSpec, AppProjectStatus, ClusterResourceRestriction, DestinationServiceAccount,
    GroupKind, JwtToken, JwtTokens, OrphanedResourceKey, OrphanedResources, ProjectRole, SignatureKey,
    SourceIntegrity, SourceIntegrityGit, SourceIntegrityGitPolicy, SourceIntegrityGpg,
    SourceIntegrityRepository, SyncWindow,
};
pub use request::{RequestError, SyncRequest, check_termination, rollback_operation, sync_operation};
pub use source::{
    ApplicationSource, ApplicationSourceDirectory, ApplicationSourceHelm, ApplicationSourceJsonnet,
    ApplicationSourceKustomize, ApplicationSourcePlugin, ApplicationSourcePluginParameter, HelmFileParameter,
    HelmParameter, JsonnetVariable, KustomizePatch, KustomizeReplica, KustomizeSelector,
};
pub use status::{
    ApplicationCondition, ApplicationStatus, ApplicationSummary, ComparedTo, HealthStatus, HydrateOperation,
    ResourceStatus, RevisionHistory, SourceHydratorStatus, SuccessfulHydrateOperation, SyncStatus,
};
pub use support::{
    named_annotations, refused_annotations, refused_fields, refused_object_compare_options,
    refused_object_sync_options, refused_sync_options, setting, support,
};
pub use values::{HealthStatusCode, OperationPhase, ResultCode, SyncStatusCode, SyncWindowKind};
