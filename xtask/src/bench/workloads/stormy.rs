//! W9: a storm of pushes while commits are made; and what one change costs in such weather.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use kube::ResourceExt;
use kube::api::ListParams;

use super::later::{Changes, one};
use super::leg::{Cost, Leg};
use super::storm::{Storm, Weather};
use crate::fleet;

impl Leg<'_> {
    /// W9: commits, and a thousand pushes a second that tell of them; ends when all apps report the last.
    pub(super) async fn weather_storm(&mut self) -> Result<Cost> {
        self.rest().await?;
        let (before, questions) = (self.megabytes()?, self.git.questions());
        let mark = self.mark().await?;
        let storm = Storm::start(self.hook());
        let mut expected = self.commit_in_time().await?;
        let weather = storm.end().await?;
        let lasted = mark.start.elapsed();
        let turn = expected.len();
        let last = self.time_last_line(&mut expected, turn).await?;
        let waited = self.wait(&mark).await?;
        let asked = self.git.questions() - questions;
        let mut cost = self.cost(mark, waited).await?;
        cost.findings = self.findings(&weather, &cost, before);
        let more = [
            ("storm, s", lasted.as_secs_f64()),
            ("questions to Git", asked as f64),
            ("from the last push to its line in the cluster, ms", last.as_secs_f64() * 1000.0),
            ("lines missed", self.lines_missed(&expected).await? as f64),
        ];
        cost.findings.extend(more.map(|(name, figure)| (name.to_owned(), figure)));
        Ok(cost)
    }

    /// W3 beside the same pushes.
    pub(super) async fn change_lines_in_a_storm(&mut self) -> Result<Cost> {
        self.rest().await?;
        let before = self.megabytes()?;
        let storm = Storm::start(self.hook());
        let timed = self.time_lines("line in a storm").await;
        let weather = storm.end().await?;
        let mut cost = timed?;
        cost.findings = self.findings(&weather, &cost, before);
        Ok(cost)
    }

    fn findings(
        &self,
        weather: &Weather,
        cost: &Cost,
        before: u64,
    ) -> std::collections::BTreeMap<String, f64> {
        let mut findings = weather.findings();
        findings.insert("memory before, MB".to_owned(), before as f64);
        findings.insert(
            "memory at most above that, MB".to_owned(),
            cost.peak_megabytes.saturating_sub(before) as f64,
        );
        findings
    }

    /// Commits lines of one app after the other, some a second; gives what the apps' lines are then.
    async fn commit_in_time(&mut self) -> Result<HashMap<String, String>> {
        let commits = self.arguments.commits.max(1);
        let turns = usize::try_from(self.arguments.storm * u64::from(commits))?;
        let mut due = tokio::time::Instant::now();
        let mut expected = HashMap::new();
        for turn in 0..turns {
            tokio::time::sleep_until(due).await;
            due += Duration::from_secs(1) / commits;
            let app = turn % self.arguments.apps;
            let value = format!("storm {turn}");
            self.commit_line(app, &value)?;
            expected.insert(fleet::name(app), value);
        }
        Ok(expected)
    }

    /// The last push, which ends a storm: how long from its answer until the cluster has its line.
    async fn time_last_line(
        &mut self,
        expected: &mut HashMap<String, String>,
        turn: usize,
    ) -> Result<Duration> {
        let api = self.cluster.api("v1", "ConfigMap").await?;
        let app = turn % self.arguments.apps;
        let mut changes = Changes::of_app(&api, app).await?;
        let value = "the last line";
        self.commit_line(app, value)?;
        expected.insert(fleet::name(app), value.to_owned());
        self.push().await?;
        let start = Instant::now();
        changes.wait_for(one(app), self.patience(), |found| found == value).await?;
        Ok(start.elapsed())
    }

    /// How many apps have not the line that was committed last.
    async fn lines_missed(&self, expected: &HashMap<String, String>) -> Result<usize> {
        let api = self.cluster.api("v1", "ConfigMap").await?;
        let found: HashMap<String, String> = api
            .list(&ListParams::default())
            .await?
            .iter()
            .filter_map(|object| Some((object.name_any(), object.data["data"]["app"].as_str()?.to_owned())))
            .collect();
        Ok(expected.iter().filter(|(name, value)| found.get(*name) != Some(value)).count())
    }
}
