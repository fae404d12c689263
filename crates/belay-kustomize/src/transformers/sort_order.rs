//! `sortOptions`: the order of the objects.

use std::collections::HashMap;

use crate::error::Error;
use crate::id::Gvk;
use crate::kustomization::{LegacySortOptions, SortOptions};
use crate::resource::Resource;
use crate::resources::Resources;

/// Kinds others wait for.
const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];

/// Kinds that would stand in the way of others.
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// The place of a kind in the default order; zero for all kinds it does not name.
pub(crate) fn default_rank(kind: &str) -> i64 {
    let place = |list: &[&str]| list.iter().position(|name| *name == kind).map(|at| at as i64);
    let first = place(&FIRST).map(|at| at - FIRST.len() as i64);
    first.or_else(|| place(&LAST).map(|at| at + 1)).unwrap_or_default()
}

/// Sorts as a kustomization's `sortOptions` say.
pub(crate) fn sort_by(resources: &mut Resources, options: &SortOptions) -> Result<(), Error> {
    match (options.order.as_str(), &options.legacy_sort_options) {
        ("legacy", None) => sort_legacy(resources, &default_ranks()),
        ("legacy", Some(kinds)) => sort_legacy(resources, &ranks(kinds)),
        ("fifo", None) => {}
        ("fifo", Some(_)) => {
            return Err(Error::rule(
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
            ));
        }
        _ => return Err(Error::rule("the field 'sortOptions.order' must be one of [fifo, legacy]")),
    }
    Ok(())
}

/// Sorts by kind, then by name.
pub(crate) fn sort_default(resources: &mut Resources) {
    sort_legacy(resources, &default_ranks());
}

fn default_ranks() -> HashMap<String, i64> {
    FIRST.iter().chain(&LAST).map(|kind| ((*kind).to_owned(), default_rank(kind))).collect()
}

fn ranks(kinds: &LegacySortOptions) -> HashMap<String, i64> {
    let first = kinds.order_first.len() as i64;
    let mut ranks = HashMap::new();
    ranks.extend(kinds.order_first.iter().enumerate().map(|(at, kind)| (kind.clone(), at as i64 - first)));
    ranks.extend(kinds.order_last.iter().enumerate().map(|(at, kind)| (kind.clone(), at as i64 + 1)));
    ranks
}

fn sort_legacy(resources: &mut Resources, ranks: &HashMap<String, i64>) {
    resources.list_mut().sort_by_cached_key(|resource| {
        let gvk = resource.gvk();
        let rank = ranks.get(&gvk.kind).copied().unwrap_or_default();
        (rank, kind_text(&gvk), name_text(&gvk, resource))
    });
}

fn or<'t>(text: &'t str, none: &'t str) -> &'t str {
    if text.is_empty() { none } else { text }
}

pub(crate) fn kind_text(gvk: &Gvk) -> String {
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

fn name_text(gvk: &Gvk, resource: &Resource) -> String {
    format!("{gvk}|{}|{}", or(&resource.namespace(), "~X"), or(&resource.name(), "~N"))
}
