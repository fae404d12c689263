//! Time zones by their names, from the database in the binary.

use crate::options::LocalZone;
use jiff::Timestamp;
use jiff::tz::TimeZoneDatabase;

/// What a zone says about a moment; nothing for a zone nobody knows.
pub(super) fn zone_at(name: &str, seconds: i64) -> Option<LocalZone> {
    let zone = TimeZoneDatabase::bundled().get(name).ok()?;
    // Names are spelled as files are, also where the database does not mind.
    if zone.iana_name() != Some(name) {
        return None;
    }
    let moment = Timestamp::from_second(seconds).ok()?;
    let at = zone.to_offset_info(moment);
    Some(LocalZone {
        offset: at.offset().seconds(),
        abbreviation: at.abbreviation().to_owned(),
        is_dst: at.dst().is_dst(),
    })
}

/// How much of the text Go takes for the abbreviation of a zone.
pub(super) fn abbreviation_length(text: &[u8]) -> Option<usize> {
    if text.starts_with(b"ChST") || text.starts_with(b"MeST") {
        return Some(4);
    }
    if let Some(rest) = text.strip_prefix(b"GMT") {
        return Some(3 + signed_hours(rest));
    }
    if text.len() >= 3 && matches!(text[0], b'+' | b'-') {
        return Some(signed_hours(text)).filter(|length| *length > 0);
    }
    let letters = text.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    let fits = match letters {
        3 => true,
        4 => text[3] == b'T' || text.starts_with(b"WITA"),
        5 => text[4] == b'T',
        _ => false,
    };
    fits.then_some(letters)
}

/// The length of a sign and a number up to 23; zero for anything else.
fn signed_hours(text: &[u8]) -> usize {
    let [b'+' | b'-', digits @ ..] = text else { return 0 };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let number: Option<u32> = std::str::from_utf8(&digits[..count]).ok().and_then(|text| text.parse().ok());
    if number.is_some_and(|hours| hours <= 23) { 1 + count } else { 0 }
}
