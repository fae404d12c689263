//! Reading Kubernetes' protobuf bodies, which Go's typed clients send.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::status::ApiError;

const META: &str = "k8s.io.apimachinery.pkg.apis.meta.v1";
/// Its schemas have forms of their own.
const CUSTOM: &[u8] = b"CustomResourceDefinition";
/// Messages nest no deeper than this.
const DEEPEST: usize = 64;

/// Number, JSON name (empty: inlined), type, and 0 single, 1 repeated, 2 map.
type Field = (u64, String, String, u8);

/// Recorded by `data/record_protobuf.py`.
static MESSAGES: LazyLock<HashMap<String, Vec<Field>>> = LazyLock::new(|| {
    let mut text = Vec::new();
    let recorded: &[u8] = include_bytes!("../data/protobuf.json.gz");
    let read = flate2::read::GzDecoder::new(recorded).read_to_end(&mut text);
    read.expect("the recording is part of this crate and its test reads it");
    serde_json::from_slice(&text).expect("the recording is part of this crate and its test reads it")
});

/// The object in a body of `application/vnd.kubernetes.protobuf`.
pub(crate) fn object(body: &[u8]) -> Result<Value, ApiError> {
    if body.windows(CUSTOM.len()).take(128).any(|window| window == CUSTOM) {
        return Err(ApiError::not_supported("CustomResourceDefinition as protobuf"));
    }
    read(body).ok_or_else(|| {
        ApiError::bad_request("the object provided is unrecognized (must be of type protobuf)")
    })
}

fn read(body: &[u8]) -> Option<Value> {
    let envelope = message("k8s.io.apimachinery.pkg.runtime.Unknown", body.strip_prefix(b"k8s\0")?, 0)?;
    let (api_version, kind) = (envelope["apiVersion"].as_str()?, envelope["kind"].as_str()?);
    let raw = STANDARD.decode(envelope["-"].as_str().unwrap_or_default()).ok()?;
    let name = message_of(api_version, kind)?;
    let mut object = message(&name, &raw, 0)?;
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    Some(object)
}

fn message_of(api_version: &str, kind: &str) -> Option<String> {
    let (group, version) = api_version.split_once('/').unwrap_or(("core", api_version));
    let package = match group {
        "apiextensions.k8s.io" => "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions".to_owned(),
        "apiregistration.k8s.io" => "k8s.io.kube_aggregator.pkg.apis.apiregistration".to_owned(),
        group => format!("k8s.io.api.{}", group.split('.').next().unwrap_or_default()),
    };
    let candidates = [format!("{package}.{version}.{kind}"), format!("{META}.{kind}")];
    candidates.into_iter().find(|name| MESSAGES.contains_key(name))
}

/// One value on the wire.
enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

fn message(name: &str, mut bytes: &[u8], depth: usize) -> Option<Value> {
    if depth > DEEPEST {
        return None;
    }
    let fields = MESSAGES.get(name)?;
    let mut out = Map::new();
    while !bytes.is_empty() {
        let (number, wire) = next(&mut bytes)?;
        let Some((_, json_name, kind, many)) = fields.iter().find(|field| field.0 == number) else {
            continue;
        };
        match many {
            2 => {
                let (key, value) = entry(kind, &wire, depth)?;
                let map = out.entry(json_name.clone()).or_insert_with(|| Value::Object(Map::new()));
                map.as_object_mut()?.insert(key, value);
            }
            1 => {
                let value = value(kind, &wire, depth)?;
                let list = out.entry(json_name.clone()).or_insert_with(|| Value::Array(Vec::new()));
                list.as_array_mut()?.push(value);
            }
            _ => {
                let value = value(kind, &wire, depth)?;
                match value {
                    // Inlined fields belong to the message around them.
                    Value::Object(inlined) if json_name.is_empty() => out.extend(inlined),
                    value => drop(out.insert(json_name.clone(), value)),
                }
            }
        }
    }
    Some(special(name, out))
}

/// Messages whose JSON is not an object of their fields.
fn special(name: &str, mut fields: Map<String, Value>) -> Value {
    let short = name.rsplit('.').next().unwrap_or_default();
    let number =
        |fields: &Map<String, Value>, key: &str| fields.get(key).and_then(Value::as_i64).unwrap_or(0);
    match short {
        "Time" | "MicroTime" if name.starts_with(META) => {
            if fields.is_empty() {
                return Value::Null;
            }
            let (seconds, nanos) = (number(&fields, "seconds"), number(&fields, "nanos"));
            let time = jiff::Timestamp::new(seconds, i32::try_from(nanos).unwrap_or(0)).unwrap_or_default();
            if short == "Time" {
                crate::clock::seconds(time).into()
            } else {
                time.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string().into()
            }
        }
        "Duration" if name.starts_with(META) => format!("{}ns", number(&fields, "duration")).into(),
        "Quantity" => fields.remove("string").unwrap_or_else(|| "0".into()),
        "IntOrString" => {
            let of = |key: &str| fields.get(key).cloned();
            if number(&fields, "type") == 1 {
                of("strVal").unwrap_or_else(|| "".into())
            } else {
                of("intVal").unwrap_or_else(|| 0.into())
            }
        }
        "RawExtension" | "JSON" | "FieldsV1" => {
            let raw = fields.values().next().and_then(Value::as_str).unwrap_or_default();
            let bytes = STANDARD.decode(raw).unwrap_or_default();
            serde_json::from_slice(&bytes).unwrap_or(Value::Null)
        }
        // Lists that need a message of their own on the wire.
        _ if is_list(name) => fields.remove("items").unwrap_or_else(|| Value::Array(Vec::new())),
        _ => Value::Object(fields),
    }
}

fn is_list(name: &str) -> bool {
    MESSAGES
        .get(name)
        .is_some_and(|fields| matches!(fields.as_slice(), [only] if only.1 == "items" && only.3 == 1))
}

fn entry(kind: &str, wire: &Wire<'_>, depth: usize) -> Option<(String, Value)> {
    let Wire::Bytes(mut bytes) = *wire else { return None };
    let (mut key, mut found) = (String::new(), None);
    while !bytes.is_empty() {
        match next(&mut bytes)? {
            (1, Wire::Bytes(text)) => key = String::from_utf8(text.to_vec()).ok()?,
            (2, wire) => found = Some(value(kind, &wire, depth)?),
            _ => {}
        }
    }
    let absent = || value(kind, &Wire::Bytes(&[]), depth);
    Some((key, found.or_else(absent)?))
}

fn value(kind: &str, wire: &Wire<'_>, depth: usize) -> Option<Value> {
    match (kind, wire) {
        ("string", Wire::Bytes(text)) => Some(std::str::from_utf8(text).ok()?.into()),
        ("bytes", Wire::Bytes(bytes)) => Some(STANDARD.encode(bytes).into()),
        ("bool", Wire::Number(number)) => Some((*number != 0).into()),
        ("double", Wire::Number(number)) => Some(f64::from_bits(*number).into()),
        ("int32" | "int64", Wire::Number(number)) => Some(number.cast_signed().into()),
        (_, Wire::Number(number)) => Some((*number).into()),
        (name, Wire::Bytes(bytes)) => message(name, bytes, depth + 1),
    }
}

fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u64, Wire<'a>)> {
    let key = varint(bytes)?;
    let wire = match key & 7 {
        0 => Wire::Number(varint(bytes)?),
        1 => Wire::Number(u64::from_le_bytes(take(bytes, 8)?.try_into().ok()?)),
        5 => Wire::Number(u64::from(u32::from_le_bytes(take(bytes, 4)?.try_into().ok()?))),
        2 => {
            let length = usize::try_from(varint(bytes)?).ok()?;
            Wire::Bytes(take(bytes, length)?)
        }
        _ => return None,
    };
    Some((key >> 3, wire))
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}
