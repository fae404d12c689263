//! kubectl, as a person would run it.

use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::compare::{missing_part, present_part};
use crate::run::{POLL, Run};
use crate::scenario::Kubectl;

/// What a process has printed so far.
type Printed = Arc<Mutex<String>>;

/// What kubectl left when it ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run<'_> {
    pub(crate) async fn kubectl(&self, kubectl: &Kubectl) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs_f64(kubectl.within);
        if !kubectl.meanwhile.is_empty() {
            return self.followed(kubectl, deadline).await;
        }
        loop {
            let ended = self.ended(kubectl, deadline).await?;
            match self.judged(kubectl, &ended) {
                Ok(()) => return self.keep(kubectl, &ended.stdout),
                Err(_) if kubectl.retry && Instant::now() < deadline => sleep(4 * POLL).await,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Runs it to its end.
    async fn ended(&self, kubectl: &Kubectl, deadline: Instant) -> anyhow::Result<Ended> {
        let mut child = self.started(kubectl).await?;
        let (stdout, reading_stdout) = read(child.stdout.take());
        let (stderr, reading_stderr) = read(child.stderr.take());
        let status: ExitStatus = match timeout_at(deadline, child.wait()).await {
            Ok(status) => status?,
            Err(_late) => {
                child.kill().await?;
                bail!(
                    "{}: has not ended after {} s{}",
                    self.shown(kubectl),
                    kubectl.within,
                    printed(&content(&stdout), &content(&stderr))
                );
            }
        };
        let _ = tokio::join!(reading_stdout, reading_stderr);
        Ok(Ended { code: status.code().unwrap_or(-1), stdout: content(&stdout), stderr: content(&stderr) })
    }

    /// Takes steps while it runs, and stops it when it has printed everything that it must.
    async fn followed(&self, kubectl: &Kubectl, deadline: Instant) -> anyhow::Result<()> {
        let mut child = self.started(kubectl).await?;
        let (stdout, _) = read(child.stdout.take());
        let (stderr, _) = read(child.stderr.take());
        while content(&stdout).is_empty() {
            ensure!(
                Instant::now() < deadline && child.try_wait()?.is_none(),
                "{}: printed nothing{}",
                self.shown(kubectl),
                printed("", &content(&stderr))
            );
            sleep(POLL).await;
        }
        Box::pin(self.steps(&kubectl.meanwhile)).await.context("meanwhile")?;
        let parts = self.variables.texts(&kubectl.stdout);
        while let Some(part) = missing_part(&content(&stdout), &parts) {
            ensure!(
                Instant::now() < deadline,
                "{}: expected {part:?}{}",
                self.shown(kubectl),
                printed(&content(&stdout), &content(&stderr))
            );
            sleep(POLL).await;
        }
        child.kill().await?;
        Ok(())
    }

    async fn started(&self, kubectl: &Kubectl) -> anyhow::Result<Child> {
        let runner = self.runner;
        let mut child = Command::new(&runner.kubectl)
            .args(self.variables.texts(&kubectl.args))
            .env("KUBECONFIG", &runner.kubeconfig)
            .env("KUBECACHEDIR", runner.repositories.join("kubectl-cache"))
            .envs(kubectl.environment.iter().map(|(name, value)| (name, self.variables.text(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", runner.kubectl.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Who does not read to the end has reasons that the exit code tells.
            let _ = stdin.write_all(self.variables.text(&kubectl.stdin).as_bytes()).await;
        }
        Ok(child)
    }

    fn judged(&self, kubectl: &Kubectl, ended: &Ended) -> anyhow::Result<()> {
        let variables = &self.variables;
        let fault = if ended.code != kubectl.code {
            Some(format!("expected exit code {}, seen {}", kubectl.code, ended.code))
        } else if let Some(part) = missing_part(&ended.stdout, &variables.texts(&kubectl.stdout)) {
            Some(format!("expected {part:?}"))
        } else if let Some(part) = present_part(&ended.stdout, &variables.texts(&kubectl.lacks)) {
            Some(format!("did not expect {part:?}"))
        } else {
            missing_part(&ended.stderr, &variables.texts(&kubectl.stderr))
                .map(|part| format!("expected the error {part:?}"))
        };
        match fault {
            None => Ok(()),
            Some(fault) => {
                bail!("{}: {fault}{}", self.shown(kubectl), printed(&ended.stdout, &ended.stderr))
            }
        }
    }

    fn keep(&self, kubectl: &Kubectl, stdout: &str) -> anyhow::Result<()> {
        match &kubectl.save {
            None => Ok(()),
            Some(word) => self.variables.set(word, stdout.trim_end_matches('\n')),
        }
    }

    fn shown(&self, kubectl: &Kubectl) -> String {
        format!("kubectl {}", self.variables.texts(&kubectl.args).join(" "))
    }
}

/// Collects what comes, while it comes.
fn read<R: AsyncRead + Unpin + Send + 'static>(from: Option<R>) -> (Printed, JoinHandle<()>) {
    let printed = Printed::default();
    let into = printed.clone();
    let task = tokio::spawn(async move {
        let Some(mut from) = from else { return };
        let mut bytes = Vec::new();
        let mut buffer = [0; 8192];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..count]);
            *into.lock().unwrap_or_else(PoisonError::into_inner) =
                String::from_utf8_lossy(&bytes).into_owned();
        }
    });
    (printed, task)
}

fn content(printed: &Printed) -> String {
    printed.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

fn printed(stdout: &str, stderr: &str) -> String {
    let mut text = String::new();
    for (name, content) in [("stdout", stdout), ("stderr", stderr)] {
        if !content.is_empty() {
            text.push_str(&format!("\n  {name}:"));
            for line in content.lines().take(40) {
                text.push_str("\n    ");
                text.push_str(line);
            }
        }
    }
    text
}
