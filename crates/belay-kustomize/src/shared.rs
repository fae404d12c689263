//! Texts that are one node in the original's tree, so that who changes one of them changes all.
//!
//! A label that is new to several places of an object is put there as one and the same node. A later transformer or patch
//! writes into that node: the overlay's `labels` reach the selector, too, when the base's `commonLabels` made both.

use serde_json::Value;

use crate::field_path::{Create, descend};
use crate::resource::Resource;

/// One text in several maps.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    /// The paths of the maps, in their order.
    pub(crate) maps: Vec<String>,
    pub(crate) key: String,
    /// As it was last.
    pub(crate) value: Value,
}

impl Resource {
    /// What has changed in one place changes in all that share it. The last one counts.
    pub(crate) fn spread_shared(&mut self) {
        let mut shared = std::mem::take(&mut self.shared);
        for text in &mut shared {
            text.spread(&mut self.object);
        }
        self.shared = shared;
    }

    /// The texts of a map are written anew, and shared with no other place from now on.
    pub(crate) fn stop_sharing(&mut self, map: &str) {
        for text in &mut self.shared {
            text.maps.retain(|path| path != map);
        }
    }
}

impl Shared {
    fn spread(&mut self, object: &mut Value) {
        let mut newest = None;
        self.for_each(object, |value, before| {
            if value != before {
                newest = Some(value.clone());
            }
        });
        if let Some(newest) = newest {
            self.for_each(object, |value, _| value.clone_from(&newest));
            self.value = newest;
        }
    }

    fn for_each(&self, object: &mut Value, mut work: impl FnMut(&mut Value, &Value)) {
        for map in &self.maps {
            // A place that is gone shares nothing.
            let _ = descend(object, map, Create::Never, &mut |map| {
                if let Some(value) = map.get_mut(&self.key) {
                    work(value, &self.value);
                }
                Ok(())
            });
        }
    }
}
