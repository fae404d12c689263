//! What an Application applied of a kind that neither its status nor Git names, as an earlier process ended between the
//! apply and the status.

use belay_cluster::{LiveState, Owners};
use belay_manifest::{GroupVersionKind, Object, ObjectKey};

use crate::context::GROUP;
use crate::controller::Controller;
use crate::lanes::deploys_to;
use crate::settings::TrackingMethod;

impl Owners for Controller {
    fn clusters(&self) -> Vec<(String, LiveState)> {
        let apps = self.context.home.of_kind(GROUP, "Application");
        let mut clusters = self.context.clusters.all();
        clusters
            .retain(|cluster| apps.iter().any(|app| deploys_to(app.value(), &cluster.server, &cluster.name)));
        clusters.iter().map(|cluster| (cluster.server.clone(), cluster.live.clone())).collect()
    }

    /// Annotations cannot be selected by.
    fn labels(&self) -> Option<String> {
        let tracking = &self.context.system().tracking;
        match tracking.method {
            TrackingMethod::Annotation => None,
            TrackingMethod::Label | TrackingMethod::AnnotationAndLabel => Some(tracking.label_key.clone()),
        }
    }

    fn excludes(&self, cluster: &str, kind: &GroupVersionKind) -> bool {
        self.context.system().filter.is_excluded(&kind.group, &kind.kind, cluster)
    }

    fn owner(&self, object: &Object) -> Option<ObjectKey> {
        self.parent(object).filter(|app| self.context.home.has(app))
    }

    fn found(&self, app: ObjectKey) {
        self.look_again([app]);
    }
}
