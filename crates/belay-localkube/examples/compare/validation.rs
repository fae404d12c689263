//! Objects with one or two odd fields, created and replaced without being kept.

use std::collections::BTreeMap;

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
            ("PUT", format!("{}/live-{name}?dryRun=All", sample.collection))
        } else {
            ("POST", format!("{}?dryRun=All", sample.collection))
        };
        if updates {
            object["metadata"]["name"] = format!("live-{name}").into();
        }
        let expected = real.send(method, &path, JSON, &object).await?;
        let found = embedded.send(method, &path, JSON, &object).await?;
        report.request(format!("{method} {}", sample.kind), !expected.is_success());
        let differences = between(&expected, &found);
        let example = format!("{method} {} {edits:?}", sample.object["metadata"]["name"]);
        if !differences.is_empty() {
            report.differs(&sample.kind, &differences, example);
        }
        if expected.code == 422 {
            keep(&mut recorded, sample, updates, &object, &expected);
        }
    }
    if let Some(path) = &arguments.record {
        let cases: Vec<&Value> = recorded.values().collect();
        let lines: Vec<String> = cases.iter().map(|case| case.to_string()).collect();
        std::fs::write(path, lines.join("\n") + "\n")?;
    }
    Ok(report)
}

/// One case for each pattern of a message.
fn keep(into: &mut BTreeMap<String, Value>, sample: &Sample, updates: bool, object: &Value, answer: &Answer) {
    let causes = answer.body["details"]["causes"].as_array().cloned().unwrap_or_default();
    let key = causes.iter().map(|cause| {
        pattern(&format!(
            "{}: {}",
            cause["field"].as_str().unwrap_or_default(),
            cause["message"].as_str().unwrap_or_default()
        ))
    });
    let key = format!("{} {updates} {}", sample.kind, key.collect::<Vec<_>>().join(", "));
    let message = answer.message();
    into.entry(key).or_insert_with(|| json!({ "sample": sample.object["metadata"]["name"], "update": updates, "object": object, "message": message }));
}

/// The objects that are to be replaced.
async fn prepare(server: &Server, samples: &[Sample]) -> anyhow::Result<()> {
    let definition = Samples::definition()?;
    server.send("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", JSON, &definition).await?;
    let space = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": "compare-limits" } });
    server.send("POST", "/api/v1/namespaces", JSON, &space).await?;
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
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
