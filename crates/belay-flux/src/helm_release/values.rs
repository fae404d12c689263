//! A release's values: those of ConfigMaps and Secrets, and over them those of the spec.

use belay_flux_api::ValuesReference;
use belay_helm::{ReadValuesError, Values, ValuesError};
use k8s_openapi::ByteString;
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::ApiResource;
use serde_json::Value;

use super::hidden::Hidden;

/// Why the values are not to be had. The text holds no value.
#[derive(Debug, thiserror::Error)]
#[error("could not resolve {kind} chart values reference '{namespace}/{name}' with key '{key}'")]
pub(crate) struct ValuesFault {
    kind: String,
    namespace: String,
    name: String,
    key: String,
    #[source]
    source: Reason,
}

#[derive(Debug, thiserror::Error)]
enum Reason {
    #[error("resource not found")]
    NotFound,
    #[error("key not found")]
    NoKey,
    #[error("the API server's answer")]
    Api(#[source] Box<kube::Error>),
    #[error("failed to read values data")]
    Read(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("failed to merge value")]
    Merge(#[source] Quiet),
    #[error("the value is not text")]
    NoText,
}

/// An error about a value, told without the value.
#[derive(Debug, thiserror::Error)]
#[error("the value cannot be read")]
pub(crate) struct Quiet;

/// All values, and which of their texts come from Secrets.
pub(crate) struct Composed {
    pub(crate) values: Values,
    pub(crate) hidden: Hidden,
}

/// Reads every reference and merges.
pub(crate) async fn compose(
    client: &Client,
    namespace: &str,
    inline: &Value,
    references: &[ValuesReference],
) -> Result<Composed, ValuesFault> {
    let mut found = Vec::new();
    for reference in references {
        let text =
            read(client, namespace, reference).await.map_err(|source| fault(namespace, reference, source))?;
        if let Some(text) = text {
            found.push((reference, text));
        }
    }
    Ok(Composed { values: merge(namespace, inline, &found)?, hidden: hidden(&found) })
}

fn hidden(found: &[(&ValuesReference, String)]) -> Hidden {
    let mut hidden = Hidden::default();
    for (reference, text) in found.iter().filter(|(reference, _)| reference.kind == "Secret") {
        if reference.target_path.is_empty() { hidden.add_values(text) } else { hidden.add_text(text) }
    }
    hidden
}

/// In order; a reference with a target path sets one value over what is there by then.
fn merge(
    namespace: &str,
    inline: &Value,
    found: &[(&ValuesReference, String)],
) -> Result<Values, ValuesFault> {
    let inline = Values::from_json(inline.clone());
    let mut values = Values::default();
    for (reference, text) in found {
        let fault = |source| fault(namespace, reference, source);
        if reference.target_path.is_empty() {
            values.merge(Values::from_yaml(text).map_err(|error| fault(unreadable(reference, error)))?);
        } else {
            values.merge(inline.clone());
            set(&mut values, reference, text).map_err(|_told_quietly| fault(Reason::Merge(Quiet)))?;
        }
    }
    values.merge(inline);
    Ok(values)
}

fn unreadable(reference: &ValuesReference, error: ReadValuesError) -> Reason {
    Reason::Read(if reference.kind == "Secret" { Box::new(Quiet) } else { Box::new(error) })
}

fn set(values: &mut Values, reference: &ValuesReference, text: &str) -> Result<(), ValuesError> {
    let path = &reference.target_path;
    if reference.literal {
        let mut escaped = String::with_capacity(text.len());
        for letter in text.chars() {
            if matches!(letter, '\\' | ',' | '[' | ']' | '{' | '}') {
                escaped.push('\\');
            }
            escaped.push(letter);
        }
        return values.set_string(&format!("{path}={escaped}"));
    }
    let is_quoted = |quote: char| text.starts_with(quote) && text.ends_with(quote);
    if is_quoted('\'') || is_quoted('"') {
        return values.set_string(&format!("{path}={}", text.trim_matches(['\'', '"'])));
    }
    values.set(&format!("{path}={text}"))
}

/// The text of a reference; nothing when it is missing and may be.
async fn read(
    client: &Client,
    namespace: &str,
    reference: &ValuesReference,
) -> Result<Option<String>, Reason> {
    let resource = match reference.kind.as_str() {
        "Secret" => ApiResource::erase::<k8s_openapi::api::core::v1::Secret>(&()),
        _ => ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&()),
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &resource);
    let object = api.get_opt(&reference.name).await.map_err(|error| Reason::Api(Box::new(error)))?;
    match object.map_or(Err(Reason::NotFound), |object| text_of(&object.data, reference)) {
        Err(Reason::NotFound | Reason::NoKey) if reference.optional => Ok(None),
        text => text.map(Some),
    }
}

fn text_of(object: &Value, reference: &ValuesReference) -> Result<String, Reason> {
    let text = object["data"].get(key(reference)).and_then(Value::as_str).ok_or(Reason::NoKey)?;
    if reference.kind != "Secret" {
        return Ok(text.to_owned());
    }
    let bytes: ByteString = serde_json::from_value(Value::from(text)).map_err(|_no_base64| Reason::NoText)?;
    String::from_utf8(bytes.0).map_err(|_no_text| Reason::NoText)
}

fn key(reference: &ValuesReference) -> &str {
    if reference.values_key.is_empty() { "values.yaml" } else { &reference.values_key }
}

fn fault(namespace: &str, reference: &ValuesReference, source: Reason) -> ValuesFault {
    ValuesFault {
        kind: reference.kind.clone(),
        namespace: namespace.to_owned(),
        name: reference.name.clone(),
        key: key(reference).to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_crd::Described;
    use serde_json::json;

    fn reference(value: Value) -> ValuesReference {
        ValuesReference::read(value).unwrap()
    }

    fn run(inline: Value, found: &[(Value, &str)]) -> Value {
        let references: Vec<_> =
            found.iter().map(|(value, text)| (reference(value.clone()), (*text).to_owned())).collect();
        let found: Vec<_> = references.iter().map(|(reference, text)| (reference, text.clone())).collect();
        Value::Object(merge("apps", &inline, &found).unwrap().as_map().clone())
    }

    #[test]
    fn inline_values_win_over_files_and_later_files_over_earlier() {
        let file = json!({"kind": "ConfigMap", "name": "a"});
        let values = run(json!({"a": 1}), &[(file.clone(), "a: 2\nb: 2\nc: 2"), (file, "c: 3")]);
        assert_eq!(values, json!({"a": 1.0, "b": 2.0, "c": 3.0}));
    }

    #[test]
    fn a_target_path_sets_one_value_as_set_does() {
        let path = |path: &str, literal: bool| json!({"kind": "Secret", "name": "a", "targetPath": path, "literal": literal});
        assert_eq!(run(json!({}), &[(path("a.b", false), "1")]), json!({"a": {"b": 1}}));
        assert_eq!(run(json!({}), &[(path("a.b", false), "'1'")]), json!({"a": {"b": "1"}}));
        assert_eq!(run(json!({}), &[(path("a", true), "x,y={1}")]), json!({"a": "x,y={1}"}));
    }

    #[test]
    fn an_error_names_the_reference_and_not_the_value() {
        let path = reference(json!({"kind": "Secret", "name": "a", "targetPath": "a[9999999]"}));
        let error = merge("apps", &json!({}), &[(&path, "c4n4ry".to_owned())]).unwrap_err();
        let text = belay_causes::chain(&error);
        assert!(!text.contains("c4n4ry"), "{text}");
        assert!(text.contains("Secret chart values reference 'apps/a' with key 'values.yaml'"), "{text}");
    }
}
