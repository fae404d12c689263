//! One Secret of a repository or of several, read.

use std::collections::BTreeMap;

use belay_source::{GithubAppData, SecretText};

/// What a Secret says about one repository, or about all below a URL.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RepositorySecret {
    /// The Secret's name.
    pub(crate) name: String,
    pub(crate) url: String,
    /// What charts may name the repository by.
    pub(crate) alias: String,
    /// The project whose apps alone may use it; all may when empty.
    pub(crate) project: String,
    pub(crate) username: String,
    pub(crate) password: SecretText,
    pub(crate) bearer_token: SecretText,
    pub(crate) ssh_key: SecretText,
    pub(crate) certificate: String,
    pub(crate) certificate_key: SecretText,
    pub(crate) proxy: SecretText,
    pub(crate) no_proxy: String,
    pub(crate) insecure: Flag,
    pub(crate) insecure_ignore_host_key: Flag,
    pub(crate) force_basic: Flag,
    /// An app of GitHub's.
    pub(crate) github: GithubAppData,
    /// The first key that says who asks in a way that is not built yet.
    pub(crate) unsupported: Option<&'static str>,
}

/// `true` or `false`, or what was written instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Flag {
    Is(bool),
    Unreadable,
}

impl Default for Flag {
    fn default() -> Flag {
        Flag::Is(false)
    }
}

/// Keys that stand for other ways to say who asks.
const UNSUPPORTED: &[&str] =
    &["gcpServiceAccountKey", "useAzureWorkloadIdentity", "azureServicePrincipalClientSecret"];

impl RepositorySecret {
    /// Reads the decoded data of a Secret.
    pub(crate) fn read(name: &str, data: &BTreeMap<String, Vec<u8>>) -> RepositorySecret {
        let text = |key: &str| {
            data.get(key).map(|bytes| String::from_utf8_lossy(bytes).into_owned()).unwrap_or_default()
        };
        let secret = |key: &str| SecretText::new(text(key));
        let is_set = |key: &&&str| !matches!(text(key).as_str(), "" | "false");
        RepositorySecret {
            name: name.to_owned(),
            url: text("url"),
            alias: text("name"),
            project: text("project"),
            username: text("username"),
            password: secret("password"),
            bearer_token: secret("bearerToken"),
            ssh_key: secret("sshPrivateKey"),
            certificate: text("tlsClientCertData"),
            certificate_key: secret("tlsClientCertKey"),
            proxy: secret("proxy"),
            no_proxy: text("noProxy"),
            insecure: Flag::read(&text("insecure")),
            insecure_ignore_host_key: Flag::read(&text("insecureIgnoreHostKey")),
            force_basic: Flag::read(&text("forceHttpBasicAuth")),
            github: GithubAppData {
                app: text("githubAppID"),
                installation: text("githubAppInstallationID"),
                owner: String::new(),
                key: secret("githubAppPrivateKey"),
                base_url: text("githubAppEnterpriseBaseUrl"),
            },
            unsupported: UNSUPPORTED.iter().find(is_set).copied(),
        }
    }

    /// Whether it says who asks; if not, a template may.
    pub(crate) fn has_credentials(&self) -> bool {
        !self.username.is_empty()
            || !self.password.is_empty()
            || !self.bearer_token.is_empty()
            || !self.ssh_key.is_empty()
            || !self.certificate.is_empty()
            || !self.github.key.is_empty()
            || self.unsupported.is_some()
    }

    /// Takes from a template what is missing here.
    pub(crate) fn fill_from(&mut self, template: &RepositorySecret) {
        let fill = |own: &mut String, other: &String| {
            if own.is_empty() {
                own.clone_from(other);
            }
        };
        let fill_secret = |own: &mut SecretText, other: &SecretText| {
            if own.is_empty() {
                own.clone_from(other);
            }
        };
        fill(&mut self.username, &template.username);
        fill_secret(&mut self.password, &template.password);
        fill_secret(&mut self.bearer_token, &template.bearer_token);
        fill_secret(&mut self.ssh_key, &template.ssh_key);
        fill(&mut self.certificate, &template.certificate);
        fill_secret(&mut self.certificate_key, &template.certificate_key);
        if self.github.key.is_empty() {
            self.github.clone_from(&template.github);
        }
        fill_secret(&mut self.proxy, &template.proxy);
        fill(&mut self.no_proxy, &template.no_proxy);
        self.force_basic = template.force_basic.clone();
        self.unsupported = self.unsupported.or(template.unsupported);
    }
}

impl Flag {
    /// Go's `ParseBool`; nothing is no.
    fn read(text: &str) -> Flag {
        match text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Flag::Is(true),
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Flag::Is(false),
            _ => Flag::Unreadable,
        }
    }
}
