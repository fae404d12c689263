//! Files and folders as one kustomization may read them.

use std::sync::Arc;

use belay_filetree::{Entry, FileTree, Kind, TreeError, TreePath};
use bytes::Bytes;

use crate::error::Error;
use crate::explain::Elsewhere;
use crate::options::LoadRestrictor;
use crate::remote::{RemoteRepository, Remotes};

/// The names a kustomization file may have.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Folders nested deeper than this are taken for an attack.
const MAX_DEPTH: usize = 200;

/// Reads for the kustomization in one folder.
#[derive(Clone)]
pub(crate) struct Loader<'t> {
    tree: Tree<'t>,
    restrictor: LoadRestrictor,
    /// Whether a path from the root of the disk leads to the same place in the tree.
    is_whole_disk: bool,
    remotes: Option<&'t dyn Remotes>,
    /// The folders from the first kustomization of this tree to this one.
    chain: Vec<TreePath>,
    /// The repositories that led here.
    repositories: Vec<RemoteRepository>,
}

/// The tree that is built, or one that was fetched on the way.
#[derive(Clone)]
enum Tree<'t> {
    Given(&'t dyn FileTree),
    Fetched(Arc<dyn FileTree>),
}

impl<'t> Loader<'t> {
    pub(crate) fn new(
        tree: &'t dyn FileTree,
        folder: &TreePath,
        restrictor: LoadRestrictor,
        remotes: Option<&'t dyn Remotes>,
    ) -> Result<Loader<'t>, Error> {
        let chain = vec![real_folder(tree, folder)?];
        let tree = Tree::Given(tree);
        Ok(Loader { tree, restrictor, is_whole_disk: false, remotes, chain, repositories: Vec::new() })
    }

    /// The same loader, for a tree that may be the whole disk.
    pub(crate) fn of_whole_disk(self, is_whole_disk: bool) -> Loader<'t> {
        Loader { is_whole_disk, ..self }
    }

    pub(crate) fn tree(&self) -> &dyn FileTree {
        match &self.tree {
            Tree::Given(tree) => *tree,
            Tree::Fetched(tree) => tree.as_ref(),
        }
    }

    pub(crate) fn restrictor(&self) -> LoadRestrictor {
        self.restrictor
    }

    /// The same loader for a tree that shows the same.
    pub(crate) fn over<'s>(&'s self, tree: &'s dyn FileTree) -> Loader<'s> {
        let same: Loader<'s> = self.clone();
        Loader { tree: Tree::Given(tree), ..same }
    }

    pub(crate) fn remotes(&self) -> Option<&'t dyn Remotes> {
        self.remotes
    }

    /// Whether files come from the tree that was given, rather than one fetched on the way.
    pub(crate) fn is_given(&self) -> bool {
        matches!(self.tree, Tree::Given(_))
    }

    /// Whose files are read, if not those of the tree that was given.
    pub(crate) fn elsewhere(&self) -> Option<Elsewhere> {
        let Tree::Fetched(tree) = &self.tree else { return None };
        let RemoteRepository { url, reference, .. } = self.repositories.last()?;
        let name = if reference.is_empty() { url.clone() } else { format!("{url}?ref={reference}") };
        Some(Elsewhere { name, tree: tree.clone() })
    }

    /// The folders that led here, this one last.
    pub(crate) fn chain(&self) -> &[TreePath] {
        &self.chain
    }

    pub(crate) fn folder(&self) -> &TreePath {
        self.chain.last().expect("a loader is made with a folder")
    }

    /// A loader for another folder, which must not be one that led here, nor hold one.
    pub(crate) fn enter(&self, reference: &str) -> Result<Loader<'t>, Error> {
        if reference.is_empty() {
            return Err(Error::rule("new root cannot be empty"));
        }
        if let Some(repository) = RemoteRepository::parse(reference) {
            return self.enter_repository(reference, repository);
        }
        if is_remote(reference) {
            return Err(self.remote(reference));
        }
        if reference.split('/').any(|part| part != ".." && part.contains("..")) {
            return Err(Error::rule(format!(
                "path '{reference}' is ambiguous: a part of it only contains '..'"
            )));
        }
        if reference.starts_with('/') {
            return Err(Error::rule(format!("new root '{reference}' cannot be absolute")));
        }
        let path = self.path_of(reference)?;
        let folder = real_folder(self.tree(), &path)?;
        let mut inner = self.clone();
        let cycle = inner.chain.iter().any(|visited| visited.is_within(&folder));
        inner.chain.push(folder);
        if cycle {
            return Err(Error::Cycle { chain: inner.chain });
        }
        inner.check_depth()
    }

    fn check_depth(self) -> Result<Loader<'t>, Error> {
        if self.chain.len() + self.repositories.len() > MAX_DEPTH {
            return Err(Error::rule(format!("kustomizations are nested more than {MAX_DEPTH} deep")));
        }
        Ok(self)
    }

    fn enter_repository(&self, reference: &str, repository: RemoteRepository) -> Result<Loader<'t>, Error> {
        let remotes = self.remotes.ok_or_else(|| self.remote(reference))?;
        if self.repositories.contains(&repository) {
            return Err(Error::rule(format!("cycle detected: '{reference}' leads back to itself")));
        }
        let fetched = remotes.repository(&repository);
        let tree = fetched.map_err(|reason| Error::rule(format!("fetching '{reference}': {reason}")))?;
        let path = TreePath::root().join(&repository.folder).map_err(TreeError::from)?;
        let chain = vec![real_folder(tree.as_ref(), &path)?];
        let mut repositories = self.repositories.clone();
        repositories.push(repository);
        // Another repository is never allowed more than its own folders.
        let restrictor = LoadRestrictor::RootOnly;
        let tree = Tree::Fetched(tree);
        Loader { tree, restrictor, is_whole_disk: false, remotes: Some(remotes), chain, repositories }
            .check_depth()
    }

    /// Where in the tree a reference leads.
    pub(crate) fn path_of(&self, reference: &str) -> Result<TreePath, TreeError> {
        let path = match reference.strip_prefix('/') {
            Some(below) if self.is_whole_disk => TreePath::root().join(below.trim_start_matches('/')),
            _ => self.folder().join(reference),
        };
        Ok(path?)
    }

    /// The file at a URL.
    pub(crate) fn read_url(&self, url: &str) -> Result<Vec<u8>, Error> {
        let remotes = self.remotes.ok_or_else(|| self.remote(url))?;
        match remotes.file(url) {
            Ok(Some(content)) => Ok(content),
            Ok(None) => Err(Error::rule(format!("'{url}' is no file"))),
            Err(reason) => Err(Error::rule(format!("fetching '{url}': {reason}"))),
        }
    }

    /// The path and bytes of the file a reference leads to, if a file stands there.
    pub(crate) fn read_if_file(&self, reference: &str) -> Result<Option<(TreePath, Bytes)>, Error> {
        let Ok(path) = self.path_of(reference) else { return Ok(None) };
        match self.find(&path)? {
            Some((real, entry)) if entry.kind.is_file() => {
                self.check_within(&path, &real)?;
                let content = self.tree().load(&real)?;
                Ok(Some((path, content)))
            }
            _ => Ok(None),
        }
    }

    /// The path and bytes of a file the kustomization names.
    pub(crate) fn read(&self, reference: &str) -> Result<(TreePath, Bytes), Error> {
        if is_url(reference) {
            let content = self.read_url(reference)?;
            return Ok((Elsewhere::path(reference), content.into()));
        }
        let path = self.path_of(reference)?;
        self.read_at(&path)
    }

    /// What was read at a reference, if that is a URL.
    pub(crate) fn elsewhere_of(&self, reference: &str, content: &[u8]) -> Option<Elsewhere> {
        is_url(reference).then(|| Elsewhere::file(reference, content))
    }

    /// The path and bytes of a file by its place in the tree.
    pub(crate) fn read_at(&self, path: &TreePath) -> Result<(TreePath, Bytes), Error> {
        let Some((real, entry)) = self.find(path)? else {
            return Err(TreeError::NotFound { path: path.clone() }.into());
        };
        self.check_within(path, &real)?;
        if !entry.kind.is_file() {
            return Err(TreeError::IsDirectory { path: path.clone() }.into());
        }
        Ok((path.clone(), self.tree().load(&real)?))
    }

    /// Where a path leads. The folder's own path has no links, so a file in it needs no walk.
    fn find(&self, path: &TreePath) -> Result<Option<(TreePath, Entry)>, TreeError> {
        if path.parent().as_ref() == Some(self.folder())
            && let Some(entry) = self.tree().lookup(path)?
            && entry.kind.is_file()
        {
            return Ok(Some((path.clone(), entry)));
        }
        self.tree().resolve(path)
    }

    fn check_within(&self, path: &TreePath, real: &TreePath) -> Result<(), Error> {
        if self.restrictor == LoadRestrictor::RootOnly && !real.is_within(self.folder()) {
            return Err(Error::Restricted { path: path.clone(), folder: self.folder().clone() });
        }
        Ok(())
    }

    /// The kustomization file of the folder.
    pub(crate) fn kustomization_file(&self) -> Result<Option<TreePath>, Error> {
        let mut found = Vec::new();
        for name in KUSTOMIZATION_FILES {
            let path = self.folder().child(name);
            if self.tree().kind(&path)?.is_some_and(Kind::is_file) {
                found.push(path);
            }
        }
        if found.len() > 1 {
            return Err(Error::SeveralKustomizations { folder: self.folder().clone() });
        }
        Ok(found.pop())
    }

    fn remote(&self, reference: &str) -> Error {
        Error::Remote { folder: self.folder().clone(), reference: reference.to_owned() }
    }
}

fn real_folder(tree: &dyn FileTree, path: &TreePath) -> Result<TreePath, Error> {
    match tree.resolve(path)? {
        Some((real, entry)) if entry.kind == Kind::Directory => Ok(real),
        Some(_) => Err(TreeError::NotDirectory { path: path.clone() }.into()),
        None => Err(TreeError::NotFound { path: path.clone() }.into()),
    }
}

/// Whether a reference may be a file by URL.
pub(crate) fn is_url(reference: &str) -> bool {
    reference.starts_with("http://") || reference.starts_with("https://")
}

/// Whether a reference names another repository rather than a folder.
pub(crate) fn is_remote(reference: &str) -> bool {
    const HOSTS: [&str; 5] = ["github.com/", "github.com:", "git@", "git::", "gh:"];
    reference.contains("://") || HOSTS.iter().any(|host| reference.to_lowercase().starts_with(host))
}
