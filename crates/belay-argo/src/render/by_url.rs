//! Files that a source names by URL, and where a tree has them once they are here.

use std::collections::BTreeMap;
use std::sync::Arc;

use belay_filetree::{ContentId, FileTree, Kind, MemoryTree, MountedTree, TreePath};
use belay_source::without_login;
use bytes::Bytes;

/// The folder of the root in which they are. No source can be referred to by such a name.
const FOLDER: &str = "$url:";

/// Files by the names of their URLs.
#[derive(Clone, Default)]
pub(crate) struct FilesByUrl(BTreeMap<String, Bytes>);

impl FilesByUrl {
    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One more.
    pub(crate) fn add(&mut self, url: &str, content: impl Into<Bytes>) {
        self.0.insert(name_of(url), content.into());
    }

    /// The tree with these in it.
    pub(crate) fn mounted_in(&self, tree: Arc<dyn FileTree>) -> Arc<dyn FileTree> {
        if self.is_empty() {
            return tree;
        }
        let mut files = MemoryTree::default();
        for (name, content) in &self.0 {
            files.insert(TreePath::root().child(name), Kind::File, content.clone());
        }
        let mut mounted = MountedTree::new(tree);
        mounted.mount(FOLDER, Arc::new(files));
        Arc::new(mounted)
    }
}

/// Whether a path is that of a file by URL.
pub(super) fn holds(path: &TreePath) -> bool {
    path.components().next() == Some(FOLDER)
}

/// Where a tree has the file of this URL.
pub(super) fn path_of(url: &str) -> TreePath {
    TreePath::root().child(FOLDER).child(&name_of(url))
}

/// The URL as one name, which shows no login and is no pattern.
fn name_of(url: &str) -> String {
    let shown = without_login(url);
    let mut name = String::with_capacity(url.len());
    for letter in shown.chars() {
        match letter {
            '%' | '/' | '?' | '*' | '[' | '{' | ',' | '\\' => {
                name.push_str(&format!("%{:02X}", u32::from(letter)))
            }
            letter => name.push(letter),
        }
    }
    if shown != url {
        // What another login gets may be another file.
        name.push_str(&format!("#{}", ContentId::of(url.as_bytes())));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_one_name_that_shows_no_login() {
        let shown = |url: &str| path_of(url).as_str().to_owned();
        assert_eq!(shown("https://h/a.yaml"), "$url:/https:%2F%2Fh%2Fa.yaml");
        assert_ne!(shown("https://h/a%2Fb?x=*"), shown("https://h/a/b?x=*"));
        let (one, other) = (shown("https://ada:s3cret@h/a.yaml"), shown("https://bob:s3cret@h/a.yaml"));
        assert!(one != other && !one.contains("s3cret"), "{one}");
    }

    #[test]
    fn what_was_brought_is_in_the_tree_and_nothing_else_changes() {
        let tree: Arc<dyn FileTree> = Arc::new(MemoryTree::of([("a.yaml", "a")]));
        let mut files = FilesByUrl::default();
        let path = path_of("https://h/a.yaml");
        assert_eq!(files.mounted_in(tree.clone()).kind(&path).unwrap(), None);
        files.add("https://h/a.yaml", b"b".to_vec());
        let mounted = files.mounted_in(tree);
        assert_eq!(mounted.read(&path).unwrap(), "b");
        assert_eq!(mounted.read(&TreePath::parse("a.yaml").unwrap()).unwrap(), "a");
        assert_eq!(mounted.kind(&path_of("https://h/b.yaml")).unwrap(), None);
    }
}
