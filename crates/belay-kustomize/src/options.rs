//! What the caller decides about a build.

use std::sync::Arc;

use crate::base_cache::BaseCache;
use crate::helm::HelmOptions;
use crate::kustomization::{Image, Label, Patch, Replica};
use crate::remote::Remotes;

/// Which files a kustomization may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LoadRestrictor {
    /// Only files in or below the kustomization's own folder (`LoadRestrictionsRootOnly`).
    #[default]
    RootOnly,
    /// Every file of the tree (`LoadRestrictionsNone`).
    None,
}

/// The order of the objects where the kustomization has no `sortOptions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reorder {
    /// By kind, as an apply from top to bottom wants it, then by name.
    #[default]
    Legacy,
    /// As they were loaded.
    None,
}

/// Options of a build.
#[derive(Debug, Clone, Default)]
pub struct BuildOptions {
    /// Which files may be read.
    pub load_restrictor: LoadRestrictor,
    /// Whether the tree is the whole disk, so that absolute paths lead to places in it.
    pub is_whole_disk: bool,
    /// The order of the objects.
    pub reorder: Reorder,
    /// Labels every object with what built it, as `buildMetadata: [managedByLabel]` does.
    pub label_managed_by: bool,
    /// Settings laid over the kustomization of the folder that is built.
    pub edit: Option<KustomizationEdit>,
    /// Whether a folder without a kustomization is built as if it listed its manifests.
    pub generate: bool,
    /// Most bytes all objects may have as JSON; `None` for no limit.
    pub max_output_bytes: Option<usize>,
    /// Most objects a build may make; `None` for no limit.
    pub max_objects: Option<usize>,
    /// Where other repositories, files by URL and charts come from; `None` refuses them by name.
    pub remotes: Option<Arc<dyn Remotes>>,
    /// How charts are rendered; `None` refuses them, as the original does without `--enable-helm`.
    pub helm: Option<HelmOptions>,
    /// Bases of other builds, and for them; `None` builds every base anew. Charts, remotes, records of
    /// origins and explanations do without.
    pub bases: Option<Arc<BaseCache>>,
    /// Records what gave a field its value, for [`Build::explain`](crate::Build::explain).
    pub explain: Option<FieldQuery>,
}

/// One field of the objects of a kind and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldQuery {
    /// The objects' kind.
    pub kind: String,
    /// The name the objects have in the end.
    pub name: String,
    /// The field, such as `spec.replicas`, in the form that `replacements` use.
    pub path: String,
}

/// Settings laid over a kustomization in memory, as Argo CD and Flux do before they build.
#[derive(Debug, Clone, Default)]
pub struct KustomizationEdit {
    /// Replaces `namespace`.
    pub namespace: Option<String>,
    /// Replaces `namePrefix`.
    pub name_prefix: Option<String>,
    /// Replaces `nameSuffix`.
    pub name_suffix: Option<String>,
    /// Added to `resources`.
    pub resources: Vec<String>,
    /// Added to `components`.
    pub components: Vec<String>,
    /// Replace the `images` of the same name, else are added.
    pub images: Vec<Image>,
    /// Replace the `replicas` of the same name, else are added.
    pub replicas: Vec<Replica>,
    /// Added to `labels`.
    pub labels: Vec<Label>,
    /// Laid over `commonLabels`.
    pub common_labels: Vec<(String, String)>,
    /// Laid over `commonAnnotations`.
    pub common_annotations: Vec<(String, String)>,
    /// Added to `patches`.
    pub patches: Vec<Patch>,
    /// Added to `patchesStrategicMerge`.
    pub patches_strategic_merge: Vec<String>,
    /// Added to `patchesJson6902`.
    pub patches_json6902: Vec<Patch>,
    /// Takes the place of `buildMetadata`, unless it is empty.
    pub build_metadata: Vec<String>,
    /// Without `resources` every object says where it comes from, as Flux has it where the kustomization is a file.
    pub origins_without_resources: bool,
}
