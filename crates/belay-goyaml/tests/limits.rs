//! Hostile input ends in an error, soon, and without exhausting the stack or memory.

use std::time::{Duration, Instant};

use belay_goyaml::{
    ParseOptions, marshal, node_to_json, parse, read_editable, split_documents, to_go_json, to_json,
    to_json_with, to_yaml_v3, try_split_documents, with_depth, write_editable,
};

/// A part of what the command line has, for a part of what it does.
const DEEP: usize = 128 << 20;
/// Generous for a debug build on a busy machine; what is not linear takes far longer.
const SOON: Duration = Duration::from_secs(2);

#[test]
fn bad_r2_deep_nesting_is_an_error_in_linear_time() {
    for unit in ["[", "{a: ", "- ", "? ", "[{"] {
        let text = unit.repeat(400_000 / unit.len());
        let start = Instant::now();
        let error = to_json(&text).expect_err("too deep").to_string();
        assert!(start.elapsed() < SOON, "{unit:?} took {:?}", start.elapsed());
        assert!(error.contains("exceeded max depth of 256"), "{unit:?}: {error}");
    }
}

#[test]
fn bad_r2_deep_indentation_is_an_error_that_names_the_line() {
    let text: String = (0..1000).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let error = to_json(&text).expect_err("too deep");
    assert_eq!(error.to_string(), "yaml: line 257: exceeded max depth of 256");
}

#[test]
fn bad_r2_the_depth_ceiling_fits_a_small_stack() {
    on_stack(DEEP, || {
        for unit in [("[", "]"), ("- ", ""), ("{a: ", "}"), ("? ", ""), ("[a: ", "]"), ("[? ", "]")] {
            let text = |levels: usize| format!("{}x{}", unit.0.repeat(levels), unit.1.repeat(levels));
            let options = ParseOptions { max_depth: usize::MAX, ..ParseOptions::default() };
            let fits = text(ParseOptions::DEPTH_CEILING);
            read_and_write(&fits, &options);
            let error = to_json_with(&text(ParseOptions::DEPTH_CEILING + 1), &options, false);
            let error = error.expect_err("too deep").to_string();
            assert!(error.ends_with("exceeded max depth of 10000"), "{unit:?}: {error}");
        }
    });
}

#[test]
fn indentation_and_brackets_are_counted_apart_at_the_ceiling() {
    on_stack(DEEP, || {
        let options = ParseOptions { max_depth: ParseOptions::DEPTH_CEILING, ..ParseOptions::default() };
        let brackets = format!("{}x{}", "[a: ".repeat(10_000), "]".repeat(10_000));
        read_and_write(&format!("{}{brackets}", "- ".repeat(10_000)), &options);
        let strict = ParseOptions { max_depth: 9_999, ..options };
        let both = format!("{}{}{}", "- ".repeat(5000), "[".repeat(5000), "]".repeat(5000));
        assert!(parse(&both, &strict).is_err());
    });
}

/// Everything that walks a tree.
fn read_and_write(text: &str, options: &ParseOptions) {
    let documents = parse(text, options).expect("deep, but allowed");
    assert_eq!(documents.len(), 1);
    let copy = documents[0].clone();
    // A mapping cannot be a key in JSON.
    if let Ok(value) = node_to_json(&copy.root, false) {
        assert!(!to_go_json(&value, true).is_empty());
        // Each level of mappings is indented more, which comes to hundreds of megabytes.
        if !text.contains("a:") {
            assert!(!to_yaml_v3(&value, 2).is_empty());
            assert!(
                !with_depth(ParseOptions::DEPTH_CEILING, || marshal(&value)).expect("writable").is_empty()
            );
        }
        let copy = value.clone();
        assert_eq!(copy, value);
    }
    let document = read_editable(text, options).expect("deep, but allowed");
    assert!(!write_editable(&document.clone()).expect("writable").is_empty());
}

fn on_stack(bytes: usize, work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(bytes).spawn(work).expect("a thread");
    thread.join().expect("it fits");
}

#[test]
fn bad_r2_the_usual_depth_fits_a_thread_of_a_server() {
    on_stack(2 << 20, || {
        let text = format!("{}{}", "[".repeat(256), "]".repeat(256));
        read_and_write(&text, &ParseOptions::default());
    });
}

#[test]
fn a_thread_may_be_allowed_as_much_as_go_allows() {
    let text = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    on_stack(DEEP, move || {
        assert!(to_json(&text).is_err());
        let inner = with_depth(ParseOptions::DEPTH_CEILING, || {
            assert!(to_json(&text).is_ok());
            let beyond = to_json(&format!("[{text}]")).expect_err("too deep").to_string();
            assert_eq!(beyond, "yaml: exceeded max depth of 10000");
            std::thread::spawn(|| ParseOptions::default().max_depth).join().expect("a depth")
        });
        assert_eq!(inner, ParseOptions::USUAL_DEPTH);
        let caught = std::panic::catch_unwind(|| with_depth(9, || panic!("on purpose")));
        assert!(caught.is_err());
        assert_eq!(ParseOptions::default().max_depth, ParseOptions::USUAL_DEPTH);
    });
}

#[test]
fn bad_r1_billion_laughs_is_an_error() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..12 {
        let item = format!("*a{}", level - 1);
        let items = vec![item; 10].join(", ");
        text.push_str(&format!("a{level}: &a{level} [{items}]\n"));
    }
    let documents = parse(&text, &ParseOptions::default()).expect("aliases are not expanded here");
    assert_eq!(documents.len(), 1);
    let error = to_json(&text).expect_err("too many aliases");
    assert_eq!(error.to_string(), "yaml: document contains excessive aliasing");
}

#[test]
fn bad_r1_copies_of_a_long_scalar_are_limited() {
    let text = format!("a: &a {}\nb:\n{}", "x".repeat(1 << 20), "- *a\n".repeat(1000));
    let error = to_json(&text).expect_err("a gigabyte of copies");
    assert_eq!(error.to_string(), "yaml: document contains excessive aliasing");
}

#[test]
fn bad_r3_long_inputs_without_nesting_stay_linear() {
    let start = Instant::now();
    let many_aliases = format!("a: &a x\nb:\n{}", "- *a\n".repeat(50));
    assert!(to_json(&many_aliases).is_ok());
    let long_key = format!("{}: 1", "k".repeat(1 << 20));
    assert!(to_json(&long_key).is_err());
    let many_keys: String = (0..20_000).map(|number| format!("k{number}: v\n")).collect();
    assert!(to_json(&many_keys).is_ok());
    let unclosed = format!("a: \"{}", "x ".repeat(500_000));
    assert!(to_json(&unclosed).is_err());
    let comments = "# c\n".repeat(100_000);
    assert!(to_json(&comments).is_ok());
    assert!(start.elapsed() < SOON * 3, "took {:?}", start.elapsed());
}

#[test]
fn bad_r3_bytes_and_documents_are_limited() {
    let options = ParseOptions { max_bytes: 10, max_documents: 2, ..ParseOptions::default() };
    let error = parse("a: 1 # and more", &options).expect_err("too long");
    assert_eq!(error.to_string(), "yaml: exceeded max size of 10 bytes");
    assert_eq!(parse("--- \n---\n", &options).expect("two documents").len(), 2);
    let error = parse("---\n---\n--", &options).expect("text after the second");
    assert_eq!(error.len(), 2);
    let options = ParseOptions { max_documents: 2, ..ParseOptions::default() };
    let error = parse("---\n---\n---\n", &options).expect_err("three documents");
    assert_eq!(error.to_string(), "yaml: exceeded max documents of 2");
}

#[test]
fn streams_split_as_kubernetes_splits_them() {
    let parts = split_documents("# c\n---\na: 1\n--- # next\nb: 2\n---\n---\nc: 3");
    assert_eq!(parts, [(1, "# c\n"), (3, "a: 1\n"), (5, "b: 2\n"), (7, "---\nc: 3")]);
    assert_eq!(split_documents(""), []);
    assert_eq!(split_documents("---\n"), [(1, "---\n")]);
    assert_eq!(split_documents("a: |\n  ---\n  x\n").len(), 1);
    let error = try_split_documents("a: 1\n--- b\n").expect_err("text after ---");
    assert_eq!((error.line, error.to_string().as_str()), (2, "invalid Yaml document separator: b"));
}
