//! Files and folders as one kustomization may read them.

use belay_filetree::{FileTree, Kind, TreeError, TreePath};

use crate::error::Error;
use crate::options::LoadRestrictor;

/// The names a kustomization file may have.
pub(crate) const KUSTOMIZATION_FILES: [&str; 3] =
    ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Folders nested deeper than this are taken for an attack.
const MAX_DEPTH: usize = 200;

/// Reads for the kustomization in one folder.
#[derive(Clone)]
pub(crate) struct Loader<'t> {
    tree: &'t dyn FileTree,
    restrictor: LoadRestrictor,
    /// The folders from the first kustomization to this one.
    chain: Vec<TreePath>,
}

impl<'t> Loader<'t> {
    pub(crate) fn new(
        tree: &'t dyn FileTree,
        folder: &TreePath,
        restrictor: LoadRestrictor,
    ) -> Result<Loader<'t>, Error> {
        let folder = real_folder(tree, folder)?;
        Ok(Loader { tree, restrictor, chain: vec![folder] })
    }

    pub(crate) fn folder(&self) -> &TreePath {
        self.chain.last().expect("a loader is made with a folder")
    }

    /// A loader for another folder, which must not be one that led here, nor hold one.
    pub(crate) fn enter(&self, reference: &str) -> Result<Loader<'t>, Error> {
        if reference.is_empty() {
            return Err(Error::rule("new root cannot be empty"));
        }
        if is_remote(reference) {
            return Err(self.remote(reference));
        }
        if reference.split('/').any(|part| part != ".." && part.contains("..")) {
            return Err(Error::rule(format!(
                "path '{reference}' is ambiguous: a part of it only contains '..'"
            )));
        }
        let path = self.folder().join(reference).map_err(TreeError::from)?;
        let folder = real_folder(self.tree, &path)?;
        let mut chain = self.chain.clone();
        let cycle = chain.iter().any(|visited| visited.is_within(&folder));
        chain.push(folder);
        if cycle {
            return Err(Error::Cycle { chain });
        }
        if chain.len() > MAX_DEPTH {
            return Err(Error::rule(format!("kustomizations are nested more than {MAX_DEPTH} deep")));
        }
        Ok(Loader { tree: self.tree, restrictor: self.restrictor, chain })
    }

    /// The path a reference leads to, if a file stands there.
    pub(crate) fn is_file(&self, reference: &str) -> Result<bool, Error> {
        let Ok(path) = self.folder().join(reference) else { return Ok(false) };
        Ok(self.tree.kind(&path)?.is_some_and(Kind::is_file))
    }

    /// The path and bytes of a file the kustomization names.
    pub(crate) fn read(&self, reference: &str) -> Result<(TreePath, Vec<u8>), Error> {
        if is_url(reference) {
            return Err(self.remote(reference));
        }
        let path = self.folder().join(reference).map_err(TreeError::from)?;
        if self.restrictor == LoadRestrictor::RootOnly {
            self.check_within(&path)?;
        }
        let content = self.tree.read(&path)?;
        Ok((path, content.to_vec()))
    }

    fn check_within(&self, path: &TreePath) -> Result<(), Error> {
        match self.tree.resolve(path)? {
            Some((real, _)) if !real.is_within(self.folder()) => {
                Err(Error::Restricted { path: path.clone(), folder: self.folder().clone() })
            }
            _ => Ok(()),
        }
    }

    /// The kustomization file of the folder.
    pub(crate) fn kustomization_file(&self) -> Result<Option<TreePath>, Error> {
        let mut found = Vec::new();
        for name in KUSTOMIZATION_FILES {
            let path = self.folder().child(name);
            if self.tree.kind(&path)?.is_some_and(Kind::is_file) {
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

fn is_url(reference: &str) -> bool {
    reference.starts_with("http://") || reference.starts_with("https://")
}

/// Whether a reference names another repository rather than a folder.
pub(crate) fn is_remote(reference: &str) -> bool {
    const HOSTS: [&str; 5] = ["github.com/", "github.com:", "git@", "git::", "gh:"];
    reference.contains("://") || HOSTS.iter().any(|host| reference.to_lowercase().starts_with(host))
}
