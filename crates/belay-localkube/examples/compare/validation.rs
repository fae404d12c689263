//! Objects with one or two odd fields, created and replaced without being kept.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::Arguments;
use crate::difference::{between, pattern};
use crate::edit::Editor;
use crate::report::Report;
use crate::sample::{Sample, Samples};
use crate::server::{Answer, Server};

const JSON: &str = "application/json";

pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<Report> {
    let (real, embedded) = (Server::real(&arguments.kubeconfig).await?, Server::embedded());
    let samples = Samples::read(&arguments.kinds)?;
    let mut recorded = BTreeMap::new();
    for server in [&real, &embedded] {
        prepare(server, &samples.all).await?;
    }
    let mut random = StdRng::seed_from_u64(arguments.seed);
    let mut report = Report::default();
    for _ in 0..arguments.cases {
        let sample = samples.all.choose(&mut random).context("no such kind")?;
        let (document, schema) = samples.schema(sample);
        let mut object = sample.object.clone();
        let mut edits = Vec::new();
        for _ in 0..random.random_range(1..=2) {
            let mut editor = Editor { document, random: &mut random, bad: arguments.bad };
            edits.push(editor.edit(&mut object, schema));
        }
        let updates = random.random_bool(0.4);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let (method, path) = if updates {
            ("PUT", format!("{}/{}?dryRun=All", sample.collection, live_name(&name)))
        } else {
            ("POST", format!("{}?dryRun=All", sample.collection))
        };
        if updates {
            object["metadata"]["name"] = live_name(&name).into();
        }
        let expected = real.send(method, &path, JSON, &object).await?;
        let found = embedded.send(method, &path, JSON, &object).await?;
        report.request(format!("{method} {}", sample.kind), !expected.is_success());
        let differences = between(&expected, &found);
        let example = format!("{method} {} {edits:?}", sample.object["metadata"]["name"]);
        if !differences.is_empty() {
            report.differs(&sample.kind, &differences, example);
        }
        if expected.code == 422 && differences.is_empty() {
            keep(&mut recorded, sample, updates, &object, &expected);
        }
    }
    if let Some(path) = &arguments.record {
        write(&recorded, path)?;
    }
    Ok(report)
}

/// The cases that are short enough to be read, a line each, compressed.
fn write(recorded: &BTreeMap<String, Value>, path: &Path) -> anyhow::Result<()> {
    let mut encoder =
        flate2::GzBuilder::new().mtime(0).write(std::fs::File::create(path)?, flate2::Compression::best());
    for line in recorded.values().map(Value::to_string).filter(|line| line.len() <= 1000) {
        writeln!(encoder, "{line}")?;
    }
    encoder.finish()?;
    Ok(())
}

/// One case for each pattern of a message; only new objects of built-in kinds, which need nothing beside them.
fn keep(into: &mut BTreeMap<String, Value>, sample: &Sample, updates: bool, object: &Value, answer: &Answer) {
    // What a Service or a Job is given by the server is part of what is said about it.
    if updates || ["Widget", "Service", "Job", "HorizontalPodAutoscaler"].contains(&sample.kind.as_str()) {
        return;
    }
    let message = answer.message();
    if crate::difference::is_dump(message) || message.len() > 1500 {
        return;
    }
    let causes = answer.body["details"]["causes"].as_array().cloned().unwrap_or_default();
    let text = |cause: &Value, name: &str| cause[name].as_str().unwrap_or_default().to_owned();
    let key =
        causes.iter().map(|cause| pattern(&format!("{}: {}", text(cause, "field"), text(cause, "message"))));
    let key = format!("{} {}", sample.kind, key.collect::<Vec<_>>().join(", "));
    let resource = sample.collection.rsplit('/').next().unwrap_or_default();
    into.entry(key).or_insert_with(|| json!({ "resource": resource, "object": object, "message": message }));
}

/// A name that no earlier run has taken: what was deleted may stay for long.
fn live_name(name: &str) -> String {
    format!("live{}-{name}", std::process::id())
}

/// The objects that are to be replaced.
async fn prepare(server: &Server, samples: &[Sample]) -> anyhow::Result<()> {
    prepare_kinds(server).await?;
    for sample in samples {
        let name = format!("live-{}", sample.object["metadata"]["name"].as_str().unwrap_or_default());
        server
            .send("DELETE", &format!("{}/{name}?gracePeriodSeconds=0", sample.collection), JSON, &Value::Null)
            .await?;
        let mut object = sample.object.clone();
        object["metadata"]["name"] = name.as_str().into();
        let made = server.send("POST", &sample.collection, JSON, &object).await?;
        if !made.is_success() {
            crate::say(&format!("{name}: {} {}", made.code, made.message()));
        }
    }
    Ok(())
}

/// The custom kind, and the namespace of what limits others.
pub(crate) async fn prepare_kinds(server: &Server) -> anyhow::Result<()> {
    let definition = Samples::definition()?;
    server.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON, &definition).await?;
    let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "compare-limits" } });
    server.send("POST", "/api/v1/namespaces", JSON, &space).await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    Ok(())
}
