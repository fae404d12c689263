//! References follow renamed objects: a Deployment that mounts a config map mounts it by its new name.
//!
//! One pass over the objects. Candidates are found by the name they had and the namespace they are
//! in, so that the cost grows with the references, not with objects times objects.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use serde_json::{Map, Value};

use super::Transformer;
use crate::configuration::NameReference;
use crate::error::{During, Error};
use crate::explain::Followed;
use crate::field_path::{self, Create};
use crate::id::{FieldSpec, Gvk, ResourceId};
use crate::resource::{Resource, scalar_text};
use crate::resources::Resources;

pub(crate) struct NameReferences<'c> {
    references: &'c [NameReference],
    /// References that changed, if they are recorded.
    followed: Option<RefCell<Vec<Followed>>>,
}

impl Transformer for NameReferences<'_> {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        let candidates = Candidates::of(resources);
        if candidates.by_name.is_empty() {
            return Ok(());
        }
        let fields = self.fields_by_kind();
        let mut by_kind: HashMap<Gvk, Rc<[Field<'_>]>> = HashMap::new();
        for at in 0..resources.len() {
            let original = resources.get(at).original_gvk();
            let relevant = match by_kind.get(&original) {
                Some(relevant) => relevant.clone(),
                None => by_kind.entry(original.clone()).or_insert(relevant(&fields, &original)).clone(),
            };
            if relevant.is_empty() {
                continue;
            }
            let referrer = Referrer::of(resources.get(at), &candidates)?;
            let resource = resources.content_mut(at);
            for (_, field, target) in relevant.iter() {
                let followed = self.followed.as_ref();
                let fix = Fix { at, referrer: &referrer, candidates: &candidates, field, target, followed };
                let mut set = |value: &mut Value| fix.set(value);
                field_path::descend(&mut resource.object, &field.path, Create::Never, &mut set).during(
                    || format!("updating name reference in '{}' field of '{}'", field.path, referrer.id),
                )?;
            }
        }
        Ok(())
    }
}

type Field<'c> = (usize, &'c FieldSpec, Gvk);

/// The fields of objects of a kind that name others, in the order of the tables.
fn relevant<'c>(fields: &HashMap<&str, Vec<Field<'c>>>, kind: &Gvk) -> Rc<[Field<'c>]> {
    let own = fields.get(kind.kind.as_str()).into_iter().flatten();
    let anyones = fields.get("").into_iter().flatten();
    let mut relevant: Vec<_> = own.chain(anyones).filter(|(_, field, _)| field.selects(kind)).collect();
    relevant.sort_by_key(|(order, _, _)| *order);
    relevant.into_iter().cloned().collect()
}

impl<'c> NameReferences<'c> {
    pub(crate) fn new(references: &'c [NameReference], records: bool) -> NameReferences<'c> {
        NameReferences { references, followed: records.then(RefCell::default) }
    }

    /// What was recorded.
    pub(crate) fn followed(self) -> Vec<Followed> {
        self.followed.map(RefCell::into_inner).unwrap_or_default()
    }

    fn fields_by_kind(&self) -> HashMap<&'c str, Vec<Field<'c>>> {
        let mut fields: HashMap<&str, Vec<Field<'_>>> = HashMap::new();
        let mut order = 0;
        for reference in self.references {
            for field in &reference.field_specs {
                fields.entry(field.kind.as_str()).or_default().push((order, field, reference.target()));
                order += 1;
            }
        }
        fields
    }
}

/// An object that may be named, as it is named now and was before.
struct Candidate {
    at: usize,
    name: String,
    /// As it is written, empty where there is none.
    namespace: String,
    id: ResourceId,
    previous: Vec<ResourceId>,
    history: Resource,
}

#[derive(Default)]
struct Candidates {
    list: Vec<Candidate>,
    /// By a name they had.
    by_name: HashMap<String, Vec<usize>>,
    /// By a name they had and the place they are in: the namespace as it is written, or the cluster.
    by_place: HashMap<(String, String), Vec<usize>>,
    /// The namespaces objects came from, by the places they are in.
    origins: HashMap<String, HashSet<String>>,
}

impl Candidates {
    fn of(resources: &Resources) -> Candidates {
        let mut candidates = Candidates::default();
        for (at, resource) in resources.iter().enumerate() {
            let id = resource.id();
            let previous: Vec<ResourceId> = resource.previous_ids().collect();
            let mut names: Vec<&str> = previous.iter().map(|id| id.name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            let (name, namespace) = (resource.name(), resource.namespace());
            let place = if id.is_cluster_scoped() { CLUSTER } else { &namespace };
            for name in names {
                candidates.by_name.entry(name.to_owned()).or_default().push(at);
                candidates.by_place.entry((name.to_owned(), place.to_owned())).or_default().push(at);
            }
            if !id.is_cluster_scoped() {
                let origin = previous.first().unwrap_or(&id).namespace.clone();
                candidates.origins.entry(place.to_owned()).or_default().insert(origin);
            }
            let mut history = Resource::new(Value::Null);
            history.prefixes.clone_from(&resource.prefixes);
            history.suffixes.clone_from(&resource.suffixes);
            candidates.list.push(Candidate { at, name, namespace, id, previous, history });
        }
        candidates
    }
}

const CLUSTER: &str = "_non_namespaceable_";

/// The object whose fields name others.
struct Referrer {
    id: ResourceId,
    history: Resource,
    role: Option<Gvk>,
    /// Places it may look into; all of them where it lives in no namespace itself.
    places: Option<Vec<String>>,
    origins: HashSet<String>,
}

impl Referrer {
    fn of(resource: &Resource, candidates: &Candidates) -> Result<Referrer, Error> {
        let id = resource.id();
        let places = if id.is_cluster_scoped() { None } else { Some(places_near(resource, &id)?) };
        let origins = match &places {
            None => candidates.origins.values().flatten().cloned().collect(),
            Some(places) => {
                let origins = places.iter().filter_map(|place| candidates.origins.get(place));
                origins.flatten().cloned().collect()
            }
        };
        let mut history = Resource::new(Value::Null);
        history.prefixes.clone_from(&resource.prefixes);
        history.suffixes.clone_from(&resource.suffixes);
        Ok(Referrer { id, history, role: role_of(&resource.object), places, origins })
    }
}

/// The cluster, the object's own namespace, and those of the service accounts that it names: only what is
/// written to be in these.
fn places_near(resource: &Resource, id: &ResourceId) -> Result<Vec<String>, Error> {
    let mut places = vec![CLUSTER.to_owned(), id.namespace.clone()];
    if id.namespace == "default" {
        places.push(String::new());
    }
    places.extend(account_namespaces(resource)?);
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// The namespaces of the service accounts a role binding names.
fn account_namespaces(resource: &Resource) -> Result<Vec<String>, Error> {
    let mut namespaces = Vec::new();
    if resource.kind() != "RoleBinding" {
        return Ok(namespaces);
    }
    let subjects = resource.object.get("subjects").and_then(Value::as_array);
    for subject in subjects.into_iter().flatten() {
        if subject.get("kind").and_then(Value::as_str) != Some("ServiceAccount") {
            continue;
        }
        match subject.get("namespace") {
            None => {}
            Some(Value::String(namespace)) => namespaces.push(namespace.clone()),
            Some(_) => {
                return Err(Error::rule(format!(
                    "namespace is blank for a subject of resource {}",
                    resource.id()
                )));
            }
        }
    }
    Ok(namespaces)
}

fn role_of(object: &Value) -> Option<Gvk> {
    let role = object.get("roleRef")?;
    let group = scalar_text(role.get("apiGroup")?);
    let kind = scalar_text(role.get("kind")?);
    Some(Gvk { group, version: String::new(), kind })
}

/// One field that may have to follow.
struct Fix<'f> {
    at: usize,
    referrer: &'f Referrer,
    candidates: &'f Candidates,
    field: &'f FieldSpec,
    target: &'f Gvk,
    followed: Option<&'f RefCell<Vec<Followed>>>,
}

impl Fix<'_> {
    fn record(&self, old: String, referral: &Candidate) {
        if let Some(followed) = self.followed {
            followed.borrow_mut().push(Followed { referrer: self.at, referral: referral.at, old });
        }
    }

    fn set(&self, value: &mut Value) -> Result<(), Error> {
        match value {
            Value::Null => Ok(()),
            Value::Object(fields) => self.set_map(fields),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Null => Ok(()),
                Value::Object(fields) => self.set_map(fields),
                Value::Array(_) => Err(Error::rule("a reference is a text or a map")),
                text => self.set_text(text),
            }),
            text => self.set_text(text),
        }
    }

    fn set_text(&self, value: &mut Value) -> Result<(), Error> {
        let old = scalar_text(value);
        if !self.candidates.by_name.contains_key(&old) {
            return Ok(());
        }
        let found = self.find(&old);
        let same = |one: &Candidate, two: &Candidate| one.name == two.name;
        if let Some(referral) = self.select(&old, found, same)?.filter(|referral| referral.name != old) {
            *value = Value::from(referral.name.as_str());
            self.record(old, referral);
        }
        Ok(())
    }

    fn set_map(&self, fields: &mut Map<String, Value>) -> Result<(), Error> {
        let Some(name) = fields.get("name") else {
            return Err(Error::rule("path config error; no 'name' field in node"));
        };
        let old = scalar_text(name);
        if !self.candidates.by_name.contains_key(&old) {
            return Ok(());
        }
        let mut found = self.find(&old);
        if let Some(namespace) = fields.get("namespace").map(scalar_text) {
            self.keep_namespace(&mut found, &namespace);
        }
        let same = |one: &Candidate, two: &Candidate| one.name == two.name && one.namespace == two.namespace;
        let Some(referral) = self.select(&old, found, same)? else { return Ok(()) };
        if referral.name == old && referral.namespace.is_empty() {
            return Ok(());
        }
        fields.insert("name".to_owned(), Value::from(referral.name.as_str()));
        if !referral.namespace.is_empty() {
            fields.insert("namespace".to_owned(), Value::from(referral.namespace.as_str()));
        }
        self.record(old, referral);
        Ok(())
    }

    /// Everything within reach that once had the name, in the order of the build.
    fn find(&self, name: &str) -> Vec<usize> {
        let Some(places) = &self.referrer.places else {
            return self.candidates.by_name.get(name).cloned().unwrap_or_default();
        };
        let by_place = &self.candidates.by_place;
        let found = places.iter().filter_map(|place| by_place.get(&(name.to_owned(), place.clone())));
        let mut found: Vec<usize> = found.flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Where the reference names a namespace, only what came from there, or else is there, counts.
    fn keep_namespace(&self, found: &mut Vec<usize>, namespace: &str) {
        let by_origin = self.referrer.origins.contains(namespace);
        found.retain(|at| {
            let candidate = &self.candidates.list[*at];
            let origin = candidate.previous.first().unwrap_or(&candidate.id);
            let counted = if by_origin { origin } else { &candidate.id };
            counted.namespace == namespace
        });
    }

    fn select(
        &self,
        name: &str,
        mut found: Vec<usize>,
        same: impl Fn(&Candidate, &Candidate) -> bool,
    ) -> Result<Option<&Candidate>, Error> {
        let list = &self.candidates.list;
        let was = |at: &usize, kind: &Gvk| list[*at].previous.iter().any(|id| id.gvk.is_selected(kind));
        found.retain(|at| was(at, self.target));
        if let (true, Some(role)) = (self.field.path.ends_with("roleRef/name"), &self.referrer.role) {
            found.retain(|at| was(at, role));
        }
        found.retain(|at| self.is_near(&list[*at]));
        if found.len() != 1 {
            found.retain(|at| list[*at].history.same_affixes(&self.referrer.history, true));
        }
        if found.len() > 1 {
            found.retain(|at| list[*at].history.same_affixes(&self.referrer.history, false));
        }
        let Some((first, rest)) = found.split_first() else { return Ok(None) };
        if rest.iter().all(|other| same(&list[*first], &list[*other])) {
            return Ok(Some(&list[*first]));
        }
        let ids: Vec<String> = found.iter().map(|at| list[*at].id.to_string()).collect();
        Err(Error::rule(format!("found multiple possible referrals for '{name}': {}", ids.join(", "))))
    }

    fn is_near(&self, candidate: &Candidate) -> bool {
        self.referrer.id.is_cluster_scoped()
            || candidate.id.is_cluster_scoped()
            || candidate.id.gvk.kind == "ServiceAccount"
            || candidate.id.namespace == self.referrer.id.namespace
    }
}
