//! One leg: a fresh API server, one engine or none, and what it costs to reach a state.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use belay_testkit::{Change, GitServer, GitServerOptions, Repository};
use serde_json::{Value, json};

use super::requests::Requests;
use super::storm::{self, Hook};
use super::{Arguments, W3_IN_STORM, Workload};
use crate::apiserver::{self, RealServer};
use crate::fleet::{self, Cluster, Family, NAMESPACE, Waited};
use crate::process::{self, Process};
use crate::rivals::flux::{Flux, Settings};

/// Who does the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    /// Nobody: the requests that any engine must send, sent side by side.
    Floor,
    Belay,
    Flux(Settings),
}

impl Engine {
    pub(super) fn word(self) -> &'static str {
        match self {
            Engine::Floor => "floor",
            Engine::Belay => "belay",
            Engine::Flux(Settings::Shipped) => "flux",
            Engine::Flux(Settings::Tuned) => "flux, tuned",
        }
    }
}

/// What a stretch of work took.
#[derive(Debug, Clone, Default)]
pub(super) struct Cost {
    pub(super) wall: f64,
    pub(super) half: f64,
    pub(super) engine_cpu: f64,
    pub(super) server_cpu: f64,
    pub(super) etcd_cpu: f64,
    pub(super) peak_megabytes: u64,
    /// What the engine has at the end.
    pub(super) megabytes: u64,
    pub(super) requests: Requests,
    pub(super) digest: u64,
    /// In seconds, where single changes are measured.
    pub(super) latencies: Vec<f64>,
    /// What else was found, by its name.
    pub(super) findings: BTreeMap<String, f64>,
}

impl Cost {
    pub(super) fn to_json(&self) -> Value {
        json!({"wall": self.wall, "half": self.half, "engineCpu": self.engine_cpu, "serverCpu": self.server_cpu,
            "etcdCpu": self.etcd_cpu, "peakMegabytes": self.peak_megabytes, "megabytes": self.megabytes,
            "requests": self.requests.0, "digest": format!("{:016x}", self.digest), "latencies": self.latencies,
            "findings": self.findings})
    }

    pub(super) fn from_json(value: &Value) -> Cost {
        let number = |name: &str| value[name].as_f64().unwrap_or_default();
        let requests = value["requests"].as_object().into_iter().flatten();
        let findings = value["findings"].as_object().into_iter().flatten();
        let latencies = value["latencies"].as_array().into_iter().flatten();
        Cost {
            wall: number("wall"),
            half: number("half"),
            engine_cpu: number("engineCpu"),
            server_cpu: number("serverCpu"),
            etcd_cpu: number("etcdCpu"),
            peak_megabytes: value["peakMegabytes"].as_u64().unwrap_or_default(),
            megabytes: value["megabytes"].as_u64().unwrap_or_default(),
            requests: Requests(
                requests.map(|(verb, count)| (verb.clone(), count.as_u64().unwrap_or_default())).collect(),
            ),
            digest: u64::from_str_radix(value["digest"].as_str().unwrap_or_default(), 16).unwrap_or_default(),
            latencies: latencies.filter_map(Value::as_f64).collect(),
            findings: findings.filter_map(|(name, figure)| Some((name.clone(), figure.as_f64()?))).collect(),
        }
    }
}

/// A cluster with its engine, and the repository that both follow.
pub(super) struct Leg<'a> {
    pub(super) arguments: &'a Arguments,
    dir: PathBuf,
    pub(super) engine: Engine,
    pub(super) cluster: Cluster,
    pub(super) repository: Repository,
    server: RealServer,
    processes: Vec<Process>,
    url: String,
    revision: String,
    /// Where the engine takes webhooks.
    public: SocketAddr,
    hook: Hook,
    pub(super) git: GitServer,
}

/// Where clocks stood.
pub(super) struct Mark {
    pub(super) start: Instant,
    pub(super) engine_cpu: f64,
    server_cpu: f64,
    etcd_cpu: f64,
    pub(super) requests: Requests,
}

impl<'a> Leg<'a> {
    /// Starts everything; the apps' files are committed, and nothing is installed yet.
    pub(super) async fn start(root: &Path, arguments: &'a Arguments, engine: Engine) -> Result<Leg<'a>> {
        let dir = std::path::absolute(arguments.dir.join("leg"))?;
        if dir.exists() {
            std::fs::remove_dir_all(&dir)?;
        }
        std::fs::create_dir_all(&dir)?;
        let server = apiserver::start(root, &dir.join("apiserver"), false)?;
        let cluster = Cluster::new(belay_cluster::connect(Some(&server.kubeconfig)).await?);
        let definitions = std::process::Command::new(&arguments.belay)
            .arg("crds")
            .output()
            .with_context(|| arguments.belay.display().to_string())?;
        cluster.apply_file(&definitions.stdout).await?;
        server.wait_for_definitions()?;
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        cluster.apply(&namespace, "bench").await?;
        let folder = dir.join("git");
        let git = GitServer::start(GitServerOptions::new(&folder)).await?;
        let repository = Repository::create(folder.join("apps.git"))?;
        let revision = fleet::commit(&repository, &fleet::files(arguments.apps), "Add the apps")?;
        let url = git.url_of("apps");
        let processes = Vec::new();
        let port = apiserver::free_ports(1)?.first().copied().context("no free port")?;
        let public = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let hook = Hook::new(public, &url, &revision);
        let mut leg = Leg {
            arguments,
            dir,
            engine,
            cluster,
            repository,
            server,
            processes,
            url,
            revision,
            public,
            hook,
            git,
        };
        leg.create_webhook_secret().await?;
        leg.start_engine().await?;
        Ok(leg)
    }

    /// Starts the engine's processes.
    pub(super) async fn start_engine(&mut self) -> Result<()> {
        self.processes = match self.engine {
            Engine::Floor => Vec::new(),
            Engine::Belay => {
                let dir = &self.dir;
                let (belay, kubeconfig) = (&self.arguments.belay, &self.server.kubeconfig);
                let public = ["--public-listen".to_owned(), self.public.to_string()];
                vec![crate::compare::start_belay_with(belay, kubeconfig, dir, &public)?]
            }
            Engine::Flux(settings) => {
                let memory = Path::new("/dev/shm").join(format!("belay-bench-{}", std::process::id()));
                Flux::build()?.start(&self.server.kubeconfig, &self.dir, &memory, settings)?
            }
        };
        Ok(())
    }

    /// W1: the apps are created at once; done when all are Ready at the revision.
    pub(super) async fn install(&self) -> Result<Cost> {
        let apps = self.arguments.apps;
        if self.engine == Engine::Floor {
            self.cluster.create_apps(Family::Flux, apps, &self.url).await?;
            let mark = self.mark().await?;
            let objects = (0..apps).flat_map(fleet::marked_objects).collect();
            self.cluster.apply_all(objects, "bench").await?;
            self.cluster.write_statuses(apps, &self.revision).await?;
            let waited = Waited { all: mark.start.elapsed(), ..Waited::default() };
            return self.cost(mark, waited).await;
        }
        self.cluster.create_source(&self.url, &self.revision).await?;
        let mark = self.mark().await?;
        self.create_apps().await?;
        let waited = self.wait(&mark).await?;
        let mut cost = self.cost(mark, waited).await?;
        // Those that made the apps are ours.
        cost.requests.take("POST", apps as u64);
        Ok(cost)
    }

    /// What follows the installation in this leg.
    pub(super) async fn then(&mut self, workload: Workload) -> Result<Vec<(String, Cost)>> {
        let cost = match workload {
            Workload::W1 => return Ok(Vec::new()),
            // Only engines do these.
            _ if self.engine == Engine::Floor && workload != Workload::W2 => return Ok(Vec::new()),
            Workload::W2 => self.commit_nothing().await?,
            Workload::W3 => self.change_lines().await?,
            Workload::W6 => self.start_cold().await?,
            Workload::W7 => self.repair().await?,
            Workload::W9 => self.weather_storm().await?,
            Workload::W12 => self.idle().await?,
            Workload::F33 => return self.come_and_go().await,
        };
        let mut costs = vec![(workload.name().to_owned(), cost)];
        if workload == Workload::W3 && self.engine == Engine::Belay {
            costs.push((W3_IN_STORM.to_owned(), self.change_lines_in_a_storm().await?));
        }
        Ok(costs)
    }

    /// What pushes are signed with.
    async fn create_webhook_secret(&self) -> Result<()> {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "argocd"}});
        self.cluster.apply(&namespace, "bench").await?;
        let secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "argocd-secret", "namespace": "argocd"},
            "stringData": {"webhook.github.secret": storm::SECRET}});
        self.cluster.apply(&secret, "bench").await
    }

    /// The engine's door for pushes to the apps' repository.
    pub(super) fn hook(&self) -> Hook {
        self.hook.clone()
    }

    /// A push to the apps' repository is told of: as a Git host does, or for Flux as its receiver would pass it on.
    pub(super) async fn push(&self) -> Result<()> {
        match self.engine {
            Engine::Belay => self.hook.tell().await,
            Engine::Floor | Engine::Flux(_) => self.cluster.announce().await,
        }
    }

    /// Commits a text that no app reads.
    pub(super) fn commit_readme(&mut self, text: &str) -> Result<()> {
        self.commit(&Change::write("README.md", text))
    }

    pub(super) fn commit(&mut self, change: &Change) -> Result<()> {
        self.revision = fleet::commit(&self.repository, std::slice::from_ref(change), "Change something")?;
        self.hook.is_at(&self.revision);
        Ok(())
    }

    /// The least that any engine must do about a revision.
    pub(super) async fn write_statuses(&self) -> Result<()> {
        self.cluster.write_statuses(self.arguments.apps, &self.revision).await
    }

    /// Waits until what comes after the last status, such as Events, has come too.
    pub(super) async fn rest(&self) -> Result<()> {
        let mut before = Requests::so_far(&self.cluster.client).await?;
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            let now = Requests::so_far(&self.cluster.client).await?;
            // Our own looks are among them.
            if now.since(&before).total() < 10 {
                return Ok(());
            }
            before = now;
        }
        Ok(())
    }

    /// Creates the apps at once.
    pub(super) async fn create_apps(&self) -> Result<()> {
        self.cluster.create_apps(Family::Flux, self.arguments.apps, &self.url).await
    }

    /// How long a leg may take to reach its state.
    pub(super) fn patience(&self) -> Duration {
        Duration::from_secs(self.arguments.patience)
    }

    pub(super) async fn wait(&self, mark: &Mark) -> Result<Waited> {
        self.cluster
            .wait_for_apps(Family::Flux, self.arguments.apps, &self.revision, mark.start, self.patience())
            .await
    }

    /// Where clocks stand now; the peak of memory begins anew.
    pub(super) async fn mark(&self) -> Result<Mark> {
        let mark = self.clocks().await?;
        self.processes.iter().try_for_each(|process| process::forget_peak(process.id()))?;
        Ok(mark)
    }

    /// Where clocks stand now.
    pub(super) async fn clocks(&self) -> Result<Mark> {
        let requests = Requests::so_far(&self.cluster.client).await?;
        Ok(Mark {
            engine_cpu: self.engine_cpu()?,
            server_cpu: process::usage(self.server.process("kube-apiserver")?)?.cpu_seconds,
            etcd_cpu: process::usage(self.server.process("etcd")?)?.cpu_seconds,
            requests,
            start: Instant::now(),
        })
    }

    pub(super) async fn cost(&self, mark: Mark, waited: Waited) -> Result<Cost> {
        let mut cost = Cost {
            wall: waited.all.as_secs_f64(),
            half: waited.half.as_secs_f64(),
            engine_cpu: self.engine_cpu()? - mark.engine_cpu,
            server_cpu: process::usage(self.server.process("kube-apiserver")?)?.cpu_seconds - mark.server_cpu,
            etcd_cpu: process::usage(self.server.process("etcd")?)?.cpu_seconds - mark.etcd_cpu,
            peak_megabytes: self.peak()?,
            megabytes: self.megabytes()?,
            requests: Requests::so_far(&self.cluster.client).await?.since(&mark.requests),
            digest: self.cluster.digest().await?,
            latencies: Vec::new(),
            findings: BTreeMap::new(),
        };
        cost.requests.take("LIST", waited.looks);
        Ok(cost)
    }

    /// What changes cost that were timed one by one.
    pub(super) async fn cost_of_each(&self, mark: Mark, latencies: Vec<f64>) -> Result<Cost> {
        let waited = Waited { all: mark.start.elapsed(), ..Waited::default() };
        Ok(Cost { latencies, ..self.cost(mark, waited).await? })
    }

    fn engine_cpu(&self) -> Result<f64> {
        self.processes.iter().map(|process| Ok(process::usage(process.id())?.cpu_seconds)).sum()
    }

    fn peak(&self) -> Result<u64> {
        self.processes.iter().map(|process| Ok(process::usage(process.id())?.peak_megabytes)).sum()
    }

    /// The memory that the engine has now.
    pub(super) fn megabytes(&self) -> Result<u64> {
        self.processes.iter().map(|process| Ok(process::usage(process.id())?.megabytes)).sum()
    }

    /// Ends the engine's processes, which must still be there.
    pub(super) fn stop_engine(&mut self) -> Result<()> {
        self.processes.drain(..).try_for_each(|mut process| {
            process.check()?;
            process.stop()
        })
    }

    /// Ends the engine; what it wrote last is on disk then.
    pub(super) fn end(mut self) -> Result<()> {
        self.stop_engine()
    }
}
