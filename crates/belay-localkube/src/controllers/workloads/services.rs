//! Load balancers get an address, claims are bound.

use serde_json::{Value, json};

use super::{Dirty, MANAGER, set_status, target_of, to_see};
use crate::cluster::State;
use crate::object::{items, name, set, text, uid};

pub(super) fn step(state: &mut State, dirty: &Dirty) {
    for service in to_see(state, "", "services", dirty) {
        let waits = text(&service, &["spec", "type"]) == "LoadBalancer"
            && items(&service, &["status", "loadBalancer", "ingress"]).is_empty();
        if waits {
            set_status(state, &service, |service| {
                service["status"]["loadBalancer"]["ingress"] =
                    json!([{ "ip": "127.0.0.1", "ipMode": "VIP" }]);
            });
        }
    }
    for claim in to_see(state, "", "persistentvolumeclaims", dirty) {
        if text(&claim, &["status", "phase"]) == "Pending" {
            bind(state, &claim);
        }
    }
}

/// A claim gets a volume by name; there is none behind it.
fn bind(state: &mut State, claim: &Value) {
    let Some(target) = target_of(state, claim) else { return };
    let volume = format!("pvc-{}", uid(claim));
    tracing::debug!(claim = name(claim), volume, "bind a claim");
    super::super::change(state, &target, "", MANAGER, |claim| {
        if text(claim, &["spec", "volumeName"]).is_empty() {
            set(claim, &["spec", "volumeName"], volume.into());
        }
        set(claim, &["metadata", "annotations", "pv.kubernetes.io/bind-completed"], "yes".into());
    });
    set_status(state, claim, |claim| {
        let (modes, wanted) =
            (claim["spec"]["accessModes"].clone(), claim["spec"]["resources"]["requests"].clone());
        let status = &mut claim["status"];
        status["phase"] = "Bound".into();
        status["accessModes"] = modes;
        status["capacity"] = wanted;
    });
}
