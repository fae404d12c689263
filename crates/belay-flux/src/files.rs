//! The files of a source as its consumers see them: without what Flux leaves out of an artifact.

use belay_filetree::{DirEntry, Entry, FileTree, TreeError, TreePath};
use bytes::Bytes;

/// Names that are left out wherever they are.
const NAMES: &[&str] = &[
    ".git",
    ".gitignore",
    ".gitmodules",
    ".gitattributes",
    ".goreleaser.yml",
    ".goreleaser.brew.yml",
    ".sops.yaml",
    ".flux.yaml",
];
/// Files and folders of CI systems.
const CI_NAMES: &[&str] =
    &[".github", ".circleci", ".travis.yml", ".gitlab-ci.yml", "appveyor.yml", ".drone.yml"];
const ENDINGS: &[&str] = &[".jpg", ".jpeg", ".gif", ".png", ".wmv", ".flv", ".tar.gz", ".zip"];
/// The file by which a repository says itself what is left out.
const OWN_LIST: &str = ".sourceignore";

/// A tree without the files that Flux excludes by default.
pub(crate) struct SourceFiles<'a>(pub(crate) &'a dyn FileTree);

/// Whether the root asks for its own exclusions, which are not built yet.
pub(crate) fn has_own_list(tree: &dyn FileTree) -> Result<bool, TreeError> {
    Ok(tree.lookup(&TreePath::root().child(OWN_LIST))?.is_some())
}

fn is_left_out(name: &str) -> bool {
    NAMES.contains(&name)
        || CI_NAMES.contains(&name)
        || (name.starts_with("codeship-") && name.ends_with(".yml"))
        || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

impl FileTree for SourceFiles<'_> {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        if path.components().any(is_left_out) {
            return Ok(None);
        }
        self.0.lookup(path)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        if path.components().any(is_left_out) {
            return Err(TreeError::NotFound { path: path.clone() });
        }
        self.0.load(path)
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let mut entries = self.0.entries(path)?;
        entries.retain(|entry| !is_left_out(&entry.name));
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;

    #[test]
    fn what_flux_leaves_out_is_not_there() {
        let tree = MemoryTree::of([("a.yaml", ""), (".gitlab-ci.yml", "x"), ("docs/logo.png", "x")]);
        let files = SourceFiles(&tree);
        let names: Vec<String> =
            files.list(&TreePath::root()).unwrap().into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, ["a.yaml", "docs"]);
        assert!(files.read(&TreePath::parse("docs/logo.png").unwrap()).is_err());
        assert!(!has_own_list(&tree).unwrap());
        assert!(has_own_list(&MemoryTree::of([(".sourceignore", "*")])).unwrap());
    }
}
