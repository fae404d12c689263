//! One event stream for each open page: which rows changed, at most five times a second each.

use std::collections::{BTreeSet, VecDeque};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use axum::routing::get;
use futures::Stream;
use futures::stream::unfold;
use serde::Serialize;
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until};

use crate::app::{AppRef, AppSummary};
use crate::engine::Engine;
use crate::serve::Shared;

/// Changes are gathered for this long, so that a row changes at most five times a second.
const GATHER: Duration = Duration::from_millis(200);
/// Most rows in one message; the rest follows in the next.
const MOST_ROWS: usize = 500;

pub(crate) fn routes() -> Router<Shared> {
    Router::new().route("/stream", get(stream))
}

/// What one message says.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Changes {
    /// Apps of which something changed, as they are now.
    #[serde(serialize_with = "crate::list::rows")]
    changed: Vec<Arc<AppSummary>>,
    /// Apps that are no more.
    removed: Vec<AppRef>,
}

async fn stream(State(shared): State<Shared>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let follower = Follower::new(shared.engine);
    let messages = unfold(follower, |mut follower| async move {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)))
}

struct Follower {
    engine: Arc<dyn Engine>,
    changes: broadcast::Receiver<AppRef>,
    gathered: BTreeSet<AppRef>,
    ready: VecDeque<Event>,
    due: Instant,
}

impl Follower {
    fn new(engine: Arc<dyn Engine>) -> Follower {
        let changes = engine.subscribe();
        // The first message tells the page that it is connected; what it missed it asks for itself.
        let ready = VecDeque::from([Event::default().event("hello").data("{}")]);
        Follower { engine, changes, gathered: BTreeSet::new(), ready, due: Instant::now() }
    }

    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.gathered.is_empty() {
                let change = self.changes.recv().await;
                self.take(change)?;
                continue;
            }
            tokio::select! {
                () = sleep_until(self.due) => {
                    self.due = Instant::now() + GATHER;
                    let message = self.message();
                    self.ready.push_back(message);
                }
                change = self.changes.recv() => self.take(change)?,
            }
        }
    }

    /// `None`: the engine has gone.
    fn take(&mut self, change: Result<AppRef, broadcast::error::RecvError>) -> Option<()> {
        match change {
            Ok(app) => {
                self.gathered.insert(app);
            }
            Err(broadcast::error::RecvError::Lagged(_)) => {
                self.gathered.clear();
                self.ready.push_back(Event::default().event("reset").data("{}"));
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
        Some(())
    }

    fn message(&mut self) -> Event {
        let rest = self.gathered.iter().nth(MOST_ROWS).cloned();
        let rest = rest.map(|first| self.gathered.split_off(&first)).unwrap_or_default();
        let apps = std::mem::replace(&mut self.gathered, rest);
        let mut changes = Changes::default();
        for app in apps {
            match self.engine.summary(&app) {
                Some(summary) => changes.changed.push(summary),
                None => changes.removed.push(app),
            }
        }
        let text = serde_json::to_string(&changes).unwrap_or_else(|_| "{}".to_owned());
        Event::default().event("apps").data(text)
    }
}
