//! Admission webhooks of a scenario: what they say, and how often they were asked.

use anyhow::{bail, ensure};
use belay_testkit::{Webhook, WebhookAnswer};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::run::{POLL, Run};
use crate::scenario::patience;

/// From now on the webhook at `$WEBHOOKS/PATH` says this; without an answer it allows everything.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Says {
    /// The path below `$WEBHOOKS`.
    path: String,
    /// Which objects it means, by name; all of them if there are none.
    #[serde(default)]
    objects: Vec<String>,
    /// It refuses with this `Status`.
    deny: Option<Value>,
    /// It answers with this JSON patch.
    patch: Option<Value>,
    /// It fails.
    #[serde(default)]
    breaks: bool,
    /// It never answers.
    #[serde(default)]
    hangs: bool,
}

/// Wait until the webhook was asked so often.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Asked {
    /// The path below `$WEBHOOKS`.
    path: String,
    /// How often it was asked about what was to happen.
    in_earnest: Option<usize>,
    /// How often it was asked about what was only tried.
    dry_runs: Option<usize>,
    /// Most seconds to wait.
    #[serde(default = "patience")]
    within: f64,
}

impl Run<'_> {
    /// Where the scenario's own webhooks are.
    pub(crate) fn webhooks(&self) -> String {
        self.runner.webhooks.url_of(self.name)
    }

    pub(crate) fn webhook(&self, says: &Says) -> anyhow::Result<()> {
        let answer = match (&says.deny, &says.patch, says.breaks, says.hangs) {
            (None, None, false, false) => WebhookAnswer::Allow,
            (Some(status), None, false, false) => WebhookAnswer::Deny(self.variables.value(status)),
            (None, Some(patch), false, false) => WebhookAnswer::Patch(self.variables.value(patch)),
            (None, None, true, false) => WebhookAnswer::Break,
            (None, None, false, true) => WebhookAnswer::Hang,
            _ => bail!("a webhook says one thing"),
        };
        let objects = says.objects.iter().map(|name| self.variables.text(name)).collect();
        self.runner.webhooks.set(&self.path_of(&says.path), Webhook { objects, answer });
        Ok(())
    }

    pub(crate) async fn asked(&self, asked: &Asked) -> anyhow::Result<()> {
        let deadline = Instant::now() + std::time::Duration::from_secs_f64(asked.within);
        loop {
            let so_far = self.runner.webhooks.asked(&self.path_of(&asked.path));
            let is = |wanted: Option<usize>, found: usize| wanted.is_none_or(|wanted| wanted == found);
            if is(asked.in_earnest, so_far.in_earnest) && is(asked.dry_runs, so_far.for_dry_runs) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "it was asked otherwise: {so_far:?}");
            sleep(POLL).await;
        }
    }

    fn path_of(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}
