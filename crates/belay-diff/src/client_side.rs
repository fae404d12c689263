//! Apply as `kubectl apply` does it: what was last applied, what is desired and what is live make one patch.

use belay_manifest::Object;
use belay_schema::{KindSchema, PatchError, default_object, merge_patch, prune, strategic};
use serde_json::{Map, Value, json};

use crate::compare::{CompareOptions, is_ours_to_compare, unwanted};
use crate::ignore::Ignored;
use crate::normalise::{NormaliseOptions, drop_undesired, normalised};
use crate::ownership::Ownership;
use crate::path::{Segment, has_keys};

/// The annotation that holds what was applied last.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A patch of one object.
#[derive(Debug, Clone, PartialEq)]
pub struct Patch {
    /// The body.
    pub body: Value,
    /// A strategic merge patch; else a JSON merge patch.
    pub strategic: bool,
}

/// Both sides of one object, and what is known of its fields.
#[derive(Debug, Clone, Copy)]
pub struct Sides<'a> {
    /// What Git says.
    pub desired: &'a Object,
    /// What the cluster has.
    pub live: &'a Object,
    /// The kind's schema; without one lists and defaults are not understood.
    pub schema: Option<&'a KindSchema>,
}

impl<'a> Sides<'a> {
    /// The schema, if the kind merges strategically.
    fn strategic(&self) -> Option<&'a KindSchema> {
        self.schema.filter(|schema| !schema.is_custom())
    }

    /// The patch of a client-side apply, with what it will have applied in its annotation. `None` when the object
    /// would stay as it is. Ignored fields that Git names are applied nevertheless, as Argo CD does; what others added
    /// and is ignored stays.
    pub fn apply_patch(
        &self,
        options: &CompareOptions,
        ignored: &Ignored,
    ) -> Result<Option<Patch>, PatchError> {
        let states = States::of(self, options, ignored, false);
        let mut body = self.patch(&states)?;
        if self.predicted(&states.live, &body, ignored.normalise)? == states.live {
            body = json!({});
        }
        let applied = last_applied_text(self.desired);
        let known = self.live.annotation(LAST_APPLIED);
        if body == json!({}) && known.is_some_and(|known| same_configuration(known, &applied)) {
            return Ok(None);
        }
        if body["metadata"]["annotations"].is_null() {
            body["metadata"]["annotations"] = json!({});
        }
        body["metadata"]["annotations"][LAST_APPLIED] = Value::from(applied);
        Ok(Some(Patch { body, strategic: self.strategic().is_some() }))
    }

    /// The live object and what it would become, both as they are compared.
    pub(crate) fn client_side(
        &self,
        options: &CompareOptions,
        ignored: &Ignored,
    ) -> Result<(Value, Value), PatchError> {
        let states = States::of(self, options, ignored, true);
        let body = self.patch(&states)?;
        let mut predicted = self.predicted(&states.live, &body, ignored.normalise)?;
        // Defaults may have brought back another form.
        ignored.reformat(self.live, &mut [&mut predicted]);
        Ok((states.live, predicted))
    }

    fn patch(&self, states: &States) -> Result<Value, PatchError> {
        match self.strategic() {
            Some(schema) => strategic::three_way(schema, &states.original, &states.desired, &states.live),
            None => Ok(merge_three_way(&states.original, &states.desired, &states.live)),
        }
    }

    /// What the API server makes of the live object by the patch.
    fn predicted(&self, live: &Value, patch: &Value, options: NormaliseOptions) -> Result<Value, PatchError> {
        if patch.as_object().is_none_or(Map::is_empty) {
            return Ok(live.clone());
        }
        let mut predicted = match self.strategic() {
            Some(schema) => strategic::merge(schema, live, patch)?,
            None => merge_patch(live, patch),
        };
        if let Some(schema) = self.schema {
            if schema.is_custom() {
                prune(schema, &mut predicted);
            }
            default_object(schema, &mut predicted);
        }
        // Reading may fill in what is never compared.
        drop_undesired(&mut predicted, options);
        Ok(predicted)
    }
}

/// The three states that a patch is made of, as they are compared.
struct States {
    original: Value,
    desired: Value,
    live: Value,
}

impl States {
    /// `leave_out` takes the ignored fields out of all of them.
    fn of(sides: &Sides<'_>, options: &CompareOptions, ignored: &Ignored, leave_out: bool) -> States {
        let mut desired = normalised(sides.desired.value(), sides.schema, ignored.normalise);
        let mut live = sides.live.value().clone();
        let mut original = last_applied(sides.live)
            .map(|original| normalised(&original, sides.schema, ignored.normalise))
            .unwrap_or_else(|| json!({}));
        let mut compared = live.clone();
        ignored.remove(sides.live, &mut [&mut compared]);
        add_unwanted(&mut original, &desired, &compared, sides.live, options);
        if leave_out {
            ignored.remove(sides.live, &mut [&mut desired, &mut live, &mut original]);
            ignored.reformat(sides.live, &mut [&mut desired, &mut live, &mut original]);
        }
        drop_undesired(&mut live, ignored.normalise);
        for state in [&mut original, &mut desired] {
            without_identity(state);
        }
        keep_annotations(&mut desired, &live);
        States { original, desired, live }
    }
}

/// A desired object always has annotations where the live one has some, for last-applied is among them: those that are
/// not wanted any more go one by one, and others' stay.
fn keep_annotations(desired: &mut Value, live: &Value) {
    let has_some = live.pointer("/metadata/annotations").is_some_and(Value::is_object);
    if let (true, Some(Value::Object(metadata))) = (has_some, desired.get_mut("metadata")) {
        metadata.entry("annotations").or_insert_with(|| json!({}));
    }
}

/// What was applied last, if the annotation tells.
fn last_applied(live: &Object) -> Option<Value> {
    serde_json::from_str::<Value>(live.annotation(LAST_APPLIED)?).ok().filter(Value::is_object)
}

/// Fields that others added are taken away as if we had applied them once.
fn add_unwanted(
    original: &mut Value,
    desired: &Value,
    live: &Value,
    whole: &Object,
    options: &CompareOptions,
) {
    let ownership = Ownership::of(whole.value());
    for (path, _owner) in unwanted(&ownership, live, options) {
        if is_ours_to_compare(&path) && path.find(desired).is_none() {
            insert(original, &path.0, path.find(live));
        }
    }
}

/// Puts a value at a path; makes maps and list items on the way.
pub(crate) fn insert(place: &mut Value, path: &[Segment], value: Option<&Value>) {
    let Some((first, rest)) = path.split_first() else {
        if place.is_null() {
            *place = value.cloned().unwrap_or_default();
        }
        return;
    };
    match first {
        Segment::Field(name) => {
            if place.is_null() {
                *place = json!({});
            }
            if let Some(fields) = place.as_object_mut() {
                insert(fields.entry(name.clone()).or_insert(Value::Null), rest, value);
            }
        }
        Segment::Keyed(keys) => {
            if place.is_null() {
                *place = json!([]);
            }
            let Some(items) = place.as_array_mut() else { return };
            if !items.iter().any(|item| has_keys(item, keys)) {
                items.push(Value::Object(keys.iter().cloned().collect()));
            }
            if let Some(item) = items.iter_mut().find(|item| has_keys(item, keys)) {
                insert(item, rest, value);
            }
        }
        Segment::Value(item) => {
            if place.is_null() {
                *place = json!([]);
            }
            if let Some(items) = place.as_array_mut()
                && !items.contains(item)
            {
                items.push(item.clone());
            }
        }
        // An atomic list is owned as a whole.
        Segment::Index(_) => {}
    }
}

/// Who the object is cannot be patched.
fn without_identity(state: &mut Value) {
    let Some(fields) = state.as_object_mut() else { return };
    fields.shift_remove("apiVersion");
    fields.shift_remove("kind");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        for name in ["name", "namespace", "generateName", "uid", "resourceVersion", "generation", "selfLink"]
        {
            metadata.shift_remove(name);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.shift_remove(LAST_APPLIED);
        }
    }
}

/// The JSON merge patch for kinds without merge keys. A list is replaced as a whole, unless the live one holds what is
/// wanted, item by item, and nothing that was taken away.
fn merge_three_way(original: &Value, desired: &Value, live: &Value) -> Value {
    let empty = Map::new();
    let (original, desired, live) = (
        original.as_object().unwrap_or(&empty),
        desired.as_object().unwrap_or(&empty),
        live.as_object().unwrap_or(&empty),
    );
    let mut patch = Map::new();
    for (name, wanted) in desired {
        match (wanted, live.get(name)) {
            (Value::Null, None) => {}
            (Value::Object(_), Some(found @ Value::Object(_))) => {
                let below = merge_three_way(original.get(name).unwrap_or(&Value::Null), wanted, found);
                if below.as_object().is_some_and(|below| !below.is_empty()) {
                    patch.insert(name.clone(), below);
                }
            }
            (wanted, Some(found)) if covers(original.get(name), wanted, found) => {}
            _ => {
                patch.insert(name.clone(), wanted.clone());
            }
        }
    }
    for name in original.keys().filter(|name| !desired.contains_key(*name) && live.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

/// Whether `live` holds all that is wanted and nothing that was applied before and is wanted no more.
fn covers(original: Option<&Value>, wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(_), Value::Object(_)) => {
            merge_three_way(original.unwrap_or(&Value::Null), wanted, live)
                .as_object()
                .is_some_and(Map::is_empty)
        }
        (Value::Array(wanted), Value::Array(live)) => {
            let before = |index: usize| original.and_then(|original| original.get(index));
            wanted.len() == live.len()
                && wanted
                    .iter()
                    .zip(live)
                    .enumerate()
                    .all(|(index, (wanted, live))| covers(before(index), wanted, live))
        }
        (Value::Number(wanted), Value::Number(live)) => wanted.as_f64() == live.as_f64(),
        (wanted, live) => wanted == live,
    }
}

/// What the annotation says after an apply of this object, as `kubectl` writes it: with annotations, be there
/// any or not.
pub fn last_applied_text(desired: &Object) -> String {
    let mut value = desired.value().clone();
    if value.pointer("/metadata/annotations").is_none_or(Value::is_null) {
        value["metadata"]["annotations"] = json!({});
    }
    if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove(LAST_APPLIED);
    }
    value.sort_all_objects();
    format!("{}\n", belay_schema::go_json(&value))
}

/// The object with the annotation that a client-side apply leaves.
pub fn with_last_applied(desired: &Object) -> Object {
    let mut object = desired.clone();
    object.set_annotation(LAST_APPLIED, &last_applied_text(desired));
    object
}

fn same_configuration(known: &str, applied: &str) -> bool {
    let parsed = |text: &str| serde_json::from_str::<Value>(text).ok();
    known == applied || (parsed(known).is_some() && parsed(known) == parsed(applied))
}
