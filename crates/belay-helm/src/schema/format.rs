//! `format`, as santhosh-tekuri/jsonschema v6 takes and words it.

use belay_gotemplate::{Expression, Url, parse_time};

use super::address::decode;
use super::ip;

type Checked = Result<(), String>;

/// What a text must look like.
#[derive(Debug)]
pub(super) struct Format {
    pub(super) name: &'static str,
    check: fn(&str) -> Checked,
}

impl Format {
    /// What is wrong with a text.
    pub(super) fn fault(&self, text: &str) -> Option<String> {
        (self.check)(text).err()
    }
}

/// The formats.
static FORMATS: [Format; 19] = [
    Format { name: "regex", check: regex },
    Format { name: "json-pointer", check: json_pointer },
    Format { name: "relative-json-pointer", check: relative_json_pointer },
    Format { name: "uuid", check: uuid },
    Format { name: "duration", check: duration },
    Format { name: "period", check: period },
    Format { name: "ipv4", check: ipv4 },
    Format { name: "ipv6", check: ipv6 },
    Format { name: "hostname", check: hostname },
    Format { name: "email", check: email },
    Format { name: "date", check: date },
    Format { name: "time", check: time },
    Format { name: "date-time", check: date_time },
    Format { name: "uri", check: uri },
    Format { name: "iri", check: uri },
    Format { name: "uri-reference", check: uri_reference },
    Format { name: "iri-reference", check: uri_reference },
    Format { name: "uri-template", check: uri_template },
    Format { name: "semver", check: semver },
];

/// The format of that name; unknown ones ask for nothing.
pub(super) fn named(name: &str) -> Option<&'static Format> {
    FORMATS.iter().find(|format| format.name == name)
}

fn regex(text: &str) -> Checked {
    Expression::compile(text).map(drop)
}

fn demand(holds: bool, message: &str) -> Checked {
    if holds { Ok(()) } else { Err(message.to_owned()) }
}

fn bad_character(text: &str, is_good: impl Fn(char) -> bool, what: &str) -> Checked {
    match text.chars().find(|character| !is_good(*character)) {
        Some(bad) => Err(format!("{what} {}", belay_gotemplate::go_quote_rune(bad))),
        None => Ok(()),
    }
}

fn json_pointer(text: &str) -> Checked {
    if text.is_empty() {
        return Ok(());
    }
    demand(text.starts_with('/'), "not starting with /")?;
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('~') {
        demand(after.starts_with(['0', '1']), "~ must be followed by 0 or 1")?;
        rest = after;
    }
    Ok(())
}

fn relative_json_pointer(text: &str) -> Checked {
    let (number, rest) = digits(text);
    demand(!number.is_empty(), "must start with non-negative integer")?;
    demand(number.len() == 1 || !number.starts_with('0'), "starts with zero")?;
    if rest == "#" { Ok(()) } else { json_pointer(rest) }
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len()))
}

fn uuid(text: &str) -> Checked {
    const LENGTHS: [usize; 5] = [8, 4, 4, 4, 12];
    let groups: Vec<&str> = text.split('-').collect();
    demand(groups.len() == LENGTHS.len(), "must have 5 elements")?;
    for (index, (group, length)) in groups.iter().zip(LENGTHS).enumerate() {
        let wrong = format!("element {} must be {length} characters long", index + 1);
        demand(group.len() == length, &wrong)?;
        bad_character(group, |character| character.is_ascii_hexdigit(), "non-hex character")?;
    }
    Ok(())
}

fn duration(text: &str) -> Checked {
    let rest = text.strip_prefix('P').ok_or("must start with P")?;
    demand(!rest.is_empty(), "nothing after P")?;
    if let Some(weeks) = rest.strip_suffix('W') {
        demand(!weeks.is_empty(), "no number in week")?;
        return demand(digits(weeks).1.is_empty(), "invalid week");
    }
    for (index, part) in rest.split('T').enumerate() {
        demand(index == 0 || !part.is_empty(), "no time elements")?;
        let units = ["YMD", "HMS"].get(index).ok_or("more than one T")?;
        duration_part(part, units)?;
    }
    Ok(())
}

/// Numbers, each before its unit, the units in their order.
fn duration_part(part: &str, all: &str) -> Checked {
    let (mut rest, mut left) = (part, all);
    while !rest.is_empty() {
        let (number, after) = digits(rest);
        demand(!number.is_empty(), "missing number")?;
        let unit = after.chars().next().ok_or("missing unit")?;
        let Some((_, later)) = left.split_once(unit) else {
            let shown = belay_gotemplate::go_quote_rune(char::from(after.as_bytes()[0]));
            let is_early = all.contains(unit);
            let fault =
                if is_early { format!("unit {shown} out of order") } else { format!("invalid unit {shown}") };
            return Err(fault);
        };
        left = later;
        rest = &after[unit.len_utf8()..];
    }
    Ok(())
}

fn period(text: &str) -> Checked {
    let (start, end) = text.split_once('/').ok_or("missing slash")?;
    let as_end = |checked: Checked| checked.map_err(|fault| format!("invalid end date-time: {fault}"));
    if start.starts_with('P') {
        duration(start).map_err(|fault| format!("invalid start duration: {fault}"))?;
        return as_end(date_time(end));
    }
    date_time(start).map_err(|fault| format!("invalid start date-time: {fault}"))?;
    if end.starts_with('P') {
        return duration(end).map_err(|fault| format!("invalid end duration: {fault}"));
    }
    as_end(date_time(end))
}

fn ipv4(text: &str) -> Checked {
    let groups: Vec<&str> = text.split('.').collect();
    demand(groups.len() == 4, "expected four decimals")?;
    for group in groups {
        demand(group.len() < 2 || !group.starts_with('0'), "leading zeros")?;
        let unsigned = group.strip_prefix(['+', '-']).unwrap_or(group);
        let shown = belay_gotemplate::go_quote(group.as_bytes());
        if unsigned.is_empty() || !digits(unsigned).1.is_empty() {
            return Err(format!("strconv.Atoi: parsing {shown}: invalid syntax"));
        }
        let number: i64 =
            group.parse().map_err(|_| format!("strconv.Atoi: parsing {shown}: value out of range"))?;
        demand((0..=255).contains(&number), "decimal must be between 0 and 255")?;
    }
    Ok(())
}

fn ipv6(text: &str) -> Checked {
    demand(text.contains(':'), "missing colon")?;
    demand(ip::parse(text)?.is_empty(), "zone id is not a part of ipv6 address")
}

fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text.as_bytes())?;
    let hostname = String::from_utf8_lossy(url.hostname()).into_owned();
    if hostname.contains(':') {
        let is_enclosed = url.host().contains(&b'[') && url.host().contains(&b']');
        demand(is_enclosed, "ipv6 address not enclosed in brackets")?;
        ipv6(&hostname).map_err(|fault| format!("invalid ipv6 address: {fault}"))?;
    }
    Ok(url)
}

fn uri(text: &str) -> Checked {
    demand(!url(text)?.scheme().is_empty(), "relative url")
}

fn uri_reference(text: &str) -> Checked {
    demand(!text.contains('\\'), "contains \\")?;
    url(text).map(drop)
}

/// Braces may not stand within braces.
fn uri_template(text: &str) -> Checked {
    let url = url(text)?;
    for segment in String::from_utf8_lossy(url.raw_path()).split('/') {
        let segment = decode(segment).map_err(|fault| format!("percent decode failed: {fault}"))?;
        let mut is_open = false;
        for brace in segment.chars().filter(|character| matches!(character, '{' | '}')) {
            demand((brace == '{') != is_open, "nested curly braces")?;
            is_open = !is_open;
        }
        demand(!is_open, "no matching closing brace")?;
    }
    Ok(())
}

fn hostname(text: &str) -> Checked {
    let name = text.strip_suffix('.').unwrap_or(text);
    demand(name.len() <= 253, "more than 253 characters long")?;
    for label in name.split('.') {
        demand((1..=63).contains(&label.len()), "label must be 1 to 63 characters long")?;
        demand(!label.starts_with('-'), "label starts with hyphen")?;
        demand(!label.ends_with('-'), "label ends with hyphen")?;
        let is_good = |character: char| character.is_ascii_alphanumeric() || character == '-';
        bad_character(label, is_good, "invalid character")?;
    }
    Ok(())
}

fn email(text: &str) -> Checked {
    demand(text.len() <= 254, "more than 255 characters long")?;
    let (local, domain) = text.rsplit_once('@').ok_or("missing @")?;
    demand(local.len() <= 64, "local part more than 64 characters long")?;
    let inner = local.strip_prefix('"').and_then(|local| local.strip_suffix('"'));
    match inner {
        Some(inner) => demand(
            !inner.contains(['\\', '"']),
            "backslash and quote are not allowed within quoted local part",
        )?,
        None => {
            demand(!local.starts_with('.'), "starts with dot")?;
            demand(!local.ends_with('.'), "ends with dot")?;
            demand(!local.contains(".."), "consecutive dots")?;
            let is_good = |character: char| {
                character.is_ascii_alphanumeric() || ".!#$%&'*+-/=?^_`{|}~".contains(character)
            };
            bad_character(local, is_good, "invalid character")?;
        }
    }
    let Some(address) = domain.strip_prefix('[').and_then(|domain| domain.strip_suffix(']')) else {
        return hostname(domain).map_err(|fault| format!("invalid domain: {fault}"));
    };
    match address.strip_prefix("IPv6:") {
        Some(address) => ipv6(address).map_err(|fault| format!("invalid ipv6 address: {fault}")),
        None => ipv4(address).map_err(|fault| format!("invalid ipv4 address: {fault}")),
    }
}

fn date(text: &str) -> Checked {
    parse_time("2006-01-02", text)
}

fn date_time(text: &str) -> Checked {
    demand(text.len() >= 20, "less than 20 characters long")?;
    demand(matches!(text.as_bytes()[10], b't' | b'T'), "11th character must be t or T")?;
    let (day, clock) = (text.get(..10), text.get(11..));
    let day = day.map_or(Err("no ASCII".to_owned()), date);
    day.map_err(|fault| format!("invalid date element: {fault}"))?;
    let clock = clock.map_or(Err("no ASCII".to_owned()), time);
    clock.map_err(|fault| format!("invalid time element: {fault}"))
}

fn time(text: &str) -> Checked {
    demand(text.len() >= 9, "less than 9 characters long")?;
    let bytes = text.as_bytes();
    demand(bytes[2] == b':' && bytes[5] == b':', "missing colon in correct place")?;
    let (Some(clock), Some(rest)) = (text.get(..8), text.get(8..)) else {
        return Err("invalid hour/min/sec".to_owned());
    };
    let mut parts = [0_i64; 3];
    for (part, token) in parts.iter_mut().zip(clock.splitn(3, ':')) {
        *part = token.parse().map_err(|_| "invalid hour/min/sec")?;
        demand(*part >= 0, "non-positive hour/min/sec")?;
    }
    let [hour, minute, second] = parts;
    demand(hour <= 23 && minute <= 59 && second <= 60, "hour/min/sec out of range")?;
    let zone = match rest.strip_prefix('.') {
        Some(rest) => {
            let (fraction, zone) = digits(rest);
            demand(!fraction.is_empty(), "no digits in second fraction")?;
            zone
        }
        None => rest,
    };
    let of_day = (hour * 60 + minute + zone_minutes(zone)?).rem_euclid(24 * 60);
    demand(second < 60 || of_day == 23 * 60 + 59, "invalid leap second")
}

/// What is to be added for UTC.
fn zone_minutes(zone: &str) -> Result<i64, String> {
    if matches!(zone, "z" | "Z") {
        return Ok(0);
    }
    demand(zone.len() == 6, "offset must be 6 characters long")?;
    let sign = match zone.as_bytes()[0] {
        b'+' => -1,
        b'-' => 1,
        _ => return Err("offset must begin with plus/minus".to_owned()),
    };
    demand(zone.as_bytes()[3] == b':', "missing colon in offset in correct place")?;
    let mut parts = [0_i64; 2];
    for (part, token) in parts.iter_mut().zip(zone[1..].splitn(2, ':')) {
        *part = token.parse().map_err(|_| "invalid hour/min in offset")?;
        demand(*part >= 0, "non-positive hour/min in offset")?;
    }
    let [hours, minutes] = parts;
    demand(hours <= 23 && minutes <= 59, "hour/min in offset out of range")?;
    Ok(sign * (hours * 60 + minutes))
}

fn semver(text: &str) -> Checked {
    let is_part = |character: char| character.is_ascii_alphanumeric() || character == '-';
    let in_identifier = |text: &str, what: &str| match text.chars().find(|character| !is_part(*character)) {
        Some(bad) => {
            Err(format!("invalid character {} in {what} identifier", belay_gotemplate::go_quote_rune(bad)))
        }
        None => Ok(()),
    };
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    if let Some(build) = build {
        demand(!build.is_empty(), "build is empty")?;
        for identifier in build.split('.') {
            demand(!identifier.is_empty(), "build identifier is empty")?;
            in_identifier(identifier, "build")?;
        }
    }
    let (core, prerelease) = rest.split_once('-').map_or((rest, None), |(core, behind)| (core, Some(behind)));
    for identifier in prerelease.into_iter().flat_map(|prerelease| prerelease.split('.')) {
        demand(!identifier.is_empty(), "pre-release identifier is empty")?;
        in_identifier(identifier, "pre-release")?;
        let is_number = digits(identifier).1.is_empty();
        let has_zero = identifier.len() > 1 && identifier.starts_with('0');
        demand(!(is_number && has_zero), "pre-release numeric identifier starts with zero")?;
    }
    let numbers: Vec<&str> = core.split('.').collect();
    demand(numbers.len() == 3, "versionCore must have 3 numbers separated by dot")?;
    for (name, number) in ["major", "minor", "patch"].into_iter().zip(numbers) {
        demand(!number.is_empty(), &format!("{name} is empty"))?;
        demand(number.len() == 1 || !number.starts_with('0'), &format!("{name} starts with zero"))?;
        demand(digits(number).1.is_empty(), &format!("{name} contains non-digit"))?;
    }
    Ok(())
}
