//! Names: generated ones, and what a name may be.

use belay_schema::{FieldError, Reason};
use rand::Rng as _;
use serde_json::{Value, json};

use crate::resources::Definition;

const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const LONGEST_PREFIX: usize = 58;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// `prefix` and five random characters.
pub(crate) fn generate(prefix: &str) -> String {
    let mut prefix = prefix.to_owned();
    while prefix.len() > LONGEST_PREFIX {
        prefix.pop();
    }
    prefix + &suffix(5)
}

pub(crate) fn suffix(length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())])).collect()
}

/// What is wrong with an object's metadata.
pub(crate) fn metadata_errors(definition: &Definition, object: &Value) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let name = crate::object::name(object);
    if name.is_empty() {
        errors.push(FieldError::required("metadata.name", "name or generateName is required"));
    } else {
        errors.extend(name_error(definition, name));
    }
    for (key, value) in object["metadata"]["labels"].as_object().into_iter().flatten() {
        if !is_qualified(key) {
            errors.push(FieldError::invalid("metadata.labels", &json!(key), QUALIFIED));
        }
        if !value.as_str().is_some_and(is_label_value) {
            errors.push(FieldError::invalid("metadata.labels", value, LABEL_VALUE));
        }
    }
    for key in object["metadata"]["annotations"].as_object().into_iter().flatten().map(|(key, _)| key) {
        if !is_qualified(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &json!(key), QUALIFIED));
        }
    }
    errors
}

const QUALIFIED: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

fn is_qualified(key: &str) -> bool {
    let name = match key.split_once('/') {
        Some((prefix, name)) => {
            if !is_subdomain(prefix) {
                return false;
            }
            name
        }
        None => key,
    };
    !name.is_empty() && is_label_value(name)
}

fn is_label_value(value: &str) -> bool {
    let edge = |character: Option<char>| character.is_none_or(|character| character.is_ascii_alphanumeric());
    value.len() <= 63
        && value.chars().all(|character| character.is_ascii_alphanumeric() || "-_.".contains(character))
        && edge(value.chars().next())
        && edge(value.chars().last())
}

fn name_error(definition: &Definition, name: &str) -> Option<FieldError> {
    let invalid = |detail: &str| {
        Some(FieldError::new("metadata.name", Reason::Invalid, format!("Invalid value: {name:?}: {detail}")))
    };
    match (definition.group.as_str(), definition.resource.as_str()) {
        ("rbac.authorization.k8s.io", _) => {
            let odd = matches!(name, "." | "..") || name.contains(['/', '%']);
            if odd { invalid("may not contain '/' or '%'") } else { None }
        }
        ("", "namespaces") => {
            if is_label(name) {
                None
            } else {
                invalid(LABEL)
            }
        }
        ("", "services") => {
            let good = is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase());
            if good { None } else { invalid(SERVICE) }
        }
        // Those may carry colons, as the system's own do.
        ("apiregistration.k8s.io" | "certificates.k8s.io" | "flowcontrol.apiserver.k8s.io", _) => None,
        _ => {
            if is_subdomain(name) {
                None
            } else {
                invalid(SUBDOMAIN)
            }
        }
    }
}

fn is_subdomain(name: &str) -> bool {
    name.len() <= 253 && name.split('.').all(|part| !part.is_empty() && part_is_plain(part))
}

fn is_label(name: &str) -> bool {
    !name.is_empty() && name.len() <= 63 && part_is_plain(name)
}

fn part_is_plain(part: &str) -> bool {
    let plain = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit();
    part.chars().all(|character| plain(character) || character == '-')
        && part.starts_with(plain)
        && part.ends_with(plain)
}
