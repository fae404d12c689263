//! A cluster Secret, read: where the cluster is and how it is reached.

use std::collections::BTreeMap;

use belay_cluster::{Connection, ExecLogin, Reach};
use belay_manifest::Secret;
use k8s_openapi::api::core::v1::Secret as KubernetesSecret;
use serde::Deserialize;

use crate::reconcile::SKIP;
use crate::write::REFRESH;

/// What a cluster Secret says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ClusterSecret {
    /// The cluster's name; may be empty.
    pub(super) name: String,
    /// The project that it is for; empty for all.
    pub(super) project: String,
    /// Whether its apps are left alone.
    pub(super) skips: bool,
    /// How it is reached.
    pub(super) access: Access,
}

/// How a cluster is reached, and what of it is watched. Another access is another cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Access {
    pub(super) connection: Connection,
    pub(super) reach: Reach,
    refresh: String,
}

/// Why a cluster Secret cannot be used. Says nothing of its values.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ClusterSecretError {
    #[error("failed to unmarshal cluster config: line {line} column {column}")]
    Config { line: usize, column: usize },
    #[error("`{feature}` in the Secret of a cluster is not supported yet")]
    NotSupported { feature: &'static str },
    #[error(
        "`execProviderConfig` in the Secret of a cluster: command {command:?} is not allowed by `belay run --allow-exec`"
    )]
    NotAllowed { command: String },
}

impl ClusterSecretError {
    /// serde's own words quote values.
    fn config(error: &serde_json::Error) -> ClusterSecretError {
        ClusterSecretError::Config { line: error.line(), column: error.column() }
    }
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Config {
    username: String,
    password: String,
    bearer_token: String,
    tls_client_config: Tls,
    aws_auth_config: Option<serde::de::IgnoredAny>,
    exec_provider_config: Option<Exec>,
    disable_compression: bool,
    proxy_url: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Exec {
    command: String,
    args: Option<Vec<String>>,
    env: Option<BTreeMap<String, String>>,
    api_version: String,
    install_hint: String,
    provide_cluster_info: bool,
    config: Option<serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Tls {
    insecure: bool,
    server_name: String,
    cert_data: Option<String>,
    key_data: Option<String>,
    ca_data: Option<String>,
}

/// The URL that a cluster Secret is about.
pub(super) fn server(secret: &KubernetesSecret) -> String {
    text(secret, "server").trim_end_matches('/').to_owned()
}

/// The name that it gives the cluster.
pub(super) fn name(secret: &KubernetesSecret) -> String {
    text(secret, "name")
}

/// Reads a cluster Secret. Only these commands may give out its login.
pub(super) fn read(
    secret: &KubernetesSecret,
    allowed_commands: &[String],
) -> Result<ClusterSecret, ClusterSecretError> {
    let text_of_config = text(secret, "config");
    let config: Config = match text_of_config.as_str() {
        "" => Config::default(),
        text => serde_json::from_str(text).map_err(|error| ClusterSecretError::config(&error))?,
    };
    if config.aws_auth_config.is_some() {
        return Err(ClusterSecretError::NotSupported { feature: "awsAuthConfig" });
    }
    let exec = config.exec_provider_config.map(|exec| login(exec, allowed_commands)).transpose()?;
    // A command takes the place of every other login.
    let unless_exec = |text: String| if exec.is_some() { String::new() } else { text };
    let tls = config.tls_client_config;
    let connection = Connection {
        server: server(secret),
        insecure: tls.insecure,
        server_name: tls.server_name,
        ca_data: tls.ca_data.unwrap_or_default(),
        certificate_data: tls.cert_data.unwrap_or_default(),
        key_data: Secret::new(tls.key_data.unwrap_or_default()),
        username: unless_exec(config.username),
        password: Secret::new(unless_exec(config.password)),
        token: Secret::new(unless_exec(config.bearer_token)),
        proxy_url: config.proxy_url,
        disable_compression: config.disable_compression,
        exec,
    };
    let namespaces = text(secret, "namespaces");
    let namespaces = namespaces.split(',').map(str::trim).filter(|name| !name.is_empty());
    let annotation = |name: &str| {
        let annotations = secret.metadata.annotations.as_ref();
        annotations.and_then(|known| known.get(name)).cloned().unwrap_or_default()
    };
    Ok(ClusterSecret {
        name: name(secret),
        project: text(secret, "project"),
        skips: annotation(SKIP) == "true",
        access: Access {
            connection,
            reach: Reach {
                namespaces: namespaces.map(str::to_owned).collect(),
                cluster_resources: text(secret, "clusterResources") == "true",
            },
            refresh: annotation(REFRESH),
        },
    })
}

fn login(exec: Exec, allowed_commands: &[String]) -> Result<ExecLogin, ClusterSecretError> {
    if !allowed_commands.contains(&exec.command) {
        return Err(ClusterSecretError::NotAllowed { command: exec.command });
    }
    Ok(ExecLogin {
        command: exec.command,
        args: Secret::new(exec.args.unwrap_or_default()),
        env: Secret::new(exec.env.unwrap_or_default()),
        api_version: exec.api_version,
        install_hint: exec.install_hint,
        provide_cluster_info: exec.provide_cluster_info,
        config: exec.config,
    })
}

fn text(secret: &KubernetesSecret, key: &str) -> String {
    let bytes = secret.data.as_ref().and_then(|data| data.get(key));
    bytes.map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(entries: &[(&str, &str)]) -> KubernetesSecret {
        let entry = |(key, text): &(&str, &str)| ((*key).to_owned(), ByteString(text.as_bytes().to_vec()));
        KubernetesSecret { data: Some(entries.iter().map(entry).collect()), ..KubernetesSecret::default() }
    }

    #[test]
    fn a_secret_says_where_the_cluster_is_and_keeps_its_values() {
        let config = r#"{"bearerToken": "s3cret", "tlsClientConfig": {"insecure": false, "caData": "Q0E=", "keyData": "a2V5"}}"#;
        let read = read(
            &secret(&[
                ("server", "https://one.example:6443/"),
                ("name", "one"),
                ("namespaces", "a, b,"),
                ("clusterResources", "true"),
                ("config", config),
            ]),
            &[],
        )
        .unwrap();
        let Access { connection, reach, .. } = &read.access;
        assert_eq!(connection.server, "https://one.example:6443");
        assert_eq!((connection.ca_data.as_str(), connection.token.expose().as_str()), ("Q0E=", "s3cret"));
        assert_eq!(*reach, Reach { namespaces: vec!["a".into(), "b".into()], cluster_resources: true });
        let shown = format!("{read:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("a2V5"), "{shown}");
    }

    #[test]
    fn what_cannot_be_used_is_named_without_its_value() {
        let error = |config: &str| read(&secret(&[("config", config)]), &[]).unwrap_err().to_string();
        assert_eq!(
            error(r#"{"tlsClientConfig": "s3cret"}"#),
            "failed to unmarshal cluster config: line 1 column 28"
        );
        assert_eq!(
            error(r#"{"execProviderConfig": {"command": "x"}}"#),
            "`execProviderConfig` in the Secret of a cluster: command \"x\" is not allowed by `belay run --allow-exec`"
        );
        assert_eq!(
            error(r#"{"awsAuthConfig": {}}"#),
            "`awsAuthConfig` in the Secret of a cluster is not supported yet"
        );
    }

    #[test]
    fn a_command_that_is_allowed_gives_out_the_login() {
        let config = r#"{"bearerToken": "other", "execProviderConfig": {"command": "login", "args": ["s3cret"],
            "env": {"A": "s3cret"}, "apiVersion": "client.authentication.k8s.io/v1", "installHint": "get it"}}"#;
        let secret = secret(&[("config", config)]);
        assert!(read(&secret, &["/bin/login".to_owned()]).is_err());
        let read = read(&secret, &["login".to_owned()]).unwrap();
        let connection = &read.access.connection;
        let exec = connection.exec.as_ref().unwrap();
        assert_eq!(
            (exec.command.as_str(), exec.args.expose().as_slice()),
            ("login", &["s3cret".to_owned()][..])
        );
        assert_eq!(exec.env.expose().get("A").map(String::as_str), Some("s3cret"));
        assert_eq!(connection.token.expose(), "");
        let shown = format!("{read:?}");
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
