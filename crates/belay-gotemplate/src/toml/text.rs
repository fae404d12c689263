//! What stands between quotes.

use super::error::TomlProblem;

/// A text of several lines: the newline after its quotes is not part of it.
pub(super) fn without_first_newline(text: &str) -> &str {
    text.strip_prefix('\n').or_else(|| text.strip_prefix("\r\n")).unwrap_or(text)
}

/// Takes out each backslash at the end of a line, with all blanks and newlines after it.
pub(super) fn join_lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let trimmed = after.trim_start_matches([' ', '\t', '\r', '\n']);
        if let Some(after) = after.strip_prefix('\\') {
            out.push_str("\\\\");
            rest = after;
        } else if after[..after.len() - trimmed.len()].contains('\n') {
            rest = trimmed;
        } else {
            out.push('\\');
            rest = after;
        }
    }
    out.push_str(rest);
    out
}

/// Replaces escapes, each of which is known to be complete.
pub(super) fn unescape(text: &str) -> Result<String, TomlProblem> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('\\') {
        out.push_str(before);
        let mut characters = after.chars();
        let kind = characters.next().unwrap_or('\\');
        rest = characters.as_str();
        out.push(match kind {
            'b' => '\x08',
            't' => '\t',
            'n' => '\n',
            'f' => '\x0c',
            'r' => '\r',
            'e' => '\x1b',
            '"' | '\\' => kind,
            'x' | 'u' | 'U' => {
                let (digits, after) = rest.split_at_checked(digit_count(kind)).unwrap_or((rest, ""));
                rest = after;
                escaped_character(digits)?
            }
            blank => return Err(TomlProblem::EscapedBlank(blank)),
        });
    }
    out.push_str(rest);
    Ok(out)
}

/// How many digits follow this letter after a backslash.
pub(super) fn digit_count(kind: char) -> usize {
    match kind {
        'x' => 2,
        'u' => 4,
        _ => 8,
    }
}

fn escaped_character(digits: &str) -> Result<char, TomlProblem> {
    let character = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32);
    character.ok_or_else(|| TomlProblem::EscapedCharacter(digits.to_owned()))
}
