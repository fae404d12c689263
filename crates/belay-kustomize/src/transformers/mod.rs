//! The transformers, one file each, and the list of them in the order they run.

pub(crate) mod affix;
pub(crate) mod annotations;
pub(crate) mod hash;
pub(crate) mod images;
pub(crate) mod labels;
pub(crate) mod name_reference;
pub(crate) mod namespace;
pub(crate) mod patch;
pub(crate) mod patch_json6902;
pub(crate) mod patch_strategic_merge;
pub(crate) mod replacement;
pub(crate) mod replicas;
pub(crate) mod sort_order;
pub(crate) mod value_add;

use crate::configuration::Configuration;
use crate::error::Error;
use crate::explain::Part;
use crate::kustomization::Kustomization;
use crate::loader::Loader;
use crate::resources::Resources;

/// Looks at the objects after a part of a transformer has changed them.
pub(crate) type AfterPart<'a> = &'a mut dyn FnMut(&mut Resources, &Part);

/// Changes objects.
pub(crate) trait Transformer {
    fn transform(&self, resources: &mut Resources) -> Result<(), Error>;

    /// The same; `after` is called after each part that was read from a file or text of its own.
    fn transform_by_part(&self, resources: &mut Resources, after: AfterPart<'_>) -> Result<(), Error> {
        let _ = after;
        self.transform(resources)
    }
}

/// What a transformer is configured from.
pub(crate) struct Setting<'s> {
    pub(crate) kustomization: &'s Kustomization,
    pub(crate) configuration: &'s Configuration,
    pub(crate) loader: &'s Loader<'s>,
}

/// Transformers of one kind that a kustomization asks for.
pub(crate) type Configured<'s> = Vec<Box<dyn Transformer + 's>>;

/// A transformer's name and how it is configured.
pub(crate) struct Registered {
    /// As `buildMetadata: [transformerAnnotations]` prints it.
    pub(crate) name: &'static str,
    /// The field of the kustomization.
    pub(crate) field: &'static str,
    pub(crate) configure: for<'s> fn(&Setting<'s>) -> Result<Configured<'s>, Error>,
}

/// Every transformer a kustomization's fields configure, in the order they run.
pub(crate) const TRANSFORMERS: [Registered; 11] = [
    Registered {
        name: "PatchStrategicMergeTransformer",
        field: "patchesStrategicMerge",
        configure: patch_strategic_merge::configure,
    },
    Registered { name: "PatchTransformer", field: "patches", configure: patch::configure },
    Registered { name: "NamespaceTransformer", field: "namespace", configure: namespace::configure },
    Registered { name: "PrefixTransformer", field: "namePrefix", configure: affix::configure_prefix },
    Registered { name: "SuffixTransformer", field: "nameSuffix", configure: affix::configure_suffix },
    Registered { name: "LabelTransformer", field: "labels", configure: labels::configure },
    Registered {
        name: "AnnotationsTransformer",
        field: "commonAnnotations",
        configure: annotations::configure,
    },
    Registered {
        name: "PatchJson6902Transformer",
        field: "patchesJson6902",
        configure: patch_json6902::configure,
    },
    Registered { name: "ReplicaCountTransformer", field: "replicas", configure: replicas::configure },
    Registered { name: "ImageTagTransformer", field: "images", configure: images::configure },
    Registered { name: "ReplacementTransformer", field: "replacements", configure: replacement::configure },
];
