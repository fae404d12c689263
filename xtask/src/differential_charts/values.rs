//! Random values: trees of them, the paths in them, and the flags that set them.

use serde_json::{Map, Value, json};

use crate::random::Random;

/// Keys that the trees use; few, so that layers meet.
pub(super) const KEYS: [&str; 14] = [
    "name",
    "image",
    "replicas",
    "enabled",
    "labels",
    "config",
    "ports",
    "hosts",
    "resources",
    "extra",
    "text",
    "list",
    "nested",
    "a-b",
];

/// Texts that are hard to write in YAML, or to take for texts.
const TEXTS: [&str; 34] = [
    "web",
    "nginx:1.25",
    "",
    " ",
    "yes",
    "no",
    "on",
    "null",
    "~",
    "true",
    "0x1F",
    "0o17",
    "017",
    "1e3",
    ".5",
    "1_000",
    "2024-01-02",
    "12:30:45",
    "a: b",
    "- a",
    "# no comment",
    "two\nlines",
    "two\nlines\n",
    "end  ",
    "\tab",
    "quote\"d",
    "it's",
    "{{ .Values.name }}",
    "{{ .Release.Name }}-x",
    "é ü 漢字 🙂",
    "back\\slash",
    "*star",
    "&and",
    "@at",
];

const NUMBERS: [&str; 14] = [
    "0",
    "1",
    "-1",
    "3",
    "80",
    "8080",
    "65536",
    "1000000",
    "12345678901",
    "0.5",
    "1.0",
    "1e6",
    "1.5e-7",
    "123456.789",
];

/// A map of values.
pub(super) fn tree(random: &mut Random, depth: usize) -> Map<String, Value> {
    let mut map = Map::new();
    for _ in 0..random.below(7) {
        map.insert(random.pick(&KEYS).to_owned(), value(random, depth));
    }
    map
}

pub(super) fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 7 } else { 12 }) {
        0..=2 => json!(random.pick(&TEXTS)),
        3 | 4 => serde_json::from_str(random.pick(&NUMBERS)).unwrap_or_default(),
        5 => json!(random.chance(50)),
        6 => {
            if random.chance(30) {
                Value::Null
            } else {
                json!(random.pick(&TEXTS[..2]))
            }
        }
        7 | 8 => {
            let length = random.below(4);
            (0..length).map(|_| value(random, depth - 1)).collect()
        }
        _ => Value::Object(tree(random, depth - 1)),
    }
}

/// The values as a file: block or flow style.
pub(super) fn text(random: &mut Random, values: &Map<String, Value>) -> String {
    let value = Value::Object(values.clone());
    match random.below(8) {
        0 => format!("{value}\n"),
        1 => format!("# A comment.\n{}", belay_goyaml::to_yaml_v3(&value, 4)),
        2 => format!(
            "{}shared: &shared {{one: 1, two: \"2\"}}\nmerged:\n  <<: *shared\n  two: 3\n",
            block(&value)
        ),
        3 => format!("{}block: |\n  first\n    second\n\nfolded: >-\n  a\n  b\n\n  c\n", block(&value)),
        4 => format!("{}octal: 0644\nhex: 0xff\nfloat: .5\nyes_no: yes\nstamp: 2024-01-02\n", block(&value)),
        _ => belay_goyaml::to_yaml(&value),
    }
}

/// Block style that other keys may follow.
fn block(value: &Value) -> String {
    if value.as_object().is_some_and(Map::is_empty) { String::new() } else { belay_goyaml::to_yaml(value) }
}

/// A path to something in the values, or to nothing: `image.tag`.
pub(super) fn path(random: &mut Random, values: &Map<String, Value>) -> String {
    let mut steps = Vec::new();
    let mut map = values;
    loop {
        let keys: Vec<&String> = map.keys().filter(|key| !key.contains('-')).collect();
        if keys.is_empty() || random.chance(12) {
            steps.push(random.pick(&KEYS[..13]).to_owned());
            break;
        }
        let key = random.pick(&keys).clone();
        let next = map[&key].as_object();
        steps.push(key);
        match next {
            Some(below) if random.chance(70) => map = below,
            _ => break,
        }
    }
    steps.join(".")
}

/// Flags that set values, and the files they read.
pub(super) fn flags(
    random: &mut Random,
    values: &Map<String, Value>,
    subcharts: &[String],
    files: &mut Vec<(String, String)>,
) -> Vec<String> {
    let mut arguments = Vec::new();
    for number in 0..random.below(3) {
        if random.chance(50) {
            continue;
        }
        let mut over = tree(random, 2);
        if let Some(name) = subcharts.first().filter(|_| random.chance(60)) {
            random.note("values file for a subchart");
            over.insert(name.clone(), Value::Object(tree(random, 2)));
        }
        if random.chance(30) {
            random.note("globals in a values file");
            over.insert("global".to_owned(), Value::Object(tree(random, 1)));
        }
        random.note("values file");
        let name = format!("values-{number}.yaml");
        let mut content = text(random, &over);
        if random.chance(2) {
            random.note("broken values file");
            content.push_str(random.pick(&[
                "- list\n",
                "a: b: c\n",
                "\tx: 1\n",
                "--- more\n",
                "a: [1\n",
                "a: &x\n  *x\n",
            ]));
        }
        files.push((name.clone(), content));
        arguments.extend(["-f".to_owned(), name]);
    }
    for _ in 0..random.below(4) {
        if random.chance(45) {
            arguments.extend(set(random, values, subcharts, files));
        }
    }
    arguments
}

fn set(
    random: &mut Random,
    values: &Map<String, Value>,
    subcharts: &[String],
    files: &mut Vec<(String, String)>,
) -> Vec<String> {
    let mut path = path(random, values);
    if let Some(name) = subcharts.first().filter(|_| random.chance(30)) {
        path = format!("{name}.{path}");
    }
    if random.chance(15) {
        path = format!("global.{path}");
    }
    let plain =
        ["x", "1", "true", "null", "", "1.5", "a\\,b", "{a,b}", "{}", "007", "a=b", "12345678901", "é"];
    let (flag, text) = match random.below(12) {
        0..=3 => ("--set", format!("{path}={}", random.pick(&plain))),
        4 => ("--set", format!("{path}={},{}[1].b=2", random.pick(&plain), random.pick(&KEYS))),
        5 => ("--set-string", format!("{path}={}", random.pick(&plain))),
        6 => ("--set-json", format!("{path}={}", value(random, 2))),
        7 => ("--set-json", Value::Object(tree(random, 2)).to_string()),
        8 => ("--set-literal", format!("{path}={}", random.pick(&["a,b", "{x}", "a\\b", "k=v", "null"]))),
        9 => {
            files.push(("set-file.txt".to_owned(), random.pick(&TEXTS).to_owned()));
            ("--set-file", format!("{path}=set-file.txt"))
        }
        10 => ("--set", format!("{path}[0]={}", random.pick(&plain))),
        _ if random.chance(90) => ("--set", format!("{path}=odd")),
        _ => {
            random.note("odd --set");
            let odd = [
                "a",
                "a[",
                "a[x]=1",
                "=1",
                "a.=1",
                "a[-1]=1",
                "a[70000]=1",
                "a={b",
                "a..b=1",
                ",",
                "a[0][1]=x",
            ];
            ("--set", random.pick(&odd).to_owned())
        }
    };
    random.note(flag);
    vec![flag.to_owned(), text]
}
