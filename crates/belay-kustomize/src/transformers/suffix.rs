//! `nameSuffix`: a text after every name.

use serde_json::Value;

use super::prefix::{affixed, keeps_name};
use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::FieldSpec;
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured, Error> {
    let suffix = &setting.kustomization.name_suffix;
    if suffix.is_empty() {
        return Ok(Vec::new());
    }
    Ok(vec![Box::new(Suffix { suffix: suffix.clone(), fields: setting.configuration.name_suffix.clone() })])
}

pub(crate) struct Suffix {
    pub(crate) suffix: String,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for Suffix {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        for resource in resources.list_mut() {
            let original = resource.original_id();
            if keeps_name(&original.gvk) {
                continue;
            }
            for field in self.fields.iter().filter(|field| field.selects(&original.gvk)) {
                if field.path == "metadata/name" && !self.suffix.is_empty() {
                    resource.suffixes.push(self.suffix.clone());
                    resource.remember_names();
                }
                let gvk = resource.gvk();
                field_path::visit(&mut resource.object, &gvk, field, Create::Scalar, &mut |value| {
                    *value = Value::from(format!("{}{}", affixed(value)?, self.suffix));
                    Ok(())
                })
                .during(|| format!("adding the name suffix to {original}"))?;
            }
        }
        Ok(())
    }
}
