//! The objects of a finished build, and their text.

use std::collections::HashSet;

use serde_json::Value;

use crate::error::Error;
use crate::explain::Trace;
use crate::generators::helm_chart::GENERATED;
use crate::id::ResourceId;
use crate::kustomization::Kustomization;
use crate::options::BuildOptions;
use crate::origin;
use crate::resource::{ORIGIN, Place, PreviousName, Resource};
use crate::resources::Resources;
use crate::transformers::Transformer;
use crate::transformers::labels::Labels;

/// What a build made.
#[derive(Debug, Clone, Default)]
pub struct Build {
    /// The objects in the order they are printed.
    pub objects: Vec<Built>,
}

/// One object of a build.
#[derive(Debug, Clone)]
pub struct Built {
    /// The object.
    pub object: Value,
    /// Where it was first read, or the kustomization that generated it.
    pub place: Option<Place>,
    pub(crate) trace: Option<Box<Trace>>,
}

impl Build {
    /// The text `kustomize build` prints.
    pub fn to_yaml(&self) -> String {
        let mut text = String::new();
        for (at, built) in self.objects.iter().enumerate() {
            if at > 0 {
                text.push_str("---\n");
            }
            text.push_str(&belay_goyaml::to_yaml(&built.object));
        }
        text
    }

    /// A file for each object, by the name the original gives it when it writes to a folder.
    pub fn to_files(&self) -> Vec<(String, String)> {
        let ids: Vec<ResourceId> = self.objects.iter().map(Built::id).collect();
        let namespaces: HashSet<&str> =
            ids.iter().filter(|id| !id.is_cluster_scoped()).map(|id| id.namespace.as_str()).collect();
        let name = |id: &ResourceId| {
            let parts = [&id.gvk.group, &id.gvk.version, &id.gvk.kind, &id.name];
            let named: Vec<&str> =
                parts.into_iter().map(String::as_str).filter(|part| !part.is_empty()).collect();
            let file = format!("{}.yaml", named.join("_"));
            let apart = namespaces.len() > 1 && !id.is_cluster_scoped();
            if apart { format!("{}_{file}", id.namespace) } else { file }.to_lowercase()
        };
        let text = |built: &Built| belay_goyaml::to_yaml(&built.object);
        ids.iter().zip(&self.objects).map(|(id, built)| (name(id), text(built))).collect()
    }
}

impl Built {
    fn id(&self) -> ResourceId {
        Resource::new(self.object.clone()).id()
    }
}

/// Annotations that only a build in progress has.
const BUILD_ANNOTATIONS: [&str; 19] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
    GENERATED,
];

const TRANSFORMATIONS: &str = "alpha.config.kubernetes.io/transformations";
/// Objects with this annotation are for tools, not for the cluster.
const LOCAL: &str = "config.kubernetes.io/local-config";
const MANAGED_BY: (&str, &str) = ("app.kubernetes.io/managed-by", "kustomize-v5.8.2");

/// Drops what is not for the cluster and cleans the rest.
pub(crate) fn finish(
    mut resources: Resources,
    kustomization: &Kustomization,
    options: &BuildOptions,
) -> Result<Build, Error> {
    let asks = |option: &str| kustomization.build_metadata.iter().any(|asked| asked == option);
    if options.label_managed_by || asks("managedByLabel") {
        Labels::of_objects(&[MANAGED_BY]).transform(&mut resources)?;
    }
    let mut objects = Vec::with_capacity(resources.len());
    let mut bytes = 0;
    for mut resource in resources.into_list() {
        check_names(&resource)?;
        if let Some(reason) = resource.misfit {
            let file = resource.place.map(|place| format!("{}: ", place.file)).unwrap_or_default();
            return Err(Error::rule(format!("{file}{reason}")));
        }
        resource.end_before_comment();
        resource.take_annotations_for_texts();
        resource.settle_types();
        if resource.annotation(LOCAL).is_some_and(|local| local != "false") {
            continue;
        }
        clean_annotations(&mut resource, asks("originAnnotations"), asks("transformerAnnotations"))?;
        if let Some(limit) = options.max_output_bytes {
            bytes += resource.object.to_string().len();
            if bytes > limit {
                return Err(Error::rule(format!("the objects have more than the limit of {limit} bytes")));
            }
        }
        objects.push(Built { object: resource.object, place: resource.place, trace: resource.trace });
    }
    Ok(Build { objects })
}

/// The original keeps former names in lists with commas, and loses count where one is in a name.
fn check_names(resource: &Resource) -> Result<(), Error> {
    let commas = |text: fn(&PreviousName) -> &str| -> usize {
        resource.previous.iter().map(|previous| text(previous).matches(',').count()).sum()
    };
    let names = commas(|previous| &previous.name);
    if names == commas(|previous| &previous.kind) && names == commas(|previous| &previous.namespace) {
        return Ok(());
    }
    let id = resource.original_id();
    Err(Error::rule(format!(
        "{id}: an object that is renamed may have no comma in its kind, name or namespace"
    )))
}

fn clean_annotations(resource: &mut Resource, origin: bool, transformations: bool) -> Result<(), Error> {
    let mut annotations = resource.metadata_map("annotations");
    annotations.retain(|(key, _)| {
        !BUILD_ANNOTATIONS.contains(&key.as_str()) && key != ORIGIN && key != TRANSFORMATIONS
    });
    if let (true, Some(value)) = (origin, &resource.origin) {
        annotations.push((ORIGIN.to_owned(), value.clone()));
    }
    if transformations && !resource.transformations.is_empty() {
        annotations.push((TRANSFORMATIONS.to_owned(), origin::list(&resource.transformations)));
    }
    let present =
        resource.object.get("metadata").is_some_and(|metadata| metadata.get("annotations").is_some());
    if annotations.is_empty() && !present {
        return Ok(());
    }
    resource.set_metadata_map("annotations", annotations)
}
