//! Objects as they are compared: what means the same looks the same.

use belay_schema::{KindSchema, decode};
use serde_json::{Map, Value};

/// What is compared apart from the fields as they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NormaliseOptions {
    /// Leave out the rules of roles that collect them from others.
    pub ignore_aggregated_roles: bool,
    /// Whose `status` is left out.
    pub ignored_status: IgnoredStatus,
}

/// Whose `status` is not compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum IgnoredStatus {
    /// Every object's.
    #[default]
    All,
    /// That of definitions of kinds.
    Definitions,
    /// Nobody's.
    None,
}

/// The object in the API server's form, without what nobody desires: quantities canonical, `stringData` as `data`,
/// fields that the kind does not know left out, no `status`. Nothing is defaulted. What cannot be read stays as it is.
pub fn normalised(object: &Value, schema: Option<&KindSchema>, options: NormaliseOptions) -> Value {
    let mut value = with_string_data(object);
    if let Some(decoded) = schema.and_then(|schema| decode(schema, &value).ok()) {
        value = restricted(decoded, &value);
    }
    drop_undesired(&mut value, options);
    value
}

/// Takes away what is not compared: `status`, times that only look like desired state, empty rules.
pub(crate) fn drop_undesired(value: &mut Value, options: NormaliseOptions) {
    let Some(fields) = value.as_object_mut() else {
        return;
    };
    let is_definition = fields.get("kind").is_some_and(|kind| kind == "CustomResourceDefinition");
    let is_ignored = match options.ignored_status {
        IgnoredStatus::All => true,
        IgnoredStatus::Definitions => is_definition,
        IgnoredStatus::None => false,
    };
    if is_ignored {
        fields.shift_remove("status");
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("creationTimestamp");
        metadata.shift_remove("managedFields");
    }
    let group = fields.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    if group.starts_with("rbac.authorization.k8s.io/") && matches!(kind, "Role" | "ClusterRole") {
        let aggregated =
            options.ignore_aggregated_roles && fields.get("aggregationRule").is_some_and(Value::is_object);
        let empty = fields.get("rules").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if aggregated || empty {
            fields.shift_remove("rules");
        }
    }
}

/// `decoded` with only the fields that `written` has.
fn restricted(decoded: Value, written: &Value) -> Value {
    match (decoded, written) {
        (Value::Object(decoded), Value::Object(written)) => {
            let kept = decoded.into_iter().filter_map(|(name, value)| {
                let written = written.get(&name)?;
                Some((name, restricted(value, written)))
            });
            Value::Object(kept.collect())
        }
        (Value::Array(decoded), Value::Array(written)) if decoded.len() == written.len() => {
            let items =
                decoded.into_iter().zip(written).map(|(decoded, written)| restricted(decoded, written));
            Value::Array(items.collect())
        }
        (decoded, _) => decoded,
    }
}

/// The object as the API will store it: a Secret's `stringData` moves to `data`.
pub fn with_string_data(object: &Value) -> Value {
    let mut value = object.clone();
    if value["kind"] != "Secret" || value["apiVersion"] != "v1" {
        return value;
    }
    let Some(Value::Object(texts)) =
        value.as_object_mut().and_then(|fields| fields.shift_remove("stringData"))
    else {
        return value;
    };
    let data = value
        .as_object_mut()
        .expect("an Object is a map")
        .entry("data")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Some(data) = data.as_object_mut() {
        for (name, text) in texts {
            data.insert(name, Value::from(base64(text.as_str().unwrap_or_default().as_bytes())));
        }
    }
    value
}

/// Standard base64; the one use here does not earn a dependency of a pure crate.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { letter as char } else { '=' });
        }
    }
    text
}
