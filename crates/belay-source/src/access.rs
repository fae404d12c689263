//! What a repository is reached with: login, certificates, proxy, keys. None of it is ever printed.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::github_app::GithubApp;

/// A text that is never shown.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct SecretText(String);

impl SecretText {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> SecretText {
        SecretText(text.into())
    }

    /// The text itself, for the one who sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// Everything that a server may ask for, and how it is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// What a server over `http(s)` is told.
    pub login: Option<Login>,
    /// How a server over `https` is trusted, and shown who asks.
    pub tls: Tls,
    /// The way to the server, unless the direct one.
    pub proxy: Option<Proxy>,
    /// How a server over SSH is trusted, and shown who asks.
    pub ssh: Option<SshAccess>,
}

/// Who asks, over `http(s)`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Login {
    /// A name and a password or token.
    Basic {
        /// The user's name; may be empty beside a token.
        username: String,
        /// The password or token.
        password: SecretText,
    },
    /// A token alone.
    Bearer(SecretText),
    /// An app of GitHub, which gets a token when one is needed.
    GithubApp(GithubApp),
}

impl Login {
    /// A name and a password.
    pub fn basic(username: impl Into<String>, password: impl Into<String>) -> Login {
        Login::Basic { username: username.into(), password: SecretText::new(password) }
    }
}

/// Certificates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Tls {
    /// Certificates of authorities that are trusted, as PEM; the usual ones when empty.
    pub authorities: String,
    /// Our own certificate, as PEM.
    pub certificate: String,
    /// Its key, as PEM.
    pub key: SecretText,
    /// Any certificate of the server is taken.
    pub insecure: bool,
}

/// The way through another server.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Proxy {
    /// Its URL, which may hold a login.
    pub url: SecretText,
    /// Servers that are reached directly, as in the variable `NO_PROXY`.
    pub except: String,
}

/// Who asks, over SSH.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct SshAccess {
    /// The user's name where the URL has none; `git` when empty.
    pub username: String,
    /// The private key, as PEM or in OpenSSH's form.
    pub key: SecretText,
    /// What the key is encrypted with, if it is.
    pub passphrase: SecretText,
    /// Keys of servers that are trusted, as in the file `known_hosts`.
    pub known_hosts: String,
    /// Any key of the server is taken.
    pub insecure: bool,
}

impl Access {
    /// A name and a password, and nothing else.
    pub fn basic(username: impl Into<String>, password: impl Into<String>) -> Access {
        Access { login: Some(Login::basic(username, password)), ..Access::default() }
    }

    /// What tells this access from others without saying what it is. Whoever shows another one does not
    /// get what was fetched with this.
    pub(crate) fn scope(&self) -> [u8; 32] {
        let Access { login, tls, proxy, ssh } = self;
        let mut parts: Vec<&str> = Vec::new();
        let app;
        match login {
            None => parts.push("none"),
            Some(Login::Basic { username, password }) => parts.extend(["basic", username, password.reveal()]),
            Some(Login::Bearer(token)) => parts.extend(["bearer", token.reveal()]),
            Some(Login::GithubApp(github)) => {
                app = github.parts();
                parts.extend(["github app", github.key()]);
                parts.extend(app.iter().map(String::as_str));
            }
        }
        parts.extend(["tls", &tls.authorities, &tls.certificate, tls.key.reveal(), flag(tls.insecure)]);
        if let Some(Proxy { url, except }) = proxy {
            parts.extend(["proxy", url.reveal(), except]);
        }
        if let Some(SshAccess { username, key, passphrase, known_hosts, insecure }) = ssh {
            let secrets = [key.reveal(), passphrase.reveal()];
            parts.extend(["ssh", username, secrets[0], secrets[1], known_hosts, flag(*insecure)]);
        }
        let mut digest = Sha256::new();
        for part in parts {
            // With its length before it no part can pass for two.
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        digest.finalize().into()
    }
}

fn flag(is_set: bool) -> &'static str {
    if is_set { "yes" } else { "no" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_secret_is_printed() {
        let ssh = SshAccess {
            key: SecretText::new("canary-1"),
            passphrase: SecretText::new("canary-2"),
            ..SshAccess::default()
        };
        let access = Access {
            tls: Tls { key: SecretText::new("canary-3"), ..Tls::default() },
            proxy: Some(Proxy { url: SecretText::new("http://canary-4@proxy"), except: String::new() }),
            ssh: Some(ssh),
            ..Access::basic("ada", "canary-5")
        };
        let bearer = Access { login: Some(Login::Bearer(SecretText::new("canary-6"))), ..Access::default() };
        let text = format!("{access:?} {bearer:#?}");
        assert!(!text.contains("canary") && text.contains("ada"), "{text}");
    }

    #[test]
    fn every_other_access_has_another_scope() {
        let tls = |tls: Tls| Access { tls, ..Access::default() };
        let ssh = |ssh: SshAccess| Access { ssh: Some(ssh), ..Access::default() };
        let all = [
            Access::default(),
            Access::basic("a", "bc"),
            Access::basic("ab", "c"),
            Access { login: Some(Login::Bearer(SecretText::new("abc"))), ..Access::default() },
            tls(Tls { insecure: true, ..Tls::default() }),
            tls(Tls { authorities: "a".to_owned(), ..Tls::default() }),
            tls(Tls { certificate: "a".to_owned(), ..Tls::default() }),
            ssh(SshAccess::default()),
            ssh(SshAccess { key: SecretText::new("a"), ..SshAccess::default() }),
            ssh(SshAccess { known_hosts: "a".to_owned(), ..SshAccess::default() }),
        ];
        let mut scopes: Vec<_> = all.iter().map(Access::scope).collect();
        scopes.sort_unstable();
        scopes.dedup();
        assert_eq!(scopes.len(), all.len());
    }
}
