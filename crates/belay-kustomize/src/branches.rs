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
    below.extend(kustomization.openapi.get("path").map(|path| used(path, "openapi")));
    for reference in &kustomization.resources {
        below.push(of_resource(loader, reference).during(|| format!("{file}: '{reference}'"))?);
    }
    below.extend(kustomization.configurations.iter().map(|path| used(path, "configuration")));
    below.extend(kustomization.crds.iter().map(|path| used(path, "crds")));
    below.extend(generated(&kustomization));
    below.extend(of_plugins(loader, &kustomization.generators, "generator", &file)?);
    for reference in &kustomization.components {
        below.push(of_entered(loader, reference).during(|| format!("{file}: '{reference}'"))?);
    }
    below.extend(changes(&kustomization));
    below.extend(of_plugins(loader, &kustomization.transformers, "transformer", &file)?);
    below.extend(of_plugins(loader, &kustomization.validators, "validator", &file)?);
    let name = match reference.as_str() {
        "" => file.file_name().to_owned(),
        reference => format!("{}/{}", reference.trim_end_matches('/'), file.file_name()),
    };
    Ok(Branch { name, below })
}

/// A file and what it is used for.
fn used(path: &str, what: &str) -> Branch {
    Branch::leaf(format!("{path} ({what})"))
}

/// What the kustomization itself generates, and of which files.
fn generated(kustomization: &Kustomization) -> Vec<Branch> {
    let mut branches = Vec::new();
    let generators =
        [("ConfigMap", &kustomization.config_map_generator), ("Secret", &kustomization.secret_generator)];
    for (kind, generators) in generators {
        branches.extend(generators.iter().map(|generator| {
            let path_of = |source: &str| source.split_once('=').map_or(source, |(_, path)| path).to_owned();
            let files = generator.files.iter().map(|source| used(&path_of(source), "file"));
            let below = files.chain(generator.envs.iter().map(|path| used(path, "env"))).collect();
            Branch { name: format!("{kind}/{} (generated)", generator.name), below }
        }));
    }
    branches.extend(kustomization.helm_charts.iter().map(|chart| {
        let own = Some(&chart.values_file).filter(|path| !path.is_empty());
        let files = own.into_iter().chain(&chart.additional_values_files);
        Branch {
            name: format!("{} (chart)", chart.name),
            below: files.map(|path| used(path, "values")).collect(),
        }
    }));
    branches
}

/// The files that change objects, in the order of the build. Texts are part of the kustomization.
fn changes(kustomization: &Kustomization) -> Vec<Branch> {
    let merged = kustomization.patches_strategic_merge.iter().filter(|text| !is_inline(text));
    let patches = kustomization.patches.iter().map(|patch| &patch.path);
    let patches = merged.chain(patches).chain(kustomization.patches_json6902.iter().map(|patch| &patch.path));
    let replacements =
        kustomization.replacements.iter().map(|replacement| (&replacement.path, "replacements"));
    let files = patches.map(|path| (path, "patch")).chain(replacements);
    files.filter(|(path, _)| !path.is_empty()).map(|(path, what)| used(path, what)).collect()
}

fn is_inline(text: &str) -> bool {
    objects::read(text.as_bytes(), &TreePath::root()).is_ok()
}

/// The files and folders that configure plugins.
fn of_plugins(
    loader: &Loader<'_>,
    references: &[String],
    what: &str,
    file: &TreePath,
) -> Result<Vec<Branch>, Error> {
    let mut branches = Vec::new();
    for reference in references.iter().filter(|reference| !is_inline(reference)) {
        let mut branch = of_resource(loader, reference).during(|| format!("{file}: '{reference}'"))?;
        branch.name.push_str(&format!(" ({what})"));
        branches.push(branch);
    }
    Ok(branches)
}

fn of_resource(loader: &Loader<'_>, reference: &str) -> Result<Branch, Error> {
    if let Some((file, content)) = loader.read_if_file(reference)? {
        let objects = objects::read(&content, &file)?;
        let name = |object: &crate::resource::Resource| format!("{}/{}", object.kind(), object.name());
        let below = objects.iter().map(|object| Branch::leaf(name(object))).collect();
        return Ok(Branch { name: reference.to_owned(), below });
    }
    of_entered(loader, reference)
}

fn of_entered(loader: &Loader<'_>, reference: &str) -> Result<Branch, Error> {
    match loader.enter(reference) {
        Err(Error::Remote { .. }) => Ok(Branch::leaf(format!("{reference} (remote)"))),
        inner => of_folder(&inner?, reference.to_owned()),
    }
}
