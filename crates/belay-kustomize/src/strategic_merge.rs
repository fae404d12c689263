//! Strategic merge patches: maps merge, lists merge where their type says so, `$patch` directs.
//!
//! The walk goes through the whole object, also where the patch says nothing, because the
//! original's does: it drops nulls that are written as nothing and makes lists of merged elements
//! anew with the patch's elements first.

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use crate::error::{During, Error};
use crate::resource::{Resource, Step, scalar_text};
use crate::types::{Schema, Types};

pub(crate) const DIRECTIVE: &str = "$patch";

/// Longest list that is merged element by element: the original's steps are quadratic.
const MAX_MERGED_ELEMENTS: usize = 4000;

/// Merges a patch into the object; the object is deleted where the patch says so.
pub(crate) fn apply(resource: &mut Resource, patch: &Value) -> Result<(), Error> {
    let types = resource.types.clone().unwrap_or_else(Types::built_in);
    // A merge takes fields without a type for texts.
    resource.untyped.clear();
    for path in std::mem::take(&mut resource.bare_nulls) {
        drop_null(&mut resource.object, &path, Schema::Unknown(&types));
    }
    // The original puts the patch in the object's place, and keeps the object.
    if patch.get(DIRECTIVE).and_then(Value::as_str) == Some("replace") {
        return Ok(());
    }
    let object = std::mem::take(&mut resource.object);
    let merged = merge(Some(object), Some(patch), Schema::Unknown(&types))?;
    resource.object = merged.unwrap_or_default();
    Ok(())
}

/// Lays values over others: maps merge, lists and scalars are replaced, nulls take away.
pub(crate) fn merge_values(into: Value, over: &Value) -> Result<Value, Error> {
    Ok(merge(Some(into), Some(over), Schema::Plain)?.unwrap_or_default())
}

/// Takes a null out of its map, if the merge would come by: it does not look into lists it replaces.
fn drop_null(value: &mut Value, path: &[Step], schema: Schema<'_>) {
    let schema = known(schema, [Some(&*value), None]);
    match (value, path) {
        (Value::Object(fields), [Step::Key(key)]) if fields.get(key).is_some_and(Value::is_null) => {
            fields.shift_remove(key);
        }
        (Value::Object(fields), [Step::Key(key), rest @ ..]) => {
            if let Some(field) = fields.get_mut(key) {
                drop_null(field, rest, schema.field(key));
            }
        }
        (Value::Array(items), [Step::Index(at), rest @ ..]) if matches!(schema, Schema::List { .. }) => {
            if let Some(item) = items.get_mut(*at) {
                drop_null(item, rest, schema.element());
            }
        }
        _ => {}
    }
}

/// The schema of this place: the given one, or else by the kind the value itself names.
pub(crate) fn known<'t>(schema: Schema<'t>, values: [Option<&Value>; 2]) -> Schema<'t> {
    let Schema::Unknown(types) = schema else { return schema };
    for value in values.into_iter().flatten() {
        let text = |field| value.get(field).and_then(Value::as_str).unwrap_or_default();
        let (api_version, kind) = (text("apiVersion"), text("kind"));
        if !api_version.is_empty()
            && !kind.is_empty()
            && let Some(found) = types.of_kind(api_version, kind)
        {
            return found;
        }
    }
    schema
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Shape {
    Map,
    List,
    Scalar,
}

fn shape(value: &Value) -> Option<Shape> {
    match value {
        Value::Null => None,
        Value::Object(_) => Some(Shape::Map),
        Value::Array(_) => Some(Shape::List),
        _ => Some(Shape::Scalar),
    }
}

/// The two merged; `None` where the place is to be cleared.
fn merge(into: Option<Value>, patch: Option<&Value>, schema: Schema<'_>) -> Result<Option<Value>, Error> {
    let schema = known(schema, [into.as_ref(), patch]);
    let shapes = (into.as_ref().and_then(shape), patch.and_then(shape));
    if shapes.0.is_some() && shapes.1.is_some() && shapes.0 != shapes.1 {
        return Err(Error::rule("wrong node kind: the patch and its target differ in kind"));
    }
    match shapes.0.or(shapes.1) {
        None => Ok(merge_nothing(into, patch)),
        Some(Shape::Scalar) => Ok(match patch {
            Some(Value::Null) => None,
            Some(value) => Some(value.clone()),
            None => into,
        }),
        Some(Shape::Map) => merge_maps(into, patch, schema),
        Some(Shape::List) => match schema {
            Schema::List { keys, .. } => merge_lists(into, patch, schema, keys),
            _ => Ok(match patch {
                Some(Value::Null) => None,
                Some(value) => Some(value.clone()),
                None => into,
            }),
        },
    }
}

/// A null stays only where the patch leaves it alone.
fn merge_nothing(into: Option<Value>, patch: Option<&Value>) -> Option<Value> {
    if patch.is_some() { None } else { into }
}

#[derive(PartialEq, Eq, Clone, Copy)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive_of(text: &str) -> Result<Directive, Error> {
    match text {
        "merge" => Ok(Directive::Merge),
        "replace" => Ok(Directive::Replace),
        "delete" => Ok(Directive::Delete),
        other => Err(Error::rule(format!("unknown patch strategy '{other}'"))),
    }
}

fn map_directive(patch: &Map<String, Value>) -> Result<Directive, Error> {
    patch.get(DIRECTIVE).map_or(Ok(Directive::Merge), |directive| directive_of(&scalar_text(directive)))
}

fn merge_maps(
    into: Option<Value>,
    patch: Option<&Value>,
    schema: Schema<'_>,
) -> Result<Option<Value>, Error> {
    let Some(patch) = patch else {
        return walk_fields(into, None, schema);
    };
    let Value::Object(fields) = patch else { return Ok(None) };
    let directive = match into {
        None | Some(Value::Null) => map_directive(fields).unwrap_or(Directive::Merge),
        Some(_) => map_directive(fields)?,
    };
    match (directive, into) {
        (Directive::Delete, _) => Ok(None),
        (Directive::Replace, _) | (_, None | Some(Value::Null)) => adopt(patch, schema),
        (Directive::Merge, into) => walk_fields(into, Some(fields), schema),
    }
}

/// The patch's own map as the new value: directives and nulls in it have done their work.
fn adopt(patch: &Value, schema: Schema<'_>) -> Result<Option<Value>, Error> {
    let mut fresh = patch.clone();
    if let Value::Object(fields) = &mut fresh {
        let known_directive =
            fields.get(DIRECTIVE).is_some_and(|directive| directive_of(&scalar_text(directive)).is_ok());
        if known_directive {
            fields.shift_remove(DIRECTIVE);
        }
        fields.retain(|_, field| !field.is_null());
    }
    // The original goes on to merge the map with itself.
    let Value::Object(fields) = &fresh else { return Ok(Some(fresh)) };
    let mut merged = Map::new();
    for (key, field) in fields {
        if let Some(value) = merge_itself(field, schema.field(key)).during(|| key.clone())? {
            merged.insert(key.clone(), value);
        }
    }
    Ok(Some(Value::Object(merged)))
}

/// A new value merged with itself: what its directives leave of it.
fn merge_itself(value: &Value, schema: Schema<'_>) -> Result<Option<Value>, Error> {
    let schema = known(schema, [Some(value), None]);
    match (value, schema) {
        (Value::Object(fields), _) => {
            if fields.contains_key(DIRECTIVE) && map_directive(fields)? == Directive::Delete {
                return Ok(None);
            }
            adopt(value, schema)
        }
        (Value::Array(items), Schema::List { keys, .. }) => {
            let copy = Value::Array(items.clone());
            merge_lists(Some(copy), Some(value), schema, keys)
        }
        (Value::Null, _) => Ok(None),
        _ => Ok(Some(value.clone())),
    }
}

fn walk_fields(
    into: Option<Value>,
    patch: Option<&Map<String, Value>>,
    schema: Schema<'_>,
) -> Result<Option<Value>, Error> {
    let Some(Value::Object(mut fields)) = into else { return Ok(into) };
    let mut dropped = HashSet::new();
    for (key, field) in &mut fields {
        let added = patch.and_then(|patch| patch.get(key));
        if added.is_none() && !can_change_alone(field) {
            continue;
        }
        let present = std::mem::take(field);
        match merge(Some(present), added, schema.field(key)).during(|| key.clone())? {
            Some(value) => *field = value,
            None => drop(dropped.insert(key.clone())),
        }
    }
    fields.retain(|key, _| !dropped.contains(key));
    let is_new = |key: &str| key != DIRECTIVE && !fields.contains_key(key) && !dropped.contains(key);
    let mut new: Vec<_> = patch.into_iter().flatten().filter(|(key, _)| is_new(key)).collect();
    // The original goes through all fields in the order of their names.
    new.sort_unstable_by_key(|(key, _)| *key);
    for (key, added) in new {
        if let Some(value) = merge(None, Some(added), schema.field(key)).during(|| key.clone())? {
            fields.insert(key.clone(), value);
        }
    }
    Ok(Some(Value::Object(fields)))
}

/// Whether a field the patch does not name could still change: scalars never do.
fn can_change_alone(field: &Value) -> bool {
    matches!(field, Value::Object(_) | Value::Array(_))
}

fn list_directive(patch: &[Value]) -> Result<(Directive, Vec<Value>), Error> {
    let directs = |item: &&Value| item.as_object().is_some_and(|fields| fields.contains_key(DIRECTIVE));
    let found = patch.iter().find(directs).and_then(Value::as_object).filter(|fields| fields.len() == 1);
    let Some(text) = found.map(|fields| scalar_text(&fields[DIRECTIVE])) else {
        return Ok((Directive::Merge, patch.to_vec()));
    };
    let directive = directive_of(&text)?;
    let is_directive = |item: &Value| item.get(DIRECTIVE).is_some_and(|value| scalar_text(value) == text);
    Ok((directive, patch.iter().filter(|item| !is_directive(item)).cloned().collect()))
}

fn merge_lists(
    into: Option<Value>,
    patch: Option<&Value>,
    schema: Schema<'_>,
    keys: &[String],
) -> Result<Option<Value>, Error> {
    let (present, added) = match (into, patch) {
        (Some(Value::Array(present)), Some(Value::Array(patch))) => {
            let (directive, added) = list_directive(patch)?;
            match directive {
                Directive::Delete => return Ok(None),
                Directive::Replace => (added.clone(), added),
                Directive::Merge => (present, added),
            }
        }
        (Some(Value::Array(present)), Some(Value::Null)) if !present.is_empty() => return Ok(None),
        (Some(Value::Array(present)), _) => (present, Vec::new()),
        (_, Some(Value::Array(patch))) => (patch.clone(), patch.clone()),
        _ => return Ok(None),
    };
    if keys.is_empty() {
        return Ok(Some(Value::Array(merge_plain(present, added))));
    }
    Elements { keys, schema: schema.element() }.merge(present, added).map(|items| Some(Value::Array(items)))
}

/// A list of plain values: the patch's first, each once.
fn merge_plain(present: Vec<Value>, added: Vec<Value>) -> Vec<Value> {
    let mut seen = HashSet::new();
    added.into_iter().chain(present).filter(|item| seen.insert(scalar_text(item))).collect()
}

/// Elements told apart by the values of some of their fields.
struct Elements<'k> {
    keys: &'k [String],
    schema: Schema<'k>,
}

/// Keys and the values an element has in them.
type Pairs<'k> = Vec<(&'k str, String)>;

impl<'k> Elements<'k> {
    /// Follows the original step by step, since the order it leaves elements in is its own.
    fn merge(&self, mut present: Vec<Value>, added: Vec<Value>) -> Result<Vec<Value>, Error> {
        if present.len() + added.len() > MAX_MERGED_ELEMENTS {
            return Err(Error::rule(format!(
                "a list of more than {MAX_MERGED_ELEMENTS} elements cannot be merged"
            )));
        }
        let mut identities = self.identities(&added, &present);
        if self.keys.len() > 1 {
            complete(&mut identities);
        }
        let used = self.used_keys(&identities);
        let keys: Vec<&str> =
            self.keys.iter().zip(&used).filter(|(_, used)| **used).map(|(key, _)| key.as_str()).collect();
        let mut merged: Vec<Value> = Vec::new();
        for identity in &identities {
            let pairs = self.pairs(identity, &used);
            let values: Vec<String> = pairs.iter().map(|(_, value)| value.clone()).collect();
            let own = self.pairs(identity, &self.used_keys(std::slice::from_ref(identity)));
            let one = find(&present, &own);
            let two = find(&added, &own).map(|at| &added[at]);
            let into = one.map(|at| present[at].clone());
            let value = merge(into, two, self.schema).during(|| identity.join(", "))?;
            let Some(value) = value.filter(|value| !is_empty(value)) else {
                put(&mut present, &keys, &values, None);
                continue;
            };
            let value = with_keys(value, &pairs);
            let replaces = two
                .and_then(Value::as_object)
                .is_some_and(|fields| map_directive(fields).ok() == Some(Directive::Replace));
            if let (Some(at), false) = (one, replaces) {
                present[at] = value.clone();
            }
            put(&mut merged, &keys, &values, Some(&value));
        }
        if !identities.is_empty() {
            append(&mut merged, &present, &keys);
        }
        Ok(merged)
    }

    /// The values of the keys of every element, the patch's first, each once.
    fn identities(&self, added: &[Value], present: &[Value]) -> Vec<Vec<String>> {
        let mut seen = HashSet::new();
        let all = added.iter().chain(present).map(|item| self.identity(item));
        all.filter(|identity| seen.insert(identity.clone())).collect()
    }

    fn identity(&self, item: &Value) -> Vec<String> {
        let text = |key: &String| {
            item.get(key).filter(|value| !value.is_null()).map(scalar_text).unwrap_or_default()
        };
        self.keys.iter().map(text).collect()
    }

    /// Keys that any element has; all of them if none has any.
    fn used_keys(&self, identities: &[Vec<String>]) -> Vec<bool> {
        let used = |at: usize| identities.iter().any(|identity| !identity[at].is_empty());
        let used: Vec<bool> = (0..self.keys.len()).map(used).collect();
        if used.contains(&true) { used } else { vec![true; self.keys.len()] }
    }

    fn pairs(&self, identity: &[String], used: &[bool]) -> Pairs<'k> {
        let pairs = self.keys.iter().map(String::as_str).zip(identity.iter().cloned());
        pairs.zip(used).filter(|(_, used)| **used).map(|(pair, _)| pair).collect()
    }
}

/// Adds the elements that were there, over those of the same keys.
fn append(merged: &mut Vec<Value>, present: &[Value], keys: &[&str]) {
    for item in present {
        let mut values = Vec::new();
        for key in keys {
            match item.get(*key).filter(|value| !value.is_null()) {
                Some(value) => values.push(scalar_text(value)),
                None => merged.push(item.clone()),
            }
        }
        if keys.len() > 1 {
            put(merged, keys, &values, None);
        }
        put(merged, keys, &values, Some(item));
    }
}

/// The first element that has all these values.
fn find(items: &[Value], pairs: &Pairs<'_>) -> Option<usize> {
    let has =
        |item: &Value, key: &str, text: &str| item.get(key).is_some_and(|value| scalar_text(value) == text);
    items.iter().position(|item| pairs.iter().all(|(key, text)| has(item, key, text)))
}

/// Puts an element in the place of those with the same values, or at the end; `None` removes them. Where there are no
/// values at all, nothing of what was there stays: so does the original treat elements without their merge key.
fn put(items: &mut Vec<Value>, keys: &[&str], values: &[String], element: Option<&Value>) {
    let mut matched = false;
    let mut kept = Vec::with_capacity(items.len() + 1);
    for item in items.drain(..).filter(|item| !is_empty(item)) {
        if values.is_empty() {
            continue;
        }
        if !item.is_object() || !has_values(&item, keys, values) {
            kept.push(item);
            continue;
        }
        matched = true;
        kept.extend(element.cloned());
    }
    if let (Some(element), false) = (element, matched) {
        kept.push(element.clone());
    }
    *items = kept;
}

/// Whether an element has these values in these keys, as the original counts: values that are missing make those behind
/// them move up, and a key behind the last value is as the one before it.
fn has_values(item: &Value, keys: &[&str], values: &[String]) -> bool {
    keys.iter()
        .zip(values)
        .all(|(key, text)| item.get(*key).is_some_and(|value| text.is_empty() || scalar_text(value) == *text))
}

/// `80` and `80, TCP` are the same element where one of them leaves the protocol out.
fn complete(identities: &mut [Vec<String>]) {
    // Only elements that share their first key can complete each other.
    let mut groups: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, identity) in identities.iter().enumerate() {
        for value in identity.iter().filter(|value| !value.is_empty()) {
            groups.entry(value.clone()).or_default().push(at);
        }
    }
    const MAX_GROUP: usize = 1000;
    for one in 0..identities.len() {
        let first = identities[one].first().cloned().unwrap_or_default();
        let Some(group) = groups.get(&first) else { continue };
        for &two in group.iter().take(MAX_GROUP) {
            if let Some(completed) = completed(&identities[one], &identities[two]) {
                identities[one].clone_from(&completed);
                identities[two] = completed;
            }
        }
    }
}

fn completed(one: &[String], two: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let mut both = Vec::with_capacity(one.len());
    for (one, two) in one.iter().zip(two) {
        if one == two {
            common = true;
            both.push(one.clone());
        } else if !one.is_empty() && !two.is_empty() {
            return None;
        } else {
            both.push(if one.is_empty() { two.clone() } else { one.clone() });
        }
    }
    common.then_some(both)
}

/// Gives an element the keys it was found by.
fn with_keys(mut value: Value, keys: &Pairs<'_>) -> Value {
    if let Value::Object(fields) = &mut value {
        for (key, text) in keys.iter().filter(|(_, text)| !text.is_empty()) {
            if !fields.contains_key(*key) {
                fields.insert((*key).to_owned(), typed(text));
            }
        }
    }
    value
}

/// A key's text as the value it would be read as.
fn typed(text: &str) -> Value {
    text.parse::<i64>().map_or_else(|_| Value::from(text), Value::from)
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}
