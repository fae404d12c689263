//! Which kustomization reads which files, and the objects in them.

use belay_filetree::{FileTree, TreePath};

use crate::error::{During, Error};
use crate::kustomization::Kustomization;
use crate::loader::Loader;
use crate::objects;
use crate::options::BuildOptions;

/// A kustomization, a file or an object, and what lies below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// As it is referred to: a path, or `Kind/name`.
    pub name: String,
    /// What it reads, in the order of the build.
    pub below: Vec<Branch>,
}

impl Branch {
    fn leaf(name: impl Into<String>) -> Branch {
        Branch { name: name.into(), below: Vec::new() }
    }
}

/// The kustomization in the folder with everything it refers to. What lies elsewhere is named and
/// not looked into.
pub fn tree(tree: &dyn FileTree, folder: &TreePath, options: &BuildOptions) -> Result<Branch, Error> {
    let loader = Loader::new(tree, folder, options.load_restrictor, None)?;
    of_folder(&loader, String::new())
}

fn of_folder(loader: &Loader<'_>, reference: String) -> Result<Branch, Error> {
    let missing = || Error::NoKustomization { folder: loader.folder().clone() };
    let file = loader.kustomization_file()?.ok_or_else(missing)?;
    let (file, content) = loader.read(file.file_name())?;
    let kustomization = Kustomization::parse(&content, &file)?;
    let mut below = Vec::new();
    for reference in &kustomization.resources {
        below.push(of_resource(loader, reference).during(|| format!("{file}: '{reference}'"))?);
    }
    let generated =
        [("ConfigMap", &kustomization.config_map_generator), ("Secret", &kustomization.secret_generator)];
    for (kind, generators) in generated {
        let names = generators.iter().map(|generator| format!("{kind}/{} (generated)", generator.name));
        below.extend(names.map(Branch::leaf));
    }
    for chart in &kustomization.helm_charts {
        below.push(Branch::leaf(format!("{} (chart)", chart.name)));
    }
    for reference in &kustomization.components {
        let inner = loader.enter(reference).and_then(|inner| of_folder(&inner, reference.clone()));
        below.push(inner.during(|| format!("{file}: '{reference}'"))?);
    }
    let patches = kustomization.patches.iter().chain(&kustomization.patches_json6902);
    let patches = patches.map(|patch| patch.path.as_str()).filter(|path| !path.is_empty());
    below.extend(patches.map(|path| Branch::leaf(format!("{path} (patch)"))));
    let name = match reference.as_str() {
        "" => file.file_name().to_owned(),
        reference => format!("{}/{}", reference.trim_end_matches('/'), file.file_name()),
    };
    Ok(Branch { name, below })
}

fn of_resource(loader: &Loader<'_>, reference: &str) -> Result<Branch, Error> {
    if let Some((file, content)) = loader.read_if_file(reference)? {
        let objects = objects::read(&content, &file)?;
        let name = |object: &crate::resource::Resource| format!("{}/{}", object.kind(), object.name());
        let below = objects.iter().map(|object| Branch::leaf(name(object))).collect();
        return Ok(Branch { name: reference.to_owned(), below });
    }
    match loader.enter(reference) {
        Err(Error::Remote { .. }) => Ok(Branch::leaf(format!("{reference} (remote)"))),
        inner => of_folder(&inner?, reference.to_owned()),
    }
}
