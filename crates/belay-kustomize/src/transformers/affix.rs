//! `namePrefix` and `nameSuffix`: a text before or after every name.

use serde_json::Value;

use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::{FieldSpec, Gvk};
use crate::resource::{Resource, scalar_text};
use crate::resources::Resources;

/// The kustomization's `namePrefix`.
pub(crate) fn configure_prefix(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let text = &setting.kustomization.name_prefix;
    Ok(configured(Side::Before, text, &setting.configuration.name_prefix))
}

/// The kustomization's `nameSuffix`.
pub(crate) fn configure_suffix(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let text = &setting.kustomization.name_suffix;
    Ok(configured(Side::After, text, &setting.configuration.name_suffix))
}

fn configured(side: Side, text: &str, fields: &[FieldSpec]) -> Configured<'static> {
    if text.is_empty() {
        return Vec::new();
    }
    vec![Box::new(Affix { side, text: text.to_owned(), fields: fields.to_vec() })]
}

/// Where the text goes.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Before,
    After,
}

/// A text that is added to names.
pub(crate) struct Affix {
    pub(crate) side: Side,
    pub(crate) text: String,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for Affix {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        for resource in resources.list_mut() {
            let original = resource.original_id();
            if keeps_name(&original.gvk) {
                continue;
            }
            for field in self.fields.iter().filter(|field| field.selects(&original.gvk)) {
                if field.path == "metadata/name" && !self.text.is_empty() {
                    self.remember(resource);
                }
                let gvk = resource.gvk();
                field_path::visit(&mut resource.object, &gvk, field, Create::Scalar, &mut |value| {
                    *value = Value::from(self.added_to(&affixed(value)?));
                    Ok(())
                })
                .during(|| format!("adding the name {} to {original}", self.side.name()))?;
            }
        }
        Ok(())
    }
}

impl Affix {
    fn added_to(&self, name: &str) -> String {
        match self.side {
            Side::Before => format!("{}{name}", self.text),
            Side::After => format!("{name}{}", self.text),
        }
    }

    fn remember(&self, resource: &mut Resource) {
        match self.side {
            Side::Before => resource.prefixes.push(self.text.clone()),
            Side::After => resource.suffixes.push(self.text.clone()),
        }
        resource.remember_names();
    }
}

impl Side {
    fn name(self) -> &'static str {
        match self {
            Side::Before => "prefix",
            Side::After => "suffix",
        }
    }
}

/// Kinds whose names mean something to the cluster.
fn keeps_name(gvk: &Gvk) -> bool {
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || (gvk.kind == "APIService" && gvk.group == "apiregistration.k8s.io")
}

/// The text a prefix or suffix is added to.
fn affixed(value: &Value) -> Result<String, Error> {
    match value {
        Value::Array(_) | Value::Object(_) => Err(Error::rule("wrong node kind: expected a text")),
        value => Ok(scalar_text(value)),
    }
}
