//! `labels` and `commonLabels`: label pairs on objects, and on request on templates and selectors.

use serde_json::Value;

use super::{Configured, Setting, Transformer};
use crate::configuration::{Configuration, merge_places};
use crate::error::{During, Error};
use crate::field_path::{self, Create};
use crate::id::FieldSpec;
use crate::keys;
use crate::kustomization::{Label, TextMap};
use crate::resources::Resources;
use crate::shared::Shared;

/// The path of an object's own annotations.
pub(crate) const OWN_ANNOTATIONS: &str = "metadata/annotations";

pub(crate) fn configure(setting: &Setting<'_>) -> Result<Configured<'static>, Error> {
    let kustomization = setting.kustomization;
    let mut configured: Configured<'_> = Vec::new();
    for label in &kustomization.labels {
        let fields =
            places(label, setting.configuration).during(|| "merging the fields of `labels`".to_owned())?;
        configured.push(Box::new(Labels { pairs: sorted(&label.pairs), fields }));
    }
    // The original runs a transformer for `commonLabels` wherever it runs one for `labels`.
    if !(kustomization.common_labels.is_empty() && kustomization.labels.is_empty()) {
        let fields = setting.configuration.common_labels.clone();
        configured.push(Box::new(Labels { pairs: sorted(&kustomization.common_labels), fields }));
    }
    Ok(configured)
}

fn places(label: &Label, configuration: &Configuration) -> Result<Vec<FieldSpec>, Error> {
    let mut fields = label.fields.clone();
    merge_places(&mut fields, &configuration.labels)?;
    if label.include_selectors {
        merge_places(&mut fields, &configuration.common_labels)?;
        return Ok(fields);
    }
    if label.include_templates {
        merge_places(&mut fields, &configuration.template_labels)?;
    }
    if label.include_volume_claim_templates {
        merge_places(&mut fields, &configuration.volume_claim_template_labels)?;
    }
    merge_places(&mut fields, &[own_labels()])?;
    Ok(fields)
}

/// The labels of the object itself.
fn own_labels() -> FieldSpec {
    FieldSpec { path: "metadata/labels".to_owned(), create: true, ..FieldSpec::default() }
}

pub(crate) fn sorted(pairs: &TextMap) -> Vec<(String, String)> {
    let mut pairs: Vec<_> = pairs.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    pairs.sort();
    pairs
}

/// Pairs set in maps of texts, such as labels and annotations.
pub(crate) struct Labels {
    pub(crate) pairs: Vec<(String, String)>,
    pub(crate) fields: Vec<FieldSpec>,
}

impl Transformer for Labels {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error> {
        if self.pairs.is_empty() {
            return Ok(());
        }
        for at in 0..resources.len() {
            let resource = resources.content_mut(at);
            let gvk = resource.gvk();
            let mut fresh = vec![Vec::new(); self.pairs.len()];
            for field in self.fields.iter().filter(|field| field.selects(&gvk)) {
                let result = field_path::visit(&mut resource.object, &gvk, field, Create::Map, &mut |map| {
                    self.set(map, |pair| fresh[pair].push(field.path.as_str()))
                });
                result.during(|| format!("labelling {}", resource.id()))?;
                if field.path == OWN_ANNOTATIONS {
                    // They are what is set here, whatever they were written as before.
                    let is_set = |key: &String| self.pairs.iter().any(|(set, _)| set == key);
                    resource.reread_annotations.retain(|(key, _)| !is_set(key));
                }
            }
            resource.spread_shared();
            resource.shared.extend(self.shared(&fresh));
        }
        Ok(())
    }
}

impl Labels {
    /// Labels of objects themselves, and of nothing in them.
    pub(crate) fn of_objects(pairs: &[(&str, &str)]) -> Labels {
        let pairs = pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        Labels { pairs, fields: vec![own_labels()] }
    }

    /// Those pairs that are new in several places, whose paths are given.
    fn shared(&self, fresh: &[Vec<&str>]) -> impl Iterator<Item = Shared> {
        let several = self.pairs.iter().zip(fresh).filter(|(_, maps)| maps.len() > 1);
        several.map(|((key, value), maps)| {
            let mut maps: Vec<String> = maps.iter().map(|path| (*path).to_owned()).collect();
            maps.sort();
            maps.dedup();
            Shared { maps, key: key.clone(), value: Value::from(value.as_str()) }
        })
    }

    /// Sets the pairs, and tells which of them are new.
    fn set(&self, map: &mut Value, mut is_fresh: impl FnMut(usize)) -> Result<(), Error> {
        match map {
            Value::Null => Ok(()),
            Value::Object(fields) => {
                for (pair, (key, value)) in self.pairs.iter().enumerate() {
                    keys::check(key)?;
                    if fields.insert(key.clone(), Value::from(value.as_str())).is_none() {
                        is_fresh(pair);
                    }
                }
                Ok(())
            }
            _ => Err(Error::rule("wrong node kind: expected a map")),
        }
    }
}
