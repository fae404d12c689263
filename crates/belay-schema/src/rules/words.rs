//! Forms that texts must have, with what the API server says when they have not.

use std::net::IpAddr;

const QUALIFIED: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const OLD_LABEL: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const UNDERSCORED: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
const CONFIG_KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";

/// What is wrong with a text; empty when nothing is.
pub(super) type Complaints = Vec<String>;

fn too_long(limit: usize) -> String {
    format!("must be no more than {limit} characters")
}

fn is_word(text: &str, inner: &str, first: fn(char) -> bool, edge: fn(char) -> bool) -> bool {
    text.starts_with(first)
        && text.ends_with(edge)
        && text.chars().all(|character| edge(character) || inner.contains(character))
}

fn lower(character: char) -> bool {
    character.is_ascii_lowercase() || character.is_ascii_digit()
}

fn alphanumeric(character: char) -> bool {
    character.is_ascii_alphanumeric()
}

fn complain(text: &str, limit: usize, holds: bool, said: &str) -> Complaints {
    let mut complaints = Vec::new();
    if text.len() > limit {
        complaints.push(too_long(limit));
    }
    if !holds {
        complaints.push(said.to_owned());
    }
    complaints
}

pub(super) fn dns_label(text: &str) -> Complaints {
    let holds = is_word(text, "-", lower, lower);
    // A name that would do but for its dots is told so.
    let said = if !holds && is_subdomain(text) { "must not contain dots" } else { LABEL };
    complain(text, 63, holds, said)
}

pub(super) fn old_label(text: &str) -> Complaints {
    complain(text, 63, is_word(text, "-", |first| first.is_ascii_lowercase(), lower), OLD_LABEL)
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(|part| is_word(part, "-", lower, lower))
}

pub(super) fn subdomain(text: &str) -> Complaints {
    complain(text, 253, is_subdomain(text), SUBDOMAIN)
}

pub(super) fn wildcard(text: &str) -> Complaints {
    complain(text, 253, text.strip_prefix("*.").is_some_and(is_subdomain), WILDCARD)
}

pub(super) fn label_value(text: &str) -> Complaints {
    let holds = text.is_empty() || is_word(text, "-_.", alphanumeric, alphanumeric);
    complain(text, 63, holds, LABEL_VALUE)
}

/// `prefix/name`: label keys, finalizers, resource names.
pub(super) fn qualified(text: &str) -> Complaints {
    let mut complaints = Vec::new();
    let parts: Vec<&str> = text.split('/').collect();
    let name = match parts[..] {
        [name] => name,
        [prefix, name] => {
            if prefix.is_empty() {
                complaints.push("prefix part must be non-empty".to_owned());
            } else {
                complaints.extend(subdomain(prefix).into_iter().map(|said| format!("prefix part {said}")));
            }
            name
        }
        _ => {
            return vec![format!(
                "a qualified name {QUALIFIED} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        complaints.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        complaints.push(format!("name part {}", too_long(63)));
    }
    if !is_word(name, "-_.", alphanumeric, alphanumeric) {
        complaints.push(format!("name part {QUALIFIED}"));
    }
    complaints
}

/// A key of a ConfigMap or a Secret.
pub(super) fn config_key(text: &str) -> Complaints {
    let holds = !text.is_empty()
        && text.chars().all(|character| alphanumeric(character) || "-._".contains(character));
    let mut complaints = complain(text, 253, holds, CONFIG_KEY);
    match text {
        "." => complaints.push("must not be '.'".to_owned()),
        ".." => complaints.push("must not be '..'".to_owned()),
        _ if text.starts_with("..") => complaints.push("must not start with '..'".to_owned()),
        _ => {}
    }
    complaints
}

pub(super) fn environment_name(text: &str) -> Complaints {
    if text.is_empty() {
        return vec!["environment variable name must be non-empty".to_owned()];
    }
    if text.chars().all(|character| character.is_ascii() && !character.is_ascii_control() && character != '=')
    {
        return Vec::new();
    }
    vec![
        "a valid environment variable name must consist only of printable ASCII characters other than '='"
            .to_owned(),
    ]
}

/// The name of a port.
pub(super) fn port_name(text: &str) -> Complaints {
    let mut complaints = Vec::new();
    if text.len() > 15 {
        complaints.push(too_long(15));
    }
    if text.is_empty() || !text.chars().all(|character| lower(character) || character == '-') {
        complaints.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".to_owned());
    }
    if !text.contains(|character: char| character.is_ascii_lowercase()) {
        complaints.push("must contain at least one letter (a-z)".to_owned());
    }
    if text.contains("--") {
        complaints.push("must not contain consecutive hyphens".to_owned());
    }
    if text.starts_with('-') || text.ends_with('-') {
        complaints.push("must not begin or end with a hyphen".to_owned());
    }
    complaints
}

pub(super) fn address(text: &str) -> Complaints {
    if text.parse::<IpAddr>().is_ok() {
        return Vec::new();
    }
    vec!["must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned()]
}

pub(super) fn address_range(text: &str) -> Complaints {
    let parsed = text.split_once('/').and_then(|(address, length)| {
        let address: IpAddr = address.parse().ok()?;
        let length: u8 = length.parse().ok()?;
        (length <= if address.is_ipv4() { 32 } else { 128 }).then_some(address)
    });
    if parsed.is_some() {
        return Vec::new();
    }
    vec!["must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)".to_owned()]
}

/// A file below a folder: no way out of it.
pub(super) fn relative_path(text: &str) -> Complaints {
    let mut complaints = Vec::new();
    if text.starts_with('/') {
        complaints.push("must be a relative path".to_owned());
    }
    complaints.extend(no_way_up(text));
    complaints
}

/// A relative path that does not start as what the kubelet keeps for itself.
pub(super) fn file_path(text: &str) -> Complaints {
    let mut complaints = relative_path(text);
    if text.starts_with("..") && !text.starts_with("../") {
        complaints.push("must not start with '..'".to_owned());
    }
    complaints
}

pub(super) fn no_way_up(text: &str) -> Complaints {
    if text.split('/').any(|part| part == "..") {
        vec!["must not contain '..'".to_owned()]
    } else {
        Vec::new()
    }
}

/// `must be between 1 and 65535, inclusive`.
pub(super) fn between(low: i64, high: i64) -> String {
    format!("must be between {low} and {high}, inclusive")
}

/// Any case will do.
pub(super) fn qualified_lower(text: &str) -> Complaints {
    qualified(&text.to_lowercase())
}

/// A name that is one step of a path.
pub(super) fn path_segment(text: &str) -> Complaints {
    match text {
        "." | ".." => vec![format!("may not be '{text}'")],
        _ => {
            let found = ["/", "%"].into_iter().filter(|part| text.contains(part));
            found.map(|part| format!("may not contain '{part}'")).collect()
        }
    }
}

/// A domain name whose parts may have underscores.
pub(super) fn underscored(text: &str) -> Complaints {
    let holds =
        text.split('.').all(|part| is_word(part.strip_prefix('_').unwrap_or(part), "-_", lower, lower));
    complain(text, 253, holds, UNDERSCORED)
}
