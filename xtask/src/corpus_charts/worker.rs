//! A process that answers questions, a line each: Helm's command line, or ours.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// Helm's commands leave something behind with every call; a new process starts clean.
const QUESTIONS_A_PROCESS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(120);

/// What a command printed, and how it failed if it did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) output: String,
    pub(crate) error: Option<String>,
}

impl Answer {
    pub(crate) fn from_json(answer: &Value) -> Answer {
        let output = answer["output"].as_str().unwrap_or_default().to_owned();
        let hint = "\n\nUse --debug flag to render out invalid YAML";
        let error = answer["error"].as_str().map(|error| error.replace(hint, ""));
        Answer { output, error }
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "output": self.output, "error": self.error })
    }

    fn failed(error: String) -> Answer {
        Answer { output: String::new(), error: Some(error) }
    }
}

/// A program that answers, started again when it ends or hangs.
pub(crate) struct Worker {
    program: PathBuf,
    flags: Vec<String>,
    process: Option<Process>,
}

struct Process {
    child: Child,
    questions: ChildStdin,
    answers: Receiver<String>,
    asked: usize,
}

impl Worker {
    pub(crate) fn new(program: &Path) -> Worker {
        Worker { program: program.to_owned(), flags: Vec::new(), process: None }
    }

    /// The same, started with flags.
    pub(crate) fn with(mut self, flags: &[&str]) -> Worker {
        self.flags = flags.iter().map(|flag| (*flag).to_owned()).collect();
        self
    }

    /// Carries the command out in the folder.
    pub(crate) fn ask(&mut self, folder: &Path, arguments: &[String]) -> Result<Answer> {
        if self.process.as_ref().is_some_and(|process| process.asked >= QUESTIONS_A_PROCESS) {
            self.stop();
        }
        let process = match &mut self.process {
            Some(process) => process,
            place => place.insert(Process::start(&self.program, &self.flags)?),
        };
        process.asked += 1;
        let question = json!({ "dir": folder, "args": arguments });
        let sent = writeln!(process.questions, "{question}");
        let answer = sent.ok().and_then(|()| process.answers.recv_timeout(PATIENCE).ok());
        let Some(line) = answer else {
            self.stop();
            return Ok(Answer::failed("the worker ended or hung".to_owned()));
        };
        Ok(Answer::from_json(&serde_json::from_str(&line).context("reading an answer")?))
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            drop(process.questions);
            // It may be gone already.
            drop(process.child.kill());
            drop(process.child.wait());
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Process {
    fn start(program: &Path, flags: &[String]) -> Result<Process> {
        let mut child = Command::new(program)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .env_remove("KUBECONFIG")
            .env("HOME", "/nonexistent")
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let questions = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let (sender, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Process { child, questions, answers, asked: 0 })
    }
}
