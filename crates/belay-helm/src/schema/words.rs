//! How the library that Helm uses writes texts and numbers into its messages.

use super::document::Document;
use super::number::Number;
use crate::quote::quote;

/// Text in single quotes, escaped as in double ones. A backslash at the end loses its escape, as it does in Go.
pub(super) fn quoted(text: &str) -> String {
    let double = quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{}'", &double[1..double.len() - 1])
}

pub(super) fn join_quoted<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(quoted).collect();
    texts.join(", ")
}

/// A value that is no list or object.
pub(super) fn shown(value: &Document) -> String {
    match value {
        Document::String(text) => quoted(text),
        Document::Null => "<nil>".to_owned(),
        Document::Bool(value) => value.to_string(),
        Document::Number(number) => number.text().to_owned(),
        Document::Array(_) | Document::Object(_) => "value".to_owned(),
    }
}

/// A whole number with a comma between thousands.
pub(super) fn grouped(number: i64) -> String {
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}", with_commas(&number.unsigned_abs().to_string()))
}

/// A length with a comma between thousands.
pub(super) fn grouped_size(size: usize) -> String {
    with_commas(&size.to_string())
}

fn with_commas(digits: &str) -> String {
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number as `golang.org/x/text` writes the nearest float in English: `70,000`, `1.5×10²¹`.
pub(super) fn float(number: &Number) -> String {
    let float = number.float();
    let sign = if float < 0.0 { "-" } else { "" };
    if float.is_infinite() {
        return format!("{sign}∞");
    }
    let scientific = format!("{:e}", float.abs());
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    match exponent.parse::<i32>() {
        Ok(exponent) if !(-4..6).contains(&exponent) => format!("{sign}{digits}×10{}", superscript(exponent)),
        _ => format!("{sign}{}", plain(float.abs())),
    }
}

fn plain(float: f64) -> String {
    let text = float.to_string();
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{}.{fraction}", with_commas(whole)),
        None => with_commas(&text),
    }
}

fn superscript(exponent: i32) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    let sign = if exponent < 0 { "⁻" } else { "" };
    let digits = format!("{:02}", exponent.unsigned_abs());
    let digits = digits.bytes().map(|digit| DIGITS[usize::from(digit - b'0')]);
    sign.chars().chain(digits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stand_in_single_quotes() {
        for (text, expected) in
            [("a\"b", "'a\"b'"), ("it's", "'it\\'s'"), ("a\\b", "'a\\\\b'"), ("\\", "'\\'")]
        {
            assert_eq!(quoted(text), expected);
        }
    }

    #[test]
    fn numbers_read_as_in_english() {
        for (number, expected) in [
            ("0", "0"),
            ("-0", "0"),
            ("999999", "999,999"),
            ("1000000", "1×10⁰⁶"),
            ("-1234567.25", "-1.23456725×10⁰⁶"),
            ("123456.789", "123,456.789"),
            ("0.00012345", "0.00012345"),
            ("0.00001", "1×10⁻⁰⁵"),
            ("1e400", "∞"),
        ] {
            assert_eq!(float(&Number::new(number.to_owned())), expected);
        }
        assert_eq!(grouped(-1_234_567), "-1,234,567");
    }
}
