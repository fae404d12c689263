//! One look at one HelmRelease: read → check → chart → values → state → act → report.
//!
//! ```text
//! state      what Helm's records and the HelmRelease say together, and what follows from it
//! release    install and upgrade: render → record → hooks → compare → plan → apply → wait → record
//! uninstall  hooks → delete → wait → forget the records
//! status     makes statuses; report writes them
//! ```

mod chart_object;
mod cluster;
mod content;
mod deletion;
mod digest;
mod evidence;
mod hidden;
mod hooks;
mod objects;
mod once;
mod release;
mod render;
mod report;
mod state;
mod status;
mod storage;
mod target;
mod uninstall;
mod values;

use std::sync::Arc;
use std::time::Duration;

use belay_cluster::{LiveError, step};
use belay_crd::Resource;
use belay_flux_api::{HELM_RELEASE, HelmRelease, refused_fields, refused_resource_mark};
use belay_helm::Values;
use belay_manifest::{Object, ObjectKey};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::sync::OwnedSemaphorePermit;

pub(crate) use content::{OWNER_NAME, OWNER_NAMESPACE};
pub(crate) use once::{chart_of, plan_once};

use crate::chart_build::BuiltChart;
use crate::context::Context;
use crate::depends::{self, Unmet};
use crate::health::or;
use crate::{unreadable, write};
use belay_causes::chain;
use hidden::Hidden;
use state::{Desired, Next, State};
use status::Action;
use storage::{Storage, Stored};
use target::Target;
use values::Composed;

/// The field manager of Flux's helm-controller.
pub(crate) const MANAGER: &str = "helm-controller";
const INTERVAL: Duration = Duration::from_secs(60);
/// How soon a chart that is not there is looked for again.
const NO_CHART: Duration = Duration::from_secs(30);
/// The first and the longest pause after a fault.
const SHORTEST_PAUSE: Duration = Duration::from_millis(750);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// A HelmRelease being looked at. Its status is what will be written.
pub(crate) struct Look<'a> {
    context: &'a Context,
    object: Arc<Object>,
    release: HelmRelease,
    target: Target,
    /// What no message may hold.
    hidden: Hidden,
    /// The right to work; given back while waiting.
    turn: Option<OwnedSemaphorePermit>,
}

/// What a look came to.
enum End {
    /// The chart is being fetched; the status stays.
    NotYet,
    /// As it should be.
    InSync,
    /// Look again at once.
    Again,
    /// Look again, later with each time.
    Retry,
    /// Look again after a while.
    After(Duration),
    /// Only a change helps.
    Stalled,
}

/// Why a look ended before any action.
struct Fault {
    reason: &'static str,
    message: String,
    end: End,
}

/// By what a look knows that nothing has changed since the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    generation: i64,
    chart: (String, String),
    references: Vec<(ObjectKey, String)>,
    record: String,
}

/// Looks at the release, acts, writes its status. Gives when to look again.
pub(crate) fn reconcile<'a>(context: &'a Context, key: &'a ObjectKey) -> BoxFuture<'a, Option<Duration>> {
    one_look(context, key).boxed()
}

async fn one_look(context: &Context, key: &ObjectKey) -> Option<Duration> {
    let object = context.live.get(key)?;
    let release: HelmRelease = unreadable::read(context, &object).await?;
    let target = Target::of(&release);
    let turn = context.turn().await;
    let mut look = Look { context, object, release, target, hidden: Hidden::default(), turn };
    if look.release.metadata.is_deleting() {
        return deletion::finish(&mut look).await;
    }
    if !write::finalizer(context, &look.object, MANAGER, true).await {
        return Some(write::AFTER_CONFLICT);
    }
    if look.release.spec.suspend {
        crate::evidence::held(context, evidence::app_name(&look));
        return None;
    }
    let end = match look.run().await {
        Ok(end) => end,
        Err(fault) => {
            context.note_failure(key);
            report::fault(&mut look, &fault).await;
            fault.end
        }
    };
    look.finish(end).await
}

fn not_known(error: &LiveError) -> Fault {
    Fault { reason: "StateError", message: error.to_string(), end: End::Retry }
}

impl Look<'_> {
    fn key(&self) -> ObjectKey {
        self.object.key()
    }

    async fn run(&mut self) -> Result<End, Fault> {
        check(&self.object, &self.release)?;
        chart_object::apply(self).await?;
        self.check_dependencies()?;
        let Some(chart) = self.chart()? else { return Ok(End::NotYet) };
        let seen = self.seen(&chart).await;
        if seen.is_some() && self.context.recall(&self.key(), |memory| memory.release == seen) {
            status::in_sync(&mut self.release);
            return Ok(End::InSync);
        }
        let Composed { values, hidden } = self.values().await?;
        self.hidden = hidden;
        let desired = Desired {
            chart_name: chart.name().to_owned(),
            chart_version: chart.version().to_owned(),
            config_digest: digest::of_values(values.as_map()),
        };
        if let Some(what) = state::target_changed(&self.release, &self.target, chart.name()) {
            return Ok(self.leave_old_target(what).await);
        }
        // If it is another one by now, the next look has been called already.
        if !self.context.live.still_stands(&self.object).await.map_err(|error| not_known(&error))? {
            return Ok(End::NotYet);
        }
        status::attempt(&mut self.release, &self.target, &desired);
        let end = self.act(&chart, &values, &desired).await?;
        if matches!(end, End::InSync) {
            let seen = self.seen(&chart).await;
            self.context.remember(&self.key(), |memory| {
                memory.release = seen;
                memory.released = Some(chart);
            });
        }
        Ok(end)
    }

    fn check_dependencies(&self) -> Result<(), Fault> {
        let get = |key: &ObjectKey| self.context.live.get(key);
        match depends::unmet(&self.object, &self.release.spec.depends_on, &get, &|_| true) {
            None => Ok(()),
            Some(Unmet::NotYet(message)) => {
                Err(Fault { reason: "DependencyNotReady", message, end: End::After(depends::AGAIN) })
            }
            Some(Unmet::Unreadable(reason)) => {
                let message = format!("{}: {reason}", depends::TERMINAL);
                Err(Fault { reason: "InvalidCELExpression", message, end: End::Stalled })
            }
        }
    }

    /// The built chart. Nothing when it is there and still being fetched.
    fn chart(&self) -> Result<Option<BuiltChart>, Fault> {
        let key = &self.target.chart;
        let not_ready = |message: &str| Fault {
            reason: "SourceNotReady",
            message: format!("HelmChart '{}/{}' is not ready: {message}", key.namespace, key.name),
            end: End::After(NO_CHART),
        };
        let Some(object) = self.context.live.get(key) else {
            return Err(not_ready("latest generation of object has not been reconciled"));
        };
        let chart: belay_flux_api::HelmChart =
            serde_json::from_value(object.value().clone()).map_err(|error| not_ready(&error.to_string()))?;
        if let Some(built) = self.context.chart(key)
            && built.generation == chart.metadata.generation
        {
            return Ok(Some(built));
        }
        let ready = belay_flux_api::find_condition(&chart.status.conditions, "Ready");
        match ready {
            Some(ready) if ready.status == belay_flux_api::ConditionStatus::False => {
                Err(not_ready(&ready.message))
            }
            _ if chart.status.observed_generation == Some(chart.metadata.generation) => Ok(None),
            _ => Err(not_ready("latest generation of object has not been reconciled")),
        }
    }

    async fn values(&self) -> Result<Composed, Fault> {
        let (spec, namespace) = (&self.release.spec, &self.release.metadata.namespace);
        values::compose(self.context.live.client(), namespace, &spec.values, &spec.values_from)
            .await
            .map_err(|error| Fault { reason: "ValuesError", message: chain(&error), end: End::Retry })
    }

    /// What the live state tells of everything that this release depends on; nothing when it does not know.
    async fn seen(&self, chart: &BuiltChart) -> Option<Seen> {
        let live = &self.context.live;
        let status = &self.release.status;
        let current = status.history.first()?;
        let record = objects::core_key(
            "Secret",
            &self.target.storage,
            &belay_helm::record::secret_name(&current.name, current.version),
        );
        let mut references = Vec::new();
        for kind in ["Secret", "ConfigMap"] {
            let kind = belay_manifest::GroupVersionKind::new("v1", kind);
            live.ensure(&kind).await.ok()?;
        }
        let version = |key: &ObjectKey| {
            let object = live.get(key)?;
            Some(object.value().pointer("/metadata/resourceVersion")?.as_str()?.to_owned())
        };
        for reference in &self.release.spec.values_from {
            let key = objects::core_key(&reference.kind, &self.release.metadata.namespace, &reference.name);
            let version = version(&key).unwrap_or_default();
            references.push((key, version));
        }
        Some(Seen {
            generation: self.release.metadata.generation,
            chart: (chart.name().to_owned(), chart.version().to_owned()),
            references,
            record: version(&record)?,
        })
    }

    /// The release that is there is another than the wanted one: it goes first.
    async fn leave_old_target(&mut self, what: &str) -> End {
        tracing::info!(release = %self.key(), "release target configuration changed ({what})");
        evidence::takes_out(self, "uninstall", &format!("another {what} is wanted"));
        match uninstall::uninstall(self).await {
            Ok(()) => {
                status::forget(&mut self.release.status);
                End::Again
            }
            Err(_told) => End::Retry,
        }
    }

    /// Does what the state asks for until nothing is left to do, each kind of action at most once.
    async fn act(&mut self, chart: &BuiltChart, values: &Values, desired: &Desired) -> Result<End, Fault> {
        let storage = Storage::new(self.context.live.client(), &self.target.storage);
        let mut released = false;
        loop {
            let history = self.history(&storage).await?;
            let (state, why) = state::determine(&history, self.release.status.history.first(), desired);
            let next = state::next(state, &self.release);
            tracing::debug!(release = %self.key(), ?state, ?next, why, "state determined");
            if state == State::Unmanaged {
                self.release.status.history.clear();
            }
            match next {
                Next::Rest => {
                    self.keep_desired(&history).await;
                    status::in_sync(&mut self.release);
                    return Ok(End::InSync);
                }
                Next::GiveUp => {
                    status::gave_up(&mut self.release);
                    evidence::gave_up(self, why);
                    return Ok(End::Stalled);
                }
                Next::Fault => {
                    let message = format!("Could not determine release state: {why}");
                    return Err(Fault { reason: "StateError", message, end: End::Retry });
                }
                Next::Unlock => self.unlock(&storage, &history).await?,
                Next::Install | Next::Upgrade if released => return Ok(self.retry(End::Again)),
                Next::Install | Next::Upgrade => {
                    released = true;
                    let action = if next == Next::Install { Action::Install } else { Action::Upgrade };
                    let wanted = release::Wanted { action, chart, values, desired };
                    evidence::begins(self, action.name(), chart, desired, why);
                    if !step("apply", release::release(self, &storage, &history, &wanted)).await {
                        return Ok(self.retry(End::Retry));
                    }
                }
                Next::Remediate => return Ok(self.remediate().await),
            }
        }
    }

    /// What the newest release says of its objects, for people who compare.
    async fn keep_desired(&self, history: &[Stored]) {
        let Some(last) = history.last() else { return };
        match uninstall::recorded(self, &last.release.manifest).await {
            Ok(objects) => self.context.keep_desired(&self.key(), objects.iter()),
            Err(error) => {
                tracing::debug!(release = %self.key(), error, "what was released cannot be compared")
            }
        }
    }

    /// What failed is tried again: after the time of its strategy, or else as `usual` says.
    fn retry(&mut self, usual: End) -> End {
        let after = target::retry(&self.release);
        status::retrying(&mut self.release, after);
        after.map_or(usual, End::After)
    }

    async fn history(&self, storage: &Storage) -> Result<Vec<Stored>, Fault> {
        storage.history(&self.target.name).await.map_err(|error| Fault {
            reason: "StateError",
            message: format!("Could not determine release state: {}", chain(&error)),
            end: End::Retry,
        })
    }

    /// The record of an action that was cut off becomes one of a failed action.
    async fn unlock(&mut self, storage: &Storage, history: &[Stored]) -> Result<(), Fault> {
        let Some(last) = history.last() else { return Ok(()) };
        let mut record = last.release.clone();
        let was = record.info.status.as_str().to_owned();
        record.info.status = belay_helm::Status::Failed;
        record.info.description = format!("Release unlocked from stale '{was}' state");
        storage.update(&record).await.map_err(|error| Fault {
            reason: "StateError",
            message: chain(&error),
            end: End::Retry,
        })?;
        let action = if was == "pending-install" { Action::Install } else { Action::Upgrade };
        let known = self.release.status.history.iter().any(|snapshot| snapshot.version == record.version);
        if known {
            status::recorded(&mut self.release.status, &record, action);
        }
        Ok(())
    }

    /// Takes a failed install out, so that it can be tried again.
    async fn remediate(&mut self) -> End {
        evidence::takes_out(self, "remediation: uninstall", "the install failed");
        let result = uninstall::take_out(self).await.map(drop);
        let (reason, message) = status::remediated(&mut self.release, &result);
        report::ended(self, result.is_ok(), reason, &message).await;
        let failures = self.release.status.install_failures.unwrap_or_default();
        if target::install_retries(&self.release).is_some_and(|retries| failures > retries) {
            status::gave_up(&mut self.release);
            return End::Stalled;
        }
        status::retrying(&mut self.release, None);
        if result.is_ok() { End::Again } else { End::Retry }
    }

    async fn finish(&mut self, end: End) -> Option<Duration> {
        if matches!(end, End::NotYet) {
            return None;
        }
        step("report", report::write(self, true)).await;
        if matches!(end, End::InSync) {
            evidence::settled(self);
        }
        let key = self.key();
        if !matches!(end, End::Retry) {
            self.context.remember(&key, |memory| memory.faults = 0);
        }
        match end {
            End::NotYet | End::Stalled => None,
            End::InSync => Some(or(&self.release.spec.interval, INTERVAL)),
            End::Again => Some(Duration::ZERO),
            End::After(pause) => Some(pause),
            End::Retry => {
                let faults = self.context.recall(&key, |memory| memory.faults);
                self.context.remember(&key, |memory| memory.faults = faults.saturating_add(1));
                Some(pause(faults))
            }
        }
    }
}

/// Each pause is twice the one before.
fn pause(faults: u32) -> Duration {
    SHORTEST_PAUSE.saturating_mul(2u32.saturating_pow(faults)).min(LONGEST_PAUSE)
}

fn check(object: &Object, release: &HelmRelease) -> Result<(), Fault> {
    let stalled = |reason: &'static str, message: String| Fault { reason, message, end: End::Stalled };
    let not_supported = |feature: String| stalled("NotSupported", format!("{feature} is not supported yet"));
    if let Some(field) = refused_fields(&HELM_RELEASE, object.value()).first() {
        return Err(not_supported(format!("`{field}`")));
    }
    if let Some(mark) = refused_resource_mark(&release.metadata) {
        return Err(not_supported(mark));
    }
    match release.validate().first() {
        Some(error) => Err(stalled("ValidationFailed", error.to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit() {
        assert_eq!(pause(0), Duration::from_millis(750));
        assert_eq!(pause(2), Duration::from_secs(3));
        assert_eq!(pause(60), LONGEST_PAUSE);
    }
}
