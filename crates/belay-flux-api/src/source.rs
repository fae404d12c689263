//! Sources: Git, OCI, Helm and buckets, and the artifacts they give.

use crate::shared::{Condition, LocalObjectReference, NamespacedObjectKindReference};
use crate::values::ReconcileStrategy;
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// A Git repository at a revision, as an artifact.
    pub struct GitRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": GitRepositorySpec;
        /// What was found.
        status "status": GitRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a GitRepository.
    pub struct GitRepositorySpec {
        /// Files to leave out, as in .gitignore.
        ignore "ignore": String;
        /// Files of other repositories.
        include "include": Vec<GitRepositoryInclude>;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Whose service it is.
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "github"]) };
        /// Secret with the proxy's address and credentials.
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        /// Also fetch submodules.
        recurse_submodules "recurseSubmodules": bool;
        /// Which revision.
        reference "ref": Option<GitRepositoryRef>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String;
        /// Only these folders.
        sparse_checkout "sparseCheckout": Vec<String>;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
        /// Address.
        url "url" (required): String => { .pattern("^(http|https|ssh)://.*$") };
        /// Which signatures are verified.
        verify "verify": Option<GitRepositoryVerification>;
    } with { .rule("!has(self.serviceAccountName) || (has(self.provider) && (self.provider == 'azure' || self.provider == 'aws'))", "serviceAccountName can only be set when provider is 'azure' or 'aws'") }

    /// Files of another GitRepository.
    pub struct GitRepositoryInclude {
        from_path "fromPath": String;
        repository "repository" (required): LocalObjectReference;
        to_path "toPath": String;
    }

    /// Which revision; commit before name, semver, tag and branch.
    pub struct GitRepositoryRef {
        /// Branch.
        branch "branch": String;
        /// Commit.
        commit "commit": String;
        name "name": String;
        /// Version range.
        semver "semver": String;
        /// Tag.
        tag "tag": String;
    }

    /// Which signatures are verified.
    pub struct GitRepositoryVerification {
        mode "mode": String => { .one_of(&["head", "HEAD", "Tag", "TagAndHEAD"]).default_value(json!("HEAD")) };
        /// Secret with the credentials.
        secret_ref "secretRef" (required): LocalObjectReference;
    }

    /// What was last fetched.
    pub struct GitRepositoryStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        included_artifacts "includedArtifacts": Vec<Artifact>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        observed_include "observedInclude": Vec<GitRepositoryInclude>;
        observed_recurse_submodules "observedRecurseSubmodules": bool;
        observed_sparse_checkout "observedSparseCheckout": Vec<String>;
        source_verification_mode "sourceVerificationMode": String;
    }

    /// A file that the source gives to its consumers.
    pub struct Artifact {
        /// Digest of the content.
        digest "digest" (required): String => { .pattern("^[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[a-zA-Z0-9=_-]+$") };
        /// When it was made.
        last_update_time "lastUpdateTime" (required): Time;
        metadata "metadata": IndexMap<String, String>;
        /// Folder inside the source.
        path "path" (required): String;
        /// Where it comes from, for people and for comparison.
        revision "revision" (required): String;
        /// Bytes.
        size "size": Option<i64>;
        /// Address.
        url "url" (required): String;
    }

    /// An OCI artifact, as an artifact.
    pub struct OCIRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": OCIRepositorySpec;
        /// What was found.
        status "status": OCIRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of an OCIRepository.
    pub struct OCIRepositorySpec {
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        /// Files to leave out, as in .gitignore.
        ignore "ignore": String;
        /// Allow plain HTTP.
        insecure "insecure": bool;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        layer_selector "layerSelector": Option<OciLayerSelector>;
        /// Whose service it is.
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        /// Secret with the proxy's address and credentials.
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        /// Which revision.
        reference "ref": Option<OciRepositoryRef>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
        /// Address.
        url "url" (required): String => { .pattern("^oci://.*$") };
        /// Which signatures are verified.
        verify "verify": Option<OciRepositoryVerification>;
    }

    /// Which layer to take.
    pub struct OciLayerSelector {
        media_type "mediaType": String;
        operation "operation": String => { .one_of(&["extract", "copy"]) };
    }

    /// Which version; digest before semver and tag.
    pub struct OciRepositoryRef {
        /// Digest of the content.
        digest "digest": String;
        /// Version range.
        semver "semver": String;
        semver_filter "semverFilter": String;
        /// Tag.
        tag "tag": String;
    }

    /// How signatures are verified.
    pub struct OciRepositoryVerification {
        match_oidc_identity "matchOIDCIdentity": Vec<OidcIdentityMatch>;
        /// Whose service it is.
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        trusted_root_secret_ref "trustedRootSecretRef": Option<LocalObjectReference>;
    }

    /// An identity that may have signed.
    pub struct OidcIdentityMatch {
        issuer "issuer" (required): String;
        subject "subject" (required): String;
    }

    /// What was last pulled.
    pub struct OCIRepositoryStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        observed_layer_selector "observedLayerSelector": Option<OciLayerSelector>;
        /// Address.
        url "url": String;
    }

    /// A repository of Helm charts.
    pub struct HelmRepository {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": HelmRepositorySpec;
        /// What was found.
        status "status": HelmRepositoryStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a HelmRepository.
    pub struct HelmRepositorySpec {
        /// Which namespaces may use it.
        access_from "accessFrom": Option<AccessFrom>;
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        /// Allow plain HTTP.
        insecure "insecure": bool;
        /// How often to look.
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Send credentials to all domains.
        pass_credentials "passCredentials": bool;
        /// Whose service it is.
        provider "provider": String => { .one_of(&["generic", "aws", "azure", "gcp"]).default_value(json!("generic")) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$") };
        type_ "type": String => { .one_of(&["default", "oci"]) };
        /// Address.
        url "url" (required): String => { .pattern("^(http|https|oci)://.*$") };
    }

    /// Which namespaces may use it.
    pub struct AccessFrom {
        namespace_selectors "namespaceSelectors" (required): Vec<NamespaceSelector>;
    }

    /// Namespaces by their labels.
    pub struct NamespaceSelector {
        match_labels "matchLabels": IndexMap<String, String>;
    }

    /// What was last fetched.
    pub struct HelmRepositoryStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        /// Address.
        url "url": String;
    }

    /// A Helm chart, as an artifact.
    pub struct HelmChart {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": HelmChartSpec;
        /// What was found.
        status "status": HelmChartStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a HelmChart.
    pub struct HelmChartSpec {
        /// The chart.
        chart "chart" (required): String;
        /// Values files that do not exist are no error.
        ignore_missing_values_files "ignoreMissingValuesFiles": bool;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// What makes a new artifact.
        reconcile_strategy "reconcileStrategy": ReconcileStrategy => { .one_of(&["ChartVersion", "Revision"]).default_value(json!("ChartVersion")) };
        /// Where it comes from.
        source_ref "sourceRef" (required): LocalHelmChartSourceReference;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// Values files inside the source.
        values_files "valuesFiles": Vec<String>;
        /// Which signatures are verified.
        verify "verify": Option<OciRepositoryVerificationWithoutRoot>;
        /// Version or range.
        version "version": String => { .default_value(json!("*")) };
    } with { .rule("!has(self.verify) || self.sourceRef.kind == 'HelmRepository'", "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'") }

    /// Where a chart is.
    pub struct LocalHelmChartSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["HelmRepository", "GitRepository", "Bucket"]) };
        name "name" (required): String;
    }

    /// How a chart's signature is verified.
    pub struct OciRepositoryVerificationWithoutRoot {
        match_oidc_identity "matchOIDCIdentity": Vec<OidcIdentityMatch>;
        /// Whose service it is.
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// What was last packaged.
    pub struct HelmChartStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        observed_chart_name "observedChartName": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_source_artifact_revision "observedSourceArtifactRevision": String;
        observed_values_files "observedValuesFiles": Vec<String>;
        /// Address.
        url "url": String;
    }

    /// An object store's bucket, as an artifact.
    pub struct Bucket {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": BucketSpec;
        /// What was found.
        status "status": BucketStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a Bucket.
    pub struct BucketSpec {
        bucket_name "bucketName" (required): String;
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        endpoint "endpoint" (required): String;
        /// Files to leave out, as in .gitignore.
        ignore "ignore": String;
        /// Allow plain HTTP.
        insecure "insecure": bool;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        prefix "prefix": String;
        /// Whose service it is.
        provider "provider": String => { .one_of(&["generic", "aws", "gcp", "azure"]).default_value(json!("generic")) };
        /// Secret with the proxy's address and credentials.
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        region "region": String;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String;
        sts "sts": Option<BucketSts>;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$").default_value(json!("60s")) };
    } with { .rule("self.provider == 'aws' || self.provider == 'generic' || !has(self.sts)", "STS configuration is only supported for the 'aws' and 'generic' Bucket providers").rule("self.provider != 'aws' || !has(self.sts) || self.sts.provider == 'aws'", "'aws' is the only supported STS provider for the 'aws' Bucket provider").rule("self.provider != 'generic' || !has(self.sts) || self.sts.provider == 'ldap'", "'ldap' is the only supported STS provider for the 'generic' Bucket provider").rule("!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.secretRef)", "spec.sts.secretRef is not required for the 'aws' STS provider").rule("!has(self.sts) || self.sts.provider != 'aws' || !has(self.sts.certSecretRef)", "spec.sts.certSecretRef is not required for the 'aws' STS provider").rule("self.provider != 'generic' || !has(self.serviceAccountName)", "ServiceAccountName is not supported for the 'generic' Bucket provider").rule("!has(self.secretRef) || !has(self.serviceAccountName)", "cannot set both .spec.secretRef and .spec.serviceAccountName") }

    /// How short-lived credentials are got.
    pub struct BucketSts {
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        endpoint "endpoint" (required): String => { .pattern("^(http|https)://.*$") };
        /// Whose service it is.
        provider "provider" (required): String => { .one_of(&["aws", "ldap"]) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// What was last fetched.
    pub struct BucketStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_ignore "observedIgnore": String;
        /// Address.
        url "url": String;
    }

    /// An artifact that another controller makes.
    pub struct ExternalArtifact {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ExternalArtifactSpec;
        /// What was found.
        status "status": ExternalArtifactStatus;
    }

    /// Where an external artifact comes from.
    pub struct ExternalArtifactSpec {
        /// Where it comes from.
        source_ref "sourceRef": Option<NamespacedObjectKindReference>;
    }

    /// The artifact.
    pub struct ExternalArtifactStatus {
        /// The last artifact.
        artifact "artifact": Option<Artifact>;
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
    }
}
