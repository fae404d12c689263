//! The generators, one file each, and the list of them in the order they run.

pub(crate) mod config_map;
pub(crate) mod secret;
pub(crate) mod sources;

use serde_json::Value;

use crate::error::Error;
use crate::kustomization::{GeneratorArguments, GeneratorOptions, Kustomization};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource};

/// A generator's name and what it makes of a kustomization.
pub(crate) struct Registered {
    /// As `buildMetadata: [originAnnotations]` prints it.
    pub(crate) name: &'static str,
    pub(crate) generate: fn(&Kustomization, &Loader<'_>) -> Result<Vec<Resource>, Error>,
}

/// Every generator a kustomization's fields configure, in the order they run.
pub(crate) const GENERATORS: [Registered; 2] = [
    Registered { name: "ConfigMapGenerator", generate: config_map::generate },
    Registered { name: "SecretGenerator", generate: secret::generate },
];

/// An object with what all generated ones have in common.
fn finish(
    object: Value,
    arguments: &GeneratorArguments,
    options: &GeneratorOptions,
) -> Result<Resource, Error> {
    let mut resource = Resource::new(object);
    resource.set_name(&arguments.name)?;
    resource.set_namespace(&arguments.namespace)?;
    let pairs = |map: &crate::kustomization::TextMap| crate::transformers::labels::sorted(map);
    if !options.labels.is_empty() {
        resource.set_metadata_map("labels", pairs(&options.labels))?;
    }
    if !options.annotations.is_empty() {
        resource.set_metadata_map("annotations", pairs(&options.annotations))?;
    }
    if options.immutable {
        resource.object["immutable"] = Value::Bool(true);
    }
    resource.needs_hash = !options.disable_name_suffix_hash;
    resource.behavior = Behavior::parse(&arguments.behavior);
    Ok(resource)
}

/// A generator's own options with what `generatorOptions` add.
pub(crate) fn options_of(
    own: Option<&GeneratorOptions>,
    global: Option<&GeneratorOptions>,
) -> GeneratorOptions {
    let mut options = own.cloned().unwrap_or_default();
    let Some(global) = global else { return options };
    for (mine, others) in
        [(&mut options.labels, &global.labels), (&mut options.annotations, &global.annotations)]
    {
        for (key, value) in others {
            mine.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    options.disable_name_suffix_hash |= global.disable_name_suffix_hash;
    options.immutable |= global.immutable;
    options
}
