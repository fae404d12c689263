//! Where output comes from: places, calls, data and conditions.

use std::sync::Arc;

use belay_gotemplate::{Functions, Options, Origin, TemplateSet, Type, Value, from_json, sprig};

/// The host's functions that execute templates.
fn functions() -> Functions {
    let mut functions = sprig();
    functions.add("include", [Type::String, Type::Any], Type::String, |call, arguments| {
        let name = arguments.text(0)?.to_string();
        Ok(Value::String(call.execute(&name, arguments.value(1)?.clone())?))
    });
    functions.add("tpl", [Type::String, Type::Any], Type::String, |call, arguments| {
        let mut set = call.templates().clone();
        set.parse("tpl", &arguments.text(0)?.to_str())?;
        Ok(Value::String(call.execute_in(set, "tpl", arguments.value(1)?.clone())?))
    });
    functions
}

const HELPERS: &str = r#"
{{- define "name" }}{{ .Values.nameOverride | default .Chart.Name }}{{ end }}
{{- define "labels" -}}
app: {{ include "name" . }}
tier: web
{{- range $key, $value := .Values.labels }}
{{ $key }}: {{ $value }}
{{- end }}
{{- end }}
{{- define "port" }}{{ .port.number }}{{ end }}"#;

fn data() -> Value {
    from_json(&serde_json::json!({
        "Chart": {"Name": "demo"},
        "Values": {
            "image": {"repository": "web", "tag": "1.2"},
            "labels": {"a.b/c": "x", "team": "blue"},
            "ports": [{"number": 80, "name": "http"}, {"number": 443, "name": "https"}],
            "hosts": ["a.example", "b.example"],
            "text": "{{ .Values.image.tag }}!",
            "enabled": true,
            "limits": {"cpu": 1},
        },
    }))
}

/// The origins of the first place where `wanted` stands in the output of the template.
fn origins(template: &str, wanted: &str) -> Vec<Origin> {
    let mut set = TemplateSet::new("root", Arc::new(functions()));
    set.parse("helpers", HELPERS).expect("it is a template");
    set.parse("main", template).expect("it is a template");
    let (output, provenance) = set.execute_traced("main", data(), &Options::default()).expect("it renders");
    let text = String::from_utf8(output.clone()).expect("it is text");
    let plain = set.execute("main", data(), &Options::default()).expect("it renders");
    assert_eq!(text, plain, "tracing changes nothing");
    let mut end = 0;
    for span in &provenance.spans {
        assert_eq!(span.output.start, end, "spans follow each other");
        end = span.output.end;
    }
    assert_eq!(end, text.len());
    let start = text.find(wanted).unwrap_or_else(|| panic!("{wanted:?} is in {text:?}"));
    provenance.explain(&output, start..start + wanted.len())
}

/// `place > place: read, read if condition`, one line for each origin.
fn explain(template: &str, wanted: &str) -> String {
    let list = |paths: &[belay_gotemplate::Path]| {
        paths.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let mut lines = Vec::new();
    for origin in origins(template, wanted) {
        let places: Vec<String> = origin
            .places
            .iter()
            .map(|place| format!("{}@{}:{}", place.template, place.file, place.line))
            .collect();
        let literal = if origin.is_literal { "text" } else { "" };
        let condition = if origin.conditions.is_empty() {
            String::new()
        } else {
            format!("if {}", list(&origin.conditions))
        };
        let sources = list(&origin.reads);
        let parts = [&*places.join(" > "), literal, &*sources, &*condition];
        lines.push(parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

#[test]
fn literals_and_fields() {
    let template = "a: 1\nimage: {{ .Values.image.repository }}:{{ .Values.image.tag }}\n";
    assert_eq!(explain(template, "1"), "main@main:1 text");
    assert_eq!(
        explain(template, "web:1.2"),
        "main@main:2 .Values.image.repository\nmain@main:2 text\nmain@main:2 .Values.image.tag"
    );
}

#[test]
fn dot_and_variables_are_followed() {
    for (template, wanted, expected) in [
        ("{{ with .Values.image }}{{ .tag }}{{ end }}", "1.2", ".Values.image.tag if .Values.image"),
        ("{{ with .Values.image.tag }}{{ . }}{{ end }}", "1.2", ".Values.image.tag if .Values.image.tag"),
        ("{{ $t := .Values.image.tag | upper }}{{ $t }}", "1.2", ".Values.image.tag"),
        ("{{ range .Values.hosts }}{{ . }}{{ end }}", "b.exa", ".Values.hosts[1] if .Values.hosts"),
        (
            "{{ range $i, $p := .Values.ports }}{{ $p.name }}{{ end }}",
            "https",
            ".Values.ports[1].name if .Values.ports",
        ),
        ("{{ index .Values \"image\" \"tag\" }}", "1.2", ".Values.image.tag"),
        ("{{ (index .Values.ports 1).name }}", "https", ".Values.ports[1].name"),
        ("{{ get .Values.image \"tag\" }}", "1.2", ".Values.image.tag"),
        ("{{ dig \"image\" \"tag\" \"x\" .Values }}", "1.2", ".Values.image.tag"),
        ("{{ .Values.none | default .Chart.Name }}", "demo", ".Values.none .Chart.Name"),
        ("{{ $v := .Values }}{{ $v.image.tag }}", "1.2", ".Values.image.tag"),
        ("{{ toJson .Values.limits }}", "cpu", ".Values.limits"),
        ("{{ index .Values.labels \"a.b/c\" }}", "x", ".Values.labels[\"a.b/c\"]"),
        ("{{ $_ := set .Values \"new\" (dict \"a\" 1) }}{{ .Values.new.a }}", "1", ".Values.new.a"),
        ("{{ $c := deepCopy .Values.image }}{{ $c.tag }}", "1.2", ".Values.image"),
        ("{{ if .Values.enabled }}on{{ end }}", "on", "text if .Values.enabled"),
    ] {
        let expected = format!("main@main:1 {expected}");
        assert_eq!(explain(template, wanted), expected, "{template}");
    }
}

#[test]
fn calls_form_a_chain() {
    let template = "x\n{{ template \"port\" (dict \"port\" (index .Values.ports 0)) }}\n";
    assert_eq!(explain(template, "80"), "main@main:2 > port@helpers:10 .Values.ports[0].number");
    let template = "x: {{ include \"name\" . }}";
    assert_eq!(explain(template, "demo"), "main@main:1 > name@helpers:2 .Values.nameOverride .Chart.Name");
}

#[test]
fn included_lines_are_found_again_behind_other_functions() {
    let template = "labels:\n  {{- include \"labels\" . | nindent 2 }}\nx: {{ include \"name\" . | quote }}";
    assert_eq!(
        explain(template, "demo"),
        "main@main:2 > labels@helpers:4 > name@helpers:2 .Values.nameOverride .Chart.Name"
    );
    assert_eq!(explain(template, "web"), "main@main:2 > labels@helpers:5 text");
    assert_eq!(
        explain(template, "blue"),
        "main@main:2 > labels@helpers:7 .Values.labels.team if .Values.labels"
    );
    assert_eq!(
        explain(template, "\"demo\""),
        "main@main:3 > name@helpers:2 .Values.nameOverride .Chart.Name"
    );
}

#[test]
fn the_text_of_a_template_can_be_data() {
    let template = "x: {{ tpl .Values.text . }}";
    assert_eq!(explain(template, "1.2"), "main@main:1 > tpl@tpl:1 .Values.image.tag .Values.text");
    assert_eq!(explain(template, "!"), "main@main:1 > tpl@tpl:1 text .Values.text");
}

#[test]
fn what_is_taken_out_moves_the_rest() {
    let mut set = TemplateSet::new("root", Arc::new(functions()));
    set.parse("main", "a{{ .Values.none }}b{{ .Values.image.tag }}").expect("it is a template");
    let (output, mut provenance) =
        set.execute_traced("main", data(), &Options::default()).expect("it renders");
    assert_eq!(output, b"a<no value>b1.2");
    provenance.remove(std::slice::from_ref(&(1..11)));
    let ranges: Vec<_> = provenance.spans.iter().map(|span| span.output.clone()).collect();
    assert_eq!(ranges, [0..1, 1..1, 1..2, 2..5]);
}
