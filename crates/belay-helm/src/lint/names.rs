//! Whether objects are named as Kubernetes wants them to be.

use crate::quote::quote;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' \
    or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation \
    is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
    start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SERVICE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
    alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for \
    validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// Checks `metadata.name` by the rule of the object's kind.
pub(super) fn check(kind: &str, name: &str) -> Result<(), String> {
    let problems = match kind.to_lowercase().as_str() {
        "service" => service(name),
        "namespace" => label(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    };
    if problems.is_empty() {
        return Ok(());
    }
    let name = quote(name);
    let invalid: Vec<String> =
        problems.iter().map(|problem| format!("metadata.name: Invalid value: {name}: {problem}")).collect();
    let invalid = if invalid.len() == 1 { invalid.concat() } else { format!("[{}]", invalid.join(", ")) };
    Err(format!("object name does not conform to Kubernetes naming requirements: {name}: {invalid}"))
}

fn too_long(name: &str, limit: usize) -> Option<String> {
    (name.len() > limit).then(|| format!("must be no more than {limit} bytes"))
}

fn is_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(inner)
        && bytes.last().copied().is_some_and(inner)
        && bytes.iter().all(|byte| inner(*byte) || *byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn subdomain(name: &str) -> Vec<String> {
    let wrong = (!is_subdomain(name)).then(|| SUBDOMAIN.to_owned());
    too_long(name, 253).into_iter().chain(wrong).collect()
}

fn label(name: &str) -> Vec<String> {
    let wrong = if is_label(name) {
        None
    } else if is_subdomain(name) {
        Some("must not contain dots".to_owned())
    } else {
        Some(LABEL.to_owned())
    };
    too_long(name, 63).into_iter().chain(wrong).collect()
}

fn service(name: &str) -> Vec<String> {
    let starts = name.as_bytes().first().is_some_and(u8::is_ascii_lowercase);
    let wrong = (!(starts && is_label(name))).then(|| SERVICE.to_owned());
    too_long(name, 63).into_iter().chain(wrong).collect()
}

fn path_segment(name: &str) -> Vec<String> {
    if name == "." || name == ".." {
        return vec![format!("may not be '{name}'")];
    }
    let parts = ["/", "%"].into_iter().filter(|part| name.contains(part));
    parts.map(|part| format!("may not contain '{part}'")).collect()
}
