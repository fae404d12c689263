//! Argo CD's file patterns: `*` and `?`, classes, `{a,b}`, over a path relative to the source.

use regex::{Regex, RegexBuilder};

/// Longest pattern, in bytes.
const LONGEST: usize = 4096;
/// Largest compiled pattern, in bytes.
const LARGEST: usize = 1 << 20;

/// A compiled pattern. `*` crosses `/`, as in Argo CD.
#[derive(Debug, Clone)]
pub struct Glob(Regex);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// A brace or bracket is not closed.
    #[error("{pattern:?}: {bracket:?} is not closed")]
    Open {
        /// The pattern.
        pattern: String,
        /// The bracket.
        bracket: char,
    },
    /// It is too long, or expands to too much.
    #[error("the pattern is too large")]
    TooLarge,
}

impl Glob {
    /// Compiles a pattern.
    pub fn new(pattern: &str) -> Result<Glob, GlobError> {
        if pattern.len() > LONGEST {
            return Err(GlobError::TooLarge);
        }
        let expression = format!("^(?:{})$", translate(pattern)?);
        RegexBuilder::new(&expression)
            .size_limit(LARGEST)
            .dot_matches_new_line(true)
            .build()
            .map(Glob)
            .map_err(|_too_large| GlobError::TooLarge)
    }

    /// Whether the whole path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

fn translate(pattern: &str) -> Result<String, GlobError> {
    let mut expression = String::new();
    let mut depth = 0;
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '{' => {
                depth += 1;
                expression.push_str("(?:");
            }
            '}' if depth > 0 => {
                depth -= 1;
                expression.push(')');
            }
            ',' if depth > 0 => expression.push('|'),
            '[' => {
                let class: String = letters.by_ref().take_while(|letter| *letter != ']').collect();
                if !letters.as_str().is_empty() || pattern.ends_with(']') {
                    let (sign, class) =
                        class.strip_prefix('!').map_or(("", class.as_str()), |rest| ("^", rest));
                    expression
                        .push_str(&format!("[{sign}{}]", class.replace('\\', "\\\\").replace('[', "\\[")));
                } else {
                    return Err(GlobError::Open { pattern: pattern.to_owned(), bracket: '[' });
                }
            }
            '\\' => expression.push_str(&regex::escape(&letters.next().unwrap_or('\\').to_string())),
            other => expression.push_str(&regex::escape(&other.to_string())),
        }
    }
    if depth > 0 {
        return Err(GlobError::Open { pattern: pattern.to_owned(), bracket: '{' });
    }
    Ok(expression)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        for (pattern, path, expected) in [
            ("*.yaml", "a/b.yaml", true),
            ("{a,b}/*.yml", "b/x.yml", true),
            ("{a,b}/*.yml", "c/x.yml", false),
            ("?.json", "ab.json", false),
            ("[ab].json", "a.json", true),
            ("[!ab].json", "a.json", false),
            ("a.b", "axb", false),
        ] {
            assert_eq!(Glob::new(pattern).unwrap().matches(path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn an_open_bracket_is_an_error() {
        assert!(matches!(Glob::new("{a,b"), Err(GlobError::Open { bracket: '{', .. })));
        assert!(matches!(Glob::new("[ab"), Err(GlobError::Open { bracket: '[', .. })));
        assert!(Glob::new(&"a".repeat(5000)).is_err());
    }
}
