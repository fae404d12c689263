//! `status.inventory`: which objects a Kustomization applied, and so may prune.

use std::collections::BTreeMap;

use belay_flux_api::{ResourceInventory, ResourceReference};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};

/// Kinds whose names may hold colons, which the id writes as two underscores.
const RBAC_GROUP: &str = "rbac.authorization.k8s.io";

/// `namespace_name_group_kind`, as Flux writes it.
pub(crate) fn id(key: &ObjectKey) -> String {
    let name = if key.group == RBAC_GROUP { key.name.replace(':', "__") } else { key.name.clone() };
    format!("{}_{name}_{}_{}", key.namespace, key.group, key.kind)
}

/// Reads an id: the namespace from the left, kind and group from the right, the name between them.
pub(crate) fn parse_id(id: &str) -> Option<ObjectKey> {
    let (namespace, rest) = id.split_once('_')?;
    let (rest, kind) = rest.rsplit_once('_')?;
    let (name, group) = rest.rsplit_once('_')?;
    if name.is_empty() || kind.is_empty() {
        return None;
    }
    Some(ObjectKey {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.replace("__", ":"),
    })
}

/// The objects of an inventory with their kinds; entries that are no ids are passed over.
pub(crate) fn read(inventory: Option<&ResourceInventory>) -> BTreeMap<ObjectKey, GroupVersionKind> {
    let entries = inventory.into_iter().flat_map(|inventory| &inventory.entries);
    entries
        .filter_map(|entry| {
            let key = parse_id(&entry.id)?;
            let kind = GroupVersionKind {
                group: key.group.clone(),
                version: entry.v.clone(),
                kind: key.kind.clone(),
            };
            Some((key, kind))
        })
        .collect()
}

/// The inventory of these objects, sorted by id.
pub(crate) fn write(objects: &BTreeMap<ObjectKey, GroupVersionKind>) -> ResourceInventory {
    let mut entries: Vec<ResourceReference> = objects
        .iter()
        .map(|(key, kind)| ResourceReference {
            id: id(key),
            v: kind.version.clone(),
            ..ResourceReference::default()
        })
        .collect();
    entries.sort_by(|one, other| one.id.cmp(&other.id));
    ResourceInventory { entries, ..ResourceInventory::default() }
}

/// An object as Flux's messages name it: `Deployment/apps/web`.
pub(crate) fn shown(key: &ObjectKey) -> String {
    if key.namespace.is_empty() {
        format!("{}/{}", key.kind, key.name)
    } else {
        format!("{}/{}/{}", key.kind, key.namespace, key.name)
    }
}

/// The objects of a list by key, with their kinds.
pub(crate) fn of<'a>(objects: impl IntoIterator<Item = &'a Object>) -> BTreeMap<ObjectKey, GroupVersionKind> {
    objects.into_iter().map(|object| (object.key(), object.gvk())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(group: &str, kind: &str, namespace: &str, name: &str) -> ObjectKey {
        ObjectKey { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: name.into() }
    }

    #[test]
    fn ids_are_flux_ids() {
        for (key, text) in [
            (key("apps", "Deployment", "web", "front"), "web_front_apps_Deployment"),
            (key("", "Namespace", "", "web"), "_web__Namespace"),
            (
                key(RBAC_GROUP, "ClusterRole", "", "system:auth"),
                "_system__auth_rbac.authorization.k8s.io_ClusterRole",
            ),
            (
                key("apiextensions.k8s.io", "CustomResourceDefinition", "", "a.example.com"),
                "_a.example.com_apiextensions.k8s.io_CustomResourceDefinition",
            ),
        ] {
            assert_eq!(id(&key), text);
            assert_eq!(parse_id(text), Some(key));
        }
        for text in ["", "web", "a_b", "a__b_C_", "___"] {
            assert_eq!(parse_id(text), None, "{text}");
        }
    }

    #[test]
    fn an_inventory_survives_reading_and_writing() {
        let one = key("apps", "Deployment", "web", "front");
        let kinds = BTreeMap::from([(one, GroupVersionKind::new("apps/v1", "Deployment"))]);
        let written = write(&kinds);
        assert_eq!(written.entries[0].v, "v1");
        assert_eq!(read(Some(&written)), kinds);
        assert!(read(None).is_empty());
    }

    #[test]
    fn bad_r12_thousands_of_objects_fit_into_a_status() {
        let name = |number: usize| format!("{}-{number}", "n".repeat(40));
        let objects: BTreeMap<_, _> = (0..5000)
            .map(|number| {
                let key = key("apps", "Deployment", "a-namespace-of-usual-length", &name(number));
                (key, GroupVersionKind::new("apps/v1", "Deployment"))
            })
            .collect();
        let written = write(&objects);
        assert_eq!(written.entries.len(), 5000);
        // An object of the API server may have 1.5 MiB.
        assert!(serde_json::to_vec(&belay_crd::Described::write(&written)).unwrap().len() < 1024 * 1024);
        assert_eq!(read(Some(&written)), objects);
    }

    #[test]
    fn bad_m4_entries_that_are_none_are_passed_over() {
        let entry = |id: &str| ResourceReference { id: id.to_owned(), ..ResourceReference::default() };
        let ids = [
            "",
            "_",
            "____",
            "a_b_c_d_e",
            "no-separator",
            "\u{0}_\u{0}_\u{0}_\u{0}",
            "ns_name_apps_Deployment",
        ];
        let inventory =
            ResourceInventory { entries: ids.map(entry).to_vec(), ..ResourceInventory::default() };
        let read = read(Some(&inventory));
        assert!(read.contains_key(&key("apps", "Deployment", "ns", "name")));
        assert!(read.keys().all(|key| !key.name.is_empty() && !key.kind.is_empty()));
    }
}
