//! `/openapi/v2` in the protobuf form that Go's clients take. Field numbers are those of gnostic's `OpenAPIv2.proto`.

use serde_json::{Map, Value};

/// The media type of the form; requests may write the version after an `@`, which no answer may.
pub(crate) const MEDIA: &str = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf";
/// Schemas nest no deeper than this.
const DEEPEST: usize = 64;

/// A whole document.
pub(crate) fn document(document: &Value) -> Vec<u8> {
    let mut message = Message::default();
    message.text(1, &document["swagger"]);
    let mut info = Message::default();
    info.text(1, &document["info"]["title"]);
    info.text(2, &document["info"]["version"]);
    message.inner(2, &info);
    let mut paths = Message::default();
    for (path, item) in fields(&document["paths"]) {
        paths.named(2, path, &path_item(item));
    }
    message.inner(8, &paths);
    let mut definitions = Message::default();
    for (name, definition) in fields(&document["definitions"]) {
        definitions.named(1, name, &schema(definition, 0));
    }
    message.inner(9, &definitions);
    message.0
}

/// A message that is written field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.number(field << 3 | 2);
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn inner(&mut self, field: u64, message: &Message) {
        self.bytes(field, &message.0);
    }

    fn text(&mut self, field: u64, value: &Value) {
        if let Some(text) = value.as_str() {
            self.bytes(field, text.as_bytes());
        }
    }

    fn texts(&mut self, field: u64, values: &Value) {
        for value in values.as_array().into_iter().flatten() {
            self.text(field, value);
        }
    }

    fn truth(&mut self, field: u64, value: &Value) {
        if value == true {
            self.number(field << 3);
            self.number(1);
        }
    }

    fn whole(&mut self, field: u64, value: &Value) {
        if let Some(number) = value.as_u64() {
            self.number(field << 3);
            self.number(number);
        }
    }

    fn float(&mut self, field: u64, value: &Value) {
        if let Some(number) = value.as_f64() {
            self.number(field << 3 | 1);
            self.0.extend_from_slice(&number.to_le_bytes());
        }
    }

    /// A name and a message under it.
    fn named(&mut self, field: u64, name: &str, value: &Message) {
        let mut pair = Message::default();
        pair.bytes(1, name.as_bytes());
        pair.inner(2, value);
        self.inner(field, &pair);
    }

    /// What has no field of its own: `x-kubernetes-…`.
    fn extensions(&mut self, field: u64, object: &Value) {
        for (name, value) in fields(object).filter(|(name, _)| name.starts_with("x-")) {
            self.named(field, name, &anything(value));
        }
    }
}

fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// A value as YAML, which JSON is.
fn anything(value: &Value) -> Message {
    let mut any = Message::default();
    any.bytes(2, value.to_string().as_bytes());
    any
}

fn path_item(item: &Value) -> Message {
    let mut message = Message::default();
    for (field, method) in [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (8, "patch")] {
        if item[method].is_object() {
            message.inner(field, &operation(&item[method]));
        }
    }
    message
}

fn operation(operation: &Value) -> Message {
    let mut message = Message::default();
    message.texts(6, &operation["produces"]);
    message.texts(7, &operation["consumes"]);
    for given in operation["parameters"].as_array().into_iter().flatten() {
        let mut item = Message::default();
        item.inner(1, &parameter(given));
        message.inner(8, &item);
    }
    let mut responses = Message::default();
    for (code, response) in fields(&operation["responses"]) {
        let mut answer = Message::default();
        answer.text(1, &response["description"]);
        let mut item = Message::default();
        item.inner(1, &schema(&response["schema"], 0));
        answer.inner(2, &item);
        let mut value = Message::default();
        value.inner(1, &answer);
        responses.named(1, code, &value);
    }
    message.inner(9, &responses);
    message.texts(10, &operation["schemes"]);
    message.extensions(13, operation);
    message
}

fn parameter(parameter: &Value) -> Message {
    let mut message = Message::default();
    let mut own = Message::default();
    if parameter["in"] == "body" {
        own.text(2, &parameter["name"]);
        own.text(3, &parameter["in"]);
        own.truth(4, &parameter["required"]);
        own.inner(5, &schema(&parameter["schema"], 0));
        message.inner(1, &own);
        return message;
    }
    own.text(2, &parameter["in"]);
    own.text(4, &parameter["name"]);
    own.text(6, &parameter["type"]);
    own.truth(20, &parameter["uniqueItems"]);
    let mut other = Message::default();
    other.inner(3, &own);
    message.inner(2, &other);
    message
}

fn schema(given: &Value, depth: usize) -> Message {
    let mut message = Message::default();
    if depth > DEEPEST {
        return message;
    }
    message.text(1, &given["$ref"]);
    message.text(2, &given["format"]);
    message.text(4, &given["description"]);
    message.float(7, &given["maximum"]);
    message.float(9, &given["minimum"]);
    message.whole(11, &given["maxLength"]);
    message.whole(12, &given["minLength"]);
    message.text(13, &given["pattern"]);
    message.whole(14, &given["maxItems"]);
    message.whole(15, &given["minItems"]);
    message.texts(19, &given["required"]);
    for value in given["enum"].as_array().into_iter().flatten() {
        message.inner(20, &anything(value));
    }
    if given["additionalProperties"].is_object() {
        let mut item = Message::default();
        item.inner(1, &schema(&given["additionalProperties"], depth + 1));
        message.inner(21, &item);
    }
    if given["type"].is_string() {
        let mut kind = Message::default();
        kind.text(1, &given["type"]);
        message.inner(22, &kind);
    }
    if given["items"].is_object() {
        let mut items = Message::default();
        items.inner(1, &schema(&given["items"], depth + 1));
        message.inner(23, &items);
    }
    let mut properties = Message::default();
    for (name, property) in fields(&given["properties"]) {
        properties.named(1, name, &schema(property, depth + 1));
    }
    if !properties.0.is_empty() {
        message.inner(25, &properties);
    }
    message.extensions(31, given);
    message
}
