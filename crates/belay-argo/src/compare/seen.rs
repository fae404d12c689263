//! What was compared before: both sides of an object are shared, so one look tells whether either has changed.

use std::collections::HashMap;
use std::sync::Arc;

use belay_diff::{Difference, Ignored, Method, Sides};
use belay_manifest::{Object, ObjectKey};

use super::schemas::Schemas;
use crate::compare::compare_options;
use crate::controller::Context;

/// The comparisons of one app.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    ignored: Arc<Ignored>,
    objects: HashMap<ObjectKey, One>,
}

#[derive(Debug, Clone)]
struct One {
    desired: Arc<Object>,
    live: Arc<Object>,
    method: Method,
    differences: Arc<Vec<Difference>>,
}

impl Seen {
    /// The same, if it was made with these rules; else nothing.
    pub(crate) fn with(self, ignored: &Arc<Ignored>) -> Seen {
        if self.ignored == *ignored {
            return self;
        }
        Seen { ignored: ignored.clone(), objects: HashMap::new() }
    }

    /// What an apply would change in an object, as found last.
    pub(crate) fn known(&self, key: &ObjectKey) -> Arc<Vec<Difference>> {
        self.objects.get(key).map(|one| one.differences.clone()).unwrap_or_default()
    }

    /// What an apply would change, as found before or found now.
    pub(crate) fn differences(
        &mut self,
        key: &ObjectKey,
        desired: &Arc<Object>,
        live: &Arc<Object>,
        method: Method,
        schemas: &Schemas,
        context: &Context,
    ) -> Arc<Vec<Difference>> {
        if let Some(known) = self.objects.get(key)
            && Arc::ptr_eq(&known.desired, desired)
            && Arc::ptr_eq(&known.live, live)
            && known.method == method
        {
            return known.differences.clone();
        }
        let schema = schemas.of(&desired.gvk(), context);
        let sides = Sides { desired, live, schema: schema.as_deref() };
        let options = compare_options();
        let differences = sides.differences(method, &options, &self.ignored).unwrap_or_else(|error| {
            tracing::debug!(object = %key, %error, "compared without a prediction");
            belay_diff::compare(desired, live, &options)
        });
        let differences = Arc::new(differences);
        self.objects.insert(
            key.clone(),
            One { desired: desired.clone(), live: live.clone(), method, differences: differences.clone() },
        );
        differences
    }
}
