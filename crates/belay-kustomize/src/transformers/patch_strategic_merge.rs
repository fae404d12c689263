//! `patchesStrategicMerge`: objects merged into those of the same name. Of old; see `patches`.

use belay_filetree::TreePath;

use super::patch::{apply_to, part_of};
use super::{AfterPart, Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::explain::{Elsewhere, Part};
use crate::kustomization::PatchOptions;
use crate::loader::Loader;
use crate::objects;
use crate::resource::Resource;
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
            Ok(inline) => patches.extend(placed(inline, false, entry, None)),
            Err(_) => {
                let (file, content) = loader.read(reference)?;
                let elsewhere = loader.elsewhere_of(reference, &content);
                patches.extend(placed(objects::read(&content, &file)?, true, entry, elsewhere));
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
    is_in_file: bool,
    entry: usize,
    elsewhere: Option<Elsewhere>,
) -> impl Iterator<Item = (Resource, Part)> {
    patches.into_iter().map(move |patch| {
        let part = part_of(&patch, is_in_file, entry).of(elsewhere.as_ref());
        (patch, part)
    })
}

pub(crate) struct StrategicMerge {
    patches: Vec<(Resource, Part)>,
}

impl Transformer for StrategicMerge {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        self.transform_by_part(resources, &mut |_, _| {})
    }

    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        for (patch, part) in &self.patches {
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
            apply_to(resources, at, patch, PatchOptions::default()).during(|| format!("patching {id}"))?;
            after(resources, part);
        }
        Ok(())
    }
}
