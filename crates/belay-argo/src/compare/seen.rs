//! What was compared before: Git's side of an object is shared and the live one's version is known, so one look tells whether
//! either has changed.

use std::collections::HashMap;
use std::sync::Arc;

use belay_cluster::is_trimmed;
use belay_diff::{Difference, FieldPath, Ignored, Method, Sides};
use belay_manifest::{Object, ObjectKey};
use serde_json::Value;

use crate::compare::compare_options;
use crate::context::Context;
use crate::tracking::with_equal_marks;

/// The comparisons of one app.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    ignored: Arc<Ignored>,
    objects: HashMap<ObjectKey, One>,
}

/// Which state of a live object it is.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    uid: Box<str>,
    version: Box<str>,
    /// An object of nobody is not known whole.
    is_whole: bool,
}

impl Version {
    fn of(live: &Object) -> Version {
        Version {
            uid: live.uid().into(),
            version: live.resource_version().into(),
            is_whole: !is_trimmed(live),
        }
    }
}

/// The comparison of one object.
#[derive(Debug, Clone)]
struct One {
    desired: Arc<Object>,
    live: Version,
    method: Method,
    differences: Arc<Vec<Difference>>,
    /// What the API server said an apply would make of the object, if it was asked.
    tried: Option<Arc<Object>>,
    /// What the API server made of a field right when we wrote it: admission has its own mind, and writing the same
    /// again would not change it.
    settled: Arc<Vec<(FieldPath, Option<Value>)>>,
}

/// A write of ours, and what the API server made of it.
#[derive(Debug, Clone)]
pub(crate) struct Written {
    /// What we wrote.
    pub desired: Arc<Object>,
    /// The answer.
    answer: Version,
}

/// What the API server has told of an object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told<'a> {
    /// Its answer to our own last write.
    pub written: Option<&'a Written>,
    /// What it would make of the live object.
    pub tried: Option<&'a Arc<Object>>,
}

impl Written {
    /// A write whose answer has this `resourceVersion`. What somebody has changed since is theirs: it is never taken for
    /// what the API server made of our write.
    pub(crate) fn of(desired: Arc<Object>, version: &str, live: Option<Arc<Object>>) -> Option<Written> {
        let answer = live.filter(|live| live.resource_version() == version)?;
        Some(Written { desired, answer: Version::of(&answer) })
    }

    /// Whether the live object is the answer to a write of what is desired.
    fn is_of(&self, desired: &Object, live: &Arc<Object>) -> bool {
        self.answer == Version::of(live) && *self.desired == *desired
    }
}

impl Seen {
    /// Nothing is seen yet, with these rules.
    pub(crate) fn new(ignored: &Arc<Ignored>) -> Seen {
        Seen { ignored: ignored.clone(), objects: HashMap::new() }
    }

    /// What an apply would change in an object, as found last.
    pub(crate) fn known(&self, key: &ObjectKey) -> Arc<Vec<Difference>> {
        self.objects.get(key).map(|one| one.differences.clone()).unwrap_or_default()
    }

    /// What an apply would change, as found before or found now. `told` is what the API server has to say of it.
    #[expect(
        clippy::too_many_arguments,
        reason = "both sides of an object, and where its schema and past are found"
    )]
    pub(crate) fn differences(
        &mut self,
        before: &Seen,
        key: &ObjectKey,
        desired: &Arc<Object>,
        live: &Arc<Object>,
        told: Told<'_>,
        method: Method,
        context: &Context,
    ) -> Arc<Vec<Difference>> {
        let known = before.objects.get(key).filter(|known| {
            before.ignored == self.ignored && known.method == method && Arc::ptr_eq(&known.desired, desired)
        });
        let one = match known {
            Some(known) if known.live == Version::of(live) && is_same(known.tried.as_ref(), told.tried) => {
                known.clone()
            }
            _ => {
                let mut differences = self.found(key, desired, live, method, told.tried, context);
                let mut settled = known.map(|known| known.settled.clone()).unwrap_or_default();
                if told.tried.is_some() {
                    // It has said what it would make of every field.
                    settled = Arc::default();
                } else if told.written.is_some_and(|written| written.is_of(desired, live)) {
                    let named = differences.iter().filter(|difference| difference.desired.is_some());
                    settled = Arc::new(
                        named.map(|difference| (difference.path.clone(), difference.live.clone())).collect(),
                    );
                }
                differences.retain(|difference| {
                    !settled.iter().any(|(path, live)| *path == difference.path && *live == difference.live)
                });
                let (desired, live, tried) = (desired.clone(), Version::of(live), told.tried.cloned());
                One { desired, live, method, tried, differences: Arc::new(differences), settled }
            }
        };
        let differences = one.differences.clone();
        self.objects.insert(key.clone(), one);
        differences
    }

    fn found(
        &self,
        key: &ObjectKey,
        desired: &Object,
        live: &Object,
        method: Method,
        tried: Option<&Arc<Object>>,
        context: &Context,
    ) -> Vec<Difference> {
        let schema = context.schemas.of(&desired.gvk(), &context.live);
        let live = &*with_equal_marks(live, desired, &context.system().tracking);
        let sides = Sides { desired, live, schema: schema.as_deref() };
        let options = compare_options();
        let found = match tried {
            Some(answer) => sides.differences_to(answer, &options, &self.ignored),
            None => sides.differences(method, &options, &self.ignored),
        };
        found.unwrap_or_else(|error| {
            tracing::debug!(object = %key, %error, "compared without a prediction");
            belay_diff::compare(desired, live, &options)
        })
    }
}

/// Whether two answers are one.
fn is_same(one: Option<&Arc<Object>>, other: Option<&Arc<Object>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        (one, other) => one.is_none() && other.is_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_others_change_right_after_a_write_is_not_the_servers_answer_to_it() {
        let object = |version: &str, text: &str| {
            let metadata = json!({"name": "two", "namespace": "a", "resourceVersion": version});
            let object =
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": text}});
            Arc::new(Object::new(object).unwrap())
        };
        let desired = object("", "as in Git");
        let answered = |live| Written::of(desired.clone(), "542", live).is_some();
        assert!(answered(Some(object("542", "as in Git"))));
        assert!(!answered(Some(object("543", "changed by hand"))));
        assert!(!answered(None));
    }
}
