//! The `scale` subresource.

use std::sync::Arc;

use belay_schema::managed::{self, parent_entries, scale_entries};
use belay_schema::{FieldError, KindSchema, Registry, decode, default_object, json_patch, merge_patch};
use serde_json::{Value, json};

use crate::object::{at, items, name, namespace, remove, resource_version, set, text, uid};
use crate::request::Target;
use crate::status::ApiError;
use crate::write::{PatchKind, Writer, Written, refused_apply};

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

/// A write to a Scale.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    Replace(Value),
    Patch(PatchKind, Value),
}

impl Writer<'_> {
    /// Write a Scale: its replicas and who owns them go to the object itself.
    pub(crate) fn scale(&mut self, paths: &Paths, change: Change) -> Result<Written, ApiError> {
        let schema = scale_schema()?;
        let live = self.live()?;
        let path: Vec<&str> = paths.spec.iter().map(String::as_str).collect();
        let entries = items(&live, &["metadata", "managedFields"]).to_vec();
        let mut shown = paths.show(self.target, &live);
        set(&mut shown, &["metadata", "managedFields"], scale_entries(&entries, &path).into());
        let new = self.changed_scale(&schema, &shown, change)?;
        let replicas = new["spec"]["replicas"].as_i64().unwrap_or(0);
        if replicas < 0 {
            let said = "must be greater than or equal to 0";
            let error = FieldError::invalid("spec.replicas", &new["spec"]["replicas"], said);
            return Err(ApiError::invalid("autoscaling", "Scale", &self.target.name, &[error]));
        }
        let mut object = (*live).clone();
        for field in ["resourceVersion", "uid"] {
            let given = text(&new, &["metadata", field]).to_owned();
            if !given.is_empty() {
                set(&mut object, &["metadata", field], given.into());
            }
        }
        self.check_preconditions(&live, &object)?;
        set(&mut object, &path, replicas.into());
        let scaled = items(&new, &["metadata", "managedFields"]);
        let entries = parent_entries(&entries, scaled, &path, &self.target.api_version());
        set(&mut object, &["metadata", "managedFields"], entries.into());
        let own = self.target.schema()?;
        self.store_changed(&own, &live, object, Vec::new())
    }

    fn changed_scale(&self, schema: &KindSchema, shown: &Value, change: Change) -> Result<Value, ApiError> {
        let now = self.state.clock.seconds();
        let write = self.write(&now);
        let body = match change {
            Change::Patch(PatchKind::Apply, applied) => {
                if self.options.manager.is_empty() {
                    let error = FieldError::required("fieldManager", "is required for apply patch");
                    return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
                }
                let mut applied = applied;
                for (field, own) in [("name", &self.target.name), ("namespace", &self.target.namespace)] {
                    if text(&applied, &["metadata", field]).is_empty() {
                        set(&mut applied, &["metadata", field], own.as_str().into());
                    }
                }
                return managed::apply(schema, Some(shown), &applied, &write, self.options.force)
                    .map_err(refused_apply);
            }
            Change::Replace(body) => body,
            Change::Patch(PatchKind::Json, patch) => {
                json_patch(&plain(shown), &patch).map_err(|error| self.refused_patch(error))?
            }
            Change::Patch(_, patch) => merge_patch(&plain(shown), &patch),
        };
        if name(&body) != self.target.name {
            let said = format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                name(&body),
                self.target.name
            );
            return Err(ApiError::bad_request(said));
        }
        let mut new = decode(schema, &body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        default_object(schema, &mut new);
        Ok(managed::update(schema, Some(shown), &new, &write))
    }
}

/// A Scale as clients see it.
fn plain(shown: &Value) -> Value {
    let mut shown = shown.clone();
    remove(&mut shown, &["metadata", "managedFields"]);
    shown
}

fn scale_schema() -> Result<Arc<KindSchema>, ApiError> {
    let schema = Registry::builtin().kind("autoscaling", "v1", "Scale");
    schema.ok_or_else(|| ApiError::not_supported("Scale"))
}
