//! `HelmRelease`: keep a Helm release as declared.

use crate::shared::{
    CommonMetadata, Condition, CustomHealthCheck, DependencyReference, IgnoreRule, KubeConfigReference,
    KustomizeImage, KustomizePatch, LocalObjectReference, ResourceInventory,
};
use crate::values::{CrdsPolicy, ReconcileStrategy};
use belay_crd::{GoDuration, ObjectMeta, Time, described};
use indexmap::IndexMap;
use serde_json::{Value, json};

described! {
    /// A Helm release, kept as declared.
    pub struct HelmRelease {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": HelmReleaseSpec;
        /// What was found.
        status "status": HelmReleaseStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a HelmRelease.
    pub struct HelmReleaseSpec {
        /// The chart.
        chart "chart": Option<HelmChartTemplate>;
        /// A chart that is there already.
        chart_ref "chartRef": Option<ChartReference>;
        /// Labels and annotations for every object.
        common_metadata "commonMetadata": Option<CommonMetadata>;
        /// What has to be ready first.
        depends_on "dependsOn": Vec<DependencyReference>;
        /// What happens when live objects differ.
        drift_detection "driftDetection": Option<DriftDetection>;
        /// Health of kinds by CEL expressions.
        health_check_exprs "healthCheckExprs": Vec<CustomHealthCheck>;
        /// How to install.
        install "install": Option<Install>;
        /// How often to look.
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// Another cluster.
        kube_config "kubeConfig": Option<KubeConfigReference>;
        /// How many records are kept; 0 means all.
        max_history "maxHistory": Option<i64> => { .without("format") };
        /// Keep one client for all actions.
        persistent_client "persistentClient": bool;
        /// What happens to hooks when post-rendering.
        post_render_strategy "postRenderStrategy": String => { .one_of(&["nohooks", "combined", "separate"]) };
        /// Changes to rendered manifests.
        post_renderers "postRenderers": Vec<PostRenderer>;
        /// Name of the release.
        release_name "releaseName": String => { .min_length(1).max_length(53) };
        /// How to roll back.
        rollback "rollback": Option<Rollback>;
        /// The account to act as.
        service_account_name "serviceAccountName": String => { .min_length(1).max_length(253) };
        /// Namespace of Helm's records.
        storage_namespace "storageNamespace": String => { .min_length(1).max_length(63) };
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// Namespace for the objects.
        target_namespace "targetNamespace": String => { .min_length(1).max_length(63) };
        /// Helm tests.
        test "test": Option<Test>;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// How to uninstall.
        uninstall "uninstall": Option<Uninstall>;
        /// How to upgrade.
        upgrade "upgrade": Option<Upgrade>;
        /// Values; win over `valuesFrom`.
        values "values": Value;
        /// Values from ConfigMaps and Secrets.
        values_from "valuesFrom": Vec<ValuesReference>;
        /// How to wait.
        wait_strategy "waitStrategy": Option<WaitStrategy>;
    } with { .rule("(has(self.chart) && !has(self.chartRef)) || (!has(self.chart) && has(self.chartRef))", "either chart or chartRef must be set") }

    /// The HelmChart that is made for the release.
    pub struct HelmChartTemplate {
        metadata "metadata": Option<CommonMetadata>;
        /// What is wanted.
        spec "spec" (required): HelmChartTemplateSpec;
    }

    /// What is wanted of that HelmChart.
    pub struct HelmChartTemplateSpec {
        /// The chart.
        chart "chart" (required): String => { .min_length(1).max_length(2048) };
        /// Values files that do not exist are no error.
        ignore_missing_values_files "ignoreMissingValuesFiles": bool;
        /// How often to look.
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        /// What makes a new artifact.
        reconcile_strategy "reconcileStrategy": ReconcileStrategy => { .one_of(&["ChartVersion", "Revision"]).default_value(json!("ChartVersion")) };
        /// Where it comes from.
        source_ref "sourceRef" (required): HelmChartSourceReference;
        /// Values files inside the source.
        values_files "valuesFiles": Vec<String>;
        /// Which signatures are verified.
        verify "verify": Option<HelmChartTemplateVerification>;
        /// Version or range.
        version "version": String => { .default_value(json!("*")) };
    }

    /// Where the chart is.
    pub struct HelmChartSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["HelmRepository", "GitRepository", "Bucket"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(63) };
    }

    /// How the chart's signature is verified.
    pub struct HelmChartTemplateVerification {
        /// Whose service it is.
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// A chart that is there already.
    pub struct ChartReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["OCIRepository", "HelmChart", "ExternalArtifact"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(63) };
    }

    /// What happens when live objects differ.
    pub struct DriftDetection {
        /// Fields that are left alone.
        ignore "ignore": Vec<IgnoreRule>;
        mode "mode": String => { .one_of(&["enabled", "warn", "disabled"]) };
    }

    /// How to install.
    pub struct Install {
        /// What happens to CRDs.
        crds "crds": CrdsPolicy => { .one_of(&["Skip", "Create", "CreateReplace"]) };
        /// Create the target namespace.
        create_namespace "createNamespace": bool;
        /// Do not run hooks.
        disable_hooks "disableHooks": bool;
        /// Do not check manifests against the API.
        disable_open_api_validation "disableOpenAPIValidation": bool;
        /// Do not check values against the chart's schema.
        disable_schema_validation "disableSchemaValidation": bool;
        /// Do not take over objects of others.
        disable_take_ownership "disableTakeOwnership": bool;
        /// Do not wait.
        disable_wait "disableWait": bool;
        /// Do not wait for Jobs.
        disable_wait_for_jobs "disableWaitForJobs": bool;
        /// What to do on failure.
        remediation "remediation": Option<InstallRemediation>;
        /// Use a name again that is taken by a deleted release.
        replace "replace": bool;
        /// Whether server-side apply is used.
        server_side_apply "serverSideApply": Option<bool>;
        /// Without effect; use `crds`.
        skip_cr_ds "skipCRDs": bool;
        strategy "strategy": Option<InstallStrategy>;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// What to do when installing fails.
    pub struct InstallRemediation {
        /// Failed tests do not count.
        ignore_test_failures "ignoreTestFailures": Option<bool>;
        /// Also after the last try.
        remediate_last_failure "remediateLastFailure": Option<bool>;
        /// How many tries; negative means no limit.
        retries "retries": Option<i64> => { .without("format") };
    }

    /// How to go on when installing fails.
    pub struct InstallStrategy {
        name "name" (required): String => { .one_of(&["RemediateOnFailure", "RetryOnFailure"]) };
        /// How long to wait after a failure.
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    } with { .rule("!has(self.retryInterval) || self.name != 'RemediateOnFailure'", ".retryInterval cannot be set when .name is 'RemediateOnFailure'") }

    /// A change to rendered manifests.
    pub struct PostRenderer {
        kustomize "kustomize": Option<PostRendererKustomize>;
    }

    /// Kustomize patches and images.
    pub struct PostRendererKustomize {
        /// Images to replace.
        images "images": Vec<KustomizeImage>;
        /// Patches for the objects.
        patches "patches": Vec<KustomizePatch>;
    }

    /// How to roll back.
    pub struct Rollback {
        /// Delete new objects on failure.
        cleanup_on_fail "cleanupOnFail": bool;
        /// Do not run hooks.
        disable_hooks "disableHooks": bool;
        /// Do not wait.
        disable_wait "disableWait": bool;
        /// Do not wait for Jobs.
        disable_wait_for_jobs "disableWaitForJobs": bool;
        /// Delete and create again what cannot be patched.
        force "force": bool;
        recreate "recreate": bool;
        /// Whether server-side apply is used.
        server_side_apply "serverSideApply": String => { .one_of(&["enabled", "disabled", "auto"]) };
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// Whether and how to run Helm tests.
    pub struct Test {
        enable "enable": bool;
        filters "filters": Vec<TestFilter>;
        ignore_failures "ignoreFailures": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// Which tests to run.
    pub struct TestFilter {
        exclude "exclude": bool;
        name "name" (required): String => { .min_length(1).max_length(253) };
    }

    /// How to uninstall.
    pub struct Uninstall {
        /// How dependents are deleted.
        deletion_propagation "deletionPropagation": String => { .one_of(&["background", "foreground", "orphan"]).default_value(json!("background")) };
        /// Do not run hooks.
        disable_hooks "disableHooks": bool;
        /// Do not wait.
        disable_wait "disableWait": bool;
        /// Keep Helm's records.
        keep_history "keepHistory": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// How to upgrade.
    pub struct Upgrade {
        /// What happens when the chart's name changes.
        chart_name_change_strategy "chartNameChangeStrategy": String => { .one_of(&["InPlaceUpdate", "Reinstall"]) };
        /// Delete new objects on failure.
        cleanup_on_fail "cleanupOnFail": bool;
        /// What happens to CRDs.
        crds "crds": CrdsPolicy => { .one_of(&["Skip", "Create", "CreateReplace"]) };
        /// Do not run hooks.
        disable_hooks "disableHooks": bool;
        /// Do not check manifests against the API.
        disable_open_api_validation "disableOpenAPIValidation": bool;
        /// Do not check values against the chart's schema.
        disable_schema_validation "disableSchemaValidation": bool;
        /// Do not take over objects of others.
        disable_take_ownership "disableTakeOwnership": bool;
        /// Do not wait.
        disable_wait "disableWait": bool;
        /// Do not wait for Jobs.
        disable_wait_for_jobs "disableWaitForJobs": bool;
        /// Delete and create again what cannot be patched.
        force "force": bool;
        /// Keep the values of the last release.
        preserve_values "preserveValues": bool;
        /// What to do on failure.
        remediation "remediation": Option<UpgradeRemediation>;
        /// Whether server-side apply is used.
        server_side_apply "serverSideApply": String => { .one_of(&["enabled", "disabled", "auto"]) };
        strategy "strategy": Option<UpgradeStrategy>;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// What to do when upgrading fails.
    pub struct UpgradeRemediation {
        /// Failed tests do not count.
        ignore_test_failures "ignoreTestFailures": Option<bool>;
        /// Also after the last try.
        remediate_last_failure "remediateLastFailure": Option<bool>;
        /// How many tries; negative means no limit.
        retries "retries": Option<i64> => { .without("format") };
        strategy "strategy": String => { .one_of(&["rollback", "uninstall"]) };
    }

    /// How to go on when upgrading fails.
    pub struct UpgradeStrategy {
        name "name" (required): String => { .one_of(&["RemediateOnFailure", "RetryOnFailure"]) };
        /// How long to wait after a failure.
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    } with { .rule("!has(self.retryInterval) || self.name == 'RetryOnFailure'", ".retryInterval can only be set when .name is 'RetryOnFailure'") }

    /// Values from a ConfigMap or Secret.
    pub struct ValuesReference {
        kind "kind" (required): String => { .one_of(&["Secret", "ConfigMap"]) };
        /// Take the value as it is.
        literal "literal": bool;
        name "name" (required): String => { .min_length(1).max_length(253) };
        /// Absence is no error.
        optional "optional": bool;
        /// Where the value goes.
        target_path "targetPath": String => { .pattern(r"^([a-zA-Z0-9_\-.\\\/]|\[[0-9]{1,5}\])+$").max_length(250) };
        /// The key; `values.yaml` when empty.
        values_key "valuesKey": String => { .pattern(r"^[\-._a-zA-Z0-9]+$").max_length(253) };
    }

    /// How to wait for objects.
    pub struct WaitStrategy {
        name "name" (required): String => { .one_of(&["poller", "legacy"]) };
    }

    /// What was last released.
    pub struct HelmReleaseStatus {
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// How often it failed since the last success.
        failures "failures": Option<i64>;
        /// The HelmChart, as `namespace/name`.
        helm_chart "helmChart": String;
        /// What was done before, newest first.
        history "history": Vec<ReleaseSnapshot>;
        /// How often installing failed.
        install_failures "installFailures": Option<i64>;
        /// The managed objects.
        inventory "inventory": Option<ResourceInventory>;
        last_attempted_config_digest "lastAttemptedConfigDigest": String;
        last_attempted_generation "lastAttemptedGeneration": Option<i64>;
        last_attempted_release_action "lastAttemptedReleaseAction": String => { .one_of(&["install", "upgrade"]) };
        last_attempted_release_action_duration "lastAttemptedReleaseActionDuration": GoDuration;
        /// The revision that was tried last.
        last_attempted_revision "lastAttemptedRevision": String;
        last_attempted_revision_digest "lastAttemptedRevisionDigest": String;
        last_attempted_values_checksum "lastAttemptedValuesChecksum": String;
        last_handled_force_at "lastHandledForceAt": String;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_handled_reset_at "lastHandledResetAt": String;
        last_release_revision "lastReleaseRevision": Option<i64> => { .without("format") };
        observed_common_metadata_digest "observedCommonMetadataDigest": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        observed_post_renderers_digest "observedPostRenderersDigest": String;
        /// Namespace of Helm's records.
        storage_namespace "storageNamespace": String => { .min_length(1).max_length(63) };
        /// How often upgrading failed.
        upgrade_failures "upgradeFailures": Option<i64>;
    }

    /// A release as it was when made.
    pub struct ReleaseSnapshot {
        action "action": String;
        api_version "apiVersion": String;
        app_version "appVersion": String;
        chart_name "chartName" (required): String;
        chart_version "chartVersion" (required): String;
        config_digest "configDigest" (required): String;
        deleted "deleted": Time;
        /// Digest of the content.
        digest "digest" (required): String;
        first_deployed "firstDeployed" (required): Time;
        last_deployed "lastDeployed" (required): Time;
        name "name" (required): String;
        namespace "namespace" (required): String;
        oci_digest "ociDigest": String;
        /// Status that Helm gave it.
        status "status" (required): String;
        test_hooks "testHooks": IndexMap<String, TestHookStatus>;
        /// Version of the release.
        version "version" (required): i64 => { .without("format") };
    }

    /// How a test went.
    pub struct TestHookStatus {
        last_completed "lastCompleted": Time;
        last_started "lastStarted": Time;
        phase "phase": String;
    }
}
