//! The types of a kind's fields. Kinds refer to each other's types and to themselves, so types live in one arena.

use indexmap::IndexMap;
use serde_json::Value;

/// A type in its [`Types`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct TypeId(u32);

/// The types of one or many kinds.
#[derive(Debug, Clone)]
pub(crate) struct Types(Vec<Type>);

impl Default for Types {
    fn default() -> Self {
        let untyped = |element, relationship, map_element, map_relationship| Type {
            scalar: Some(Scalar::Untyped),
            list: Some(ListType { element, relationship, keys: Vec::new() }),
            map: Some(MapType {
                fields: IndexMap::new(),
                element: Some(map_element),
                relationship: map_relationship,
            }),
            special: Special::Raw,
            ..Type::default()
        };
        let (atomic, separable) = (Relationship::Atomic, Relationship::Separable);
        Self(vec![
            untyped(Self::UNTYPED, atomic, Self::UNTYPED, atomic),
            untyped(Self::UNTYPED, atomic, Self::DEDUCED, separable),
        ])
    }
}

impl Types {
    /// Anything, owned as a whole.
    pub(crate) const UNTYPED: TypeId = TypeId(0);
    /// Anything, its maps owned entry by entry.
    pub(crate) const DEDUCED: TypeId = TypeId(1);

    pub(crate) fn get(&self, id: TypeId) -> &Type {
        &self.0[id.0 as usize]
    }

    /// A type by the name that the API's code has for it: `core.v1.Pod`.
    #[cfg(test)]
    pub(crate) fn by_api_name(&self, name: &str) -> Option<&Type> {
        self.0.iter().find(|declared| declared.api_name() == Some(name))
    }

    pub(crate) fn add(&mut self, added: Type) -> TypeId {
        let id = u32::try_from(self.0.len()).expect("schemas are limited in size long before 2^32 types");
        self.0.push(added);
        TypeId(id)
    }

    /// A place to be filled by [`Types::set`], for types that refer to themselves.
    pub(crate) fn reserve(&mut self) -> TypeId {
        self.add(Type::default())
    }

    pub(crate) fn set(&mut self, id: TypeId, value: Type) {
        self.0[id.0 as usize] = value;
    }
}

/// What a value may be: a scalar, a list, a map, or (for untyped parts) any of them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Type {
    pub(crate) scalar: Option<Scalar>,
    pub(crate) list: Option<ListType>,
    pub(crate) map: Option<MapType>,
    pub(crate) special: Special,
    /// The definition it was recorded under: `io.k8s.api.apps.v1.Deployment`.
    pub(crate) definition: Option<String>,
    /// A 64-bit integer.
    pub(crate) long: bool,
}

impl Type {
    /// Go's package and name of the type: `("v1", "Deployment")`.
    pub(crate) fn go_name(&self) -> Option<(&str, &str)> {
        let (rest, name) = self.definition.as_deref()?.rsplit_once('.')?;
        Some((rest.rsplit('.').next()?, name))
    }

    /// `apps.v1.Deployment`, without the module's path.
    pub(crate) fn api_name(&self) -> Option<&str> {
        let definition = self.definition.as_deref()?;
        let mut dots = definition.rmatch_indices('.').map(|(at, _)| at);
        dots.nth(2).map(|at| &definition[at + 1..])
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scalar {
    Number,
    String,
    Boolean,
    /// Any scalar: quantities, times, int-or-string.
    Untyped,
}

/// Values with a form of their own when the API server decodes and encodes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Special {
    #[default]
    None,
    Integer,
    Float,
    Quantity,
    Time,
    MicroTime,
    Bytes,
    IntOrString,
    /// JSON that is kept as it is.
    Raw,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Relationship {
    /// Owned as a whole.
    Atomic,
    /// List items are owned one by one, by key or value.
    Associative,
    /// Map entries are owned one by one.
    Separable,
}

#[derive(Debug, Clone)]
pub(crate) struct ListType {
    pub(crate) element: TypeId,
    pub(crate) relationship: Relationship,
    pub(crate) keys: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct MapType {
    pub(crate) fields: IndexMap<String, Field>,
    /// The type of entries that are not among `fields`; without it they are not allowed.
    pub(crate) element: Option<TypeId>,
    pub(crate) relationship: Relationship,
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) type_id: TypeId,
    pub(crate) default: Option<Value>,
    /// How Go encodes the field; `None` for custom resources.
    pub(crate) encoding: Option<Encoding>,
    pub(crate) patch: Patch,
}

/// How a Go struct field is encoded: which zero values vanish and which appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Encoding {
    pub(crate) sort: GoSort,
    /// `omitempty` or `omitzero`.
    pub(crate) omit: bool,
    pub(crate) omit_zero_struct: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GoSort {
    Bool,
    Number,
    String,
    List,
    Map,
    Bytes,
    Pointer,
    Struct,
    Time,
    Duration,
    Quantity,
    IntOrString,
    Raw,
}

/// The strategic-merge facts of a field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Patch {
    pub(crate) merge: bool,
    pub(crate) retain_keys: bool,
    pub(crate) replace: bool,
    pub(crate) merge_key: Option<String>,
}
