//! kubectl and helm, as a person would run them.

use std::path::PathBuf;
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
use crate::scenario::{CommandLine, Program};

/// What a process has printed so far.
type Printed = Arc<Mutex<String>>;

/// What a program left when it ended.
struct Ended {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run<'_> {
    /// Runs a program and judges what it printed.
    pub(crate) async fn program(&self, program: Program, line: &CommandLine) -> anyhow::Result<()> {
        self.program_unnamed(program, line)
            .await
            .with_context(|| format!("{} {}", program.name(), self.variables.texts(&line.args).join(" ")))
    }

    async fn program_unnamed(&self, program: Program, line: &CommandLine) -> anyhow::Result<()> {
        let deadline = Instant::now() + Duration::from_secs_f64(line.within);
        if !line.meanwhile.is_empty() {
            return self.followed(program, line, deadline).await;
        }
        loop {
            let ended = self.ended(program, line, deadline).await?;
            match self.judged(line, &ended) {
                Ok(()) => return self.keep(line, &ended.stdout),
                Err(_) if line.retry && Instant::now() < deadline => sleep(4 * POLL).await,
                Err(fault) => return Err(fault),
            }
        }
    }

    /// Runs it to its end.
    async fn ended(&self, program: Program, line: &CommandLine, deadline: Instant) -> anyhow::Result<Ended> {
        let mut child = self.started(program, line).await?;
        let (stdout, reading_stdout) = read(child.stdout.take());
        let (stderr, reading_stderr) = read(child.stderr.take());
        let status: ExitStatus = match timeout_at(deadline, child.wait()).await {
            Ok(status) => status?,
            Err(_late) => {
                child.kill().await?;
                bail!(
                    "has not ended after {} s{}",
                    line.within,
                    printed(&content(&stdout), &content(&stderr))
                );
            }
        };
        let _ = tokio::join!(reading_stdout, reading_stderr);
        Ok(Ended { code: status.code().unwrap_or(-1), stdout: content(&stdout), stderr: content(&stderr) })
    }

    /// Takes steps while it runs, and stops it when it has printed everything that it must.
    async fn followed(&self, program: Program, line: &CommandLine, deadline: Instant) -> anyhow::Result<()> {
        let mut child = self.started(program, line).await?;
        let (stdout, _) = read(child.stdout.take());
        let (stderr, _) = read(child.stderr.take());
        while content(&stdout).is_empty() {
            ensure!(
                Instant::now() < deadline && child.try_wait()?.is_none(),
                "printed nothing{}",
                printed("", &content(&stderr))
            );
            sleep(POLL).await;
        }
        Box::pin(self.steps(&line.meanwhile)).await.context("meanwhile")?;
        let parts = self.variables.texts(&line.stdout);
        while let Some(part) = missing_part(&content(&stdout), &parts) {
            ensure!(
                Instant::now() < deadline,
                "expected {part:?}{}",
                printed(&content(&stdout), &content(&stderr))
            );
            sleep(POLL).await;
        }
        child.kill().await?;
        Ok(())
    }

    async fn started(&self, program: Program, line: &CommandLine) -> anyhow::Result<Child> {
        let runner = self.runner;
        let path = runner.programs.path(program);
        let mut child = Command::new(path)
            .args(self.variables.texts(&line.args))
            .current_dir(self.folder(line)?)
            .env("KUBECONFIG", &runner.kubeconfig)
            .env("KUBECACHEDIR", runner.repositories.join("kubectl-cache"))
            .env("HELM_CACHE_HOME", runner.repositories.join("helm-cache"))
            .env("HELM_CONFIG_HOME", runner.repositories.join("helm-config"))
            .env("HELM_DATA_HOME", runner.repositories.join("helm-data"))
            .envs(line.environment.iter().map(|(name, value)| (name, self.variables.text(value))))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("{} cannot be started", path.display()))?;
        if let Some(mut stdin) = child.stdin.take() {
            // Who does not read to the end has reasons that the exit code tells.
            let _ = stdin.write_all(self.variables.text(&line.stdin).as_bytes()).await;
        }
        Ok(child)
    }

    /// The folder that the program works in, with the files it is given.
    fn folder(&self, line: &CommandLine) -> anyhow::Result<PathBuf> {
        let folder = self.runner.repositories.join(format!("{}-files", self.name));
        std::fs::create_dir_all(&folder)?;
        for (name, text) in &line.files {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().context("a file lies in a folder")?)?;
            std::fs::write(&file, self.variables.text(text)).with_context(|| file.display().to_string())?;
        }
        Ok(folder)
    }

    fn judged(&self, line: &CommandLine, ended: &Ended) -> anyhow::Result<()> {
        let variables = &self.variables;
        let fault = if ended.code != line.code {
            Some(format!("expected exit code {}, seen {}", line.code, ended.code))
        } else if let Some(part) = missing_part(&ended.stdout, &variables.texts(&line.stdout)) {
            Some(format!("expected {part:?}"))
        } else if let Some(part) = present_part(&ended.stdout, &variables.texts(&line.lacks)) {
            Some(format!("did not expect {part:?}"))
        } else {
            missing_part(&ended.stderr, &variables.texts(&line.stderr))
                .map(|part| format!("expected the error {part:?}"))
        };
        match fault {
            None => Ok(()),
            Some(fault) => bail!("{fault}{}", printed(&ended.stdout, &ended.stderr)),
        }
    }

    fn keep(&self, line: &CommandLine, stdout: &str) -> anyhow::Result<()> {
        match &line.save {
            None => Ok(()),
            Some(word) => self.variables.set(word, stdout.trim_end_matches('\n')),
        }
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
