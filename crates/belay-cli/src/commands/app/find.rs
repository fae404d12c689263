//! The one Application that a command is about.

use std::path::PathBuf;

use anyhow::Context;
use belay_argo_api::Application;
use belay_ledger::Ledger;
use belay_manifest::{Object, ObjectKey};
use belay_metrics::Metrics;
use kube::Client;
use kube::api::{Api, DynamicObject};

use crate::commands::get;
use crate::engine::{Engine, EngineSettings};

/// Which app, in which cluster.
#[derive(clap::Args)]
pub(super) struct Which {
    /// The app, as NAME or app/NAME.
    name: String,
    /// Its namespace.
    #[arg(short, long)]
    namespace: Option<String>,
    /// The kubeconfig; without it `KUBECONFIG`, then the pod's service account.
    #[arg(long)]
    kubeconfig: Option<PathBuf>,
}

/// An Application, and where it is.
pub(super) struct Found {
    pub(super) key: ObjectKey,
    pub(super) api: Api<DynamicObject>,
    client: Client,
}

impl Which {
    /// Looks for the app.
    pub(super) async fn find(&self) -> anyhow::Result<Found> {
        let client = belay_cluster::connect(self.kubeconfig.as_deref()).await?;
        let (kind, object) = get::application(client.clone(), &self.name, self.namespace.as_deref()).await?;
        let api = kind.objects(&client, object.namespace());
        Ok(Found { key: object.key(), api, client })
    }
}

impl Found {
    /// The app as it is now.
    pub(super) async fn read(&self) -> anyhow::Result<Application> {
        let found = self.api.get(&self.key.name).await;
        application(&found.with_context(|| format!("error getting application {:?}", self.key.name))?)
    }

    /// The parts of Belay that look at apps, with a folder of their own for what they fetch.
    pub(super) fn looking(&self, argo_namespace: &str) -> anyhow::Result<(Engine, tempfile::TempDir)> {
        looking(self.client.clone(), argo_namespace)
    }
}

/// The parts of Belay that look at apps, with a folder of their own for what they fetch.
pub(in crate::commands) fn looking(
    client: Client,
    argo_namespace: &str,
) -> anyhow::Result<(Engine, tempfile::TempDir)> {
    let folder = tempfile::tempdir().context("there is no folder for what is fetched")?;
    let settings = EngineSettings {
        data_folder: folder.path().to_owned(),
        argo_namespace: argo_namespace.to_owned(),
        families: Vec::new(),
        ledger: Ledger::in_memory(),
        metrics: Metrics::new(),
        replica: None,
        allowed_commands: Vec::new(),
    };
    Ok((Engine::new(client, settings), folder))
}

/// An app as the API server has it.
pub(super) fn application(object: &DynamicObject) -> anyhow::Result<Application> {
    let object = Object::new(serde_json::to_value(object)?)?;
    serde_json::from_value(object.into_value()).context("the Application cannot be read")
}
