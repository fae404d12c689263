//! Watch: changes as a stream of lines, from a version on or from the present state.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::cluster::{Cluster, State};
use crate::object::{namespace, set};
use crate::read::{Form, in_version, partial};
use crate::request::{Query, Target};
use crate::selectors::Selector;
use crate::status::ApiError;
use crate::store::{Change, ChangeKind};

const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
const LONGEST: u64 = 3600;

/// One client's watch.
pub(crate) struct Watcher {
    cluster: Arc<Cluster>,
    target: Target,
    selector: Selector,
    query: Query,
    form: Form,
    changes: watch::Receiver<u64>,
    /// Everything up to this version was sent.
    seen: u64,
    pending: VecDeque<Bytes>,
    bookmarks: bool,
    ends: Instant,
    next_bookmark: Instant,
    done: bool,
}

impl Watcher {
    pub(crate) fn open(
        cluster: &Arc<Cluster>,
        target: Target,
        form: Form,
        query: &Query,
    ) -> Result<Self, ApiError> {
        let selector = crate::read::selector(&target, query)?;
        let seconds =
            query.number("timeoutSeconds").filter(|seconds| *seconds > 0).unwrap_or(LONGEST).min(LONGEST);
        let now = Instant::now();
        let bookmarks = query.is_true("allowWatchBookmarks");
        let initial = initial_events(query)?;
        cluster.with(|state| {
            let mut watcher = Self {
                cluster: cluster.clone(),
                changes: state.store.subscribe(&target.definition.storage()),
                target,
                selector,
                query: query.clone(),
                form,
                seen: state.store.version(),
                pending: VecDeque::new(),
                bookmarks,
                ends: now + Duration::from_secs(seconds),
                next_bookmark: now + BOOKMARK_EVERY,
                done: false,
            };
            watcher.start(state, initial)?;
            Ok(watcher)
        })
    }

    fn start(&mut self, state: &State, initial: Initial) -> Result<(), ApiError> {
        match initial {
            Initial::From(version) => {
                if version > state.store.version() {
                    let message =
                        format!("Too large resource version: {version}, current: {}", state.store.version());
                    return Err(ApiError::new(504, "Timeout", message).with_retry_after(1));
                }
                self.seen = version;
                self.collect(state);
            }
            Initial::Nothing => {}
            Initial::State { end } => {
                let key = self.target.definition.storage();
                let objects: Vec<Arc<Value>> =
                    state.store.list(&key, &self.target.namespace).cloned().collect();
                let selector = self.selector.clone();
                for object in objects.iter().filter(|object| selector.matches(object)) {
                    self.push("ADDED", object);
                }
                if end && self.bookmarks {
                    self.push_bookmark(true);
                }
            }
        }
        Ok(())
    }

    /// Take what happened since.
    fn collect(&mut self, state: &State) {
        let key = self.target.definition.storage();
        match state.store.changes_after(&key, self.seen) {
            Ok(changes) => changes.iter().for_each(|change| self.take(change)),
            Err(error) => {
                self.line(&json!({ "type": "ERROR", "object": error.to_status() }));
                self.done = true;
            }
        }
        self.seen = state.store.version();
        let served = state.resources.get(&self.target.definition.group, &self.target.definition.resource);
        if served.is_none() {
            self.done = true;
        }
    }

    fn take(&mut self, change: &Change) {
        if !self.target.namespace.is_empty() && namespace(&change.object) != self.target.namespace {
            return;
        }
        let matched = change.previous.as_deref().is_some_and(|previous| self.selector.matches(previous));
        let matches = change.kind != ChangeKind::Deleted && self.selector.matches(&change.object);
        let event = match (matched, matches) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return,
        };
        if event == "DELETED" && change.kind != ChangeKind::Deleted {
            // The object left the selection: its last state in it, under the version of the change.
            if let Some(previous) = &change.previous {
                let mut last = (**previous).clone();
                set(&mut last, &["metadata", "resourceVersion"], change.version.to_string().into());
                return self.push(event, &last);
            }
        }
        self.push(event, &change.object);
    }

    fn push(&mut self, event: &str, object: &Value) {
        let shown = match self.form {
            Form::Whole => in_version(&self.target, object),
            Form::Metadata => partial(object),
            Form::Table => {
                let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
                crate::table::of(&self.target, &[in_version(&self.target, object)], metadata, &self.query)
            }
        };
        self.line(&json!({ "type": event, "object": shown }));
    }

    fn push_bookmark(&mut self, ends_initial: bool) {
        let mut metadata = json!({ "resourceVersion": self.seen.to_string(), "creationTimestamp": null });
        if ends_initial {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let (api_version, kind) = match self.form {
            Form::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadata"),
            Form::Table | Form::Whole => (self.target.api_version(), self.target.definition.kind.as_str()),
        };
        let object = json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata });
        let object = match self.form {
            Form::Table => {
                json!({ "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": { "resourceVersion": self.seen.to_string() },
                "columnDefinitions": [], "rows": [{ "cells": [], "object": object }] })
            }
            _ => object,
        };
        self.line(&json!({ "type": "BOOKMARK", "object": object }));
    }

    fn line(&mut self, event: &Value) {
        self.pending.push_back(Bytes::from(format!("{event}\n")));
    }

    /// The next line, or the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.pending.pop_front() {
                return Some(line);
            }
            if self.done || Instant::now() >= self.ends {
                return None;
            }
            tokio::select! {
                biased;
                changed = self.changes.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                    let cluster = self.cluster.clone();
                    cluster.with(|state| self.collect(state));
                }
                () = tokio::time::sleep_until(self.next_bookmark.min(self.ends)) => {
                    if self.bookmarks {
                        let cluster = self.cluster.clone();
                        cluster.with(|state| self.collect(state));
                        self.push_bookmark(false);
                    }
                    self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                }
            }
        }
    }

    pub(crate) fn into_stream(self) -> impl Stream<Item = Bytes> + Send + 'static {
        futures::stream::unfold(self, |mut watcher| async move {
            let line = watcher.next().await?;
            Some((line, watcher))
        })
    }
}

/// What a watch starts with.
enum Initial {
    From(u64),
    Nothing,
    State { end: bool },
}

fn initial_events(query: &Query) -> Result<Initial, ApiError> {
    let given = query.get("resourceVersion");
    let version: u64 =
        if given.is_empty() { 0 } else { given.parse().map_err(|_| crate::read::invalid_version(given))? };
    match query.get("sendInitialEvents") {
        "" => Ok(if version == 0 { Initial::State { end: false } } else { Initial::From(version) }),
        _ if query.get("resourceVersionMatch") != "NotOlderThan" => {
            let message = "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            Err(ApiError::new(422, "Invalid", message))
        }
        "true" => Ok(Initial::State { end: true }),
        _ if version == 0 => Ok(Initial::Nothing),
        _ => Ok(Initial::From(version)),
    }
}
