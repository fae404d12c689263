//! The web UI and its API beside the controllers.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use belay_cluster::{Looks, RunningLook};
use belay_ledger::{AuditedChange, Entry, Ledger, Standing};
use belay_manifest::{Object, ObjectKey, Secret};
use belay_metrics::{ClusterState, Metrics};
use belay_server::{
    AppKind, AppRef, DesiredState, LiveEngine, LiveSettings, Reader, Revision, Settings, router, serve,
};
use belay_source::{Repositories, normalised_url};
use jiff::Timestamp;
use tokio::net::TcpListener;

use crate::commits::CommitLog;
use crate::engine::{Engine, Family};

/// A server that listens and does not answer yet.
pub(crate) struct Web {
    /// The address for people; it carries the token that changes need.
    pub(crate) address: String,
    /// What it shows.
    pub(crate) index: Arc<LiveEngine>,
    listener: TcpListener,
    router: axum::Router,
}

impl Web {
    /// Listens, with a fresh token.
    pub(crate) async fn start(engine: &Engine, listen: SocketAddr, doors: Doors) -> anyhow::Result<Web> {
        let listener =
            TcpListener::bind(listen).await.with_context(|| format!("{listen} cannot be listened on"))?;
        let token = format!("{:032x}", rand::random::<u128>());
        let families = &engine.settings.families;
        let index = Arc::new(LiveEngine::start(
            engine.live.clone(),
            Arc::new(Rendered {
                argo: engine.argo.clone(),
                flux: engine.flux.clone(),
                commits: engine.commits.clone(),
                ledger: engine.settings.ledger.clone(),
                metrics: engine.settings.metrics.clone(),
                looks: doors.shows_looks.then(|| engine.looks.clone()),
                audit_token: doors.audit_token,
                is_shared: engine.settings.replica.is_some(),
            }),
            LiveSettings {
                argocd_namespace: engine.settings.argo_namespace.clone(),
                argo: families.contains(&Family::Argo),
                flux: families.contains(&Family::Flux),
            },
        ));
        let address = format!("http://{}/#token={token}", listener.local_addr()?);
        let settings = Settings {
            token: Secret::new(token),
            hosts: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Web { address, listener, router: router(index.clone(), settings), index })
    }

    /// Answers until `stop` is over.
    pub(crate) async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> anyhow::Result<()> {
        serve(self.listener, self.router, stop).await.context("the web server ended")
    }
}

/// What Git says and what was decided, from the controllers' memory.
struct Rendered {
    argo: belay_argo::Controller,
    flux: belay_flux::Controller,
    commits: CommitLog,
    ledger: Ledger,
    metrics: Metrics,
    looks: Option<Looks>,
    audit_token: Option<Secret<String>>,
    /// Whether other replicas share the work.
    is_shared: bool,
}

/// What is to be reached besides the UI.
#[derive(Default)]
pub(crate) struct Doors {
    /// Whether `/debug` shows what is worked on.
    pub(crate) shows_looks: bool,
    /// What the API server's audit webhook shows, if there is one.
    pub(crate) audit_token: Option<Secret<String>>,
}

impl DesiredState for Rendered {
    fn desired(&self, app: &AppRef, object: &ObjectKey) -> Option<Object> {
        match app.kind {
            AppKind::Application => self.argo.desired(&app.key(), object),
            AppKind::Kustomization | AppKind::HelmRelease => self.flux.desired(&app.key(), object),
        }
    }

    fn commit(&self, repository: &str, commit: &str) -> Option<Revision> {
        self.commits.commit(repository, commit)
    }

    fn hidden_annotations(&self) -> Vec<String> {
        self.argo.masked_annotations()
    }

    fn standing(&self, app: &AppRef) -> Standing {
        self.ledger.standing(&app.to_string())
    }

    fn drifts_since(&self, app: &AppRef) -> Option<Timestamp> {
        let drift = match app.kind {
            AppKind::Application => self.argo.drift(&app.key()),
            AppKind::Kustomization | AppKind::HelmRelease => self.flux.drift(&app.key()),
        };
        drift.iter().filter_map(|field| field.time.parse().ok()).min()
    }

    fn server(&self, app: &AppRef) -> Option<String> {
        self.argo.server(&app.key())
    }

    fn repository(&self, url: &str) -> String {
        normalised_url(url)
    }

    fn clusters(&self) -> Vec<ClusterState> {
        self.argo.clusters()
    }

    fn audit_token(&self) -> Option<Secret<String>> {
        self.audit_token.clone()
    }

    fn audited(&self, changes: Vec<AuditedChange>) {
        self.ledger.changed(changes);
    }

    fn author(&self, object: &ObjectKey, manager: &str, time: &str) -> Option<String> {
        self.ledger.author(object, manager, time)
    }

    fn look_again(&self, readers: &[Reader]) -> bool {
        if self.is_shared {
            return false;
        }
        // Once for all of them: what the first look brings is what the others need.
        let urls: BTreeSet<&str> = readers.iter().map(|reader| reader.repository.as_str()).collect();
        urls.iter().for_each(|url| self.commits.forget(url));
        let objects = readers.iter().map(|reader| reader.object.clone());
        let (apps, sources): (Vec<_>, Vec<_>) = objects.partition(|object| object.kind == "Application");
        self.argo.look_again(apps);
        self.flux.look_again(sources);
        true
    }

    fn metrics(&self) -> Metrics {
        self.metrics.clone()
    }

    fn looks(&self) -> Option<Vec<RunningLook>> {
        Some(self.looks.as_ref()?.running())
    }

    fn past(&self, app: &AppRef) -> Vec<Entry> {
        self.ledger.of(&app.to_string())
    }
}
