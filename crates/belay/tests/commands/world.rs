//! An embedded cluster with the definitions, a Git server, and the binary.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use belay_localkube::{LocalKube, Options, Running, Settings};
use belay_testkit::{Author, Change, GitServer, GitServerOptions, Repository};
use kube::Client;
use kube::api::{Api, DeleteParams, DynamicObject, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStderr, Command};

/// How long anything may take on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) client: Client,
    pub(crate) cluster: Running,
}

/// How a command ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    /// A cluster that knows nothing of Belay yet.
    pub(crate) async fn empty() -> World {
        let folder = tempfile::tempdir().expect("a folder for the test");
        let dir = folder.path().join("cluster");
        let settings = Settings::default();
        let options = Options { dir, port: None, http_port: None, settings };
        let cluster = LocalKube::start(options).await.expect("the cluster starts");
        let client = belay_cluster::connect(Some(&cluster.kubeconfig)).await.expect("a client");
        World { folder, client, cluster }
    }

    /// A cluster with the definitions of both families.
    pub(crate) async fn new() -> World {
        let world = World::empty().await;
        for definition in belay_argo_api::crds().into_iter().chain(belay_flux_api::crds()) {
            world.apply(definition).await;
        }
        for namespace in ["argocd", "flux-system", "shop"] {
            world
                .apply(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}))
                .await;
        }
        world
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_belay"));
        command.args(words);
        self.prepare(&mut command);
        command
    }

    fn prepare(&self, command: &mut Command) {
        command.current_dir(self.folder.path());
        command.env("KUBECONFIG", &self.cluster.kubeconfig).env("NO_COLOR", "1").env_remove("RUST_LOG");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    }

    /// `belay run` that is told by an error when a file must not grow, as it is when a disk is full; otherwise the system
    /// would end it. See [`Going::fill_the_disk`].
    pub(crate) async fn run_on_a_small_disk(&self) -> (Going, String, String) {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_belay"), "run"]);
        command.arg("--data-dir").arg(self.folder.path().join("data"));
        self.prepare(&mut command);
        let mut child = command.stderr(Stdio::inherit()).spawn().expect("it starts");
        let out = child.stdout.take().expect("it is a pipe");
        addressed(Going { lines: BufReader::new(out).lines(), child }).await
    }

    /// Runs a command to its end.
    pub(crate) async fn belay(&self, words: &[&str]) -> Ended {
        let output = self.command(words).output();
        let output = tokio::time::timeout(PATIENCE, output).await.expect("it ends").expect("it starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Ended { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Starts a command that goes on, and reads its lines.
    pub(crate) fn start(&self, words: &[&str]) -> Going {
        let mut child = self.command(words).stderr(Stdio::inherit()).spawn().expect("it starts");
        let out = child.stdout.take().expect("it is a pipe");
        Going { lines: BufReader::new(out).lines(), child }
    }

    /// The first line that a command which goes on writes to standard error.
    pub(crate) async fn first_log_line(&self, words: &[&str]) -> String {
        let mut child = self.command(words).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("it is a pipe")).lines();
        let line = tokio::time::timeout(PATIENCE, lines.next_line()).await;
        line.expect("a line in time").expect("UTF-8").expect("it goes on")
    }

    /// `belay run`, and the base of its address and its token.
    pub(crate) async fn run(&self, words: &[&str]) -> (Going, String, String) {
        let data: PathBuf = self.folder.path().join("data");
        let data = data.to_string_lossy().into_owned();
        let mut all = vec!["run", "--data-dir", &data];
        all.extend(words);
        addressed(self.start(&all)).await
    }

    /// `belay run` that logs as `filter` says into a file, and the base of its address and its token.
    pub(crate) async fn run_logged(&self, log: &Path, filter: &str) -> (Going, String, String) {
        let data = self.folder.path().join("data");
        let mut command = self.command(&["run", "--data-dir", &data.to_string_lossy()]);
        let log = std::fs::File::create(log).expect("a file for the log");
        let mut child = command.env("RUST_LOG", filter).stderr(log).spawn().expect("it starts");
        let out = child.stdout.take().expect("it is a pipe");
        addressed(Going { lines: BufReader::new(out).lines(), child }).await
    }

    /// `belay run` that logs as `filter` says, to a pipe that nobody reads.
    pub(crate) async fn run_unread(&self, words: &[&str], filter: &str) -> (Going, ChildStderr) {
        let data = self.folder.path().join("data");
        let mut command = self.command(&["run", "--data-dir", &data.to_string_lossy()]);
        let mut child = command.args(words).env("RUST_LOG", filter).spawn().expect("it starts");
        let unread = child.stderr.take().expect("it is a pipe");
        let out = child.stdout.take().expect("it is a pipe");
        let (going, ..) = addressed(Going { lines: BufReader::new(out).lines(), child }).await;
        (going, unread)
    }

    /// Every object of a kind, as JSON.
    pub(crate) async fn list(&self, api_version: &str, kind: &str) -> String {
        let found = self.api(api_version, kind, "").list(&ListParams::default()).await;
        serde_json::to_string(&found.expect("the cluster answers")).expect("objects are JSON")
    }

    fn api(&self, api_version: &str, kind: &str, namespace: &str) -> Api<DynamicObject> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
        match namespace {
            "" => Api::all_with(self.client.clone(), &resource),
            namespace => Api::namespaced_with(self.client.clone(), namespace, &resource),
        }
    }

    /// Server-side apply as another manager than Belay's.
    pub(crate) async fn apply(&self, object: Value) -> Value {
        self.patch(&object, &PatchParams::apply("a-person").force(), &Patch::Apply(&object)).await
    }

    /// Sets a status, as a controller would.
    pub(crate) async fn set_status(&self, object: Value) {
        let (api, name) = self.of(&object);
        let patched = match object["kind"].as_str() {
            // Argo CD's have no status subresource.
            Some("Application") => api.patch(name, &PatchParams::default(), &Patch::Merge(&object)).await,
            _ => api.patch_status(name, &PatchParams::default(), &Patch::Merge(&object)).await,
        };
        patched.expect("the status is taken");
    }

    /// A merge patch, as an editor would send it.
    pub(crate) async fn edit(&self, object: Value) {
        let params = PatchParams { field_manager: Some("an-editor".to_owned()), ..PatchParams::default() };
        self.patch(&object, &params, &Patch::Merge(&object)).await;
    }

    async fn patch(&self, object: &Value, params: &PatchParams, patch: &Patch<&Value>) -> Value {
        let (api, name) = self.of(object);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            match api.patch(name, params, patch).await {
                Ok(object) => return serde_json::to_value(object).expect("an object is JSON"),
                // A definition takes a moment until it is served.
                Err(error) if tokio::time::Instant::now() > deadline => panic!("{object}: {error}"),
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn of<'a>(&self, object: &'a Value) -> (Api<DynamicObject>, &'a str) {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let api = self.api(text("/apiVersion"), text("/kind"), text("/metadata/namespace"));
        (api, text("/metadata/name"))
    }

    /// An object, if it is there.
    pub(crate) async fn get(
        &self,
        api_version: &str,
        kind: &str,
        namespace: &str,
        name: &str,
    ) -> Option<Value> {
        let found = self.api(api_version, kind, namespace).get_opt(name).await.expect("the cluster answers");
        found.map(|object| serde_json::to_value(object).expect("an object is JSON"))
    }

    /// Deletes an object.
    pub(crate) async fn delete(&self, api_version: &str, kind: &str, namespace: &str, name: &str) {
        let deleted = self.api(api_version, kind, namespace).delete(name, &DeleteParams::default()).await;
        deleted.expect("it is deleted");
    }

    /// A Git server with a repository `config`.
    pub(crate) async fn git(&self) -> (GitServer, Repository, String) {
        let server = GitServer::start(GitServerOptions::new(self.folder.path().join("git"))).await;
        let server = server.expect("the Git server starts");
        let repository = server.create_repository("config").expect("a repository");
        let url = server.url_of("config");
        (server, repository, url)
    }
}

/// A command that goes on; it ends with this.
pub(crate) struct Going {
    lines: tokio::io::Lines<BufReader<tokio::process::ChildStdout>>,
    child: Child,
}

impl Going {
    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("a line in time").expect("UTF-8").expect("it goes on")
    }

    /// Sends it a signal, by its name.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().expect("it has not ended");
        let sent = std::process::Command::new("sh").args(["-c", &format!("kill -{name} {id}")]).status();
        assert!(sent.expect("there is a shell").success());
    }

    /// From now on none of its files can grow, or all of them can again.
    pub(crate) fn fill_the_disk(&self, is_full: bool) {
        let id = self.child.id().expect("it has not ended").to_string();
        let limit = if is_full { "--fsize=0:unlimited" } else { "--fsize=unlimited:unlimited" };
        let set = std::process::Command::new("prlimit").args(["--pid", &id, limit]).status();
        assert!(set.expect("util-linux is there").success());
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it can be asked").is_some()
    }
}

/// A running Belay, and the base of the address that it prints, and its token.
async fn addressed(mut going: Going) -> (Going, String, String) {
    let address = going.line().await;
    let (base, token) = address.split_once("/#token=").expect("the address carries the token");
    let (base, token) = (base.to_owned(), token.to_owned());
    (going, base, token)
}

/// Looks again and again until something is there.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(crate) fn commit(repository: &Repository, path: &str, content: &str) -> String {
    let author = Author::new("Ada", "ada@example.com");
    repository.commit(&[Change::write(path, content)], "Change it", &author).expect("a commit")
}

pub(crate) fn application(name: &str, namespace: &str, url: &str, path: &str) -> Value {
    json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "project": "default",
            "source": {"repoURL": url, "targetRevision": "main", "path": path},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
            "syncPolicy": {"automated": {}},
        },
    })
}

/// A GitRepository of Flux's that follows `main`.
pub(crate) fn git_repository(name: &str, namespace: &str, url: &str, interval: &str) -> Value {
    json!({
        "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"interval": interval, "url": url, "ref": {"branch": "main"}},
    })
}

/// A Kustomization of a GitRepository beside it, which prunes.
pub(crate) fn kustomization(name: &str, namespace: &str, source: &str, path: &str) -> Value {
    json!({
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "interval": "10m", "path": path, "prune": true,
            "sourceRef": {"kind": "GitRepository", "name": source},
        },
    })
}
