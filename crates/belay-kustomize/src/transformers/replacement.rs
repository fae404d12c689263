//! `replacements`: a field's value copied to other fields.

mod embedded;
mod layout;
mod nodes;

use belay_goyaml::{EditableNode, Resolution};
use serde_json::Value;

use super::{AfterPart, Configured, Setting, Transformer};
use crate::decode::{Failure, from_value};
use crate::error::{During, Error};
use crate::explain::Part;
use crate::field_lookup::{self, Kind};
use crate::id::Gvk;
use crate::kustomization::{FieldOptions, Replacement, ReplacementSource, ReplacementTarget, Selector};
use crate::loader::Loader;
use crate::resource::{Resource, Written, scalar_text};
use crate::resources::Resources;
use crate::selector::Matcher;

pub(crate) fn configure<'s>(setting: &Setting<'s>) -> Result<Configured<'s>, Error> {
    if setting.kustomization.replacements.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Box::new(read(&setting.kustomization.replacements, setting.loader)?)])
}

/// Reads replacements, those in files too.
pub(crate) fn read<'l>(listed: &[Replacement], loader: &'l Loader<'l>) -> Result<Replacements<'l>, Error> {
    let mut replacements = Vec::new();
    for (entry, replacement) in listed.iter().enumerate() {
        if replacement.path.is_empty() {
            replacements.push((replacement.clone(), Part::Entry(entry)));
            continue;
        }
        if replacement.source.is_some()
            || replacement.targets.as_ref().is_some_and(|targets| !targets.is_empty())
        {
            return Err(Error::rule("cannot specify both path and inline replacement"));
        }
        let (file, content) = loader.read(&replacement.path)?;
        let malformed = |source| Error::Yaml { file: file.to_string(), source };
        let text = String::from_utf8_lossy(&content);
        let value = belay_goyaml::to_json(&text).map_err(malformed)?;
        let invalid = |reason| Error::Kustomization { file: file.clone(), reason };
        let failed = |failure: Failure| invalid(failure.in_text(&text));
        let read: Vec<Replacement> = match value {
            Value::Array(_) => from_value(value).map_err(failed)?,
            Value::Object(_) => vec![from_value(value).map_err(failed)?],
            _ => return Err(invalid("unsupported replacement type".to_owned())),
        };
        let elsewhere = loader.elsewhere_of(&replacement.path, &content);
        let part = |number| Part::Item { file: file.clone(), number }.of(elsewhere.as_ref());
        replacements.extend(read.into_iter().enumerate().map(|(number, read)| (read, part(number))));
    }
    Ok(Replacements { replacements, loader })
}

pub(crate) struct Replacements<'l> {
    replacements: Vec<(Replacement, Part)>,
    /// Reads again what is copied with its layout.
    loader: &'l Loader<'l>,
}

impl Transformer for Replacements<'_> {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        self.transform_by_part(resources, &mut |_, _| {})
    }

    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        for (replacement, part) in &self.replacements {
            let Some(targets) = &replacement.targets else {
                return Err(Error::rule("replacements must specify a source and at least one target"));
            };
            let mut source = Source::of(replacement, resources, self.loader)?;
            for target in targets {
                copy(&mut source, target, resources)?;
            }
            after(resources, part);
        }
        Ok(())
    }
}

/// A value and where it is read from.
struct Source {
    value: Value,
    /// How the value is written, if it is a scalar.
    text: String,
    /// The object and the path, where the field is copied as it is: a target may be that field, and
    /// those after it are given what it became.
    live: Option<(usize, Vec<String>)>,
    /// How a map or list is written.
    layout: Option<EditableNode>,
}

impl Source {
    fn of(replacement: &Replacement, resources: &Resources, loader: &Loader<'_>) -> Result<Source, Error> {
        match (&replacement.source_value, &replacement.source) {
            (Some(_), Some(_)) => Err(Error::rule("value and resource selectors are mutually exclusive")),
            (Some(value), None) => {
                let text = value.clone();
                Ok(Source { value: Value::from(value.as_str()), text, live: None, layout: None })
            }
            (None, None) => Err(Error::rule("replacements must specify a source and at least one target")),
            (None, Some(source)) => Source::of_field(source, resources, loader),
        }
    }

    fn of_field(
        source: &ReplacementSource,
        resources: &Resources,
        loader: &Loader<'_>,
    ) -> Result<Source, Error> {
        let at = select_source(source, resources)?;
        let resource = resources.get(at);
        let path = if source.field_path.is_empty() { "metadata.name" } else { &source.field_path };
        let names = field_lookup::split(path);
        let found = field_lookup::get(&resource.object, &names)
            .during(|| format!("error looking up replacement source {}", resource.id()))?;
        let Some(value) = found.filter(|value| !is_empty(value)) else {
            return Err(Error::rule(format!(
                "fieldPath `{path}` is missing for replacement source {}",
                describe(source)
            )));
        };
        Ok(match parted(source.options.as_ref()) {
            Some(options) => {
                let (value, text) = refine(value, &resource.text_of(value), options)?;
                Source { value, text, live: None, layout: None }
            }
            None => {
                let text = resource.text_of(value);
                let layout = (Kind::of(value) != Kind::Scalar)
                    .then(|| layout::of_field(resource, &names, value, loader));
                Source { value: value.clone(), text, live: Some((at, names)), layout }
            }
        })
    }

    /// What may be made on the way to a target.
    fn creates(&self, options: Option<&FieldOptions>) -> Option<Kind> {
        options.filter(|options| options.create).map(|_| Kind::of(&self.value))
    }

    /// Reads the field again if that object was changed.
    fn follow(&mut self, changed: usize, object: &Value) {
        if let Some((at, names)) = &self.live
            && *at == changed
            && let Ok(Some(value)) = field_lookup::get(object, names)
            && *value != self.value
        {
            self.text = scalar_text(value);
            self.value = value.clone();
            self.layout = self.layout.as_ref().map(|layout| layout::again(value, layout));
        }
    }
}

/// The options, where only a part of a text is meant.
fn parted(options: Option<&FieldOptions>) -> Option<&FieldOptions> {
    options.filter(|options| !options.delimiter.is_empty())
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

fn describe(source: &ReplacementSource) -> String {
    let gvk = Gvk { group: source.group.clone(), version: source.version.clone(), kind: source.kind.clone() };
    let or = |text: &str, none: &str| if text.is_empty() { none.to_owned() } else { text.to_owned() };
    format!("{gvk}/{}.{}", or(&source.name, "[noName]"), or(&source.namespace, "[noNs]"))
}

/// An object's present names and those it had, with the namespace as it is written.
fn names_of(resource: &Resource) -> Vec<(Gvk, String, String)> {
    let mut names = vec![(resource.gvk(), resource.name(), resource.namespace())];
    names.extend(resource.previous_ids().map(|id| (id.gvk, id.name, id.namespace)));
    names
}

fn select_source(source: &ReplacementSource, resources: &Resources) -> Result<usize, Error> {
    let gvk = Gvk { group: source.group.clone(), version: source.version.clone(), kind: source.kind.clone() };
    let effective =
        |namespace: &str| if namespace.is_empty() { "default".to_owned() } else { namespace.to_owned() };
    let means = |(kind, name, namespace): &(Gvk, String, String)| {
        (source.name.is_empty() || source.name == *name)
            && (source.namespace.is_empty() || effective(&source.namespace) == effective(namespace))
            && kind.is_selected(&gvk)
    };
    let all = resources.iter().enumerate();
    let mut found = all.filter(|(_, resource)| names_of(resource).iter().any(means)).map(|(at, _)| at);
    match (found.next(), found.next()) {
        (Some(at), None) => Ok(at),
        (None, _) => Err(Error::rule(format!("nothing selected by {}", describe(source)))),
        (Some(_), Some(_)) => Err(Error::rule(format!("multiple matches for selector {}", describe(source)))),
    }
}

fn refine(value: &Value, text: &str, options: &FieldOptions) -> Result<(Value, String), Error> {
    if Kind::of(value) != Kind::Scalar {
        return Err(Error::rule("delimiter option can only be used with scalar nodes"));
    }
    let part =
        usize::try_from(options.index).ok().and_then(|at| text.split(options.delimiter.as_str()).nth(at));
    let part = part.ok_or_else(|| {
        Error::rule(format!("options.index {} is out of bounds for value {text}", options.index))
    })?;
    Ok((retyped(value, part).map_err(Error::rule)?, part.to_owned()))
}

/// Whether a target means an object.
struct Choice<'t> {
    select: Matcher,
    reject: Vec<(&'t Selector, Matcher)>,
}

impl<'t> Choice<'t> {
    fn new(target: &'t ReplacementTarget) -> Result<Choice<'t>, Error> {
        let select =
            target.select.as_ref().ok_or_else(|| Error::rule("target must specify resources to select"))?;
        let reject = target.reject.iter().map(|reject| Ok((reject, Matcher::new(reject)?)));
        Ok(Choice { select: Matcher::new(select)?, reject: reject.collect::<Result<_, Error>>()? })
    }

    fn takes(&self, resource: &Resource) -> bool {
        if !self.select.matches_metadata(resource) {
            return false;
        }
        let by_metadata = |selector: &Selector| {
            !selector.label_selector.is_empty() || !selector.annotation_selector.is_empty()
        };
        if self
            .reject
            .iter()
            .any(|(selector, reject)| by_metadata(selector) && reject.matches_metadata(resource))
        {
            return false;
        }
        let names = names_of(resource);
        let matches = |matcher: &Matcher, (gvk, name, namespace): &(Gvk, String, String)| {
            matcher.matches_gvk(gvk) && matcher.matches_name(name) && matcher.matches_namespace(namespace)
        };
        let by_name = |selector: &Selector| {
            [&selector.group, &selector.version, &selector.kind, &selector.name, &selector.namespace]
                .iter()
                .any(|part| !part.is_empty())
        };
        let rejected = self
            .reject
            .iter()
            .any(|(selector, reject)| by_name(selector) && names.iter().any(|name| matches(reject, name)));
        !rejected && names.iter().any(|name| matches(&self.select, name))
    }
}

fn copy(source: &mut Source, target: &ReplacementTarget, resources: &mut Resources) -> Result<(), Error> {
    let choice = Choice::new(target)?;
    let default = ["metadata.name".to_owned()];
    let paths = if target.field_paths.is_empty() { &default[..] } else { &target.field_paths };
    let all = resources.list_mut().iter_mut().enumerate();
    for (at, resource) in all.filter(|(_, resource)| choice.takes(resource)) {
        let id = resource.id();
        for path in paths {
            copy_to(source, resource, path, target.options.as_ref())
                .during(|| format!("replacing field '{path}' of {id}"))?;
            resource.spread_shared();
            source.follow(at, &resource.object);
        }
    }
    Ok(())
}

fn copy_to(
    source: &Source,
    resource: &mut Resource,
    path: &str,
    options: Option<&FieldOptions>,
) -> Result<(), Error> {
    let names = field_lookup::split(path);
    let id = resource.id();
    let written = resource.written_fields();
    let object = &mut resource.object;
    if embedded::copy(source, object, &names, options)? {
        return Ok(());
    }
    let create = source.creates(options);
    let (untyped, misfit) = (&mut resource.untyped, &mut resource.misfit);
    let found = field_lookup::visit(object, &names, create, &mut |field, fresh| {
        let state = match fresh {
            true if path.contains(['*', '=']) => Field::Made,
            true => {
                untyped.push(path.to_owned());
                Field::Text
            }
            false => Field::Present(written.iter().find(|(place, _)| std::ptr::eq(*place, field))),
        };
        if let Some(reason) = set(field, source, options, state)? {
            *misfit = Some(format!("replacing field '{path}' of {id}: {reason}"));
        }
        Ok(())
    })?;
    match (found, create) {
        (0, None) => Err(Error::rule(format!("unable to find field \"{path}\" in replacement target"))),
        (0, Some(_)) => {
            Err(Error::rule(format!("unable to find or create field \"{path}\" in replacement target")))
        }
        _ => Ok(()),
    }
}

/// What a field is before it is set.
#[derive(Clone, Copy)]
enum Field<'w> {
    /// And how it is written, if JSON does not tell.
    Present(Option<&'w (*const Value, Written)>),
    /// Made just now, of the type that the text looks like.
    Made,
    /// Made just now, and a text for the time being.
    Text,
}

impl Field<'_> {
    fn text(self, field: &Value) -> String {
        match self {
            Field::Made | Field::Text => String::new(),
            Field::Present(Some((_, written))) => written.text.clone(),
            Field::Present(None) => scalar_text(field),
        }
    }

    fn is_date(self) -> bool {
        matches!(self, Field::Present(Some((_, Written { value: Value::String(_), .. }))))
    }
}

/// Gives why the value is not of the field's type, if it is not.
fn set(
    field: &mut Value,
    source: &Source,
    options: Option<&FieldOptions>,
    state: Field<'_>,
) -> Result<Option<String>, Error> {
    let mut text = source.text.clone();
    if let Some(options) = parted(options) {
        if Kind::of(field) != Kind::Scalar {
            return Err(Error::rule("delimiter option can only be used with scalar nodes"));
        }
        text = with_part(&state.text(field), &text, options);
    }
    let mut misfit = None;
    *field = match Kind::of(field) {
        Kind::Scalar => match state {
            Field::Text => Value::from(text.as_str()),
            Field::Made => field_lookup::plain(&text),
            Field::Present(_) => {
                let typed = if state.is_date() { date(&text) } else { retyped(field, &text) };
                typed.unwrap_or_else(|reason| {
                    misfit = Some(reason);
                    Value::from(text.as_str())
                })
            }
        },
        _ => source.value.clone(),
    };
    Ok(misfit)
}

/// The text with one of its parts replaced, or one more before or after all.
fn with_part(present: &str, part: &str, options: &FieldOptions) -> String {
    let mut parts: Vec<&str> = present.split(options.delimiter.as_str()).collect();
    match usize::try_from(options.index) {
        Err(_) => parts.insert(0, part),
        Ok(at) if at >= parts.len() => parts.push(part),
        Ok(at) => parts[at] = part,
    }
    parts.join(&options.delimiter)
}

/// A text in the place of a date.
fn date(text: &str) -> Result<Value, String> {
    match field_lookup::plain(text) {
        Value::String(read) if !belay_goyaml::is_text_unquoted(text, Resolution::V3) => Ok(Value::from(read)),
        _ => Err(format!("cannot set a date to '{text}'")),
    }
}

/// A text as a value of the type another value has, which must fit.
fn retyped(like: &Value, text: &str) -> Result<Value, String> {
    let plain = field_lookup::plain(text);
    match (like, &plain) {
        (Value::Number(like), Value::Number(number)) if like.is_f64() || !number.is_f64() => Ok(plain),
        (Value::Bool(_), Value::Bool(_)) => Ok(plain),
        (Value::Number(_), _) => Err(format!("cannot set a number to '{text}'")),
        (Value::Bool(_), _) => Err(format!("cannot set a boolean to '{text}'")),
        (Value::Null, _) => Ok(Value::Null),
        _ => Ok(Value::from(text)),
    }
}
