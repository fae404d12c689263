//! `ValueAddTransformer`: one text put into fields of selected objects, or into paths they hold.

use serde::Deserialize;
use serde_json::Value;

use super::Transformer;
use super::namespace::{Namespace, Subjects};
use crate::decode::{Failure, from_settings};
use crate::error::{During, Error};
use crate::field_lookup::{self, Kind};
use crate::field_path;
use crate::kustomization::Selector;
use crate::loader::Loader;
use crate::quotes::needs_quotes;
use crate::resource::{Resource, scalar_text};
use crate::resources::Resources;
use crate::selector::Matcher;

/// What the plugin is configured with.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct Settings {
    value: String,
    targets: Vec<TargetSettings>,
    target_file_path: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct TargetSettings {
    selector: Option<Selector>,
    field_path: String,
    file_path_position: i64,
}

pub(crate) struct ValueAdd {
    value: String,
    targets: Vec<Target>,
}

struct Target {
    matcher: Option<Matcher>,
    path: Vec<String>,
    /// Where in a path the value goes, from one on; zero sets the whole field.
    position: usize,
}

pub(crate) fn read(settings: Settings, loader: &Loader<'_>) -> Result<ValueAdd, Error> {
    let mut value = settings.value.trim().to_owned();
    if value.is_empty() {
        loader.folder().file_name().clone_into(&mut value);
    }
    let mut targets = settings.targets;
    if !settings.target_file_path.is_empty() {
        let (file, content) = loader.read(&settings.target_file_path)?;
        let malformed = |source| Error::Yaml { file: file.to_string(), source };
        let text = String::from_utf8_lossy(&content);
        let read = belay_goyaml::to_json(&text).map_err(malformed)?;
        let failed = |failure: Failure| Error::rule(format!("{file}: {}", failure.in_text(&text)));
        let more: Settings = from_settings(read).map_err(failed)?;
        targets.extend(more.targets);
    }
    if targets.is_empty() {
        return Err(Error::rule("must specify at least one target"));
    }
    let targets = targets.into_iter().map(target).collect::<Result<_, _>>()?;
    Ok(ValueAdd { value, targets })
}

fn target(settings: TargetSettings) -> Result<Target, Error> {
    if settings.field_path.is_empty() {
        return Err(Error::rule("fieldPath cannot be empty"));
    }
    let position = usize::try_from(settings.file_path_position).map_err(|_| {
        let position = settings.file_path_position;
        Error::rule(format!("value of FilePathPosition ({position}) cannot be negative"))
    })?;
    let matcher = settings.selector.as_ref().map(Matcher::new).transpose()?;
    Ok(Target { matcher, path: field_path::split(&settings.field_path, '/'), position })
}

impl Transformer for ValueAdd {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        for target in &self.targets {
            let selected = match &target.matcher {
                Some(matcher) => matcher.select(resources),
                None => (0..resources.len()).collect(),
            };
            if target.path == ["metadata", "namespace"] {
                let namespace = Namespace {
                    namespace: self.value.clone(),
                    fields: Vec::new(),
                    unset_only: false,
                    subjects: Subjects::Default,
                };
                let list = resources.list_mut();
                selected.into_iter().try_for_each(|at| namespace.set(&mut list[at]))?;
                continue;
            }
            let list = resources.list_mut();
            for at in selected {
                self.add(&mut list[at], target).during(|| format!("adding a value to {}", list[at].id()))?;
            }
        }
        Ok(())
    }
}

impl ValueAdd {
    /// Sets the field. The new text has the quotes of the old one: without any, it is what it looks like.
    fn add(&self, resource: &mut Resource, target: &Target) -> Result<(), Error> {
        let mut quotes = Quotes::Settled;
        let is_rewritten = resource.json.is_some();
        let set = &mut |field: &mut Value, _: bool| {
            let text = self.text_for(field, target.position)?;
            quotes = Quotes::around(&text, field, is_rewritten);
            *field = Value::from(text);
            Ok(())
        };
        field_lookup::visit(&mut resource.object, &target.path, Some(Kind::Scalar), set)?;
        let path = field_lookup::joined(&target.path);
        match quotes {
            Quotes::Settled => {}
            // It was set like this before.
            _ if resource.untyped.contains(&path) => {}
            Quotes::Absent => resource.untyped.push(path),
            Quotes::AsInFile { present } => {
                resource.untyped.push(path.clone());
                resource.perhaps_quoted.push((path, present));
            }
        }
        Ok(())
    }

    fn text_for(&self, field: &Value, position: usize) -> Result<String, Error> {
        if Kind::of(field) != Kind::Scalar {
            return Err(Error::rule("wrong node kind: expected a text"));
        }
        let present = if field.is_null() { String::new() } else { scalar_text(field) };
        Ok(match position {
            0 => self.value.clone(),
            position => inserted(&present, position - 1, &self.value),
        })
    }
}

/// Whether the text of a field stands in quotes.
enum Quotes {
    /// It is a text with or without them, or has those it had.
    Settled,
    Absent,
    /// The file tells that the present text comes from, if it comes from one.
    AsInFile {
        present: String,
    },
}

impl Quotes {
    fn around(text: &str, field: &Value, is_rewritten: bool) -> Quotes {
        match field {
            _ if field_lookup::plain(text) == text => Quotes::Settled,
            Value::String(present) if !is_rewritten => Quotes::AsInFile { present: present.clone() },
            Value::String(present) if needs_quotes(present) => Quotes::Settled,
            _ => Quotes::Absent,
        }
    }
}

/// A path with one more part at the place.
fn inserted(path: &str, at: usize, part: &str) -> String {
    let trimmed = path.trim_end_matches('/');
    if trimmed.is_empty() {
        return if path.is_empty() { part.to_owned() } else { format!("/{part}") };
    }
    let mut parts: Vec<&str> = trimmed.split('/').collect();
    let absolute = usize::from(parts[0].is_empty());
    let at = (at + absolute).min(parts.len());
    parts.insert(at, part);
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::inserted;

    #[test]
    fn a_part_is_put_into_a_path() {
        assert_eq!(inserted("", 0, "x"), "x");
        assert_eq!(inserted("a/b", 0, "x"), "x/a/b");
        assert_eq!(inserted("/a/b", 1, "x"), "/a/x/b");
        assert_eq!(inserted("a", 99, "x"), "a/x");
        assert_eq!(inserted("/", 0, "x"), "/x");
    }
}
