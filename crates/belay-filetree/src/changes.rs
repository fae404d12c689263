//! What differs between two trees: found once, it tells for many records of reads whether they still hold.

use std::collections::{BTreeMap, HashSet};

use crate::path::TreePath;
use crate::recording::Reads;
use crate::tree::{FileTree, Kind, TreeError};

/// The paths at which two trees differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files and links with another content.
    contents: HashSet<TreePath>,
    /// What is only in one of them, or of another kind.
    kinds: HashSet<TreePath>,
    /// Folders whose entries have other names or kinds.
    listings: HashSet<TreePath>,
}

impl Changes {
    /// Compares two trees. Folders with the same id are not entered.
    ///
    /// # Errors
    /// A tree cannot be read.
    pub fn between(one: &dyn FileTree, other: &dyn FileTree) -> Result<Changes, TreeError> {
        let mut changes = Changes::default();
        changes.compare(&TreePath::root(), one, other)?;
        Ok(changes)
    }

    /// Every path that differs in some way.
    pub fn paths(&self) -> impl Iterator<Item = &TreePath> {
        self.contents.iter().chain(&self.kinds).chain(&self.listings)
    }

    /// Whether a record of one of the trees holds in the other one, too.
    pub fn spare(&self, reads: &Reads) -> bool {
        let is_same = |changed: &HashSet<TreePath>, path: &TreePath| !changed.contains(path);
        reads.contents.keys().all(|path| is_same(&self.contents, path))
            && reads.probes.keys().all(|path| is_same(&self.kinds, path))
            && reads.listings.keys().all(|path| is_same(&self.listings, path))
    }

    fn compare(
        &mut self,
        folder: &TreePath,
        one: &dyn FileTree,
        other: &dyn FileTree,
    ) -> Result<(), TreeError> {
        let (before, after) = (kinds(one, folder)?, kinds(other, folder)?);
        if before != after {
            self.listings.insert(folder.clone());
        }
        for (name, kind) in &before {
            let path = folder.child(name);
            match after.get(name) {
                Some(same) if same == kind => {
                    if one.lookup(&path)?.map(|entry| entry.id) == other.lookup(&path)?.map(|entry| entry.id)
                    {
                        continue;
                    }
                    if *kind == Kind::Directory {
                        self.compare(&path, one, other)?;
                    } else {
                        self.contents.insert(path);
                    }
                }
                Some(another) => {
                    self.add(path.clone(), *kind, one)?;
                    self.add(path, *another, other)?;
                }
                None => self.add(path, *kind, one)?,
            }
        }
        for (name, kind) in after.iter().filter(|(name, _)| !before.contains_key(*name)) {
            self.add(folder.child(name), *kind, other)?;
        }
        Ok(())
    }

    /// Adds what is only in one tree, with all below it.
    fn add(&mut self, path: TreePath, kind: Kind, tree: &dyn FileTree) -> Result<(), TreeError> {
        if kind == Kind::Directory {
            for (name, kind) in kinds(tree, &path)? {
                self.add(path.child(&name), kind, tree)?;
            }
            self.listings.insert(path.clone());
        }
        self.contents.insert(path.clone());
        self.kinds.insert(path);
        Ok(())
    }
}

fn kinds(tree: &dyn FileTree, folder: &TreePath) -> Result<BTreeMap<String, Kind>, TreeError> {
    Ok(tree.entries(folder)?.into_iter().map(|entry| (entry.name, entry.kind)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryTree;
    use crate::recording::RecordingTree;

    /// All paths of two levels.
    fn paths() -> Vec<TreePath> {
        let names = ["a", "b", "c"];
        let below = names.iter().flat_map(|folder| names.iter().map(move |name| format!("{folder}/{name}")));
        let all = names.iter().map(|name| (*name).to_owned()).chain(below);
        all.filter_map(|path| TreePath::parse(&path).ok()).chain([TreePath::root()]).collect()
    }

    /// The tree of a number: each of three names is missing, a file, or a folder of files.
    fn tree(mut number: usize) -> MemoryTree {
        let mut files = Vec::new();
        for name in ["a", "b", "c"] {
            match number % 6 {
                0 => {}
                content @ 1..=2 => files.push((name.to_owned(), content.to_string())),
                below => {
                    files.push((format!("{name}/a"), "1".to_owned()));
                    files.extend((below > 3).then(|| (format!("{name}/b"), below.to_string())));
                }
            }
            number /= 6;
        }
        MemoryTree::of(files.iter().map(|(path, content)| (path.as_str(), content.as_str())))
    }

    #[test]
    fn a_record_is_spared_when_it_holds() {
        let looks: [fn(&RecordingTree<'_>, &TreePath); 3] = [
            |tree, path| drop(tree.lookup(path)),
            |tree, path| drop(tree.load(path)),
            |tree, path| drop(tree.entries(path)),
        ];
        let mut spared = 0;
        for number in 0..216 {
            for step in [1, 6, 7, 36, 50, 101] {
                let (one, other) = (tree(number), tree((number + step) % 216));
                let changes = Changes::between(&one, &other).unwrap();
                for (path, look) in paths().iter().flat_map(|path| looks.map(|look| (path, look))) {
                    let recording = RecordingTree::new(&one);
                    look(&recording, path);
                    let reads = recording.into_reads();
                    let holds = reads.hold_in(&other).unwrap();
                    assert_eq!(changes.spare(&reads), holds, "{number} + {step}: {path:?}");
                    spared += usize::from(holds && reads != Reads::default());
                }
            }
        }
        assert!(spared > 1_000, "{spared}");
        assert_eq!(Changes::between(&tree(7), &tree(7)).unwrap(), Changes::default());
    }
}
