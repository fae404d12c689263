//! `namePrefix`: a text before every name.

use serde_json::Value;

use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::{FieldSpec, Gvk};
use crate::resource::scalar_text;
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured, Error> {
    let prefix = &setting.kustomization.name_prefix;
    if prefix.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Box::new(Prefix { prefix: prefix.clone(), fields: setting.configuration.name_prefix.clone() })])
}

pub(crate) struct Prefix {
    pub(crate) prefix: String,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for Prefix {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        for resource in resources.list_mut() {
            let original = resource.original_id();
            if keeps_name(&original.gvk) {
                continue;
            }
            for field in self.fields.iter().filter(|field| field.selects(&original.gvk)) {
                if field.path == "metadata/name" && !self.prefix.is_empty() {
                    resource.prefixes.push(self.prefix.clone());
                    resource.remember_names();
                }
                let gvk = resource.gvk();
                field_path::visit(&mut resource.object, &gvk, field, Create::Scalar, &mut |value| {
                    *value = Value::from(format!("{}{}", self.prefix, affixed(value)?));
                    Ok(())
                })
                .during(|| format!("adding the name prefix to {original}"))?;
            }
        }
        Ok(())
    }
}

/// Kinds whose names mean something to the cluster.
pub(crate) fn keeps_name(gvk: &Gvk) -> bool {
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

/// The text a prefix or suffix is added to.
pub(crate) fn affixed(value: &Value) -> Result<String, Error> {
    match value {
        Value::Array(_) | Value::Object(_) => Err(Error::rule("wrong node kind: expected a text")),
        value => Ok(scalar_text(value)),
    }
}
