//! Hostile input ends in an error, soon, and without exhausting the stack or memory.

use std::time::{Duration, Instant};

use belay_goyaml::{ParseOptions, parse, split_documents, to_json, to_json_with, try_split_documents};

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
    let options = ParseOptions { max_depth: usize::MAX, ..ParseOptions::default() };
    let fits = format!("{}{}", "[".repeat(512), "]".repeat(512));
    assert!(to_json_with(&fits, &options, false).is_ok());
    let beyond = format!("{}{}", "[".repeat(513), "]".repeat(513));
    assert!(to_json_with(&beyond, &options, false).is_err());
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
