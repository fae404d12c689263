//! Hostile charts, values and templates: each ends in an error that names its place, in little time, and reads nothing
//! but the chart. The names of the tests begin with the kind of input, as the project's list of bad inputs counts them.

#![expect(clippy::unwrap_used, reason = "a test may fail where what it stands on is missing")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use belay_filetree::{Kind, MemoryTree, TreePath};
use belay_gotemplate::Budget;
use belay_helm::{Chart, RenderOptions, Values, ValuesFlags, check_release_name, render};
use serde_json::json;

/// Helm lets templates include each other a thousand deep.
const STACK: usize = 256 << 20;
const CHART: (&str, &str) = ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");

/// What controllers allow a chart.
fn strict() -> RenderOptions {
    let mut options = RenderOptions::new("rel", "default");
    options.budget = Budget { steps: 2_000_000, output_bytes: 4 << 20, depth: 1_000 };
    options
}

fn tree(files: &[(&str, &str)]) -> MemoryTree {
    let files: Vec<(String, &str)> =
        files.iter().map(|(name, text)| (format!("web/{name}"), *text)).collect();
    MemoryTree::of(files.iter().map(|(name, text)| (name.as_str(), *text)))
}

fn rendered_from(tree: &MemoryTree, options: &RenderOptions) -> Result<String, String> {
    let run = || -> Result<String, Box<dyn Error>> {
        let chart = Chart::load(tree, &TreePath::parse("web")?)?;
        let rendered = render(&Arc::new(chart), options)?;
        Ok(rendered.manifests.iter().map(|manifest| manifest.text.as_str()).collect())
    };
    run().map_err(|error| belay_causes::chain(error.as_ref()))
}

/// What the files render to, or the error; within the time that a controller may wait.
fn answer(files: &[(&str, &str)]) -> Result<String, String> {
    let tree = tree(files);
    let start = Instant::now();
    let answer = std::thread::scope(|scope| {
        let work = || rendered_from(&tree, &strict());
        std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap().join().unwrap()
    });
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    answer
}

/// The error names what is expected, and the same input gives the same error again.
#[track_caller]
fn check_refused(files: &[(&str, &str)], expected: &str) {
    let error = answer(files).unwrap_err();
    assert!(error.contains(expected), "{error}");
    assert_eq!(answer(files), Err(error));
}

fn with_template(text: &str) -> [(&str, &str); 2] {
    [CHART, ("templates/a.yaml", text)]
}

#[test]
fn bad_p2_links_out_of_the_tree_are_not_followed() {
    for target in ["../../etc/passwd", "/etc/passwd", "../web/templates"] {
        let mut tree = tree(&[CHART, ("files/a", "x")]);
        let templates = TreePath::parse("web/templates").unwrap();
        tree.insert(templates.child("a.yaml"), Kind::Link, target.to_owned());
        let answer = rendered_from(&tree, &strict());
        assert!(answer.as_ref().is_err_and(|error| error.contains("a.yaml")), "{target}: {answer:?}");
    }
}

#[test]
fn bad_p4_names_that_are_paths_are_refused() {
    for name in ["../x", ".", "..", "a/b", "/abs"] {
        let chart = format!("apiVersion: v2\nname: {name:?}\nversion: 1.0.0\n");
        check_refused(&[("Chart.yaml", &chart)], "name");
    }
    check_refused(&[("Chart.yaml", "apiVersion: v2\nname: web\nversion: ../1\n")], "version");
    let alias =
        "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies: [{name: db, version: '1', alias: ../x}]\n";
    check_refused(&[("Chart.yaml", alias)], "alias");
    for name in ["../x", "", "A", &"a".repeat(10_000), "a\u{1b}[31m"] {
        assert!(check_release_name(name).is_err(), "{name:?}");
    }
}

#[test]
fn bad_r1_aliases_of_aliases_in_charts_and_values() {
    let mut laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..10 {
        let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
        laughs.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
    }
    check_refused(&[CHART, ("values.yaml", &laughs)], "values.yaml");
    let chart = format!("{}{laughs}", CHART.1);
    check_refused(&[("Chart.yaml", &chart)], "Chart.yaml");
    check_refused(&with_template(&laughs), "a.yaml");
    // As in Helm, `fromYaml` gives the error as a value.
    let read = "a: {{ (.Files.Get \"laughs\" | fromYaml).Error | quote }}\n";
    let answer = answer(&[CHART, ("laughs", &laughs), ("templates/a.yaml", read)]);
    assert!(answer.as_ref().is_ok_and(|text| text.contains("excessive aliasing")), "{answer:?}");
}

#[test]
fn bad_r2_deep_values_templates_and_output() {
    let deep = "[".repeat(200_000);
    check_refused(&[CHART, ("values.yaml", &format!("a: {deep}"))], "values.yaml");
    check_refused(&with_template(&format!("a: {deep}")), "a.yaml");
    check_refused(&with_template(&format!("{{{{ {} }}}}", "(".repeat(200_000))), "a.yaml");
    check_refused(&with_template(&"{{ if true }}".repeat(100_000)), "a.yaml");
    check_refused(&[CHART, ("values.schema.json", &deep)], "schema");
    let deep_charts: Vec<(String, &str)> =
        (0..200).map(|depth| (format!("{}Chart.yaml", "charts/web/".repeat(depth)), CHART.1)).collect();
    let deep_charts: Vec<(&str, &str)> =
        deep_charts.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    check_refused(&deep_charts, "deep");
}

#[test]
fn bad_r6_schemas_that_lead_elsewhere_or_in_circles() {
    let refused = |schema: serde_json::Value| {
        check_refused(&[CHART, ("values.schema.json", &schema.to_string())], "schema");
    };
    for place in ["/dev/zero", "file:///etc/passwd", "http://169.254.169.254/x", "other.json"] {
        refused(json!({ "$ref": place }));
        refused(json!({ "properties": { "a": { "$ref": place } } }));
    }
    refused(json!({ "$ref": "#/definitions/none" }));
    // In a circle: it ends, whatever it says.
    let circle = json!({ "$ref": "#/definitions/a", "definitions": {
        "a": { "$ref": "#/definitions/b" }, "b": { "$ref": "#/definitions/a" } } });
    let _ = answer(&[CHART, ("values.schema.json", &circle.to_string())]);
    let mut doubling = json!({ "type": "string" });
    for _ in 0..12 {
        doubling = json!({ "anyOf": [doubling, doubling] });
    }
    let schema = json!({ "properties": { "a": doubling } }).to_string();
    check_refused(&[CHART, ("values.yaml", "a: 1\n"), ("values.schema.json", &schema)], "a");
}

#[test]
fn bad_r7_keys_that_ask_for_too_much() {
    let merge = |set: &str| {
        let flags = ValuesFlags { set: vec![set.to_owned()], ..ValuesFlags::default() };
        let start = Instant::now();
        let merged = flags.merge(&|_: &str| Ok(Vec::new()));
        assert!(start.elapsed() < Duration::from_secs(5));
        merged.map(drop).map_err(|error| belay_causes::chain(&error))
    };
    for set in ["a[2147483647]=1", "a[65537]=1", "a[-1]=1", "a[99999999999999999999]=1"] {
        assert!(merge(set).unwrap_err().contains("index"), "{set}");
    }
    assert!(merge(&format!("{}=1", ["a"; 1_000].join("."))).is_err());
    // Helm knows no limit for lists in lists but memory.
    assert!(merge(&format!("a{}=1", "[0]".repeat(1_000))).is_ok());
    assert!(merge(&format!("{}=1", "k".repeat(1 << 20))).is_ok());
    assert!(merge(&"{".repeat(100_000)).is_err());
}

#[test]
fn bad_r10_templates_without_an_end() {
    for text in [
        "{{ range until 1000000000 }}x{{ end }}",
        "{{ repeat 1000000000 \"x\" }}",
        "{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ define \"a\" }}{{ tpl \"{{ include \\\"a\\\" . }}\" . }}{{ end }}{{ include \"a\" . }}",
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}{{ mustToYaml $d }}",
        "{{ range until 100000 }}{{ $_ := genCA \"x\" 1 }}{{ end }}",
        "{{ $s := \"x\" }}{{ range until 64 }}{{ $s = print $s $s }}{{ end }}{{ $s }}",
        "{{ printf \"%999999999d\" 1 }}",
        "{{ indent 999999999 \"x\" }}",
    ] {
        check_refused(&with_template(text), "a.yaml");
    }
}

#[test]
fn bad_r10_many_files_matched_many_times() {
    let files: Vec<(String, &str)> = (0..2_000).map(|number| (format!("files/f{number}"), "x")).collect();
    let mut files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let template =
        "{{ range until 100000 }}{{ range $path, $_ := $.Files.Glob \"**\" }}{{ $path }}{{ end }}{{ end }}";
    files.extend(with_template(template));
    check_refused(&files, "a.yaml");
}

#[test]
fn bad_r13_patterns_take_linear_time() {
    let text = "a".repeat(20_000);
    let template = format!("a: {{{{ regexMatch \"^(a+)+$\" \"{text}!\" }}}}\n");
    assert_eq!(answer(&with_template(&template)), Ok("a: false\n".to_owned()));
    check_refused(&with_template("{{ regexMatch \"(((a{1000}){1000}){1000})\" \"a\" }}"), "a.yaml");
    let ignore = format!("{}b\n", "*a".repeat(200));
    let name = "a".repeat(200);
    assert!(answer(&[CHART, (".helmignore", &ignore), (&name, "x")]).is_ok());
}

#[test]
fn bad_m1_files_that_are_not_what_they_should_be() {
    let texts = [
        "",
        "null",
        "- a\n",
        "~",
        "a",
        "\u{feff}a: 1\n",
        "\ta: 1\n",
        "---\n",
        "a: !!python/object x\n",
        "a: 1\na: 2\n",
        "a: [1\n",
        "\u{0}",
        "\u{1}\u{2}",
        "a: \"",
        "{",
        "a:\r\n  b: 1\r\n",
        "? a\n",
        "*x\n",
        "<<: *x\n",
        "a: &a [*a]\n",
    ];
    for file in
        ["Chart.yaml", "values.yaml", "values.schema.json", "Chart.lock", "requirements.yaml", ".helmignore"]
    {
        for text in texts {
            let (text, mut files) =
                (text.to_owned(), vec![CHART, ("templates/a.yaml", "a: {{ .Values | toJson }}\n")]);
            files.retain(|(name, _)| *name != file);
            files.push((file, &text));
            if let Err(error) = answer(&files) {
                assert!(!error.is_empty() && error.len() < 2_000, "{file}: {error}");
            } else {
                assert_ne!(file, "Chart.yaml", "{text:?}");
            }
        }
    }
    let no_charts =
        ["name: [null]", "maintainers: [null]", "dependencies: [null]", "keywords: {a: b}", "version: null"];
    for line in no_charts {
        let chart = format!("{}{line}\n", CHART.1);
        let _ = answer(&[("Chart.yaml", &chart)]);
    }
}

#[test]
fn bad_m6_of_a_key_twice_the_last_counts_as_in_helm() {
    let template = ("templates/a.yaml", "a: {{ .Values.a }}{{ .Chart.Name }}\n");
    let chart = ("Chart.yaml", "apiVersion: v2\nname: web\nname: other\nversion: 1.0.0\n");
    assert_eq!(answer(&[chart, ("values.yaml", "a: 1\na: 2\n"), template]), Ok("a: 2other\n".to_owned()));
}

#[test]
fn bad_i5_values_are_data() {
    let mut options = strict();
    let hostile = "{{ fail \"no\" }}\n- x: ${HOME}\n# '\"";
    options.values = Values::from_json(json!({ "a": hostile }));
    let tree = tree(&with_template("a: {{ .Values.a | toJson }}\n"));
    let text = rendered_from(&tree, &options).unwrap();
    assert_eq!(text, format!("a: {}\n", serde_json::to_string(hostile).unwrap()));
}

#[test]
fn bad_s1_templates_reach_neither_network_nor_environment() {
    check_refused(&with_template("{{ env \"HOME\" }}"), "function \"env\" not defined");
    check_refused(&with_template("{{ expandenv \"$HOME\" }}"), "function \"expandenv\" not defined");
    let text = "a: {{ getHostByName \"localhost\" | quote }}\nb: {{ lookup \"v1\" \"Secret\" \"\" \"\" | toJson }}\n";
    assert_eq!(answer(&with_template(text)), Ok("a: \"\"\nb: {}\n".to_owned()));
    for path in ["../../etc/passwd", "/etc/passwd", "../Chart.yaml", "./x"] {
        let text = format!("a: {{{{ .Files.Get {path:?} | quote }}}}\n");
        assert_eq!(answer(&with_template(&text)), Ok("a: \"\"\n".to_owned()), "{path}");
    }
}
