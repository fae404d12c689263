//! The strategic merge patch that `kubectl apply` would send.

use serde_json::{Map, Value, json};

use super::{DELETE_PREFIX, DIRECTIVE, ORDER_PREFIX, Object, Place, RETAIN_KEYS, not_a_map, order};
use crate::kind::KindSchema;
use crate::patches::PatchError;
use crate::values::equal;

/// The patch that gives `current` the values of `modified`, and takes away what `original` has and `modified` has no
/// more. An empty map when there is nothing to do.
///
/// Unlike `kubectl`, it says nothing that changes nothing: no replaced map that is equal, no order that holds already,
/// no removal of what is not there. Lists in which a merge key stands twice are replaced as a whole.
pub fn three_way(
    kind: &KindSchema,
    original: &Value,
    modified: &Value,
    current: &Value,
) -> Result<Value, PatchError> {
    if kind.is_custom() {
        return Err(PatchError::Malformed(
            "strategic merge patch is not supported for custom resources".to_owned(),
        ));
    }
    let (Value::Object(modified), Value::Object(current)) = (modified, current) else {
        return Err(PatchError::Malformed(
            "a strategic merge patch and its object must be JSON objects".to_owned(),
        ));
    };
    let place = Place { types: &kind.types, id: Some(kind.root) };
    Ok(Value::Object(map(original.as_object(), modified, current, place, false)?))
}

fn map(
    original: Option<&Object>,
    modified: &Object,
    current: &Object,
    place: Place<'_>,
    retain_keys: bool,
) -> Result<Object, PatchError> {
    let mut patch = Map::new();
    for (name, wanted) in modified {
        let before = original.and_then(|original| original.get(name));
        entry(&mut patch, name, before, wanted, current.get(name), place)?;
    }
    for name in original.into_iter().flat_map(Map::keys) {
        if !modified.contains_key(name) && current.contains_key(name) {
            patch.insert(name.clone(), Value::Null);
        }
    }
    if retain_keys && !patch.is_empty() {
        let mut names: Vec<&String> =
            modified.iter().filter(|(_, value)| !value.is_null()).map(|(name, _)| name).collect();
        names.sort();
        patch.insert(RETAIN_KEYS.to_owned(), json!(names));
    }
    Ok(patch)
}

fn entry(
    patch: &mut Object,
    name: &str,
    original: Option<&Value>,
    wanted: &Value,
    current: Option<&Value>,
    place: Place<'_>,
) -> Result<(), PatchError> {
    let (field, strategy) = place.field(name);
    match (wanted, current) {
        (Value::Null, None) => {}
        (Value::Object(wanted), Some(Value::Object(current))) if !strategy.replace => {
            let original = original.and_then(Value::as_object);
            let below = map(original, wanted, current, field, strategy.retain_keys)?;
            if !below.is_empty() {
                patch.insert(name.to_owned(), Value::Object(below));
            }
        }
        (Value::Array(wanted), Some(Value::Array(current))) if strategy.merge => {
            let original = original.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let lists = Lists { original, wanted, current };
            match strategy.merge_key.as_deref().filter(|_| lists.of_maps()) {
                Some(key) => lists.maps(patch, name, field.element(), key, strategy.retain_keys)?,
                None => lists.scalars(patch, name),
            }
        }
        (wanted, Some(current)) if equal(wanted, current) => {}
        _ => {
            patch.insert(name.to_owned(), wanted.clone());
        }
    }
    Ok(())
}

/// Three states of one list.
struct Lists<'a> {
    original: &'a [Value],
    wanted: &'a [Value],
    current: &'a [Value],
}

impl Lists<'_> {
    fn of_maps(&self) -> bool {
        self.wanted.iter().chain(self.current).chain(self.original).any(Value::is_object)
    }

    fn scalars(&self, patch: &mut Object, name: &str) {
        let missing = |list: &[Value], item: &Value| !list.iter().any(|known| equal(known, item));
        let added: Vec<Value> =
            self.wanted.iter().filter(|item| missing(self.current, item)).cloned().collect();
        let gone: Vec<Value> = self
            .original
            .iter()
            .filter(|item| missing(self.wanted, item) && !missing(self.current, item))
            .cloned()
            .collect();
        if !added.is_empty() || !gone.is_empty() {
            patch.insert(format!("{ORDER_PREFIX}{name}"), Value::Array(self.wanted.to_vec()));
        }
        if !added.is_empty() {
            patch.insert(name.to_owned(), Value::Array(added));
        }
        if !gone.is_empty() {
            patch.insert(format!("{DELETE_PREFIX}{name}"), Value::Array(gone));
        }
    }

    fn maps(
        &self,
        patch: &mut Object,
        name: &str,
        place: Place<'_>,
        key: &str,
        retain_keys: bool,
    ) -> Result<(), PatchError> {
        if twice(self.wanted, key)? || twice(self.current, key)? {
            return self.whole(patch, name, place, retain_keys);
        }
        let mut changes = Vec::new();
        for wanted in self.wanted.iter().filter_map(Value::as_object) {
            match find(self.current, key, &wanted[key]) {
                None => changes.push(Value::Object(wanted.clone())),
                Some(current) => {
                    let original = find(self.original, key, &wanted[key]);
                    let mut below = map(original, wanted, current, place, retain_keys)?;
                    if !below.is_empty() {
                        below.insert(key.to_owned(), wanted[key].clone());
                        changes.push(Value::Object(below));
                    }
                }
            }
        }
        for gone in self.original.iter().filter_map(|item| item.get(key)) {
            if find(self.wanted, key, gone).is_none() && find(self.current, key, gone).is_some() {
                changes.push(json!({ DIRECTIVE: "delete", key: gone }));
            }
        }
        if !changes.is_empty() || !self.in_order(key) {
            let wanted: Vec<Value> = self.wanted.iter().map(|item| json!({ key: item[key] })).collect();
            patch.insert(format!("{ORDER_PREFIX}{name}"), Value::Array(wanted));
        }
        if !changes.is_empty() {
            patch.insert(name.to_owned(), Value::Array(changes));
        }
        Ok(())
    }

    /// Whether the items that both lists have stand in the same order.
    fn in_order(&self, key: &str) -> bool {
        let places = self
            .wanted
            .iter()
            .filter_map(|wanted| self.current.iter().position(|item| equal(&item[key], &wanted[key])));
        places.is_sorted()
    }

    /// The list replaced, unless item by item it is as wanted.
    fn whole(
        &self,
        patch: &mut Object,
        name: &str,
        place: Place<'_>,
        retain_keys: bool,
    ) -> Result<(), PatchError> {
        let mut same = self.wanted.len() == self.current.len();
        for (wanted, current) in self.wanted.iter().zip(self.current) {
            let (Some(wanted), Some(current)) = (wanted.as_object(), current.as_object()) else {
                same = false;
                break;
            };
            same &= map(None, wanted, current, place, retain_keys)?.is_empty();
        }
        if !same {
            let mut items = self.wanted.to_vec();
            items.push(json!({ DIRECTIVE: "replace" }));
            patch.insert(name.to_owned(), Value::Array(items));
        }
        Ok(())
    }
}

/// Whether two items have the same key. Every item must have one.
fn twice(list: &[Value], key: &str) -> Result<bool, PatchError> {
    let mut keys: Vec<&Value> = Vec::with_capacity(list.len());
    for item in list {
        let item = item.as_object().ok_or_else(|| not_a_map(key))?;
        keys.push(item.get(key).ok_or_else(|| order::no_merge_key(item, key))?);
    }
    Ok(keys.iter().enumerate().any(|(place, one)| keys[..place].iter().any(|other| equal(one, other))))
}

fn find<'a>(list: &'a [Value], key: &str, wanted: &Value) -> Option<&'a Object> {
    let mut items = list.iter().filter_map(Value::as_object);
    items.find(|item| item.get(key).is_some_and(|known| equal(known, wanted)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::Registry;
    use crate::strategic::merge;

    fn patch(kind: &str, original: Value, modified: Value, current: Value) -> Value {
        let group = if kind == "Deployment" { "apps" } else { "" };
        let kind = Registry::builtin().kind(group, "v1", kind).unwrap();
        three_way(&kind, &original, &modified, &current).unwrap()
    }

    fn containers(items: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": items}}}})
    }

    #[test]
    fn what_is_as_wanted_needs_no_patch() {
        let wanted = containers(json!([{"name": "web", "image": "web:1"}]));
        let current = containers(json!([{"name": "sidecar", "image": "mesh"},
            {"name": "web", "image": "web:1", "imagePullPolicy": "Always"}]));
        assert_eq!(patch("Deployment", wanted.clone(), wanted, current), json!({}));
    }

    #[test]
    fn items_are_changed_added_and_removed_by_their_key() {
        let original = containers(
            json!([{"name": "web", "image": "web:1", "tty": true}, {"name": "old", "image": "o"}]),
        );
        let modified = containers(json!([{"name": "web", "image": "web:2"}, {"name": "new", "image": "n"}]));
        let current = containers(json!([{"name": "web", "image": "web:1", "tty": true},
            {"name": "old", "image": "o"}, {"name": "injected", "image": "i"}]));
        let found = patch("Deployment", original, modified, current.clone());
        assert_eq!(
            found,
            containers(json!([{"image": "web:2", "tty": null, "name": "web"}, {"name": "new", "image": "n"},
                {"$patch": "delete", "name": "old"}]))
            .merged(json!({"spec": {"template": {"spec":
                {"$setElementOrder/containers": [{"name": "web"}, {"name": "new"}]}}}}))
        );
        let kind = Registry::builtin().kind("apps", "v1", "Deployment").unwrap();
        let names: Vec<Value> =
            merge(&kind, &current, &found).unwrap()["spec"]["template"]["spec"]["containers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|item| item["name"].clone())
                .collect();
        assert_eq!(names, ["web", "new", "injected"]);
    }

    #[test]
    fn a_union_keeps_only_the_wanted_keys() {
        let original =
            json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}});
        let modified = json!({"spec": {"strategy": {"type": "Recreate"}}});
        assert_eq!(
            patch("Deployment", modified.clone(), modified, original),
            json!({"spec": {"strategy": {"type": "Recreate", "$retainKeys": ["type"]}}})
        );
    }

    #[test]
    fn finalizers_are_a_set() {
        let metadata = |names: Value| json!({"metadata": {"finalizers": names}});
        assert_eq!(
            patch(
                "ConfigMap",
                metadata(json!(["a", "b"])),
                metadata(json!(["b", "c"])),
                metadata(json!(["a", "b", "x"]))
            ),
            json!({"metadata": {"$setElementOrder/finalizers": ["b", "c"], "finalizers": ["c"],
                "$deleteFromPrimitiveList/finalizers": ["a"]}})
        );
    }

    #[test]
    fn ports_with_one_number_and_two_protocols_are_replaced_together() {
        let ports = |items: Value| json!({"spec": {"ports": items}});
        let wanted = ports(json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]));
        let current = ports(json!([{"port": 53, "protocol": "TCP", "targetPort": 53}]));
        assert_eq!(
            patch("Service", json!({}), wanted.clone(), current),
            ports(
                json!([{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}, {"$patch": "replace"}])
            )
        );
        let current = ports(json!([{"port": 53, "protocol": "TCP", "targetPort": 53},
            {"port": 53, "protocol": "UDP", "targetPort": 53}]));
        assert_eq!(patch("Service", json!({}), wanted, current), json!({}));
    }

    trait Merged {
        fn merged(self, other: Value) -> Value;
    }

    impl Merged for Value {
        fn merged(self, other: Value) -> Value {
            crate::patches::merge_patch(&self, &other)
        }
    }
}
