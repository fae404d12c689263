//! `cargo xtask record openapi`: ask a real API server what its built-in kinds look like, and keep the facts.
//!
//! Kept are names, types, formats, defaults, enums, list and map types, merge keys and discovery. Descriptions are
//! left out. How Go encodes each field (`record/gofields`) is added, since OpenAPI does not tell it.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value, json};

const REFERENCE: &str = "#/components/schemas/";

/// `cargo xtask record openapi`
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The API server to ask, an empty one: its own kinds only. `cargo xtask apiserver up` makes one.
    #[arg(long)]
    kubeconfig: PathBuf,
    /// kubectl's path.
    #[arg(long, default_value = "kubectl")]
    kubectl: PathBuf,
    /// The file that is written.
    #[arg(long, default_value = "crates/belay-schema/data/kubernetes-1.34.json.gz")]
    out: PathBuf,
}

/// Record discovery and OpenAPI v3 of an API server.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let api = Api { kubectl: &arguments.kubectl, kubeconfig: &arguments.kubeconfig };
    let mut definitions = Map::new();
    let mut resources = Map::new();
    let groups = api.get("/apis")?["groups"].take();
    for path in group_version_paths(&groups) {
        let list = api.get(&format!("/{path}"))?;
        let group_version = list["groupVersion"].as_str().context("groupVersion")?.to_owned();
        resources.insert(group_version, list["resources"].clone());
        let document = api.get(&format!("/openapi/v3/{path}"))?;
        add_definitions(&document, &mut definitions);
    }
    definitions.sort_keys();
    let encoding = encoding_of(&definitions)?;
    let facts = json!({
        "version": facts_of_version(&api.get("/version")?),
        "groups": groups,
        "resources": resources,
        "definitions": definitions,
        "encoding": encoding,
    });
    write_compressed(&facts, &arguments.out)
}

/// The API as kubectl reads it, so that this program needs no client of its own.
struct Api<'a> {
    kubectl: &'a Path,
    kubeconfig: &'a Path,
}

impl Api<'_> {
    fn get(&self, path: &str) -> Result<Value> {
        let output = Command::new(self.kubectl)
            .arg("--kubeconfig")
            .arg(self.kubeconfig)
            .args(["get", "--raw", path])
            .output()
            .context("running kubectl (give its path with --kubectl)")?;
        if !output.status.success() {
            bail!("GET {path}: {}", String::from_utf8_lossy(&output.stderr));
        }
        serde_json::from_slice(&output.stdout).with_context(|| format!("GET {path}"))
    }
}

fn group_version_paths(groups: &Value) -> Vec<String> {
    let mut paths = vec!["api/v1".to_owned()];
    for group in groups.as_array().into_iter().flatten() {
        for version in group["versions"].as_array().into_iter().flatten() {
            paths.extend(version["groupVersion"].as_str().map(|text| format!("apis/{text}")));
        }
    }
    paths
}

fn add_definitions(document: &Value, into: &mut Map<String, Value>) {
    for (name, definition) in document["components"]["schemas"].as_object().into_iter().flatten() {
        if !into.contains_key(name) {
            into.insert(name.clone(), schema_facts(definition));
        }
    }
}

/// A schema without its prose; `properties` maps names to schemas, so a field called `description` stays.
fn schema_facts(schema: &Value) -> Value {
    let Some(object) = schema.as_object() else { return schema.clone() };
    let mut kept = Map::new();
    for (key, value) in object {
        match key.as_str() {
            "description" | "title" | "externalDocs" | "example" => {}
            "$ref" => {
                let name = value.as_str().unwrap_or_default().trim_start_matches(REFERENCE);
                kept.insert(key.clone(), json!(name));
            }
            "properties" => {
                let fields = value.as_object().into_iter().flatten();
                let fields = fields.map(|(name, field)| (name.clone(), schema_facts(field))).collect();
                kept.insert(key.clone(), Value::Object(fields));
            }
            "items" | "additionalProperties" | "not" => {
                kept.insert(key.clone(), schema_facts(value));
            }
            "allOf" | "oneOf" | "anyOf" => {
                let parts = value.as_array().into_iter().flatten().map(schema_facts).collect();
                kept.insert(key.clone(), Value::Array(parts));
            }
            _ => {
                kept.insert(key.clone(), value.clone());
            }
        }
    }
    Value::Object(kept)
}

/// `{definition: {field: code}}` for the recorded definitions; the codes are explained in `record/gofields`.
fn encoding_of(definitions: &Map<String, Value>) -> Result<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("record/gofields");
    let output = Command::new("go").args(["run", "."]).current_dir(folder).output().context("running go")?;
    if !output.status.success() {
        bail!("go run record/gofields: {}", String::from_utf8_lossy(&output.stderr));
    }
    let mut all: Map<String, Value> = serde_json::from_slice(&output.stdout)?;
    all.retain(|name, _| definitions.contains_key(name));
    Ok(Value::Object(all))
}

fn facts_of_version(version: &Value) -> Value {
    json!({ "major": version["major"], "minor": version["minor"], "gitVersion": version["gitVersion"] })
}

fn write_compressed(facts: &Value, out: &Path) -> Result<()> {
    let file = std::fs::File::create(out).with_context(|| format!("creating {}", out.display()))?;
    let mut encoder = flate2::GzBuilder::new().mtime(0).write(file, flate2::Compression::best());
    encoder.write_all(&serde_json::to_vec(facts)?)?;
    encoder.finish()?;
    Ok(())
}
