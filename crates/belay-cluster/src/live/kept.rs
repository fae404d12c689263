//! How the picture holds an object. Most are read seldom: they are held as text, a fifth of what the tree of their fields takes,
//! and read when somebody asks. As long as somebody still has what was read, others are given the same.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use belay_manifest::{Object, PackedObject};

use super::is_trimmed;

/// An object of the picture.
#[derive(Debug, Clone)]
pub(super) enum Kept {
    /// As a tree: it is read all the time.
    Open(Arc<Object>),
    /// As text.
    Packed(Arc<Packed>),
}

/// An object as text.
#[derive(Debug)]
pub(super) struct Packed {
    object: PackedObject,
    version: Box<str>,
    is_trimmed: bool,
    opened: Mutex<Weak<Object>>,
}

impl Kept {
    /// Holds an object as text.
    pub(super) fn packed(object: &Arc<Object>) -> Kept {
        Kept::Packed(Arc::new(Packed {
            object: PackedObject::new(object),
            version: object.resource_version().into(),
            is_trimmed: is_trimmed(object),
            opened: Mutex::new(Arc::downgrade(object)),
        }))
    }

    /// The object.
    pub(super) fn open(&self) -> Arc<Object> {
        match self {
            Kept::Open(object) => object.clone(),
            Kept::Packed(packed) => packed.open(),
        }
    }

    pub(super) fn resource_version(&self) -> &str {
        match self {
            Kept::Open(object) => object.resource_version(),
            Kept::Packed(packed) => &packed.version,
        }
    }

    pub(super) fn is_trimmed(&self) -> bool {
        match self {
            Kept::Open(object) => is_trimmed(object),
            Kept::Packed(packed) => packed.is_trimmed,
        }
    }
}

impl Packed {
    fn open(&self) -> Arc<Object> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = opened.upgrade() {
            return object;
        }
        let object = Arc::new(self.object.open());
        *opened = Arc::downgrade(&object);
        object
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Arc<Object> {
        let metadata = json!({"name": "a", "namespace": "b", "resourceVersion": "7", "managedFields": []});
        let value = json!({"kind": "Thing", "apiVersion": "example.com/v1", "metadata": metadata});
        Arc::new(Object::new(value).expect("an object"))
    }

    #[test]
    fn an_object_that_somebody_has_is_not_read_twice() {
        let object = object();
        let kept = Kept::packed(&object);
        assert!(Arc::ptr_eq(&kept.open(), &object));
        drop(object);
        let opened = kept.open();
        assert!(Arc::ptr_eq(&kept.open(), &opened));
        assert_eq!((kept.resource_version(), kept.is_trimmed()), ("7", false));
    }
}
