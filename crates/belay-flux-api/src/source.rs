//! Sources: Git, OCI, Helm and buckets, and the artifacts they give.

use crate::shared::{Condition, LocalObjectReference, NamespacedObjectKindReference};
use crate::values::ReconcileStrategy;
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// `GitRepository`.
    pub struct GitRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": GitRepositorySpec;
        status "status": GitRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct GitRepositorySpec {
        ignore "ignore": String;
        include "include": Vec<GitRepositoryInclude>;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "github"]) };
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        recurse_submodules "recurseSubmodules": bool;
        reference "ref": Option<GitRepositoryRef>;
        secret_ref "secretRef": Option<LocalObjectReference>;
        service_account_name "serviceAccountName": String;
        sparse_checkout "sparseCheckout": Vec<String>;
        suspend "suspend": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
        url "url" (required): String => { .pattern("^(http|https|ssh)://.*$") };
        verify "verify": Option<GitRepositoryVerification>;
    } with { .rule("!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))", "serviceAccountName can only be set when provider is 'azure' or 'aws'") }

    /// `spec.include[]`.
    pub struct GitRepositoryInclude {
        from_path "fromPath": String;
        repository "repository" (required): LocalObjectReference;
        to_path "toPath": String;
    }

    /// `spec.ref`.
    pub struct GitRepositoryRef {
        branch "branch": String;
        commit "commit": String;
        name "name": String;
        semver "semver": String;
        tag "tag": String;
    }

    /// `spec.verify`.
    pub struct GitRepositoryVerification {
        mode "mode": String => { .one_of(&["head", "HEAD", "Tag", "TagAndHEAD"]).default_value(json!("HEAD")) };
        secret_ref "secretRef" (required): LocalObjectReference;
    }

    /// `status`.
    pub struct GitRepositoryStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
        included_artifacts "includedArtifacts": Vec<Artifact>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        observed_include "observedInclude": Vec<GitRepositoryInclude>;
        observed_recurse_submodules "observedRecurseSubmodules": bool;
        observed_sparse_checkout "observedSparseCheckout": Vec<String>;
        source_verification_mode "sourceVerificationMode": String;
    }

    /// `status.artifact`.
    pub struct Artifact {
        digest "digest" (required): String => { .pattern("^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$") };
        last_update_time "lastUpdateTime" (required): Time;
        metadata "metadata": IndexMap<String, String>;
        path "path" (required): String;
        revision "revision" (required): String;
        size "size": Option<i64>;
        url "url" (required): String;
    }

    /// `OCIRepository`.
    pub struct OCIRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": OCIRepositorySpec;
        status "status": OCIRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct OCIRepositorySpec {
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        ignore "ignore": String;
        insecure "insecure": bool;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        layer_selector "layerSelector": Option<OciLayerSelector>;
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        reference "ref": Option<OciRepositoryRef>;
        secret_ref "secretRef": Option<LocalObjectReference>;
        service_account_name "serviceAccountName": String;
        suspend "suspend": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
        url "url" (required): String => { .pattern("^oci://.*$") };
        verify "verify": Option<OciRepositoryVerification>;
    }

    /// `spec.layerSelector`.
    pub struct OciLayerSelector {
        media_type "mediaType": String;
        operation "operation": String => { .one_of(&["extract", "copy"]) };
    }

    /// `spec.ref`.
    pub struct OciRepositoryRef {
        digest "digest": String;
        semver "semver": String;
        semver_filter "semverFilter": String;
        tag "tag": String;
    }

    /// `spec.verify`.
    pub struct OciRepositoryVerification {
        match_oidc_identity "matchOIDCIdentity": Vec<OidcIdentityMatch>;
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        secret_ref "secretRef": Option<LocalObjectReference>;
        trusted_root_secret_ref "trustedRootSecretRef": Option<LocalObjectReference>;
    }

    /// `spec.verify.matchOIDCIdentity[]`.
    pub struct OidcIdentityMatch {
        issuer "issuer" (required): String;
        subject "subject" (required): String;
    }

    /// `status`.
    pub struct OCIRepositoryStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        observed_layer_selector "observedLayerSelector": Option<OciLayerSelector>;
        url "url": String;
    }

    /// `HelmRepository`.
    pub struct HelmRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": HelmRepositorySpec;
        status "status": HelmRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct HelmRepositorySpec {
        access_from "accessFrom": Option<AccessFrom>;
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        insecure "insecure": bool;
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        pass_credentials "passCredentials": bool;
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        secret_ref "secretRef": Option<LocalObjectReference>;
        suspend "suspend": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$") };
        type_ "type": String => { .one_of(&["default", "oci"]) };
        url "url" (required): String => { .pattern("^(http|https|oci)://.*$") };
    }

    /// `spec.accessFrom`.
    pub struct AccessFrom {
        namespace_selectors "namespaceSelectors" (required): Vec<NamespaceSelector>;
    }

    /// `spec.accessFrom.namespaceSelectors[]`.
    pub struct NamespaceSelector {
        match_labels "matchLabels": IndexMap<String, String>;
    }

    /// `status`.
    pub struct HelmRepositoryStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_generation "observedGeneration": Option<i64>;
        url "url": String;
    }

    /// `HelmChart`.
    pub struct HelmChart {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": HelmChartSpec;
        status "status": HelmChartStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct HelmChartSpec {
        chart "chart" (required): String;
        ignore_missing_values_files "ignoreMissingValuesFiles": bool;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        reconcile_strategy "reconcileStrategy": ReconcileStrategy => { .one_of(&["ChartVersion", "Revision"]).default_value(json!("ChartVersion")) };
        source_ref "sourceRef" (required): LocalHelmChartSourceReference;
        suspend "suspend": bool;
        values_files "valuesFiles": Vec<String>;
        verify "verify": Option<OciRepositoryVerificationWithoutRoot>;
        version "version": String => { .default_value(json!("*")) };
    } with { .rule("!has(self.verify) || self.sourceRef.kind == 'HelmRepository'", "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'") }

    /// `spec.sourceRef`.
    pub struct LocalHelmChartSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["HelmRepository", "GitRepository", "Bucket"]) };
        name "name" (required): String;
    }

    /// `spec.verify`.
    pub struct OciRepositoryVerificationWithoutRoot {
        match_oidc_identity "matchOIDCIdentity": Vec<OidcIdentityMatch>;
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// `status`.
    pub struct HelmChartStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_chart_name "observedChartName": String;
        observed_generation "observedGeneration": Option<i64>;
        observed_source_artifact_revision "observedSourceArtifactRevision": String;
        observed_values_files "observedValuesFiles": Vec<String>;
        url "url": String;
    }

    /// `Bucket`.
    pub struct Bucket {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": BucketSpec;
        status "status": BucketStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct BucketSpec {
        bucket_name "bucketName" (required): String;
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        endpoint "endpoint" (required): String;
        ignore "ignore": String;
        insecure "insecure": bool;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        prefix "prefix": String;
        provider "provider": String => { .one_of(&["generic", "aws", "gcp", "azure"]).default_value(json!("generic")) };
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        region "region": String;
        secret_ref "secretRef": Option<LocalObjectReference>;
        service_account_name "serviceAccountName": String;
        sts "sts": Option<BucketSts>;
        suspend "suspend": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
    } with { .rule("self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)", "STS configuration is only supported for the 'aws' and 'generic' Bucket providers").rule("self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'", "'aws' is the only supported STS provider for the 'aws' Bucket provider").rule("self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'", "'ldap' is the only supported STS provider for the 'generic' Bucket provider").rule("!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)", "spec.sts.secretRef is not required for the 'aws' STS provider").rule("!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)", "spec.sts.certSecretRef is not required for the 'aws' STS provider").rule("self.provider != 'generic' || !has(self.serviceAccountName)", "ServiceAccountName is not supported for the 'generic' Bucket provider").rule("!has(self.secretRef) || !has(self.serviceAccountName)", "cannot set both .spec.secretRef and .spec.serviceAccountName") }

    /// `spec.sts`.
    pub struct BucketSts {
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        endpoint "endpoint" (required): String => { .pattern("^(http|https)://.*$") };
        provider "provider" (required): String => { .one_of(&["aws", "ldap"]) };
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// `status`.
    pub struct BucketStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        url "url": String;
    }

    /// `ExternalArtifact`.
    pub struct ExternalArtifact {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": ExternalArtifactSpec;
        status "status": ExternalArtifactStatus;
    }

    /// `spec`.
    pub struct ExternalArtifactSpec {
        source_ref "sourceRef": Option<NamespacedObjectKindReference>;
    }

    /// `status`.
    pub struct ExternalArtifactStatus {
        artifact "artifact": Option<Artifact>;
        conditions "conditions": Vec<Condition>;
    }
}
