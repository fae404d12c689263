//! What Argo CD does by `kustomize edit` before it builds.

use std::sync::Arc;

use belay_argo_api::ApplicationSourceKustomize;
use belay_crd::{Described, IntOrString};
use belay_filetree::{EditedTree, FileTree, TreePath};
use belay_kustomize::{
    BaseCache, BuildOptions, FileEdit, HelmOptions, KustomizationEdit, LoadRestrictor, Patch, Reorder,
    edit_file,
};
use belay_manifest::Manifest;
use belay_render::{kustomization_file, render_kustomize};

use super::environment::Environment;
use super::error::SourceError;

/// What `kustomize.buildOptions` asks for, and what charts within a kustomization are told of the cluster.
pub(super) struct Flags {
    load_restrictor: LoadRestrictor,
    reorder: Reorder,
    helm: Option<HelmOptions>,
}

impl Flags {
    /// Reads the flags of `kustomize build`; one that is not built yet is refused by its name.
    pub(super) fn parse(
        text: &str,
        kube_version: &str,
        api_versions: &[String],
    ) -> Result<Flags, SourceError> {
        let mut flags =
            Flags { load_restrictor: LoadRestrictor::RootOnly, reorder: Reorder::None, helm: None };
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            let (name, value) = match word.split_once('=') {
                Some((name, value)) => (name, Some(value)),
                None => (word, None),
            };
            let mut value = || value.or_else(|| words.next()).unwrap_or_default();
            let is_known = match name {
                "--enable-helm" => {
                    flags.helm = Some(HelmOptions {
                        kube_version: Some(kube_version.to_owned()).filter(|version| !version.is_empty()),
                        api_versions: api_versions.to_vec(),
                        ..HelmOptions::default()
                    });
                    word == name || word == "--enable-helm=true"
                }
                "--load-restrictor" | "--load_restrictor" => match value() {
                    "LoadRestrictionsNone" => {
                        flags.load_restrictor = LoadRestrictor::None;
                        true
                    }
                    other => other == "LoadRestrictionsRootOnly",
                },
                "--reorder" => match value() {
                    "legacy" => {
                        flags.reorder = Reorder::Legacy;
                        true
                    }
                    other => other == "none",
                },
                _ => false,
            };
            if !is_known {
                return Err(SourceError::NotSupported { feature: format!("kustomize.buildOptions {word}") });
            }
        }
        Ok(flags)
    }

    /// Options of a build that may take bases of earlier builds.
    pub(super) fn options(self, bases: Arc<BaseCache>) -> BuildOptions {
        BuildOptions {
            load_restrictor: self.load_restrictor,
            reorder: self.reorder,
            helm: self.helm,
            bases: Some(bases),
            ..BuildOptions::default()
        }
    }
}

/// Edits the kustomization of the folder in memory, and builds it.
pub(super) fn build(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: &ApplicationSourceKustomize,
    environment: &Environment,
    flags: BuildOptions,
) -> Result<Vec<Manifest>, SourceError> {
    let edits = edits(tree, folder, options, environment)?;
    let fault =
        |source: Box<dyn std::error::Error + Send + Sync>| SourceError::Edit { path: folder.clone(), source };
    let patches: Vec<Patch> =
        serde_json::from_value(options.patches.write()).map_err(|error| fault(error.into()))?;
    let edit = KustomizationEdit { patches, ..KustomizationEdit::default() };
    let has_patches = !edit.patches.is_empty();
    let flags = BuildOptions { edit: Some(edit), ..flags };
    let file = kustomization_file(tree, folder)?;
    if edits.is_empty() {
        if file.is_none() && has_patches {
            return Err(SourceError::NoKustomization);
        }
        return Ok(render_kustomize(tree, folder, flags)?);
    }
    let Some(file) = file else { return Err(SourceError::NoKustomization) };
    let file = tree.resolve(&file)?.map_or(file, |(real, _)| real);
    let mut text = String::from_utf8_lossy(&tree.read(&file)?).into_owned();
    for change in &edits {
        text = edit_file(tree, &file, &text, change).map_err(|error| fault(error.into()))?;
    }
    let edited = EditedTree::new(tree, file, text);
    Ok(render_kustomize(&edited, folder, flags)?)
}

/// The edits, in the original's order.
fn edits(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: &ApplicationSourceKustomize,
    environment: &Environment,
) -> Result<Vec<FileEdit>, SourceError> {
    let mut edits = Vec::new();
    if !options.name_prefix.is_empty() {
        edits.push(FileEdit::SetNamePrefix(options.name_prefix.clone()));
    }
    if !options.name_suffix.is_empty() {
        edits.push(FileEdit::SetNameSuffix(options.name_suffix.clone()));
    }
    if !options.images.is_empty() {
        edits.push(FileEdit::SetImages(
            options.images.iter().map(|image| environment.expand(image)).collect(),
        ));
    }
    if !options.replicas.is_empty() {
        let counts =
            options.replicas.iter().map(|replica| Ok(format!("{}={}", replica.name, count(&replica.count)?)));
        edits.push(FileEdit::SetReplicas(counts.collect::<Result<_, SourceError>>()?));
    }
    if !options.common_labels.is_empty() {
        edits.push(FileEdit::AddLabels {
            pairs: pairs(&options.common_labels, Some(environment)),
            force: options.force_common_labels,
            without_selector: options.label_without_selector,
            include_templates: options.label_include_templates,
        });
    }
    if !options.common_annotations.is_empty() {
        let environment = options.common_annotations_envsubst.then_some(environment);
        edits.push(FileEdit::AddAnnotations {
            pairs: pairs(&options.common_annotations, environment),
            force: options.force_common_annotations,
        });
    }
    if !options.namespace.is_empty() {
        edits.push(FileEdit::SetNamespace(options.namespace.clone()));
    }
    let components = components(tree, folder, options)?;
    if !components.is_empty() {
        edits.push(FileEdit::AddComponents(components));
    }
    Ok(edits)
}

fn count(count: &IntOrString) -> Result<i64, SourceError> {
    let value = count.write();
    let fault = || SourceError::Count { count: value.as_str().unwrap_or_default().to_owned() };
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).ok_or_else(fault)
}

fn pairs(map: &indexmap::IndexMap<String, String>, environment: Option<&Environment>) -> Vec<String> {
    let value = |value: &String| environment.map_or_else(|| value.clone(), |known| known.expand(value));
    map.iter().map(|(name, text)| format!("{name}:{}", value(text))).collect()
}

/// The components; those that are not there are left out where that is allowed.
fn components(
    tree: &dyn FileTree,
    folder: &TreePath,
    options: &ApplicationSourceKustomize,
) -> Result<Vec<String>, SourceError> {
    if !options.ignore_missing_components {
        return Ok(options.components.clone());
    }
    let mut found = Vec::new();
    for component in &options.components {
        if tree.kind(&folder.join(component)?)?.is_some() {
            found.push(component.clone());
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_causes::chain;
    use belay_filetree::MemoryTree;
    use serde_json::{Value, json};

    fn built(options: Value) -> Result<Value, String> {
        let tree = MemoryTree::of([
            ("app/kustomization.yaml", "resources: [a.yaml]\ncommonLabels: {app: web}\n"),
            ("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"),
            (
                "part/kustomization.yaml",
                "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: yes-it-is}\n",
            ),
        ]);
        let options: ApplicationSourceKustomize = serde_json::from_value(options).unwrap();
        let source = belay_argo_api::ApplicationSource::default();
        let environment = Environment::new(&super::super::environment::BuildFacts {
            app: "web",
            namespace: "",
            project: "",
            revision: "0123456789",
            source: &source,
        });
        let folder = TreePath::parse("app").unwrap();
        let manifests = build(&tree, &folder, &options, &environment, BuildOptions::default())
            .map_err(|error| chain(&error))?;
        Ok(manifests[0].object.value()["metadata"].clone())
    }

    #[test]
    fn labels_and_annotations_may_name_the_build() {
        let metadata = built(json!({"commonLabels": {"v": "$ARGOCD_APP_REVISION_SHORT"},
            "commonAnnotations": {"n": "$ARGOCD_APP_NAME"}}));
        let expected = json!({"name": "a", "labels": {"app": "web", "v": "0123456"}, "annotations": {"n": "$ARGOCD_APP_NAME"}});
        assert_eq!(metadata.unwrap(), expected);
        let metadata =
            built(json!({"commonAnnotations": {"n": "$ARGOCD_APP_NAME"}, "commonAnnotationsEnvsubst": true}));
        assert_eq!(metadata.unwrap()["annotations"], json!({"n": "web"}));
    }

    #[test]
    fn a_label_that_is_there_changes_only_by_force() {
        let refused = built(json!({"commonLabels": {"app": "shop"}})).unwrap_err();
        assert!(refused.contains("label app already in kustomization file"), "{refused}");
        let forced = built(json!({"commonLabels": {"app": "shop"}, "forceCommonLabels": true}));
        assert_eq!(forced.unwrap()["labels"], json!({"app": "shop"}));
    }

    #[test]
    fn missing_components_may_be_ignored() {
        let with = |ignore: bool| {
            built(json!({"components": ["../part", "../gone"], "ignoreMissingComponents": ignore}))
        };
        assert_eq!(with(true).unwrap()["annotations"], json!({"part": "yes-it-is"}));
        assert!(with(false).is_err());
    }

    #[test]
    fn a_count_may_be_a_text() {
        assert_eq!(count(&serde_json::from_value(json!("3")).unwrap()).unwrap(), 3);
        assert_eq!(
            built(json!({"replicas": [{"name": "a", "count": "some"}]})).unwrap_err(),
            "expected integer value for count. Received: some"
        );
    }

    #[test]
    fn flags_are_read_and_others_named() {
        let read = |text: &str| Flags::parse(text, "v1.34.0", &["v1".to_owned()]);
        let flags = read("--enable-helm --load-restrictor LoadRestrictionsNone --reorder=legacy").unwrap();
        assert_eq!((flags.load_restrictor, flags.reorder), (LoadRestrictor::None, Reorder::Legacy));
        assert_eq!(flags.helm.and_then(|helm| helm.kube_version).as_deref(), Some("v1.34.0"));
        assert!(read("").is_ok_and(|flags| flags.helm.is_none()));
        for (text, named) in [
            (
                "--enable-alpha-plugins",
                "`kustomize.buildOptions --enable-alpha-plugins` is not supported yet",
            ),
            (
                "--load-restrictor=Some",
                "`kustomize.buildOptions --load-restrictor=Some` is not supported yet",
            ),
        ] {
            assert_eq!(read(text).err().map(|error| error.to_string()).as_deref(), Some(named));
        }
    }
}
