//! Folders that several kustomizations build on are built once, and copied.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use belay_filetree::{RecordingTree, TreePath};

use crate::base_cache::BaseCache;
use crate::error::Error;
use crate::loader::Loader;
use crate::target::{Gathered, Session, Target};

/// The bases of a build by folder. A first visit leaves no copy, as most folders have no second.
#[derive(Default)]
pub(crate) struct Bases {
    seen: RefCell<HashMap<TreePath, Option<Base>>>,
    /// Every folder entered so far.
    entered: RefCell<Vec<TreePath>>,
    /// Those of other builds, if there are any.
    shared: Option<Arc<BaseCache>>,
    /// Whether all that is read is being recorded: then nothing may be taken from `seen`.
    is_recording: Cell<bool>,
}

pub(crate) struct Base {
    gathered: Gathered,
    /// The folder and every one below it.
    folders: Vec<TreePath>,
}

impl Bases {
    pub(crate) fn new(shared: Option<Arc<BaseCache>>) -> Bases {
        Bases { shared, ..Bases::default() }
    }

    /// What the kustomization in a folder comes to.
    pub(crate) fn gather(
        &self,
        target: &Target,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<Gathered, Error> {
        if !loader.is_given() || !session.may_reuse_bases() {
            return target.gather(Gathered::default(), loader, session);
        }
        if self.is_recording.get() {
            return self.gather_shared(target, loader, session);
        }
        let folder = loader.folder();
        if let Some(Some(base)) = self.seen.borrow().get(folder)
            && !base.leads_back(loader.chain())
        {
            return Ok(self.copy_of(base));
        }
        let known = self.entered.borrow().len();
        let gathered = self.gather_shared(target, loader, session)?;
        let mut seen = self.seen.borrow_mut();
        let is_second = seen.contains_key(folder);
        let base = is_second.then(|| Base { gathered: gathered.clone(), folders: self.entered_since(known) });
        seen.insert(folder.clone(), base);
        Ok(gathered)
    }

    /// The same with what other builds left, and for them. Files by URL may change unseen, and kinds
    /// may be told from outside of the folder.
    fn gather_shared(
        &self,
        target: &Target,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<Gathered, Error> {
        let knows_no_types = || session.types.get().is_none();
        let shared = self.shared.as_ref().filter(|_| loader.remotes().is_none() && knows_no_types());
        let Some(shared) = shared else { return target.gather(Gathered::default(), loader, session) };
        if let Some(kept) = shared.find(loader)?
            && !kept.base.leads_back(loader.chain())
        {
            return Ok(self.copy_of(&kept.base));
        }
        if !shared.is_asked_again(loader.folder()) {
            return target.gather(Gathered::default(), loader, session);
        }
        let known = self.entered.borrow().len();
        let recording = RecordingTree::new(loader.tree());
        let gathered = self.recorded(|| {
            let loader = loader.over(&recording);
            target.look_again(&loader)?;
            target.gather(Gathered::default(), &loader, session)
        })?;
        if knows_no_types() {
            let base = Base { gathered: gathered.clone(), folders: self.entered_since(known) };
            shared.keep(loader, recording.into_reads(), base);
        }
        Ok(gathered)
    }

    fn recorded<T>(&self, work: impl FnOnce() -> T) -> T {
        let before = self.is_recording.replace(true);
        let result = work();
        self.is_recording.set(before);
        result
    }

    fn copy_of(&self, base: &Base) -> Gathered {
        self.entered.borrow_mut().extend_from_slice(&base.folders);
        base.gathered.clone()
    }

    /// Notes a folder that is built.
    pub(crate) fn enter(&self, folder: &TreePath) {
        self.entered.borrow_mut().push(folder.clone());
    }

    fn entered_since(&self, known: usize) -> Vec<TreePath> {
        let mut folders = self.entered.borrow()[known..].to_vec();
        folders.sort_unstable();
        folders.dedup();
        folders
    }
}

impl Base {
    pub(crate) fn objects(&self) -> usize {
        self.gathered.resources.len()
    }

    /// Whether a folder below holds one that leads here, which is a cycle.
    fn leads_back(&self, chain: &[TreePath]) -> bool {
        let before = chain.split_last().map_or(chain, |(_, before)| before);
        self.folders.iter().any(|folder| before.iter().any(|visited| visited.is_within(folder)))
    }
}
