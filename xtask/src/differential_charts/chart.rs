//! A random chart with its subcharts, and the arguments to render it with.

use serde_json::{Map, Value, json};

use super::template::{self, Scope};
use super::values;
use crate::random::Random;

/// Files by their paths, and the arguments of `helm`.
#[derive(Clone)]
pub(super) struct Case {
    pub(super) files: Vec<(String, String)>,
    pub(super) arguments: Vec<String>,
}

const NAMES: [&str; 6] = ["web", "db", "cache", "lib", "api", "agent"];

/// The case of a seed.
pub(super) fn case(random: &mut Random) -> Case {
    let mut files = Vec::new();
    let chart = Generated::write(random, "chart", "app", 2, &mut files);
    if random.chance(9) {
        damage(random, &mut files);
    }
    let mut value_files = Vec::new();
    let mut arguments = vec!["template".to_owned()];
    if random.chance(70) {
        arguments.push(random.pick(&["rel", "my-release", "a", "x.y"]).to_owned());
    }
    arguments.push("chart".to_owned());
    arguments.extend(["--namespace".to_owned(), random.pick(&["default", "prod"]).to_owned()]);
    arguments.extend(values::flags(random, &chart.values, &chart.subcharts, &mut value_files));
    arguments.extend(flags(random));
    files.extend(value_files);
    Case { files, arguments }
}

fn flags(random: &mut Random) -> Vec<String> {
    let single = ["--include-crds", "--no-hooks", "--skip-tests", "--is-upgrade", "--skip-schema-validation"];
    let mut flags = Vec::new();
    for flag in single {
        if random.chance(12) {
            random.note(flag);
            flags.push(flag.to_owned());
        }
    }
    let valued: [(&str, &[&str]); 3] = [
        ("--kube-version", &["1.20", "v1.30.2", "1.25.0-rc.1", "1.27+", "v1.31.4-gke.1", "1.9.0", "x"]),
        ("--api-versions", &["example.com/v1", "example.com/v1,other/v2"]),
        (
            "--show-only",
            &[
                "templates/t?.*",
                "templates/t0.*",
                "templates/*",
                "templates/_helpers.tpl",
                "templates/t0.yaml",
            ],
        ),
    ];
    for (flag, choices) in valued {
        if random.chance(9) {
            random.note(flag);
            flags.extend([flag.to_owned(), (random.pick(choices)).to_owned()]);
        }
    }
    flags
}

/// What others need to know of a chart.
struct Generated {
    values: Map<String, Value>,
    subcharts: Vec<String>,
}

impl Generated {
    fn write(
        random: &mut Random,
        folder: &str,
        name: &str,
        depth: usize,
        files: &mut Vec<(String, String)>,
    ) -> Generated {
        let mut values = values::tree(random, 3);
        let mut subcharts = Vec::new();
        let mut wanted: Vec<Value> = Vec::new();
        if depth > 0 {
            for subchart in NAMES {
                if !random.chance(20) {
                    continue;
                }
                random.note("subchart");
                let below = format!("{folder}/charts/{subchart}");
                Generated::write(random, &below, subchart, depth - 1, files);
                if random.chance(70) {
                    dependency(random, subchart, &mut values, &mut wanted);
                }
                if random.chance(60) {
                    values.insert(subchart.to_owned(), Value::Object(values::tree(random, 2)));
                }
                subcharts.push(subchart.to_owned());
            }
        }
        if random.chance(30) {
            random.note("globals");
            values.insert("global".to_owned(), Value::Object(values::tree(random, 1)));
        }
        let mut put = |path: &str, text: String| files.push((format!("{folder}/{path}"), text));
        let old = random.chance(12);
        let is_library = depth < 2 && random.chance(10);
        put("Chart.yaml", definition(random, name, old, is_library, &wanted));
        if old && !wanted.is_empty() {
            random.note("requirements.yaml");
            put("requirements.yaml", belay_goyaml::to_yaml(&json!({ "dependencies": wanted })));
        }
        if random.chance(92) {
            put("values.yaml", values::text(random, &values));
        }
        if random.chance(5) {
            put("values.schema.json", schema(random, &values));
        }
        let scope = Scope { chart: name, values: &values, subcharts: &subcharts };
        put("templates/_helpers.tpl", template::helpers(random, &scope));
        for number in 0..random.below(4) {
            let extension = random.pick(&["yaml", "yaml", "yaml", "yml", "txt", "json", "tpl"]);
            put(&format!("templates/t{number}.{extension}"), template::file(random, &scope, number));
        }
        extras(random, name, &mut put);
        Generated { values, subcharts }
    }
}

fn extras(random: &mut Random, name: &str, put: &mut dyn FnMut(&str, String)) {
    if random.chance(20) {
        random.note("crds");
        put(
            "crds/thing.yaml",
            format!(
                "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: {name}}}\n"
            ),
        );
    }
    if random.chance(20) {
        random.note("NOTES.txt");
        put("templates/NOTES.txt", "Thanks for {{ .Chart.Name }}.\n".to_owned());
    }
    if random.chance(30) {
        random.note("files");
        put("files/a.txt", "one\ntwo\n".to_owned());
        put("files/b.bin", "\u{1}\u{fe}".to_owned());
    }
    if random.chance(10) {
        random.note(".helmignore");
        put(
            ".helmignore",
            random
                .pick(&[
                    "*.txt\n",
                    "files/\n",
                    "templates/t1*\n",
                    "# none\n\n",
                    "*.md\n!a\n",
                    "/charts/web\n",
                    "t?.json\n",
                ])
                .to_owned(),
        );
    }
}

/// An entry of `dependencies`, and what the values say about it.
fn dependency(random: &mut Random, name: &str, values: &mut Map<String, Value>, wanted: &mut Vec<Value>) {
    let version = random.pick(&["1.0.0", "^1.0.0", ">=0.5", "1.x", "*", "~1", "2.0.0", ""]);
    let mut entry = json!({ "name": name, "version": version, "repository": "https://charts.example.com" });
    if random.chance(35) {
        random.note("condition");
        let paths = [format!("{name}.enabled"), "enabled".to_owned(), format!("global.{name},{name}.on")];
        entry["condition"] = random.pick_ref(&paths).as_str().into();
        if random.chance(70) {
            let on = random.chance(50);
            values.insert("enabled".to_owned(), on.into());
        }
    }
    if random.chance(20) {
        random.note("tags");
        entry["tags"] = json!(["front", "back"]);
        let on = random.chance(40);
        values.insert("tags".to_owned(), json!({ "front": on, "back": false }));
    }
    if random.chance(20) {
        random.note("import-values");
        entry["import-values"] = match random.below(4) {
            0 => json!(["config"]),
            1 => json!([{ "child": "config", "parent": "imported" }]),
            2 => json!([{ "child": "nested.text", "parent": "nested" }, "labels"]),
            _ => json!([{ "child": "image", "parent": "." }]),
        };
    }
    let twice = random.chance(8);
    if twice || random.chance(15) {
        random.note("alias");
        entry["alias"] = format!("{name}2").into();
    }
    wanted.push(entry.clone());
    if twice {
        random.note("alias twice");
        entry["alias"] = format!("{name}3").into();
        wanted.push(entry);
    }
}

fn definition(random: &mut Random, name: &str, old: bool, is_library: bool, wanted: &[Value]) -> String {
    let mut chart = json!({ "apiVersion": if old { "v1" } else { "v2" }, "name": name, "version": "1.0.0" });
    if is_library {
        random.note("library");
        chart["type"] = "library".into();
    }
    if random.chance(40) {
        chart["appVersion"] = random.pick_ref(&[json!("2.1"), json!(1.10), json!("latest")]).clone();
    }
    if random.chance(25) {
        chart["annotations"] = json!({ "a/b": "c", "x": "1" });
        chart["keywords"] = json!(["one", "two"]);
        chart["maintainers"] = json!([{ "name": "A", "email": "a@example.com" }]);
    }
    if random.chance(4) {
        random.note("kubeVersion");
        chart["kubeVersion"] =
            random.pick(&[">=1.20-0", "^1.20.0-0", "<1.10", "^1.30.0-0", ">1", "~1.37"]).into();
    }
    if !old && !wanted.is_empty() {
        chart["dependencies"] = wanted.into();
    }
    belay_goyaml::to_yaml(&chart)
}

fn schema(random: &mut Random, values: &Map<String, Value>) -> String {
    random.note("schema");
    let mut properties = Map::new();
    for key in values.keys() {
        if random.chance(50) {
            let types = ["string", "number", "integer", "object", "array", "boolean"];
            let mut rule = json!({ "type": random.pick(&types) });
            if random.chance(85) {
                rule = json!({ "type": ["string", "number", "object", "array", "boolean", "null"] });
            }
            properties.insert(key.clone(), rule);
        }
    }
    let draft = random.pick(&[
        "http://json-schema.org/draft-07/schema#",
        "http://json-schema.org/draft-06/schema#",
        "http://json-schema.org/draft-04/schema#",
        "https://json-schema.org/draft/2020-12/schema",
        "https://json-schema.org/draft/2019-09/schema",
    ]);
    let mut schema = json!({ "$schema": draft, "type": "object", "properties": properties });
    if random.chance(15) {
        schema["required"] = json!(["name"]);
    }
    if random.chance(8) {
        schema["additionalProperties"] = false.into();
    }
    schema.to_string()
}

/// Makes the case wrong in one way.
fn damage(random: &mut Random, files: &mut Vec<(String, String)>) {
    random.note("damaged");
    let place = random.below(files.len());
    match random.below(10) {
        0..=5 => {
            let text = template::broken(random).to_owned();
            files.push(("chart/templates/broken.yaml".to_owned(), text));
        }
        6 => files[place].1.push_str("\n{{ end }}\n: [\n"),
        7 => {
            let text = random.pick(&[
                "apiVersion: v2\nname: app\n",
                "apiVersion: v9\nname: app\nversion: 1.0.0\n",
                "name: app\nversion: 1.0.0\n",
                "apiVersion: v2\nname: app\nversion: one\n",
                "apiVersion: v2\nname: a/b\nversion: 1.0.0\n",
                "- a\n",
                "a: b: c\n",
                "apiVersion: v2\nname: app\nversion: 1.0.0\ntype: thing\n",
                "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies:\n- name: absent\n  version: '1'\n",
                "apiVersion: v2\nname: app\nversion: 1.0.0\nmaintainers: [null]\n",
                "apiVersion: v2\nname: app\nversion: 1.0.0\nkeywords: {a: b}\n",
            ]);
            replace(files, "chart/Chart.yaml", text);
        }
        8 => {
            let text = random.pick(&[
                "- a\n",
                "a: b: c\n",
                "a: 1\na: 2\n",
                "\ta: 1\n",
                "a: *x\n",
                "x: !!binary zzz\n",
                "a: .inf\n",
            ]);
            replace(files, "chart/values.yaml", text);
        }
        _ => {
            let text = random.pick(&[
                "{",
                "[]",
                "true",
                "{\"type\": \"nothing\"}",
                "{\"$ref\": \"#/none\"}",
                "{\"required\": [\"never\"]}",
            ]);
            replace(files, "chart/values.schema.json", text);
        }
    }
}

fn replace(files: &mut Vec<(String, String)>, path: &str, text: &str) {
    files.retain(|(file, _)| file != path);
    files.push((path.to_owned(), text.to_owned()));
}
