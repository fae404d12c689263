//! The parts of a running Belay, joined: one cluster, sources, controllers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use belay_argo::Controller as ArgoController;
use belay_argo::settings::{LiveSettings, Tracking};
use belay_cluster::{
    Belonging, EventRecorder, Gate, Kinds, LiveState, Looks, Replica, Share, measured, paced,
};
use belay_flux::Controller as FluxController;
use belay_ledger::Ledger;
use belay_manifest::{GroupVersionKind, Object};
use belay_metrics::Metrics;
use belay_render::RenderCache;
use belay_source::{ArtifactStore, GitLimits, GitStore, Repositories};
use kube::Client;
use kube::api::{Api, DynamicObject, PostParams};
use serde_json::json;

use crate::commits::CommitLog;
use crate::render_folder::RenderFolder;

/// How soon a cluster without our definitions is asked again.
const DEFINITIONS: Duration = Duration::from_secs(2);

/// What a running Belay is made from.
pub(crate) struct EngineSettings {
    /// Where mirrors and artifacts go.
    pub(crate) data_folder: PathBuf,
    /// Argo CD's control plane.
    pub(crate) argo_namespace: String,
    /// Which families run.
    pub(crate) families: Vec<Family>,
    /// Where it is noted what happened, and why.
    pub(crate) ledger: Ledger,
    /// Where it is counted.
    pub(crate) metrics: Metrics,
    /// Which of several replicas this is.
    pub(crate) replica: Option<Replica>,
    /// The commands that Secrets of clusters may have run.
    pub(crate) allowed_commands: Vec<String>,
}

impl EngineSettings {
    /// What this process's writes have to pass.
    fn gate(&self) -> Gate {
        self.replica.as_ref().map_or_else(Gate::always, |replica| replica.gate().clone())
    }

    /// What of the work is this process's.
    fn share(&self) -> Share {
        self.replica.as_ref().map_or_else(Share::whole, |replica| replica.share().clone())
    }
}

/// What Flux's controllers are told besides.
#[derive(Debug, Clone, Default)]
pub(crate) struct FluxSettings {
    /// Flux's control plane, unless the usual one.
    pub(crate) namespace: Option<String>,
    /// The host that artifacts' URLs name, unless the usual one.
    pub(crate) artifact_address: Option<String>,
    /// The account of Kustomizations that name none.
    pub(crate) default_service_account: String,
    /// Whether Kustomizations may use sources of their own namespace alone.
    pub(crate) no_cross_namespace_references: bool,
}

/// A family of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Family {
    /// Argo CD's.
    Argo,
    /// Flux's.
    Flux,
}

/// A running Belay's parts.
pub(crate) struct Engine {
    pub(crate) client: Client,
    pub(crate) live: LiveState,
    pub(crate) argo: ArgoController,
    pub(crate) flux: FluxController,
    pub(crate) commits: CommitLog,
    pub(crate) settings: EngineSettings,
    /// What is worked on.
    pub(crate) looks: Looks,
}

impl Engine {
    /// Builds the parts; nothing runs yet.
    pub(crate) fn new(client: Client, settings: EngineSettings) -> Engine {
        Engine::with_flux(client, settings, FluxSettings::default())
    }

    /// Builds the parts, with settings for Flux.
    pub(crate) fn with_flux(client: Client, settings: EngineSettings, flux: FluxSettings) -> Engine {
        let client = measured(&paced(&client), &settings.metrics, "kubernetes.default.svc");
        let looks = Looks::default();
        let kinds = Kinds::new(client.clone());
        let live_settings = LiveSettings::default();
        let tracking = live_settings.clone();
        let live =
            LiveState::new(client.clone(), kinds, move |object| belonging(object, &tracking.now().tracking));
        let store = GitStore::new(settings.data_folder.join("git"), GitLimits::default());
        let commits = CommitLog::new(Arc::new(store.with_metrics(settings.metrics.clone())));
        let repositories: Arc<dyn Repositories> = Arc::new(commits.clone());
        let renders = Arc::new(RenderCache::kept_in(Arc::new(RenderFolder::open(
            &settings.data_folder.join("renders"),
        ))));
        let (gate, share) = (settings.gate(), settings.share());
        // What people ask for through the web is written by whichever replica they reach.
        let written = live.with_writes_through(&gate);
        let argo = ArgoController::new(
            written.clone(),
            repositories.clone(),
            EventRecorder::new(written.client().clone(), "argocd-application-controller"),
            belay_argo::Settings {
                namespace: settings.argo_namespace.clone(),
                live: live_settings,
                ledger: settings.ledger.clone(),
                metrics: settings.metrics.clone(),
                looks: looks.clone(),
                share,
                renders: renders.clone(),
                allowed_commands: settings.allowed_commands.clone(),
                ..belay_argo::Settings::default()
            },
        );
        let flux = FluxController::new(
            written.clone(),
            repositories,
            EventRecorder::new(written.client().clone(), belay_flux::FIELD_MANAGER),
            belay_flux::Settings { looks: looks.clone(), ..flux_settings(&settings, flux, renders) },
        );
        Engine { client, live, argo, flux, commits, settings, looks }
    }

    /// Runs the controllers until the future is dropped. Absent definitions are waited for.
    pub(crate) async fn run(&self) -> anyhow::Result<()> {
        tokio::try_join!(self.run_argo(), self.run_flux())?;
        Ok(())
    }

    /// Looks at once at everything that comes from a repository.
    pub(crate) fn repository_changed(&self, url: &str) {
        self.argo.repository_changed(url);
        self.flux.repository_changed(url);
    }

    async fn run_argo(&self) -> anyhow::Result<()> {
        if !self.settings.families.contains(&Family::Argo) {
            return Ok(());
        }
        self.wait_for(&belay_argo::application_kind()).await;
        self.wait_for(&GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject")).await;
        self.settings.share().is_part().await;
        self.create_default_project().await;
        Ok(self.argo.run().await?)
    }

    async fn run_flux(&self) -> anyhow::Result<()> {
        if !self.settings.families.contains(&Family::Flux) {
            return Ok(());
        }
        for kind in belay_flux::kinds() {
            self.wait_for(&kind).await;
        }
        Ok(self.flux.run().await?)
    }

    async fn wait_for(&self, kind: &GroupVersionKind) {
        let mut told = false;
        while let Err(error) = self.live.kinds().find(kind).await {
            if !told {
                tracing::info!(%kind, %error, "waiting for its definition");
                told = true;
            }
            tokio::time::sleep(DEFINITIONS).await;
        }
    }

    /// Argo CD's `default` project allows everything; without it no Application is valid.
    async fn create_default_project(&self) {
        let namespace = &self.settings.argo_namespace;
        let kind = GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject");
        let Ok(resource) = self.live.kinds().find(&kind).await else { return };
        let project = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": namespace},
            "spec": {
                "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            },
        });
        self.create_namespace(namespace).await;
        let api: Api<DynamicObject> = Api::namespaced_with(self.writer(), namespace, &resource.api);
        let Ok(project) = serde_json::from_value(project) else { return };
        match api.create(&PostParams::default(), &project).await {
            Ok(_) => tracing::info!("created AppProject default"),
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => tracing::warn!(%error, "AppProject default cannot be created"),
        }
    }

    fn writer(&self) -> Client {
        self.settings.gate().guard(&self.client)
    }

    async fn create_namespace(&self, name: &str) {
        let Ok(resource) = self.live.kinds().find(&GroupVersionKind::new("v1", "Namespace")).await else {
            return;
        };
        let api: Api<DynamicObject> = Api::all_with(self.writer(), &resource.api);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        let Ok(namespace) = serde_json::from_value(namespace) else { return };
        match api.create(&PostParams::default(), &namespace).await {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 409 => {}
            Err(error) => tracing::warn!(name, %error, "namespace cannot be created"),
        }
    }
}

/// Where Flux's artifacts are kept.
pub(crate) fn artifact_store(settings: &EngineSettings) -> ArtifactStore {
    ArtifactStore::new(settings.data_folder.join("artifacts"))
}

fn flux_settings(
    settings: &EngineSettings,
    flux: FluxSettings,
    renders: Arc<RenderCache>,
) -> belay_flux::Settings {
    let usual = belay_flux::Settings::default();
    belay_flux::Settings {
        namespace: flux.namespace.unwrap_or(usual.namespace),
        artifact_address: flux.artifact_address.unwrap_or(usual.artifact_address),
        artifacts: artifact_store(settings),
        default_service_account: flux.default_service_account,
        no_cross_namespace_references: flux.no_cross_namespace_references,
        ledger: settings.ledger.clone(),
        metrics: settings.metrics.clone(),
        share: settings.share(),
        renders,
        ..usual
    }
}

/// Whose an object is, by the marks that each family leaves.
fn belonging(object: &Object, tracking: &Tracking) -> Belonging {
    belay_argo::belonging(object, tracking).or(belay_flux::belonging(object))
}
