//! Secret values: a type that does not print them, and masks for whole Secrets.

use std::fmt;

use serde_json::Value;

use crate::object::Object;

/// What stands in place of a secret value.
pub const MASK: &str = "++++++++";

/// A secret value. It can be used, but neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Wraps a secret value.
    pub fn new(value: T) -> Secret<T> {
        Secret(value)
    }

    /// The value itself, for the one call that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T> fmt::Debug for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

impl<T> fmt::Display for Secret<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(MASK)
    }
}

/// Where `kubectl apply` keeps what it was given.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The object with the values of a core `Secret` masked, and with them the copy that
/// `kubectl apply` leaves in an annotation, and those `annotations` that an installation names. Other kinds come back as
/// they are.
pub fn mask_secret_values(object: &Object, annotations: &[String]) -> Object {
    let mut masked = object.clone();
    if object.kind() != "Secret" || object.api_version() != "v1" {
        return masked;
    }
    let value = masked.value_mut();
    for field in ["data", "stringData"] {
        if let Some(entries) = value.get_mut(field).and_then(Value::as_object_mut) {
            entries.values_mut().for_each(|entry| *entry = Value::from(MASK));
        }
    }
    let metadata = value.get_mut("metadata");
    let known = metadata.and_then(|metadata| metadata.get_mut("annotations")).and_then(Value::as_object_mut);
    let hidden = |name: &str| name == LAST_APPLIED || annotations.iter().any(|own| own == name);
    for (_, text) in known.into_iter().flatten().filter(|(name, _)| hidden(name)) {
        *text = Value::from(MASK);
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_never_prints_itself() {
        let secret = Secret::new("canary".to_owned());
        assert!(!format!("{secret:?} {secret}").contains("canary"));
        assert_eq!(secret.expose(), "canary");
    }

    #[test]
    fn only_core_secrets_are_masked_and_wholly() {
        let canary = "Y2FuYXJ5";
        let secret = Object::new(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "s", "annotations": {
                "kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"a\":\"{canary}\"}}}}")}},
            "data": {"a": canary}, "stringData": {"b": canary}}))
        .unwrap();
        assert!(!mask_secret_values(&secret, &[]).value().to_string().contains(canary));
        let map = Object::new(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"},
            "data": {"a": canary}}))
        .unwrap();
        assert_eq!(mask_secret_values(&map, &["a".to_owned()]), map);
    }

    #[test]
    fn annotations_that_are_named_are_masked() {
        let metadata = json!({"name": "s", "annotations": {"token": "canary", "note": "shown"}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata});
        let masked = mask_secret_values(&Object::new(secret).unwrap(), &["token".to_owned()]);
        assert_eq!((masked.annotation("token"), masked.annotation("note")), (Some(MASK), Some("shown")));
    }
}
