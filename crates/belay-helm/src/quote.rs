//! Text quoted as Go's `%q` does, for messages that must read as Helm's.

/// A string in double quotes.
pub(crate) fn quote(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        escape(character, '"', &mut quoted);
    }
    quoted.push('"');
    quoted
}

/// A character in single quotes.
pub(crate) fn quote_char(character: char) -> String {
    let mut quoted = String::from("'");
    escape(character, '\'', &mut quoted);
    quoted.push('\'');
    quoted
}

fn escape(character: char, delimiter: char, quoted: &mut String) {
    match character {
        '\\' => quoted.push_str("\\\\"),
        '\x07' => quoted.push_str("\\a"),
        '\x08' => quoted.push_str("\\b"),
        '\x0c' => quoted.push_str("\\f"),
        '\n' => quoted.push_str("\\n"),
        '\r' => quoted.push_str("\\r"),
        '\t' => quoted.push_str("\\t"),
        '\x0b' => quoted.push_str("\\v"),
        _ if character == delimiter => {
            quoted.push('\\');
            quoted.push(character);
        }
        _ if is_printable(character) => quoted.push(character),
        _ if u32::from(character) < 0x80 => quoted.push_str(&format!("\\x{:02x}", u32::from(character))),
        _ if u32::from(character) < 0x10000 => quoted.push_str(&format!("\\u{:04x}", u32::from(character))),
        _ => quoted.push_str(&format!("\\U{:08x}", u32::from(character))),
    }
}

/// Go's `unicode.IsPrint`, as Rust's own escaping tells it: of the blanks, only the space prints.
pub(crate) fn is_printable(character: char) -> bool {
    if character == ' ' {
        return true;
    }
    if character.is_whitespace() || character.is_control() {
        return false;
    }
    // `escape_debug` also escapes quotes, backslash and combining marks, which Go prints.
    matches!(character, '"' | '\'' | '\\')
        || !character.escape_debug().to_string().starts_with("\\u{")
        || is_combining_mark(character)
}

fn is_combining_mark(character: char) -> bool {
    let mut with_letter = String::from("a");
    with_letter.push(character);
    // Inside of a text, Rust escapes only what does not print, and leaves combining marks alone.
    !with_letter.escape_debug().to_string().contains("\\u{")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_as_go_does() {
        assert_eq!(quote("a\"b\\c\n\u{1}é\u{301}\u{200b}"), "\"a\\\"b\\\\c\\n\\x01é\u{301}\\u200b\"");
        assert_eq!(quote_char('\''), "'\\''");
    }
}
