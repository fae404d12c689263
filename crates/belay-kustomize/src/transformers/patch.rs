//! `patches`: strategic merge or JSON patches, inline or from files, to named or selected objects.

use std::sync::Arc;

use belay_filetree::TreePath;
use serde_json::Value;

use super::{AfterPart, Configured, Setting, Transformer, patch_json6902};
use crate::error::{During, Error};
use crate::explain::{Elsewhere, Part};
use crate::json_patch::JsonPatch;
use crate::kustomization::{Patch, PatchOptions};
use crate::loader::Loader;
use crate::objects;
use crate::resource::{PatchText, Resource, Step};
use crate::resources::Resources;
use crate::selector::Matcher;
use crate::strategic_merge;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let patches = setting.kustomization.patches.iter();
    patches
        .map(|patch| read(patch, setting.loader).map(|patch| Box::new(patch) as Box<dyn Transformer>))
        .collect()
}

enum Content {
    Merge(Vec<Resource>, Arc<str>),
    Json(JsonPatch),
}

impl Content {
    fn is_empty(&self) -> bool {
        match self {
            Content::Merge(patches, _) => patches.is_empty(),
            Content::Json(patch) => patch.is_empty(),
        }
    }
}

pub(crate) struct AnyPatch {
    file: Option<TreePath>,
    elsewhere: Option<Elsewhere>,
    content: Content,
    target: Option<Matcher>,
    options: PatchOptions,
    source: String,
}

pub(crate) fn read(patch: &Patch, loader: &Loader<'_>) -> Result<AnyPatch, Error> {
    let inline = patch.patch.trim();
    let mut elsewhere = None;
    let (text, file) = match (patch.path.as_str(), inline) {
        ("", "") => return Err(Error::rule("a patch must specify one of `patch` and `path`")),
        ("", inline) => (inline.to_owned(), None),
        (path, "") => {
            let (file, content) = loader.read(path).during(|| format!("reading the patch '{path}'"))?;
            elsewhere = loader.elsewhere_of(path, &content);
            (String::from_utf8_lossy(&content).into_owned(), Some(file))
        }
        _ => return Err(Error::rule("`patch` and `path` of a patch can't be set at the same time")),
    };
    let source = file.as_ref().map_or_else(|| "an inline patch".to_owned(), TreePath::to_string);
    let content = content_of(&text, file.as_ref().unwrap_or(loader.folder()), &source)?;
    // The original never reads the target of a patch that says nothing.
    let target = patch.target.as_ref().filter(|_| !content.is_empty());
    let target = target.map(Matcher::new).transpose()?;
    Ok(AnyPatch { file, elsewhere, content, target, options: patch.options.unwrap_or_default(), source })
}

fn content_of(text: &str, file: &TreePath, source: &str) -> Result<Content, Error> {
    match (objects::read(text.as_bytes(), file), JsonPatch::parse(text)) {
        (Ok(objects), Ok(json)) if !objects.is_empty() && !json.is_empty() => {
            Err(Error::rule(format!("{source}: illegally qualifies as both an SM and JSON patch")))
        }
        (Ok(objects), _) => Ok(Content::Merge(objects, text.into())),
        (Err(_), Ok(json)) => Ok(Content::Json(json)),
        (Err(as_objects), Err(_)) => {
            Err(as_objects).during(|| format!("unable to parse SM or JSON patch from {source}"))
        }
    }
}

impl Transformer for AnyPatch {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        self.transform_by_part(resources, &mut |_, _| {})
    }

    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        match &self.content {
            content if content.is_empty() => Ok(()),
            Content::Merge(patches, text) => match &self.target {
                Some(target) => {
                    self.merge_selected(resources, patches, text, target)?;
                    patches.iter().for_each(|patch| after(resources, &self.part_of(patch)));
                    Ok(())
                }
                None => patches.iter().try_for_each(|patch| {
                    self.merge_named(resources, patch, text)?;
                    after(resources, &self.part_of(patch));
                    Ok(())
                }),
            },
            Content::Json(patch) => {
                self.apply_json(resources, patch)?;
                let part = self.file.clone().map_or(Part::Entry(0), Part::File);
                after(resources, &part.of(self.elsewhere.as_ref()));
                Ok(())
            }
        }
    }
}

impl AnyPatch {
    fn part_of(&self, patch: &Resource) -> Part {
        part_of(patch, self.file.is_some(), 0).of(self.elsewhere.as_ref())
    }

    fn merge_named(&self, resources: &mut Resources, patch: &Resource, text: &Arc<str>) -> Result<(), Error> {
        let id = patch.id_in(resources.types());
        let problem = match resources.by_any_id(&id)[..] {
            [at] => {
                let what = || format!("applying {} to {id}", self.source);
                return apply_to(resources, at, patch, text_of(patch, text), self.options).during(what);
            }
            [] => "no matches for Id",
            _ => "multiple matches for Id",
        };
        Err(Error::rule(format!("{}: {problem} {id}; failed to find unique target for patch", self.source)))
    }

    fn merge_selected(
        &self,
        resources: &mut Resources,
        patches: &[Resource],
        text: &Arc<str>,
        target: &Matcher,
    ) -> Result<(), Error> {
        let [patch] = patches else {
            let reason = "several strategic merge patches in one `patches` entry cannot have a `target`";
            return Err(Error::rule(format!("{}: {reason}", self.source)));
        };
        for at in target.select(resources) {
            let id = resources.get(at).id();
            let patch = adapted(patch, resources.get(at))?;
            let text = PatchText { has_target: true, ..text_of(&patch, text) };
            apply_to(resources, at, &patch, text, self.options)
                .during(|| format!("applying {} to {id}", self.source))?;
        }
        resources.drop_deleted();
        match resources.conflict() {
            Some(id) => Err(Error::rule(format!("may not add resource with an already registered id: {id}"))),
            None => Ok(()),
        }
    }

    fn apply_json(&self, resources: &mut Resources, patch: &JsonPatch) -> Result<(), Error> {
        let Some(target) = &self.target else {
            return Err(Error::rule(format!("{}: must specify a target for a JSON patch", self.source)));
        };
        let selected = target.select(resources);
        let list = resources.list_mut();
        for at in selected {
            let resource = &mut list[at];
            let id = resource.id();
            resource.remember_names();
            patch_json6902::apply(patch, resource).during(|| format!("applying {} to {id}", self.source))?;
            if resource.kind().is_empty() {
                return Err(Error::rule(format!("{}: missing kind in what it makes of {id}", self.source)));
            }
        }
        Ok(())
    }
}

/// Where a patch was read: from a file, or from the text of an entry.
pub(super) fn part_of(patch: &Resource, is_in_file: bool, entry: usize) -> Part {
    match &patch.place {
        Some(place) if is_in_file => Part::Object(place.clone()),
        Some(place) => Part::Text { entry, line: place.line },
        None => Part::Entry(entry),
    }
}

/// How a patch is written that was read from a text.
pub(super) fn text_of(patch: &Resource, text: &Arc<str>) -> PatchText {
    let line = patch.place.as_ref().map_or(0, |place| place.line);
    PatchText { text: text.clone(), line, has_target: false }
}

/// The patch as it is laid over a selected object: of its version, with texts for labels.
fn adapted(patch: &Resource, target: &Resource) -> Result<Resource, Error> {
    let mut patch = patch.clone();
    for field in ["labels", "annotations"] {
        let mut map = patch.metadata_map(field);
        map.sort_unstable();
        for (key, value) in &mut map {
            if patch
                .bare_nulls
                .contains(&["metadata", field, key.as_str()].map(|key| Step::Key(key.to_owned())).to_vec())
            {
                value.clear();
            }
        }
        patch.set_metadata_map(field, map)?;
    }
    patch.object["apiVersion"] = Value::from(target.api_version());
    Ok(patch)
}

/// Merges a patch into one object. Kind and name stay unless the options let them change.
pub(crate) fn apply_to(
    resources: &mut Resources,
    at: usize,
    patch: &Resource,
    text: PatchText,
    options: PatchOptions,
) -> Result<(), Error> {
    let renames = options.allow_name_change || options.allow_kind_change;
    let resource = if renames { &mut resources.list_mut()[at] } else { resources.content_mut(at) };
    if resource.is_deleted() {
        return Ok(());
    }
    let (name, namespace, kind) = (resource.name(), resource.namespace(), resource.kind().to_owned());
    if renames {
        resource.remember_names();
    }
    resource.note_patch(text);
    strategic_merge::apply(resource, &patch.object)?;
    resource.spread_shared();
    if resource.is_deleted() {
        // The index must forget it.
        resources.list_mut();
        return Ok(());
    }
    if !options.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !options.allow_name_change {
        resource.set_name(&name)?;
    }
    resource.set_namespace(&namespace)
}
