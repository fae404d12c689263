//! Between JSON and the values of templates.

use belay_gotemplate::{Map, Value, from_json_with_integers, sprintf};

/// JSON as the map Go decodes it to, except that integers stay integers.
pub(crate) fn map_to_template(map: &serde_json::Map<String, serde_json::Value>) -> Map {
    map.iter().map(|(key, value)| (key.as_str(), from_json_with_integers(value))).collect()
}

/// The value as Go's `%v` prints it.
pub(crate) fn print(value: &Value) -> String {
    sprintf(b"%v", std::slice::from_ref(value)).to_str().into_owned()
}
