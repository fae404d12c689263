//! `dependsOn` in the other direction: who waits for an app. Kept, because each change of one of a thousand apps asks.

use std::collections::{BTreeSet, HashMap};

use belay_manifest::{Object, ObjectKey};

use crate::depends::dependencies;

/// Who depends on what, as the apps said last.
#[derive(Default)]
pub(crate) struct Dependents {
    /// What each app depends on; those that depend on nothing are left out.
    known: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
    waiting: HashMap<ObjectKey, BTreeSet<ObjectKey>>,
}

impl Dependents {
    /// Takes in what an app says now; nothing if it is gone.
    pub(crate) fn note(&mut self, app: &ObjectKey, object: Option<&Object>) {
        let now: BTreeSet<ObjectKey> = object.into_iter().flat_map(dependencies).collect();
        let before = self.known.get(app);
        if before.map_or(now.is_empty(), |before| *before == now) {
            return;
        }
        for one in self.known.remove(app).into_iter().flatten() {
            if let Some(apps) = self.waiting.get_mut(&one) {
                apps.remove(app);
                if apps.is_empty() {
                    self.waiting.remove(&one);
                }
            }
        }
        for one in &now {
            self.waiting.entry(one.clone()).or_default().insert(app.clone());
        }
        if !now.is_empty() {
            self.known.insert(app.clone(), now);
        }
    }

    /// Those that depend on an app.
    pub(crate) fn of(&self, app: &ObjectKey) -> Vec<ObjectKey> {
        self.waiting.get(app).into_iter().flatten().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn app(name: &str, on: &[&str]) -> Object {
        let on: Vec<_> = on.iter().map(|name| json!({"name": name})).collect();
        Object::new(json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": name, "namespace": "apps"}, "spec": {"dependsOn": on}}))
        .unwrap()
    }

    #[test]
    fn those_that_wait_are_found_until_they_say_something_else() {
        let mut dependents = Dependents::default();
        let (web, shop, base) = (app("web", &["base"]), app("shop", &["base", "web"]), app("base", &[]));
        for app in [&web, &shop, &base] {
            dependents.note(&app.key(), Some(app));
        }
        assert_eq!(dependents.of(&base.key()), [shop.key(), web.key()]);
        assert_eq!(dependents.of(&web.key()), [shop.key()]);
        let alone = app("shop", &[]);
        dependents.note(&alone.key(), Some(&alone));
        assert_eq!(dependents.of(&base.key()), [web.key()]);
        dependents.note(&web.key(), None);
        assert_eq!(dependents.of(&base.key()), []);
        assert!(dependents.known.is_empty() && dependents.waiting.is_empty());
    }
}
