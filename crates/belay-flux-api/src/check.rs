//! Checks of whole objects: each field against its schema, and the rules between fields that a CRD holds as CEL.

use belay_crd::{Described, FieldError, GoDuration, Kind, ObjectMeta, Resource, check};

use crate::{
    ALERT, Alert, AlertSpec, BUCKET, Bucket, BucketSpec, EXTERNAL_ARTIFACT, ExternalArtifact,
    ExternalArtifactSpec, GIT_REPOSITORY, GitRepository, GitRepositorySpec, HELM_CHART, HELM_RELEASE,
    HELM_REPOSITORY, HelmChart, HelmChartSpec, HelmRelease, HelmReleaseSpec, HelmRepository,
    HelmRepositorySpec, IMAGE_POLICY, IMAGE_REPOSITORY, IMAGE_UPDATE_AUTOMATION, ImagePolicy,
    ImagePolicySpec, ImageRepository, ImageRepositorySpec, ImageUpdateAutomation, ImageUpdateAutomationSpec,
    KUSTOMIZATION, KubeConfigReference, Kustomization, KustomizationSpec, OCI_REPOSITORY, OCIRepository,
    OCIRepositorySpec, PROVIDER, Provider, ProviderSpec, RECEIVER, Receiver, ReceiverSpec,
};

/// Writes the parts of [`Resource`] that are the same for every kind; `errors` are the kind's own rules.
macro_rules! resource {
    ($($type:ident, $kind:ident;)*) => {$(
        impl Resource for $type {
            const KIND: &'static Kind = &$kind;

            fn metadata(&self) -> &ObjectMeta {
                &self.metadata
            }

            fn validate(&self) -> Vec<FieldError> {
                let mut errors = check(&$kind.schema["properties"]["spec"], &self.spec.write(), "spec");
                let mut rules = Rules::default();
                self.spec.rules(&mut rules);
                errors.extend(rules.errors);
                errors
            }
        }
    )*};
}

resource! {
    GitRepository, GIT_REPOSITORY;
    OCIRepository, OCI_REPOSITORY;
    HelmRepository, HELM_REPOSITORY;
    HelmChart, HELM_CHART;
    Bucket, BUCKET;
    ExternalArtifact, EXTERNAL_ARTIFACT;
    Kustomization, KUSTOMIZATION;
    HelmRelease, HELM_RELEASE;
    ImageRepository, IMAGE_REPOSITORY;
    ImagePolicy, IMAGE_POLICY;
    ImageUpdateAutomation, IMAGE_UPDATE_AUTOMATION;
    Alert, ALERT;
    Provider, PROVIDER;
    Receiver, RECEIVER;
}

/// The rules that were broken so far.
#[derive(Default)]
struct Rules {
    errors: Vec<FieldError>,
}

impl Rules {
    fn refuse_if(&mut self, broken: bool, path: &str, message: &str) {
        if broken {
            self.errors.push(FieldError::new(path, message));
        }
    }

    /// Patterns let through what Go cannot hold, like `9999999999h`.
    fn duration(&mut self, path: &str, text: &GoDuration) {
        self.refuse_if(text.is_invalid(), path, &format!("invalid duration {:?}", text.as_str()));
    }

    fn kube_config(&mut self, reference: Option<&KubeConfigReference>) {
        if let Some(reference) = reference {
            self.refuse_if(
                reference.config_map_ref.is_some() == reference.secret_ref.is_some(),
                "spec.kubeConfig",
                "exactly one of spec.kubeConfig.configMapRef or spec.kubeConfig.secretRef must be specified",
            );
        }
    }
}

impl GitRepositorySpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
        rules.refuse_if(
            !self.service_account_name.is_empty() && !matches!(self.provider.as_str(), "azure" | "aws"),
            "spec",
            "serviceAccountName can only be set when provider is 'azure' or 'aws'",
        );
    }
}

impl OCIRepositorySpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
    }
}

impl HelmRepositorySpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
    }
}

impl HelmChartSpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.refuse_if(
            self.verify.is_some() && self.source_ref.kind != "HelmRepository",
            "spec",
            "spec.verify is only supported when spec.sourceRef.kind is 'HelmRepository'",
        );
    }
}

impl BucketSpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
        let provider = if self.provider.is_empty() { "generic" } else { self.provider.as_str() };
        let account = !self.service_account_name.is_empty();
        rules.refuse_if(
            provider == "generic" && account,
            "spec",
            "ServiceAccountName is not supported for the 'generic' Bucket provider",
        );
        rules.refuse_if(
            self.secret_ref.is_some() && account,
            "spec",
            "cannot set both .spec.secretRef and .spec.serviceAccountName",
        );
        let Some(sts) = &self.sts else {
            return;
        };
        rules.refuse_if(
            !matches!(provider, "aws" | "generic"),
            "spec",
            "STS configuration is only supported for the 'aws' and 'generic' Bucket providers",
        );
        rules.refuse_if(
            provider == "aws" && sts.provider != "aws",
            "spec",
            "'aws' is the only supported STS provider for the 'aws' Bucket provider",
        );
        rules.refuse_if(
            provider == "generic" && sts.provider != "ldap",
            "spec",
            "'ldap' is the only supported STS provider for the 'generic' Bucket provider",
        );
        rules.refuse_if(
            sts.provider == "aws" && sts.secret_ref.is_some(),
            "spec",
            "spec.sts.secretRef is not required for the 'aws' STS provider",
        );
        rules.refuse_if(
            sts.provider == "aws" && sts.cert_secret_ref.is_some(),
            "spec",
            "spec.sts.certSecretRef is not required for the 'aws' STS provider",
        );
    }
}

impl ExternalArtifactSpec {
    fn rules(&self, _rules: &mut Rules) {}
}

impl KustomizationSpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.retryInterval", &self.retry_interval);
        rules.duration("spec.timeout", &self.timeout);
        rules.kube_config(self.kube_config.as_ref());
    }
}

impl HelmReleaseSpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
        rules.kube_config(self.kube_config.as_ref());
        rules.refuse_if(
            self.chart.is_some() == self.chart_ref.is_some(),
            "spec",
            "either chart or chartRef must be set",
        );
        if let Some(install) = &self.install {
            rules.duration("spec.install.timeout", &install.timeout);
            let strategy = install.strategy.as_ref();
            rules.refuse_if(
                strategy
                    .is_some_and(|s| !s.retry_interval.as_str().is_empty() && s.name == "RemediateOnFailure"),
                "spec.install.strategy",
                ".retryInterval cannot be set when .name is 'RemediateOnFailure'",
            );
        }
        if let Some(upgrade) = &self.upgrade {
            rules.duration("spec.upgrade.timeout", &upgrade.timeout);
            let strategy = upgrade.strategy.as_ref();
            rules.refuse_if(
                strategy.is_some_and(|s| !s.retry_interval.as_str().is_empty() && s.name != "RetryOnFailure"),
                "spec.upgrade.strategy",
                ".retryInterval can only be set when .name is 'RetryOnFailure'",
            );
        }
        if let Some(uninstall) = &self.uninstall {
            rules.duration("spec.uninstall.timeout", &uninstall.timeout);
        }
    }
}

impl ImageRepositorySpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
        rules.duration("spec.timeout", &self.timeout);
    }
}

impl ImagePolicySpec {
    fn rules(&self, rules: &mut Rules) {
        let always = self.digest_reflection_policy == "Always";
        let interval = !self.interval.as_str().is_empty();
        rules.refuse_if(
            interval && !always,
            "spec",
            "spec.interval is only accepted when spec.digestReflectionPolicy is set to 'Always'",
        );
        rules.refuse_if(
            always && !interval,
            "spec",
            "spec.interval must be set when spec.digestReflectionPolicy is set to 'Always'",
        );
    }
}

impl ImageUpdateAutomationSpec {
    fn rules(&self, rules: &mut Rules) {
        rules.duration("spec.interval", &self.interval);
    }
}

impl AlertSpec {
    fn rules(&self, _rules: &mut Rules) {}
}

impl ProviderSpec {
    fn rules(&self, rules: &mut Rules) {
        let reports = ["github", "gitlab", "gitea", "bitbucketserver", "bitbucket", "azuredevops"];
        rules.refuse_if(
            !self.commit_status_expr.is_empty() && !reports.contains(&self.type_.as_str()),
            "spec",
            "spec.commitStatusExpr is only supported for the 'github', 'gitlab', 'gitea', 'bitbucketserver', 'bitbucket', 'azuredevops' provider types",
        );
    }
}

impl ReceiverSpec {
    fn rules(&self, rules: &mut Rules) {
        let oidc = self.type_ == "generic-oidc";
        let providers = !self.oidc_providers.is_empty();
        let secret = self.secret_ref.is_some();
        rules.refuse_if(
            oidc && !providers,
            "spec",
            "generic-oidc receivers must define at least one oidcProvider",
        );
        rules.refuse_if(
            !oidc && providers,
            "spec",
            "oidcProviders can only be set when type is generic-oidc",
        );
        rules.refuse_if(oidc && secret, "spec", "secretRef cannot be set when type is generic-oidc");
        rules.refuse_if(!oidc && !secret, "spec", "secretRef is required when type is not generic-oidc");
    }
}
