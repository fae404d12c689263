//! `spec.source` as a render: which tool, with which options.

use belay_argo_api::{Application, ApplicationSource, HelmParameter};
use belay_crd::Described;
use belay_filetree::{FileTree, PathError, TreePath};
use belay_helm::{KubeVersion, RenderOptions};
use belay_kustomize::{Image, KustomizationEdit, Patch, Replica};
use belay_manifest::Manifest;
use belay_render::{
    ChartOutput, ChartValues, DirectoryOptions, RenderError, SourceType, detect, render_chart,
    render_directory, render_kustomize,
};
use serde_json::Value;

/// The folder that `spec.source.path` names.
pub(crate) fn folder(source: &ApplicationSource) -> Result<TreePath, PathError> {
    TreePath::parse(&source.path)
}

/// Everything a render depends on besides the files.
pub(crate) struct Request {
    app: Application,
    source: ApplicationSource,
    api_versions: Vec<String>,
}

impl Request {
    pub(crate) fn new(app: Application, source: ApplicationSource, api_versions: Vec<String>) -> Request {
        Request { app, source, api_versions }
    }

    /// A text that differs whenever the render may.
    pub(crate) fn fingerprint(&self) -> String {
        let mut source = self.source.clone();
        // The files themselves are the tree's part of the key.
        source.target_revision.clear();
        format!("{}/{} {}", self.app.metadata.name, self.app.spec.destination.namespace, source.write())
    }

    /// An explicit tool in the spec comes before what the folder looks like.
    pub(crate) fn source_type(&self, detected: SourceType) -> SourceType {
        if self.source.helm.is_some() && detected == SourceType::Helm {
            SourceType::Helm
        } else if self.source.kustomize.is_some() && detected == SourceType::Kustomize {
            SourceType::Kustomize
        } else if self.source.directory.is_some() {
            SourceType::Directory
        } else {
            detected
        }
    }

    /// Renders the folder.
    pub(crate) fn run(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<Vec<Manifest>, RenderError> {
        match self.source_type(detect(tree, folder)?) {
            SourceType::Directory => render_directory(tree, folder, &self.directory()),
            SourceType::Kustomize => render_kustomize(tree, folder, self.edit(folder)?, false),
            SourceType::Helm => self.chart(tree, folder),
        }
    }

    fn chart(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<Vec<Manifest>, RenderError> {
        let helm = self.source.helm.clone().unwrap_or_default();
        let unsupported =
            |feature: &str| RenderError::NotSupported { path: folder.clone(), feature: feature.to_owned() };
        let inline = match &helm.values_object {
            Value::Null => helm.values.clone(),
            values => belay_goyaml::to_yaml(values),
        };
        let (texts, plain): (Vec<_>, Vec<_>) =
            helm.parameters.iter().partition(|parameter| parameter.force_string);
        let set = |parameters: Vec<&HelmParameter>| -> Vec<String> {
            parameters.iter().map(|parameter| format!("{}={}", parameter.name, parameter.value)).collect()
        };
        let values = ChartValues {
            files: helm.value_files.clone(),
            inline,
            set: set(plain),
            set_string: set(texts),
            ignore_missing_files: helm.ignore_missing_value_files,
        };
        let release = if helm.release_name.is_empty() { &self.app.metadata.name } else { &helm.release_name };
        let namespace =
            if helm.namespace.is_empty() { &self.app.spec.destination.namespace } else { &helm.namespace };
        let mut options = RenderOptions::new(release, namespace);
        options.values = values.merge(tree, folder)?;
        options.skip_schema_validation = helm.skip_schema_validation;
        options.capabilities.api_versions.extend(self.api_versions.iter().cloned());
        if !helm.kube_version.is_empty() {
            options.capabilities.kube_version = KubeVersion::parse(&helm.kube_version)
                .map_err(|_unreadable| unsupported(&format!("helm.kubeVersion {:?}", helm.kube_version)))?;
        }
        options.capabilities.api_versions.extend(helm.api_versions.iter().cloned());
        render_chart(tree, folder, &options, ChartOutput { include_crds: !helm.skip_crds })
    }

    /// What Argo CD does by `kustomize edit`, as data.
    fn edit(&self, folder: &TreePath) -> Result<KustomizationEdit, RenderError> {
        let Some(kustomize) = &self.source.kustomize else { return Ok(KustomizationEdit::default()) };
        let unsupported = |feature: String| RenderError::NotSupported { path: folder.clone(), feature };
        let some = |text: &String| (!text.is_empty()).then(|| text.clone());
        let pairs = |map: &indexmap::IndexMap<String, String>| -> Vec<(String, String)> {
            map.iter().map(|(name, value)| (name.clone(), value.clone())).collect()
        };
        let mut replicas = Vec::new();
        for replica in &kustomize.replicas {
            let count =
                replica.count.write().as_i64().ok_or_else(|| {
                    unsupported(format!("kustomize.replicas of {} as a text", replica.name))
                })?;
            replicas.push(Replica { name: replica.name.clone(), count });
        }
        let patches: Vec<Patch> = serde_json::from_value(kustomize.patches.write())
            .map_err(|error| unsupported(format!("kustomize.patches: {error}")))?;
        Ok(KustomizationEdit {
            namespace: some(&kustomize.namespace),
            name_prefix: some(&kustomize.name_prefix),
            name_suffix: some(&kustomize.name_suffix),
            images: kustomize.images.iter().map(|text| image(text)).collect(),
            replicas,
            common_labels: pairs(&kustomize.common_labels),
            common_annotations: pairs(&kustomize.common_annotations),
            patches,
            ..KustomizationEdit::default()
        })
    }

    fn directory(&self) -> DirectoryOptions {
        let directory = self.source.directory.clone().unwrap_or_default();
        DirectoryOptions {
            recurse: directory.recurse,
            include: directory.include,
            exclude: directory.exclude,
        }
    }
}

/// `[old=]new[:tag][@digest]`, as `kustomize edit set image` takes it.
fn image(text: &str) -> Image {
    let (name, new) = text.split_once('=').map_or((None, text), |(name, new)| (Some(name), new));
    let (new, digest) = new.split_once('@').unwrap_or((new, ""));
    // A colon before the last slash belongs to the registry's port.
    let (new_name, new_tag) = match new.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ => (new, ""),
    };
    Image {
        name: name.unwrap_or(new_name).to_owned(),
        new_name: if name.is_some() { new_name.to_owned() } else { String::new() },
        new_tag: new_tag.to_owned(),
        digest: digest.to_owned(),
        ..Image::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_read_as_kustomize_edit_reads_it() {
        let read = |text: &str| {
            let image = image(text);
            [image.name, image.new_name, image.new_tag, image.digest]
        };
        assert_eq!(read("web:2"), ["web", "", "2", ""]);
        assert_eq!(read("web=registry:5000/web"), ["web", "registry:5000/web", "", ""]);
        assert_eq!(read("web=registry:5000/web:3@sha256:ab"), ["web", "registry:5000/web", "3", "sha256:ab"]);
    }
}
