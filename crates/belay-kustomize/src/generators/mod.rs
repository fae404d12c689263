//! The generators, one file each, and the list of them in the order they run.

pub(crate) mod config_map;
pub(crate) mod helm_chart;
pub(crate) mod iam_policy;
pub(crate) mod secret;
pub(crate) mod sources;

use serde_json::Value;

use crate::error::Error;
use crate::explain::Tracer;
use crate::helm::HelmOptions;
use crate::kustomization::{GeneratorArguments, GeneratorOptions, Kustomization};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource};

/// What a generator works with.
pub(crate) struct Setting<'s> {
    pub(crate) kustomization: &'s Kustomization,
    pub(crate) loader: &'s Loader<'s>,
    pub(crate) charts: Charts<'s>,
    /// The namespace of the kustomization above.
    pub(crate) parent_namespace: &'s str,
}

/// How charts are rendered.
#[derive(Clone, Copy)]
pub(crate) struct Charts<'s> {
    /// Nothing where they are refused.
    pub(crate) options: Option<&'s HelmOptions>,
    /// The field whose templates are wanted.
    pub(crate) tracer: Option<&'s Tracer>,
}

/// A generator's name and what it makes of a kustomization.
pub(crate) struct Registered {
    /// As `buildMetadata: [originAnnotations]` prints it.
    pub(crate) name: &'static str,
    /// The field of the kustomization.
    pub(crate) field: &'static str,
    /// What each entry of the field makes.
    pub(crate) generate: fn(&Setting<'_>) -> Result<Vec<Vec<Resource>>, Error>,
}

/// Every generator a kustomization's fields configure, in the order they run.
pub(crate) const GENERATORS: [Registered; 3] = [
    Registered { name: "ConfigMapGenerator", field: "configMapGenerator", generate: config_map::generate },
    Registered { name: "SecretGenerator", field: "secretGenerator", generate: secret::generate },
    Registered { name: "HelmChartInflationGenerator", field: "helmCharts", generate: helm_chart::generate },
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
    let set = options.labels.keys().chain(options.annotations.keys());
    set.into_iter().try_for_each(|key| crate::keys::check(key))?;
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
