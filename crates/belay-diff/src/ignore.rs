//! Fields that are not compared: `spec.ignoreDifferences` and what an installation ignores everywhere.

mod jq;
mod pointer;

use belay_manifest::Object;
use serde_json::Value;

use crate::known_types::KnownField;
use crate::normalise::NormaliseOptions;
use crate::ownership::Ownership;
use crate::path::{Segment, has_keys};

pub use jq::{Jq, JqError};

/// One entry of `ignoreDifferences`, as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IgnoreRule {
    /// A glob over the group.
    pub group: String,
    /// A glob over the kind.
    pub kind: String,
    /// The one name; empty means any.
    pub name: String,
    /// The one namespace; empty means any.
    pub namespace: String,
    /// RFC 6901 pointers to fields.
    pub json_pointers: Vec<String>,
    /// Fields by jq path.
    pub jq: Vec<Jq>,
    /// Fields that these managers own.
    pub managers: Vec<String>,
}

/// Rules, ready to be applied.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ignored {
    rules: Vec<IgnoreRule>,
    known_fields: Vec<KnownField>,
    pub(crate) normalise: NormaliseOptions,
}

impl Ignored {
    /// The rules in the order they are written.
    pub fn new(rules: Vec<IgnoreRule>, normalise: NormaliseOptions) -> Ignored {
        Ignored { rules, known_fields: Vec::new(), normalise }
    }

    /// The same rules, where spellings of one value are no difference in these fields.
    pub fn with_known_fields(self, known_fields: Vec<KnownField>) -> Ignored {
        Ignored { known_fields, ..self }
    }

    /// Brings the fields of known types into one form in each of these states of an object. A field that holds
    /// something else stays as it is, and so do those behind it.
    pub(crate) fn reformat(&self, live: &Object, states: &mut [&mut Value]) {
        let fields: Vec<&KnownField> =
            self.known_fields.iter().filter(|field| field.concerns(live)).collect();
        for state in states {
            // As Argo CD, which says so in its log alone: the first that cannot be read ends it.
            let _ = fields.iter().try_for_each(|field| field.reformat(state));
        }
    }

    /// Takes the ignored fields of an object out of each of these states of it. `live` tells whose object it is and
    /// who owns its fields.
    pub fn remove(&self, live: &Object, states: &mut [&mut Value]) {
        for rule in self.rules.iter().filter(|rule| rule.concerns(live)) {
            for text in &rule.json_pointers {
                states.iter_mut().for_each(|state| pointer::remove(state, text));
            }
            for jq in &rule.jq {
                states.iter_mut().for_each(|state| jq.remove(state));
            }
            if rule.managers.is_empty() {
                continue;
            }
            let ownership = Ownership::of(live.value());
            for (path, _owner) in
                ownership.leaves(live.value(), |owner| rule.managers.contains(&owner.manager))
            {
                states.iter_mut().for_each(|state| remove_path(state, &path.0));
            }
        }
    }

    /// The desired object with the live values in its ignored fields, so that an apply leaves them as they are.
    pub fn keep_live(&self, desired: &Object, live: &Object) -> Object {
        let mut kept = desired.clone();
        for rule in self.rules.iter().filter(|rule| rule.concerns(live)) {
            for text in &rule.json_pointers {
                match live.value().pointer(text) {
                    Some(value) => pointer::put(kept.value_mut(), text, value),
                    None => pointer::remove(kept.value_mut(), text),
                }
            }
            for text in rule.jq.iter().flat_map(|jq| jq.pointers(live.value())) {
                if let Some(value) = live.value().pointer(&text) {
                    pointer::put(kept.value_mut(), &text, value);
                }
            }
            let ownership = Ownership::of(live.value());
            let owned = |owner: &crate::Owner| rule.managers.contains(&owner.manager);
            for (path, _owner) in ownership.leaves(live.value(), owned) {
                // A field that only the cluster has is nobody's to apply.
                if let (Some(_), Some(value)) = (path.find(desired.value()), path.find(live.value())) {
                    remove_path(kept.value_mut(), &path.0);
                    crate::client_side::insert(kept.value_mut(), &path.0, Some(value));
                }
            }
        }
        kept
    }

    /// Whether any rule is about the object.
    pub fn concerns(&self, object: &Object) -> bool {
        self.rules.iter().any(|rule| rule.concerns(object))
    }
}

impl IgnoreRule {
    fn concerns(&self, object: &Object) -> bool {
        let key = object.key();
        matches_glob(&self.group, &key.group)
            && matches_glob(&self.kind, &key.kind)
            && (self.name.is_empty() || self.name == key.name)
            && (self.namespace.is_empty() || self.namespace == key.namespace)
    }
}

/// `*` stands for any text, `?` for one character.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut seen) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some('*') => {
                star = Some((at, seen));
                at += 1;
            }
            Some(letter) if *letter == '?' || *letter == text[seen] => {
                at += 1;
                seen += 1;
            }
            _ => match &mut star {
                Some((place, taken)) => {
                    *taken += 1;
                    at = *place + 1;
                    seen = *taken;
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// Takes out the field at a path of an owner.
pub(crate) fn remove_path(value: &mut Value, path: &[Segment]) {
    let Some((first, rest)) = path.split_first() else { return };
    match (first, value) {
        (Segment::Field(name), Value::Object(fields)) => match (rest.is_empty(), fields.get_mut(name)) {
            (true, _) => {
                fields.shift_remove(name);
            }
            (false, Some(below)) => remove_path(below, rest),
            (false, None) => {}
        },
        (Segment::Keyed(keys), Value::Array(items)) => {
            let Some(index) = items.iter().position(|item| has_keys(item, keys)) else { return };
            if rest.is_empty() {
                items.remove(index);
            } else {
                remove_path(&mut items[index], rest);
            }
        }
        (Segment::Value(wanted), Value::Array(items)) => items.retain(|item| item != wanted),
        (Segment::Index(index), Value::Array(items)) => {
            if let Some(item) = items.get_mut(*index) {
                remove_path(item, rest);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Object {
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop",
            "managedFields": [{"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]},
            "spec": {"replicas": 3, "list": [{"a": 1, "b": 2}], "x/y": 1}}))
        .unwrap()
    }

    fn left(rule: IgnoreRule) -> Value {
        let object = object();
        let mut state = object.value()["spec"].clone();
        let mut whole = json!({"spec": state.take()});
        Ignored::new(vec![rule], NormaliseOptions::default()).remove(&object, &mut [&mut whole]);
        whole["spec"].take()
    }

    fn rule(kind: &str) -> IgnoreRule {
        IgnoreRule { group: "*".into(), kind: kind.into(), ..IgnoreRule::default() }
    }

    #[test]
    fn pointers_take_out_fields_and_items() {
        let pointers = ["/spec/list/0/b", "/spec/x~1y", "/spec/none/there"].map(str::to_owned).to_vec();
        let rule = IgnoreRule { json_pointers: pointers, ..rule("Deploy*") };
        assert_eq!(left(rule), json!({"replicas": 3, "list": [{"a": 1}]}));
    }

    #[test]
    fn a_rule_is_for_its_kind_and_name() {
        let pointers = vec!["/spec/replicas".to_owned()];
        let other = IgnoreRule { json_pointers: pointers.clone(), ..rule("StatefulSet") };
        assert_eq!(left(other)["replicas"], 3);
        let other = IgnoreRule { json_pointers: pointers.clone(), name: "api".into(), ..rule("Deployment") };
        assert_eq!(left(other)["replicas"], 3);
        let core = IgnoreRule { group: String::new(), json_pointers: pointers, ..rule("Deployment") };
        assert_eq!(left(core)["replicas"], 3);
    }

    #[test]
    fn fields_of_trusted_managers_are_left_out() {
        let rule = IgnoreRule { managers: vec!["hpa".into()], ..rule("Deployment") };
        assert_eq!(left(rule).get("replicas"), None);
    }

    #[test]
    fn globs() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abbc"), ("a?c", "abc"), ("*.io", "x.argoproj.io"), ("", "")]
        {
            assert!(matches_glob(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [("", "a"), ("a?c", "ac"), ("*.io", "io.x"), ("a", "A")] {
            assert!(!matches_glob(pattern, text), "{pattern} {text}");
        }
    }
}
