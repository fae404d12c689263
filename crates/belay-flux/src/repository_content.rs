//! What a GitRepository's files are made of: its own, of which perhaps some, those of submodules, those of others.

use std::collections::BTreeSet;
use std::sync::Arc;

use belay_filetree::{ComposedTree, FileTree, Kind, SparseTree, TreePath};
use belay_flux_api::{Artifact, GitRepository, GitRepositoryInclude};
use belay_manifest::ObjectKey;
use belay_source::{Checkout, Request, with_submodules};

use crate::context::Context;
use crate::depends::includes;
use crate::external_artifact::artifact;
use crate::repository::Fault;

/// The files, and the artifacts of others that are among them.
pub(crate) struct Content {
    pub(crate) checkout: Checkout,
    pub(crate) included: Vec<Artifact>,
}

/// Puts everything together that the spec asks for.
pub(crate) async fn compose(
    context: &Context,
    key: &ObjectKey,
    repository: &GitRepository,
    request: &Request,
    checkout: Checkout,
) -> Result<Content, Fault> {
    let spec = &repository.spec;
    let mut tree = checkout.tree.clone();
    if spec.recurse_submodules {
        let whole = with_submodules(context.repositories.as_ref(), request, tree).await;
        tree = whole.map_err(|error| {
            let reason = belay_causes::chain(&error);
            git_fault(format!("failed to checkout and determine revision: {reason}"))
        })?;
    }
    if !spec.sparse_checkout.is_empty() {
        tree = sparse(tree, &spec.sparse_checkout)?;
    }
    let mut included = Vec::new();
    for include in &spec.include {
        let (with, artifact) = with_include(context, key, tree, include)?;
        tree = with;
        included.push(artifact);
    }
    Ok(Content { checkout: Checkout { tree, ..checkout }, included })
}

fn fault(reason: &'static str, message: String) -> Fault {
    Fault { reason, message, is_final: false }
}

fn git_fault(message: String) -> Fault {
    fault("GitOperationFailed", message)
}

fn sparse(tree: Arc<dyn FileTree>, folders: &[String]) -> Result<Arc<dyn FileTree>, Fault> {
    for folder in folders {
        let failed = |reason: String| {
            let place = format!("sparse checkout dir '{folder}'");
            git_fault(format!("failed to sparse checkout directories : {place} {reason}"))
        };
        let path = TreePath::parse(folder).map_err(|error| failed(format!("cannot be resolved: {error}")))?;
        let found = tree.lookup(&path).map_err(|error| failed(belay_causes::chain(&error)))?;
        if found.is_none() {
            return Err(failed("does not exist in repository: no such file or directory".to_owned()));
        }
    }
    let beginnings = folders.iter().map(|folder| folder.strip_prefix("./").unwrap_or(folder).to_owned());
    Ok(Arc::new(SparseTree::new(tree, beginnings.collect())))
}

fn with_include(
    context: &Context,
    key: &ObjectKey,
    tree: Arc<dyn FileTree>,
    include: &GitRepositoryInclude,
) -> Result<(Arc<dyn FileTree>, Artifact), Fault> {
    let name = &include.repository.name;
    let other = ObjectKey { name: name.clone(), ..key.clone() };
    if leads_back(context, &other, key) {
        let message = format!("`spec.include` of '{name}', which includes this one, is not supported yet");
        return Err(Fault { is_final: true, ..fault("NotSupported", message) });
    }
    let Some(object) = context.live.get(&other) else {
        let reason = format!("gitrepositories.source.toolkit.fluxcd.io {name:?} not found");
        return Err(fault("NotFound", format!("could not get resource for include '{name}': {reason}")));
    };
    let (Some(artifact), Some(source)) = (artifact(&object), context.source(&other)) else {
        return Err(fault("NoArtifact", format!("no artifact available for include '{name}'")));
    };
    let to = if include.to_path.is_empty() { name } else { &include.to_path };
    let at = TreePath::parse(to).ok().filter(|path| !path.is_root()).ok_or_else(|| {
        let reason = format!("{to:?} is no path inside of the repository");
        fault("IllegalPath", format!("path calculation for include '{name}' failed: {reason}"))
    })?;
    let copy_failed = |reason: String| {
        let from = &include.from_path;
        fault("CopyFailure", format!("failed to copy '{name}' include from {from} to {to}: {reason}"))
    };
    let from = TreePath::parse(&include.from_path).map_err(|error| copy_failed(error.to_string()))?;
    let files = source.files();
    let kind = |tree: &dyn FileTree, path: &TreePath| {
        tree.lookup(path)
            .map(|found| found.map(|entry| entry.kind))
            .map_err(|error| copy_failed(error.to_string()))
    };
    if kind(&files, &from)?.is_none() {
        return Err(copy_failed("no such file or directory".to_owned()));
    }
    if kind(tree.as_ref(), &at)? == Some(Kind::Directory) {
        return Err(copy_failed("file exists".to_owned()));
    }
    let mut with = ComposedTree::new(tree);
    with.put(at, Arc::new(files), from);
    Ok((Arc::new(with), artifact))
}

/// Whether what one includes, directly or by others, is `back`.
fn leads_back(context: &Context, one: &ObjectKey, back: &ObjectKey) -> bool {
    let (mut left, mut seen) = (vec![one.clone()], BTreeSet::new());
    while let Some(key) = left.pop() {
        if key == *back {
            return true;
        }
        if !seen.insert(key.clone()) {
            continue;
        }
        let Some(object) = context.live.get(&key) else { continue };
        left.extend(includes(object.value()).map(|name| ObjectKey { name: name.to_owned(), ..key.clone() }));
    }
    false
}
