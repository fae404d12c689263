//! Watches a field while objects are built.

use std::cell::RefCell;

use belay_filetree::TreePath;
use belay_helm::{FieldStep, Layer, Read, Rendered, Setter, Target};
use serde_json::Value;

use super::{Cause, Elsewhere};
use crate::field_lookup;
use crate::options::FieldQuery;
use crate::resource::{Place, Resource};
use crate::resources::Resources;
use crate::variables::{Values, Variables};

/// What an object's field has been so far.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Trace {
    last: Option<Value>,
    steps: Vec<(Cause, Option<Value>)>,
    /// The names and namespaces the object had: others may refer to it.
    identities: Vec<(Cause, String, String)>,
    /// What generated the object last.
    made: Option<Cause>,
    /// The values that gave the field its first value, and the template.
    template: Vec<Cause>,
}

/// A chart that was rendered, and what its values were made of.
pub(crate) struct Release<'r> {
    pub(crate) rendered: Rendered,
    /// The strongest last; a slash leads names of files of the tree.
    pub(crate) layers: Vec<Layer>,
    /// The chart's folder.
    pub(crate) chart: &'r TreePath,
}

impl Release<'_> {
    /// What gave a field of the object its value: values first, then the template.
    fn causes(&self, resource: &Resource, path: &[String]) -> Option<Vec<Cause>> {
        let field = field_lookup::steps(&resource.object, path).map(|(name, is_key)| match name.parse() {
            Ok(at) if !is_key => FieldStep::Index(at),
            _ => FieldStep::Key(name),
        });
        let target =
            Target { kind: resource.kind().to_owned(), name: resource.name(), field: field.collect() };
        let explanation = self.rendered.explain(&target, &self.layers).ok()?;
        let piece = explanation.pieces.last()?;
        let place = piece.places.first()?;
        let template = Cause::line(self.own_file(&place.file)?, place.line as usize, "template of the chart");
        Some(piece.reads.iter().filter_map(|read| self.values(read)).chain([template]).collect())
    }

    fn values(&self, read: &Read) -> Option<Cause> {
        let by = format!("{} of the chart", read.path);
        match &read.setter {
            Setter::File { file, line } => {
                let own = || self.own_file(file);
                let file = file.strip_prefix('/').map_or_else(own, |file| TreePath::parse(file).ok())?;
                Some(Cause::line(file, *line, &by))
            }
            Setter::Inline(path) => Some(Cause::inline(path.clone(), &by)),
            _ => None,
        }
    }

    /// A file of the chart. The first part is the chart's name, whatever its folder's.
    fn own_file(&self, file: &str) -> Option<TreePath> {
        let (_, file) = file.split_once('/')?;
        self.chart.join(file).ok()
    }
}

impl Trace {
    pub(super) fn steps(&self) -> &[(Cause, Option<Value>)] {
        &self.steps
    }

    /// The trace of an object that begins here.
    pub(crate) fn begun(made: Cause) -> Option<Box<Trace>> {
        Some(Box::new(Trace { made: Some(made), ..Trace::default() }))
    }

    /// The trace of an object that a generator made, of a template perhaps.
    pub(crate) fn generated(template: Option<Box<Trace>>, made: Cause) -> Option<Box<Trace>> {
        let mut trace = *template.unwrap_or_default();
        trace.template = trace.template.into_iter().map(|cause| cause.inlined_in(&made)).collect();
        Some(Box::new(Trace { made: Some(made), ..trace }))
    }

    /// The trace of an object whose place a generated one takes.
    pub(crate) fn continued(old: Option<&Trace>, new: Option<Box<Trace>>) -> Option<Box<Trace>> {
        let made = new.as_ref().and_then(|new| new.made.clone());
        match old {
            Some(old) => Some(Box::new(Trace { made: made.or(old.made.clone()), ..old.clone() })),
            None => new,
        }
    }

    /// What generated the object, or says what it is.
    pub(crate) fn made(&self) -> Option<&Cause> {
        self.made.as_ref()
    }

    /// Where the object was read.
    pub(crate) fn read(&self) -> Option<&Cause> {
        self.identities.first().map(|(cause, ..)| cause)
    }

    fn push(&mut self, cause: Cause, value: Option<Value>) {
        self.last.clone_from(&value);
        self.steps.push((cause, value));
    }
}

/// A reference that follows an object's name.
#[derive(Debug)]
pub(crate) struct Followed {
    /// The object that holds it.
    pub(crate) referrer: usize,
    /// The object it means.
    pub(crate) referral: usize,
    /// What it was.
    pub(crate) old: String,
}

/// Watches one field of the objects of a kind.
pub(crate) struct Tracer {
    kind: String,
    path: Vec<String>,
    /// Whose files are read at the moment, if not those of the tree that is built.
    elsewhere: RefCell<Option<Elsewhere>>,
}

impl Tracer {
    pub(crate) fn new(query: &FieldQuery) -> Tracer {
        let path = field_lookup::split(&query.path);
        Tracer { kind: query.kind.clone(), path, elsewhere: RefCell::new(None) }
    }

    /// One that watches no field, but knows where objects were read.
    pub(crate) fn of_places(&self) -> Tracer {
        Tracer { kind: String::new(), path: Vec::new(), elsewhere: self.elsewhere.clone() }
    }

    /// Builds of files of elsewhere, or of the tree that is built.
    pub(crate) fn within<T>(&self, elsewhere: Option<Elsewhere>, build: impl FnOnce() -> T) -> T {
        let before = self.elsewhere.replace(elsewhere);
        let result = build();
        self.elsewhere.replace(before);
        result
    }

    /// The cause with whose files are read at the moment.
    pub(crate) fn here(&self, cause: Cause) -> Cause {
        cause.within(self.elsewhere.borrow().as_ref())
    }

    fn value(&self, resource: &Resource) -> Option<Value> {
        field_lookup::get(&resource.object, &self.path).ok().flatten().cloned()
    }

    /// Begins with an object that was just read.
    pub(crate) fn start(&self, resource: &mut Resource) {
        let cause = place_of(resource, "resource");
        self.look(resource, &cause);
    }

    /// Notes which values and which template of a chart gave the field its value.
    pub(crate) fn note_template(&self, resource: &mut Resource, release: &Release<'_>) {
        if resource.kind() == self.kind
            && let Some(causes) = release.causes(resource, &self.path)
        {
            let template = causes.into_iter().map(|cause| self.here(cause)).collect();
            resource.trace = Some(Box::new(Trace { template, ..Trace::default() }));
        }
    }

    /// Records what a step changed.
    pub(crate) fn note(&self, resources: &mut Resources, cause: &Cause) {
        for at in 0..resources.len() {
            self.look(resources.content_mut(at), cause);
        }
    }

    /// Records names that a hash was added to: what made the content is the cause.
    pub(crate) fn note_hashes(&self, resources: &mut Resources) {
        const BY: &str = "hash of the content";
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            let made = resource.trace.as_ref().and_then(|trace| trace.made.clone());
            let cause = made.map_or_else(|| place_of(resource, BY), |made| made.by(BY));
            self.look(resource, &cause);
        }
    }

    /// Records references that followed what they refer to: the causes are those of the new name.
    pub(crate) fn note_references(&self, resources: &mut Resources, followed: &[Followed]) {
        for at in 0..resources.len() {
            let Some((trace, value)) = self.changed(resources, at) else { continue };
            let mut own = followed.iter().filter(|followed| followed.referrer == at);
            let steps = own.find_map(|followed| {
                let referral = resources.get(followed.referral);
                steps_of_reference(referral, &followed.old, trace.last.as_ref(), value.as_ref())
            });
            let steps = steps.unwrap_or_default();
            self.add_steps(resources, at, steps, &Cause::step("name reference"));
        }
    }

    /// Records the values of variables.
    pub(crate) fn note_variables(&self, resources: &mut Resources, variables: &Variables, values: &Values) {
        for at in 0..resources.len() {
            let Some((trace, _)) = self.changed(resources, at) else { continue };
            let steps = trace.last.as_ref().map(|old| variables.steps(old, values)).unwrap_or_default();
            self.add_steps(resources, at, steps, &Cause::step("vars"));
        }
    }

    /// The trace of an object whose field is no longer what it was, and what the field is now.
    fn changed<'r>(&self, resources: &'r Resources, at: usize) -> Option<(&'r Trace, Option<Value>)> {
        let resource = resources.get(at);
        let trace = resource.trace.as_deref().filter(|trace| self.watches(resource, trace))?;
        let value = self.value(resource);
        (trace.last != value).then_some((trace, value))
    }

    /// Adds what led to a change; where that ends elsewhere, one more step says what is left.
    fn add_steps(&self, resources: &mut Resources, at: usize, steps: Vec<(Cause, Value)>, rest: &Cause) {
        let resource = resources.content_mut(at);
        if let Some(trace) = &mut resource.trace {
            for (cause, value) in steps {
                trace.push(cause, Some(value));
            }
        }
        self.look(resource, rest);
    }

    /// An object stays watched when its kind changes.
    fn watches(&self, resource: &Resource, trace: &Trace) -> bool {
        resource.kind() == self.kind || !trace.steps.is_empty()
    }

    fn look(&self, resource: &mut Resource, cause: &Cause) {
        let cause = &self.here(cause.clone());
        let mut trace = resource.trace.take().unwrap_or_default();
        let (name, namespace) = (resource.name(), resource.namespace());
        let last = trace.identities.last().map(|(_, name, namespace)| (name, namespace));
        if last != Some((&name, &namespace)) {
            trace.identities.push((cause.clone(), name, namespace));
        }
        if self.watches(resource, &trace) {
            let value = self.value(resource);
            if trace.last != value {
                for template in std::mem::take(&mut trace.template) {
                    trace.push(template, value.clone());
                }
                trace.push(cause.clone(), value);
            }
        }
        resource.trace = Some(trace);
    }
}

fn place_of(resource: &Resource, by: &str) -> Cause {
    let place: Option<&Place> = resource.place.as_ref();
    place.map_or_else(|| Cause::step(by), |place| Cause::at(place, by))
}

/// The steps that a reference made with the object it means, if it is what changed the field.
fn steps_of_reference(
    referral: &Resource,
    old: &str,
    before: Option<&Value>,
    value: Option<&Value>,
) -> Option<Vec<(Cause, Value)>> {
    let (before, value) = (before?, value?);
    let identities = &referral.trace.as_ref()?.identities;
    let (_, name, namespace) = identities.last()?;
    let by = |cause: &Cause| {
        let cause = cause.clone();
        let by = format!("name reference to {}/{old}: {}", referral.kind(), cause.by);
        cause.by(&by)
    };
    if before.as_str() == Some(old) && value.as_str() == Some(name) {
        let names = identities.iter().map(|(cause, name, _)| (cause, name)).collect::<Vec<_>>();
        let start = names.iter().rposition(|(_, name)| *name == old).map_or(0, |at| at + 1);
        let mut steps: Vec<(Cause, Value)> = Vec::new();
        for (cause, name) in &names[start..] {
            if steps.last().is_none_or(|(_, last)| last != name.as_str()) {
                steps.push((by(cause), Value::from(name.as_str())));
            }
        }
        return Some(steps);
    }
    let is_place = value.as_str() == Some(namespace);
    let is_within = !value.is_string() && holds(before, old) && holds(value, name);
    if !is_place && !is_within {
        return None;
    }
    let (cause, ..) = if is_place {
        identities.iter().find(|(_, _, other)| other == namespace)?
    } else {
        // Of several reasons for one change, the last one that a file tells.
        identities.iter().rfind(|(cause, ..)| cause.is_somewhere())?
    };
    Some(vec![(by(cause), value.clone())])
}

/// Whether a text stands anywhere in a value.
fn holds(value: &Value, text: &str) -> bool {
    match value {
        Value::String(own) => own == text,
        Value::Array(items) => items.iter().any(|item| holds(item, text)),
        Value::Object(fields) => fields.values().any(|field| holds(field, text)),
        _ => false,
    }
}
