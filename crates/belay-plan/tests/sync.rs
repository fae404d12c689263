//! Syncs as short plays: what Git and the cluster hold, what happens turn by turn, and what the sync does and says.
//!
//! A file of `tests/sync/` has the objects (`git:`, `live:`, as kind/name with annotations), settings, and `turns:` of
//! what is expected; in between, requests succeed or fail as `answers:` say, and objects take on the health that
//! `health:` says. Messages and orders are those of gitops-engine's sync context.

#![expect(clippy::unwrap_used, reason = "a play that cannot be read fails its test")]

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{
    Action, Batch, Code, Health, Next, Pair, Phase, Progress, Purpose, Settings, Stand, Task, TaskResult,
    Turn, Write, is_hook, tasks,
};
use serde_json::{Value, json};

struct World {
    git: Vec<Arc<Object>>,
    live: BTreeMap<ObjectKey, Arc<Object>>,
    results: HashMap<(ObjectKey, Phase), TaskResult>,
    health: Value,
    refuses: Value,
    settings: Settings,
    uid: usize,
}

#[test]
fn every_play_ends_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sync");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let play: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).expect(&name);
        let mut world = World::new(&play);
        let mut seen: Vec<Value> = Vec::new();
        for turn in play["turns"].as_array().unwrap() {
            world.change(&turn["then"]);
            seen.push(json!(world.turn()));
        }
        let expected: Vec<&Value> =
            play["turns"].as_array().unwrap().iter().map(|turn| &turn["expect"]).collect();
        assert_eq!(json!(seen), json!(expected), "{name}");
    }
}

fn object(text: &str, annotations: &Value, uid: usize) -> Arc<Object> {
    let (kind, name) = text.split_once('/').unwrap();
    let api_version = match kind {
        "Job" => "batch/v1",
        "Deployment" => "apps/v1",
        "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
        "Thing" => "x.io/v1",
        _ => "v1",
    };
    let namespace = if matches!(kind, "Namespace" | "CustomResourceDefinition") { "" } else { "shop" };
    let mut value = json!({"apiVersion": api_version, "kind": kind,
        "metadata": {"name": name, "namespace": namespace, "annotations": annotations, "uid": uid.to_string()}});
    if kind == "CustomResourceDefinition" {
        value["spec"] = json!({"group": "x.io", "names": {"kind": "Thing"}});
    }
    Arc::new(Object::new(value).unwrap())
}

fn listed(value: &Value) -> Vec<Arc<Object>> {
    let entries = value.as_object().into_iter().flatten();
    entries.enumerate().map(|(uid, (text, annotations))| object(text, annotations, uid)).collect()
}

impl World {
    fn new(play: &Value) -> World {
        let is = |name: &str| play["settings"][name] == true;
        let settings = Settings {
            prune: is("prune"),
            prune_last: is("pruneLast"),
            skip_hooks: is("skipHooks"),
            confirmed: is("confirmed"),
            prune_option: play["settings"]["pruneOption"].as_str().map(str::to_owned),
            validate: true,
            namespace: "shop".into(),
            revision: "0123456789".into(),
            started: 1000,
            hook_mark: None,
            ..Settings::default()
        };
        World {
            git: listed(&play["git"]),
            live: listed(&play["live"]).into_iter().map(|object| (object.key(), object)).collect(),
            results: HashMap::new(),
            health: play["health"].clone(),
            refuses: play["refuses"].clone(),
            settings,
            uid: 100,
        }
    }

    fn change(&mut self, change: &Value) {
        for (name, health) in change["health"].as_object().into_iter().flatten() {
            self.health[name] = health.clone();
        }
        for gone in change["gone"].as_array().into_iter().flatten() {
            let name = gone.as_str().unwrap();
            self.live.retain(|key, _| format!("{}/{}", key.kind, key.name) != name);
        }
        if change["confirmed"] == true {
            self.settings.confirmed = true;
        }
    }

    /// One look: what is done, in order, and the word at its end.
    fn turn(&mut self) -> Vec<String> {
        let mut done = Vec::new();
        let hooks: Vec<Arc<Object>> = self.git.iter().filter(|object| is_hook(object)).cloned().collect();
        let mut pairs: Vec<Pair> = self
            .git
            .iter()
            .filter(|object| !is_hook(object))
            .map(|object| Pair {
                key: object.key(),
                target: Some(object.clone()),
                live: self.live.get(&object.key()).cloned(),
            })
            .collect();
        let named: Vec<ObjectKey> = self.git.iter().map(|object| object.key()).collect();
        for (key, live) in self.live.iter().filter(|(key, _)| !named.contains(key)) {
            pairs.push(Pair { key: key.clone(), target: None, live: Some(live.clone()) });
        }
        let settings = self.settings.clone();
        let live = |key: &ObjectKey| self.live.get(key).cloned();
        let made = tasks(&pairs, &hooks, None, &live, &self.results, &settings);
        let mut progress = Progress::new(made, &settings);
        let health = self.health.clone();
        let judged = move |object: &Object| judge(&health, object);
        let turn = progress.advance(&judged, &|_| true);
        self.clean_up(&progress, &turn, &mut done);
        let mut next = turn.next;
        while let Next::Run(batch) = &next {
            let batch = batch.clone();
            let waits = self.run(&mut progress, &batch, &mut done);
            let turn = progress.settle(&batch, waits);
            self.clean_up(&progress, &turn, &mut done);
            next = turn.next;
        }
        for task in &progress.tasks {
            self.results.insert((task.key.clone(), task.phase), task.result.clone());
        }
        done.push(match next {
            Next::Wait(message) => message,
            Next::Finish { end, message } => format!("{end:?}: {message}"),
            Next::Run(_) => unreachable!("the loop ran it"),
        });
        done
    }

    fn clean_up(&mut self, progress: &Progress<'_>, turn: &Turn, done: &mut Vec<String>) {
        for place in &turn.delete {
            done.push(format!("delete {}", said(&progress.tasks[*place])));
            self.live.remove(&progress.tasks[*place].key);
        }
    }

    fn run(&mut self, progress: &mut Progress<'_>, batch: &Batch, done: &mut Vec<String>) -> bool {
        if let Purpose::SyncFail { .. } = batch.purpose {
            done.push("on failure:".into());
        }
        let writes = batch
            .tasks
            .iter()
            .filter(|place| !progress.tasks[**place].is_prune())
            .map(|place| (*place, Action::Write(Write::Nothing { server_side: false })));
        let Some(stages) = progress.stages(batch, writes.collect()) else { return true };
        for stage in stages {
            let mut waits = false;
            let mut failed = false;
            for (place, action) in stage.actions {
                let task = &mut progress.tasks[place];
                let name = said(task);
                let refused = self.refuses[&name].as_str();
                match (&action, refused) {
                    (Action::Write(_), Some(reason)) => {
                        failed = true;
                        task.note(Some(Code::SyncFailed), Stand::Failed, reason);
                    }
                    (Action::Write(_), None) => {
                        self.uid += 1;
                        let object = task.target.clone().unwrap();
                        self.live.insert(task.key.clone(), object);
                        task.note(Some(Code::Synced), Stand::Running, format!("{name} applied"));
                        done.push(format!("apply {name}"));
                    }
                    (Action::Prune { .. }, _) => {
                        self.live.remove(&task.key);
                        task.note(Some(Code::Pruned), Stand::Succeeded, "pruned");
                        done.push(format!("prune {name}"));
                    }
                    (Action::Keep(reason), _) => {
                        task.note(Some(Code::PruneSkipped), Stand::Succeeded, *reason);
                        done.push(format!("keep {name}: {reason}"));
                    }
                    (Action::DeleteHook { .. }, _) => {
                        waits = true;
                        self.live.remove(&task.key);
                        done.push(format!("delete {name}"));
                    }
                    (Action::Release, _) => done.push(format!("release {name}")),
                    (Action::Refuse(_), _) => unreachable!("none was asked for"),
                }
            }
            if stage.is_gate && (waits || failed) {
                return waits;
            }
        }
        false
    }
}

fn said(task: &Task) -> String {
    format!("{}/{}", task.key.kind, task.key.name)
}

fn judge(health: &Value, object: &Object) -> Health {
    let known = &health[&format!("{}/{}", object.kind(), object.name())];
    let (word, message) = known
        .as_str()
        .unwrap_or_default()
        .split_once(": ")
        .unwrap_or((known.as_str().unwrap_or_default(), ""));
    match word {
        "Healthy" => Health::Healthy(message.into()),
        "Progressing" => Health::Progressing(message.into()),
        "Degraded" => Health::Degraded(message.into()),
        _ => Health::None,
    }
}
