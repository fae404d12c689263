//! Renders, kept for as long as what they read stays the same.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard};

use belay_filetree::{FileTree, Reads, RecordingTree, TreeError};
use belay_helm::ParseCache;
use belay_manifest::Manifest;

/// What a render came to, and what it read.
#[derive(Debug)]
pub struct Render {
    /// The objects.
    pub manifests: Vec<Manifest>,
    /// Every path that was read, probed or listed.
    pub reads: Reads,
}

/// Whether a render was made or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It was made just now.
    Made,
    /// Nothing that it read has changed.
    Found,
}

/// The last render of each app. One entry per app bounds the memory. Charts' templates are kept parsed
/// beside them, for all apps together and within a limit of their own.
pub struct RenderCache<K> {
    renders: Mutex<HashMap<K, (String, Arc<Render>)>>,
    parsed: Arc<ParseCache>,
}

impl<K: Eq + Hash + Clone> Default for RenderCache<K> {
    fn default() -> RenderCache<K> {
        RenderCache { renders: Mutex::default(), parsed: Arc::default() }
    }
}

impl<K: Eq + Hash + Clone> RenderCache<K> {
    /// The app's render of this tree. `inputs` names everything that a render depends on besides
    /// the tree: path, options, capabilities. A failed render is not kept, the last good one is.
    pub fn render<E: From<TreeError>>(
        &self,
        app: &K,
        inputs: &str,
        tree: &dyn FileTree,
        make: impl FnOnce(&dyn FileTree) -> Result<Vec<Manifest>, E>,
    ) -> Result<(Arc<Render>, Freshness), E> {
        if let Some(found) = self.find(app, inputs, tree)? {
            return Ok((found, Freshness::Found));
        }
        let recording = RecordingTree::new(tree);
        let manifests = make(&recording)?;
        let render = Arc::new(Render { manifests, reads: recording.into_reads() });
        self.lock().insert(app.clone(), (inputs.to_owned(), render.clone()));
        Ok((render, Freshness::Made))
    }

    /// Templates parsed by earlier renders, for [`belay_helm::RenderOptions::parsed`].
    pub fn parsed_templates(&self) -> Arc<ParseCache> {
        self.parsed.clone()
    }

    /// Forgets an app, or makes its next render a fresh one.
    pub fn forget(&self, app: &K) {
        self.lock().remove(app);
    }

    /// Forgets every app of which this holds.
    pub fn forget_where(&self, is_forgotten: impl Fn(&K) -> bool) {
        self.lock().retain(|app, _| !is_forgotten(app));
    }

    fn find(&self, app: &K, inputs: &str, tree: &dyn FileTree) -> Result<Option<Arc<Render>>, TreeError> {
        let known = self.lock().get(app).cloned();
        match known {
            Some((known, render)) if known == inputs && render.reads.hold_in(tree)? => Ok(Some(render)),
            _ => Ok(None),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, (String, Arc<Render>)>> {
        self.renders.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DirectoryOptions, RenderError, render_directory};
    use belay_filetree::{MemoryTree, TreePath};

    #[test]
    fn only_a_change_of_what_was_read_renders_again() {
        let cache = RenderCache::default();
        let folder = TreePath::parse("app").unwrap();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        let render = |text: &str, neighbour: &str, inputs: &str| {
            let tree = MemoryTree::of([("app/a.yaml", text), ("other/b.yaml", neighbour)]);
            let made = cache.render(&"app", inputs, &tree, |tree| {
                render_directory(tree, &folder, &DirectoryOptions::default())
            });
            made.map(|(_, freshness)| freshness)
        };
        let made = |result: Result<Freshness, RenderError>| result.unwrap();
        assert_eq!(made(render(pod, "1", "")), Freshness::Made);
        assert_eq!(made(render(pod, "2", "")), Freshness::Found);
        assert_eq!(made(render(pod, "2", "other options")), Freshness::Made);
        assert!(render("a: [", "2", "").is_err());
        assert_eq!(made(render(pod, "3", "other options")), Freshness::Found);
    }
}
