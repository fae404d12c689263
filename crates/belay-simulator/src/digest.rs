//! The end of a run in a few lines: what is in the cluster, without what chance and time have put there.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::check::resource_path;
use crate::estate::{Family, KINDS};
use crate::world::World;

/// What a world has come to: a line for each object, by its place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Digest(BTreeMap<String, String>);

impl Digest {
    pub(crate) async fn of(world: &World) -> Digest {
        let mut lines = BTreeMap::new();
        for (kind, _, path) in KINDS {
            for object in world.people.list(path).await {
                let metadata = &object["metadata"];
                let text = |name: &str| metadata[name].as_str().unwrap_or_default().to_owned();
                if text("name").starts_with("sh.helm.release") {
                    continue;
                }
                let line =
                    json!([object["data"], object["spec"], metadata["labels"], metadata["annotations"]]);
                lines.insert(
                    format!("{kind:?} {}/{}", text("namespace"), text("name")),
                    without_revisions(&line),
                );
            }
        }
        for app in &world.estate.apps {
            let resource = world.people.get(&resource_path(app)).await;
            let status = &resource["status"];
            let line = match app.family {
                Family::Application => json!([
                    status["sync"]["status"],
                    status["sync"]["revision"],
                    status["health"]["status"],
                    status["resources"],
                    resource["metadata"]["finalizers"],
                    resource["operation"],
                ]),
                Family::Kustomization => json!([
                    status["lastAppliedRevision"],
                    status["inventory"],
                    conditions(status),
                    resource["metadata"]["finalizers"],
                ]),
                Family::HelmRelease => {
                    json!([
                        conditions(status),
                        status["lastAttemptedRevision"],
                        resource["metadata"]["finalizers"]
                    ])
                }
            };
            lines.insert(format!("app {}", app.name), line.to_string());
        }
        Digest(lines)
    }

    /// What differs, for people.
    pub(crate) fn differences(&self, other: &Digest) -> Vec<String> {
        let mut places: Vec<&String> = self.0.keys().chain(other.0.keys()).collect();
        places.sort();
        places.dedup();
        let none = "nothing".to_owned();
        let line = |digest: &Digest, place: &String| digest.0.get(place).unwrap_or(&none).clone();
        let differing = places.into_iter().filter(|place| self.0.get(*place) != other.0.get(*place));
        differing
            .map(|place| format!("{place}: {} instead of {}", line(other, place), line(self, place)))
            .collect()
    }
}

/// How often a Deployment was rolled out depends on who looked when.
fn without_revisions(line: &Value) -> String {
    let mut line = line.clone();
    if let Some(annotations) = line.pointer_mut("/3").and_then(Value::as_object_mut) {
        annotations.remove("deployment.kubernetes.io/revision");
    }
    line.to_string()
}

fn conditions(status: &Value) -> Vec<Value> {
    let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
    conditions.iter().map(|condition| json!([condition["type"], condition["status"]])).collect()
}
