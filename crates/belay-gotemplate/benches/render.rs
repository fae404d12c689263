//! Rendering a chart-like set of templates, with includes and `tpl`: `cargo bench -p belay-gotemplate`.

#![expect(clippy::print_stdout, reason = "a bench prints its table")]

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_gotemplate::{Functions, Options, ParseCache, TemplateSet, Type, Value, from_json, sprig};

/// What the binary allocates with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 21;
const FILES: usize = 100;

const HELPERS: &str = r#"{{- define "name" }}{{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}{{ end }}
{{- define "labels" -}}
app.kubernetes.io/name: {{ include "name" . }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- range $key, $value := .Values.labels }}
{{ $key }}: {{ tpl (toString $value) $ | quote }}
{{- end }}
{{- end }}"#;

const DEPLOYMENT: &str = r#"{{- if .Values.enabled -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "name" . }}-NUMBER
  labels:
    {{- include "labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas | int }}
  template:
    metadata:
      labels: {{- include "labels" . | nindent 8 }}
    spec:
      containers:
        - name: {{ .Chart.Name }}
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
          {{- with .Values.resources }}
          resources: {{- toJson . | nindent 12 }}
          {{- end }}
          env:
            {{- range .Values.env }}
            - name: {{ .name | upper | replace "-" "_" }}
              value: {{ tpl .value $ | quote }}
            {{- end }}
          {{- if and .Values.probe (not (empty .Values.probe.path)) (regexMatch "^/[a-z/]*$" .Values.probe.path) }}
          livenessProbe:
            httpGet: { path: {{ .Values.probe.path | quote }}, port: {{ printf "%d" (int .Values.probe.port) }} }
          {{- end }}
{{- end }}
"#;

fn main() {
    let functions = Arc::new(functions());
    let texts: Vec<String> =
        (0..FILES).map(|number| DEPLOYMENT.replace("NUMBER", &number.to_string())).collect();
    let cache = Arc::new(ParseCache::default());
    println!("{:<44} {:>10}", format!("{FILES} templates, median of {ROUNDS}"), "ms");
    let rows: [(&str, &dyn Fn() -> usize); 4] = [
        ("parse", &|| set(&functions, &texts, Arc::new(ParseCache::new(0))).names().len()),
        ("parse, known texts", &|| set(&functions, &texts, cache.clone()).names().len()),
        ("parse and render", &|| render(&set(&functions, &texts, Arc::new(ParseCache::default())), false)),
        ("parse and render with provenance", &|| render(&set(&functions, &texts, Arc::default()), true)),
    ];
    let wanted = std::env::args().nth(1).filter(|word| !word.starts_with('-'));
    for (name, run) in rows {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("{name:<44} {:>10.2}", median(run).as_secs_f64() * 1e3);
        }
    }
}

fn median(run: &dyn Fn() -> usize) -> Duration {
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        black_box(run());
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times[ROUNDS / 2]
}

fn set(functions: &Arc<Functions>, texts: &[String], cache: Arc<ParseCache>) -> TemplateSet {
    let mut set = TemplateSet::new("bench", functions.clone()).with_cache(cache);
    set.parse("helpers", HELPERS).expect("it is a template");
    for (number, text) in texts.iter().enumerate() {
        set.parse(&format!("file{number}"), text).expect("it is a template");
    }
    set
}

fn render(set: &TemplateSet, traced: bool) -> usize {
    let options = Options::default();
    let mut bytes = 0;
    for number in 0..FILES {
        let name = format!("file{number}");
        bytes += if traced {
            set.execute_traced(&name, data(), &options).expect("it renders").0.len()
        } else {
            set.execute_bytes(&name, data(), &options).expect("it renders").len()
        };
    }
    bytes
}

fn data() -> Value {
    from_json(&serde_json::json!({
        "Chart": {"Name": "web", "AppVersion": "1.2.3"},
        "Release": {"Name": "demo"},
        "Values": {
            "enabled": true,
            "replicas": 3,
            "labels": {"team": "blue", "tier": "{{ .Chart.Name }}-tier", "env": "prod"},
            "image": {"repository": "registry.example.com/web", "tag": ""},
            "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m"}},
            "env": [
                {"name": "log-level", "value": "info"},
                {"name": "release-name", "value": "{{ .Release.Name }}"},
                {"name": "url", "value": "https://{{ include \"name\" . }}.example.com/"},
            ],
            "probe": {"path": "/healthz", "port": 8080},
        },
    }))
}

/// The host's functions that execute templates, as Helm has them.
fn functions() -> Functions {
    let mut functions = sprig();
    functions.add("include", [Type::String, Type::Any], Type::String, |call, arguments| {
        let name = arguments.text(0)?.to_string();
        Ok(Value::String(call.execute(&name, arguments.value(1)?.clone())?))
    });
    functions.add("tpl", [Type::String, Type::Any], Type::String, |call, arguments| {
        let mut set = call.templates().clone();
        set.parse("gotpl", &arguments.text(0)?.to_str())?;
        Ok(Value::String(call.execute_in(set, "gotpl", arguments.value(1)?.clone())?))
    });
    functions
}
