//! Kubeconfigs that others wrote: only what stands in them is used, never a file or a program that they name.

use belay_manifest::Secret;
use serde::Deserialize;
use serde_json::Value;

use crate::connect::Connection;

/// More bytes are no kubeconfig.
const LONGEST: usize = 1024 * 1024;

/// Why a kubeconfig cannot be used. Quotes no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KubeconfigError {
    /// It is longer than any kubeconfig.
    #[error("{bytes} bytes are more than the limit of {LONGEST}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// It is not YAML, or no kubeconfig.
    #[error("it cannot be read as a kubeconfig")]
    Unreadable,
    /// A cluster or user names a file of this machine.
    #[error("{owner} references a {field}{file}, only {instead} is supported")]
    File {
        /// `user 'name'`
        owner: String,
        /// The field.
        field: &'static str,
        /// What comes after it in the message.
        file: &'static str,
        /// What is taken instead.
        instead: &'static str,
    },
    /// It has no current context, or one that is not there.
    #[error("no configuration has been provided")]
    NoContext,
    /// The context's cluster is not there, or has no address.
    #[error("invalid configuration: no server found for cluster {0:?}")]
    NoServer(String),
    /// It asks for what is not built.
    #[error("`{0}` of a kubeconfig is not supported yet")]
    NotSupported(&'static str),
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct File {
    current_context: String,
    clusters: Vec<NamedCluster>,
    users: Vec<NamedUser>,
    contexts: Vec<NamedContext>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Cluster {
    server: String,
    tls_server_name: String,
    insecure_skip_tls_verify: bool,
    certificate_authority: String,
    certificate_authority_data: String,
    proxy_url: String,
    disable_compression: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedUser {
    name: String,
    user: User,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct User {
    client_certificate: String,
    client_certificate_data: String,
    client_key: String,
    client_key_data: String,
    token: String,
    #[serde(rename = "tokenFile")]
    token_file: String,
    username: String,
    password: String,
    exec: Option<serde::de::IgnoredAny>,
    auth_provider: Option<serde::de::IgnoredAny>,
    #[serde(rename = "as")]
    impersonated: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Context {
    cluster: String,
    user: String,
}

impl Connection {
    /// The connection of a kubeconfig's current context. Its TLS verification cannot be switched off.
    pub fn from_kubeconfig(text: &str) -> Result<Connection, KubeconfigError> {
        if text.len() > LONGEST {
            return Err(KubeconfigError::TooLong { bytes: text.len() });
        }
        let file = read(text)?;
        refuse_files(&file)?;
        let context = file.contexts.into_iter().find(|context| context.name == file.current_context);
        let context = context.ok_or(KubeconfigError::NoContext)?.context;
        let cluster = file.clusters.into_iter().find(|cluster| cluster.name == context.cluster);
        let cluster = cluster.map(|named| named.cluster).filter(|cluster| !cluster.server.is_empty());
        let cluster = cluster.ok_or(KubeconfigError::NoServer(context.cluster))?;
        let user = file.users.into_iter().find(|user| user.name == context.user);
        let user = user.map(|named| named.user).unwrap_or_default();
        for (feature, is_there) in [
            ("insecure-skip-tls-verify", cluster.insecure_skip_tls_verify),
            ("exec", user.exec.is_some()),
            ("auth-provider", user.auth_provider.is_some()),
            ("as", !user.impersonated.is_empty()),
        ] {
            if is_there {
                return Err(KubeconfigError::NotSupported(feature));
            }
        }
        Ok(Connection {
            server: cluster.server,
            insecure: false,
            server_name: cluster.tls_server_name,
            ca_data: cluster.certificate_authority_data,
            certificate_data: user.client_certificate_data,
            key_data: Secret::new(user.client_key_data),
            username: user.username,
            password: Secret::new(user.password),
            token: Secret::new(user.token),
            proxy_url: cluster.proxy_url,
            disable_compression: cluster.disable_compression,
            exec: None,
        })
    }
}

/// The reader's own words quote values, and are not passed on.
fn read(text: &str) -> Result<File, KubeconfigError> {
    let value = belay_goyaml::to_json(text).map_err(|_quotes| KubeconfigError::Unreadable)?;
    if value.is_null() {
        return Ok(File::default());
    }
    serde_json::from_value(without_nulls(value)).map_err(|_quotes| KubeconfigError::Unreadable)
}

/// Fields that are null are fields that are not there.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let there = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(name, value)| (name, without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

fn refuse_files(file: &File) -> Result<(), KubeconfigError> {
    for NamedCluster { name, cluster } in &file.clusters {
        if !cluster.certificate_authority.is_empty() {
            let owner = format!("cluster '{name}'");
            let (field, instead) = ("certificate-authority", "certificate-authority-data");
            return Err(KubeconfigError::File { owner, field, file: " file", instead });
        }
    }
    for NamedUser { name, user } in &file.users {
        for (text, field, file, instead) in [
            (&user.token_file, "tokenFile", "", "an inline token"),
            (&user.client_certificate, "client-certificate", " file", "client-certificate-data"),
            (&user.client_key, "client-key", " file", "client-key-data"),
        ] {
            if !text.is_empty() {
                return Err(KubeconfigError::File { owner: format!("user '{name}'"), field, file, instead });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cluster: &str, user: &str) -> Result<Connection, KubeconfigError> {
        Connection::from_kubeconfig(&format!(
            "current-context: it\ncontexts: [{{name: it, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
        ))
    }

    #[test]
    fn the_current_context_says_where_and_who() {
        let found =
            read("server: 'https://one:6443', certificate-authority-data: Q0E=", "token: s3cret, exec: null")
                .unwrap();
        assert_eq!((found.server.as_str(), found.ca_data.as_str()), ("https://one:6443", "Q0E="));
        assert_eq!(found.token.expose(), "s3cret");
        assert!(!format!("{found:?}").contains("s3cret"));
    }

    #[test]
    fn nothing_outside_of_it_is_read_or_run() {
        let error = |cluster: &str, user: &str| read(cluster, user).unwrap_err().to_string();
        let server = "server: 'https://one'";
        assert_eq!(
            error(server, "tokenFile: /var/run/secrets/token"),
            "user 'u' references a tokenFile, only an inline token is supported"
        );
        assert_eq!(
            error("server: x, certificate-authority: /etc/ca", ""),
            "cluster 'c' references a certificate-authority file, only certificate-authority-data is supported"
        );
        assert_eq!(error(server, "exec: {command: sh}"), "`exec` of a kubeconfig is not supported yet");
        let insecure = error("server: x, insecure-skip-tls-verify: true", "");
        assert_eq!(insecure, "`insecure-skip-tls-verify` of a kubeconfig is not supported yet");
    }

    #[test]
    fn bad_m5_kubeconfigs_of_garbage_are_errors_that_show_nothing() {
        for garbage in [
            "\u{0}s3cret",
            "s3cret: [",
            "- s3cret",
            "{current-context: [s3cret]}",
            "current-context: it\ncontexts: s3cret",
            "current-context: it\nclusters: [{name: s3cret, cluster: s3cret}]",
            "current-context: it\nusers: [{name: u, user: {token: [s3cret]}}]",
            "&a [*a, s3cret]",
            "users: [{user: {client-certificate: /etc/s3cret}}]",
            &"{a: ".repeat(100_000),
            &"s3cret ".repeat(1_000_000),
        ] {
            let error = Connection::from_kubeconfig(garbage).unwrap_err().to_string();
            assert!(!error.contains("s3cret") && error.len() < 200, "{error}");
        }
    }

    #[tokio::test]
    async fn bad_m5_certificates_of_garbage_make_no_client() {
        // `-----BEGIN CERTIFICATE-----` around `s3cret` in base64, and that word itself.
        let pem = "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCmN6TmpjbVYwCi0tLS0tRU5EIENFUlRJRklDQVRFLS0tLS0K";
        let key = "czNjcmV0";
        for (cluster, user) in [
            ("certificate-authority-data: '????s3cret'".to_owned(), String::new()),
            (format!("certificate-authority-data: {pem}"), String::new()),
            (String::new(), format!("client-certificate-data: {pem}, client-key-data: {key}")),
            (String::new(), "client-certificate-data: '????', client-key-data: s3cret".to_owned()),
        ] {
            let connection = read(&format!("server: 'https://one:6443', {cluster}"), &user).unwrap();
            let error = connection.clients().await.err().unwrap_or_else(|| panic!("{cluster} {user}"));
            let said = belay_causes::chain(&error);
            assert!(!said.contains("s3cret") && !said.contains(key), "{said}");
        }
    }

    #[test]
    fn what_is_no_kubeconfig_is_said_without_its_words() {
        assert_eq!(Connection::from_kubeconfig("").unwrap_err(), KubeconfigError::NoContext);
        let error = Connection::from_kubeconfig("users: s3cret").unwrap_err().to_string();
        assert_eq!(error, "it cannot be read as a kubeconfig");
        assert_eq!(read("", "").unwrap_err(), KubeconfigError::NoServer("c".to_owned()));
    }
}
