//! Several processes that share one estate by Leases: who writes what, when one comes, goes, dies, or is not heard of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use belay_cluster::ReplicaSettings;
use belay_filetree::{Kind as FileKind, MemoryTree, TreePath};
use belay_localkube::faults::Faults;
use belay_localkube::{Clock, LocalKube, Settings};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::administrator::Administrator;
use crate::estate::{ARGO_NAMESPACE, CONFIG_URL, FLUX_NAMESPACE};
use crate::line::{Log, Write};
use crate::process::Process;
use crate::remote::Remote;

const APPLICATIONS: usize = 12;
const KUSTOMIZATIONS: usize = 6;
const LEASE: Duration = Duration::from_secs(15);
const DEADLINE: Duration = Duration::from_secs(10);

/// A cluster with apps of both families, of one ConfigMap each.
struct World {
    local: LocalKube,
    people: Administrator,
    remote: Remote,
    folder: tempfile::TempDir,
    commits: usize,
    cuts: watch::Sender<u64>,
    _simulation: belay_cluster::Simulation,
}

/// A process, and what it writes.
struct One {
    process: Process,
    log: Log,
}

impl One {
    /// What it wrote since then to apps and their objects.
    fn writes_since(&self, since: Instant) -> Vec<Write> {
        let is_work = |write: &Write| !write.is_event() && !write.path.contains("/leases");
        let writes = self.log.writes_since(0).into_iter();
        writes.filter(|write| write.at >= since && is_work(write)).collect()
    }

    /// The apps that it wrote of since then, or of whose objects.
    fn apps_since(&self, since: Instant) -> BTreeSet<String> {
        let names = apps();
        let app =
            |write: Write| names.iter().find(|name| write.path.split('/').any(|part| part == *name)).cloned();
        self.writes_since(since).into_iter().filter_map(app).collect()
    }
}

fn apps() -> Vec<String> {
    let applications = (0..APPLICATIONS).map(|index| format!("web-{index}"));
    applications.chain((0..KUSTOMIZATIONS).map(|index| format!("base-{index}"))).collect()
}

impl World {
    async fn new() -> World {
        fastrand::seed(1);
        let clock = Clock::starting_at("2026-01-01T00:00:00Z".parse().expect("a time"));
        let simulation = {
            let clock = clock.clone();
            belay_cluster::simulate(move || clock.now())
        };
        let local = LocalKube::new(&Settings { clock, seed: Some(1), ..Settings::default() });
        let mut world = World {
            people: Administrator::new(local.service()),
            local,
            remote: Remote::new(1),
            folder: tempfile::tempdir().expect("a folder for the test"),
            commits: 0,
            cuts: watch::Sender::new(0),
            _simulation: simulation,
        };
        world.furnish().await;
        world
    }

    async fn furnish(&mut self) {
        let mut kinds: Vec<String> = belay_flux::kinds().map(|kind| kind.kind).into();
        kinds.extend(["Application".to_owned(), "AppProject".to_owned()]);
        let all = belay_argo_api::crds().into_iter().chain(belay_flux_api::crds());
        for definition in
            all.filter(|one| kinds.iter().any(|kind| one["spec"]["names"]["kind"] == kind.as_str()))
        {
            self.create("apiextensions.k8s.io/v1", "customresourcedefinitions", definition).await;
        }
        for name in [ARGO_NAMESPACE, FLUX_NAMESPACE, "shop"] {
            self.create("v1", "namespaces", json!({"kind": "Namespace", "metadata": {"name": name}})).await;
        }
        self.create(
            "argoproj.io/v1alpha1",
            "appprojects",
            json!({
                "kind": "AppProject", "metadata": {"name": "default", "namespace": ARGO_NAMESPACE},
                "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}]},
            }),
        )
        .await;
        self.create(
            "source.toolkit.fluxcd.io/v1",
            "gitrepositories",
            json!({
                "kind": "GitRepository", "metadata": {"name": "config", "namespace": FLUX_NAMESPACE},
                "spec": {"url": CONFIG_URL, "interval": "10m", "ref": {"branch": "main"}},
            }),
        )
        .await;
        self.commit();
        for name in apps() {
            let path = format!("apps/{name}");
            if name.starts_with("web") {
                self.create("argoproj.io/v1alpha1", "applications", json!({
                    "kind": "Application", "metadata": {"name": name, "namespace": ARGO_NAMESPACE},
                    "spec": {
                        "project": "default", "source": {"repoURL": CONFIG_URL, "path": path, "targetRevision": "main"},
                        "destination": {"server": "https://kubernetes.default.svc", "namespace": "shop"},
                        "syncPolicy": {"automated": {"selfHeal": true}},
                    },
                }))
                .await;
            } else {
                self.create(
                    "kustomize.toolkit.fluxcd.io/v1",
                    "kustomizations",
                    json!({
                        "kind": "Kustomization", "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
                        "spec": {"path": path, "interval": "1m", "prune": true, "targetNamespace": "shop",
                            "sourceRef": {"kind": "GitRepository", "name": "config"}},
                    }),
                )
                .await;
            }
        }
    }

    async fn create(&self, api_version: &str, plural: &str, mut object: Value) {
        object["apiVersion"] = json!(api_version);
        let base =
            if api_version.contains('/') { format!("/apis/{api_version}") } else { "/api/v1".to_owned() };
        let path = match object["metadata"]["namespace"].as_str() {
            Some(namespace) => format!("{base}/namespaces/{namespace}/{plural}"),
            None => format!("{base}/{plural}"),
        };
        assert_eq!(self.people.create(&path, &object).await, 201, "{object}");
    }

    /// A commit that changes the object of every app.
    fn commit(&mut self) {
        self.commits += 1;
        let mut tree = MemoryTree::new();
        for name in apps() {
            let path = TreePath::parse(&format!("apps/{name}/settings.yaml")).expect("a path");
            let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
                "data": {"serial": self.commits.to_string()}});
            tree.insert(path, FileKind::File, map.to_string());
        }
        let date = belay_cluster::now().as_second();
        let id = self.remote.commit(CONFIG_URL, self.commits, tree, date);
        self.remote.set_branch(CONFIG_URL, "main", Some(&id));
    }

    fn start(&self, host: &str) -> One {
        let log = Log::default();
        let settings = ReplicaSettings { host: host.to_owned(), ..ReplicaSettings::default() };
        let folder = self.folder.path().join(host);
        let (service, faults) = (self.local.service(), Faults::new(1));
        let process =
            Process::start(service, &faults, &log, &self.remote, &folder, &self.cuts, Some(settings));
        One { process, log }
    }

    /// Two replicas that have settled: the leader, which was there first, and the other.
    async fn start_two(&mut self) -> (One, One) {
        let leader = self.start("a");
        sleep(Duration::from_secs(1)).await;
        let other = self.start("b");
        self.current_within(Duration::from_secs(60)).await;
        sleep(Duration::from_secs(60)).await;
        (leader, other)
    }

    /// Every app's object as of which commit.
    async fn serials(&self) -> BTreeMap<String, String> {
        let maps = self.people.list("/api/v1/namespaces/shop/configmaps").await;
        let text =
            |map: &Value, at: &str| map.pointer(at).and_then(Value::as_str).unwrap_or_default().to_owned();
        maps.iter().map(|map| (text(map, "/metadata/name"), text(map, "/data/serial"))).collect()
    }

    async fn are_current(&self) -> bool {
        let (serials, wanted) = (self.serials().await, self.commits.to_string());
        apps().iter().all(|app| serials.get(app) == Some(&wanted))
    }

    /// Waits until every app is as the newest commit says; gives how long it took.
    async fn current_within(&self, most: Duration) -> Duration {
        let start = Instant::now();
        while !self.are_current().await {
            assert!(start.elapsed() < most, "{:?}", self.serials().await);
            sleep(Duration::from_millis(50)).await;
        }
        start.elapsed()
    }

    /// Asks for a look at every app.
    async fn refresh(&self) {
        self.refresh_some(apps()).await;
        let at = belay_cluster::now().to_string();
        let source =
            format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/gitrepositories/config");
        let patch = json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": at}}});
        assert_eq!(self.people.merge(&source, &patch).await, 200);
    }

    async fn refresh_some(&self, names: impl IntoIterator<Item = String>) {
        let at = belay_cluster::now().to_string();
        for name in names {
            let (path, annotation) = if name.starts_with("web") {
                (
                    format!("argoproj.io/v1alpha1/namespaces/{ARGO_NAMESPACE}/applications/{name}"),
                    "argocd.argoproj.io/refresh",
                )
            } else {
                (
                    format!(
                        "kustomize.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/kustomizations/{name}"
                    ),
                    "reconcile.fluxcd.io/requestedAt",
                )
            };
            let value = if name.starts_with("web") { "normal" } else { &at };
            let patch = json!({"metadata": {"annotations": {annotation: value}}});
            assert_eq!(self.people.merge(&format!("/apis/{path}"), &patch).await, 200);
        }
    }

    async fn leases(&self) -> Vec<String> {
        let leases = self.people.list("/apis/coordination.k8s.io/v1/namespaces/default/leases").await;
        leases.iter().filter_map(|lease| Some(lease["metadata"]["name"].as_str()?.to_owned())).collect()
    }
}

/// Runs with a paused clock and one thread.
fn simulated(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(test);
}

#[test]
fn each_app_is_written_by_exactly_one_of_three_and_all_take_part() {
    simulated(async {
        let mut world = World::new().await;
        let all = ["a", "b", "c"].map(|host| world.start(host));
        world.current_within(Duration::from_secs(60)).await;
        sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        for _ in 0..3 {
            world.commit();
            world.refresh().await;
            world.current_within(Duration::from_secs(20)).await;
        }
        let written = all.each_ref().map(|one| one.apps_since(start));
        assert!(written.iter().all(|apps| apps.len() >= 2), "{written:?}");
        assert_eq!(
            written.iter().map(BTreeSet::len).sum::<usize>(),
            APPLICATIONS + KUSTOMIZATIONS,
            "{written:?}"
        );
        let told = all.iter().filter(|one| {
            one.writes_since(start).iter().any(|write| write.path.contains("/gitrepositories/config/status"))
        });
        assert_eq!(told.count(), 1, "one tells of the source that all read");

        let [first, .., last] = all;
        let start = Instant::now();
        first.process.leave().await;
        world.commit();
        world.refresh().await;
        world.current_within(Duration::from_secs(20)).await;
        assert!(first.log.writes_since(0).iter().all(|write| write.at <= start + Duration::from_secs(1)));
        assert!(last.apps_since(start).len() > written[2].len(), "it does more than before");
        assert_eq!(world.leases().await.len(), 3, "the leader's and two replicas'");
    });
}

#[test]
fn a_replica_that_leaves_is_replaced_within_two_seconds() {
    simulated(async {
        for is_leader in [true, false] {
            let mut world = World::new().await;
            let (leader, other) = world.start_two().await;
            let (leaving, staying) = if is_leader { (leader, other) } else { (other, leader) };
            world.commit();
            world.refresh().await;
            let start = Instant::now();
            leaving.process.leave().await;
            world.current_within(Duration::from_secs(10)).await;
            assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
            assert!(!staying.apps_since(start).is_empty());
        }
    });
}

#[test]
fn who_takes_over_asks_git_first_and_goes_back_to_no_older_commit() {
    simulated(async {
        let mut world = World::new().await;
        let (first, second) = (world.start("a"), world.start("b"));
        world.current_within(Duration::from_secs(60)).await;
        sleep(Duration::from_secs(120)).await;
        let start = Instant::now();
        world.commit();
        world.refresh().await;
        world.current_within(Duration::from_secs(20)).await;
        let firsts: BTreeSet<String> =
            first.apps_since(start).into_iter().filter(|app| app.starts_with("web")).collect();
        assert!(!firsts.is_empty());
        // The second one hears nothing of this commit.
        world.commit();
        world.refresh_some(firsts.clone()).await;
        let newest = world.commits.to_string();
        let are_newest = |serials: BTreeMap<String, String>| firsts.iter().all(|app| serials[app] == newest);
        while !are_newest(world.serials().await) {
            sleep(Duration::from_millis(50)).await;
        }
        let start = Instant::now();
        first.process.leave().await;
        while start.elapsed() < Duration::from_secs(30) {
            assert!(are_newest(world.serials().await), "{:?}", world.serials().await);
            sleep(Duration::from_millis(20)).await;
        }
        world.refresh_some(firsts.clone()).await;
        sleep(Duration::from_secs(5)).await;
        assert!(second.apps_since(start).is_superset(&firsts));
    });
}

#[test]
fn a_replica_that_dies_is_replaced_when_its_lease_has_ended() {
    simulated(async {
        for is_leader in [true, false] {
            let mut world = World::new().await;
            let (leader, other) = world.start_two().await;
            let (dying, staying) = if is_leader { (leader, other) } else { (other, leader) };
            dying.process.kill();
            world.commit();
            world.refresh().await;
            let took = world.current_within(LEASE + Duration::from_secs(2)).await;
            assert!(took > DEADLINE, "not before others may: {took:?}");
            let written = staying.apps_since(Instant::now() - took);
            assert_eq!(written.len(), APPLICATIONS + KUSTOMIZATIONS, "{written:?}");
        }
    });
}

#[test]
fn a_replica_whose_lease_is_not_renewed_writes_nothing_from_its_deadline_on() {
    simulated(async {
        let mut world = World::new().await;
        let old = world.start("a");
        world.current_within(Duration::from_secs(60)).await;
        let new = world.start("b");
        sleep(Duration::from_secs(60)).await;
        // Its controllers go on, and know of nothing.
        old.process.neglect();
        let start = Instant::now();
        for _ in 0..30 {
            world.commit();
            world.refresh().await;
            sleep(Duration::from_secs(1)).await;
        }
        let before = old.writes_since(start);
        assert!(!before.is_empty(), "it went on for a while");
        let late: Vec<Write> = old.writes_since(start + DEADLINE);
        assert!(late.is_empty(), "{late:?}");
        world.current_within(Duration::from_secs(20)).await;
        let first_of_both =
            new.writes_since(start).into_iter().find(|write| before.iter().any(|old| old.path == write.path));
        let first_of_both = first_of_both.expect("another took over");
        assert!(first_of_both.at >= start + DEADLINE, "{first_of_both:?}");
    });
}

#[test]
fn an_outage_of_the_api_server_ends_in_new_lives_without_two_writers() {
    simulated(async {
        let mut world = World::new().await;
        let faults = Faults::new(1);
        let log = Log::default();
        let settings = ReplicaSettings { host: "a".to_owned(), ..ReplicaSettings::default() };
        let folder = world.folder.path().join("a");
        let cut_off = Process::start(
            world.local.service(),
            &faults,
            &log,
            &world.remote,
            &folder,
            &world.cuts,
            Some(settings),
        );
        let cut_off = One { process: cut_off, log };
        let other = world.start("b");
        world.current_within(Duration::from_secs(60)).await;
        sleep(Duration::from_secs(60)).await;
        let leases = world.leases().await;
        let start = Instant::now();
        let everything = belay_localkube::faults::On::writes("/leases");
        faults.add(everything, belay_localkube::faults::Fault::Refuse(503));
        for _ in 0..40 {
            world.commit();
            world.refresh().await;
            sleep(Duration::from_secs(1)).await;
        }
        assert_eq!(cut_off.writes_since(start + DEADLINE).len(), 0);
        world.current_within(Duration::from_secs(20)).await;
        faults.clear();
        sleep(Duration::from_secs(60)).await;
        let start = Instant::now();
        world.commit();
        world.refresh().await;
        world.current_within(Duration::from_secs(20)).await;
        let (own, others) = (cut_off.apps_since(start), other.apps_since(start));
        assert!(!own.is_empty() && own.is_disjoint(&others), "{own:?} {others:?}");
        let now = world.leases().await;
        assert!(now.len() == 3 && now != leases, "{leases:?} {now:?}");
    });
}
