//! A kustomization, as manifests.

use belay_filetree::{FileTree, TreePath};
use belay_kustomize::{BuildOptions, build};
use belay_manifest::{Manifest, Object, Origin};

use crate::error::RenderError;

/// Objects of one build; more is a mistake or an attack.
const MOST_OBJECTS: usize = 20_000;
/// Bytes of all objects of one build.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// Builds the folder within limits; `options` says how.
pub fn render_kustomize(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: BuildOptions,
) -> Result<Vec<Manifest>, RenderError> {
    let options =
        BuildOptions { max_objects: Some(MOST_OBJECTS), max_output_bytes: Some(MOST_BYTES), ..options };
    let built = build(tree, folder, &options)
        .map_err(|source| RenderError::Kustomize { path: folder.clone(), source: Box::new(source) })?;
    let mut manifests = Vec::with_capacity(built.objects.len());
    for built in built.objects {
        let origin = match built.place {
            Some(place) => Origin { file: place.file.as_str().to_owned(), line: place.line },
            None => Origin { file: folder.as_str().to_owned(), line: 0 },
        };
        let object = Object::new(built.object)
            .map_err(|source| RenderError::Object { origin: origin.to_string(), source })?;
        manifests.push(Manifest { object, origin });
    }
    Ok(manifests)
}
