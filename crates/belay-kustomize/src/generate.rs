//! A kustomization for a folder that has none, as Flux makes it.

use belay_filetree::{FileTree, Kind, TreePath};

use crate::error::Error;
use crate::kustomization::Kustomization;
use crate::loader::KUSTOMIZATION_FILES;

/// Lists every manifest below the folder; folders that have a kustomization are listed themselves.
pub fn generate_kustomization(tree: &dyn FileTree, folder: &TreePath) -> Result<Kustomization, Error> {
    let mut kustomization = Kustomization::default();
    collect(tree, folder, folder, &mut kustomization.resources)?;
    kustomization.fix();
    Ok(kustomization)
}

fn collect(
    tree: &dyn FileTree,
    root: &TreePath,
    folder: &TreePath,
    found: &mut Vec<String>,
) -> Result<(), Error> {
    for entry in tree.list(folder)? {
        let path = folder.child(&entry.name);
        let relative = path.relative_to(root).unwrap_or_default().to_owned();
        match entry.kind {
            Kind::Directory if has_kustomization(tree, &path)? => found.push(relative),
            Kind::Directory => collect(tree, root, &path, found)?,
            kind if kind.is_file() && is_manifest(&entry.name) => {
                // A manifest must hold objects, or the build of the folder could not read it.
                let content = tree.read(&path)?;
                crate::objects::read(&content, &path)?;
                found.push(relative);
            }
            _ => {}
        }
    }
    Ok(())
}

fn has_kustomization(tree: &dyn FileTree, folder: &TreePath) -> Result<bool, Error> {
    for name in KUSTOMIZATION_FILES {
        if tree.kind(&folder.child(name))?.is_some_and(Kind::is_file) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_manifest(name: &str) -> bool {
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    is_yaml && !KUSTOMIZATION_FILES.contains(&name)
}
