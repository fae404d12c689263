//! `patchesJson6902`: JSON patches, each with a target. Of old; `patches` does the same.

use belay_filetree::TreePath;

use super::{AfterPart, Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::explain::Part;
use crate::json_patch::JsonPatch;
use crate::kustomization::Patch;
use crate::loader::Loader;
use crate::resource::Resource;
use crate::resources::Resources;
use crate::selector::Matcher;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let patches = setting.kustomization.patches_json6902.iter();
    patches
        .map(|patch| read(patch, setting.loader).map(|patch| Box::new(patch) as Box<dyn Transformer>))
        .collect()
}

pub(crate) struct TargetedJsonPatch {
    patch: JsonPatch,
    target: Matcher,
    /// Where it was read, if not in the kustomization.
    part: Part,
    source: String,
}

pub(crate) fn read(patch: &Patch, loader: &Loader<'_>) -> Result<TargetedJsonPatch, Error> {
    let target = patch.target.as_ref().filter(|target| !target.name.is_empty());
    let target =
        target.ok_or_else(|| Error::rule("a patch of `patchesJson6902` must specify the target name"))?;
    let mut elsewhere = None;
    let (text, file) = match (patch.path.as_str(), patch.patch.as_str()) {
        ("", "") => return Err(Error::rule("a patch of `patchesJson6902` has neither `path` nor `patch`")),
        (path, "") => {
            let (file, content) = loader.read(path)?;
            elsewhere = loader.elsewhere_of(path, &content);
            (String::from_utf8_lossy(&content).into_owned(), Some(file))
        }
        ("", text) => (text.to_owned(), None),
        _ => return Err(Error::rule("a patch of `patchesJson6902` has both `path` and `patch`")),
    };
    let inline = || "an inline patch of `patchesJson6902`".to_owned();
    let source = file.as_ref().map_or_else(inline, TreePath::to_string);
    let parsed = JsonPatch::parse(&text).during(|| format!("reading {source}"))?;
    if parsed.is_empty() {
        return Err(Error::rule(format!("{source}: the patch appears to be empty")));
    }
    let part = file.map_or(Part::Entry(0), Part::File).of(elsewhere.as_ref());
    Ok(TargetedJsonPatch { patch: parsed, target: Matcher::new(target)?, part, source })
}

impl Transformer for TargetedJsonPatch {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        let selected = self.target.select(resources);
        let list = resources.list_mut();
        for at in selected {
            let resource = &mut list[at];
            let id = resource.id();
            apply(&self.patch, resource).during(|| format!("applying {} to {id}", self.source))?;
        }
        Ok(())
    }

    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        self.transform(resources)?;
        after(resources, &self.part);
        Ok(())
    }
}

/// Lays a patch over an object. The original does it in JSON, with the keys in their order.
pub(super) fn apply(patch: &JsonPatch, resource: &mut Resource) -> Result<(), Error> {
    resource.pass_through_json();
    resource.show_origin()?;
    patch.apply(&mut resource.object)?;
    resource.object.sort_all_objects();
    resource.hide_origin();
    resource.note_json();
    Ok(())
}
