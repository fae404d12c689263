//! Many apps at once, as a generator makes them: all there in one moment, all gone in another.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::administrator::Administrator;
use crate::estate::{ARGO_NAMESPACE, CONFIG_URL, FLUX_NAMESPACE, Kind};
use crate::line::Write;

/// How many apps each family gets. Ten thousand would be a storm; these are enough to wait for each other.
const SIZE: usize = 12;
/// Where their objects are.
const NAMESPACE: &str = "storm";
/// The one object that each of them has, after its app's name.
const OBJECT: &str = "one";

/// What a generator does to its apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gust {
    /// All of them are wanted.
    Rise,
    /// Every other one is wanted no more.
    Thin,
    /// None is wanted any more.
    Vanish,
}

impl Gust {
    fn wants(self, number: usize) -> bool {
        match self {
            Gust::Rise => true,
            Gust::Thin => number.is_multiple_of(2),
            Gust::Vanish => false,
        }
    }
}

/// An app of a storm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    is_application: bool,
    number: usize,
}

impl Member {
    fn all() -> impl Iterator<Item = Member> {
        let of = |is_application| (0..SIZE).map(move |number| Member { is_application, number });
        of(true).chain(of(false))
    }

    fn name(self) -> String {
        format!("storm-{}-{}", if self.is_application { "a" } else { "k" }, self.number)
    }

    fn object(self) -> String {
        format!("{}-{OBJECT}", self.name())
    }

    fn collection(self) -> String {
        if self.is_application {
            format!("/apis/argoproj.io/v1alpha1/namespaces/{ARGO_NAMESPACE}/applications")
        } else {
            format!("/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{FLUX_NAMESPACE}/kustomizations")
        }
    }

    fn resource(self) -> Value {
        let (name, prefix) = (self.name(), format!("{}-", self.name()));
        if self.is_application {
            return json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
                "metadata": {"name": name, "namespace": ARGO_NAMESPACE,
                    "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
                "spec": {
                    "project": "default",
                    "source": {"repoURL": CONFIG_URL, "path": "storm", "targetRevision": "main",
                        "kustomize": {"namePrefix": prefix}},
                    "destination": {"server": "https://kubernetes.default.svc", "namespace": NAMESPACE},
                    "syncPolicy": {"automated": {"prune": true, "selfHeal": true},
                        "retry": {"limit": -1, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}}},
                },
            });
        }
        json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": FLUX_NAMESPACE},
            "spec": {"interval": "2m", "retryInterval": "20s", "path": "./storm", "prune": true, "timeout": "1m",
                "sourceRef": {"kind": "GitRepository", "name": "config"}, "targetNamespace": NAMESPACE,
                "namePrefix": prefix},
        })
    }
}

/// The apps of a storm, and which of them are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Storm {
    wanted: BTreeSet<Member>,
    has_been: bool,
}

impl Storm {
    /// The files that all of them are made of, once there was a storm.
    pub(crate) fn files(&self) -> Vec<(&'static str, &'static str)> {
        if !self.has_been {
            return Vec::new();
        }
        vec![
            ("storm/kustomization.yaml", "resources: [one.yaml]\n"),
            ("storm/one.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: one}\ndata: {a: one}\n"),
        ]
    }

    /// From now on there are files for them.
    pub(crate) fn begin(&mut self) {
        self.has_been = true;
    }

    /// What people do when the wind turns: everything in one moment. Gives how many apps they made and how many they
    /// deleted.
    pub(crate) async fn blow(&mut self, gust: Gust, people: &Administrator) -> (usize, usize) {
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        people.create("/api/v1/namespaces", &namespace).await;
        let (mut made, mut deleted) = (0, 0);
        for member in Member::all() {
            let is_there = self.wanted.contains(&member);
            if gust.wants(member.number) && !is_there {
                // The one before it may still be going.
                if people.create(&member.collection(), &member.resource()).await == 201 {
                    self.wanted.insert(member);
                    made += 1;
                }
            } else if !gust.wants(member.number) && is_there {
                people.delete(&format!("{}/{}", member.collection(), member.name())).await;
                self.wanted.remove(&member);
                deleted += 1;
            }
        }
        (made, deleted)
    }

    /// Only what belongs to an app that nobody wants any more is deleted: their folder never loses anything.
    pub(crate) fn deletion(&self, write: &Write) -> Option<String> {
        let name = write.path.strip_prefix(&format!("{}/", Kind::ConfigMap.collection(NAMESPACE)))?;
        let owner = Member::all().find(|member| member.object() == name);
        match owner {
            Some(member) if !self.wanted.contains(&member) => None,
            Some(member) => {
                Some(format!("what Git holds stays: DELETE {name}, and {} is wanted", member.name()))
            }
            None => Some(format!("what is not ours stays: DELETE {name} of the storm")),
        }
    }

    /// What is wrong in the end, with Git at `head`.
    pub(crate) async fn faults(&self, people: &Administrator, head: &str) -> Vec<String> {
        if !self.has_been {
            return Vec::new();
        }
        let mut faults = Vec::new();
        let objects = people.list(&Kind::ConfigMap.collection(NAMESPACE)).await;
        let there: BTreeSet<&str> =
            objects.iter().filter_map(|object| object["metadata"]["name"].as_str()).collect();
        for member in Member::all() {
            let (name, object) = (member.name(), member.object());
            let resource = people.get(&format!("{}/{name}", member.collection())).await;
            let is_wanted = self.wanted.contains(&member);
            if there.contains(object.as_str()) != is_wanted {
                faults.push(format!("{name}: is wanted: {is_wanted}, but its object is not so"));
            }
            match (is_wanted, resource.is_null()) {
                (true, _) => faults.extend(unsaid(member, &resource, head)),
                (false, false) => faults.push(format!("{name}: was deleted and is still there")),
                (false, true) => {}
            }
        }
        faults
    }
}

/// What an app that is wanted does not say.
fn unsaid(member: Member, resource: &Value, head: &str) -> Option<String> {
    let status = &resource["status"];
    let is_good = if member.is_application {
        status["sync"]["status"] == "Synced"
            && status["health"]["status"] == "Healthy"
            && status["sync"]["revision"] == head
    } else {
        let applied = status["lastAppliedRevision"].as_str().unwrap_or_default();
        let mut conditions = status["conditions"].as_array().into_iter().flatten();
        applied.ends_with(head)
            && conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
    };
    (!is_good).then(|| format!("{}: says {status}; Git is at {head}", member.name()))
}
