//! A Kustomization's folder as a kustomize build.

use std::sync::Arc;

use belay_crd::Described;
use belay_filetree::{FileTree, PathError, TreeError, TreePath};
use belay_flux_api::{Kustomization, KustomizationSpec, KustomizePatch};
use belay_kustomize::{
    BaseCache, BuildOptions, Image, KustomizationEdit, LoadRestrictor, Patch, Reorder, Selector, build,
};
use belay_manifest::{IdentityError, Manifest, Object, Origin};

/// Most bytes and objects that one build may make.
const MOST_BYTES: usize = 64 * 1024 * 1024;
const MOST_OBJECTS: usize = 20_000;

/// Why a folder gives no objects.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    #[error("{path:?} is not a path below the repository's root")]
    Path {
        path: String,
        #[source]
        source: PathError,
    },
    #[error("kustomization path not found: {path} is not a folder of the repository")]
    NotAFolder { path: String },
    #[error("the source cannot be read")]
    Tree(#[from] TreeError),
    #[error("kustomize build failed")]
    Kustomize(#[from] belay_kustomize::Error),
    #[error("{origin}: not an object")]
    Object {
        origin: Origin,
        #[source]
        source: IdentityError,
    },
}

/// The folder that `spec.path` names.
pub(crate) fn folder(spec: &KustomizationSpec) -> Result<TreePath, BuildError> {
    // An absolute path starts at the repository's root.
    TreePath::parse(spec.path.trim_start_matches('/'))
        .map_err(|source| BuildError::Path { path: spec.path.clone(), source })
}

/// A text that differs whenever the build may, besides the files.
pub(crate) fn fingerprint(app: &Kustomization) -> String {
    let spec = &app.spec;
    let texts = [&spec.path, &spec.target_namespace, &spec.name_prefix, &spec.name_suffix];
    let patches: Vec<_> = spec.patches.iter().map(Described::write).collect();
    let images: Vec<_> = spec.images.iter().map(Described::write).collect();
    format!(
        "{texts:?} {patches:?} {images:?} {:?} {} {:?}",
        spec.components, spec.ignore_missing_components, spec.build_metadata
    )
}

/// Builds the folder; one without a kustomization is built from all manifests below it.
pub(crate) fn run(
    tree: &dyn FileTree,
    spec: &KustomizationSpec,
    bases: Arc<BaseCache>,
) -> Result<Vec<Manifest>, BuildError> {
    let folder = folder(spec)?;
    let is_folder = tree.kind(&folder)?.is_some_and(|kind| kind == belay_filetree::Kind::Directory);
    if !is_folder {
        return Err(BuildError::NotAFolder { path: folder.as_str().to_owned() });
    }
    let options = BuildOptions {
        load_restrictor: LoadRestrictor::None,
        reorder: Reorder::None,
        edit: Some(edit(tree, &folder, spec)?),
        generate: true,
        max_output_bytes: Some(MOST_BYTES),
        max_objects: Some(MOST_OBJECTS),
        bases: Some(bases),
        ..BuildOptions::default()
    };
    build(tree, &folder, &options)?.objects.into_iter().map(|built| manifest(built, &folder)).collect()
}

fn manifest(built: belay_kustomize::Built, folder: &TreePath) -> Result<Manifest, BuildError> {
    let origin = match &built.place {
        Some(place) => Origin { file: place.file.as_str().to_owned(), line: place.line },
        None => Origin { file: folder.as_str().to_owned(), line: 0 },
    };
    match Object::new(built.object) {
        Ok(object) => Ok(Manifest { object, origin }),
        Err(source) => Err(BuildError::Object { origin, source }),
    }
}

fn edit(
    tree: &dyn FileTree,
    folder: &TreePath,
    spec: &KustomizationSpec,
) -> Result<KustomizationEdit, BuildError> {
    let set = |text: &String| (!text.is_empty()).then(|| text.clone());
    Ok(KustomizationEdit {
        namespace: set(&spec.target_namespace),
        name_prefix: set(&spec.name_prefix),
        name_suffix: set(&spec.name_suffix),
        components: components(tree, folder, spec)?,
        images: spec
            .images
            .iter()
            .map(|image| Image {
                name: image.name.clone(),
                new_name: image.new_name.clone(),
                new_tag: image.new_tag.clone(),
                digest: image.digest.clone(),
                ..Image::default()
            })
            .collect(),
        patches: spec.patches.iter().map(patch).collect(),
        build_metadata: spec.build_metadata.clone(),
        origins_without_resources: true,
        ..KustomizationEdit::default()
    })
}

/// The components; with `ignoreMissingComponents` only those that are there.
fn components(
    tree: &dyn FileTree,
    folder: &TreePath,
    spec: &KustomizationSpec,
) -> Result<Vec<String>, BuildError> {
    if !spec.ignore_missing_components {
        return Ok(spec.components.clone());
    }
    let mut present = Vec::new();
    for component in &spec.components {
        let place =
            folder.join(component).map_err(|source| BuildError::Path { path: component.clone(), source })?;
        if tree.kind(&place)?.is_some() {
            present.push(component.clone());
        }
    }
    Ok(present)
}

fn patch(patch: &KustomizePatch) -> Patch {
    let target = patch.target.as_ref().map(selector);
    Patch { patch: patch.patch.clone(), target, ..Patch::default() }
}

/// What a spec selects, as Kustomize's own files say it.
pub(crate) fn selector(target: &belay_flux_api::Selector) -> Selector {
    Selector {
        group: target.group.clone(),
        version: target.version.clone(),
        kind: target.kind.clone(),
        name: target.name.clone(),
        namespace: target.namespace.clone(),
        annotation_selector: target.annotation_selector.clone(),
        label_selector: target.label_selector.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_filetree::MemoryTree;
    use serde_json::json;

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  a: b\n";

    fn run(tree: &dyn FileTree, spec: &KustomizationSpec) -> Result<Vec<Manifest>, BuildError> {
        super::run(tree, spec, Arc::default())
    }

    fn spec(value: serde_json::Value) -> KustomizationSpec {
        KustomizationSpec::read(value).unwrap()
    }

    #[test]
    fn a_folder_without_a_kustomization_is_built_with_the_settings_of_the_spec() {
        let tree = MemoryTree::of([("apps/web/a.yaml", MAP), ("other/b.yaml", "a: [")]);
        let spec = spec(json!({"path": "./apps/web", "targetNamespace": "prod", "namePrefix": "my-"}));
        let built = run(&tree, &spec).unwrap();
        assert_eq!(built.len(), 1);
        assert_eq!((built[0].object.namespace(), built[0].object.name()), ("prod", "my-settings"));
        assert_eq!(built[0].origin.file, "apps/web/a.yaml");
    }

    #[test]
    fn a_path_that_is_no_folder_is_named() {
        let tree = MemoryTree::of([("a.yaml", MAP)]);
        let error = run(&tree, &spec(json!({"path": "./gone"}))).unwrap_err();
        assert_eq!(error.to_string(), "kustomization path not found: gone is not a folder of the repository");
        assert!(run(&tree, &spec(json!({"path": "../../x"}))).is_err());
    }

    #[test]
    fn objects_say_where_they_come_from_where_it_is_asked_for() {
        let tree = MemoryTree::of([
            ("plain/a.yaml", MAP),
            ("made/kustomization.yaml", "configMapGenerator: [{name: made, literals: [a=b]}]\n"),
            ("listed/kustomization.yaml", "resources: [../plain/a.yaml]\n"),
        ]);
        let origin = |spec| {
            let built = run(&tree, &self::spec(spec)).unwrap();
            built[0].object.annotation("config.kubernetes.io/origin").map(str::to_owned)
        };
        let asked = |path: &str| origin(json!({"path": path, "buildMetadata": ["originAnnotations"]}));
        assert_eq!(asked("plain"), Some("path: a.yaml\n".to_owned()));
        assert_eq!(asked("listed"), Some("path: ../plain/a.yaml\n".to_owned()));
        assert_eq!(origin(json!({"path": "listed"})), None);
        // Flux asks for it itself where a kustomization lists no resources.
        let made = "configuredIn: kustomization.yaml\nconfiguredBy:\n  apiVersion: builtin\n  kind: ConfigMapGenerator\n";
        assert_eq!(origin(json!({"path": "made"})), Some(made.to_owned()));
        let other = json!({"path": "made", "buildMetadata": ["transformerAnnotations"]});
        assert_eq!(origin(other), None);
        let nothing = MemoryTree::of([("empty/README.md", "nothing")]);
        let error = run(&nothing, &spec(json!({"path": "empty"}))).unwrap_err();
        assert!(belay_causes::chain(&error).contains("kustomization.yaml is empty"), "{error:?}");
    }

    #[test]
    fn missing_components_are_passed_over_only_when_asked() {
        let tree = MemoryTree::of([("a.yaml", MAP)]);
        assert!(run(&tree, &spec(json!({"components": ["gone"]}))).is_err());
        assert!(run(&tree, &spec(json!({"components": ["gone"], "ignoreMissingComponents": true}))).is_ok());
    }
}
