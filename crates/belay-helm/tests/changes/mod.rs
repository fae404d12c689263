//! Charts and release records with changes made at random: whatever comes of them, it comes soon and without a panic,
//! and the same twice.

use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_filetree::{MemoryTree, TreePath};
use belay_helm::record::{self, Written};
use belay_helm::{Chart, OutputOptions, Release, RenderOptions, Values, render};
use serde_json::{Value, json};

/// What is changed, in turn, and how long one look may take.
const LONGEST: Duration = Duration::from_secs(20);

/// The same seed makes the same changes.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A chart with a bit of everything.
const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 1.0.0\nkubeVersion: '>=1.20-0'\ndependencies:\n- name: db\n  version: 1.x\n  \
         repository: https://charts.example.com\n  condition: db.enabled\n  alias: store\n  import-values: [data]\n",
    ),
    (
        "values.yaml",
        "a: &a {b: 1, c: [x, 'y']}\nd: *a\nglobal: {g: 1.5}\ntext: |\n  one\n  two\nstore: {enabled: true}\n",
    ),
    (
        "values.schema.json",
        r#"{"type":"object","properties":{"a":{"type":"object"},"text":{"type":"string","pattern":"^o"}}}"#,
    ),
    (".helmignore", "*.md\n!keep\n/files/x*\n"),
    ("files/x.txt", "line\n"),
    (
        "crds/a.yaml",
        "kind: CustomResourceDefinition\napiVersion: apiextensions.k8s.io/v1\nmetadata: {name: a}\n",
    ),
    ("templates/_helpers.tpl", "{{ define \"l\" -}}\na: {{ .Values.d | toJson }}\n{{- end }}"),
    (
        "templates/a.yaml",
        "{{ range $k, $v := .Values.a }}---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ $.Release.Name }}-{{ $k }}\n  \
         labels: {{- include \"l\" $ | nindent 4 }}\ndata: {{ tpl ($v | toYaml) $ | quote }}\n{{ end }}",
    ),
    (
        "templates/hook.yaml",
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: j\n  annotations: {helm.sh/hook: 'pre-install,test', helm.sh/hook-weight: '5'}\n",
    ),
    ("templates/NOTES.txt", "Hi {{ .Chart.Name }}{{ .Files.Get \"files/x.txt\" }}\n"),
    ("charts/db/Chart.yaml", "apiVersion: v1\nname: db\nversion: 1.2.3\n"),
    ("charts/db/values.yaml", "exports: {data: {imported: 1}}\nport: 5432\n"),
    (
        "charts/db/templates/s.yaml",
        "kind: Service\napiVersion: v1\nmetadata: {name: db}\nport: {{ .Values.port }}\n",
    ),
];

const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    "{{ end }}",
    "{{ range .Values }}",
    "\"",
    "'",
    ": ",
    "\n",
    "\n  ",
    "\t",
    "---\n",
    "- ",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "<<: *a\n",
    "!!binary ",
    "|",
    ">-",
    "\u{0}",
    "é",
    "\u{feff}",
    "null",
    "~",
    "1e999",
    "0o17",
    "9223372036854775808",
    "../",
    "/",
    ".",
    "*",
    "**",
    "$ref",
    "name: ",
    "version: ",
    "helm.sh/hook: ",
    "true",
];

/// Changes a few places of a text.
fn changed(numbers: &mut Numbers, text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..1 + numbers.below(4) {
        let from = numbers.below(bytes.len() + 1);
        let to = (from + numbers.below(20)).min(bytes.len());
        match numbers.below(6) {
            0 => drop(bytes.drain(from..to)),
            1 => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(to..to, piece);
            }
            2 if from < bytes.len() => bytes[from] = numbers.below(256) as u8,
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                bytes.splice(from..from, piece.bytes());
            }
        }
    }
    bytes
}

/// Renders the chart with one or two files changed.
pub(crate) fn change_chart(numbers: &mut Numbers) {
    let mut files: Vec<(String, Vec<u8>)> =
        CHART.iter().map(|(name, text)| (format!("web/{name}"), text.as_bytes().to_vec())).collect();
    for _ in 0..1 + numbers.below(2) {
        let place = numbers.below(files.len());
        files[place].1 = changed(numbers, CHART[place].1);
    }
    if numbers.below(8) == 0 {
        let place = numbers.below(files.len());
        files.remove(place);
    }
    let mut tree = MemoryTree::new();
    for (name, bytes) in &files {
        let path = TreePath::parse(name).expect("the names are not changed");
        tree.insert(path, belay_filetree::Kind::File, bytes.clone());
    }
    let start = Instant::now();
    let first = rendered(&tree);
    assert_eq!(first, rendered(&tree), "another answer for {files:?}");
    assert!(start.elapsed() < LONGEST, "{:?} for {files:?}", start.elapsed());
}

fn rendered(tree: &MemoryTree) -> Result<String, String> {
    let run = || -> Result<String, Box<dyn std::error::Error>> {
        let chart = Arc::new(Chart::load(tree, &TreePath::parse("web")?)?);
        let mut options = RenderOptions::new("rel", "default");
        options.budget.steps = 200_000;
        options.budget.output_bytes = 1 << 20;
        options.values = Values::from_json(json!({ "a": { "b": 2 }, "store": { "port": 1 } }));
        let result = render(&chart, &options)?;
        let record = Release { chart: result.chart.clone(), ..Release::default() };
        record::from_secret(&record::to_secret(&record, Written::Created(1)))?;
        Ok(result.to_template_output(&OutputOptions::default())?)
    };
    run().map_err(|error| belay_causes::chain(error.as_ref()))
}

/// Reads a release record with changes in one of its layers.
pub(crate) fn change_record(numbers: &mut Numbers) {
    let release = Release {
        name: "web".to_owned(),
        namespace: "prod".to_owned(),
        version: 3,
        manifest: "---\n# Source: web/a.yaml\nkind: A\n".to_owned(),
        chart: json!({ "metadata": { "name": "web", "version": "1.0.0" }, "templates": [], "values": { "a": 1 } }),
        ..Release::default()
    };
    let mut secret = record::to_secret(&release, Written::Created(1_700_000_000));
    let start = Instant::now();
    match numbers.below(3) {
        0 => {
            let text = secret.to_string();
            let bytes = changed(numbers, &text);
            secret = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        }
        1 => {
            let text = secret["data"]["release"].as_str().unwrap_or_default().to_owned();
            secret["data"]["release"] = String::from_utf8_lossy(&changed(numbers, &text)).into_owned().into();
        }
        _ => {
            let json = serde_json::to_string(&release).expect("a release is JSON");
            secret["data"]["release"] = packed(&changed(numbers, &json)).into();
        }
    }
    if let Ok(read) = record::from_secret(&secret) {
        let again = record::from_secret(&record::to_secret(&read, Written::Modified(1)));
        assert_eq!(again.as_ref().ok(), Some(&read), "{secret}");
    }
    assert!(start.elapsed() < LONGEST, "{secret}");
}

/// As Helm packs a record, and Kubernetes it in turn.
fn packed(json: &[u8]) -> String {
    use base64::Engine as _;
    use std::io::Write as _;
    let base64 = base64::engine::general_purpose::STANDARD;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(json).expect("a vector takes everything");
    let bytes = gzip.finish().expect("a vector takes everything");
    base64.encode(base64.encode(bytes))
}
