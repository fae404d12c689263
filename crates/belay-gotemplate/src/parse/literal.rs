//! Go's literals: quoted strings, characters, numbers.

use super::tree::NumberNode;

const INVALID: &str = "invalid syntax";

/// Go's `strconv.Unquote` for the two forms templates have.
pub(crate) fn unquote(quoted: &str) -> Result<Vec<u8>, String> {
    if let Some(raw) = quoted.strip_prefix('`') {
        let raw = raw.strip_suffix('`').ok_or(INVALID)?;
        return Ok(raw.bytes().filter(|byte| *byte != b'\r').collect());
    }
    let mut rest = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).ok_or(INVALID)?;
    let mut text = Vec::with_capacity(rest.len());
    while !rest.is_empty() {
        let (unit, tail) = unquote_unit(rest, '"')?;
        match unit {
            Unit::Byte(byte) => text.push(byte),
            Unit::Rune(rune) => text.extend_from_slice(rune.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        rest = tail;
    }
    Ok(text)
}

/// The rune of a character constant such as `'a'`.
pub(super) fn unquote_character(quoted: &str) -> Result<i64, String> {
    let (unit, tail) = unquote_unit(&quoted[1..], '\'')?;
    if tail != "'" {
        return Err(format!("malformed character constant: {quoted}"));
    }
    Ok(match unit {
        Unit::Byte(byte) => byte.into(),
        Unit::Rune(rune) => u32::from(rune).into(),
    })
}

enum Unit {
    Byte(u8),
    Rune(char),
}

fn unquote_unit(text: &str, quote: char) -> Result<(Unit, &str), String> {
    let mut characters = text.chars();
    let first = characters.next().ok_or(INVALID)?;
    if first == quote || first == '\n' {
        return Err(INVALID.to_owned());
    }
    if first != '\\' {
        return Ok((Unit::Rune(first), characters.as_str()));
    }
    let escape = characters.next().ok_or(INVALID)?;
    let rest = characters.as_str();
    let simple = |character| Ok((Unit::Rune(character), rest));
    match escape {
        'a' => simple('\x07'),
        'b' => simple('\x08'),
        'f' => simple('\x0c'),
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        'v' => simple('\x0b'),
        '\\' => simple('\\'),
        '\'' | '"' if escape == quote => simple(escape),
        'x' => {
            let (code, rest) = digits(rest, 2, 16)?;
            Ok((Unit::Byte(code as u8), rest))
        }
        'u' | 'U' => {
            let (code, rest) = digits(rest, if escape == 'u' { 4 } else { 8 }, 16)?;
            Ok((Unit::Rune(char::from_u32(code).ok_or(INVALID)?), rest))
        }
        '0'..='7' => {
            let (code, rest) = digits(&text[1..], 3, 8)?;
            Ok((Unit::Byte(u8::try_from(code).map_err(|_| INVALID)?), rest))
        }
        _ => Err(INVALID.to_owned()),
    }
}

fn digits(text: &str, count: usize, radix: u32) -> Result<(u32, &str), String> {
    let digits = text.get(..count).ok_or(INVALID)?;
    if !digits.chars().all(|digit| digit.is_digit(radix)) {
        return Err(INVALID.to_owned());
    }
    let code = u32::from_str_radix(digits, radix).map_err(|_| INVALID)?;
    Ok((code, &text[count..]))
}

/// A number literal under every type that can hold it, as Go's ideal constants.
pub(super) fn number(text: &str) -> Result<NumberNode, String> {
    let mut node = NumberNode { text: text.to_owned(), ..NumberNode::default() };
    if let Some(imaginary) = text.strip_suffix('i').and_then(parse_float) {
        node.complex = Some((0.0, imaginary));
        simplify_complex(&mut node);
        return Ok(node);
    }
    node.uint = parse_uint(text);
    node.int = parse_int(text);
    if node.int == Some(0) {
        node.uint = Some(0);
    }
    if let Some(int) = node.int {
        node.float = Some(int as f64);
    } else if let Some(uint) = node.uint {
        node.float = Some(uint as f64);
    } else if let Some(float) = parse_float(text) {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return Err(format!("integer overflow: {}", crate::format::go_quote(text.as_bytes())));
        }
        node.float = Some(float);
        node.int = exact_int(float);
        node.uint = exact_uint(float);
    }
    if node.int.is_none() && node.uint.is_none() && node.float.is_none() {
        return Err(format!("illegal number syntax: {}", crate::format::go_quote(text.as_bytes())));
    }
    Ok(node)
}

/// A complex literal such as `1+2i`.
pub(super) fn complex(text: &str) -> Result<NumberNode, String> {
    let mut node = NumberNode { text: text.to_owned(), ..NumberNode::default() };
    let exponent = |index: usize| matches!(text.as_bytes()[index - 1], b'e' | b'E' | b'p' | b'P');
    let split =
        (1..text.len()).find(|index| matches!(text.as_bytes()[*index], b'+' | b'-') && !exponent(*index));
    let parts = split.and_then(|split| {
        let imaginary = text[split..].strip_suffix('i')?;
        Some((parse_float(&text[..split])?, parse_float(imaginary)?))
    });
    node.complex = Some(parts.ok_or("syntax error scanning complex number")?);
    simplify_complex(&mut node);
    Ok(node)
}

fn simplify_complex(node: &mut NumberNode) {
    if let Some((real, 0.0)) = node.complex {
        node.float = Some(real);
        node.int = exact_int(real);
        node.uint = exact_uint(real);
    }
}

fn exact_int(float: f64) -> Option<i64> {
    let int = float as i64;
    (int as f64 == float && float < 9_223_372_036_854_775_808.0).then_some(int)
}

fn exact_uint(float: f64) -> Option<u64> {
    let uint = float as u64;
    (uint as f64 == float && float < 18_446_744_073_709_551_616.0).then_some(uint)
}

/// Go's `strconv.ParseUint(text, 0, 64)`.
pub fn parse_uint(text: &str) -> Option<u64> {
    let lower = text.to_ascii_lowercase();
    let (digits, radix, base_prefix) = if let Some(rest) = lower.strip_prefix("0x") {
        (rest, 16, true)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (rest, 8, true)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (rest, 2, true)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (&lower[1..], 8, true)
    } else {
        (&lower[..], 10, false)
    };
    parse_digits(digits, radix, base_prefix)
}

/// Underscores may stand between digits and after a base prefix.
fn parse_digits(digits: &str, radix: u32, base_prefix: bool) -> Option<u64> {
    let mut after_digit = base_prefix;
    let mut number: u64 = 0;
    let mut any = false;
    for character in digits.chars() {
        if character == '_' {
            if !after_digit {
                return None;
            }
            after_digit = false;
            continue;
        }
        number = number.checked_mul(radix.into())?.checked_add(character.to_digit(radix)?.into())?;
        after_digit = true;
        any = true;
    }
    (any && after_digit).then_some(number)
}

/// Go's `strconv.ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let number = i128::from(parse_uint(digits)?);
    i64::try_from(if negative { -number } else { number }).ok()
}

/// Go's `strconv.ParseFloat(text, 64)`; out of range is an error there and nothing here.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1.0, &text[1..]),
        b'+' => (1.0, &text[1..]),
        _ => (1.0, text),
    };
    let lower = without_separators(unsigned.to_ascii_lowercase())?;
    match lower.as_str() {
        "inf" | "infinity" => return Some(sign * f64::INFINITY),
        "nan" => return Some(f64::NAN),
        _ => {}
    }
    if let Some(hex) = lower.strip_prefix("0x") {
        return Some(sign * parse_hex_float(hex)?);
    }
    if !lower.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'+' | b'-')) {
        return None;
    }
    let float: f64 = lower.parse().ok()?;
    float.is_finite().then_some(sign * float)
}

/// Without underscores, which may stand between digits and after a base prefix.
fn without_separators(lower: String) -> Option<String> {
    if !lower.contains('_') {
        return Some(lower);
    }
    let (is_hex, digits) = lower.strip_prefix("0x").map_or((false, &lower[..]), |rest| (true, rest));
    let (mut after_digit, mut after_separator) = (is_hex, false);
    for byte in digits.bytes() {
        let is_digit = byte.is_ascii_digit() || (is_hex && byte.is_ascii_hexdigit());
        if (byte == b'_' && !after_digit) || (byte != b'_' && !is_digit && after_separator) {
            return None;
        }
        (after_digit, after_separator) = (is_digit, byte == b'_');
    }
    (!after_separator).then(|| lower.replace('_', ""))
}

/// `1.8p3`: hexadecimal digits, and a binary exponent that must be there.
fn parse_hex_float(text: &str) -> Option<f64> {
    let (digits, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut mantissa: f64 = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        mantissa = mantissa * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.checked_sub(4 * i32::try_from(fraction.len()).ok()?)?;
    let float = mantissa * 2f64.powi(shift);
    float.is_finite().then_some(float)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(parse_int("0x_1F"), Some(31));
        assert_eq!(parse_int("017"), Some(15));
        assert_eq!(parse_int("1__0"), None);
        assert_eq!(parse_int("-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_float("0x1p4"), Some(16.0));
        assert_eq!(parse_float("1e400"), None);
        assert_eq!(parse_float("1_000.2_5"), Some(1000.25));
        assert_eq!(parse_float("0x_1_0.8p0"), Some(16.5));
        for wrong in ["_1", "1_", "1__0", "1_.5", "1._5", "1_e3"] {
            assert_eq!(parse_float(wrong), None, "{wrong}");
        }
        assert!(number("9223372036854775808").is_ok_and(|node| node.int.is_none() && node.uint.is_some()));
    }

    #[test]
    fn strings_are_unquoted() {
        assert_eq!(unquote(r#""a\n\x41\u00e9\101""#), Ok("a\nA\u{e9}A".into()));
        assert_eq!(unquote(r#""\q""#), Err("invalid syntax".to_owned()));
        assert_eq!(unquote("`a\\n`"), Ok(b"a\\n".to_vec()));
    }
}
