//! The patterns of Go's `gobwas/glob`: `*`, `**`, `?`, `[a-z]`, `{a,b}`.

use regex::{Regex, RegexBuilder};

/// Patterns longer than this, once translated, are refused: `{a,b}{a,b}…` grows fast.
const MAX_COMPILED: usize = 1 << 20;

/// A compiled pattern.
#[derive(Debug, Clone)]
pub struct Glob(Regex);

/// The pattern is not well formed, or too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a pattern")]
pub struct BadGlob;

impl Glob {
    /// A pattern over any text: `*` and `?` match every character.
    pub fn compile(pattern: &str) -> Result<Glob, BadGlob> {
        Glob::with(pattern, ".")
    }

    /// A pattern over a path: `*` and `?` stop at a slash, `**` does not.
    pub fn compile_path(pattern: &str) -> Result<Glob, BadGlob> {
        Glob::with(pattern, "[^/]")
    }

    fn with(pattern: &str, one: &str) -> Result<Glob, BadGlob> {
        let expression = format!("\\A(?s:{})\\z", translate(pattern, one)?);
        RegexBuilder::new(&expression).size_limit(MAX_COMPILED).build().map(Glob).map_err(|_| BadGlob)
    }

    /// Whether the whole text matches.
    pub fn is_match(&self, text: &str) -> bool {
        self.0.is_match(text)
    }
}

fn translate(pattern: &str, one: &str) -> Result<String, BadGlob> {
    let mut expression = String::new();
    let mut open = 0_usize;
    let mut rest = pattern.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '*' if rest.next_if_eq(&'*').is_some() => expression.push_str(".*"),
            '*' => expression.push_str(&format!("{one}*")),
            '?' => expression.push_str(one),
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
