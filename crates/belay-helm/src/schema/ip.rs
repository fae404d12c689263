//! IP addresses as Go's `netip.ParseAddr` reads them, and what it says of others.

use belay_gotemplate::go_quote;

/// Fields of sixteen bits.
const FIELDS: usize = 8;

/// The zone of an address; the error is Go's.
pub(super) fn parse(text: &str) -> Result<&str, String> {
    let fault = |fault: Fault<'_>| {
        let at = fault.at.map(|at| format!(" (at {})", go_quote(at.as_bytes()))).unwrap_or_default();
        format!("ParseAddr({}): {}{at}", go_quote(text.as_bytes()), fault.message)
    };
    match text.bytes().find(|byte| b".:%".contains(byte)) {
        Some(b'.') => parse_4(text).map(|()| "").map_err(fault),
        Some(b':') => parse_6(text).map_err(fault),
        Some(_) => Err(fault(plain("missing IPv6 address"))),
        None => Err(fault(plain("unable to parse IP"))),
    }
}

struct Fault<'t> {
    message: &'static str,
    at: Option<&'t str>,
}

fn plain<'t>(message: &'static str) -> Fault<'t> {
    Fault { message, at: None }
}

fn at<'t>(message: &'static str, at: &'t str) -> Fault<'t> {
    Fault { message, at: Some(at) }
}

fn parse_4(text: &str) -> Result<(), Fault<'_>> {
    let bytes = text.as_bytes();
    let (mut value, mut dots, mut digits) = (0_u32, 0, 0);
    for (index, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if digits == 1 && value == 0 => {
                return Err(plain("IPv4 field has octet with leading zero"));
            }
            b'0'..=b'9' => {
                value = value * 10 + u32::from(byte - b'0');
                digits += 1;
                if value > 255 {
                    return Err(plain("IPv4 field has value >255"));
                }
            }
            b'.' if index == 0 || index + 1 == bytes.len() || bytes[index - 1] == b'.' => {
                return Err(at("IPv4 field must have at least one digit", &text[index..]));
            }
            b'.' if dots == 3 => return Err(plain("IPv4 address too long")),
            b'.' => (value, digits, dots) = (0, 0, dots + 1),
            _ => return Err(at("unexpected character", &text[index..])),
        }
    }
    if dots < 3 { Err(plain("IPv4 address too short")) } else { Ok(()) }
}

fn parse_6(whole: &str) -> Result<&str, Fault<'_>> {
    let (text, zone) = match whole.split_once('%') {
        Some((_, "")) => return Err(plain("zone must be a non-empty string")),
        Some((text, zone)) => (text, zone),
        None => (whole, ""),
    };
    let (mut rest, mut has_gap) = text.strip_prefix("::").map_or((text, false), |rest| (rest, true));
    if has_gap && rest.is_empty() {
        return Ok(zone);
    }
    let mut fields = 0;
    while fields < FIELDS {
        let digits = field_length(rest)?;
        if rest[digits..].starts_with('.') {
            check_embedded(rest, fields, has_gap)?;
            (rest, fields) = ("", fields + 2);
            break;
        }
        fields += 1;
        rest = &rest[digits..];
        if rest.is_empty() {
            break;
        }
        let after = rest.strip_prefix(':').ok_or(at("unexpected character, want colon", rest))?;
        if after.is_empty() {
            return Err(at("colon must be followed by more characters", rest));
        }
        rest = after;
        if let Some(after) = rest.strip_prefix(':') {
            if has_gap {
                return Err(at("multiple :: in address", rest));
            }
            (rest, has_gap) = (after, true);
            if rest.is_empty() {
                break;
            }
        }
    }
    match () {
        () if !rest.is_empty() => Err(at("trailing garbage after address", rest)),
        () if fields < FIELDS && !has_gap => Err(plain("address string too short")),
        () if fields == FIELDS && has_gap => Err(plain("the :: must expand to at least one field of zeros")),
        () => Ok(zone),
    }
}

/// How many hexadecimal digits come first.
fn field_length(text: &str) -> Result<usize, Fault<'_>> {
    match text.bytes().take_while(u8::is_ascii_hexdigit).count() {
        0 => Err(at("each colon-separated field must have at least one digit", text)),
        length @ 1..=4 => Ok(length),
        _ => Err(at("each group must have 4 or less digits", text)),
    }
}

/// The last two fields may be an address of version 4.
fn check_embedded(text: &str, fields: usize, has_gap: bool) -> Result<(), Fault<'_>> {
    if !has_gap && fields != FIELDS - 2 {
        return Err(at("embedded IPv4 address must replace the final 2 fields of the address", text));
    }
    if fields + 2 > FIELDS {
        return Err(at("too many hex fields to fit an embedded IPv4 at the end of the address", text));
    }
    parse_4(text)
}
