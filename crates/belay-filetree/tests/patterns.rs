//! Patterns beside what Go's libraries answer. Recorded in `tests/oracle/argo` by `go run . globs` and `go run . paths`.

use belay_filetree::{Glob, path_match};

fn answer<E>(found: Result<bool, E>) -> String {
    found.map_or_else(|_| "error".to_owned(), |found| found.to_string())
}

/// Where gobwas does not do what it says: a choice between a long text and a short one after something else.
const GOBWAS_IS_WRONG: [&str; 2] = ["?{a*,b}", "{a*,b}{ab,}\\*{a*,b}{ab,}"];

#[test]
fn globs_match_as_in_gobwas() {
    let mut wrong = Vec::new();
    for line in include_str!("globs.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [pattern, separators, text, expected] = columns[..] else { panic!("four columns: {line}") };
        let glob = if separators == "/" { Glob::compile_path(pattern) } else { Glob::compile(pattern) };
        let found = answer(glob.map(|glob| glob.is_match(text)));
        if found != expected && !GOBWAS_IS_WRONG.contains(&pattern) {
            wrong.push(format!("{line}, and not {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn paths_match_as_in_go() {
    for line in include_str!("paths.tsv").lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [pattern, name, expected] = columns[..] else { panic!("three columns: {line}") };
        assert_eq!(answer(path_match(pattern, name)), expected, "{line}");
    }
}
