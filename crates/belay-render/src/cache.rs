//! Renders, kept for as long as what they read stays the same.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};

use belay_filetree::{Changes, FileTree, Reads, RecordingTree, TreeError};
use belay_helm::ParseCache;
use belay_kustomize::BaseCache;
use belay_manifest::{Manifest, ObjectKey};

use crate::kept::{self, RenderStore};
use crate::readers::Readers;
use crate::remembered::Remembered;

/// What a render came to, and what it read.
#[derive(Debug)]
pub struct Render {
    /// The objects.
    pub manifests: Vec<Manifest>,
    /// Every path that was read, probed or listed.
    pub reads: Arc<Reads>,
}

/// Whether a render was made or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It was made just now.
    Made,
    /// Nothing that it read has changed.
    Found,
}

/// The last render of each part of each app: a source, and what it is for, and by the paths that were read the apps that read
/// them. One entry per part bounds the memory. Charts' templates are kept parsed beside them, for all apps together and within a
/// limit of their own.
#[derive(Default)]
pub struct RenderCache {
    known: Mutex<Known>,
    parsed: Arc<ParseCache>,
    bases: Arc<BaseCache>,
    store: Option<Arc<dyn RenderStore>>,
}

#[derive(Default)]
struct Known {
    renders: HashMap<ObjectKey, HashMap<String, Remembered>>,
    readers: Readers,
}

impl RenderCache {
    /// An empty one, that knows what a store has kept of former processes.
    pub fn kept_in(store: Arc<dyn RenderStore>) -> RenderCache {
        RenderCache { store: Some(store), ..RenderCache::default() }
    }

    /// The app's render of this tree. `inputs` names everything that a render depends on besides
    /// the tree: path, options, capabilities. A failed render is not kept, the last good one is.
    pub fn render<E: From<TreeError>>(
        &self,
        (app, part): (&ObjectKey, &str),
        inputs: &str,
        tree: &dyn FileTree,
        make: impl FnOnce(&dyn FileTree) -> Result<Vec<Manifest>, E>,
    ) -> Result<(Render, Freshness), E> {
        if let Some(found) = self.find(app, part, inputs, tree)? {
            return Ok((found, Freshness::Found));
        }
        let recording = RecordingTree::new(tree);
        let manifests = make(&recording)?;
        let render = Render { manifests, reads: Arc::new(recording.into_reads()) };
        self.lock().keep(app, part, Remembered::new(inputs, &render));
        if let Some(store) = &self.store
            && let Some(bytes) = kept::write(inputs, &render)
        {
            store.put(&app.to_string(), part, &bytes);
        }
        Ok((render, Freshness::Made))
    }

    /// Tells apps of which changes spare all that they were rendered from, which come first, from the others. That is a hint:
    /// an app may depend on more than files.
    pub fn spared(&self, apps: Vec<ObjectKey>, changes: &Changes) -> (Vec<ObjectKey>, Vec<ObjectKey>) {
        let known = self.lock();
        let readers = known.readers.of(changes);
        apps.into_iter().partition(|app| {
            let Some(number) = known.readers.number_of(app) else { return false };
            !readers.contains(&number) || known.reads_of(app).all(|reads| changes.spare(reads))
        })
    }

    /// Templates parsed by earlier renders, for [`belay_helm::RenderOptions::parsed`].
    pub fn parsed_templates(&self) -> Arc<ParseCache> {
        self.parsed.clone()
    }

    /// Bases of kustomizations that earlier renders built, for [`belay_kustomize::BuildOptions::bases`].
    pub fn shared_bases(&self) -> Arc<BaseCache> {
        self.bases.clone()
    }

    /// Forgets an app, or makes its next render a fresh one.
    pub fn forget(&self, app: &ObjectKey) {
        self.lock().forget(app);
        if let Some(store) = &self.store {
            store.remove(&app.to_string());
        }
    }

    fn find(
        &self,
        app: &ObjectKey,
        part: &str,
        inputs: &str,
        tree: &dyn FileTree,
    ) -> Result<Option<Render>, TreeError> {
        let known = self.lock().renders.get(app).and_then(|parts| parts.get(part)).cloned();
        if let Some(known) = known {
            return Ok(known.holds(inputs, tree)?.then(|| known.open()));
        }
        let Some((known, render)) = self.restore(app, part) else { return Ok(None) };
        Ok(known.holds(inputs, tree)?.then_some(render))
    }

    /// What a former process has kept.
    fn restore(&self, app: &ObjectKey, part: &str) -> Option<(Remembered, Render)> {
        let bytes = self.store.as_ref()?.get(&app.to_string(), part)?;
        let (inputs, render) = kept::read(&bytes)?;
        let known = Remembered::new(&inputs, &render);
        self.lock().keep(app, part, known.clone());
        Some((known, render))
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Known {
    fn keep(&mut self, app: &ObjectKey, part: &str, render: Remembered) {
        let parts = self.renders.entry(app.clone()).or_default();
        if parts.get(part).is_none_or(|before| before.reads() != render.reads()) {
            self.readers.remove(app, parts.values().map(|part| &**part.reads()));
            let others = parts.iter().filter(|(other, _)| *other != part).map(|(_, other)| other);
            others.chain([&render]).for_each(|part| self.readers.add(app, part.reads()));
        }
        parts.insert(part.to_owned(), render);
    }

    fn forget(&mut self, app: &ObjectKey) {
        let parts = self.renders.remove(app).unwrap_or_default();
        self.readers.remove(app, parts.values().map(|part| &**part.reads()));
    }

    fn reads_of(&self, app: &ObjectKey) -> impl Iterator<Item = &Reads> {
        self.renders.get(app).into_iter().flat_map(HashMap::values).map(|part| &**part.reads())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DirectoryOptions, RenderError, render_directory};
    use belay_filetree::{MemoryTree, TreePath};

    fn app() -> ObjectKey {
        let text = |text: &str| text.to_owned();
        ObjectKey {
            group: text("argoproj.io"),
            kind: text("Application"),
            namespace: text("argocd"),
            name: text("web"),
        }
    }

    /// A folder in memory.
    #[derive(Default)]
    struct Folder(Mutex<HashMap<(String, String), Vec<u8>>>);

    impl RenderStore for Folder {
        fn get(&self, app: &str, part: &str) -> Option<Vec<u8>> {
            self.0.lock().unwrap().get(&(app.to_owned(), part.to_owned())).cloned()
        }

        fn put(&self, app: &str, part: &str, bytes: &[u8]) {
            self.0.lock().unwrap().insert((app.to_owned(), part.to_owned()), bytes.to_vec());
        }

        fn remove(&self, app: &str) {
            self.0.lock().unwrap().retain(|(known, _), _| known != app);
        }
    }

    #[test]
    fn a_new_process_renders_nothing_that_a_former_one_has() {
        let folder = Arc::new(Folder::default());
        let path = TreePath::parse("app").unwrap();
        let render = |cache: &RenderCache, part: &str, text: &str| {
            let tree = MemoryTree::of([("app/a.yaml", text)]);
            let made = cache.render((&app(), part), "", &tree, |tree| {
                render_directory(tree, &path, &DirectoryOptions::default())
            });
            made.map(|(render, freshness)| (render.manifests.len(), freshness)).unwrap()
        };
        let started = || RenderCache::kept_in(folder.clone());
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        assert_eq!(render(&started(), "0", pod), (1, Freshness::Made));
        assert_eq!(render(&started(), "0", pod), (1, Freshness::Found));
        assert_eq!(render(&started(), "1", pod), (1, Freshness::Made), "another part");
        assert_eq!(render(&started(), "0", &format!("# changed\n{pod}")), (1, Freshness::Made));
        assert_eq!(render(&started(), "0", pod), (1, Freshness::Made), "one render of each part is kept");
        folder.0.lock().unwrap().values_mut().for_each(|bytes| bytes.truncate(100));
        assert_eq!(render(&started(), "0", pod), (1, Freshness::Made), "what is broken is made again");
        assert_eq!(render(&started(), "0", pod), (1, Freshness::Found), "and kept again");
        let refreshed = started();
        refreshed.forget(&app());
        assert_eq!(render(&refreshed, "0", pod), (1, Freshness::Made), "a fresh render is one");
    }

    #[test]
    fn apps_are_spared_by_changes_of_what_they_do_not_read() {
        let cache = RenderCache::default();
        let named = |name: &str| ObjectKey { name: name.to_owned(), ..app() };
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        let tree = |changed: &str| {
            let text =
                |path: &str| if path == changed { format!("# changed\n{pod}") } else { pod.to_owned() };
            let files = ["a/x.yaml", "b/x.yaml", "c/x.yaml"];
            let texts = files.map(text);
            MemoryTree::of(files.into_iter().zip(texts.iter().map(String::as_str)))
        };
        let render = |name: &str, part: &str, folder: &str| {
            let folder = TreePath::parse(folder).unwrap();
            let made = cache.render((&named(name), part), folder.as_str(), &tree(""), |tree| {
                render_directory(tree, &folder, &DirectoryOptions::default())
            });
            made.map(drop).unwrap_or_else(|error: RenderError| panic!("{error}"));
        };
        let spared = |changed: &str| {
            let changes = Changes::between(&tree(""), &tree(changed)).unwrap();
            let apps = ["one", "two", "unknown"].map(named).to_vec();
            let (spared, others) = cache.spared(apps, &changes);
            assert_eq!(spared.len() + others.len(), 3);
            spared.into_iter().map(|app| app.name).collect::<Vec<_>>().join(" ")
        };
        render("one", "0", "a");
        render("one", "1", "b");
        render("two", "0", "b");
        assert_eq!(["a/x.yaml", "b/x.yaml", "c/x.yaml"].map(spared), ["two", "", "one two"]);
        render("one", "1", "c");
        assert_eq!(["a/x.yaml", "b/x.yaml", "c/x.yaml"].map(spared), ["two", "one", "two"]);
        cache.forget(&named("one"));
        render("three", "0", "a");
        assert_eq!(["a/x.yaml", "b/x.yaml", "c/x.yaml"].map(spared), ["two", "", "two"]);
    }

    #[test]
    fn only_a_change_of_what_was_read_renders_again() {
        let cache = RenderCache::default();
        let folder = TreePath::parse("app").unwrap();
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n";
        let render = |text: &str, neighbour: &str, inputs: &str| {
            let tree = MemoryTree::of([("app/a.yaml", text), ("other/b.yaml", neighbour)]);
            let made = cache.render((&app(), ""), inputs, &tree, |tree| {
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
