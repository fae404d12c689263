//! What a Rust file says, without what it only mentions: comments, texts and, where asked, tests.

use std::sync::LazyLock;

use regex::Regex;

/// A path as code writes it (`std::fs::read`), and its line.
#[derive(Debug, PartialEq)]
pub(super) struct Spoken {
    pub(super) path: String,
    pub(super) line: usize,
}

/// The code alone: comments and literals are blanks, lines stay where they are.
pub(super) fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let skipped = skipped_length(rest, code.chars().next_back());
        let length = if skipped > 0 { skipped } else { rest.chars().next().map_or(1, char::len_utf8) };
        let (piece, after) = rest.split_at(length);
        if skipped > 0 {
            blank(piece, &mut code)
        } else {
            code.push_str(piece)
        }
        rest = after;
    }
    code
}

fn blank(piece: &str, code: &mut String) {
    code.extend(piece.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
}

/// The length of the comment or literal that begins here, or 0.
fn skipped_length(rest: &str, before: Option<char>) -> usize {
    static RAW: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r##"^(?:b|c)?r(#*)""##).expect("a valid expression"));
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return comment_length(rest);
    }
    let starts_a_word = !before.is_some_and(|before| before.is_alphanumeric() || before == '_');
    if starts_a_word && let Some(opening) = RAW.captures(rest) {
        let closing = format!("\"{}", &opening[1]);
        let start = opening[0].len();
        return rest[start..].find(&closing).map_or(rest.len(), |at| start + at + closing.len());
    }
    match rest.as_bytes() {
        [b'"', ..] => literal_length(rest, '"'),
        [b'\'', b'\\', ..] => literal_length(rest, '\''),
        // A lifetime has no second quote.
        [b'\'', ..] if rest.chars().nth(2) == Some('\'') => literal_length(rest, '\''),
        _ => 0,
    }
}

/// Comments between `/*` and `*/` hold others.
fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn literal_length(rest: &str, quote: char) -> usize {
    let mut is_escaped = false;
    for (at, character) in rest.char_indices().skip(1) {
        match character {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            _ if character == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The code without the items that are compiled for tests only.
pub(super) fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find(MARK) {
        let after = start + MARK.len();
        let end = after + item_length(&rest[after..]);
        kept.push_str(&rest[..start]);
        blank(&rest[start..end], &mut kept);
        rest = &rest[end..];
    }
    kept + rest
}

/// Up to the `;` or the closing brace that ends an item.
fn item_length(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code.char_indices() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 && character == '}' {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

/// Every path of the code; those of `use` are written out.
pub(super) fn paths(code: &str) -> Vec<Spoken> {
    static USE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\buse\s+([^;]+);").expect("a valid expression"));
    static PATH: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[A-Za-z_]\w*(?:\s*::\s*[A-Za-z_]\w*)*").expect("a valid expression"));
    let mut paths = Vec::new();
    for found in USE.captures_iter(code) {
        let line = line_at(code, found.get(0).map_or(0, |whole| whole.start()));
        let mut written_out = Vec::new();
        write_out("", &found[1], &mut written_out);
        paths.extend(written_out.into_iter().map(|path| Spoken { path, line }));
    }
    for found in PATH.find_iter(code) {
        let path = found.as_str().split_whitespace().collect();
        paths.push(Spoken { path, line: line_at(code, found.start()) });
    }
    paths
}

/// `a::{b, c::{d, self}}` is `a::b`, `a::c::d` and `a::c`.
fn write_out(prefix: &str, tree: &str, into: &mut Vec<String>) {
    for branch in branches(tree) {
        match branch.split_once('{') {
            Some((head, inner)) => {
                let prefix = format!("{prefix}{}", head.split_whitespace().collect::<String>());
                write_out(&prefix, inner.trim_end().trim_end_matches('}'), into);
            }
            None => {
                // What it is called here does not matter.
                let name = branch.split(" as ").next().unwrap_or_default();
                let path = format!("{prefix}{}", name.split_whitespace().collect::<String>());
                let path = path.strip_suffix("::self").unwrap_or(&path);
                into.push(path.trim_start_matches("::").to_owned());
            }
        }
    }
}

/// What the commas outside of braces divide.
fn branches(tree: &str) -> Vec<&str> {
    let (mut depth, mut start) = (0_usize, 0);
    let mut branches = Vec::new();
    for (at, character) in tree.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                branches.push(tree[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(tree[start..].trim());
    branches.retain(|branch| !branch.is_empty());
    branches
}

/// The modules that the code begins, in a file of their own or not.
pub(super) fn modules(code: &str) -> Vec<Spoken> {
    static MODULE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bmod\s+(?:r#)?(\w+)\s*[;{]").expect("a valid expression"));
    MODULE
        .captures_iter(code)
        .map(|found| Spoken {
            path: found[1].to_owned(),
            line: line_at(code, found.get(0).map_or(0, |whole| whole.start())),
        })
        .collect()
}

/// The names of the code's functions.
pub(super) fn functions(code: &str) -> impl Iterator<Item = String> {
    static FUNCTION: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\bfn\s+(\w+)").expect("a valid expression"));
    FUNCTION.captures_iter(code).map(|found| found[1].to_owned())
}

fn line_at(code: &str, at: usize) -> usize {
    code[..at].matches('\n').count() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_no_code() {
        let text = "a /* b /* c */ d */ e // f\n\"g\\\" h\" r#\"i \" j\"# 'k' '\\'' &'l m";
        let words: Vec<String> = code_of(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "e", "&'l", "m"]);
        assert_eq!(code_of(text).lines().count(), text.lines().count());
    }

    #[test]
    fn an_item_for_tests_ends_where_it_ends() {
        let code = "one; #[cfg(test)] fn two() -> [u8; 1] { three } four #[cfg(test)] mod five; six";
        let words: Vec<String> = without_tests(code).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["one;", "four", "six"]);
    }

    #[test]
    fn grouped_imports_are_written_out() {
        let mut paths = Vec::new();
        write_out("", "std::{fs::{self, File}, env as surroundings, io}", &mut paths);
        assert_eq!(paths, ["std::fs", "std::fs::File", "std::env", "std::io"]);
    }
}
