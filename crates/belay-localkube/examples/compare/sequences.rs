//! Lives of objects: created, then edited by several managers by update, patch and apply.

use std::collections::BTreeMap;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use crate::Arguments;
use crate::difference::{between, comparable};
use crate::edit::Editor;
use crate::report::Report;
use crate::sample::{Sample, Samples};
use crate::server::Server;

pub(crate) const MANAGERS: [&str; 3] = ["one", "two", "three"];
pub(crate) const STEPS: usize = 5;

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let (real, embedded) = (Server::real(&arguments.kubeconfig).await?, Server::embedded());
    let samples = Samples::read(&arguments.kinds)?;
    for server in [&real, &embedded] {
        crate::validation::prepare_kinds(server).await?;
    }
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut report = Report::default();
    for case in 0..arguments.cases {
        let sample = samples.all.choose(&mut random).context("no such kind")?;
        let life = Life { real: &real, embedded: &embedded, samples: &samples, sample, bad: arguments.bad };
        life.live(case, &mut random, &mut report).await?;
    }
    Ok(report)
}

/// Where an object lives, and which one.
pub(crate) struct Life<'a> {
    pub(crate) real: &'a Server,
    pub(crate) embedded: &'a Server,
    pub(crate) samples: &'a Samples,
    pub(crate) sample: &'a Sample,
    pub(crate) bad: u32,
}

/// One write.
pub(crate) struct Step {
    pub(crate) verb: &'static str,
    pub(crate) method: &'static str,
    pub(crate) media: &'static str,
    pub(crate) query: String,
    pub(crate) body: Value,
}

impl Life<'_> {
    async fn live(&self, case: usize, random: &mut StdRng, report: &mut Report) -> anyhow::Result<()> {
        let name = self.name(case);
        let mut wanted = self.sample.object.clone();
        wanted["metadata"]["name"] = name.as_str().into();
        let mut applied: BTreeMap<&str, Value> = BTreeMap::new();
        let mut live = Value::Null;
        for number in 0..=STEPS {
            let step = self.step(number, &mut wanted, &live, &mut applied, random);
            let collection = &self.sample.collection;
            let path = if step.method == "POST" {
                format!("{collection}?{}", step.query)
            } else {
                format!("{collection}/{name}?{}", step.query)
            };
            let expected = self.real.send(step.method, &path, step.media, &step.body).await?;
            let found = self.embedded.send(step.method, &path, step.media, &step.body).await?;
            report.request(format!("{} {}", step.verb, self.sample.kind), !expected.is_success());
            report.feature(step.verb);
            let differences = between(&expected, &found);
            if !differences.is_empty() {
                let example = format!("case {case} step {number} {} {name} {}", step.verb, short(&step.body));
                report.differs(&format!("{} {}", self.sample.kind, step.verb), &differences, example);
                break;
            }
            if expected.is_success() {
                live = expected.body;
                wanted = without_server_fields(&live);
            } else if live.is_null() {
                break;
            } else {
                wanted = without_server_fields(&live);
            }
        }
        self.clean(&name).await
    }

    /// The name of the object.
    pub(crate) fn name(&self, case: usize) -> String {
        let own = self.sample.object["metadata"]["name"].as_str().unwrap_or_default();
        // The API's own services are named after what they serve.
        if self.sample.kind == "APIService" {
            own.to_owned()
        } else {
            format!("c{}-{case}-{own}", std::process::id())
        }
    }

    pub(crate) fn step(
        &self,
        number: usize,
        wanted: &mut Value,
        live: &Value,
        applied: &mut BTreeMap<&'static str, Value>,
        random: &mut StdRng,
    ) -> Step {
        let manager = MANAGERS.choose(random).copied().unwrap_or("one");
        let before = wanted.clone();
        self.edit(wanted, random);
        let manager_query = format!("fieldManager={manager}");
        if number == 0 {
            if random.random_bool(0.5) {
                return Step {
                    verb: "create",
                    method: "POST",
                    media: "application/json",
                    query: manager_query,
                    body: wanted.clone(),
                };
            }
            applied.insert(manager, wanted.clone());
            return apply(wanted.clone(), manager_query, false);
        }
        match random.random_range(0..6) {
            0 => {
                let mut body = wanted.clone();
                body["metadata"]["resourceVersion"] = Value::Null;
                // Versions differ from server to server, so only kinds that need none are replaced.
                if self.sample.needs_version() {
                    return merge(&before, wanted, manager_query);
                }
                Step { verb: "update", method: "PUT", media: "application/json", query: manager_query, body }
            }
            1 => merge(&before, wanted, manager_query),
            2 if !self.sample.is_custom() => Step {
                verb: "strategic",
                media: "application/strategic-merge-patch+json",
                ..merge(&before, wanted, manager_query)
            },
            _ => {
                let (body, force) = self.applied(manager, live, applied, random);
                applied.insert(manager, body.clone());
                apply(body, manager_query, force)
            }
        }
    }

    /// What a manager applies next, and whether by force: what it applied before, edited, or a part of what is there.
    pub(crate) fn applied(
        &self,
        manager: &str,
        live: &Value,
        applied: &BTreeMap<&'static str, Value>,
        random: &mut StdRng,
    ) -> (Value, bool) {
        let mut body = match applied.get(manager) {
            Some(own) if random.random_bool(0.7) => own.clone(),
            _ => part(&without_server_fields(live), random),
        };
        self.edit(&mut body, random);
        for field in ["apiVersion", "kind"] {
            body[field] = self.sample.object[field].clone();
        }
        body["metadata"]["name"] = live["metadata"]["name"].clone();
        (body, random.random_bool(0.4))
    }

    fn edit(&self, object: &mut Value, random: &mut StdRng) {
        let (document, schema) = self.samples.schema(self.sample);
        let mut editor = Editor { document, random, bad: self.bad };
        editor.edit(object, schema);
    }

    pub(crate) async fn clean(&self, name: &str) -> anyhow::Result<()> {
        let path = format!("{}/{name}", self.sample.collection);
        let free = json!({ "metadata": { "finalizers": null } });
        for server in [self.real, self.embedded] {
            server
                .send(
                    "DELETE",
                    &format!("{path}?gracePeriodSeconds=0&propagationPolicy=Background"),
                    "application/json",
                    &Value::Null,
                )
                .await?;
            server.send("PATCH", &path, "application/merge-patch+json", &free).await?;
        }
        Ok(())
    }
}

fn apply(body: Value, query: String, force: bool) -> Step {
    let query = format!("{query}&force={force}");
    let verb = if force { "apply --force" } else { "apply" };
    Step { verb, method: "PATCH", media: "application/apply-patch+yaml", query, body }
}

fn merge(before: &Value, after: &Value, query: String) -> Step {
    let body = patch_between(before, after);
    Step { verb: "merge", method: "PATCH", media: "application/merge-patch+json", query, body }
}

/// The merge patch that leads from one value to another.
fn patch_between(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for (name, value) in new {
        if old.get(name) != Some(value) {
            let inner = old.get(name).map_or_else(|| value.clone(), |old| patch_between(old, value));
            patch.insert(name.clone(), inner);
        }
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// Some fields of an object, at any depth.
fn part(object: &Value, random: &mut StdRng) -> Value {
    match object {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                if random.random_bool(0.6) || name == "name" || name == "key" || name == "port" {
                    kept.insert(name.clone(), part(value, random));
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| part(item, random)).collect()),
        other => other.clone(),
    }
}

/// An object as somebody would write it who read it.
pub(crate) fn without_server_fields(object: &Value) -> Value {
    let mut object = comparable(object);
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in ["managedFields", "generation", "namespace", "selfLink"] {
            metadata.shift_remove(name);
        }
    }
    object
}

pub(crate) fn short(body: &Value) -> String {
    body.to_string().chars().take(400).collect()
}
