//! Go's `filepath.Match`: patterns over one path; `*` stops at a slash.

/// A pattern that Go's `filepath.Match` refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("syntax error in pattern")]
pub struct BadPattern;

/// Whether the whole of `name` matches. `*` and `?` do not match a slash.
pub fn path_match(pattern: &str, name: &str) -> Result<bool, BadPattern> {
    let mut pattern = pattern;
    let mut name = name;
    while !pattern.is_empty() {
        let (star, chunk, rest) = next_chunk(pattern);
        pattern = rest;
        if star && chunk.is_empty() {
            return Ok(!name.contains('/'));
        }
        if let Some(after) = match_chunk(chunk, name)?
            && (after.is_empty() || !pattern.is_empty())
        {
            name = after;
            continue;
        }
        if star && let Some(after) = match_later(chunk, name, pattern.is_empty())? {
            name = after;
            continue;
        }
        // Go reads no further, even if what follows is no pattern.
        return Ok(false);
    }
    Ok(name.is_empty())
}

/// Tries the chunk after each character the star may swallow.
fn match_later<'n>(chunk: &str, name: &'n str, last: bool) -> Result<Option<&'n str>, BadPattern> {
    for (place, character) in name.char_indices() {
        if character == '/' {
            break;
        }
        if let Some(after) = match_chunk(chunk, &name[place + character.len_utf8()..])?
            && (!last || after.is_empty())
        {
            return Ok(Some(after));
        }
    }
    Ok(None)
}

/// Leading stars, the text up to the next star, and what follows.
fn next_chunk(pattern: &str) -> (bool, &str, &str) {
    let trimmed = pattern.trim_start_matches('*');
    let star = trimmed.len() < pattern.len();
    let mut in_range = false;
    let mut escaped = false;
    for (place, character) in trimmed.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match character {
            '\\' => escaped = true,
            '[' => in_range = true,
            ']' => in_range = false,
            '*' if !in_range => return (star, &trimmed[..place], &trimmed[place..]),
            _ => {}
        }
    }
    (star, trimmed, "")
}

/// Matches a chunk without stars at the start of the name; what is left of the name on success.
/// A mismatch still reads the whole chunk, to find errors in it.
fn match_chunk<'n>(chunk: &str, name: &'n str) -> Result<Option<&'n str>, BadPattern> {
    let mut rest = name.chars();
    let mut pattern = chunk.chars();
    let mut failed = false;
    while let Some(character) = pattern.next() {
        if rest.as_str().is_empty() {
            failed = true;
        }
        match character {
            '[' => {
                let found = if failed { None } else { rest.next() };
                let inside = class(&mut pattern, found)?;
                failed |= !inside;
            }
            '?' => {
                if !failed {
                    failed = rest.next() == Some('/');
                }
            }
            _ => {
                let wanted = if character == '\\' { pattern.next().ok_or(BadPattern)? } else { character };
                if !failed {
                    failed = rest.next() != Some(wanted);
                }
            }
        }
    }
    Ok(if failed { None } else { Some(rest.as_str()) })
}

/// Reads `...]`; whether the character is of the class.
fn class(pattern: &mut std::str::Chars<'_>, found: Option<char>) -> Result<bool, BadPattern> {
    let mut negated = false;
    if pattern.as_str().starts_with('^') {
        negated = true;
        pattern.next();
    }
    let mut inside = false;
    let mut ranges = 0;
    loop {
        if pattern.as_str().starts_with(']') && ranges > 0 {
            pattern.next();
            break;
        }
        let low = class_character(pattern)?;
        let mut high = low;
        if pattern.as_str().starts_with('-') {
            pattern.next();
            high = class_character(pattern)?;
        }
        inside |= found.is_some_and(|character| low <= character && character <= high);
        ranges += 1;
    }
    Ok(found.is_some() && inside != negated)
}

fn class_character(pattern: &mut std::str::Chars<'_>) -> Result<char, BadPattern> {
    let character = match pattern.next() {
        None | Some('-' | ']') => return Err(BadPattern),
        Some('\\') => pattern.next().ok_or(BadPattern)?,
        Some(character) => character,
    };
    // A class that ends with the pattern has no closing bracket.
    if pattern.as_str().is_empty() { Err(BadPattern) } else { Ok(character) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_go_matches() {
        for (pattern, name, expected) in [
            ("abc", "abc", Ok(true)),
            ("*", "abc", Ok(true)),
            ("*c", "abc", Ok(true)),
            ("a*", "ab/c", Ok(false)),
            ("a*/b", "abc/b", Ok(true)),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", Ok(true)),
            ("a*b?c*x", "abxbbxdbxebxczzy", Ok(false)),
            ("ab[c]", "abc", Ok(true)),
            ("ab[^e-g]", "abc", Ok(true)),
            ("a\\*b", "a*b", Ok(true)),
            ("a???b", "a☺☻♥b", Ok(true)),
            ("[a-ζ]*", "α", Ok(true)),
            ("a?b", "a/b", Ok(false)),
            ("[]a]", "]", Err(BadPattern)),
            ("[-]", "-", Err(BadPattern)),
            ("[x-]", "x", Err(BadPattern)),
            ("a[", "a", Err(BadPattern)),
            ("a[", "ab", Err(BadPattern)),
            ("*x", "xxx", Ok(true)),
            ("templates/.?*", "templates/.x", Ok(true)),
        ] {
            assert_eq!(path_match(pattern, name), expected, "{pattern} {name}");
        }
    }
}
