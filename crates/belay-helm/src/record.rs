//! Release records: what Helm stores of a release in a Secret, and reads back.
//!
//! `data.release` of the Secret is base64 (as in every Secret) of base64 of gzip of JSON. Records of
//! Helm 3 and 4 are read; those written are Helm 4's, which Helm 3 reads as well.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::chart::{Dependency, File, Lock, Metadata};
use crate::graph::Graph;
use crate::manifest::Hook;

/// The type of the Secrets.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// Labels Helm writes itself; the others are the user's.
const SYSTEM_LABELS: [&str; 6] = ["name", "owner", "status", "version", "createdAt", "modifiedAt"];

/// A Secret holds at most 1 MiB, so a record that grows beyond this is a bomb.
const MAX_RECORD: u64 = 256 * 1024 * 1024;

/// One revision of a release.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Release {
    /// The release's name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// When and how it went.
    pub info: Info,
    /// The chart as [`Rendered::chart`](crate::Rendered::chart) gives it.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub chart: Value,
    /// What the user gave.
    #[serde(skip_serializing_if = "is_empty_map", deserialize_with = "or_default")]
    pub config: Map<String, Value>,
    /// The manifests, hooks apart.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// The hooks.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub hooks: Vec<HookRecord>,
    /// The revision.
    #[serde(skip_serializing_if = "is_zero")]
    pub version: i64,
    /// The namespace.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub namespace: String,
    /// `ssa` or `csa`; absent in records of Helm 3, which means `csa`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub apply_method: String,
    /// Labels of the user's, kept on the Secret alone.
    #[serde(skip)]
    pub labels: BTreeMap<String, String>,
}

/// When and how a revision went. Times are RFC 3339 text, as they were written.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Info {
    /// When the release was first deployed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub first_deployed: Option<String>,
    /// When this revision was deployed.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub last_deployed: Option<String>,
    /// When the release was uninstalled.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub deleted: Option<String>,
    /// One line for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where the release stands.
    pub status: Status,
    /// The revision a rollback went back to.
    #[serde(skip_serializing_if = "is_zero")]
    pub rollback_revision: i64,
    /// `NOTES.txt`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// The resources at the time, which Helm only fills when asked.
    #[serde(skip_serializing_if = "Value::is_null")]
    pub resources: Value,
}

/// Where a release stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Not known.
    #[default]
    Unknown,
    /// In the cluster.
    Deployed,
    /// Taken out, and the record kept.
    Uninstalled,
    /// A newer revision is in the cluster.
    Superseded,
    /// It did not work.
    Failed,
    /// Being taken out.
    Uninstalling,
    /// Being installed.
    PendingInstall,
    /// Being upgraded.
    PendingUpgrade,
    /// Being rolled back.
    PendingRollback,
    /// A status of another version of Helm.
    #[serde(untagged)]
    Other(String),
}

impl Status {
    /// The status as records and labels name it.
    pub fn as_str(&self) -> &str {
        match self {
            Status::Unknown => "unknown",
            Status::Deployed => "deployed",
            Status::Uninstalled => "uninstalled",
            Status::Superseded => "superseded",
            Status::Failed => "failed",
            Status::Uninstalling => "uninstalling",
            Status::PendingInstall => "pending-install",
            Status::PendingUpgrade => "pending-upgrade",
            Status::PendingRollback => "pending-rollback",
            Status::Other(other) => other,
        }
    }

    /// Whether an operation is under way, or was cut off.
    pub fn is_pending(&self) -> bool {
        matches!(self, Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback)
    }
}

/// A hook as records keep it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRecord {
    /// `metadata.name`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// `kind`
    #[serde(skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The template.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The document.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub manifest: String,
    /// When it runs.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub events: Vec<String>,
    /// How it last ran.
    pub last_run: HookRun,
    /// Its place among the hooks of one event.
    #[serde(skip_serializing_if = "is_zero")]
    pub weight: i64,
    /// When it is deleted.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub delete_policies: Vec<String>,
    /// When its log is shown.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "or_default")]
    pub output_log_policies: Vec<String>,
}

/// How a hook last ran.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HookRun {
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub started_at: Option<String>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub completed_at: Option<String>,
    /// `Unknown`, `Running`, `Succeeded`, `Failed`; empty if it never ran.
    pub phase: String,
}

impl From<&Hook> for HookRecord {
    fn from(hook: &Hook) -> HookRecord {
        HookRecord {
            name: hook.name.clone(),
            kind: hook.kind.clone(),
            path: hook.path.clone(),
            manifest: hook.manifest.clone(),
            events: hook.events.iter().map(|event| event.name().to_owned()).collect(),
            last_run: HookRun::default(),
            weight: hook.weight,
            delete_policies: hook.delete_policies.clone(),
            output_log_policies: hook.output_log_policies.clone(),
        }
    }
}

fn is_empty_map(map: &Map<String, Value>) -> bool {
    map.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Helm 3 wrote times it did not have as empty text.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text: Option<String> = Option::deserialize(deserializer)?;
    Ok(text.filter(|text| !text.is_empty()))
}

fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Why a Secret is no release record.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Not a Secret of Helm's.
    #[error("secret {name} has type {found:?}, not {SECRET_TYPE:?}")]
    SecretType {
        /// The Secret's name.
        name: String,
        /// Its type.
        found: String,
    },
    /// No record inside.
    #[error("secret {name} has no data.release")]
    NoRecord {
        /// The Secret's name.
        name: String,
    },
    /// Not base64.
    #[error("release record of secret {name} is not base64")]
    Base64 {
        /// The Secret's name.
        name: String,
        /// What is wrong.
        #[source]
        source: base64::DecodeError,
    },
    /// Not gzip.
    #[error("release record of secret {name} cannot be decompressed")]
    Gzip {
        /// The Secret's name.
        name: String,
        /// What is wrong.
        #[source]
        source: std::io::Error,
    },
    /// Too large.
    #[error("release record of secret {name} is larger than {MAX_RECORD} bytes")]
    TooLarge {
        /// The Secret's name.
        name: String,
    },
    /// Not the JSON of a release.
    #[error("release record of secret {name} is not a release")]
    Json {
        /// The Secret's name.
        name: String,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
}

/// The name of the Secret of one revision.
pub fn secret_name(release: &str, revision: i64) -> String {
    format!("sh.helm.release.v1.{release}.v{revision}")
}

/// Whether the record is written for the first time, and when, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// A new Secret.
    Created(i64),
    /// A Secret that was there before.
    Modified(i64),
}

/// The Secret Helm would write for the revision.
pub fn to_secret(release: &Release, written: Written) -> Value {
    let mut labels: BTreeMap<&str, String> = BTreeMap::new();
    for (key, value) in &release.labels {
        labels.insert(key, value.clone());
    }
    match written {
        Written::Created(seconds) => labels.insert("createdAt", seconds.to_string()),
        Written::Modified(seconds) => labels.insert("modifiedAt", seconds.to_string()),
    };
    labels.insert("name", release.name.clone());
    labels.insert("owner", "helm".to_owned());
    labels.insert("status", release.info.status.as_str().to_owned());
    labels.insert("version", release.version.to_string());
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": secret_name(&release.name, release.version),
            "namespace": release.namespace,
            "labels": labels,
        },
        "type": SECRET_TYPE,
        "data": {"release": STANDARD.encode(encode(release))},
    })
}

/// The text Helm stores: base64 of gzip of JSON.
pub fn encode(release: &Release) -> String {
    let json = serde_json::to_vec(release).expect("a release holds nothing JSON cannot");
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let written = gzip.write_all(&json).and_then(|()| gzip.finish());
    STANDARD.encode(written.expect("writing to memory does not fail"))
}

/// Reads a Secret of Helm's.
pub fn from_secret(secret: &Value) -> Result<Release, RecordError> {
    let text = |pointer: &str| secret.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let name = text("/metadata/name").to_owned();
    if text("/type") != SECRET_TYPE {
        return Err(RecordError::SecretType { name, found: text("/type").to_owned() });
    }
    let data = text("/data/release");
    if data.is_empty() {
        return Err(RecordError::NoRecord { name });
    }
    let stored =
        STANDARD.decode(data).map_err(|source| RecordError::Base64 { name: name.clone(), source })?;
    let mut release = decode(&name, &stored)?;
    let labels = secret.pointer("/metadata/labels").and_then(Value::as_object);
    for (key, value) in labels.into_iter().flatten() {
        if !SYSTEM_LABELS.contains(&key.as_str())
            && let Some(value) = value.as_str()
        {
            release.labels.insert(key.clone(), value.to_owned());
        }
    }
    Ok(release)
}

/// Reads the text Helm stores. Records from before compression are read too.
pub fn decode(name: &str, stored: &[u8]) -> Result<Release, RecordError> {
    let name = || name.to_owned();
    let mut record =
        STANDARD.decode(stored).map_err(|source| RecordError::Base64 { name: name(), source })?;
    if record.starts_with(&[0x1f, 0x8b, 0x08]) {
        let mut unzipped = Vec::new();
        MultiGzDecoder::new(record.as_slice())
            .take(MAX_RECORD + 1)
            .read_to_end(&mut unzipped)
            .map_err(|source| RecordError::Gzip { name: name(), source })?;
        record = unzipped;
    }
    if record.len() as u64 > MAX_RECORD {
        return Err(RecordError::TooLarge { name: name() });
    }
    let failed = |source| RecordError::Json { name: name(), source };
    if !record.trim_ascii_start().starts_with(b"{") {
        // Structs could also be read from lists, which Go does not do.
        serde_json::from_slice::<Map<String, Value>>(&record).map_err(failed)?;
    }
    serde_json::from_slice(&record).map_err(failed)
}

/// The root chart as Helm stores it. Subcharts are not part of it.
pub(crate) fn chart_record(graph: &Graph) -> Value {
    let chart = graph.chart(Graph::ROOT);
    let values = belay_gotemplate::to_json(&graph.values(Graph::ROOT).clone().into()).unwrap_or_default();
    json!({
        "metadata": metadata_record(&graph.metadata(Graph::ROOT).borrow()),
        "lock": chart.lock.as_ref().map(lock_record),
        "templates": file_records(&chart.templates),
        "values": values,
        "schema": chart.schema.as_ref().map(|schema| STANDARD.encode(schema)),
        "schemamodtime": "0001-01-01T00:00:00Z",
        "files": file_records(&chart.files),
    })
}

fn file_records(files: &[File]) -> Value {
    if files.is_empty() {
        return Value::Null;
    }
    files.iter().map(|file| json!({"name": file.name, "data": STANDARD.encode(&file.data)})).collect()
}

fn lock_record(lock: &Lock) -> Value {
    let generated = if lock.generated.is_empty() { "0001-01-01T00:00:00Z" } else { &lock.generated };
    let dependencies: Vec<Value> = lock.dependencies.iter().map(dependency_record).collect();
    json!({"generated": generated, "digest": lock.digest, "dependencies": dependencies})
}

fn metadata_record(metadata: &Metadata) -> Value {
    let mut record = Map::new();
    put_text(&mut record, "name", &metadata.name);
    put_text(&mut record, "home", &metadata.home);
    put_list(&mut record, "sources", metadata.sources.iter().map(|text| json!(text)).collect());
    put_text(&mut record, "version", &metadata.version);
    put_text(&mut record, "description", &metadata.description);
    put_list(&mut record, "keywords", metadata.keywords.iter().map(|text| json!(text)).collect());
    let maintainers = metadata.maintainers.iter().map(|maintainer| {
        let mut record = Map::new();
        put_text(&mut record, "name", &maintainer.name);
        put_text(&mut record, "email", &maintainer.email);
        put_text(&mut record, "url", &maintainer.url);
        Value::Object(record)
    });
    put_list(&mut record, "maintainers", maintainers.collect());
    put_text(&mut record, "icon", &metadata.icon);
    put_text(&mut record, "apiVersion", &metadata.api_version);
    put_text(&mut record, "condition", &metadata.condition);
    put_text(&mut record, "tags", &metadata.tags);
    put_text(&mut record, "appVersion", &metadata.app_version);
    if metadata.deprecated {
        record.insert("deprecated".to_owned(), json!(true));
    }
    if let Some(annotations) = metadata.annotations.as_ref().filter(|annotations| !annotations.is_empty()) {
        record.insert("annotations".to_owned(), json!(annotations));
    }
    put_text(&mut record, "kubeVersion", &metadata.kube_version);
    let dependencies = metadata.dependencies.as_deref().unwrap_or_default();
    put_list(&mut record, "dependencies", dependencies.iter().map(dependency_record).collect());
    put_text(&mut record, "type", &metadata.chart_type);
    Value::Object(record)
}

fn dependency_record(dependency: &Dependency) -> Value {
    let mut record = Map::new();
    record.insert("name".to_owned(), json!(dependency.name));
    put_text(&mut record, "version", &dependency.version);
    record.insert("repository".to_owned(), json!(dependency.repository));
    put_text(&mut record, "condition", &dependency.condition);
    put_list(&mut record, "tags", dependency.tags.iter().map(|text| json!(text)).collect());
    if dependency.enabled {
        record.insert("enabled".to_owned(), json!(true));
    }
    put_list(&mut record, "import-values", dependency.import_values.clone());
    put_text(&mut record, "alias", &dependency.alias);
    Value::Object(record)
}

fn put_text(record: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        record.insert(name.to_owned(), json!(text));
    }
}

fn put_list(record: &mut Map<String, Value>, name: &str, list: Vec<Value>) {
    if !list.is_empty() {
        record.insert(name.to_owned(), Value::Array(list));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release() -> Release {
        Release {
            name: "web".to_owned(),
            namespace: "prod".to_owned(),
            version: 3,
            info: Info {
                first_deployed: Some("2026-01-02T03:04:05.000000006Z".to_owned()),
                status: Status::PendingUpgrade,
                description: "Preparing upgrade".to_owned(),
                ..Info::default()
            },
            manifest: "---\na: <b>\n".to_owned(),
            labels: BTreeMap::from([("team".to_owned(), "blue".to_owned())]),
            apply_method: "ssa".to_owned(),
            ..Release::default()
        }
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let secret = to_secret(&release(), Written::Created(17));
        assert_eq!(secret["metadata"]["name"], "sh.helm.release.v1.web.v3");
        assert_eq!(secret["type"], "helm.sh/release.v1");
        let labels = json!({"createdAt": "17", "name": "web", "owner": "helm", "status": "pending-upgrade",
            "team": "blue", "version": "3"});
        assert_eq!(secret["metadata"]["labels"], labels);
        assert_eq!(from_secret(&secret).unwrap(), release());
    }

    #[test]
    fn records_of_helm_3_are_read() {
        let json = json!({
            "name": "web",
            "info": {"first_deployed": "2024-01-02T03:04:05+01:00", "deleted": "", "status": "weird"},
            "chart": {"metadata": {"name": "web"}},
            "config": null,
            "hooks": [{"name": "h", "last_run": {"started_at": "", "completed_at": "", "phase": ""}}],
            "version": 1,
        });
        let release = decode("x", STANDARD.encode(json.to_string()).as_bytes()).unwrap();
        assert_eq!(release.info.deleted, None);
        assert_eq!(release.info.status, Status::Other("weird".to_owned()));
        assert_eq!(release.hooks[0].last_run, HookRun::default());
        assert_eq!(release.apply_method, "");
    }

    #[test]
    fn bad_m1_what_is_no_record_is_refused() {
        let mut secret = to_secret(&release(), Written::Modified(1));
        secret["data"]["release"] = json!("!");
        assert!(matches!(from_secret(&secret), Err(RecordError::Base64 { .. })));
        secret["data"]["release"] = json!(STANDARD.encode(STANDARD.encode("[]")));
        assert!(matches!(from_secret(&secret), Err(RecordError::Json { .. })));
        secret["data"]["release"] = json!(STANDARD.encode(STANDARD.encode([0x1f, 0x8b, 8, 0])));
        assert!(matches!(from_secret(&secret), Err(RecordError::Gzip { .. })));
        secret["type"] = json!("Opaque");
        assert!(matches!(from_secret(&secret), Err(RecordError::SecretType { .. })));
    }
}
