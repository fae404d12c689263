//! Which Secret is whose: by URL and project, else by the longest URL of a template that a URL begins with.

use std::collections::BTreeMap;

use belay_source::{
    Access, GithubApp, GithubAppError, Login, Proxy, SecretText, SshAccess, Tls, normalised_url, server_of,
};

use super::secret::{Flag, RepositorySecret};

/// What an installation knows of repositories.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownRepositories {
    /// Secrets of one repository each, by name.
    pub(crate) repositories: BTreeMap<String, RepositorySecret>,
    /// Secrets of all repositories below a URL, by name.
    pub(crate) templates: BTreeMap<String, RepositorySecret>,
    /// `argocd-ssh-known-hosts-cm`
    pub(crate) known_hosts: String,
    /// `argocd-tls-certs-cm`: certificates by server.
    pub(crate) certificates: BTreeMap<String, String>,
}

/// Why a repository is not reached.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    /// A flag of a Secret is neither true nor false.
    #[error("the repository's Secret {secret:?} cannot be used: `{key}` is neither true nor false")]
    Flag {
        /// The Secret.
        secret: String,
        /// Its key.
        key: &'static str,
    },
    /// What the Secret says of an app of GitHub's cannot be used.
    #[error("the repository's Secret {secret:?} cannot be used")]
    GithubApp {
        /// The Secret.
        secret: String,
        /// Why.
        #[source]
        source: GithubAppError,
    },
    /// The Secret says who asks in a way that is not built yet.
    #[error("the repository's Secret {secret:?} cannot be used: `{key}` is not supported yet")]
    NotSupported {
        /// The Secret.
        secret: String,
        /// Its key.
        key: &'static str,
    },
}

/// Argo CD's user for tokens that come without one.
const TOKEN_USER: &str = "x-access-token";

impl KnownRepositories {
    /// How the repository of this URL is reached for an app of this project.
    pub fn access(&self, url: &str, project: &str) -> Result<Access, RepositoryError> {
        let mut secret = self.repository(url, project).cloned().unwrap_or_default();
        if !secret.has_credentials()
            && let Some(template) = self.template(url)
        {
            let name = if secret.name.is_empty() { &template.name } else { &secret.name };
            secret.name = name.clone();
            secret.fill_from(template);
        }
        if let Some(key) = secret.unsupported {
            return Err(RepositoryError::NotSupported { secret: secret.name, key });
        }
        let insecure = flag(&secret, "insecure", &secret.insecure)?;
        let ignores_host_key = flag(&secret, "insecureIgnoreHostKey", &secret.insecure_ignore_host_key)?;
        let force_basic = flag(&secret, "forceHttpBasicAuth", &secret.force_basic)?;
        let insecure = insecure || ignores_host_key;
        Ok(Access {
            login: match login(&secret, force_basic) {
                None => github_app(&secret, url)?,
                login => login,
            },
            tls: Tls {
                authorities: self.certificates.get(&server_of(url)).cloned().unwrap_or_default(),
                certificate: secret.certificate,
                key: secret.certificate_key,
                insecure,
            },
            proxy: (!secret.proxy.is_empty()).then_some(Proxy { url: secret.proxy, except: secret.no_proxy }),
            ssh: Some(SshAccess {
                username: String::new(),
                key: secret.ssh_key,
                passphrase: SecretText::default(),
                known_hosts: self.known_hosts.clone(),
                insecure,
            })
            .filter(|_| is_ssh(url)),
        })
    }

    /// These without the Secrets whose URLs are not permitted.
    pub(crate) fn permitted(&self, permits: impl Fn(&str) -> bool) -> KnownRepositories {
        let kept = |secrets: &BTreeMap<String, RepositorySecret>| {
            let kept = secrets.iter().filter(|(_, secret)| permits(&secret.url));
            kept.map(|(name, secret)| (name.clone(), secret.clone())).collect()
        };
        KnownRepositories {
            repositories: kept(&self.repositories),
            templates: kept(&self.templates),
            known_hosts: self.known_hosts.clone(),
            certificates: self.certificates.clone(),
        }
    }

    /// The URL of the repository that charts name so.
    pub(crate) fn url_of_name(&self, name: &str, project: &str) -> Option<String> {
        let named =
            self.repositories.values().filter(|secret| secret.alias == name && !secret.url.is_empty());
        let mut usable = named.filter(|secret| secret.project.is_empty() || secret.project == project);
        usable.next().map(|secret| secret.url.clone())
    }

    /// The URLs of the repositories that are one project's alone.
    pub(crate) fn of_project(&self, project: &str) -> Vec<String> {
        let own = self.repositories.values().filter(|secret| secret.project == project);
        own.map(|secret| secret.url.clone()).collect()
    }

    /// The project's own Secret before one that is for all.
    fn repository(&self, url: &str, project: &str) -> Option<&RepositorySecret> {
        let wanted = normalised_url(url);
        let mut for_all = None;
        for secret in self.repositories.values().filter(|secret| normalised_url(&secret.url) == wanted) {
            if secret.project == project {
                return Some(secret);
            }
            if secret.project.is_empty() {
                for_all = for_all.or(Some(secret));
            }
        }
        for_all
    }

    fn template(&self, url: &str) -> Option<&RepositorySecret> {
        let wanted = normalised_url(url);
        let mut best: Option<(usize, &RepositorySecret)> = None;
        for template in self.templates.values() {
            let prefix = normalised_url(&template.url);
            let longest = best.map_or(0, |(longest, _)| longest);
            if wanted.starts_with(&prefix) && prefix.len() > longest {
                best = Some((prefix.len(), template));
            }
        }
        best.map(|(_, template)| template)
    }
}

fn flag(secret: &RepositorySecret, key: &'static str, flag: &Flag) -> Result<bool, RepositoryError> {
    match flag {
        Flag::Is(value) => Ok(*value),
        Flag::Unreadable => Err(RepositoryError::Flag { secret: secret.name.clone(), key }),
    }
}

fn login(secret: &RepositorySecret, force_basic: bool) -> Option<Login> {
    let has_pair = !secret.username.is_empty() && !secret.password.is_empty();
    let is_basic = force_basic && has_pair;
    if !is_basic && !secret.bearer_token.is_empty() {
        return Some(Login::Bearer(secret.bearer_token.clone()));
    }
    if secret.password.is_empty() {
        return None;
    }
    let username = if secret.username.is_empty() { TOKEN_USER } else { &secret.username };
    Some(Login::Basic { username: username.to_owned(), password: secret.password.clone() })
}

/// An app of GitHub's; where nothing says which installation it is, that of the repository's owner.
fn github_app(secret: &RepositorySecret, url: &str) -> Result<Option<Login>, RepositoryError> {
    if secret.github.key.is_empty() || is_ssh(url) {
        return Ok(None);
    }
    let mut data = secret.github.clone();
    if data.installation.is_empty() {
        let path = url.split_once("://").and_then(|(_, rest)| rest.split_once('/'));
        let owner = path.and_then(|(_, path)| path.split('/').next());
        data.owner = owner.unwrap_or_default().to_owned();
    }
    let app = GithubApp::new(&data)
        .map_err(|source| RepositoryError::GithubApp { secret: secret.name.clone(), source })?;
    Ok(Some(Login::GithubApp(app)))
}

fn is_ssh(url: &str) -> bool {
    url.starts_with("ssh://") || !url.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str, entries: &[(&str, &str)]) -> (String, RepositorySecret) {
        let entries = entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
        (name.to_owned(), RepositorySecret::read(name, &entries.collect()))
    }

    fn known(
        repositories: &[(&str, &[(&str, &str)])],
        templates: &[(&str, &[(&str, &str)])],
    ) -> KnownRepositories {
        let read = |list: &[(&str, &[(&str, &str)])]| {
            list.iter().map(|(name, entries)| secret(name, entries)).collect()
        };
        KnownRepositories {
            repositories: read(repositories),
            templates: read(templates),
            ..KnownRepositories::default()
        }
    }

    fn password(known: &KnownRepositories, url: &str, project: &str) -> String {
        match known.access(url, project).unwrap().login {
            None => String::new(),
            Some(Login::Basic { username, password }) => format!("{username}:{}", password.reveal()),
            Some(Login::Bearer(token)) => format!("bearer {}", token.reveal()),
            Some(Login::GithubApp(app)) => format!("{app:?}"),
        }
    }

    #[test]
    fn a_repository_is_known_under_every_spelling_and_by_project() {
        let known = known(
            &[
                (
                    "all",
                    &[("url", "https://git.example.org/team/app.git"), ("username", "a"), ("password", "1")],
                ),
                (
                    "web",
                    &[("url", "https://GIT.example.org/team/app"), ("project", "web"), ("password", "2")],
                ),
                ("other", &[("url", "https://git.example.org/other"), ("project", "web"), ("password", "3")]),
            ],
            &[],
        );
        assert_eq!(password(&known, "https://git.example.org/team/App", "default"), "a:1");
        assert_eq!(password(&known, "https://git.example.org/team/app.git", "web"), "x-access-token:2");
        assert_eq!(password(&known, "https://git.example.org/other", "default"), "");
        assert_eq!(password(&known, "https://git.example.org/team/app2", "default"), "");
    }

    #[test]
    fn the_longest_template_fills_what_a_repository_lacks() {
        let known = known(
            &[
                ("own", &[("url", "https://git.example.org/team/own"), ("bearerToken", "own")]),
                ("bare", &[("url", "https://git.example.org/team/bare"), ("proxy", "http://proxy:1")]),
            ],
            &[
                ("host", &[("url", "https://git.example.org"), ("username", "h"), ("password", "1")]),
                ("team", &[("url", "https://git.example.org/team"), ("username", "t"), ("password", "2")]),
            ],
        );
        assert_eq!(password(&known, "https://git.example.org/team/own", "default"), "bearer own");
        assert_eq!(password(&known, "https://git.example.org/team/bare", "default"), "t:2");
        assert_eq!(password(&known, "https://git.example.org/else", "default"), "h:1");
        assert_eq!(password(&known, "https://elsewhere.example.org/team", "default"), "");
        let bare = known.access("https://git.example.org/team/bare.git", "default").unwrap();
        assert_eq!(bare.proxy.unwrap().url.reveal(), "http://proxy:1");
    }

    #[test]
    fn certificates_and_host_keys_come_from_their_config_maps() {
        let mut known = known(&[("own", &[("url", "git@git.example.org:app"), ("sshPrivateKey", "k")])], &[]);
        known.known_hosts = "git.example.org ssh-ed25519 AAAA".to_owned();
        known.certificates.insert("git.example.org".to_owned(), "pem".to_owned());
        let ssh = known.access("git@git.example.org:app.git", "default").unwrap().ssh.unwrap();
        assert_eq!((ssh.key.reveal(), ssh.known_hosts.as_str()), ("k", known.known_hosts.as_str()));
        let https = known.access("https://git.example.org:8443/app", "default").unwrap();
        assert_eq!((https.tls.authorities.as_str(), https.ssh), ("pem", None));
    }

    #[test]
    fn a_chart_gets_neither_name_nor_login_of_what_its_project_does_not_permit() {
        let all = known(
            &[("own", &[("url", "https://charts.example.org/own"), ("name", "stable"), ("password", "p")])],
            &[("below", &[("url", "https://charts.example.org"), ("password", "t")])],
        );
        let (own, below) = ("https://charts.example.org/own", "https://charts.example.org");
        let of = |permitted: &[&str]| {
            let known = all.permitted(|url| permitted.contains(&url));
            (known.url_of_name("stable", "default").is_some(), password(&known, own, "default"))
        };
        assert_eq!(of(&[own, below]), (true, "x-access-token:p".to_owned()));
        assert_eq!(of(&[below]), (false, "x-access-token:t".to_owned()));
        assert_eq!(of(&[]), (false, String::new()));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        let error = |entries: &[(&str, &str)]| {
            let url = "https://git.example.org/app";
            let all: Vec<_> = [("url", url)].iter().chain(entries).copied().collect();
            known(&[("own", &all)], &[]).access(url, "default").unwrap_err().to_string()
        };
        assert!(
            error(&[("gcpServiceAccountKey", "s3cr3t")])
                .contains("`gcpServiceAccountKey` is not supported yet")
        );
        assert!(
            error(&[("githubAppPrivateKey", "s3cr3t"), ("githubAppID", "1")])
                .starts_with("the repository's Secret")
        );
        assert!(error(&[("insecure", "maybe")]).contains("`insecure` is neither true nor false"));
    }
}
