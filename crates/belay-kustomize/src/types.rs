//! Which lists a strategic merge patch merges, and by which keys.

use std::collections::HashMap;
use std::sync::OnceLock;

/// What is known about a field's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    /// Nothing: an object in this place may tell by its own kind.
    Unknown,
    /// A type without lists that merge.
    Plain,
    /// A type of the table.
    Type(&'static str),
    /// A list that merges.
    List {
        /// What tells elements apart; none where elements are plain values.
        keys: &'static [&'static str],
        /// The type of an element.
        element: Option<&'static str>,
    },
}

#[derive(Default)]
struct Tables {
    kinds: HashMap<(&'static str, &'static str), &'static str>,
    types: HashMap<&'static str, HashMap<&'static str, Schema>>,
}

impl Schema {
    /// The type of objects of this kind.
    pub(crate) fn of_kind(api_version: &str, kind: &str) -> Schema {
        tables().kinds.get(&(api_version, kind)).map_or(Schema::Unknown, |name| Schema::Type(name))
    }

    pub(crate) fn field(self, name: &str) -> Schema {
        match self {
            Schema::Type(owner) => {
                let field = tables().types.get(owner).and_then(|fields| fields.get(name));
                field.copied().unwrap_or(Schema::Plain)
            }
            Schema::Unknown => Schema::Unknown,
            Schema::Plain | Schema::List { .. } => Schema::Plain,
        }
    }

    /// The type of an element of this list.
    pub(crate) fn element(self) -> Schema {
        match self {
            Schema::List { element: Some(name), .. } => Schema::Type(name),
            _ => Schema::Plain,
        }
    }
}

fn tables() -> &'static Tables {
    static TABLES: OnceLock<Tables> = OnceLock::new();
    TABLES.get_or_init(|| {
        let mut tables = Tables::default();
        let mut in_types = false;
        for line in include_str!("../data/merge_keys.txt").lines() {
            match line {
                comment if comment.starts_with('#') => {}
                "[kinds]" => in_types = false,
                "[types]" => in_types = true,
                line if in_types => read_type(line, &mut tables),
                line => read_kind(line, &mut tables),
            }
        }
        tables
    })
}

fn read_kind(line: &'static str, tables: &mut Tables) {
    let columns: Vec<&str> = line.split(' ').collect();
    if let [api_version, kind, name] = columns[..] {
        tables.kinds.insert((api_version, kind), name);
    }
}

fn read_type(line: &'static str, tables: &mut Tables) {
    let mut columns = line.split(' ');
    let Some(name) = columns.next() else { return };
    let fields = columns.filter_map(read_field).collect();
    tables.types.insert(name, fields);
}

fn read_field(column: &'static str) -> Option<(&'static str, Schema)> {
    if let Some((field, rest)) = column.split_once('[') {
        let (keys, element) = rest.split_once(']')?;
        let keys: Vec<&str> = keys.split('+').filter(|key| !key.is_empty()).collect();
        let element = Some(element).filter(|name| !name.is_empty());
        return Some((field, Schema::List { keys: Vec::leak(keys), element }));
    }
    let (field, name) = column.split_once(':')?;
    Some((field, Schema::Type(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containers_merge_by_name_down_to_their_ports() {
        let pod = Schema::of_kind("apps/v1", "Deployment").field("spec").field("template").field("spec");
        let containers = pod.field("containers");
        assert!(matches!(containers, Schema::List { keys: ["name"], .. }));
        let ports = containers.element().field("ports");
        assert!(matches!(ports, Schema::List { keys: ["containerPort", "protocol"], element: None }));
        assert_eq!(containers.element().field("args"), Schema::Plain);
    }

    #[test]
    fn unknown_kinds_are_unknown_all_the_way() {
        assert_eq!(Schema::of_kind("example.com/v1", "Thing").field("spec"), Schema::Unknown);
    }
}
