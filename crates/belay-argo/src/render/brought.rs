//! What a source names that lies outside of its tree, once it is here: files by URL, and charts.

use std::sync::Arc;

use belay_filetree::{ComposedTree, FileTree, Kind, MemoryTree, TreePath};
use bytes::Bytes;

use super::by_url::FilesByUrl;
use super::missing_charts::{MissingCharts, WantedChart};

/// What was brought for one source.
#[derive(Clone, Default)]
pub(crate) struct Brought {
    pub(crate) files: FilesByUrl,
    pub(crate) charts: Option<BroughtCharts>,
}

/// The charts that a chart asks for, as `helm dependency build` would put them into its `charts/`.
#[derive(Clone)]
pub(crate) struct BroughtCharts {
    missing: MissingCharts,
    /// The archives, and their files' names.
    archives: Vec<(String, Bytes)>,
}

impl Brought {
    /// The tree with all of it.
    pub(crate) fn put_into(&self, tree: Arc<dyn FileTree>) -> Arc<dyn FileTree> {
        let tree = self.files.mounted_in(tree);
        match &self.charts {
            None => tree,
            Some(charts) => charts.put_into(tree),
        }
    }

    /// Whether another commit alone may bring something else, though it changes no file.
    pub(crate) fn may_change(&self) -> bool {
        !self.files.is_empty()
            || self
                .charts
                .as_ref()
                .is_some_and(|charts| charts.missing.fetched.iter().any(|chart| !chart.is_locked))
    }
}

impl BroughtCharts {
    /// One archive for each chart that was to be fetched.
    pub(crate) fn new(missing: MissingCharts, archives: Vec<(String, Bytes)>) -> BroughtCharts {
        BroughtCharts { missing, archives }
    }

    /// The archive of the same version of a chart, if a lock names it: it stays what it is.
    pub(crate) fn locked(&self, wanted: &WantedChart) -> Option<(String, Bytes)> {
        let place = self.missing.fetched.iter().position(|known| known.is_locked && known == wanted)?;
        self.archives.get(place).cloned()
    }

    fn put_into(&self, tree: Arc<dyn FileTree>) -> Arc<dyn FileTree> {
        let charts = self.missing.folder.child("charts");
        let mut with = ComposedTree::new(tree.clone());
        for (name, from) in &self.missing.local {
            with.put(charts.child(name), tree.clone(), from.clone());
        }
        for (name, content) in &self.archives {
            let file = TreePath::root().child(name);
            let mut archive = MemoryTree::default();
            archive.insert(file.clone(), Kind::File, content.clone());
            with.put(charts.child(name), Arc::new(archive), file);
        }
        Arc::new(with)
    }
}
