//! The transformers, one file each, and the list of them in the order they run.

pub(crate) mod annotations;
pub(crate) mod hash;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod name_reference;
pub(crate) mod namespace;
pub(crate) mod patch;
pub(crate) mod patch_json6902;
pub(crate) mod patch_strategic_merge;
pub(crate) mod prefix;
pub(crate) mod replacement;
pub(crate) mod replicas;
pub(crate) mod sort_order;
pub(crate) mod suffix;

use crate::configuration::Configuration;
use crate::error::Error;
use crate::kustomization::Kustomization;
use crate::loader::Loader;
use crate::resources::Resources;

/// Changes objects.
pub(crate) trait Transformer {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error>;
}

/// What a transformer is configured from.
pub(crate) struct Setting<'s> {
    pub(crate) kustomization: &'s Kustomization,
    pub(crate) configuration: &'s Configuration,
    pub(crate) loader: &'s Loader<'s>,
}

/// Transformers of one kind that a kustomization asks for.
pub(crate) type Configured = Vec<Box<dyn Transformer>>;

/// A transformer's name and how it is configured.
pub(crate) struct Registered {
    /// As `buildMetadata: [transformerAnnotations]` prints it.
    pub(crate) name: &'static str,
    pub(crate) configure: fn(&Setting<'_>) -> Result<Configured, Error>,
}

/// Every transformer a kustomization's fields configure, in the order they run.
pub(crate) const TRANSFORMERS: [Registered; 11] = [
    Registered { name: "PatchStrategicMergeTransformer", configure: patch_strategic_merge::configure },
    Registered { name: "PatchTransformer", configure: patch::configure },
    Registered { name: "NamespaceTransformer", configure: namespace::configure },
    Registered { name: "PrefixTransformer", configure: prefix::configure },
    Registered { name: "SuffixTransformer", configure: suffix::configure },
    Registered { name: "LabelTransformer", configure: labels::configure },
    Registered { name: "AnnotationsTransformer", configure: annotations::configure },
    Registered { name: "PatchJson6902Transformer", configure: patch_json6902::configure },
    Registered { name: "ReplicaCountTransformer", configure: replicas::configure },
    Registered { name: "ImageTagTransformer", configure: images::configure },
    Registered { name: "ReplacementTransformer", configure: replacement::configure },
];
