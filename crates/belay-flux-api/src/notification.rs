//! Alerts out, webhooks in.

use crate::shared::{Condition, LocalObjectReference};
use belay_crd::{GoDuration, ObjectMeta, described};
use indexmap::IndexMap;
use serde_json::json;

described! {
    /// Events that are sent on.
    pub struct Alert {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": AlertSpec;
    }

    /// What is wanted of an Alert.
    pub struct AlertSpec {
        event_metadata "eventMetadata": IndexMap<String, String>;
        event_severity "eventSeverity": String => { .one_of(&["info", "error"]).default_value(json!("info")) };
        event_sources "eventSources" (required): Vec<EventSource>;
        exclusion_list "exclusionList": Vec<String>;
        inclusion_list "inclusionList": Vec<String>;
        provider_ref "providerRef" (required): LocalObjectReference;
        summary "summary": String => { .max_length(255) };
        /// Leave everything as it is.
        suspend "suspend": bool;
    }

    /// Objects whose events count.
    pub struct EventSource {
        api_version "apiVersion": String;
        kind "kind" (required): String => { .one_of(&["Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository", "ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "OCIRepository", "ArtifactGenerator", "ExternalArtifact"]) };
        match_labels "matchLabels": IndexMap<String, String>;
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(253) };
    }

    /// A service that alerts go to.
    pub struct Provider {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ProviderSpec;
    }

    /// What is wanted of a Provider.
    pub struct ProviderSpec {
        address "address": String => { .max_length(2048) };
        /// Secret with the certificates.
        cert_secret_ref "certSecretRef": Option<LocalObjectReference>;
        channel "channel": String => { .max_length(2048) };
        commit_status_expr "commitStatusExpr": String;
        /// How often to look.
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$") };
        proxy "proxy": String => { .pattern("^(http|https)://.*$").max_length(2048) };
        /// Secret with the proxy's address and credentials.
        proxy_secret_ref "proxySecretRef": Option<LocalObjectReference>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// The account to act as.
        service_account_name "serviceAccountName": String;
        /// Leave everything as it is.
        suspend "suspend": bool;
        /// How long it may take.
        timeout "timeout": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m))+$") };
        type_ "type" (required): String => { .one_of(&["slack", "discord", "msteams", "rocket", "generic", "generic-hmac", "github", "gitlab", "gitea", "giteapullrequestcomment", "bitbucketserver", "bitbucket", "azuredevops", "googlechat", "googlepubsub", "webex", "sentry", "azureeventhub", "telegram", "lark", "matrix", "opsgenie", "alertmanager", "grafana", "githubdispatch", "githubpullrequestcomment", "gitlabmergerequestcomment", "pagerduty", "datadog", "nats", "zulip", "otel"]) };
        username "username": String => { .max_length(2048) };
    } with { .rule("self.type == 'github' || self.type == 'gitlab' || self.type == 'gitea' || self.type == 'bitbucketserver' || self.type == 'bitbucket' || self.type == 'azuredevops' || !has(self.commitStatusExpr)", "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types") }

    /// A webhook that starts reconciliations.
    pub struct Receiver {
        api_version "apiVersion": String;
        kind "kind": String;
        metadata "metadata": ObjectMeta;
        /// What is wanted.
        spec "spec": ReceiverSpec;
        /// What was found.
        status "status": ReceiverStatus => { .default_value(json!({"observedGeneration": -1})) };
    }

    /// What is wanted of a Receiver.
    pub struct ReceiverSpec {
        events "events": Vec<String>;
        /// How often to look.
        interval "interval": GoDuration => { .pattern(r"^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$").default_value(json!("10m")) };
        oidc_providers "oidcProviders": Vec<OidcProvider> => { .map_list(&["issuerURL"]) };
        resource_filter "resourceFilter": String;
        resources "resources" (required): Vec<ReceiverResource>;
        /// Secret with the credentials.
        secret_ref "secretRef": Option<LocalObjectReference>;
        /// Leave everything as it is.
        suspend "suspend": bool;
        type_ "type" (required): String => { .one_of(&["generic", "generic-hmac", "generic-oidc", "github", "gitlab", "bitbucket", "harbor", "dockerhub", "quay", "gcr", "nexus", "acr", "cdevents"]) };
    } with { .rule("self.type != 'generic-oidc' || (has(self.oidcProviders) && size(self.oidcProviders) > 0)", "generic-oidc receivers must define at least one oidcProvider").rule("self.type == 'generic-oidc' || !has(self.oidcProviders) || size(self.oidcProviders) == 0", "oidcProviders can only be set when type is generic-oidc").rule("self.type != 'generic-oidc' || !has(self.secretRef)", "secretRef cannot be set when type is generic-oidc").rule("self.type == 'generic-oidc' || has(self.secretRef)", "secretRef is required when type is not generic-oidc") }

    /// An issuer of accepted tokens.
    pub struct OidcProvider {
        audience "audience": String;
        issuer_url "issuerURL" (required): String => { .pattern("^https?://") };
        validations "validations" (required): Vec<OidcValidation> => { .min_items(1) };
        variables "variables": Vec<OidcVariable>;
    }

    /// A condition on a token.
    pub struct OidcValidation {
        expression "expression" (required): String;
        /// Why, for people.
        message "message" (required): String;
    }

    /// A named expression over a token.
    pub struct OidcVariable {
        expression "expression" (required): String;
        name "name" (required): String;
    }

    /// Objects that are reconciled.
    pub struct ReceiverResource {
        api_version "apiVersion": String;
        filter "filter": String;
        kind "kind" (required): String => { .one_of(&["Bucket", "GitRepository", "Kustomization", "HelmRelease", "HelmChart", "HelmRepository", "ImageRepository", "ImagePolicy", "ImageUpdateAutomation", "OCIRepository", "ArtifactGenerator", "ExternalArtifact"]) };
        match_labels "matchLabels": IndexMap<String, String>;
        name "name" (required): String => { .min_length(1).max_length(253) };
        namespace "namespace": String => { .min_length(1).max_length(253) };
    }

    /// Where the webhook is.
    pub struct ReceiverStatus {
        /// The state by aspects.
        conditions "conditions": Vec<Condition>;
        /// The last request that was handled.
        last_handled_reconcile_at "lastHandledReconcileAt": String;
        /// The generation that this status is about.
        observed_generation "observedGeneration": Option<i64>;
        webhook_path "webhookPath": String;
    }
}
