//! `replicas`: the count of workloads by name.

use serde_json::Value;

use super::{Configured, Setting, Transformer};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::FieldSpec;
use crate::kustomization::Replica;
use crate::resource::Resource;
use crate::resources::Resources;

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let replicas = setting.kustomization.replicas.iter();
    let fields = &setting.configuration.replicas;
    let configured = replicas.map(|replica| {
        Box::new(Replicas { replica: replica.clone(), fields: fields.clone() }) as Box<dyn Transformer>
    });
    Ok(configured.collect())
}

pub(crate) struct Replicas {
    pub(crate) replica: Replica,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for Replicas {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        let mut found = false;
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            for field in &self.fields {
                if !self.means(resource, field) {
                    continue;
                }
                found = true;
                let gvk = resource.gvk();
                let result =
                    field_path::visit(&mut resource.object, &gvk, field, Create::Scalar, &mut |value| {
                        *value = Value::from(self.replica.count);
                        Ok(())
                    });
                result.during(|| format!("setting replicas of {}", resource.id()))?;
            }
        }
        if found {
            return Ok(());
        }
        let kinds: Vec<&str> = self.fields.iter().map(|field| field.kind.as_str()).collect();
        let name = &self.replica.name;
        let kinds = kinds.join(", ");
        Err(Error::rule(format!("`replicas`: no resource of the kinds {kinds} is or was named '{name}'")))
    }
}

impl Replicas {
    fn means(&self, resource: &Resource, field: &FieldSpec) -> bool {
        let means = |kind: &str, name: &str| {
            let mut gvk = resource.gvk();
            kind.clone_into(&mut gvk.kind);
            name == self.replica.name && field.selects(&gvk)
        };
        means(resource.kind(), &resource.name())
            || resource.previous.iter().any(|previous| means(&previous.kind, &previous.name))
    }
}
