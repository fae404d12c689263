//! `namespace`: every object that lives in a namespace goes into this one.

use serde_json::{Map, Value};

use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::generators::helm_chart::GENERATED;
use crate::id::FieldSpec;
use crate::resource::{Resource, scalar_text};
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let namespace = &setting.kustomization.namespace;
    if namespace.is_empty() {
        return Ok(Vec::new());
    }
    let transformer = Namespace {
        namespace: namespace.clone(),
        fields: setting.configuration.namespace.clone(),
        unset_only: false,
        subjects: Subjects::Default,
    };
    Ok(vec![Box::new(transformer)])
}

/// Which subjects of role bindings move to the namespace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those named `default`.
    Default,
    /// Every service account.
    ServiceAccounts,
    /// None.
    None,
}

pub(crate) struct Namespace {
    pub(crate) namespace: String,
    pub(crate) fields: Vec<FieldSpec>,
    /// Whether only empty fields are set.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

impl Transformer for Namespace {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let is_charts = |resource: &Resource| resource.annotation(GENERATED).as_deref() == Some("true");
        for resource in resources.list_mut() {
            // A chart places its own objects.
            if resource.is_deleted() || is_charts(resource) {
                continue;
            }
            let id = resource.id();
            resource.remember_names();
            self.set(resource).during(|| format!("setting the namespace of {id}"))?;
        }
        match resources.conflict() {
            Some(id) => Err(Error::rule(format!("namespace transformation produces ID conflict: {id}"))),
            None => Ok(()),
        }
    }
}

const OWN: &str = "metadata/namespace";
const SUBJECTS: &str = "subjects/namespace";

impl Namespace {
    pub(crate) fn set(&self, resource: &mut Resource) -> Result<(), Error> {
        let gvk = resource.gvk();
        let is_core = resource.api_version() == "v1";
        let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        let mut set = |value: &mut Value| self.set_value(value);
        if !resource.is_cluster_scoped() {
            let own = FieldSpec { path: OWN.to_owned(), create: true, ..FieldSpec::default() };
            field_path::visit(&mut resource.object, &gvk, &own, Create::Scalar, &mut set)?;
        }
        if is_binding {
            self.set_subjects(&mut resource.object)?;
        }
        for field in &self.fields {
            let replaced = field.path == OWN
                || (!is_core && field.path == "metadata/name")
                || (is_binding && field.path == SUBJECTS && field.kind.ends_with("RoleBinding"));
            if !replaced {
                field_path::visit(&mut resource.object, &gvk, field, Create::Scalar, &mut set)?;
            }
        }
        Ok(())
    }

    fn set_value(&self, value: &mut Value) -> Result<(), Error> {
        if matches!(value, Value::Array(_) | Value::Object(_)) {
            return Err(Error::rule("namespace field specs must target scalar nodes"));
        }
        if !(self.unset_only && !value.is_null() && !scalar_text(value).is_empty()) {
            *value = Value::from(self.namespace.as_str());
        }
        Ok(())
    }

    fn set_subjects(&self, object: &mut Value) -> Result<(), Error> {
        let Some(subjects) = object.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
            return Ok(());
        };
        if self.subjects == Subjects::None {
            return Ok(());
        }
        let wrong = || Error::rule("`subjects` is not a list of maps");
        for subject in subjects.as_array_mut().ok_or_else(wrong)? {
            let fields = subject.as_object_mut().ok_or_else(wrong)?;
            if self.moves(fields) {
                self.set_value(fields.entry("namespace").or_insert(Value::Null))?;
            }
        }
        Ok(())
    }

    fn moves(&self, subject: &Map<String, Value>) -> bool {
        let is = |field: &str, text: &str| subject.get(field).and_then(Value::as_str) == Some(text);
        match self.subjects {
            Subjects::Default => is("name", "default"),
            Subjects::ServiceAccounts => is("kind", "ServiceAccount"),
            Subjects::None => false,
        }
    }
}
