//! A render in memory: what it read is asked at every commit, its objects only where they are compared.

use std::sync::Arc;

use belay_filetree::{FileTree, Reads, TreeError};
use belay_manifest::{Manifest, Origin, PackedObject};

use crate::cache::Render;

/// A render and what it was made from.
#[derive(Clone)]
pub(crate) struct Remembered {
    inputs: Arc<str>,
    reads: Arc<Reads>,
    manifests: Arc<[(Origin, PackedObject)]>,
}

impl Remembered {
    pub(crate) fn new(inputs: &str, render: &Render) -> Remembered {
        let kept = |manifest: &Manifest| (manifest.origin.clone(), PackedObject::new(&manifest.object));
        Remembered {
            inputs: inputs.into(),
            reads: render.reads.clone(),
            manifests: render.manifests.iter().map(kept).collect(),
        }
    }

    pub(crate) fn reads(&self) -> &Arc<Reads> {
        &self.reads
    }

    /// Whether it would be made again like this.
    pub(crate) fn holds(&self, inputs: &str, tree: &dyn FileTree) -> Result<bool, TreeError> {
        Ok(*self.inputs == *inputs && self.reads.hold_in(tree)?)
    }

    pub(crate) fn open(&self) -> Render {
        let opened = |(origin, object): &(Origin, PackedObject)| Manifest {
            object: object.open(),
            origin: origin.clone(),
        };
        Render { manifests: self.manifests.iter().map(opened).collect(), reads: self.reads.clone() }
    }
}
