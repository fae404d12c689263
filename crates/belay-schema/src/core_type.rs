//! Kubernetes' own types where other kinds hold them: a custom resource's `core/v1/PodSpec`, say.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::arena::{Field, MapType, Type, TypeId, Types};
use crate::builtin::Converter;
use crate::encoding::{decode_value_detail, encode_value};
use crate::registry::Registry;

const CORE: &str = "io.k8s.api.core.v1.";
/// Structs that are part of others in Go and so have no definition: their name, who holds them, and which fields.
const EMBEDDED: [(&str, &str, Part); 4] = [
    ("VolumeSource", "Volume", Part::AllBut("name")),
    ("PersistentVolumeSource", "PersistentVolumeSpec", Part::OfTypes("VolumeSource")),
    ("ProbeHandler", "Probe", Part::OfTypes("Action")),
    ("EphemeralContainerCommon", "EphemeralContainer", Part::AllBut("targetContainerName")),
];

/// Some of a struct's fields.
enum Part {
    AllBut(&'static str),
    /// Those whose type's name ends so.
    OfTypes(&'static str),
}

/// A type of Kubernetes' core group.
#[derive(Debug, Clone)]
pub struct CoreType {
    types: Arc<Types>,
    id: TypeId,
}

impl CoreType {
    /// The type of this name in `core/v1`: `PodSpec`.
    pub fn named(name: &str) -> Option<CoreType> {
        let registry = Registry::builtin();
        let id = *registry.core_types().get(name)?;
        Some(CoreType { types: registry.types().clone(), id })
    }

    /// A resource quantity.
    pub fn quantity() -> CoreType {
        CoreType::named("Quantity").expect("quantities are part of every recorded kind with resources")
    }

    /// The value as Go's type reads it and writes it out again; an error in the words of Go's decoder.
    pub fn reformat(&self, value: &Value) -> Result<Value, String> {
        decode_value_detail(&self.types, self.id, value)?;
        let mut value = value.clone();
        encode_value(&self.types, self.id, &mut value);
        Ok(value)
    }
}

/// The types by their names.
pub(crate) fn core_types<'a>(
    converter: &mut Converter<'_>,
    definitions: impl Iterator<Item = &'a String>,
) -> HashMap<String, TypeId> {
    let mut found: HashMap<String, TypeId> = definitions
        .filter_map(|definition| Some((definition.strip_prefix(CORE)?.to_owned(), definition)))
        .map(|(name, definition)| (name, converter.named(definition)))
        .collect();
    for (name, holder, part) in EMBEDDED {
        let holder = found.get(holder).and_then(|id| converter.get(*id).map.clone());
        let Some(holder) = holder else { continue };
        let fields =
            holder.fields.into_iter().filter(|(field, declared)| part.has(converter, field, declared));
        let map = MapType { fields: fields.collect(), element: None, relationship: holder.relationship };
        found.insert(name.to_owned(), converter.add(Type { map: Some(map), ..Type::default() }));
    }
    let resources = found.get("ResourceRequirements").and_then(|id| converter.get(*id).map.as_ref());
    if let Some(list) = resources.and_then(|map| map.fields.get("limits")).map(|field| field.type_id) {
        let quantity = converter.get(list).map.as_ref().and_then(|map| map.element);
        found.insert("ResourceList".to_owned(), list);
        found.extend(quantity.map(|quantity| ("Quantity".to_owned(), quantity)));
    }
    found
}

impl Part {
    fn has(&self, converter: &Converter<'_>, name: &str, field: &Field) -> bool {
        match self {
            Part::AllBut(other) => name != *other,
            Part::OfTypes(ending) => {
                let declared = converter.get(field.type_id).go_name();
                declared.is_some_and(|(_, name)| name.ends_with(ending))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reformatted(name: &str, value: Value) -> Value {
        CoreType::named(name).unwrap().reformat(&value).unwrap()
    }

    // Recorded: what `json.Unmarshal` into the type of k8s.io/api v0.34.4 and `json.Marshal` make of these.
    #[test]
    fn values_take_the_form_of_their_type() {
        let container = json!({"name": "web", "image": "web", "volumeMounts": [{"name": "a", "mountPath": "/a", "readOnly": false}],
            "resources": {"requests": {"cpu": "2000m", "memory": 1024}}, "args": [], "unknown": 1});
        assert_eq!(
            reformatted("Container", container),
            json!({"name": "web", "image": "web", "volumeMounts": [{"name": "a", "mountPath": "/a"}],
                "resources": {"requests": {"cpu": "2", "memory": "1024"}}})
        );
        assert_eq!(
            reformatted("PodSpec", json!({"containers": [{"name": "a"}]}))["containers"][0]["resources"],
            json!({})
        );
        assert_eq!(
            reformatted("ResourceList", json!({"cpu": "0.5", "pods": 3})),
            json!({"cpu": "500m", "pods": "3"})
        );
        assert_eq!(CoreType::quantity().reformat(&json!("1.25G")), Ok(json!("1250M")));
    }

    #[test]
    fn structs_that_others_embed_are_known() {
        let volume = json!({"emptyDir": {"sizeLimit": "1024Mi"}, "name": "gone"});
        assert_eq!(reformatted("VolumeSource", volume), json!({"emptyDir": {"sizeLimit": "1Gi"}}));
        let volume = json!({"hostPath": {"path": "/a", "type": null}, "capacity": {"storage": "1"}});
        assert_eq!(reformatted("PersistentVolumeSource", volume), json!({"hostPath": {"path": "/a"}}));
        let probe = json!({"exec": {"command": []}, "tcpSocket": {"port": 1}, "periodSeconds": 3});
        assert_eq!(reformatted("ProbeHandler", probe), json!({"exec": {}, "tcpSocket": {"port": 1}}));
    }

    #[test]
    fn what_is_no_such_value_is_refused() {
        assert!(CoreType::named("PodSpecs").is_none());
        let error = CoreType::named("PodSpec").unwrap().reformat(&json!({"containers": "many"}));
        assert_eq!(
            error.unwrap_err(),
            "json: cannot unmarshal string into Go struct field PodSpec.containers of type []v1.Container"
        );
        assert!(CoreType::quantity().reformat(&json!("much")).is_err());
    }
}
