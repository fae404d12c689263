//! Texts of others for a terminal: names, messages, commits. What would steer it is shown, not obeyed.

use std::borrow::Cow;

/// The text with control characters and turns of the writing direction spelled out; lines and tabs stay.
pub(crate) fn inert(text: &str) -> Cow<'_, str> {
    if !text.contains(steers) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if steers(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    shown.into()
}

fn steers(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_i6_what_steers_a_terminal_is_spelled_out() {
        for (text, shown) in [
            ("red \u{1b}[31m", "red \\u{1b}[31m"),
            ("title \u{9d}0;x\u{7}", "title \\u{9d}0;x\\u{7}"),
            ("over\rwritten", "over\\u{d}written"),
            ("back\u{8}\u{7f}", "back\\u{8}\\u{7f}"),
            ("turned \u{202e}round\u{2066}", "turned \\u{202e}round\\u{2066}"),
            ("lines\nand\ttabs → é 日本", "lines\nand\ttabs → é 日本"),
        ] {
            assert_eq!(inert(text), shown);
        }
    }
}
