//! The demo: an embedded cluster, a Git server, Belay, and a tour through them.

mod expect;
mod live_table;
mod paint;
mod sample;
mod table;
pub(crate) mod tour;

pub(crate) use paint::Paint;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::Context;
use belay_ledger::Ledger;
use belay_localkube::{LocalKube, Options, Running};
use belay_metrics::Metrics;
use belay_server::{AppRef, AppSummary, Engine as _, LiveEngine};
use belay_testkit::{Author, GitServer, GitServerOptions, Repository};
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::sync::{Mutex, broadcast};

use crate::commands::print;
use crate::engine::{Engine, EngineSettings, Family};
use crate::web::{Doors, Web};

/// How the demo is started.
pub(crate) struct DemoOptions {
    /// Where everything goes.
    pub(crate) folder: PathBuf,
    /// The web UI's port.
    pub(crate) port: u16,
    /// Colours or none.
    pub(crate) paint: Paint,
}

/// Everything that runs in the demo.
pub(crate) struct Demo {
    pub(crate) engine: Arc<Engine>,
    pub(crate) argo_repository: Repository,
    pub(crate) flux_repository: Repository,
    pub(crate) argo_url: String,
    pub(crate) flux_url: String,
    pub(crate) paint: Paint,
    kubeconfig: PathBuf,
    web_address: String,
    index: Arc<LiveEngine>,
    web: Mutex<Option<Web>>,
    cluster: Mutex<Option<Running>>,
    git: Mutex<Option<GitServer>>,
    /// Whether the repositories were there before.
    is_used: bool,
}

impl Demo {
    /// Starts the cluster, the Git server and what Belay needs in them. Controllers run in [`Demo::work`].
    pub(crate) async fn start(options: DemoOptions) -> anyhow::Result<Demo> {
        let folder = std::path::absolute(&options.folder)?;
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let cluster = LocalKube::start(Options {
            dir: folder.clone(),
            port: None,
            http_port: None,
            settings: belay_localkube::Settings::default(),
        })
        .await?;
        let client = belay_cluster::connect(Some(&cluster.kubeconfig)).await?;
        let settings = EngineSettings {
            data_folder: folder.join("data"),
            argo_namespace: "argocd".to_owned(),
            families: vec![Family::Argo, Family::Flux],
            ledger: Ledger::open(&folder.join("data"))?,
            metrics: Metrics::new(),
            replica: None,
            allowed_commands: Vec::new(),
        };
        let engine = Arc::new(Engine::new(client, settings));
        let (git, pushed) = start_git(&folder).await?;
        // From now on a push is looked at at once.
        let _ = pushed.set(engine.clone());
        let argo_repository = git.create_repository("config")?;
        let flux_repository = git.create_repository("flux-config")?;
        let is_used = argo_repository.head()?.is_some();
        let (argo_url, flux_url) = (git.url_of("config"), git.url_of("flux-config"));
        let web =
            Web::start(&engine, SocketAddr::from((Ipv4Addr::LOCALHOST, options.port)), Doors::default())
                .await?;
        let demo = Demo {
            engine,
            argo_repository,
            flux_repository,
            paint: options.paint,
            kubeconfig: cluster.kubeconfig.clone(),
            web_address: web.address.clone(),
            index: web.index.clone(),
            web: Mutex::new(Some(web)),
            cluster: Mutex::new(Some(cluster)),
            git: Mutex::new(Some(git)),
            argo_url,
            flux_url,
            is_used,
        };
        if !demo.is_used {
            demo.commit_sample()?;
        }
        demo.prepare_cluster().await?;
        demo.write_description(&folder).await?;
        Ok(demo)
    }

    /// Runs the controllers and the web server.
    pub(crate) async fn work(&self) -> anyhow::Result<()> {
        let web = self.web.lock().await.take().context("the demo works only once")?;
        tokio::try_join!(self.engine.run(), web.serve(std::future::pending()))?;
        Ok(())
    }

    /// Ends what was started.
    pub(crate) async fn shutdown(&self) {
        if let Some(git) = self.git.lock().await.take() {
            git.shutdown().await;
        }
        if let Some(cluster) = self.cluster.lock().await.take()
            && let Err(error) = cluster.shutdown().await
        {
            tracing::warn!(%error, "the embedded cluster did not end well");
        }
    }

    /// Applies an object by server-side apply, as a person would with kubectl.
    pub(crate) async fn apply(&self, object: &Value) -> anyhow::Result<()> {
        let object = belay_manifest::Object::new(object.clone())?;
        let api = self.api(&object.gvk(), object.namespace()).await?;
        let params = PatchParams::apply("demo").force();
        api.patch(object.name(), &params, &Patch::Apply(object.value()))
            .await
            .with_context(|| object.key().to_string())?;
        Ok(())
    }

    /// Applies every object of one of the sample's files.
    async fn apply_sample(&self, file: &str, url: &str) -> anyhow::Result<()> {
        for object in sample::resources(file, url)? {
            self.apply(&object).await?;
        }
        Ok(())
    }

    /// All apps, as the web UI lists them.
    fn apps(&self) -> Vec<Arc<AppSummary>> {
        self.index.apps()
    }

    /// Names each app that changes.
    fn changes(&self) -> broadcast::Receiver<AppRef> {
        self.index.subscribe()
    }

    /// The API of a kind in a namespace.
    pub(crate) async fn api(
        &self,
        kind: &belay_manifest::GroupVersionKind,
        namespace: &str,
    ) -> anyhow::Result<Api<DynamicObject>> {
        let resource = self.engine.live.kinds().find(kind).await?;
        Ok(resource.objects(&self.engine.client, namespace))
    }

    /// Shows the apps and the latest events until it is dropped.
    pub(crate) async fn show_live(&self) -> anyhow::Result<()> {
        live_table::show(self).await
    }

    /// The last lines: where to look, and what to try.
    pub(crate) fn say_where_to_go(&self) -> anyhow::Result<()> {
        let kubeconfig = self.kubeconfig.display();
        print(&format!(
            "\n  web         {}\n  kubeconfig  {kubeconfig}\n  repository  {}\n\n  export KUBECONFIG={kubeconfig}\n  kubectl get app,gitrepository,kustomization,helmrelease -A\n  belay get\n  kubectl -n my-app scale deployment web --replicas=5\n",
            self.web_address, self.argo_url
        ))
    }

    /// Commits the sample's files to both repositories.
    fn commit_sample(&self) -> anyhow::Result<()> {
        let repositories = [
            ("config", &self.argo_repository, &self.argo_url),
            ("flux-config", &self.flux_repository, &self.flux_url),
        ];
        for (name, repository, url) in repositories {
            repository.commit(&sample::repository(name, url), "Add the apps", &author())?;
        }
        Ok(())
    }

    async fn prepare_cluster(&self) -> anyhow::Result<()> {
        for definition in belay_argo_api::crds().into_iter().chain(belay_flux_api::crds()) {
            self.apply(&definition).await?;
        }
        for kind in [belay_argo::application_kind()].into_iter().chain(belay_flux::kinds()) {
            self.engine.live.kinds().find(&kind).await?;
        }
        for namespace in ["argocd", "flux-system"] {
            self.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
                .await?;
        }
        Ok(())
    }

    /// `demo.json`: for scripts.
    async fn write_description(&self, folder: &std::path::Path) -> anyhow::Result<()> {
        let api = self.cluster.lock().await.as_ref().map(|cluster| cluster.api_url.clone());
        let web = self.web_address.split_once("/#").map_or(self.web_address.as_str(), |(base, _)| base);
        let description =
            json!({"api": api, "kubeconfig": self.kubeconfig, "git": self.argo_url, "web": web});
        let unfinished = folder.join(".demo.json.unfinished");
        std::fs::write(&unfinished, serde_json::to_string_pretty(&description)?)?;
        std::fs::rename(unfinished, folder.join("demo.json"))?;
        Ok(())
    }
}

/// The Git server, and the place for the engine that its pushes go to.
async fn start_git(folder: &std::path::Path) -> anyhow::Result<(GitServer, Arc<OnceLock<Arc<Engine>>>)> {
    let pushed: Arc<OnceLock<Arc<Engine>>> = Arc::default();
    let base: Arc<OnceLock<String>> = Arc::default();
    let mut options = GitServerOptions::new(folder.join("git"));
    options.on_push = {
        let (pushed, base) = (pushed.clone(), base.clone());
        Arc::new(move |name| {
            if let (Some(engine), Some(base)) = (pushed.get(), base.get()) {
                engine.repository_changed(&format!("{base}/{}.git", name.trim_end_matches(".git")));
            }
        })
    };
    let git = GitServer::start(options).await?;
    let _ = base.set(git.url());
    Ok((git, pushed))
}

/// Who commits in the demo.
fn author() -> Author {
    Author::new("Demo", "demo@example.com")
}
