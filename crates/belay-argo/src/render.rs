//! One source of an app as a render: which tool, with which options.

mod brought;
mod by_url;
mod environment;
mod error;
mod kustomize;
mod missing_charts;
mod overrides;
mod values_files;

use std::sync::Arc;

use belay_argo_api::{ApplicationSource, ApplicationSourceHelm, HelmParameter};
use belay_crd::Described;
use belay_filetree::{FileTree, PathError, TreePath};
use belay_helm::{KubeVersion, ParseCache};
use belay_manifest::Manifest;
use belay_render::{
    ChartOutput, ChartValues, DirectoryOptions, RenderCache, SourceType, controller_options, detect,
    render_chart, render_directory,
};
use serde_json::Value;

use environment::{BuildFacts, Environment};
use values_files::Places;

use crate::repositories::KnownRepositories;
use crate::settings::Tools;

pub(crate) use brought::{Brought, BroughtCharts};
pub(crate) use error::SourceError;
pub(crate) use missing_charts::{MissingCharts, WantedChart};
pub(crate) use values_files::mount;

/// The folder that `path` of a source names.
pub(crate) fn folder(source: &ApplicationSource) -> Result<TreePath, PathError> {
    TreePath::parse(&source.path)
}

/// Everything a render depends on besides the files.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The app's name, with its namespace before it outside of the control plane's.
    pub(crate) instance: String,
    /// The app's name.
    pub(crate) name: String,
    /// Where the app deploys to.
    pub(crate) namespace: String,
    pub(crate) project: String,
    pub(crate) source: ApplicationSource,
    /// The names of the app's sources that others may refer to; nothing when the app has one source.
    pub(crate) references: Option<Vec<String>>,
    /// The commit.
    pub(crate) revision: String,
    pub(crate) api_versions: Vec<String>,
    /// The cluster's version; empty when it is not known.
    pub(crate) kube_version: String,
    /// Which tools the installation lets make manifests.
    pub(crate) tools: Tools,
    /// Which URLs it lets name values files, by their schemes.
    pub(crate) schemes: Vec<String>,
    /// The flags that it builds kustomizations with.
    pub(crate) build_options: String,
}

/// What came of a render, besides the objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) source_type: SourceType,
    /// A text that differs whenever the render of the same files may.
    pub(crate) inputs: String,
    /// Whether another commit alone makes another render.
    pub(crate) names_revision: bool,
    /// Files that are read by URL and not in the tree yet.
    pub(crate) missing_urls: Vec<String>,
}

impl Request {
    /// Which tool renders, and from what besides the files.
    pub(crate) fn plan(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<Plan, SourceError> {
        let source = self.merged(tree, folder)?;
        let source_type = self.source_type(&source, tree, folder)?;
        let missing_urls = match source_type {
            SourceType::Helm => self.missing_urls(&source, tree, folder)?,
            SourceType::Kustomize | SourceType::Directory => Vec::new(),
        };
        let options = source.write().to_string();
        let names_revision = options.contains("ARGOCD_APP_REVISION");
        let mut request = Request { source, ..self.clone() };
        if !names_revision {
            // The files themselves are the tree's part of the key.
            request.revision.clear();
        }
        let known_by_name = options.contains("ARGOCD_APP_SOURCE_TARGET_REVISION");
        if !known_by_name {
            request.source.target_revision.clear();
        }
        let mut inputs = request.fingerprint();
        let has_charts = source_type == SourceType::Kustomize && self.build_options.contains("--enable-helm");
        if source_type == SourceType::Helm || has_charts {
            // Charts ask what the cluster can do.
            inputs.push_str(&format!(" {:?} {}", self.api_versions, self.kube_version));
        }
        Ok(Plan { source_type, inputs, names_revision, missing_urls })
    }

    fn missing_urls(
        &self,
        source: &ApplicationSource,
        tree: &dyn FileTree,
        folder: &TreePath,
    ) -> Result<Vec<String>, SourceError> {
        let Some(helm) = &source.helm else { return Ok(Vec::new()) };
        let environment = self.environment(source);
        let names = helm.value_files.iter().chain(helm.file_parameters.iter().map(|file| &file.path));
        let mut missing = Vec::new();
        for url in self.places(tree, folder, &environment).urls(names) {
            if tree.kind(&by_url::path_of(&url))?.is_none() {
                missing.push(url);
            }
        }
        Ok(missing)
    }

    /// A text that differs whenever the render of the same files may, on the same cluster.
    pub(crate) fn fingerprint(&self) -> String {
        format!(
            "{}/{} {} {} {:?} {:?} {:?} {} {}",
            self.instance,
            self.namespace,
            self.project,
            self.revision,
            self.references,
            self.tools,
            self.schemes,
            self.build_options,
            self.source.write()
        )
    }

    /// Renders the folder; what earlier renders left is used again: parsed templates, and bases.
    pub(crate) fn run(
        &self,
        tree: &dyn FileTree,
        folder: &TreePath,
        earlier: &RenderCache,
    ) -> Result<Vec<Manifest>, SourceError> {
        let source = self.merged(tree, folder)?;
        let environment = self.environment(&source);
        match self.source_type(&source, tree, folder)? {
            SourceType::Directory => directory(&source, tree, folder),
            SourceType::Kustomize => {
                let options = source.kustomize.unwrap_or_default();
                refuse(&[("kustomize.version", !options.version.is_empty())])?;
                let versions =
                    if options.api_versions.is_empty() { &self.api_versions } else { &options.api_versions };
                let version =
                    if options.kube_version.is_empty() { &self.kube_version } else { &options.kube_version };
                let flags = kustomize::Flags::parse(&self.build_options, version, versions)?;
                let bases = earlier.shared_bases();
                kustomize::build(tree, folder, &options, &environment, flags.options(bases))
            }
            SourceType::Helm => {
                let places = self.places(tree, folder, &environment);
                self.chart(&places, &source.helm.unwrap_or_default(), earlier.parsed_templates())
            }
        }
    }

    /// The charts that the folder's chart asks for and does not hold. `repositories` are those that it may name.
    pub(crate) fn missing_charts(
        &self,
        tree: &dyn FileTree,
        folder: &TreePath,
        repositories: &KnownRepositories,
    ) -> Result<MissingCharts, SourceError> {
        let named = |name: &str| repositories.url_of_name(name, &self.project);
        Ok(missing_charts::missing_charts(tree, folder, &named)?)
    }

    fn environment(&self, source: &ApplicationSource) -> Environment {
        Environment::new(&BuildFacts {
            app: &self.instance,
            namespace: &self.namespace,
            project: &self.project,
            revision: &self.revision,
            source,
        })
    }

    fn places<'a>(
        &'a self,
        tree: &'a dyn FileTree,
        folder: &'a TreePath,
        environment: &'a Environment,
    ) -> Places<'a> {
        let references = self.references.as_deref();
        Places { tree, folder, environment, references, schemes: &self.schemes }
    }

    /// The tool; files of one that is switched off are plain ones.
    fn source_type(
        &self,
        source: &ApplicationSource,
        tree: &dyn FileTree,
        folder: &TreePath,
    ) -> Result<SourceType, SourceError> {
        let found = source_type(source, tree, folder)?;
        let is_on = match found {
            SourceType::Helm => self.tools.helm,
            SourceType::Kustomize => self.tools.kustomize,
            SourceType::Directory => true,
        };
        Ok(if is_on { found } else { SourceType::Directory })
    }

    fn merged(&self, tree: &dyn FileTree, folder: &TreePath) -> Result<ApplicationSource, SourceError> {
        overrides::merged(&self.source, tree, folder, &self.instance)
    }

    fn chart(
        &self,
        places: &Places<'_>,
        helm: &ApplicationSourceHelm,
        parsed: Arc<ParseCache>,
    ) -> Result<Vec<Manifest>, SourceError> {
        let release = if helm.release_name.is_empty() { &self.name } else { &helm.release_name };
        let namespace = if helm.namespace.is_empty() { &self.namespace } else { &helm.namespace };
        let mut options = controller_options(release, namespace, parsed);
        options.values = values(places, helm)?.merge(places.tree, places.folder)?;
        options.skip_schema_validation = helm.skip_schema_validation;
        let versions = if helm.api_versions.is_empty() { &self.api_versions } else { &helm.api_versions };
        options.capabilities.api_versions.extend(versions.iter().cloned());
        let version = if helm.kube_version.is_empty() { &self.kube_version } else { &helm.kube_version };
        if !version.is_empty() {
            options.capabilities.kube_version = kube_version(version)?;
        }
        let output = ChartOutput { include_crds: !helm.skip_crds };
        Ok(render_chart(places.tree, places.folder, &options, output)?)
    }
}

/// The tool that the spec names, else what the folder looks like.
fn source_type(
    source: &ApplicationSource,
    tree: &dyn FileTree,
    folder: &TreePath,
) -> Result<SourceType, SourceError> {
    let detected = detect(tree, folder)?;
    refuse(&[("plugin", source.plugin.is_some()), ("chart", !source.chart.is_empty())])?;
    match source.explicit_types().as_slice() {
        [] => Ok(detected),
        ["Helm"] => Ok(SourceType::Helm),
        ["Kustomize"] => Ok(SourceType::Kustomize),
        [_directory] => Ok(SourceType::Directory),
        types => Err(SourceError::ManyTools { types: types.join(",") }),
    }
}

/// Refuses the first feature that is asked for.
fn refuse(features: &[(&str, bool)]) -> Result<(), SourceError> {
    match features.iter().find(|(_, is_asked_for)| *is_asked_for) {
        Some((feature, _)) => Err(SourceError::NotSupported { feature: (*feature).to_owned() }),
        None => Ok(()),
    }
}

fn directory(
    source: &ApplicationSource,
    tree: &dyn FileTree,
    folder: &TreePath,
) -> Result<Vec<Manifest>, SourceError> {
    let directory = source.directory.clone().unwrap_or_default();
    refuse(&[("directory.jsonnet", directory.jsonnet.is_some())])?;
    let options = DirectoryOptions {
        recurse: directory.recurse,
        include: directory.include,
        exclude: directory.exclude,
        disable_extension_filter: directory.disable_extension_filter,
    };
    Ok(render_directory(tree, folder, &options)?)
}

fn values(places: &Places<'_>, helm: &ApplicationSourceHelm) -> Result<ChartValues, SourceError> {
    let inline = match &helm.values_object {
        Value::Null => helm.values.clone(),
        values => belay_goyaml::to_yaml(values),
    };
    let (texts, plain): (Vec<_>, Vec<_>) =
        helm.parameters.iter().partition(|parameter| parameter.force_string);
    let set = |parameters: Vec<&HelmParameter>| -> Vec<String> {
        let one = |parameter: &HelmParameter| {
            format!("{}={}", parameter.name, escaped(&places.environment.expand(&parameter.value)))
        };
        parameters.into_iter().map(one).collect()
    };
    let files = helm.file_parameters.iter().map(|parameter| {
        Ok((parameter.name.clone(), places.path(&parameter.path, SourceError::FileParameter)?))
    });
    Ok(ChartValues {
        files: places.values_files(&helm.value_files, helm.ignore_missing_value_files)?,
        inline,
        set: set(plain),
        set_string: set(texts),
        set_file: files.collect::<Result<_, SourceError>>()?,
    })
}

/// A value as `--set` takes it: its commas part nothing, unless it is a list.
fn escaped(value: &str) -> String {
    if value.starts_with('{') && value.ends_with('}') {
        return value.to_owned();
    }
    let mut escaped = String::with_capacity(value.len());
    for letter in value.chars() {
        if letter == ',' && !escaped.ends_with('\\') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

/// A version without what follows its numbers, as Argo CD hands it to Helm.
fn kube_version(version: &str) -> Result<KubeVersion, SourceError> {
    let fault = |source| SourceError::KubeVersion { version: version.to_owned(), source };
    let trimmed = version.trim();
    let is_part = |letter: char| letter.is_ascii_digit() || letter == '.';
    let numbers = trimmed.strip_prefix('v').unwrap_or(trimmed);
    let end = numbers.find(|letter| !is_part(letter)).unwrap_or(numbers.len());
    KubeVersion::parse(&numbers[..end]).map_err(fault)
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_causes::chain;

    #[test]
    fn commas_of_a_value_part_nothing_but_a_list() {
        assert_eq!(escaped("a,b"), "a\\,b");
        assert_eq!(escaped("a\\,b"), "a\\,b");
        assert_eq!(escaped("{a,b}"), "{a,b}");
    }

    #[test]
    fn a_version_is_its_numbers() {
        assert_eq!(kube_version("v1.30.2-eks-1").unwrap().version, "v1.30.2");
        assert!(
            chain(&kube_version("one").unwrap_err()).starts_with("could not parse kubernetes version one: ")
        );
    }
}
