//! A build: kustomizations gathered from the leaves up, then names hashed and references fixed.

use std::cell::OnceCell;

use belay_filetree::{FileTree, TreePath};

use crate::bases::Bases;
use crate::error::{During, Error};
use crate::explain::Tracer;
use crate::kustomization::Kustomization;
use crate::loader::Loader;
use crate::options::{BuildOptions, Reorder};
use crate::output::{Build, finish};
use crate::resources::Resources;
use crate::target::{Gathered, Session, Target};
use crate::transformers::Transformer;
use crate::transformers::hash::Hash;
use crate::transformers::name_reference::NameReferences;
use crate::transformers::sort_order;

/// Builds the kustomization in a folder of the tree.
pub fn build(tree: &dyn FileTree, folder: &TreePath, options: &BuildOptions) -> Result<Build, Error> {
    let loader = Loader::new(tree, folder, options.load_restrictor, options.remotes.as_deref())?;
    let loader = loader.of_whole_disk(options.is_whole_disk);
    let target = Target::load_root(&loader, options)?;
    let session = Session {
        helm: options.helm.as_ref(),
        most_objects: options.max_objects.unwrap_or(usize::MAX),
        records: !target.kustomization().build_metadata.is_empty(),
        tracer: options.explain.as_ref().map(Tracer::new),
        bases: Bases::new(options.bases.clone()),
        types: OnceCell::new(),
    };
    let mut gathered = target.gather(Gathered::default(), &loader, &session)?;
    name(&mut gathered, &session).during(|| format!("{}: naming objects", target.file()))?;
    let mut resources = gathered.resources;
    sort(&mut resources, target.kustomization(), options.reorder)
        .during(|| format!("{}: sorting objects", target.file()))?;
    finish(resources, target.kustomization(), options)
}

/// What is done once, at the end, with all objects together.
fn name(gathered: &mut Gathered, session: &Session<'_>) -> Result<(), Error> {
    let resources = &mut gathered.resources;
    Hash.transform(resources)?;
    let tracer = session.tracer.as_ref();
    if let Some(tracer) = tracer {
        tracer.note_hashes(resources);
    }
    let Some(configuration) = &gathered.configuration else { return Ok(()) };
    let references = NameReferences::new(&configuration.name_reference, tracer.is_some());
    references.transform(resources)?;
    if let Some(tracer) = tracer {
        tracer.note_references(resources, &references.followed());
    }
    let values = gathered.variables.resolve(resources, &configuration.var_reference)?;
    if let Some(tracer) = tracer {
        tracer.note_variables(resources, &gathered.variables, &values);
    }
    Ok(())
}

fn sort(resources: &mut Resources, kustomization: &Kustomization, reorder: Reorder) -> Result<(), Error> {
    match &kustomization.sort_options {
        Some(options) => sort_order::sort_by(resources, options),
        None if reorder == Reorder::Legacy => {
            sort_order::sort_default(resources);
            Ok(())
        }
        None => Ok(()),
    }
}
