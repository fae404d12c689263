//! `patchesStrategicMerge`: objects merged into those of the same name. Of old; see `patches`.

use std::sync::Arc;

use belay_filetree::TreePath;

use super::patch::{apply_to, part_of, text_of};
use super::{AfterPart, Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::explain::{Elsewhere, Part};
use crate::kustomization::PatchOptions;
use crate::loader::Loader;
use crate::objects;
use crate::resource::{PatchText, Resource};
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let references = &setting.kustomization.patches_strategic_merge;
    if references.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Box::new(read(references, setting.loader)?)])
}

/// Reads patches: texts, or paths of files.
pub(crate) fn read(references: &[String], loader: &Loader<'_>) -> Result<StrategicMerge, Error> {
    let mut patches = Vec::new();
    for (entry, reference) in references.iter().enumerate() {
        // A text that reads as objects is the patch itself, any other names a file.
        match objects::read(reference.as_bytes(), &TreePath::root()) {
            Ok(inline) => patches.extend(placed(inline, reference, false, entry, None)),
            Err(_) => {
                let (file, content) = loader.read(reference)?;
                let elsewhere = loader.elsewhere_of(reference, &content);
                let read = objects::read(&content, &file)?;
                patches.extend(placed(read, &String::from_utf8_lossy(&content), true, entry, elsewhere));
            }
        }
    }
    if patches.is_empty() {
        return Err(Error::rule("`patchesStrategicMerge`: the patch appears to be empty"));
    }
    Ok(StrategicMerge { patches })
}

/// Patches and where they were read.
fn placed(
    patches: Vec<Resource>,
    text: &str,
    is_in_file: bool,
    entry: usize,
    elsewhere: Option<Elsewhere>,
) -> impl Iterator<Item = (Resource, PatchText, Part)> {
    let text = Arc::from(text);
    patches.into_iter().map(move |patch| {
        let part = part_of(&patch, is_in_file, entry).of(elsewhere.as_ref());
        let text = text_of(&patch, &text);
        (patch, text, part)
    })
}

pub(crate) struct StrategicMerge {
    patches: Vec<(Resource, PatchText, Part)>,
}

impl Transformer for StrategicMerge {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        self.transform_by_part(resources, &mut |_, _| {})
    }

    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        for (patch, text, part) in &self.patches {
            let id = patch.id();
            let at = match resources.by_any_id(&id)[..] {
                [at] => at,
                [] => {
                    return Err(Error::rule(format!(
                        "no matches for Id {id}; failed to find unique target for patch"
                    )));
                }
                _ => {
                    return Err(Error::rule(format!(
                        "multiple matches for Id {id}; failed to find unique target for patch"
                    )));
                }
            };
            let text = text.clone();
            apply_to(resources, at, patch, text, PatchOptions::default())
                .during(|| format!("patching {id}"))?;
            after(resources, part);
        }
        Ok(())
    }
}
