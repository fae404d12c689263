//! Carries a scenario out.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use anyhow::{Context, ensure};
use belay_cluster::Kinds;
use belay_manifest::{GroupVersionKind, Limits};
use belay_testkit::{Faults, GitServer, GitServerOptions, Repository, WebhookServer};
use kube::Client;
use kube::api::{Patch, PatchParams};
use kube::config::Kubeconfig;
use tokio::time::{Instant, sleep};

use crate::gate::{ApiServer, Gate};
use crate::scenario::{Action, Program, Scenario, Step};
use crate::states::Touched;
use crate::variables::Variables;

/// How long who works in the cluster may take to start.
const STARTS: Duration = Duration::from_secs(60);
/// How often a condition is looked at.
pub(crate) const POLL: Duration = Duration::from_millis(50);

/// A cluster, and a Git server for repositories.
pub(crate) struct Runner {
    pub(crate) client: Client,
    pub(crate) kinds: Kinds,
    pub(crate) repositories: PathBuf,
    pub(crate) faults: Faults,
    pub(crate) kubeconfig: PathBuf,
    pub(crate) programs: Programs,
    states: Option<PathBuf>,
    api_server: ApiServer,
    manners: Manners,
    git: Git,
    pub(crate) webhooks: WebhookServer,
}

/// How scenarios are run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// Whether steps that only Belay meets are taken.
    pub(crate) is_belay: bool,
    /// Whether each step's time is printed.
    pub(crate) tells_times: bool,
}

/// Where things are.
pub(crate) struct Places {
    /// The cluster.
    pub(crate) kubeconfig: PathBuf,
    /// A folder for the scenarios' repositories.
    pub(crate) repositories: PathBuf,
    /// What people run.
    pub(crate) programs: Programs,
    /// A folder for how scenarios ended, if that is wanted.
    pub(crate) states: Option<PathBuf>,
    /// The address of a Git server that serves the repositories, if it is not to be the runner's own.
    pub(crate) git: Option<String>,
}

/// Who serves the repositories.
enum Git {
    /// The runner itself.
    Own(GitServer),
    /// A server at this address.
    At(String),
}

impl Git {
    fn url_of(&self, repository: &str) -> String {
        match self {
            Git::Own(server) => server.url_of(repository),
            Git::At(address) => format!("{}/{repository}.git", address.trim_end_matches('/')),
        }
    }
}

/// Programs that people run.
pub(crate) struct Programs {
    /// `kubectl`
    pub(crate) kubectl: PathBuf,
    /// `helm`
    pub(crate) helm: PathBuf,
}

impl Programs {
    pub(crate) fn path(&self, program: Program) -> &Path {
        match program {
            Program::Kubectl => &self.kubectl,
            Program::Helm => &self.helm,
        }
    }
}

/// One run of one scenario.
pub(crate) struct Run<'a> {
    pub(crate) runner: &'a Runner,
    pub(crate) name: &'a str,
    pub(crate) repository: Repository,
    pub(crate) url: String,
    /// Made when something is committed to it.
    pub(crate) second: OnceLock<Repository>,
    pub(crate) second_url: String,
    gate: Gate,
    pub(crate) variables: Variables,
    pub(crate) touched: Touched,
}

impl Runner {
    /// Connects, and serves the repositories' folder from now on.
    pub(crate) async fn start(places: Places, manners: Manners) -> anyhow::Result<Runner> {
        let client = belay_cluster::connect(Some(&places.kubeconfig)).await?;
        let api_server = ApiServer::of(&Kubeconfig::read_from(&places.kubeconfig)?)?;
        let repositories = std::path::absolute(&places.repositories)?;
        let faults = Faults::default();
        let options = GitServerOptions { faults: faults.clone(), ..GitServerOptions::new(&repositories) };
        let git = match places.git {
            Some(address) => Git::At(address),
            None => Git::Own(GitServer::start(options).await?),
        };
        Ok(Runner {
            kinds: Kinds::new(client.clone()),
            client,
            repositories,
            faults,
            kubeconfig: std::path::absolute(&places.kubeconfig)?,
            programs: places.programs,
            states: places.states,
            api_server,
            manners,
            git,
            webhooks: WebhookServer::start().await?,
        })
    }

    /// Whether it is Belay that works in the cluster.
    pub(crate) fn is_belay(&self) -> bool {
        self.manners.is_belay
    }

    /// Applies every object of a file, such as definitions that the scenarios need.
    pub(crate) async fn apply_file(&self, file: &Path) -> anyhow::Result<()> {
        let content = std::fs::read(file).with_context(|| file.display().to_string())?;
        for manifest in belay_manifest::parse(&file.display().to_string(), &content, &Limits::default())? {
            let object = manifest.object;
            let resource = self.kinds.find(&object.gvk()).await?;
            let api = resource.objects(&self.client, object.namespace());
            let params = PatchParams::apply("scenario").force();
            api.patch(object.name(), &params, &Patch::Apply(object.value()))
                .await
                .with_context(|| object.key().to_string())?;
        }
        Ok(())
    }

    /// Waits until whoever works in the cluster is there: the `default` project is what both Argo CD
    /// and Belay make when they start.
    pub(crate) async fn wait_for_applications(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + STARTS;
        let project = GroupVersionKind::new("argoproj.io/v1alpha1", "AppProject");
        loop {
            if let Ok(resource) = self.kinds.find(&project).await {
                let api = resource.objects(&self.client, "argocd");
                if api.get_opt("default").await?.is_some() {
                    return Ok(());
                }
            }
            let late = "nobody works here: no AppProject argocd/default";
            ensure!(Instant::now() < deadline, "{late} after {} s", STARTS.as_secs());
            sleep(POLL).await;
        }
    }

    /// Runs every step; the first that does not hold ends the scenario.
    pub(crate) async fn run(&self, name: &str, scenario: &Scenario) -> anyhow::Result<()> {
        let (repository, path) = self.repository(name)?;
        let url = self.git.url_of(name);
        let second_url = self.git.url_of(&format!("{name}-second"));
        let variables = Variables::default();
        variables.set("NAME", name)?;
        variables.set("REPOSITORY", &url)?;
        variables.set("SECOND", &second_url)?;
        variables.set("FOLDER", &path.display().to_string())?;
        let gate = Gate::open(&self.api_server).await?;
        variables.set("CLUSTER", &gate.url())?;
        variables.set("TLS", &self.api_server.tls)?;
        variables.set("AUTHORITY", &self.api_server.authority)?;
        let second = OnceLock::new();
        let touched = Touched::default();
        let run = Run { runner: self, name, repository, url, second, second_url, gate, variables, touched };
        run.variables.set("WEBHOOKS", &run.webhooks())?;
        run.variables.set("VOUCHER", &self.webhooks.authority())?;
        let mut result = run.steps(&scenario.steps).await;
        if let Err(failure) = result {
            let accounts = run.accounts().await;
            result = Err(anyhow::anyhow!("{failure:#}{accounts}"));
        }
        if let Some(folder) = &self.states {
            run.record(folder, result.as_ref().err()).await.context("recording how it ended")?;
        }
        result
    }

    /// A new repository, in place of one that an earlier run has left.
    pub(crate) fn repository(&self, name: &str) -> anyhow::Result<(Repository, PathBuf)> {
        let path = self.repositories.join(format!("{name}.git"));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        Ok((Repository::create(&path).context("the scenario's repository")?, path))
    }
}

impl Run<'_> {
    pub(crate) async fn steps(&self, steps: &[Step]) -> anyhow::Result<()> {
        for (position, step) in steps.iter().enumerate() {
            if step.only.is_some() && !self.runner.manners.is_belay {
                continue;
            }
            let start = Instant::now();
            self.step(step).await.with_context(|| format!("step {}, {}", position + 1, step.name))?;
            if self.runner.manners.tells_times {
                let took = start.elapsed().as_secs_f32();
                crate::say(&format!(
                    "        {} step {}, {} ({took:.2} s)",
                    self.name,
                    position + 1,
                    step.name
                ));
            }
        }
        Ok(())
    }

    async fn step(&self, step: &Step) -> anyhow::Result<()> {
        match &step.action {
            Action::Commit(commit) => self.commit(commit).await,
            Action::Revert {} => self.revert().await,
            Action::Reference(reference) => self.reference(reference).await,
            Action::Fault(kind) => {
                self.fault(*kind);
                Ok(())
            }
            Action::Cluster(mode) => {
                self.gate.set(*mode);
                Ok(())
            }
            Action::Webhook(says) => self.webhook(says),
            Action::Asked(asked) => self.asked(asked).await,
            Action::Apply(objects) => self.apply(objects).await,
            Action::Create(create) => self.create(create).await,
            Action::Patch(patch) => self.patch(patch).await,
            Action::Delete(delete) => self.delete(delete).await,
            Action::Expect(expectation) => self.expect(expectation).await,
            Action::Absent(target) => self.absent(target).await,
            Action::Stays(stays) => self.stays(stays).await,
            Action::Event(event) => self.event(event).await,
            Action::Kubectl(line) => self.program(Program::Kubectl, line).await,
            Action::Helm(line) => self.program(Program::Helm, line).await,
            Action::Request(request) => self.request(request).await,
        }
    }
}
