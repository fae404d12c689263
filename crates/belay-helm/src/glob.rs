//! The patterns of `.Files.Glob`: `*`, `**`, `?`, `[a-z]`, `{a,b}`, with `/` as the separator.

use regex::{Regex, RegexBuilder};

/// Patterns longer than this, once translated, are refused: `{a,b}{a,b}…` grows fast.
const MAX_COMPILED: usize = 1 << 20;

/// A compiled pattern.
pub(crate) struct Glob(Regex);

/// The pattern is not well formed. Helm then takes every file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadGlob;

impl Glob {
    pub(crate) fn compile(pattern: &str) -> Result<Glob, BadGlob> {
        let expression = format!("\\A(?s:{})\\z", translate(pattern)?);
        RegexBuilder::new(&expression).size_limit(MAX_COMPILED).build().map(Glob).map_err(|_| BadGlob)
    }

    pub(crate) fn is_match(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

fn translate(pattern: &str) -> Result<String, BadGlob> {
    let mut expression = String::new();
    let mut open = 0_usize;
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' if rest.next_if_eq(&'*').is_some() => expression.push_str(".*"),
            '*' => expression.push_str("[^/]*"),
            '?' => expression.push_str("[^/]"),
            '[' => expression.push_str(&class(&mut rest)?),
            '{' => {
                open += 1;
                expression.push_str("(?:");
            }
            ',' if open > 0 => expression.push('|'),
            '}' if open > 0 => {
                open -= 1;
                expression.push(')');
            }
            '\\' => {
                if let Some(escaped) = rest.next() {
                    push_literal(escaped, &mut expression);
                }
            }
            other => push_literal(other, &mut expression),
        }
    }
    for _ in 0..open {
        expression.push(')');
    }
    Ok(expression)
}

fn push_literal(character: char, expression: &mut String) {
    expression.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

/// `a-z]` or `abc]`, perhaps after a `!`.
fn class(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<String, BadGlob> {
    let negated = rest.next_if_eq(&'!').is_some();
    let first = rest.next().ok_or(BadGlob)?;
    let mut inside = String::new();
    if rest.next_if_eq(&'-').is_some() {
        let high = rest.next().ok_or(BadGlob)?;
        if high < first || rest.next() != Some(']') {
            return Err(BadGlob);
        }
        inside.push_str(&format!("\\x{{{:x}}}-\\x{{{:x}}}", u32::from(first), u32::from(high)));
    } else {
        let mut next = Some(first);
        loop {
            let character = match next.ok_or(BadGlob)? {
                ']' => break,
                '\\' => rest.next().ok_or(BadGlob)?,
                other => other,
            };
            inside.push_str(&format!("\\x{{{:x}}}", u32::from(character)));
            next = rest.next();
        }
        if inside.is_empty() {
            return Err(BadGlob);
        }
    }
    Ok(format!("[{}{inside}]", if negated { "^" } else { "" }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_helm_matches() {
        for (pattern, path, expected) in [
            ("config/*", "config/a.txt", true),
            ("config/*", "config/b/a.txt", false),
            ("config/**", "config/b/a.txt", true),
            ("**.txt", "config/b/a.txt", true),
            ("*.{txt,md}", "a.md", true),
            ("*.{txt,md}", "a.rs", false),
            ("?.txt", "a.txt", true),
            ("[a-c].txt", "b.txt", true),
            ("[!a-c].txt", "b.txt", false),
            ("[xyz].txt", "y.txt", true),
            ("a\\*", "a*", true),
        ] {
            assert_eq!(Glob::compile(pattern).unwrap().is_match(path), expected, "{pattern} {path}");
        }
        assert!(Glob::compile("[a").is_err());
        assert!(Glob::compile("[]").is_err());
    }
}
