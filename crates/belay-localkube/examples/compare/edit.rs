//! Random edits of objects by their schema: good ones and bad ones.

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use serde_json::{Map, Value, json};

const REFERENCE: &str = "#/components/schemas/";
/// What no client sets.
const LEFT_ALONE: &[&str] = &[
    "apiVersion",
    "kind",
    "managedFields",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "generation",
    "namespace",
    "status",
];

/// Makes edits from a seed.
pub(crate) struct Editor<'a> {
    pub(crate) document: &'a Value,
    pub(crate) random: &'a mut StdRng,
    /// How many of a hundred values are likely to be refused.
    pub(crate) bad: u32,
}

/// A place where an edit can be made: the map and the field in it.
struct Site<'a> {
    path: Vec<String>,
    schema: &'a Value,
    is_there: bool,
}

impl<'a> Editor<'a> {
    /// One edit somewhere; tells where.
    pub(crate) fn edit(&mut self, object: &mut Value, schema: &'a Value) -> String {
        let mut sites = Vec::new();
        self.sites(schema, object, &mut Vec::new(), &mut sites);
        // As many edits of what is there as of what is not.
        let there = self.random.random_bool(0.5);
        let fitting: Vec<&Site<'_>> = sites.iter().filter(|site| site.is_there == there).collect();
        let Some(site) = fitting.choose(self.random) else { return String::new() };
        let (path, schema) = (site.path.clone(), site.schema);
        let name = path.join(".");
        if there && self.random.random_bool(0.35) {
            remove(object, &path);
            return format!("remove {name}");
        }
        let old = at(object, &path).cloned();
        let value = self.changed(schema, path.last().map_or("", String::as_str), old);
        set(object, &path, value);
        format!("set {name}")
    }

    fn changed(&mut self, schema: &'a Value, name: &str, old: Option<Value>) -> Value {
        if let Some(Value::Array(mut items)) = old {
            let again = items.choose(self.random).cloned();
            match (self.random.random_range(0..4), again) {
                (0, _) => items.clear(),
                (1, Some(again)) => items.push(again),
                (2, Some(_)) => items.reverse(),
                _ => items.push(self.value(&self.resolved(schema)["items"], name, 2)),
            }
            return Value::Array(items);
        }
        self.value(schema, name, 3)
    }

    fn sites(&self, schema: &'a Value, value: &Value, path: &mut Vec<String>, into: &mut Vec<Site<'a>>) {
        let schema = self.resolved(schema);
        match value {
            Value::Object(fields) => {
                let properties = schema["properties"].as_object();
                for (name, value) in fields {
                    let declared = properties
                        .and_then(|known| known.get(name))
                        .unwrap_or(&schema["additionalProperties"]);
                    let is_metadata = path.is_empty() && name == "metadata";
                    if is_left_alone(path, name) && !is_metadata {
                        continue;
                    }
                    path.push(name.clone());
                    if !is_metadata {
                        into.push(Site { path: path.clone(), schema: declared, is_there: true });
                    }
                    self.sites(declared, value, path, into);
                    path.pop();
                }
                for (name, declared) in properties.into_iter().flatten() {
                    if fields.contains_key(name) || is_left_alone(path, name) {
                        continue;
                    }
                    path.push(name.clone());
                    into.push(Site { path: path.clone(), schema: declared, is_there: false });
                    path.pop();
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    self.sites(&schema["items"], item, path, into);
                    path.pop();
                }
            }
            _ => {}
        }
    }

    fn resolved(&self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        for _ in 0..8 {
            let reference = schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str());
            let Some(reference) = reference else { break };
            schema = &self.document["components"]["schemas"][reference.trim_start_matches(REFERENCE)];
        }
        schema
    }

    fn is_bad(&mut self) -> bool {
        self.random.random_range(0..100) < self.bad
    }

    fn pick(&mut self, good: &[&str], bad: &[&str]) -> Value {
        let list = if self.is_bad() && !bad.is_empty() { bad } else { good };
        let chosen = list.choose(self.random).copied().unwrap_or_default();
        // A text of many letters is written as its length.
        match chosen.strip_prefix('#').and_then(|length| length.parse().ok()) {
            Some(length) => "x".repeat(length).into(),
            None => chosen.into(),
        }
    }

    fn value(&mut self, schema: &'a Value, name: &str, depth: usize) -> Value {
        let reference =
            schema["$ref"].as_str().or_else(|| schema["allOf"][0]["$ref"].as_str()).unwrap_or_default();
        if reference.ends_with(".Quantity") {
            return self.pick(&["1", "100m", "1Gi", "0.5", "1e3"], &["-1", "1.5Gi", "0", "1m", "x"]);
        }
        if reference.ends_with(".IntOrString") || schema["x-kubernetes-int-or-string"] == true {
            return [
                json!(80),
                json!(1),
                json!("http"),
                json!("50%"),
                json!(-1),
                json!(70000),
                json!("0%"),
                json!(0),
                json!("Bad Port"),
                json!("200%"),
            ]
            .choose(self.random)
            .cloned()
            .unwrap_or_default();
        }
        if reference.ends_with("Time") {
            return self.pick(&["2026-01-01T00:00:00Z"], &["2026-01-01", "now"]);
        }
        let schema = self.resolved(schema);
        if let Some(listed) = schema["enum"].as_array().filter(|listed| !listed.is_empty()) {
            if self.is_bad() {
                return "Bogus".into();
            }
            return listed.choose(self.random).cloned().unwrap_or_default();
        }
        match schema["type"].as_str().unwrap_or_default() {
            "string" => self.text(schema, name),
            "integer" | "number" => {
                let list: &[i64] = if self.is_bad() {
                    &[-1, 0, 65536, 2_147_483_647, 101]
                } else {
                    &[0, 1, 2, 5, 10, 80, 100]
                };
                list.choose(self.random).copied().unwrap_or_default().into()
            }
            "boolean" => self.random.random_bool(0.5).into(),
            "array" => {
                let count = if depth == 0 { 0 } else { self.random.random_range(0..3) };
                Value::Array((0..count).map(|_| self.value(&schema["items"], name, depth - 1)).collect())
            }
            "object" if schema["additionalProperties"].is_object() => {
                let mut map = Map::new();
                for _ in 0..self.random.random_range(0..3) {
                    let key = self.pick(
                        &["a", "b", "example.com/x", "cpu", "memory"],
                        &["Bad Key", "", "a/b/c", "#70", "UPPER/x"],
                    );
                    let key = key.as_str().unwrap_or_default().to_owned();
                    let value = self.value(&schema["additionalProperties"], "value", depth.saturating_sub(1));
                    map.insert(key, value);
                }
                Value::Object(map)
            }
            "object" if schema["properties"].is_object() => self.object(schema, depth),
            _ => json!({ "a": 1 }),
        }
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Value {
        let mut map = Map::new();
        let required: Vec<&str> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for (name, declared) in schema["properties"].as_object().into_iter().flatten() {
            let is_required = required.contains(&name.as_str());
            let chance = if is_required {
                0.95
            } else if depth == 0 {
                0.0
            } else {
                0.25
            };
            if self.random.random_bool(chance) && !is_left_alone(&["x".to_owned()], name) {
                map.insert(name.clone(), self.value(declared, name, depth.saturating_sub(1)));
            }
        }
        Value::Object(map)
    }

    fn text(&mut self, schema: &Value, name: &str) -> Value {
        match schema["format"].as_str() {
            Some("byte") => return self.pick(&["aGk=", ""], &["%"]),
            Some("date-time") => return self.pick(&["2026-01-01T00:00:00Z"], &["now"]),
            _ => {}
        }
        match name {
            "image" => self.pick(&["nginx:1", "b:2"], &["", " nginx"]),
            "mountPath" | "path" | "subPath" | "devicePath" | "terminationMessagePath" | "subPathExpr" => {
                self.pick(&["/a", "/b", "a"], &["", "/a/../b", "../x", "/a:b", "a/.."])
            }
            "schedule" => self.pick(
                &["* * * * *", "@daily", "*/5 1 * * 1-5"],
                &["bad", "61 * * * *", "TZ=UTC * * * * *", ""],
            ),
            "timeZone" => self.pick(&["Etc/UTC", "Europe/Berlin"], &["Bogus/Zone", "", "Local"]),
            "cidr" | "except" | "podCIDR" | "loadBalancerSourceRanges" => self
                .pick(&["10.0.0.0/8", "10.1.0.0/16"], &["10.0.0.0/33", "1.2.3.4", "10.0.0.1/8", "::/0", ""]),
            "ip" | "clusterIP" | "externalIPs" | "clusterIPs" | "loadBalancerIP" | "addresses"
            | "nameservers" | "hostIP" => {
                self.pick(&["10.96.7.7", "1.2.3.4"], &["1.2.3", "::1", "None", "127.0.0.1", "", "0.0.0.0"])
            }
            "host" | "hosts" | "hostname" | "externalName" | "hostnames" | "subdomain" => {
                self.pick(&["a.example.com", "b"], &["*.example.com", "A.b", "10.0.0.1", "a..b", "#70", ""])
            }
            "operator" => self.pick(&["In", "Exists"], &["Bogus", "", "Equal", "Lt", "DoesNotExist"]),
            "name" | "serviceName" | "claimName" | "secretName" | "serviceAccountName"
            | "storageClassName" | "ingressClassName" | "volumeName" => {
                self.pick(&["a", "app", "web-1"], &["Bad_Name", "", "#64", "#254", "a.b", "-a"])
            }
            "key" | "topologyKey" | "items" => {
                self.pick(&["a", "example.com/a"], &["Bad Key", "", "..", "#260"])
            }
            "verbs" | "apiGroups" | "resources" | "operations" => {
                self.pick(&["get", "*", "CREATE"], &["", "Bogus"])
            }
            "finalizers" => {
                self.pick(&["example.com/a", "foregroundDeletion"], &["a", "Bad Key", "orphan", ""])
            }
            _ => self.pick(&["a", "b", "c-d", "Value"], &["", "Bad Value!", "example.com/x", "#300", "-"]),
        }
    }
}

fn is_left_alone(path: &[String], name: &str) -> bool {
    let in_metadata = path.last().is_some_and(|last| last == "metadata");
    match name {
        "name" => path == ["metadata"],
        "apiVersion" | "kind" | "status" | "metadata" => path.is_empty(),
        _ => in_metadata && LEFT_ALONE.contains(&name),
    }
}

fn at<'v>(object: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(object, |value, step| match value {
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        other => other.get(step),
    })
}

fn at_mut<'v>(object: &'v mut Value, path: &[String]) -> Option<&'v mut Value> {
    path.iter().try_fold(object, |value, step| match value {
        Value::Array(items) => items.get_mut(step.parse::<usize>().ok()?),
        other => other.get_mut(step),
    })
}

fn set(object: &mut Value, path: &[String], new: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    if let Some(Value::Object(fields)) = at_mut(object, parents) {
        fields.insert(last.clone(), new);
    }
}

fn remove(object: &mut Value, path: &[String]) {
    let Some((last, parents)) = path.split_last() else { return };
    if let Some(Value::Object(fields)) = at_mut(object, parents) {
        fields.shift_remove(last);
    }
}
