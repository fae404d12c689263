//! A cluster, Git, people, and one process of Belay at a time, in one thread with a clock of its own.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Duration;

use belay_localkube::faults::Faults;
use belay_localkube::{Backup, Clock, LocalKube, Settings};
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::administrator::Administrator;
use crate::check::Watchman;
use crate::disk::Disk;
use crate::estate::{
    ARGO_NAMESPACE, App, CONFIG_URL, DEAD_URL, FLUX_NAMESPACE, Family, Folder, Kind, Manner, Presence,
    SILENT_URL, apps, tree,
};
use crate::gate::Gate;
use crate::hooks::{self, Mishap, Witness};
use crate::line::Log;
use crate::process::Process;
use crate::remote::Remote;
use crate::rollouts::Rollouts;
use crate::script::{Edit, FolderChange, Hand, Step, Target, Telling, Weather};
use crate::storm::{Gust, Storm};
use crate::{bulk, script, weather};

/// When every world begins.
const BEGINNING: &str = "2026-01-01T00:00:00Z";
/// How long a process that ended by itself takes to be there again.
const RESTART: Duration = Duration::from_secs(10);
/// How long the API server is away while a backup is restored.
const AWAY: Duration = Duration::from_secs(20);
/// What holds an object.
const HOLD: &str = "example.com/held";
/// How often a push is told of that is told of again and again.
const FLOOD: usize = 30;
/// How often when it is old.
const REPLAYS: u32 = 3;

/// A world.
pub(crate) struct World {
    pub(crate) local: LocalKube,
    pub(crate) people: Administrator,
    pub(crate) faults: Faults,
    pub(crate) remote: Remote,
    pub(crate) gate: Gate,
    pub(crate) log: Log,
    pub(crate) estate: Estate,
    pub(crate) watchman: Watchman,
    /// What else happened, by name.
    pub(crate) events: BTreeMap<String, u64>,
    process: Option<Process>,
    /// Pushes that will be told of again.
    old_pushes: u32,
    disk: Disk,
    backup: Option<BackedUp>,
    /// Objects with a finalizer that only the end takes off.
    held: BTreeSet<String>,
    /// Whether somebody looks at hooks.
    is_attended: bool,
    /// How far the machine's clock is off, in seconds.
    skew: Rc<Cell<i64>>,
    has_dropped_events: bool,
    cuts: watch::Sender<u64>,
    _simulation: belay_cluster::Simulation,
}

/// A backup of the cluster, and which apps people wanted then.
struct BackedUp {
    cluster: Backup,
    presences: Vec<Presence>,
    suspended: BTreeSet<&'static str>,
    strays: BTreeSet<(String, String)>,
    storm: Storm,
}

/// What people want, and what is in Git.
pub(crate) struct Estate {
    pub(crate) apps: Vec<App>,
    /// Every commit: its id, and the folders in it.
    pub(crate) commits: Vec<(String, BTreeMap<&'static str, Folder>)>,
    /// The commit that the branch is at, if there is a branch.
    pub(crate) head: Option<usize>,
    /// Kustomizations at rest.
    pub(crate) suspended: BTreeSet<&'static str>,
    /// Objects that an app left behind, as namespace and name.
    pub(crate) strays: BTreeSet<(String, String)>,
    /// Apps that come and go all at once.
    pub(crate) storm: Storm,
    /// Sees the hooks of apps end.
    pub(crate) witness: Witness,
    /// Sees Deployments come up.
    pub(crate) rollouts: Rollouts,
    serial: u64,
}

impl Estate {
    pub(crate) fn app(&self, name: &str) -> &App {
        self.apps.iter().find(|app| app.name == name).expect("scripts name apps of the estate")
    }

    pub(crate) fn app_mut(&mut self, name: &str) -> &mut App {
        self.apps.iter_mut().find(|app| app.name == name).expect("scripts name apps of the estate")
    }

    fn edit(&mut self, edit: &Edit) {
        self.serial += 1;
        let serial = self.serial;
        let app = self.app_mut(edit.app);
        match &edit.change {
            FolderChange::Put(kind, name) => {
                app.folder.items.insert((*kind, name.clone()), serial);
                app.ever.insert((*kind, name.clone()));
            }
            // A folder whose last object goes is another matter.
            FolderChange::Remove(kind, name) if app.folder.items.len() > 1 => {
                app.folder.items.remove(&(*kind, name.clone()));
            }
            FolderChange::Remove(..) => {}
            FolderChange::Many(true) => {
                let many = (0..bulk::MANY).map(|number| (Kind::ConfigMap, bulk::name(number)));
                app.ever.extend(many.clone());
                app.folder.items.extend(many.map(|item| (item, serial)));
            }
            FolderChange::Many(false) => {
                app.folder.items.retain(|(_, name), _| !bulk::is_one_of_many(name));
            }
            FolderChange::Manner(manner) => app.folder.manner = *manner,
        }
    }
}

impl World {
    /// A cluster with the definitions of both families, a repository, and a process. Call it in a tokio
    /// runtime of one thread whose clock is paused.
    pub(crate) async fn new(seed: u64) -> World {
        // Its name is drawn, and drawn again if another run has it: before chance is set.
        let disk = Disk::new(seed);
        fastrand::seed(seed);
        let clock = Clock::starting_at(BEGINNING.parse().expect("a time"));
        let skew = Rc::new(Cell::new(0));
        let simulation = {
            let (clock, skew) = (clock.clone(), skew.clone());
            belay_cluster::simulate(move || shifted(clock.now(), skew.get()))
        };
        let settings = Settings { clock, seed: Some(seed), ..Settings::default() };
        let local = LocalKube::new(&settings);
        let world = World {
            people: Administrator::new(local.service()),
            gate: Gate::new(seed, &local),
            local,
            faults: Faults::new(seed),
            remote: Remote::new(seed),
            log: Log::default(),
            estate: Estate {
                apps: apps(),
                commits: Vec::new(),
                head: None,
                suspended: BTreeSet::new(),
                strays: BTreeSet::new(),
                storm: Storm::default(),
                witness: Witness::default(),
                rollouts: Rollouts::default(),
                serial: 0,
            },
            watchman: Watchman::default(),
            events: BTreeMap::new(),
            process: None,
            old_pushes: 0,
            disk,
            backup: None,
            held: BTreeSet::new(),
            is_attended: false,
            skew,
            has_dropped_events: false,
            cuts: watch::Sender::new(0),
            _simulation: simulation,
        };
        world.furnish().await;
        world
    }

    /// What is there before Belay.
    async fn furnish(&self) {
        self.estate.rollouts.attend(&self.people);
        let definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        // Only those of kinds that are watched: making a definition takes long.
        let mut kinds: Vec<String> = belay_flux::kinds().map(|kind| kind.kind).into();
        kinds.extend(["Application".to_owned(), "AppProject".to_owned()]);
        let all = belay_argo_api::crds().into_iter().chain(belay_flux_api::crds());
        for definition in
            all.filter(|one| kinds.iter().any(|kind| one["spec"]["names"]["kind"] == kind.as_str()))
        {
            self.people.create(definitions, &definition).await;
        }
        for name in [ARGO_NAMESPACE, FLUX_NAMESPACE, "base", "shop", "attic"] {
            let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            self.people.create("/api/v1/namespaces", &namespace).await;
        }
        let project = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
            "metadata": {"name": "default", "namespace": ARGO_NAMESPACE},
            "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": [{"group": "*", "kind": "*"}]},
        });
        self.people
            .create(&format!("/apis/argoproj.io/v1alpha1/namespaces/{ARGO_NAMESPACE}/appprojects"), &project)
            .await;
        for (name, url) in [("config", CONFIG_URL), ("dead", SILENT_URL)] {
            let source = json!({
                "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository",
                "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
                "spec": {"url": url, "interval": "1m", "ref": {"branch": "main"}},
            });
            let collection =
                format!("/apis/source.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/gitrepositories");
            self.people.create(&collection, &source).await;
        }
        self.remote.add_dead(DEAD_URL);
        self.remote.add_dead(SILENT_URL);
        for namespace in ["base", "shop", "attic"] {
            let foreign = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "foreign"}, "data": {"a": "1"}});
            self.people.create(&Kind::ConfigMap.collection(namespace), &foreign).await;
        }
    }

    /// Starts a process where there is none.
    pub(crate) fn start(&mut self) {
        if self.process.is_none() {
            let (service, folder) = (self.local.service(), &self.disk.path());
            self.process = Some(Process::start(
                service,
                &self.faults,
                &self.log,
                &self.remote,
                folder,
                &self.cuts,
                None,
            ));
        }
    }

    pub(crate) async fn step(&mut self, step: &Step) {
        tracing::debug!(?step, at = %belay_cluster::now(), "step");
        self.watch();
        if let Some(name) = step.name() {
            self.count(&name);
        }
        match step {
            Step::Wait(time) => {
                self.replay_a_push();
                self.pass(*time).await;
            }
            Step::Commit(edits, telling) => self.commit(edits, *telling),
            Step::ForcePush => self.force_push(),
            Step::DeleteBranch => {
                self.estate.head = None;
                self.remote.set_branch(CONFIG_URL, "main", None);
            }
            Step::RestoreBranch => self.restore_branch(),
            Step::Tamper(target, hand) => self.tamper(target, *hand).await,
            Step::Create(app) => self.create(app).await,
            Step::Delete(app, with_objects) => self.delete(app, *with_objects).await,
            Step::Suspend(app, is_suspended) => self.suspend(app, *is_suspended).await,
            Step::Ask(app) => self.ask(app).await,
            Step::Crash(pause) => self.crash(*pause).await,
            Step::Tear(pause) => self.tear(*pause).await,
            Step::LoseFolder => self.disk.lose(),
            Step::FindFolder => self.disk.find(),
            Step::BackUp => self.back_up(),
            Step::Restore => self.restore().await,
            Step::Compact => self.local.compact(),
            Step::ClockJump(seconds) => self.skew.set(self.skew.get() + seconds),
            Step::Storm(gust) => self.storm(*gust).await,
            Step::Hook(app, mishap) => self.hook(app, *mishap).await,
            Step::Terminate => self.terminate().await,
            Step::Weather(troubles) => {
                self.has_dropped_events |= troubles.contains(&Weather::DroppedEvent);
                weather::set(&self.faults, &self.remote, troubles);
            }
            Step::Partition(time) => self.part(*time).await,
            Step::Gate(mood) => self.gate.set_up(&self.people, &script::FOLDERS, *mood).await,
            Step::Calm => self.calm().await,
        }
    }

    fn count(&mut self, name: &str) {
        *self.events.entry(name.to_owned()).or_default() += 1;
    }

    /// Looks at what the process has written since the last look.
    pub(crate) fn watch(&mut self) {
        let given = self.remote.given();
        self.watchman.look(&self.log, &self.estate, &given);
    }

    /// Lets time go by. A process that dies is replaced.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let end = Instant::now() + time;
        loop {
            let faults = self.faults.clone();
            let has_ended = async {
                match &mut self.process {
                    Some(process) => process.ended().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = faults.crashed() => self.crash(RESTART).await,
                () = has_ended => {
                    self.watchman.faults.push("no surrender: the process gave up".to_owned());
                    self.crash(RESTART).await;
                }
                () = sleep_until(end) => return,
            }
        }
    }

    async fn crash(&mut self, pause: Duration) {
        self.kill();
        self.start_after(pause).await;
    }

    /// A crash that takes some of what was written with it.
    async fn tear(&mut self, pause: Duration) {
        self.kill();
        self.disk.tear();
        self.start_after(pause).await;
    }

    fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
            self.count("a crash");
        }
    }

    async fn start_after(&mut self, pause: Duration) {
        tokio::time::sleep(pause).await;
        self.faults.restart();
        self.watchman.restarted();
        self.start();
    }

    fn back_up(&mut self) {
        self.backup = Some(BackedUp {
            cluster: self.local.back_up(),
            presences: self.estate.apps.iter().map(|app| app.presence).collect(),
            suspended: self.estate.suspended.clone(),
            strays: self.estate.strays.clone(),
            storm: self.estate.storm.clone(),
        });
    }

    /// The API server is away, then there again with the state of the backup.
    async fn restore(&mut self) {
        let Some(backup) = self.backup.take() else { return };
        self.count("a backup restored");
        weather::away(&self.faults);
        self.cuts.send_modify(|cuts| *cuts += 1);
        self.pass(AWAY).await;
        self.watch();
        self.local.restore(&backup.cluster);
        for (app, presence) in self.estate.apps.iter_mut().zip(&backup.presences) {
            app.presence = *presence;
        }
        self.estate.suspended.clone_from(&backup.suspended);
        self.estate.strays.clone_from(&backup.strays);
        self.estate.storm.clone_from(&backup.storm);
        self.watchman.rolled_back(self.estate.serial);
        self.watchman.tries.forget();
        self.watchman.claims.restored();
        self.has_dropped_events = false;
        weather::set(&self.faults, &self.remote, &[]);
    }

    /// Nobody reaches the API server for a while; after that there is no other trouble either.
    async fn part(&mut self, time: Duration) {
        weather::part(&self.faults);
        self.cuts.send_modify(|cuts| *cuts += 1);
        self.pass(time).await;
        weather::set(&self.faults, &self.remote, &[]);
    }

    pub(crate) fn commit(&mut self, edits: &[Edit], telling: Telling) {
        for edit in edits {
            self.estate.edit(edit);
            self.count_bulk(edit);
        }
        let estate = &mut self.estate;
        let folders = estate.apps.iter().map(|app| (app.name, app.folder.clone())).collect();
        let (number, date) = (estate.commits.len(), belay_cluster::now().as_second());
        let id = self.remote.commit(CONFIG_URL, number, tree(&estate.apps, &estate.storm), date);
        estate.commits.push((id, folders));
        estate.head = Some(number);
        self.remote.set_branch(CONFIG_URL, "main", estate.commits.last().map(|(id, _)| id.as_str()));
        match telling {
            Telling::Lost => {}
            Telling::Once => self.tell_of_pushes(1),
            Telling::Repeated => {
                self.count("a push told of again and again");
                self.tell_of_pushes(FLOOD);
                self.old_pushes += REPLAYS;
            }
        }
    }

    fn tell_of_pushes(&self, times: usize) {
        if let Some(process) = &self.process {
            (0..times).for_each(|_| process.repository_changed(CONFIG_URL));
        }
    }

    /// What was told of already may be told of again, however old it is.
    fn replay_a_push(&mut self) {
        if self.old_pushes > 0 {
            self.old_pushes -= 1;
            self.tell_of_pushes(1);
        }
    }

    fn count_bulk(&mut self, edit: &Edit) {
        match &edit.change {
            FolderChange::Put(_, name) if name == bulk::HUGE => self.count("an object that no cluster takes"),
            FolderChange::Put(_, name) if name == bulk::HEAVY => {
                self.count("an object with long annotations");
            }
            FolderChange::Many(true) => self.count("a folder of many objects"),
            _ => {}
        }
    }

    /// Apps come or go all at once.
    async fn storm(&mut self, gust: Gust) {
        self.estate.storm.begin();
        self.commit(&[], Telling::Once);
        let mut storm = std::mem::take(&mut self.estate.storm);
        let (made, deleted) = storm.blow(gust, &self.people).await;
        self.estate.storm = storm;
        if made > 0 {
            self.count("many apps created at once");
        }
        if deleted > 0 {
            self.count("many apps deleted at once");
        }
    }

    /// A change whose first hook comes to grief while it runs, if it ever runs.
    async fn hook(&mut self, name: &'static str, mishap: Mishap) {
        if !self.is_attended {
            self.is_attended = true;
            self.estate.witness.attend(&self.people);
        }
        let is_endless = mishap == Mishap::Endless;
        let manner = if is_endless { Manner::Stuck } else { Manner::Sound };
        let put = FolderChange::Put(Kind::ConfigMap, "one".to_owned());
        let edits = [put, FolderChange::Manner(manner)].map(|change| Edit { app: name, change });
        self.restore_branch();
        self.commit(&edits, Telling::Once);
        self.create(name).await;
        for _ in 0..200 {
            if let Some((job, pod)) = hooks::running(&self.people, name).await {
                self.count(&format!("a hook that is {mishap:?}"));
                match mishap {
                    Mishap::Evicted => hooks::evict(&self.people, &pod).await,
                    Mishap::Deleted => {
                        self.watchman.tries.take(&job);
                        self.people.delete(&job).await;
                    }
                    Mishap::Forgotten => self.crash(RESTART).await,
                    Mishap::Endless => {}
                }
                return;
            }
            self.pass(Duration::from_millis(100)).await;
        }
    }

    /// Somebody ends what the app with hooks does, if it does something.
    async fn terminate(&mut self) {
        let path = format!("{}/tasks", self.estate.app("tasks").collection());
        let resource = self.people.get(&path).await;
        if resource["status"]["operationState"]["phase"] == "Running" {
            let patch = json!({"status": {"operationState": {"phase": "Terminating"}}});
            self.people.merge(&path, &patch).await;
            self.count("an operation that is ended");
        }
    }

    /// Ends what the app with hooks does at commits that are not the newest: their hooks may never end, and nothing takes
    /// the place of a running one. What is slow to hear of the newest commit may begin another such operation meanwhile; what
    /// has just heard of it is not disturbed.
    async fn end_what_is_outdated(&mut self) {
        let newest = self.estate.head.map(|head| self.estate.commits[head].0.to_string());
        let path = format!("{}/tasks", self.estate.app("tasks").collection());
        for _ in 0..4 {
            self.pass(Duration::from_secs(30)).await;
            let resource = self.people.get(&path).await;
            let state = &resource["status"]["operationState"];
            let begun = state["syncResult"]["revision"].as_str();
            let revision = begun.or(state["operation"]["sync"]["revision"].as_str());
            if revision.is_some_and(|revision| Some(revision) != newest.as_deref()) {
                self.terminate().await;
            }
        }
        self.pass(Duration::from_secs(30)).await;
    }

    /// Goes back to the commit before: a new serial for nothing, the old content again.
    fn force_push(&mut self) {
        let Some(head) = self.estate.head.filter(|head| *head > 0) else { return };
        let (id, folders) = self.estate.commits[head - 1].clone();
        for app in &mut self.estate.apps {
            app.folder.clone_from(&folders[app.name]);
        }
        self.estate.head = Some(head - 1);
        self.remote.set_branch(CONFIG_URL, "main", Some(&id));
        self.watchman.rolled_back(self.estate.serial);
    }

    pub(crate) fn restore_branch(&mut self) {
        if self.estate.head.is_none() {
            let last = self.estate.commits.len() - 1;
            for app in &mut self.estate.apps {
                app.folder.clone_from(&self.estate.commits[last].1[app.name]);
            }
            self.estate.head = Some(last);
            self.remote.set_branch(CONFIG_URL, "main", Some(&self.estate.commits[last].0));
        }
    }

    async fn tamper(&mut self, target: &Target, hand: Hand) {
        let app = self.estate.app(target.app);
        // Nobody heals a release.
        if app.family == Family::HelmRelease && hand != Hand::Copy {
            return;
        }
        let Some((kind, name)) = app.folder.items.keys().cycle().nth(target.place) else { return };
        let collection = kind.collection(app.namespace());
        let path = format!("{collection}/{name}");
        match hand {
            Hand::Delete => drop(self.people.delete(&path).await),
            Hand::Label => {
                let patch = json!({"metadata": {"labels": {"somebody": "was here"}}});
                self.people.merge(&path, &patch).await;
            }
            Hand::Change => {
                let patch = match kind {
                    Kind::ConfigMap => json!({"data": {"note": "changed by hand"}}),
                    Kind::Secret => json!({"data": {"serial": "Y2hhbmdlZA=="}}),
                    Kind::Deployment => json!({"spec": {"replicas": 3}}),
                    Kind::Widget => json!({"spec": {"serial": "changed by hand"}}),
                };
                self.people.merge(&path, &patch).await;
            }
            Hand::Hold => {
                let patch = json!({"metadata": {"finalizers": [HOLD]}});
                if self.people.merge(&path, &patch).await == 200 {
                    self.held.insert(path);
                    self.count("an object that is held");
                }
            }
            Hand::Copy => {
                let mut copy = self.people.get(&path).await;
                if copy.is_null() || *kind == Kind::Deployment {
                    return;
                }
                let metadata = &copy["metadata"];
                copy["metadata"] = json!({"name": format!("copy-of-{name}"), "namespace": app.namespace(),
                    "labels": metadata["labels"], "annotations": metadata["annotations"]});
                self.people.create(&collection, &copy).await;
            }
        }
    }

    /// Creates an app, unless the one before it still goes.
    async fn create(&mut self, name: &'static str) {
        let app = self.estate.app(name);
        if app.presence != Presence::Present
            && self.people.create(&app.collection(), &app.resource()).await == 201
        {
            // What was deleted until now went with the app of before.
            self.watch();
            self.estate.app_mut(name).presence = Presence::Present;
            self.estate.suspended.remove(name);
        }
    }

    async fn delete(&mut self, name: &'static str, with_objects: bool) {
        let app = self.estate.app(name);
        if app.presence != Presence::Present {
            return;
        }
        let path = format!("{}/{name}", app.collection());
        let with_objects = match app.family {
            Family::HelmRelease => true,
            // Without prune an end takes nothing with it.
            Family::Kustomization => with_objects && app.prunes && !self.estate.suspended.contains(name),
            Family::Application => with_objects,
        };
        let leave = match app.family {
            _ if with_objects => Value::Null,
            Family::Application => json!({"metadata": {"finalizers": null}}),
            _ => json!({"spec": {"deletionPolicy": "Orphan"}}),
        };
        if !leave.is_null() {
            self.people.merge(&path, &leave).await;
        }
        self.people.delete(&path).await;
        let presence = if with_objects { Presence::Gone } else { Presence::Orphaned };
        if !with_objects {
            let left = app.ever.iter().map(|(_, item)| (name.to_owned(), item.clone()));
            let left: Vec<_> = left.collect();
            self.estate.strays.extend(left);
        }
        self.estate.app_mut(name).presence = presence;
        self.watchman.rolled_back(self.estate.serial);
    }

    pub(crate) async fn suspend(&mut self, name: &'static str, is_suspended: bool) {
        let app = self.estate.app(name);
        if app.presence != Presence::Present {
            return;
        }
        let patch = json!({"spec": {"suspend": is_suspended}});
        self.people.merge(&format!("{}/{name}", app.collection()), &patch).await;
        match is_suspended {
            true => self.estate.suspended.insert(name),
            false => self.estate.suspended.remove(name),
        };
    }

    async fn ask(&self, name: &str) {
        let app = self.estate.app(name);
        let annotation = match app.family {
            Family::Application => json!({"argocd.argoproj.io/refresh": "normal"}),
            _ => json!({"reconcile.fluxcd.io/requestedAt": belay_cluster::now().to_string()}),
        };
        let patch = json!({"metadata": {"annotations": annotation}});
        self.people.merge(&format!("{}/{name}", app.collection()), &patch).await;
    }

    async fn calm(&mut self) {
        weather::set(&self.faults, &self.remote, &[]);
        self.gate.open();
        if std::mem::take(&mut self.has_dropped_events) {
            self.forget_the_past().await;
        }
    }

    /// Watches that have missed something break off, and cannot go on where they were.
    async fn forget_the_past(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
        let patch = json!({"data": {"time": belay_cluster::now().to_string()}});
        self.people.merge(&format!("{}/foreign", Kind::ConfigMap.collection("base")), &patch).await;
        self.local.compact();
    }

    /// Everything people could do for a good end: no trouble, sound folders, no app at rest.
    pub(crate) async fn repair(&mut self) {
        self.watch();
        self.calm().await;
        self.disk.find();
        for path in std::mem::take(&mut self.held) {
            self.people.merge(&path, &json!({"metadata": {"finalizers": null}})).await;
        }
        self.restore_branch();
        let edits: Vec<Edit> = self.estate.apps.iter().flat_map(repairs).collect();
        self.commit(&edits, Telling::Once);
        self.end_what_is_outdated().await;
        for _ in 0..20 {
            // Others depend on it.
            self.create("base").await;
            if self.estate.app("base").presence == Presence::Present {
                break;
            }
            self.pass(Duration::from_secs(30)).await;
        }
        for app in std::mem::take(&mut self.estate.suspended) {
            self.suspend(app, false).await;
        }
    }
}

/// What makes a folder one that can be applied.
fn repairs(app: &App) -> Vec<Edit> {
    let edit = |change: FolderChange| Edit { app: app.name, change };
    let mut edits = vec![edit(FolderChange::Manner(Manner::Sound))];
    let huge: Vec<_> = app.folder.items.keys().filter(|(_, name)| name == bulk::HUGE).collect();
    // Hooks run when there is something to apply. And a folder is not left empty.
    if !huge.is_empty() || (app.has_hooks() && app.presence == Presence::Present) {
        edits.push(edit(FolderChange::Put(Kind::ConfigMap, "one".to_owned())));
    }
    edits.extend(huge.into_iter().map(|(kind, name)| edit(FolderChange::Remove(*kind, name.clone()))));
    edits
}

fn shifted(time: Timestamp, seconds: i64) -> Timestamp {
    time.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(time)
}
