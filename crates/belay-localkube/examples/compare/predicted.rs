//! Server-side applies computed in process, beside what a real API server answers to a dry run of them.
//!
//! An object lives on the real server alone, written by several managers in every way. After each write somebody's apply
//! is tried: what it would yield, conflicts included, is computed from the live object and must be the answer.

use std::collections::BTreeMap;
use std::io::Write as _;

use anyhow::Context as _;
use belay_schema::managed::{ApplyError, Write, predict};
use belay_schema::{KindSchema, Registry};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

use crate::Arguments;
use crate::difference::between;
use crate::report::Report;
use crate::sample::{Sample, Samples};
use crate::sequences::{Life, MANAGERS, STEPS, short};
use crate::server::{Answer, Server};

/// The time of every write, as it is recorded.
const NOW: &str = "2026-01-01T00:00:00Z";

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let (real, embedded) = (Server::real(&arguments.kubeconfig).await?, Server::embedded());
    let samples = Samples::read(&arguments.kinds)?;
    crate::validation::prepare_kinds(&real).await?;
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut trial = Trial {
        real: &real,
        wanted: arguments.cases,
        report: Report::default(),
        done: 0,
        record: arguments.record.is_some().then(Vec::new),
    };
    let mut life = 0;
    while trial.done < arguments.cases {
        let sample = samples.all.choose(&mut random).context("no such kind")?;
        let living = Life { real: &real, embedded: &embedded, samples: &samples, sample, bad: arguments.bad };
        trial.live(&living, life, &mut random).await?;
        life += 1;
    }
    if let (Some(file), Some(lines)) = (&arguments.record, &trial.record) {
        let file = std::fs::File::create(file)?;
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::best());
        for line in lines {
            writeln!(packed, "{line}")?;
        }
        packed.finish()?;
    }
    Ok(trial.report)
}

struct Trial<'a> {
    real: &'a Server,
    wanted: usize,
    report: Report,
    done: usize,
    record: Option<Vec<Value>>,
}

impl Trial<'_> {
    async fn live(&mut self, life: &Life<'_>, number: usize, random: &mut StdRng) -> anyhow::Result<()> {
        let sample = life.sample;
        let schema = schema_of(sample)?;
        let name = life.name(number);
        let mut wanted = sample.object.clone();
        wanted["metadata"]["name"] = name.as_str().into();
        let mut applied: BTreeMap<&str, Value> = BTreeMap::new();
        let mut live = Value::Null;
        for step in 0..=STEPS {
            let step = life.step(step, &mut wanted, &live, &mut applied, random);
            let path = match step.method {
                "POST" => format!("{}?{}", sample.collection, step.query),
                _ => format!("{}/{name}?{}", sample.collection, step.query),
            };
            let answer = self.real.send(step.method, &path, step.media, &step.body).await?;
            if answer.is_success() {
                live = answer.body;
            } else if live.is_null() {
                break;
            }
            wanted = crate::sequences::without_server_fields(&live);
            self.attempt(life, &schema, &name, &live, &applied, random).await?;
            if self.done >= self.wanted {
                break;
            }
        }
        life.clean(&name).await
    }

    /// One apply that is tried and predicted.
    async fn attempt(
        &mut self,
        life: &Life<'_>,
        schema: &KindSchema,
        name: &str,
        live: &Value,
        applied: &BTreeMap<&'static str, Value>,
        random: &mut StdRng,
    ) -> anyhow::Result<()> {
        let manager = MANAGERS.choose(random).copied().unwrap_or("one");
        let (body, force) = life.applied(manager, live, applied, random);
        let path =
            format!("{}/{name}?dryRun=All&fieldManager={manager}&force={force}", life.sample.collection);
        let answer = self.real.send("PATCH", &path, "application/apply-patch+yaml", &body).await?;
        let verb = if force { "apply --force" } else { "apply" };
        // What is invalid is told by validation, which is compared elsewhere.
        if answer.code == 422 || answer.code == 403 {
            self.report.feature("refused by validation, not predicted");
            return Ok(());
        }
        self.done += 1;
        self.report.request(format!("{verb} {}", life.sample.kind), !answer.is_success());
        self.report.feature(verb);
        let write = Write { manager, now: NOW, subresource: "" };
        let mut given = body.clone();
        if let Some(metadata) = given["metadata"].as_object_mut() {
            metadata.shift_remove("namespace");
        }
        let predicted = match predict(schema, Some(live), &given, &write, force) {
            Ok(object) => Answer { code: 200, body: object },
            Err(error) => refusal(&error),
        };
        let differences = between(&without_counter(&answer), &without_counter(&predicted));
        if !differences.is_empty() {
            let example = format!("{name} by {manager}: {}\n    live {}", short(&body), short(live));
            self.report.differs(&format!("{} {verb}", life.sample.kind), &differences, example);
        }
        if let Some(lines) = &mut self.record {
            let mut line = json!({
                "apiVersion": life.sample.object["apiVersion"], "kind": life.sample.kind,
                "crd": life.sample.is_custom(), "live": at_one_time(live), "verb": "apply", "manager": manager,
                "force": force, "body": body,
            });
            if answer.is_success() {
                line["object"] = at_one_time(&answer.body);
            } else {
                line["error"] = json!({ "code": answer.code, "message": answer.message() });
            }
            lines.push(line);
        }
        Ok(())
    }
}

fn schema_of(sample: &Sample) -> anyhow::Result<std::sync::Arc<KindSchema>> {
    let api_version = sample.object["apiVersion"].as_str().unwrap_or_default();
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    if sample.is_custom() {
        let definition = Samples::definition()?;
        return Ok(std::sync::Arc::new(KindSchema::from_crd_version(&definition, version)?));
    }
    Registry::builtin().kind(group, version, &sample.kind).context("no such kind")
}

fn refusal(error: &ApplyError) -> Answer {
    let code = match error {
        ApplyError::Conflict(_) => 409,
        ApplyError::BadRequest(_) => 400,
        _ => 500,
    };
    Answer { code, body: json!({ "message": error.to_string() }) }
}

/// How often an object was changed is counted when it is stored.
fn without_counter(answer: &Answer) -> Answer {
    let mut answer = answer.clone();
    if let Some(metadata) = answer.body["metadata"].as_object_mut() {
        metadata.shift_remove("generation");
    }
    answer
}

fn at_one_time(object: &Value) -> Value {
    let mut object = object.clone();
    let entries = object.pointer_mut("/metadata/managedFields").and_then(Value::as_array_mut);
    for entry in entries.into_iter().flatten() {
        entry["time"] = NOW.into();
    }
    object
}
