//! The `scale` subresource.

use serde_json::{Value, json};

use crate::object::{at, name, namespace, resource_version, text, uid};
use crate::request::Target;
use crate::status::ApiError;

/// Where a kind keeps what its Scale shows, as paths of field names.
pub(crate) struct Paths {
    pub(crate) spec: Vec<String>,
    status: Vec<String>,
    selector: Option<Vec<String>>,
}

impl Paths {
    pub(crate) fn of(target: &Target) -> Result<Self, ApiError> {
        let split =
            |path: &str| path.trim_start_matches('.').split('.').map(str::to_owned).collect::<Vec<_>>();
        if let Some(declared) = &target.declared()?.scale {
            return Ok(Self {
                spec: split(text(declared, &["specReplicasPath"])),
                status: split(text(declared, &["statusReplicasPath"])),
                selector: declared["labelSelectorPath"].as_str().map(split),
            });
        }
        Ok(Self { spec: split(".spec.replicas"), status: split(".status.replicas"), selector: None })
    }

    /// The Scale of an object.
    pub(crate) fn show(&self, target: &Target, object: &Value) -> Value {
        let read = |path: &[String]| {
            let names: Vec<&str> = path.iter().map(String::as_str).collect();
            at(object, &names).clone()
        };
        let selector = match &self.selector {
            Some(path) => read(path).as_str().unwrap_or_default().to_owned(),
            None if target.definition.is_custom() => String::new(),
            None => crate::selectors::label_selector_text(&object["spec"]["selector"]),
        };
        let mut status = json!({ "replicas": read(&self.status).as_i64().unwrap_or(0) });
        if !selector.is_empty() {
            status["selector"] = selector.into();
        }
        let mut metadata = json!({ "name": name(object) });
        if !namespace(object).is_empty() {
            metadata["namespace"] = namespace(object).into();
        }
        metadata["uid"] = uid(object).into();
        metadata["resourceVersion"] = resource_version(object).into();
        metadata["creationTimestamp"] = object["metadata"]["creationTimestamp"].clone();
        let replicas = read(&self.spec).as_i64().unwrap_or(0);
        let spec = if replicas == 0 { json!({}) } else { json!({ "replicas": replicas }) };
        json!({ "kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status })
    }
}
