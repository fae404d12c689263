//! Folders that several kustomizations build on are built once, and copied.

use std::cell::RefCell;
use std::collections::HashMap;

use belay_filetree::TreePath;

use crate::error::Error;
use crate::loader::Loader;
use crate::target::{Gathered, Session, Target};

/// The bases of a build by folder. A first visit leaves no copy, as most folders have no second.
#[derive(Default)]
pub(crate) struct Bases {
    seen: RefCell<HashMap<TreePath, Option<Base>>>,
    /// Every folder entered so far.
    entered: RefCell<Vec<TreePath>>,
}

struct Base {
    gathered: Gathered,
    /// The folder and every one below it.
    folders: Vec<TreePath>,
}

impl Bases {
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
        let folder = loader.folder();
        if let Some(Some(base)) = self.seen.borrow().get(folder)
            && !base.leads_back(loader.chain())
        {
            self.entered.borrow_mut().extend_from_slice(&base.folders);
            return Ok(base.gathered.clone());
        }
        let known = self.entered.borrow().len();
        let gathered = target.gather(Gathered::default(), loader, session)?;
        let mut seen = self.seen.borrow_mut();
        let is_second = seen.contains_key(folder);
        let base = is_second.then(|| Base { gathered: gathered.clone(), folders: self.entered_since(known) });
        seen.insert(folder.clone(), base);
        Ok(gathered)
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
    /// Whether a folder below holds one that leads here, which is a cycle.
    fn leads_back(&self, chain: &[TreePath]) -> bool {
        let before = chain.split_last().map_or(chain, |(_, before)| before);
        self.folders.iter().any(|folder| before.iter().any(|visited| visited.is_within(folder)))
    }
}
