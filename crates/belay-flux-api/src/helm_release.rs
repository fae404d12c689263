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
    /// `HelmRelease`.
    pub struct HelmRelease {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        spec "spec": HelmReleaseSpec;
        status "status": HelmReleaseStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// `spec`.
    pub struct HelmReleaseSpec {
        chart "chart": Option<HelmChartTemplate>;
        chart_ref "chartRef": Option<ChartReference>;
        common_metadata "commonMetadata": Option<CommonMetadata>;
        depends_on "dependsOn": Vec<DependencyReference>;
        drift_detection "driftDetection": Option<DriftDetection>;
        health_check_exprs "healthCheckExprs": Vec<CustomHealthCheck>;
        install "install": Option<Install>;
        interval "interval" (required): GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        kube_config "kubeConfig": Option<KubeConfigReference>;
        max_history "maxHistory": Option<i64> => { .without("format") };
        persistent_client "persistentClient": bool;
        post_render_strategy "postRenderStrategy": String => { .one_of(&["nohooks", "combined", "separate"]) };
        post_renderers "postRenderers": Vec<PostRenderer>;
        release_name "releaseName": String => { .min_length(1).max_length(53) };
        rollback "rollback": Option<Rollback>;
        service_account_name "serviceAccountName": String => { .min_length(1).max_length(253) };
        storage_namespace "storageNamespace": String => { .min_length(1).max_length(63) };
        suspend "suspend": bool;
        target_namespace "targetNamespace": String => { .min_length(1).max_length(63) };
        test "test": Option<Test>;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        uninstall "uninstall": Option<Uninstall>;
        upgrade "upgrade": Option<Upgrade>;
        values "values": Value;
        values_from "valuesFrom": Vec<ValuesReference>;
        wait_strategy "waitStrategy": Option<WaitStrategy>;
    } with { .rule("(has(self.chart) && !has(self.chartRef)) || (!has(self.chart) && has(self.chartRef))", "either chart or chartRef must be set") }

    /// `spec.chart`.
    pub struct HelmChartTemplate {
        metadata "metadata": Option<CommonMetadata>;
        spec "spec" (required): HelmChartTemplateSpec;
    }

    /// `spec.chart.spec`.
    pub struct HelmChartTemplateSpec {
        chart "chart" (required): String => { .min_length(1).max_length(2048) };
        ignore_missing_values_files "ignoreMissingValuesFiles": bool;
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        reconcile_strategy "reconcileStrategy": ReconcileStrategy => { .one_of(&["ChartVersion", "Revision"]).default_value(json!("ChartVersion")) };
        source_ref "sourceRef" (required): HelmChartSourceReference;
        values_files "valuesFiles": Vec<String>;
        verify "verify": Option<HelmChartTemplateVerification>;
        version "version": String => { .default_value(json!("*")) };
    }

    /// `spec.chart.spec.sourceRef`.
    pub struct HelmChartSourceReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["HelmRepository", "GitRepository", "Bucket"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(63) };
    }

    /// `spec.chart.spec.verify`.
    pub struct HelmChartTemplateVerification {
        provider "provider" (required): String => { .one_of(&["cosign", "notation"]).default_value(json!("cosign")) };
        secret_ref "secretRef": Option<LocalObjectReference>;
    }

    /// `spec.chartRef`.
    pub struct ChartReference {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["OCIRepository", "HelmChart", "ExternalArtifact"]) };
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(63) };
    }

    /// `spec.driftDetection`.
    pub struct DriftDetection {
        ignore "ignore": Vec<IgnoreRule>;
        mode "mode": String => { .one_of(&["enabled", "warn", "disabled"]) };
    }

    /// `spec.install`.
    pub struct Install {
        crds "crds": CrdsPolicy => { .one_of(&["Skip", "Create", "CreateReplace"]) };
        create_namespace "createNamespace": bool;
        disable_hooks "disableHooks": bool;
        disable_open_api_validation "disableOpenAPIValidation": bool;
        disable_schema_validation "disableSchemaValidation": bool;
        disable_take_ownership "disableTakeOwnership": bool;
        disable_wait "disableWait": bool;
        disable_wait_for_jobs "disableWaitForJobs": bool;
        remediation "remediation": Option<InstallRemediation>;
        replace "replace": bool;
        server_side_apply "serverSideApply": Option<bool>;
        skip_cr_ds "skipCRDs": bool;
        strategy "strategy": Option<InstallStrategy>;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// `spec.install.remediation`.
    pub struct InstallRemediation {
        ignore_test_failures "ignoreTestFailures": Option<bool>;
        remediate_last_failure "remediateLastFailure": Option<bool>;
        retries "retries": Option<i64> => { .without("format") };
    }

    /// `spec.install.strategy`.
    pub struct InstallStrategy {
        name "name" (required): String => { .one_of(&["RemediateOnFailure", "RetryOnFailure"]) };
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    } with { .rule("!has(self.retryInterval) || self.name != 'RemediateOnFailure'", ".retryInterval cannot be set when .name is 'RemediateOnFailure'") }

    /// `spec.postRenderers[]`.
    pub struct PostRenderer {
        kustomize "kustomize": Option<PostRendererKustomize>;
    }

    /// `spec.postRenderers[].kustomize`.
    pub struct PostRendererKustomize {
        images "images": Vec<KustomizeImage>;
        patches "patches": Vec<KustomizePatch>;
    }

    /// `spec.rollback`.
    pub struct Rollback {
        cleanup_on_fail "cleanupOnFail": bool;
        disable_hooks "disableHooks": bool;
        disable_wait "disableWait": bool;
        disable_wait_for_jobs "disableWaitForJobs": bool;
        force "force": bool;
        recreate "recreate": bool;
        server_side_apply "serverSideApply": String => { .one_of(&["enabled", "disabled", "auto"]) };
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// `spec.test`.
    pub struct Test {
        enable "enable": bool;
        filters "filters": Vec<TestFilter>;
        ignore_failures "ignoreFailures": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// `spec.test.filters[]`.
    pub struct TestFilter {
        exclude "exclude": bool;
        name "name" (required): String => { .min_length(1).max_length(253) };
    }

    /// `spec.uninstall`.
    pub struct Uninstall {
        deletion_propagation "deletionPropagation": String => { .one_of(&["background", "foreground", "orphan"]).default_value(json!("background")) };
        disable_hooks "disableHooks": bool;
        disable_wait "disableWait": bool;
        keep_history "keepHistory": bool;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// `spec.upgrade`.
    pub struct Upgrade {
        chart_name_change_strategy "chartNameChangeStrategy": String => { .one_of(&["InPlaceUpdate", "Reinstall"]) };
        cleanup_on_fail "cleanupOnFail": bool;
        crds "crds": CrdsPolicy => { .one_of(&["Skip", "Create", "CreateReplace"]) };
        disable_hooks "disableHooks": bool;
        disable_open_api_validation "disableOpenAPIValidation": bool;
        disable_schema_validation "disableSchemaValidation": bool;
        disable_take_ownership "disableTakeOwnership": bool;
        disable_wait "disableWait": bool;
        disable_wait_for_jobs "disableWaitForJobs": bool;
        force "force": bool;
        preserve_values "preserveValues": bool;
        remediation "remediation": Option<UpgradeRemediation>;
        server_side_apply "serverSideApply": String => { .one_of(&["enabled", "disabled", "auto"]) };
        strategy "strategy": Option<UpgradeStrategy>;
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    }

    /// `spec.upgrade.remediation`.
    pub struct UpgradeRemediation {
        ignore_test_failures "ignoreTestFailures": Option<bool>;
        remediate_last_failure "remediateLastFailure": Option<bool>;
        retries "retries": Option<i64> => { .without("format") };
        strategy "strategy": String => { .one_of(&["rollback", "uninstall"]) };
    }

    /// `spec.upgrade.strategy`.
    pub struct UpgradeStrategy {
        name "name" (required): String => { .one_of(&["RemediateOnFailure", "RetryOnFailure"]) };
        retry_interval "retryInterval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
    } with { .rule("!has(self.retryInterval) || self.name == 'RetryOnFailure'", ".retryInterval can only be set when .name is 'RetryOnFailure'") }

    /// `spec.valuesFrom[]`.
    pub struct ValuesReference {
        kind "kind" (required): String => { .one_of(&["Secret", "ConfigMap"]) };
        literal "literal": bool;
        name "name" (required): String => { .min_length(1).max_length(253) };
        optional "optional": bool;
        target_path "targetPath": String => { .pattern(r"^([a-zA-Z0-9_\-.\\\/]|\[[0-9]{1,5}\])+$").max_length(250) };
        values_key "valuesKey": String => { .pattern(r"^[\-._a-zA-Z0-9]+$").max_length(253) };
    }

    /// `spec.waitStrategy`.
    pub struct WaitStrategy {
        name "name" (required): String => { .one_of(&["poller", "legacy"]) };
    }

    /// `status`.
    pub struct HelmReleaseStatus {
        conditions "conditions": Vec<Condition>;
        failures "failures": Option<i64>;
        helm_chart "helmChart": String;
        history "history": Vec<ReleaseSnapshot>;
        install_failures "installFailures": Option<i64>;
        inventory "inventory": Option<ResourceInventory>;
        last_attempted_config_digest "lastAttemptedConfigDigest": String;
        last_attempted_generation "lastAttemptedGeneration": Option<i64>;
        last_attempted_release_action "lastAttemptedReleaseAction": String => { .one_of(&["install", "upgrade"]) };
        last_attempted_release_action_duration "lastAttemptedReleaseActionDuration": GoDuration;
        last_attempted_revision "lastAttemptedRevision": String;
        last_attempted_revision_digest "lastAttemptedRevisionDigest": String;
        last_attempted_values_checksum "lastAttemptedValuesChecksum": String;
        last_handled_force_at "lastHandledForceAt": String;
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        last_handled_reset_at "lastHandledResetAt": String;
        last_release_revision "lastReleaseRevision": Option<i64> => { .without("format") };
        observed_common_metadata_digest "observedCommonMetadataDigest": String;
        observed_generation "observedGeneration": Option<i64>;
        observed_post_renderers_digest "observedPostRenderersDigest": String;
        storage_namespace "storageNamespace": String => { .min_length(1).max_length(63) };
        upgrade_failures "upgradeFailures": Option<i64>;
    }

    /// `status.history[]`.
    pub struct ReleaseSnapshot {
        action "action": String;
        api_version "apiVersion": String;
        app_version "appVersion": String;
        chart_name "chartName" (required): String;
        chart_version "chartVersion" (required): String;
        config_digest "configDigest" (required): String;
        deleted "deleted": Time;
        digest "digest" (required): String;
        first_deployed "firstDeployed" (required): Time;
        last_deployed "lastDeployed" (required): Time;
        name "name" (required): String;
        namespace "namespace" (required): String;
        oci_digest "ociDigest": String;
        status "status" (required): String;
        test_hooks "testHooks": IndexMap<String, TestHookStatus>;
        version "version" (required): i64 => { .without("format") };
    }

    /// `status.history[].testHooks{}`.
    pub struct TestHookStatus {
        last_completed "lastCompleted": Time;
        last_started "lastStarted": Time;
        phase "phase": String;
    }
}
