//! Texts read as BurntSushi's library reads them: `cases/toml.jsonl` has texts with what `go run ./cmd/toml` in
//! `tests/oracle/helm` said of each. `TOML=FILE` takes other lines that it answered.

#![expect(clippy::unwrap_used, reason = "a broken case file should fail the test")]

use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use belay_gotemplate::{
    Element, Functions, Map, Options, TemplateSet, Time, Type, Value, format_float, go_quote, read_toml,
};

#[test]
fn texts_are_read_as_go_reads_them() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases/toml.jsonl");
    let file = std::env::var("TOML").map_or(here, Into::into);
    let lines = std::fs::read_to_string(file).unwrap();
    let mut failures = Vec::new();
    let mut count = 0;
    for line in lines.lines() {
        let case: serde_json::Value = serde_json::from_str(line).unwrap();
        let text = match case["base64"].as_str() {
            Some(encoded) => STANDARD.decode(encoded).unwrap(),
            None => case["text"].as_str().unwrap().as_bytes().to_vec(),
        };
        let answer = answer(&text);
        if answer != case["answer"] {
            let text = String::from_utf8_lossy(&text);
            failures
                .push(format!("--- {text:?}\n  Go: {}\nours: {answer}", case["answer"].as_str().unwrap()));
        }
        count += 1;
    }
    assert!(count > 300, "only {count} cases were found");
    let shown = failures.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {count} texts differ:\n{shown}", failures.len());
}

/// Deeper than any stack is high, without one's being exhausted.
#[test]
fn bad_r10_deep_toml_is_read_or_refused() {
    let is_read = |text: String| answer_with(text.as_bytes(), |_| "read".to_owned()) == "read";
    let deep = |open: &str, close: &str, depth| format!("a={}{}", open.repeat(depth), close.repeat(depth));
    assert!(is_read(deep("[", "]", 9_000)));
    assert!(!is_read(deep("[", "]", 200_000)));
    // The keys of tables within each other are looked up from the top.
    assert!(is_read(format!("a={}1{}", "{a=".repeat(1_000), "}".repeat(1_000))));
    assert!(!is_read(deep("{a=", "}", 20_000)));
    assert!(is_read(format!("{}a=1", "a.".repeat(1_000))));
    assert!(!is_read("a.".repeat(200_000)));
}

/// What a template's function sees, in the form in which the cases have it.
fn answer(text: &[u8]) -> String {
    answer_with(text, |map| {
        let mut out = String::new();
        show(&Value::Map(map), &mut out);
        out
    })
}

fn answer_with(text: &[u8], shown: fn(Map) -> String) -> String {
    let mut functions = Functions::new();
    let text: Arc<[u8]> = text.into();
    functions.add("answer", [], Type::String, move |call, _| {
        let read = read_toml(&text, call);
        Ok(Value::string(read.map_or_else(|error| format!("error: {error}"), shown)))
    });
    let mut set = TemplateSet::new("root", Arc::new(functions));
    set.parse("t", "{{answer}}").unwrap();
    set.execute("t", Value::Nil, &Options::default()).unwrap()
}

fn show(value: &Value, out: &mut String) {
    if let Some(time) = Time::of(value) {
        let zone = time.zone_name().filter(|name| name.ends_with("-local")).unwrap_or_default();
        out.push_str(&format!("time {}{zone}", time.format("2006-01-02T15:04:05.999999999Z07:00")));
        return;
    }
    match value {
        Value::Map(map) => {
            out.push('{');
            for (index, (key, value)) in map.entries().into_iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                out.push_str(&format!("{}:", go_quote(&key)));
                show(&value, out);
            }
            out.push('}');
        }
        Value::List(list) => {
            let is_tables = list.element() == Element::AnyMap;
            out.push_str(if is_tables { "[[" } else { "[" });
            for (index, item) in list.items().iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                show(item, out);
            }
            out.push_str(if is_tables { "]]" } else { "]" });
        }
        Value::String(text) => out.push_str(&go_quote(text)),
        Value::Float(number) => out.push_str(&format!("float {}", format_float(*number, 'g', None))),
        Value::Int64(number) => out.push_str(&number.to_string()),
        Value::Bool(value) => out.push_str(&value.to_string()),
        other => out.push_str(&format!("unexpected {}", other.type_name())),
    }
}
