//! The digests by which Flux knows a release again: of its values, and of its record.

use belay_helm::record::{HookRecord, Release};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The digest of values: of their YAML, keys sorted; of nothing when there are none.
pub(crate) fn of_values(values: &Map<String, Value>) -> String {
    let yaml = match values.is_empty() {
        true => String::new(),
        false => belay_goyaml::to_yaml(&Value::Object(values.clone())),
    };
    sha256(yaml.as_bytes())
}

/// The digest of what a record says, test hooks apart: of its JSON as Go writes it, in Flux's order.
pub(crate) fn of_release(release: &Release, oci_digest: &str) -> String {
    let metadata = release.chart.get("metadata").cloned().unwrap_or(Value::Object(Map::new()));
    let config = match release.config.is_empty() {
        true => "null".to_owned(),
        false => belay_goyaml::to_go_json(&Value::Object(release.config.clone()), true),
    };
    let mut fields = vec![
        ("name", text(&release.name)),
        ("version", release.version.to_string()),
        ("info", as_declared(&json(&release.info))),
        ("chartMetadata", as_declared(&metadata)),
        ("config", config),
        ("manifest", text(&release.manifest)),
        ("hooks", hooks(&release.hooks)),
        ("namespace", text(&release.namespace)),
    ];
    if !oci_digest.is_empty() {
        fields.push(("ociDigest", text(oci_digest)));
    }
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    sha256(format!("{{{}}}\n", fields.join(",")).as_bytes())
}

fn hooks(hooks: &[HookRecord]) -> String {
    let is_test = |hook: &HookRecord| hook.events.iter().any(|event| event == "test");
    let kept: Vec<String> =
        hooks.iter().filter(|hook| !is_test(hook)).map(|hook| as_declared(&json(hook))).collect();
    if kept.is_empty() { "null".to_owned() } else { format!("[{}]", kept.join(",")) }
}

fn json(value: &impl serde::Serialize) -> Value {
    serde_json::to_value(value).expect("a record holds nothing JSON cannot")
}

fn text(value: &str) -> String {
    belay_goyaml::to_go_json(&Value::from(value), true)
}

/// JSON with the fields in the order they are in, which is that of Go's structs.
fn as_declared(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{}:{}", text(name), as_declared(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(as_declared).collect();
            format!("[{}]", items.join(","))
        }
        plain => belay_goyaml::to_go_json(plain, true),
    }
}

/// The digest of bytes, as Flux writes digests.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_helm::record::HookRun;
    use serde_json::json;

    fn release() -> Release {
        Release {
            name: "web".into(),
            version: 1,
            manifest: "a: <b>".into(),
            chart: json!({"metadata": {"name": "web", "version": "1.0.0", "apiVersion": "v2"}}),
            ..Release::default()
        }
    }

    #[test]
    fn no_values_are_the_digest_of_nothing() {
        let nothing = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of_values(&Map::new()), nothing);
        let values = json!({"b": 2.0, "a": {"d": [1.5], "c": true}});
        let yaml = "a:\n  c: true\n  d:\n  - 1.5\nb: 2\n";
        assert_eq!(of_values(values.as_object().unwrap()), sha256(yaml.as_bytes()));
    }

    #[test]
    fn a_record_is_written_as_go_does() {
        let expected = concat!(
            r#"{"name":"web","version":1,"info":{"status":"unknown"},"chartMetadata":{"name":"web","version":"1.0.0","apiVersion":"v2"},"#,
            r#""config":null,"manifest":"a: \u003cb\u003e","hooks":null,"namespace":""}"#,
            "\n"
        );
        assert_eq!(of_release(&release(), ""), sha256(expected.as_bytes()));
    }

    /// The digest is `sha256` of what Go's `json.Encoder` writes of Flux's `Observation` of the record,
    /// made with Helm 4's own types.
    #[test]
    fn a_record_has_the_digest_that_flux_gives_it() {
        let stored = include_str!("testdata/record-with-hooks.txt");
        let record = belay_helm::record::decode("web", stored.trim().as_bytes()).unwrap();
        assert_eq!(record.hooks.len(), 3);
        let digest = "sha256:6287f105b532225fe1abee548804ce4838c6a64afba0fed95c65aa27b3ae9281";
        assert_eq!(of_release(&record, ""), digest);
    }

    #[test]
    fn test_hooks_do_not_count() {
        let hook = |event: &str| HookRecord {
            name: "h".into(),
            events: vec![event.to_owned()],
            last_run: HookRun { phase: "Running".into(), ..HookRun::default() },
            ..HookRecord::default()
        };
        let with = |event: &str| of_release(&Release { hooks: vec![hook(event)], ..release() }, "");
        assert_eq!(with("test"), of_release(&release(), ""));
        assert_ne!(with("pre-install"), of_release(&release(), ""));
    }
}
