//! The objects of a build in order, with an index by id.

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::Error;
use crate::id::ResourceId;
use crate::resource::Resource;
use crate::types::Types;

/// Objects in the order they were loaded. Ids are unique.
#[derive(Debug, Default)]
pub(crate) struct Resources {
    list: Vec<Resource>,
    /// Built when asked for, dropped when names may have changed.
    index: Option<Index>,
    /// Whether no two are known to have one id.
    are_unique: bool,
    /// What `openapi.path` says of kinds.
    types: Option<Arc<Types>>,
}

impl Clone for Resources {
    /// The index is left out: it is built sooner than it is copied.
    fn clone(&self) -> Resources {
        let (list, types) = (self.list.clone(), self.types.clone());
        Resources { list, index: None, are_unique: self.ids_unique(), types }
    }
}

/// Objects by the ids they have and had.
#[derive(Debug, Clone, Default)]
struct Index {
    current: HashMap<ResourceId, Vec<usize>>,
    /// Few builds ask for former ids.
    any: Option<HashMap<ResourceId, Vec<usize>>>,
}

impl Index {
    fn add(&mut self, at: usize, resource: &Resource) {
        if let Some(any) = &mut self.any {
            note_every_id(any, at, resource);
        }
        note(&mut self.current, resource.id(), at);
    }
}

fn note_every_id(map: &mut HashMap<ResourceId, Vec<usize>>, at: usize, resource: &Resource) {
    for previous in resource.previous_ids() {
        note(map, previous, at);
    }
    note(map, resource.id(), at);
}

fn note(map: &mut HashMap<ResourceId, Vec<usize>>, id: ResourceId, at: usize) {
    let places = map.entry(id).or_default();
    if places.last() != Some(&at) {
        places.push(at);
    }
}

impl Resources {
    /// Takes in what is known of kinds.
    pub(crate) fn use_types(&mut self, types: &Arc<Types>) {
        self.types = Some(types.clone());
        self.list_mut().iter_mut().for_each(|resource| resource.types = Some(types.clone()));
    }

    /// What `openapi.path` says of kinds.
    pub(crate) fn types(&self) -> Option<&Types> {
        self.types.as_deref()
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Resource> {
        self.list.iter()
    }

    pub(crate) fn get(&self, at: usize) -> &Resource {
        &self.list[at]
    }

    /// Access that may change names, so the index is built anew when it is next asked for.
    pub(crate) fn list_mut(&mut self) -> &mut Vec<Resource> {
        self.index = None;
        self.are_unique = false;
        &mut self.list
    }

    /// Access that leaves kind, name and namespace alone.
    pub(crate) fn content_mut(&mut self, at: usize) -> &mut Resource {
        &mut self.list[at]
    }

    pub(crate) fn into_list(self) -> Vec<Resource> {
        self.list
    }

    fn index(&mut self) -> &mut Index {
        let list = &self.list;
        self.index.get_or_insert_with(|| {
            let mut index = Index::default();
            for (at, resource) in list.iter().enumerate().filter(|(_, resource)| !resource.is_deleted()) {
                index.add(at, resource);
            }
            index
        })
    }

    /// Objects whose id is or was this one.
    pub(crate) fn by_any_id(&mut self, id: &ResourceId) -> Vec<usize> {
        self.index();
        let Some(index) = &mut self.index else { return Vec::new() };
        let any = index.any.get_or_insert_with(|| {
            let mut any = HashMap::new();
            for (at, resource) in self.list.iter().enumerate().filter(|(_, resource)| !resource.is_deleted())
            {
                note_every_id(&mut any, at, resource);
            }
            any
        });
        any.get(id).cloned().unwrap_or_default()
    }

    /// Adds an object at the end; its id must be new.
    pub(crate) fn append(&mut self, mut resource: Resource) -> Result<(), Error> {
        resource.types.clone_from(&self.types);
        let id = resource.id();
        let at = self.list.len();
        let index = self.index();
        if index.current.contains_key(&id) {
            return Err(Error::rule(format!("may not add resource with an already registered id: {id}")));
        }
        index.add(at, &resource);
        self.list.push(resource);
        Ok(())
    }

    pub(crate) fn append_all(&mut self, other: Resources) -> Result<(), Error> {
        if self.list.is_empty() && other.ids_unique() {
            let types = self.types.take();
            *self = other;
            if let Some(types) = types {
                self.use_types(&types);
            }
            return Ok(());
        }
        other.list.into_iter().try_for_each(|resource| self.append(resource))
    }

    fn ids_unique(&self) -> bool {
        match &self.index {
            Some(index) => index.current.values().all(|places| places.len() == 1),
            None => self.are_unique,
        }
    }

    /// The first id that two objects share.
    pub(crate) fn conflict(&mut self) -> Option<ResourceId> {
        let index = self.index();
        let doubles = index.current.iter().filter(|(_, places)| places.len() > 1);
        doubles.min_by_key(|(_, places)| places[1]).map(|(id, _)| id.clone())
    }

    /// Drops objects that patches deleted.
    pub(crate) fn drop_deleted(&mut self) {
        if self.list.iter().any(Resource::is_deleted) {
            self.list_mut().retain(|resource| !resource.is_deleted());
        }
    }
}
