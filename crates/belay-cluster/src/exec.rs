//! Logins that a command gives out, as `exec` of a kubeconfig does.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use belay_manifest::Secret;
use http::{Request, Response};
use kube::client::{AuthError, Body};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::sync::{OnceCell, Semaphore};
use tower::{BoxError, service_fn};

/// A command that gives out credentials, in the words of a kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "the fields are those of a kubeconfig, documented there")]
pub struct ExecLogin {
    pub command: String,
    pub args: Secret<Vec<String>>,
    pub env: Secret<BTreeMap<String, String>>,
    pub api_version: String,
    pub install_hint: String,
    pub provide_cluster_info: bool,
    /// What the command is told of the cluster besides.
    pub config: Option<Value>,
}

/// Why a command gave out nothing. Says neither what it was called with nor what it wrote.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum ExecError {
    #[error("getting credentials: exec: executable {command} not found{hint}")]
    NotFound { command: String, hint: String },
    #[error("getting credentials: exec: executable {command} failed with exit code {code}")]
    Failed { command: String, code: i32 },
    #[error("getting credentials: exec: {command}: {reason}")]
    Other { command: String, reason: String },
}

impl ExecLogin {
    /// The `exec` of a kubeconfig's user.
    pub(crate) fn user(&self) -> Value {
        let variable = |(name, value)| json!({"name": name, "value": value});
        let env: Vec<Value> = self.env.expose().iter().map(variable).collect();
        let version = Some(&self.api_version).filter(|version| !version.is_empty());
        json!({
            "command": self.command,
            "args": self.args.expose(),
            "env": env,
            "apiVersion": version,
            "interactiveMode": "Never",
            "provideClusterInfo": self.provide_cluster_info,
        })
    }

    /// The `extensions` of a kubeconfig's cluster.
    pub(crate) fn extensions(&self) -> Option<Value> {
        let config = self.config.as_ref()?;
        Some(json!([{"name": "client.authentication.k8s.io/exec", "extension": config}]))
    }

    fn error(&self, error: &AuthError) -> ExecError {
        let command = self.command.clone();
        match error {
            AuthError::AuthExecStart(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let hint = match self.install_hint.trim() {
                    "" => String::new(),
                    hint => format!(": {hint}"),
                };
                ExecError::NotFound { command, hint }
            }
            AuthError::AuthExecStart(error) => ExecError::Other { command, reason: error.to_string() },
            AuthError::AuthExecRun { out, .. } => {
                ExecError::Failed { command, code: out.status.code().unwrap_or(-1) }
            }
            // Their own words may quote what the command wrote.
            _ => ExecError::Other { command, reason: "gave out no credentials".to_owned() },
        }
    }

    /// The error without what the command was called with.
    fn hide(&self, error: kube::Error) -> BoxError {
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(one) = cause {
            if let Some(error) = one.downcast_ref::<AuthError>() {
                return self.error(error).into();
            }
            cause = one.source();
        }
        error.into()
    }
}

/// A client that runs the command when it is asked for something for the first time, and again until that succeeds.
pub(crate) fn client_by_command(config: Config, login: &ExecLogin) -> Client {
    let (made, login) = (Arc::new(OnceCell::<Client>::new()), Arc::new(login.clone()));
    let namespace = config.default_namespace.clone();
    // One that hangs is not run a second time beside itself.
    let running = Arc::new(Semaphore::new(1));
    let service = service_fn(move |request: Request<Body>| {
        let (made, login, config, running) = (made.clone(), login.clone(), config.clone(), running.clone());
        async move {
            let client =
                made.get_or_try_init(|| make(config, running)).await.map_err(|error| login.hide(error))?;
            let answer: Result<Response<Body>, BoxError> =
                client.send(request).await.map_err(|error| login.hide(error));
            answer
        }
    });
    Client::new(service, namespace)
}

async fn make(config: Config, running: Arc<Semaphore>) -> Result<Client, kube::Error> {
    let permit = running.acquire_owned().await.map_err(|closed| kube::Error::Service(closed.into()))?;
    let made = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        Client::try_from(config)
    });
    made.await.map_err(|ended| kube::Error::Service(ended.into()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connect::Connection;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// An API server that answers one request, and gives its head.
    async fn head_of_one_request(listener: TcpListener) -> String {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let length = stream.read(&mut head).await.unwrap();
        let body = r#"{"major": "1", "minor": "34", "gitVersion": "v1.34.4", "gitCommit": "", "gitTreeState": "", "buildDate": "", "goVersion": "", "compiler": "", "platform": ""}"#;
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::from_utf8_lossy(&head[..length]).into_owned()
    }

    fn shell(script: &str) -> ExecLogin {
        ExecLogin {
            command: "/bin/sh".to_owned(),
            args: Secret::new(vec!["-c".to_owned(), script.to_owned()]),
            env: Secret::new([("GIVEN".to_owned(), "t0ken".to_owned())].into()),
            api_version: "client.authentication.k8s.io/v1".to_owned(),
            install_hint: "install it".to_owned(),
            ..ExecLogin::default()
        }
    }

    async fn asked(login: ExecLogin, server: String) -> Result<String, String> {
        let connection = Connection { server, exec: Some(login), ..Connection::default() };
        let clients = connection.clients().await.map_err(|error| error.to_string())?;
        let version = clients.requests.apiserver_version().await;
        version.map(|version| version.git_version).map_err(|error| belay_causes::chain(&error))
    }

    #[tokio::test]
    async fn a_command_gives_out_the_token() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        let head = tokio::spawn(head_of_one_request(listener));
        let script = r#"case "$KUBERNETES_EXEC_INFO" in *ExecCredential*) ;; *) exit 3;; esac
            echo "{\"apiVersion\": \"client.authentication.k8s.io/v1\", \"kind\": \"ExecCredential\", \"status\": {\"token\": \"$GIVEN\"}}""#;
        assert_eq!(asked(shell(script), server).await, Ok("v1.34.4".to_owned()));
        let head = head.await.unwrap().to_lowercase();
        assert!(head.contains("authorization: bearer t0ken"), "{head}");
    }

    #[tokio::test]
    async fn what_goes_wrong_is_said_without_what_it_was_called_with() {
        let error = |login| async { asked(login, "http://127.0.0.1:1".to_owned()).await.unwrap_err() };
        let failed = error(shell("echo s3cret; echo s3cret >&2; exit 7")).await;
        assert!(
            failed.ends_with("getting credentials: exec: executable /bin/sh failed with exit code 7"),
            "{failed}"
        );
        let missing = error(ExecLogin { command: "no-such-login".to_owned(), ..shell("") }).await;
        assert!(missing.ends_with("exec: executable no-such-login not found: install it"), "{missing}");
        let nothing = error(shell("echo s3cret")).await;
        assert!(nothing.ends_with("exec: /bin/sh: gave out no credentials"), "{nothing}");
    }
}
