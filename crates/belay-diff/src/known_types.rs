//! Fields of custom kinds that hold Kubernetes' own types: both sides are compared in the form of that type.

use belay_gotemplate::{format_duration, parse_duration};
use belay_manifest::Object;
use belay_schema::CoreType;
use serde_json::{Map, Value};

/// A type that a field of a custom kind may be declared to have.
#[derive(Debug, Clone)]
pub struct KnownType {
    name: String,
    form: Form,
}

#[derive(Debug, Clone)]
enum Form {
    Core(CoreType),
    Duration,
}

/// A field that is declared to have such a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownField {
    /// The kind's group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The way to the field, by dots; lists on it are walked item by item.
    pub path: String,
    /// Its type.
    pub known_type: KnownType,
}

impl PartialEq for KnownType {
    fn eq(&self, other: &KnownType) -> bool {
        self.name == other.name
    }
}

impl Eq for KnownType {}

impl KnownType {
    /// The type of this name: `core/Quantity`, `meta/v1/Duration`, `core/v1/PodSpec`.
    pub fn named(name: &str) -> Option<KnownType> {
        let form = match name {
            "core/Quantity" => Form::Core(CoreType::quantity()),
            "meta/v1/Duration" => Form::Duration,
            // Go has no type of this name in that package.
            "core/v1/Quantity" => return None,
            _ => Form::Core(CoreType::named(name.strip_prefix("core/v1/")?)?),
        };
        Some(KnownType { name: name.to_owned(), form })
    }

    fn reformat(&self, value: &Value) -> Result<Value, String> {
        match &self.form {
            Form::Core(core) => core.reformat(value),
            Form::Duration => {
                let text = value.as_str().ok_or("json: a duration is written as text")?;
                let nanoseconds = parse_duration(text).map_err(|error| error.to_string())?;
                Ok(Value::from(format_duration(nanoseconds)))
            }
        }
    }
}

impl KnownField {
    pub(crate) fn concerns(&self, object: &Object) -> bool {
        self.group == object.gvk().group && self.kind == object.kind()
    }

    /// Brings the field of one state of an object into its type's form.
    pub(crate) fn reformat(&self, state: &mut Value) -> Result<(), String> {
        let path: Vec<&str> = self.path.split('.').collect();
        match state.as_object_mut() {
            Some(state) => self.below(state, &path),
            None => Ok(()),
        }
    }

    fn below(&self, fields: &mut Map<String, Value>, path: &[&str]) -> Result<(), String> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        match fields.get_mut(*name) {
            None => Ok(()),
            Some(Value::Array(items)) => {
                items.iter_mut().filter(|item| item.is_object()).try_for_each(|item| self.item(item, rest))
            }
            Some(found) => self.item(found, rest),
        }
    }

    fn item(&self, value: &mut Value, rest: &[&str]) -> Result<(), String> {
        match (rest.is_empty(), value) {
            (true, value) => *value = self.known_type.reformat(value)?,
            (false, Value::Object(fields)) => return self.below(fields, rest),
            (false, _) => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reformatted(path: &str, name: &str, mut state: Value) -> Value {
        let known_type = KnownType::named(name).unwrap();
        let field = KnownField { group: "x.io".into(), kind: "Thing".into(), path: path.into(), known_type };
        let _ = field.reformat(&mut state);
        state
    }

    #[test]
    fn a_field_takes_the_form_of_its_type() {
        let spec = json!({"spec": {"ram": "1.25G"}});
        assert_eq!(reformatted("spec.ram", "core/Quantity", spec), json!({"spec": {"ram": "1250M"}}));
        let spec = json!({"spec": {"duration": "8760h"}});
        assert_eq!(
            reformatted("spec.duration", "meta/v1/Duration", spec),
            json!({"spec": {"duration": "8760h0m0s"}})
        );
        let spec = json!({"a": [{"b": [{"limits": {"cpu": "2000m"}, "x": 1}, 7]}, "text"]});
        assert_eq!(
            reformatted("a.b", "core/v1/ResourceRequirements", spec),
            json!({"a": [{"b": [{"limits": {"cpu": "2"}}, 7]}, "text"]})
        );
    }

    #[test]
    fn what_is_not_there_or_is_no_such_value_stays() {
        for (path, name) in [
            ("spec.none.there", "core/Quantity"),
            ("spec.text", "core/Quantity"),
            ("spec.text", "meta/v1/Duration"),
            ("spec.text", "core/v1/PodSpec"),
            ("spec.text.below", "core/v1/PodSpec"),
            ("spec.number", "meta/v1/Duration"),
        ] {
            let spec = json!({"spec": {"text": "many", "number": 5}});
            assert_eq!(reformatted(path, name, spec.clone()), spec, "{path} {name}");
        }
    }

    #[test]
    fn unknown_names_are_none() {
        for name in
            ["", "core/v1/Quantity", "core/v1/PodSpecs", "meta/v1/Time", "Quantity", "apps/v1/Deployment"]
        {
            assert!(KnownType::named(name).is_none(), "{name}");
        }
    }
}
