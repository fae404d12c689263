//! Sync windows: whether a sync may begin or go on now, and when that changes.

use std::time::Duration;

use belay_argo_api::{Application, SyncWindow, SyncWindowKind};
use belay_filetree::Glob;
use belay_gotemplate::parse_duration;
use jiff::{SignedDuration, Timestamp};

use super::cron::{Schedule, time_zone};

/// A window ends and begins just before the time that says so counts.
const MARGIN: Duration = Duration::from_millis(5);

/// Why the windows of a project decide nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WindowError {
    /// A schedule is not read.
    #[error("invalid sync windows: cannot parse schedule '{schedule}': {reason}")]
    Schedule {
        /// As it is written.
        schedule: String,
        /// What is wrong.
        reason: String,
    },
    /// A duration is not read.
    #[error("invalid sync windows: cannot parse duration '{duration}': {reason}")]
    Duration {
        /// As it is written.
        duration: String,
        /// What is wrong.
        reason: String,
    },
}

/// Who wants to sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asking {
    /// A person, and not the app's policy.
    pub(crate) is_manual: bool,
    /// When the operation began, if it has.
    pub(crate) started: Option<Timestamp>,
}

/// The windows of a project that are an app's.
pub(crate) struct Windows(Result<Vec<Window>, WindowError>);

/// A window that is read.
struct Window {
    allows: bool,
    denies: bool,
    manual: bool,
    overrun: bool,
    schedule: Schedule,
    length: SignedDuration,
    zone: jiff::tz::TimeZone,
}

impl Windows {
    /// The windows that name the app, its cluster or its namespace. One that cannot be read spoils all of them.
    pub(crate) fn of(windows: &[SyncWindow], app: &Application) -> Windows {
        let own = windows.iter().filter(|window| concerns(window, app));
        Windows(own.map(Window::read).collect())
    }

    /// Whether a sync may begin, or go on, now.
    pub(crate) fn permit(&self, asking: Asking, now: Timestamp) -> Result<bool, WindowError> {
        let windows = self.0.as_ref().map_err(Clone::clone)?;
        Ok(match verdict(windows, asking.is_manual, now, now) {
            Verdict::Open => true,
            Verdict::Closed { overrun } => asking.started.is_some_and(|started| {
                overrun && verdict(windows, asking.is_manual, started, now) == Verdict::Open
            }),
        })
    }

    /// How long until a window begins or ends.
    pub(crate) fn until_change(&self, now: Timestamp) -> Option<Duration> {
        let windows = self.0.as_deref().ok()?;
        let next = windows.iter().filter_map(|window| window.next_change(now)).min()?;
        Some(Duration::try_from(next.duration_since(now)).unwrap_or_default() + MARGIN)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Open,
    Closed {
        /// What began before may go on.
        overrun: bool,
    },
}

/// What the windows say at a time. A denial comes before what allows; where something allows, all other times are
/// closed. `today` is when the offsets of time zones are taken.
fn verdict(windows: &[Window], is_manual: bool, at: Timestamp, today: Timestamp) -> Verdict {
    let closed = |by: Vec<&Window>| {
        if is_manual && by.iter().all(|window| window.manual) {
            return Verdict::Open;
        }
        Verdict::Closed { overrun: by.iter().all(|window| window.overrun) }
    };
    let (active, inactive): (Vec<&Window>, Vec<&Window>) =
        windows.iter().partition(|window| window.is_active(at, today));
    let denials: Vec<&Window> = active.iter().copied().filter(|window| window.denies).collect();
    if !denials.is_empty() {
        return closed(denials);
    }
    if active.iter().any(|window| window.allows) {
        return Verdict::Open;
    }
    let missed: Vec<&Window> = inactive.into_iter().filter(|window| window.allows).collect();
    if missed.is_empty() { Verdict::Open } else { closed(missed) }
}

impl Window {
    fn read(window: &SyncWindow) -> Result<Window, WindowError> {
        let schedule = Schedule::parse(&window.schedule)
            .map_err(|reason| WindowError::Schedule { schedule: window.schedule.clone(), reason })?;
        let length = parse_duration(&window.duration).map_err(|error| WindowError::Duration {
            duration: window.duration.clone(),
            reason: error.to_string(),
        })?;
        let zone = time_zone(&window.time_zone).unwrap_or_else(|| {
            tracing::debug!(zone = window.time_zone, "unknown time zone of a sync window; it is read as UTC");
            jiff::tz::TimeZone::UTC
        });
        Ok(Window {
            allows: window.kind == SyncWindowKind::Allow,
            denies: window.kind == SyncWindowKind::Deny,
            manual: window.manual_sync,
            overrun: window.sync_overrun,
            schedule,
            length: SignedDuration::from_nanos(length),
            zone,
        })
    }

    /// How far the schedule's clock is ahead. The whole schedule is read with the offset that counts today.
    fn offset(&self, today: Timestamp) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.zone.to_offset(today).seconds()))
    }

    /// Whether the window has begun and not ended. A schedule without any time is always on, as in the original.
    fn is_active(&self, at: Timestamp, today: Timestamp) -> bool {
        let clock = add(at, self.offset(today));
        self.schedule.next(add(clock, -self.length)).is_none_or(|start| start < clock)
    }

    fn next_change(&self, now: Timestamp) -> Option<Timestamp> {
        let offset = self.offset(now);
        let clock = add(now, offset);
        let begins = self.schedule.next(clock).map(|start| add(start, -offset));
        let ends = self.schedule.next(add(clock, -self.length)).filter(|start| *start < clock);
        let ends = ends.map(|start| add(add(start, self.length), -offset));
        let clocks_change = self.zone.following(now).next().map(|change| change.timestamp());
        [begins, ends, clocks_change].into_iter().flatten().filter(|time| *time >= now).min()
    }
}

/// Beyond the calendar's ends there is nothing more to tell apart.
fn add(time: Timestamp, duration: SignedDuration) -> Timestamp {
    time.saturating_add(duration).unwrap_or(time)
}

/// Whether a window is about an app: by any of its three lists, or by all of those it has.
fn concerns(window: &SyncWindow, app: &Application) -> bool {
    let destination = &app.spec.destination;
    let names = |patterns: &[String], texts: &[&str]| {
        patterns.iter().any(|pattern| texts.iter().any(|text| matches_glob(pattern, text)))
    };
    let clusters: Vec<&str> = [destination.name.as_str(), &destination.server]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    let app_name = names(&window.applications, &[&app.metadata.name]);
    let cluster = names(&window.clusters, &clusters);
    let namespace = names(&window.namespaces, &[&destination.namespace]);
    if !window.and_operator {
        return app_name || cluster || namespace;
    }
    let lists =
        [(&window.applications, app_name), (&window.clusters, cluster), (&window.namespaces, namespace)];
    let mut set = lists.iter().filter(|(list, _)| !list.is_empty()).peekable();
    set.peek().is_some() && set.all(|(_, matches)| *matches)
}

fn matches_glob(pattern: &str, text: &str) -> bool {
    pattern == "*" || Glob::compile(pattern).is_ok_and(|glob| glob.is_match(text))
}

#[cfg(test)]
mod tests;
