//! Create, update and the four patches.

use std::sync::Arc;

use belay_schema::managed::{self, ApplyError, Write};
use belay_schema::{
    FieldError, KindSchema, PatchError, decode, default_object, json_patch, keep_unchangeable, merge_patch,
    metadata_errors, prune, strategic, unknown_fields, validate,
};
use http::Method;
use serde_json::{Value, json};

use crate::admission::{Admission, Operation};
use crate::cluster::State;
use crate::object::{
    carry_over, generation, is_being_deleted, is_same_write, name, namespace, remove, resource_version, set,
    text, uid,
};
use crate::request::{Request, Target};
use crate::status::ApiError;
use crate::strategy::{creates_on_update, has_generation, is_new_generation, needs_version};

/// The options of a write.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    pub(crate) force: bool,
    pub(crate) unknown: UnknownFields,
    /// Who else is asked; nobody for what the cluster's own controllers write.
    pub(crate) admission: Option<Arc<Admission>>,
}

/// What becomes of fields that the kind does not have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum UnknownFields {
    Ignore,
    #[default]
    Warn,
    Refuse,
}

impl Options {
    pub(crate) fn of(request: &Request) -> Result<Self, ApiError> {
        let dry_run = request.query.get("dryRun");
        if !matches!(dry_run, "" | "All") {
            let error = FieldError::not_supported("dryRun", &json!([dry_run]), &["All".to_owned()]);
            return Err(refused_options(request, &error));
        }
        let unknown = match request.query.get("fieldValidation") {
            "Ignore" => UnknownFields::Ignore,
            "Strict" => UnknownFields::Refuse,
            "" | "Warn" => UnknownFields::Warn,
            other => {
                let known = ["", "Ignore", "Strict", "Warn"].map(str::to_owned);
                let error = FieldError::not_supported("fieldValidation", &json!(other), &known);
                return Err(refused_options(request, &error));
            }
        };
        let dry_run = dry_run == "All";
        let admission = Admission::new(request, shown_options(request), dry_run);
        Ok(Self {
            manager: request.manager(),
            dry_run,
            force: request.query.is_true("force"),
            unknown,
            admission: Some(Arc::new(admission)),
        })
    }
}

/// The options as webhooks see them.
fn shown_options(request: &Request) -> Value {
    let mut shown = json!({ "kind": kind_of_options(request), "apiVersion": "meta.k8s.io/v1" });
    for field in ["fieldManager", "fieldValidation"] {
        let given = request.query.get(field);
        if !given.is_empty() {
            shown[field] = given.into();
        }
    }
    if request.query.is_dry_run() {
        shown["dryRun"] = json!(["All"]);
    }
    if request.query.is_true("force") {
        shown["force"] = true.into();
    }
    shown
}

fn kind_of_options(request: &Request) -> &'static str {
    match request.method {
        Method::POST => "CreateOptions",
        Method::PATCH => "PatchOptions",
        Method::DELETE => "DeleteOptions",
        _ => "UpdateOptions",
    }
}

/// Options that are wrong, under the name of the request's kind of options.
fn refused_options(request: &Request, error: &FieldError) -> ApiError {
    ApiError::invalid("meta.k8s.io", kind_of_options(request), "", std::slice::from_ref(error))
}

/// A patch by its media type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PatchKind {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchKind {
    pub(crate) fn of(media_type: &str) -> Result<Self, ApiError> {
        match media_type {
            "application/json-patch+json" => Ok(Self::Json),
            "application/merge-patch+json" => Ok(Self::Merge),
            "application/strategic-merge-patch+json" => Ok(Self::Strategic),
            "application/apply-patch+yaml" => Ok(Self::Apply),
            other => Err(ApiError::unsupported_media_type(
                other,
                &[
                    "application/json-patch+json",
                    "application/merge-patch+json",
                    "application/strategic-merge-patch+json",
                    "application/apply-patch+yaml",
                ],
            )),
        }
    }
}

/// What a write left behind.
#[derive(Debug)]
pub(crate) struct Written {
    pub(crate) object: Arc<Value>,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<String>,
}

/// One write under the lock.
pub(crate) struct Writer<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) target: &'a Target,
    pub(crate) options: &'a Options,
}

impl Writer<'_> {
    pub(crate) fn create(&mut self, mut body: Value) -> Result<Written, ApiError> {
        let schema = self.target.schema()?;
        self.check_identity(&mut body)?;
        let warnings = self.check_fields(&schema, &body)?;
        let mut new = decode(&schema, &body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        if !resource_version(&new).is_empty() {
            // The original has no reason for this, and takes the blame.
            return Err(ApiError::new(500, "", "resourceVersion should not be set on objects to be created"));
        }
        self.name_it(&mut new);
        default_object(&schema, &mut new);
        let now = self.state.clock.seconds();
        let mut object = managed::update(&schema, None, &new, &self.write(&now));
        self.create_decoded(&schema, &mut object, warnings)
    }

    fn create_decoded(
        &mut self,
        schema: &KindSchema,
        object: &mut Value,
        warnings: Vec<String>,
    ) -> Result<Written, ApiError> {
        let definition = self.target.definition.clone();
        let (space, name) = (namespace(object).to_owned(), name(object).to_owned());
        self.check_namespace(&space, &name)?;
        self.mutate(Operation::Create, object, None)?;
        self.finish(schema, None, object)?;
        for field in ["selfLink", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            remove(object, &["metadata", field]);
        }
        set(object, &["metadata", "uid"], self.state.random.uid().into());
        set(object, &["metadata", "creationTimestamp"], self.state.clock.seconds().into());
        remove(object, &["metadata", "generation"]);
        if has_generation(self.target) {
            set(object, &["metadata", "generation"], 1.into());
        }
        crate::allocate::admit(self.state, &definition, object, self.options.dry_run)?;
        crate::allocate::fill(self.state, &definition, None, object);
        self.refuse_errors(schema, object, None)?;
        self.ask(Operation::Create, object, None)?;
        if self.state.store.get(&definition.storage(), &space, &name).is_some() {
            return Err(ApiError::already_exists(&definition.group, &definition.resource, &name));
        }
        if self.options.dry_run {
            return Ok(Written { object: Arc::new(object.take()), created: true, warnings });
        }
        let object = self.store(object.take());
        Ok(Written { object, created: true, warnings })
    }

    pub(crate) fn update(&mut self, mut body: Value) -> Result<Written, ApiError> {
        let schema = self.target.schema()?;
        self.check_identity(&mut body)?;
        let warnings = self.check_fields(&schema, &body)?;
        let live = self.live();
        let mut new = decode(&schema, &body).map_err(|error| ApiError::bad_request(error.to_string()))?;
        if !self.target.definition.namespaced {
            remove(&mut new, &["metadata", "namespace"]);
        }
        if name(&new) != self.target.name {
            let message = format!(
                "the name of the object ({}) does not match the name on the URL ({})",
                name(&new),
                self.target.name
            );
            return Err(ApiError::bad_request(message));
        }
        let live = match live {
            Err(error) if error.code == 404 && creates_on_update(self.target) => {
                return self.create(body);
            }
            live => live?,
        };
        if resource_version(&new).is_empty() && needs_version(self.target) {
            let definition = &self.target.definition;
            let error =
                FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
            return Err(ApiError::invalid(
                &definition.group,
                &definition.resource,
                &self.target.name,
                &[error],
            ));
        }
        self.replace(&schema, &live, new, warnings)
    }

    pub(crate) fn patch(&mut self, kind: PatchKind, patch: &Value) -> Result<Written, ApiError> {
        if kind == PatchKind::Apply {
            return self.apply(patch);
        }
        let schema = self.target.schema()?;
        let live = self.live()?;
        let mut before = (*live).clone();
        before["apiVersion"] = self.target.api_version().into();
        let patched = match kind {
            PatchKind::Json => json_patch(&before, patch).map_err(|error| self.refused_patch(error))?,
            PatchKind::Strategic if schema.is_custom() => {
                return Err(ApiError::unsupported_media_type(
                    "application/strategic-merge-patch+json",
                    &[
                        "application/json-patch+json",
                        "application/merge-patch+json",
                        "application/apply-patch+yaml",
                    ],
                ));
            }
            PatchKind::Strategic => {
                strategic::merge(&schema, &before, patch).map_err(|error| self.refused_patch(error))?
            }
            PatchKind::Merge | PatchKind::Apply => merge_patch(&before, patch),
        };
        let warnings = self.check_fields(&schema, &patched)?;
        let new = decode(&schema, &patched)
            .map_err(|error| refused_result(kind, patch, &patched, error.detail()))?;
        if name(&new) != self.target.name {
            let error = FieldError::invalid("metadata.name", &new["metadata"]["name"], "field is immutable");
            return Err(self.invalid(&new, &[error]));
        }
        self.replace(&schema, &live, new, warnings)
    }

    fn apply(&mut self, applied: &Value) -> Result<Written, ApiError> {
        if self.options.manager.is_empty() {
            let error = FieldError::required("fieldManager", "is required for apply patch");
            return Err(ApiError::invalid("meta.k8s.io", "PatchOptions", "", &[error]));
        }
        let schema = self.target.schema()?;
        let mut applied = applied.clone();
        for (field, own) in [("name", &self.target.name), ("namespace", &self.target.namespace)] {
            let given = text(&applied, &["metadata", field]);
            if given.is_empty() && !own.is_empty() {
                set(&mut applied, &["metadata", field], own.as_str().into());
            } else if given != own {
                let message = if field == "name" {
                    format!("the name of the object ({given}) does not match the name on the URL ({own})")
                } else {
                    NAMESPACE_DIFFERS.to_owned()
                };
                return Err(ApiError::bad_request(message));
            }
        }
        let warnings = self.check_fields(&schema, &applied)?;
        let live = match self.live() {
            Ok(live) => Some(live),
            Err(_) if self.target.subresource.is_empty() => None,
            Err(error) => return Err(error),
        };
        let base = live.as_deref().map(|live| {
            let mut base = live.clone();
            base["apiVersion"] = self.target.api_version().into();
            base
        });
        // Nobody owns the namespace, and messages show the object as it was given.
        remove(&mut applied, &["metadata", "namespace"]);
        let now = self.state.clock.seconds();
        let object =
            managed::predict(&schema, base.as_ref(), &applied, &self.write(&now), self.options.force);
        let mut object = object.map_err(refused_apply)?;
        if !self.target.namespace.is_empty() {
            set(&mut object, &["metadata", "namespace"], self.target.namespace.as_str().into());
        }
        match &live {
            None => {
                if !uid(&applied).is_empty() {
                    let cause = format!(
                        "uid mismatch: the provided object specified uid {}, and no existing object was found",
                        uid(&applied)
                    );
                    return Err(self.target.conflict(&cause));
                }
                self.create_decoded(&schema, &mut object, warnings)
            }
            Some(live) => {
                self.check_preconditions(live, &object)?;
                self.store_changed(&schema, live, object, warnings)
            }
        }
    }

    /// Replace the live object by a decoded one.
    fn replace(
        &mut self,
        schema: &KindSchema,
        live: &Arc<Value>,
        mut new: Value,
        warnings: Vec<String>,
    ) -> Result<Written, ApiError> {
        self.check_preconditions(live, &new)?;
        if text(&new, &["metadata", "namespace"]).is_empty() {
            carry_over(live, &mut new, &["metadata", "namespace"]);
        }
        default_object(schema, &mut new);
        let now = self.state.clock.seconds();
        let object = managed::update(schema, Some(live), &new, &self.write(&now));
        self.store_changed(schema, live, object, warnings)
    }

    pub(crate) fn store_changed(
        &mut self,
        schema: &KindSchema,
        live: &Arc<Value>,
        mut object: Value,
        warnings: Vec<String>,
    ) -> Result<Written, ApiError> {
        let definition = self.target.definition.clone();
        self.mutate(Operation::Update, &mut object, Some(live))?;
        self.finish(schema, Some(live), &mut object)?;
        for field in [
            "uid",
            "creationTimestamp",
            "deletionTimestamp",
            "deletionGracePeriodSeconds",
            "generation",
            "resourceVersion",
            "namespace",
        ] {
            carry_over(live, &mut object, &["metadata", field]);
        }
        remove(&mut object, &["metadata", "selfLink"]);
        if is_being_deleted(live) {
            refuse_new_finalizers(&definition, live, &object)?;
        }
        crate::allocate::fill(self.state, &definition, Some(live), &mut object);
        if (has_generation(self.target) || definition.resource == "csidrivers")
            && self.target.subresource != "status"
            && definition.resource != "priorityclasses"
            && is_new_generation(self.target, live, &object)
        {
            set(&mut object, &["metadata", "generation"], (generation(live) + 1).into());
        }
        self.refuse_errors(schema, &object, Some(live))?;
        self.ask(Operation::Update, &object, Some(live))?;
        let is_same = is_same_write(live, &object);
        let goes_now = is_being_deleted(live) && !crate::cluster::is_held(&definition, &object);
        if is_same && !goes_now {
            return Ok(Written { object: live.clone(), created: false, warnings });
        }
        if self.options.dry_run {
            return Ok(Written { object: Arc::new(object), created: false, warnings });
        }
        let object = self.store(object);
        Ok(Written { object, created: false, warnings })
    }

    /// The object that is there, in the version of the request.
    pub(crate) fn live(&self) -> Result<Arc<Value>, ApiError> {
        let stored = self.state.live(&self.target.definition, &self.target.namespace, &self.target.name)?;
        let is_other = !self.target.definition.is_custom()
            && self.target.version != self.target.definition.storage_version;
        if is_other {
            return Ok(Arc::new(belay_schema::convert(&stored, &self.target.api_version())));
        }
        Ok(stored)
    }

    /// Keep an object in the version that is stored.
    fn store(&mut self, object: Value) -> Arc<Value> {
        let definition = self.target.definition.clone();
        if definition.is_custom() || self.target.version == definition.storage_version {
            return self.state.commit(&definition, object);
        }
        let stored = belay_schema::convert(&object, &definition.api_version(&definition.storage_version));
        self.state.commit(&definition, stored)
    }

    pub(crate) fn write<'b>(&'b self, now: &'b str) -> Write<'b> {
        Write { manager: &self.options.manager, now, subresource: &self.target.subresource }
    }

    /// Let webhooks change the object.
    fn mutate(&self, operation: Operation, object: &mut Value, live: Option<&Value>) -> Result<(), ApiError> {
        match &self.options.admission {
            Some(admission) => admission.mutate(self.state, self.target, operation, object, live),
            None => Ok(()),
        }
    }

    /// Let webhooks refuse the object.
    fn ask(&self, operation: Operation, object: &Value, live: Option<&Value>) -> Result<(), ApiError> {
        match &self.options.admission {
            Some(admission) => admission.validate(self.state, self.target, operation, Some(object), live),
            None => Ok(()),
        }
    }

    fn check_identity(&self, body: &mut Value) -> Result<(), ApiError> {
        let expected =
            [("apiVersion", self.target.api_version()), ("kind", self.target.definition.kind.clone())];
        if !body.is_object() {
            return Err(ApiError::bad_request(
                "the object provided is unrecognized (must be of type JSON): not an object",
            ));
        }
        for (field, expected) in expected {
            let given = text(body, &[field]);
            if given.is_empty() {
                body[field] = expected.into();
            } else if given != expected {
                let definition = &self.target.definition;
                let message = if field == "kind" {
                    format!(
                        "{given} in version {:?} cannot be handled as a {}: no kind {given:?} is registered for this resource",
                        self.target.version, definition.kind
                    )
                } else {
                    format!(
                        "the API version in the data ({given}) does not match the expected API version ({expected})"
                    )
                };
                return Err(ApiError::bad_request(message));
            }
        }
        let given = namespace(body);
        if given.is_empty() && !self.target.namespace.is_empty() {
            set(body, &["metadata", "namespace"], self.target.namespace.as_str().into());
        } else if given != self.target.namespace && self.target.definition.namespaced {
            return Err(ApiError::bad_request(NAMESPACE_DIFFERS));
        }
        Ok(())
    }

    fn check_fields(&self, schema: &KindSchema, body: &Value) -> Result<Vec<String>, ApiError> {
        if self.options.unknown == UnknownFields::Ignore {
            return Ok(Vec::new());
        }
        let unknown = unknown_fields(schema, body);
        if unknown.is_empty() || self.options.unknown == UnknownFields::Warn {
            return Ok(unknown);
        }
        let kind = schema.kind();
        Err(ApiError::bad_request(format!(
            "{kind} in version {:?} cannot be handled as a {kind}: strict decoding error: {}",
            schema.version(),
            unknown.join(", ")
        )))
    }

    fn name_it(&mut self, new: &mut Value) {
        if !self.target.definition.namespaced {
            remove(new, &["metadata", "namespace"]);
        }
        let prefix = text(new, &["metadata", "generateName"]).to_owned();
        if name(new).is_empty() && !prefix.is_empty() {
            let random = &mut self.state.random;
            let made = match &self.options.admission {
                Some(admission) => admission.generated(|| random.name(&prefix)),
                None => random.name(&prefix),
            };
            set(new, &["metadata", "name"], made.into());
        }
    }

    /// Nothing is created in a namespace that is not there or goes away.
    fn check_namespace(&self, space: &str, name: &str) -> Result<(), ApiError> {
        let definition = &self.target.definition;
        if !definition.namespaced {
            return Ok(());
        }
        let namespaces = crate::store::GroupResource::new("", "namespaces");
        match self.state.store.get(&namespaces, "", space) {
            None => Err(ApiError::not_found("", "namespaces", space)),
            Some(live) if is_being_deleted(live) => {
                Err(ApiError::namespace_terminating(&definition.group, &definition.resource, name, space))
            }
            Some(_) => Ok(()),
        }
    }

    pub(crate) fn check_preconditions(&self, live: &Value, new: &Value) -> Result<(), ApiError> {
        let given = resource_version(new);
        if !given.is_empty() && given != "0" && given != resource_version(live) {
            return Err(self.target.conflict(
                "the object has been modified; please apply your changes to the latest version and try again",
            ));
        }
        if !uid(new).is_empty() && uid(new) != uid(live) {
            let cause = format!(
                "Precondition failed: UID in precondition: {}, UID in object meta: {}",
                uid(new),
                uid(live)
            );
            return Err(self.target.conflict(&cause));
        }
        Ok(())
    }

    fn finish(&self, schema: &KindSchema, live: Option<&Value>, object: &mut Value) -> Result<(), ApiError> {
        prune(schema, object);
        default_object(schema, object);
        keep_unchangeable(schema, live, object, &self.target.subresource);
        Ok(())
    }

    fn refuse_errors(
        &self,
        schema: &KindSchema,
        object: &Value,
        live: Option<&Value>,
    ) -> Result<(), ApiError> {
        let mut errors = metadata_errors(schema, &self.target.definition.resource, object, live);
        errors.extend(validate(schema, object, live));
        if self.target.definition.resource == "customresourcedefinitions" {
            errors.extend(belay_schema::crd_errors(object));
        }
        if errors.is_empty() { Ok(()) } else { Err(self.invalid(object, &errors)) }
    }

    fn invalid(&self, object: &Value, errors: &[FieldError]) -> ApiError {
        ApiError::invalid(&self.target.definition.group, &self.target.definition.kind, name(object), errors)
    }

    pub(crate) fn refused_patch(&self, error: PatchError) -> ApiError {
        match error {
            PatchError::Malformed(message) => ApiError::bad_request(message),
            // The API server keeps the cause to itself.
            PatchError::Unprocessable(_) => {
                let mut refused = ApiError::new(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                );
                refused.details = json!({});
                refused
            }
            PatchError::Unmergeable(message) => ApiError::new(500, "InternalError", message),
            error @ PatchError::TooLarge(_) => ApiError::new(413, "RequestEntityTooLarge", error.to_string()),
        }
    }
}

const NAMESPACE_DIFFERS: &str =
    "the namespace of the provided object does not match the namespace sent on the request";

/// A patch that leads to what cannot be read: shown as Go prints it, or as the JSON it leads to.
fn refused_result(kind: PatchKind, patch: &Value, patched: &Value, detail: &str) -> ApiError {
    let around = if detail.starts_with("illegal base64") && kind == PatchKind::Strategic {
        "error decoding from json: "
    } else {
        ""
    };
    let shown = if kind == PatchKind::Strategic {
        belay_schema::go_text(patch)
    } else {
        let mut sorted = patched.clone();
        sorted.sort_all_objects();
        sorted.to_string()
    };
    let error = FieldError::invalid("patch", &json!(shown), &format!("{around}{detail}"));
    let mut refused = ApiError::invalid("", "", "", &[error]);
    refused.details = json!({ "causes": refused.details["causes"] });
    refused
}

/// A refused apply as an answer.
pub(crate) fn refused_apply(error: ApplyError) -> ApiError {
    match &error {
        ApplyError::Conflict(conflicts) => {
            let causes = conflicts.iter().map(|conflict| {
                json!({"reason": "FieldManagerConflict", "message": conflict.cause_message(), "field": conflict.field.to_string()})
            });
            ApiError::apply_conflict(error.to_string(), causes.collect())
        }
        ApplyError::BadRequest(message) => ApiError::bad_request(message.clone()),
        _ => ApiError::new(500, "InternalError", error.to_string()),
    }
}

fn refuse_new_finalizers(
    definition: &crate::resources::Definition,
    live: &Value,
    object: &Value,
) -> Result<(), ApiError> {
    let before = crate::object::finalizers(live);
    let added: Vec<String> =
        crate::object::finalizers(object).into_iter().filter(|added| !before.contains(added)).collect();
    if added.is_empty() {
        return Ok(());
    }
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        added.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
    );
    let error = FieldError::forbidden("metadata.finalizers", &detail);
    Err(ApiError::invalid(&definition.group, &definition.kind, name(object), &[error]))
}
