//! How replicas share the work: an app is one replica's, a source is read by all and told of by one.

use belay_cluster::LiveState;
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use crate::context::{Context, SOURCE_GROUP};

/// What an object weighs whatever its size, in objects.
const LOAD: u64 = 10;

/// By what replicas share objects: each by itself, but those of another cluster together, so that one replica follows it.
pub(crate) fn piece(live: &LiveState, key: &ObjectKey) -> String {
    let object = live.get(key);
    let kubeconfig = object.as_ref().and_then(|object| object.value().pointer("/spec/kubeConfig"));
    let secret =
        kubeconfig.and_then(|reference| reference.pointer("/secretRef/name")).and_then(Value::as_str);
    match secret {
        Some(secret) => format!("kubeconfig/{}/{secret}", key.namespace),
        None => format!("{}/{}/{}", key.kind, key.namespace, key.name),
    }
}

/// What an object weighs: with what it has in the cluster.
pub(crate) fn load(object: &Object) -> u64 {
    let entries = object.value().pointer("/status/inventory/entries").and_then(Value::as_array);
    LOAD + entries.map_or(0, Vec::len) as u64
}

/// Whether all replicas need what comes of an object.
pub(crate) fn is_for_all(key: &ObjectKey) -> bool {
    key.group == SOURCE_GROUP
}

impl Context {
    /// Whether this replica is the one that writes of an object.
    pub(crate) fn tells_of(&self, key: &ObjectKey) -> bool {
        self.settings.share.holds(&piece(&self.live, key))
    }

    /// Whether apps may use what is known of a source. What another replica tells of and is not known here yet, or is
    /// known to nobody else yet, would take an app back, or ahead of those that it depends on.
    pub(crate) fn is_current(&self, source: &ObjectKey) -> bool {
        self.tells_of(source) || self.is_level(source)
    }

    /// Whether a source of another replica is known here as that one has told of it: then there is news only when it
    /// tells again.
    pub(crate) fn is_level(&self, key: &ObjectKey) -> bool {
        let Some(object) = self.live.get(key) else { return true };
        let told = object.value().pointer("/status/artifact/revision").and_then(Value::as_str);
        let known = match key.kind.as_str() {
            "HelmChart" => self.chart(key).map(|chart| chart.version().to_owned()),
            _ => self.source(key).map(|source| source.revision),
        };
        known.as_deref() == told
    }
}

/// Whether another replica tells of something else in a source.
pub(crate) fn is_told_anew(before: &Object, after: &Object) -> bool {
    let told = |object: &Object| object.value().pointer("/status/artifact").cloned();
    told(before) != told(after)
}
