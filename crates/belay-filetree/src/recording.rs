//! The record of what a render read.

use std::collections::BTreeMap;
use std::sync::Mutex;

use bytes::Bytes;

use crate::path::TreePath;
use crate::tree::{ContentId, DirEntry, Entry, FileTree, Kind, TreeError};

/// What a look at a path showed, without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// Nothing stood there.
    Missing,
    /// Something of this kind stood there.
    Found(Kind),
}

/// Every path that was read, probed and missed, or listed, with its content id.
///
/// Two trees that agree on all of it give the same render.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reads {
    /// Files and link targets whose bytes were read.
    pub contents: BTreeMap<TreePath, ContentId>,
    /// Paths of which only the existence and kind were seen.
    pub probes: BTreeMap<TreePath, Probe>,
    /// Folders whose entries were listed, with an id of the names and kinds.
    pub listings: BTreeMap<TreePath, ContentId>,
}

impl Reads {
    /// Whether `tree` shows the same everywhere this record looked.
    pub fn hold_in(&self, tree: &dyn FileTree) -> Result<bool, TreeError> {
        Ok(self.differences(tree).next().transpose()?.is_none())
    }

    /// Every path that was looked at, those more than once for which that was done in several ways.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.contents.keys().chain(self.probes.keys()).chain(self.listings.keys())
    }

    /// Where `tree` shows something else than this record saw: files, and folders whose entries differ.
    pub fn differences<'a>(
        &'a self,
        tree: &'a dyn FileTree,
    ) -> impl Iterator<Item = Result<&'a TreePath, TreeError>> {
        let probes = self.probes.iter().map(move |(path, seen)| {
            let holds = probe(tree.lookup(path)?.as_ref()) == *seen;
            Ok((path, holds))
        });
        let contents = self.contents.iter().map(move |(path, id)| {
            let holds = tree.lookup(path)?.is_some_and(|entry| entry.id == *id);
            Ok((path, holds))
        });
        let listings = self.listings.iter().map(move |(path, id)| Ok((path, listing_holds(tree, path, id)?)));
        probes.chain(contents).chain(listings).filter_map(|looked| match looked {
            Ok((_, true)) => None,
            Ok((path, false)) => Some(Ok(path)),
            Err(error) => Some(Err(error)),
        })
    }

    /// The names of what differs there; nothing when all is the same. What a tree cannot show differs and has no name.
    pub fn changes(&self, tree: &dyn FileTree) -> Option<Vec<String>> {
        let mut differences = self.differences(tree).peekable();
        differences.peek()?;
        let mut names: Vec<String> =
            differences.filter_map(|difference| Some(difference.ok()?.as_str().to_owned())).collect();
        names.sort_unstable();
        names.dedup();
        Some(names)
    }

    /// Adds what another record holds, such as that of a second source of the same app.
    pub fn merge(&mut self, other: Reads) {
        self.contents.extend(other.contents);
        self.probes.extend(other.probes);
        self.listings.extend(other.listings);
    }
}

fn probe(entry: Option<&Entry>) -> Probe {
    entry.map_or(Probe::Missing, |entry| Probe::Found(entry.kind))
}

fn listing_holds(tree: &dyn FileTree, path: &TreePath, id: &ContentId) -> Result<bool, TreeError> {
    Ok(match tree.lookup(path)? {
        Some(entry) if entry.kind == Kind::Directory => listing_id(&tree.entries(path)?) == *id,
        _ => false,
    })
}

fn listing_id(entries: &[DirEntry]) -> ContentId {
    let mut text = String::new();
    for entry in entries {
        text.push_str(&format!("{}\0{:?}\n", entry.name, entry.kind));
    }
    ContentId::of(text.as_bytes())
}

/// A tree that notes every look at another one.
pub struct RecordingTree<'a> {
    tree: &'a dyn FileTree,
    reads: Mutex<Reads>,
}

impl<'a> RecordingTree<'a> {
    /// Watches over `tree`, with nothing recorded yet.
    pub fn new(tree: &'a dyn FileTree) -> RecordingTree<'a> {
        RecordingTree { tree, reads: Mutex::new(Reads::default()) }
    }

    /// What has been read so far.
    pub fn into_reads(self) -> Reads {
        self.reads.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn note(&self, write: impl FnOnce(&mut Reads)) {
        write(&mut self.reads.lock().unwrap_or_else(|poisoned| poisoned.into_inner()));
    }
}

impl FileTree for RecordingTree<'_> {
    fn lookup(&self, path: &TreePath) -> Result<Option<Entry>, TreeError> {
        let entry = self.tree.lookup(path)?;
        self.note(|reads| {
            reads.probes.insert(path.clone(), probe(entry.as_ref()));
        });
        Ok(entry)
    }

    fn load(&self, path: &TreePath) -> Result<Bytes, TreeError> {
        let content = self.tree.load(path)?;
        if let Some(entry) = self.tree.lookup(path)? {
            self.note(|reads| {
                reads.contents.insert(path.clone(), entry.id);
            });
        }
        Ok(content)
    }

    fn entries(&self, path: &TreePath) -> Result<Vec<DirEntry>, TreeError> {
        let entries = self.tree.entries(path)?;
        self.note(|reads| {
            reads.listings.insert(path.clone(), listing_id(&entries));
        });
        Ok(entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text).unwrap()
    }

    fn record(tree: &MemoryTree, look: impl FnOnce(&RecordingTree<'_>)) -> Reads {
        let recording = RecordingTree::new(tree);
        look(&recording);
        recording.into_reads()
    }

    use crate::MemoryTree;

    #[test]
    fn only_what_was_read_matters() {
        let mut tree = MemoryTree::of([("a/x.yaml", "1"), ("b/y.yaml", "2")]);
        let reads = record(&tree, |recording| {
            recording.read(&path("a/x.yaml")).unwrap();
        });
        tree.insert(path("b/y.yaml"), Kind::File, "3");
        assert!(reads.hold_in(&tree).unwrap());
        assert_eq!(reads.changes(&tree), None);
        tree.insert(path("a/x.yaml"), Kind::File, "4");
        assert!(!reads.hold_in(&tree).unwrap());
        let differing: Vec<&TreePath> = reads.differences(&tree).map(Result::unwrap).collect();
        assert_eq!(differing, [&path("a/x.yaml")]);
        assert_eq!(reads.changes(&tree), Some(vec!["a/x.yaml".to_owned()]));
    }

    #[test]
    fn a_missed_path_that_appears_matters() {
        let mut tree = MemoryTree::of([("a/x.yaml", "1")]);
        let reads = record(&tree, |recording| {
            assert!(recording.kind(&path("a/kustomization.yaml")).unwrap().is_none());
        });
        tree.insert(path("a/kustomization.yaml"), Kind::File, "");
        assert!(!reads.hold_in(&tree).unwrap());
    }

    #[test]
    fn a_listing_sees_names_not_contents() {
        let mut tree = MemoryTree::of([("a/x.yaml", "1")]);
        let reads = record(&tree, |recording| {
            recording.list(&path("a")).unwrap();
        });
        tree.insert(path("a/x.yaml"), Kind::File, "2");
        assert!(reads.hold_in(&tree).unwrap());
        tree.insert(path("a/new.yaml"), Kind::File, "");
        assert!(!reads.hold_in(&tree).unwrap());
    }

    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        let mut tree = MemoryTree::of([("real/x.yaml", "1")]);
        tree.insert(path("link"), Kind::Link, "real");
        tree.insert(path("out"), Kind::Link, "../../etc");
        tree.insert(path("absolute"), Kind::Link, "/etc");
        tree.insert(path("loop"), Kind::Link, "loop");
        assert_eq!(tree.read(&path("link/x.yaml")).unwrap(), Bytes::from("1"));
        assert!(matches!(tree.read(&path("out/passwd")), Err(TreeError::LinkOutside { .. })));
        assert!(matches!(tree.read(&path("absolute/passwd")), Err(TreeError::LinkOutside { .. })));
        assert!(matches!(tree.read(&path("loop")), Err(TreeError::LinkCycle { .. })));
        let reads = record(&tree, |recording| {
            recording.read(&path("link/x.yaml")).unwrap();
        });
        tree.insert(path("link"), Kind::Link, "other");
        assert!(!reads.hold_in(&tree).unwrap(), "a link that points elsewhere changes the render");
    }
}
