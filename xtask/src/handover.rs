//! `cargo xtask handover flux`: apps that the original has installed are taken over by Belay and handed back.
//! Nothing may be deleted, restarted or written on the way; then each shows that it is at work by a commit.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use belay_testkit::{Change, GitServer, GitServerOptions, Repository};
use kube::api::ListParams;
use serde_json::json;

use crate::apiserver::{self, RealServer};
use crate::fleet::{self, Cluster, Family, NAMESPACE};
use crate::process::Process;
use crate::rivals::argocd::{self, ArgoCd};
use crate::rivals::flux::{Flux, Settings};

/// How long all apps may take to follow a commit.
const PATIENCE: Duration = Duration::from_secs(300);
/// For how long nothing may change before a look counts.
const REST: Duration = Duration::from_secs(8);

/// Whose apps, and how many.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// `flux` or `argocd`.
    family: String,
    /// Belay's binary.
    #[arg(long, default_value = "target/debug/belay")]
    belay: PathBuf,
    /// How many apps.
    #[arg(long, default_value_t = 20)]
    apps: usize,
    /// Where the server, its data and logs are.
    #[arg(long, default_value = "build/handover")]
    dir: PathBuf,
}

/// Hands over and back, and prints a verdict for each.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    let family = match arguments.family.as_str() {
        "flux" => Family::Flux,
        "argocd" => Family::ArgoCd,
        other => anyhow::bail!("{other:?} is no family: `flux` or `argocd`"),
    };
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(hand(root, arguments, family))
}

async fn hand(root: &Path, arguments: &Arguments, family: Family) -> Result<()> {
    let world = World::start(root, arguments, family).await?;
    let original = world.start_original(root)?;
    let revision = world.commit(&fleet::files(arguments.apps), "Add the apps")?;
    world.install(&revision).await?;
    let installed = world.objects_at_rest().await?;
    crate::print(&format!(
        "{} objects of {} apps installed by the original",
        installed.len(),
        arguments.apps
    ));
    stop(original)?;

    let belay = vec![crate::compare::start_belay(&arguments.belay, &world.server.kubeconfig, &world.dir)?];
    let taken = world.look("taken over by Belay", &installed).await?;
    let changed = world.change(1).await?;
    world.only(&taken, &changed, 1)?;
    stop(belay)?;

    let original = world.start_original(root)?;
    let back = world.look("handed back to the original", &changed).await?;
    let changed = world.change(2).await?;
    world.only(&back, &changed, 2)?;
    stop(original)
}

fn stop(processes: Vec<Process>) -> Result<()> {
    processes.into_iter().try_for_each(Process::stop)
}

/// The cluster and the repository.
struct World<'a> {
    arguments: &'a Arguments,
    family: Family,
    dir: PathBuf,
    server: RealServer,
    cluster: Cluster,
    repository: Repository,
    git: GitServer,
}

/// Uid, version and generation of each object.
type Objects = BTreeMap<String, (String, String, i64)>;

impl<'a> World<'a> {
    async fn start(root: &Path, arguments: &'a Arguments, family: Family) -> Result<World<'a>> {
        let dir = std::path::absolute(arguments.dir.join(family.word()))?;
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let server = apiserver::start(root, &dir.join("apiserver"), true)?;
        let cluster = Cluster::new(belay_cluster::connect(Some(&server.kubeconfig)).await?);
        let definitions = Command::new(&arguments.belay)
            .arg("crds")
            .output()
            .with_context(|| arguments.belay.display().to_string())?;
        cluster.apply_file(&definitions.stdout).await?;
        server.wait_for_definitions()?;
        if family == Family::ArgoCd {
            cluster.apply_file(argocd::SETTINGS.as_bytes()).await?;
        }
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        cluster.apply(&namespace, "scenario").await?;
        let folder = dir.join("git");
        let git = GitServer::start(GitServerOptions::new(&folder)).await?;
        let repository = Repository::create(folder.join("apps.git"))?;
        Ok(World { arguments, family, dir, server, cluster, repository, git })
    }

    fn start_original(&self, root: &Path) -> Result<Vec<Process>> {
        let (kubeconfig, memory) = (&self.server.kubeconfig, self.dir.join("memory"));
        match self.family {
            Family::Flux => Flux::build()?.start(kubeconfig, &self.dir, &memory, Settings::Shipped),
            Family::ArgoCd => ArgoCd::build(root, None)?.start(kubeconfig, &self.dir, &memory),
        }
    }

    fn commit(&self, changes: &[Change], message: &str) -> Result<String> {
        fleet::commit(&self.repository, changes, message)
    }

    async fn install(&self, revision: &str) -> Result<()> {
        let url = self.git.url_of("apps");
        if self.family == Family::Flux {
            self.cluster.create_source(&url, revision).await?;
        }
        self.cluster.create_apps(self.family, self.arguments.apps, &url).await?;
        self.follow(revision).await
    }

    /// Waits until all apps are at the revision.
    async fn follow(&self, revision: &str) -> Result<()> {
        let apps = self.arguments.apps;
        self.cluster.wait_for_apps(self.family, apps, revision, Instant::now(), PATIENCE).await?;
        Ok(())
    }

    async fn announce(&self) -> Result<()> {
        match self.family {
            Family::Flux => self.cluster.announce().await,
            Family::ArgoCd => self.cluster.refresh(self.arguments.apps).await,
        }
    }

    /// Whoever was just started follows a commit that changes no object, and has written none.
    async fn look(&self, what: &str, before: &Objects) -> Result<Objects> {
        let text = format!("{what}\n");
        let revision = self.commit(&[Change::write("README.md", text)], "Say hello")?;
        self.announce().await?;
        self.follow(&revision).await?;
        let after = self.objects_at_rest().await?;
        let deleted = before
            .iter()
            .filter(|(name, (uid, ..))| after.get(*name).is_none_or(|(now, ..)| now != uid))
            .count();
        let restarted = before
            .iter()
            .filter(|(name, (.., generation))| {
                name.starts_with("Deployment") && after.get(*name).is_some_and(|(.., now)| now != generation)
            })
            .count();
        let written: Vec<&String> =
            before.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
        let verdict = format!(
            "{} apps {what}: {deleted} objects deleted, {restarted} Deployments restarted, {} objects written",
            self.arguments.apps,
            written.len()
        );
        crate::print(&verdict);
        ensure!(written.is_empty() && after.len() == before.len(), "{verdict}: {written:?}");
        Ok(after)
    }

    /// Whoever is at work applies a change of one app.
    async fn change(&self, app: usize) -> Result<Objects> {
        let mut config = fleet::objects(app)[2].clone();
        config["data"]["app"] = json!("changed");
        let file = Change::write(&format!("apps/{app}/configmap.yaml"), config.to_string());
        let revision = self.commit(&[file], "Change an app")?;
        self.announce().await?;
        self.follow(&revision).await?;
        self.objects_at_rest().await
    }

    /// Only the ConfigMap of this app is another one now.
    fn only(&self, before: &Objects, after: &Objects, app: usize) -> Result<()> {
        let written: Vec<&String> =
            before.keys().filter(|name| after.get(*name) != before.get(*name)).collect();
        let expected = format!("ConfigMap/{}", fleet::name(app));
        ensure!(written == [&expected], "a commit that changes {expected} has written {written:?}");
        crate::print(&format!("  and then a commit changes {expected}, and nothing else"));
        Ok(())
    }

    async fn objects_at_rest(&self) -> Result<Objects> {
        let mut objects = self.objects().await?;
        let mut since = Instant::now();
        while since.elapsed() < REST {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let now = self.objects().await?;
            if now != objects {
                objects = now;
                since = Instant::now();
            }
        }
        Ok(objects)
    }

    async fn objects(&self) -> Result<Objects> {
        let mut objects = Objects::new();
        let kinds = [
            ("v1", "ServiceAccount"),
            ("v1", "Service"),
            ("v1", "ConfigMap"),
            ("apps/v1", "Deployment"),
            ("apps/v1", "ReplicaSet"),
        ];
        for (version, kind) in kinds {
            for object in self.cluster.api(version, kind).await?.list(&ListParams::default()).await? {
                let metadata = object.metadata;
                let name = metadata.name.unwrap_or_default();
                if name.starts_with("app-") {
                    objects.insert(
                        format!("{kind}/{name}"),
                        (
                            metadata.uid.unwrap_or_default(),
                            metadata.resource_version.unwrap_or_default(),
                            metadata.generation.unwrap_or_default(),
                        ),
                    );
                }
            }
        }
        Ok(objects)
    }
}
