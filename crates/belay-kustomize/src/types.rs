//! What is known of kinds: which lists a strategic merge patch merges and by which keys, and which kinds live outside of
//! namespaces. It comes from the definitions that kustomize ships, or from the document `openapi.path` names.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use crate::id::Gvk;

/// The types of a build's kinds.
#[derive(Debug, Default)]
pub(crate) struct Types {
    kinds: HashMap<(String, String), String>,
    types: HashMap<String, Type>,
    /// Kinds that `openapi.path` knows, and whether they live outside of namespaces.
    pub(crate) scopes: HashMap<(String, String), bool>,
}

/// A type's fields.
#[derive(Debug, Default)]
pub(crate) struct Type {
    pub(crate) fields: HashMap<String, FieldType>,
    /// That of fields without a name of their own, in a map.
    pub(crate) others: Option<FieldType>,
    /// Whether nothing is known of fields that are not named here. The tables leave out what has no lists that merge.
    pub(crate) is_complete: bool,
}

/// A field's type.
#[derive(Debug, Clone)]
pub(crate) enum FieldType {
    /// One without lists that merge.
    Plain,
    /// One by name.
    Named(String),
    /// A list that merges.
    List {
        /// What tells elements apart; none where elements are plain values.
        keys: Vec<String>,
        /// The type of an element.
        element: Option<String>,
    },
}

/// What is known about a place in an object.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Schema<'t> {
    /// Nothing: an object in this place may tell by its own kind.
    Unknown(&'t Types),
    /// A type without lists that merge.
    Plain,
    /// A type.
    Type(&'t Types, &'t Type),
    /// A list that merges.
    List {
        /// What tells elements apart; none where elements are plain values.
        keys: &'t [String],
        /// The type of an element.
        element: Option<(&'t Types, &'t Type)>,
    },
}

impl Types {
    /// Those that kustomize ships.
    pub(crate) fn built_in() -> Arc<Types> {
        static TYPES: OnceLock<Arc<Types>> = OnceLock::new();
        TYPES.get_or_init(|| Arc::new(Types::read(include_str!("../data/merge_keys.txt")))).clone()
    }

    /// The type of objects of this kind, if it is known.
    pub(crate) fn of_kind(&self, api_version: &str, kind: &str) -> Option<Schema<'_>> {
        let name = self.kinds.get(&(api_version.to_owned(), kind.to_owned()))?;
        Some(self.named(name))
    }

    pub(crate) fn is_cluster_scoped(&self, gvk: &Gvk) -> bool {
        self.scopes.get(&(gvk.api_version(), gvk.kind.clone())) == Some(&true)
    }

    pub(crate) fn add_kind(&mut self, api_version: &str, kind: &str, name: &str) {
        self.kinds.insert((api_version.to_owned(), kind.to_owned()), name.to_owned());
    }

    pub(crate) fn add_type(&mut self, name: String, described: Type) {
        self.types.insert(name, described);
    }

    fn named(&self, name: &str) -> Schema<'_> {
        self.types.get(name).map_or(Schema::Plain, |found| Schema::Type(self, found))
    }

    fn read(table: &str) -> Types {
        let mut types = Types::default();
        let mut in_types = false;
        for line in table.lines() {
            match line {
                comment if comment.starts_with('#') => {}
                "[kinds]" => in_types = false,
                "[types]" => in_types = true,
                line if in_types => types.read_type(line),
                line => types.read_kind(line),
            }
        }
        types
    }

    fn read_kind(&mut self, line: &str) {
        if let [api_version, kind, name] = line.split(' ').collect::<Vec<_>>()[..] {
            self.add_kind(api_version, kind, name);
        }
    }

    fn read_type(&mut self, line: &str) {
        let mut columns = line.split(' ');
        let Some(name) = columns.next() else { return };
        let fields = columns.filter_map(read_field).collect();
        self.add_type(name.to_owned(), Type { fields, ..Type::default() });
    }
}

fn read_field(column: &str) -> Option<(String, FieldType)> {
    if let Some((field, rest)) = column.split_once('[') {
        let (keys, element) = rest.split_once(']')?;
        let keys = keys.split('+').filter(|key| !key.is_empty()).map(str::to_owned).collect();
        let element = Some(element).filter(|name| !name.is_empty()).map(str::to_owned);
        return Some((field.to_owned(), FieldType::List { keys, element }));
    }
    let (field, name) = column.split_once(':')?;
    Some((field.to_owned(), FieldType::Named(name.to_owned())))
}

impl<'t> Schema<'t> {
    pub(crate) fn field(self, name: &str) -> Schema<'t> {
        match self {
            Schema::Type(types, owner) => match owner.fields.get(name).or(owner.others.as_ref()) {
                Some(FieldType::Plain) => Schema::Plain,
                Some(FieldType::Named(name)) => types.named(name),
                Some(FieldType::List { keys, element }) => {
                    let element = element.as_ref().and_then(|name| types.types.get(name));
                    Schema::List { keys, element: element.map(|element| (types, element)) }
                }
                None if owner.is_complete => Schema::Unknown(types),
                None => Schema::Plain,
            },
            Schema::Unknown(_) => self,
            Schema::Plain | Schema::List { .. } => Schema::Plain,
        }
    }

    /// The type of an element of this list.
    pub(crate) fn element(self) -> Schema<'t> {
        match self {
            Schema::List { element: Some((types, element)), .. } => Schema::Type(types, element),
            _ => Schema::Plain,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_down_to_their_ports() {
        let types = Types::built_in();
        let pod =
            types.of_kind("apps/v1", "Deployment").unwrap().field("spec").field("template").field("spec");
        let containers = pod.field("containers");
        assert!(matches!(containers, Schema::List { keys: [name], .. } if name == "name"));
        let Schema::List { keys, element: None } = containers.element().field("ports") else {
            panic!("ports merge")
        };
        assert_eq!(keys, ["containerPort", "protocol"]);
        assert!(matches!(containers.element().field("args"), Schema::Plain));
    }

    #[test]
    fn unknown_kinds_are_unknown_all_the_way() {
        let types = Types::built_in();
        assert!(types.of_kind("example.com/v1", "Thing").is_none());
        assert!(matches!(Schema::Unknown(&types).field("spec"), Schema::Unknown(_)));
    }
}
