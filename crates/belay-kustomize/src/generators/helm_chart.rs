//! `helmCharts`: the objects of a chart, rendered in process.

use std::sync::Arc;

use belay_filetree::{Kind, TreeError, TreePath};
use belay_goyaml::{ParseOptions, Resolution};
use belay_helm::{
    Capabilities, Chart, KubeVersion, Layer, LoadLimits, OutputOptions, RenderOptions, Rendered, Values,
    check_release_name, name_from_template, render,
};
use serde_json::Value;

use super::{Charts, Setting};
use crate::error::{During, Error};
use crate::explain::Release;
use crate::helm::{HelmChart, HelmGlobals, HelmOptions};
use crate::loader::Loader;
use crate::objects;
use crate::resource::Resource;
use crate::strategic_merge;

/// Marks what charts made, until the build is done.
pub(crate) const GENERATED: &str = "internal.config.kubernetes.io/helm-generated";

const DEFAULT_HOME: &str = "charts";
const DEFAULT_NAME: &str = "release-name";
const DEFAULT_NAMESPACE: &str = "default";

pub(crate) fn generate(setting: &Setting<'_>) -> Result<Vec<Vec<Resource>>, Error> {
    let kustomization = setting.kustomization;
    let globals = kustomization.helm_globals.clone().unwrap_or_default();
    let mut resources = Vec::new();
    for chart in &kustomization.helm_charts {
        let mut chart = chart.clone();
        for namespace in [kustomization.namespace.as_str(), setting.parent_namespace] {
            if chart.namespace.is_empty() {
                namespace.clone_into(&mut chart.namespace);
            }
        }
        let made = make(&chart, &globals, setting.charts, setting.loader);
        resources.push(made.during(|| format!("chart '{}'", chart.name))?);
    }
    Ok(resources)
}

pub(crate) fn make(
    wanted: &HelmChart,
    globals: &HelmGlobals,
    charts: Charts<'_>,
    loader: &Loader<'_>,
) -> Result<Vec<Resource>, Error> {
    let options = charts.options.ok_or_else(|| Error::rule("must specify --enable-helm"))?;
    check(wanted)?;
    let place = Place::of(wanted, globals, loader)?;
    let values = values_of(wanted, &place, loader)?;
    let mut asked = render_options(wanted, values, options)?;
    asked.trace = charts.tracer.is_some();
    let (rendered, text) = template(wanted, &place.chart, &asked)?;
    let mut resources = objects::read(text.as_bytes(), &place.folder)?;
    if let Some(tracer) = charts.tracer {
        let release = Release { rendered, layers: layers_of(wanted, &place, loader)?, chart: &place.folder };
        resources.iter_mut().for_each(|resource| tracer.note_template(resource, &release));
    }
    for resource in &mut resources {
        let mut annotations = resource.metadata_map("annotations");
        annotations.retain(|(key, _)| key != GENERATED);
        annotations.push((GENERATED.to_owned(), "true".to_owned()));
        resource.set_metadata_map("annotations", annotations)?;
    }
    Ok(resources)
}

fn check(wanted: &HelmChart) -> Result<(), Error> {
    if wanted.name.is_empty() {
        return Err(Error::rule("chart name cannot be empty"));
    }
    for (field, text) in [("releaseName", &wanted.release_name), ("chart name", &wanted.name)] {
        if text.starts_with('-') {
            return Err(Error::rule(format!("{field} must not start with '-', got \"{text}\"")));
        }
    }
    // The original writes a file of this name.
    if wanted.name.contains('/') {
        return Err(Error::rule(format!("failed to write values file: '{}' is no file name", wanted.name)));
    }
    if !["", "merge", "override", "replace"].contains(&wanted.values_merge.as_str()) {
        return Err(Error::rule("valuesMerge must be one of [merge override replace]"));
    }
    Ok(())
}

/// A chart and the folder it has, or would have once it is fetched.
struct Place {
    folder: TreePath,
    is_fetched: bool,
    chart: Arc<Chart>,
}

impl Place {
    fn of(wanted: &HelmChart, globals: &HelmGlobals, loader: &Loader<'_>) -> Result<Place, Error> {
        let home = if globals.chart_home.is_empty() { DEFAULT_HOME } else { &globals.chart_home };
        let mut folder = loader.path_of(home)?;
        if !wanted.version.is_empty() && !wanted.repo.is_empty() {
            folder = folder.child(&format!("{}-{}", wanted.name, wanted.version));
        }
        let folder = folder.join(&wanted.name).map_err(TreeError::from)?;
        let failed = |error: belay_helm::LoadError| Error::rule(belay_causes::chain(&error));
        let loading = || format!("loading the chart at '{folder}'");
        if loader.tree().kind(&folder)? == Some(Kind::Directory) {
            let chart = Chart::load(loader.tree(), &folder).map_err(failed).during(loading)?;
            return Ok(Place { folder, is_fetched: false, chart: Arc::new(chart) });
        }
        if wanted.repo.is_empty() {
            return Err(Error::rule(format!("no repo specified for pull, no chart found at '{folder}'")));
        }
        let Some(remotes) = loader.remotes() else {
            let reference = format!("{}/{}", wanted.repo.trim_end_matches('/'), wanted.name);
            return Err(Error::Remote { folder: loader.folder().clone(), reference });
        };
        let archive = remotes.chart(&wanted.remote()).map_err(Error::rule);
        let archive =
            archive.during(|| format!("fetching the chart '{}' from {}", wanted.name, wanted.repo))?;
        let chart = Chart::from_archive(&archive, LoadLimits::default()).map_err(failed).during(loading)?;
        Ok(Place { folder, is_fetched: true, chart: Arc::new(chart) })
    }

    /// The chart's own values, which the original gives it a second time.
    fn own_values(&self, loader: &Loader<'_>) -> Result<(String, String), Error> {
        let file = self.folder.child("values.yaml");
        if self.is_fetched {
            let text = self.chart.raw_file("values.yaml").map(|file| file.text().into_owned());
            let missing = || Error::rule(format!("the chart '{}' has no values.yaml", self.folder));
            return Ok((file.to_string(), text.ok_or_else(missing)?));
        }
        let (_, content) = loader.read_at(&file)?;
        Ok((file.to_string(), String::from_utf8_lossy(&content).into_owned()))
    }
}

fn values_of(wanted: &HelmChart, place: &Place, loader: &Loader<'_>) -> Result<Values, Error> {
    let invalid = |error: belay_helm::ValuesError| Error::rule(belay_causes::chain(&error));
    let mut values = Values::new();
    if wanted.values_inline.is_empty() {
        let (file, text) = first_file(wanted, place, loader)?;
        values.merge_file(&file, &text).map_err(invalid)?;
    } else if wanted.values_merge == "replace" {
        values.merge(Values::from_json(Value::Object(wanted.values_inline.clone())));
    } else {
        let (file, text) = first_file(wanted, place, loader)?;
        let inline = Value::Object(wanted.values_inline.clone());
        let own = values_to_merge(&file, &text)?;
        let merged = match wanted.values_merge.as_str() {
            "merge" => strategic_merge::merge_values(inline, &own)?,
            _ => strategic_merge::merge_values(own, &inline)?,
        };
        values.merge(Values::from_json(merged));
    }
    for reference in &wanted.additional_values_files {
        let (file, content) =
            loader.read(reference).during(|| "could not load additionalValuesFile".to_owned())?;
        values.merge_file(file.as_str(), &content).map_err(invalid)?;
    }
    Ok(values)
}

/// The values file, which is the chart's own if none is named, and its text.
fn first_file(wanted: &HelmChart, place: &Place, loader: &Loader<'_>) -> Result<(String, String), Error> {
    if wanted.values_file.is_empty() {
        return place.own_values(loader);
    }
    let (file, content) = loader.read(&wanted.values_file)?;
    Ok((file.to_string(), String::from_utf8_lossy(&content).into_owned()))
}

/// The same values one by one, the strongest last; a slash leads names of files of the tree.
fn layers_of(wanted: &HelmChart, place: &Place, loader: &Loader<'_>) -> Result<Vec<Layer>, Error> {
    let first = || -> Result<Layer, Error> {
        let (file, text) = first_file(wanted, place, loader)?;
        Ok(Layer::File { name: format!("/{file}"), text })
    };
    let inline = || Layer::Inline(Value::Object(wanted.values_inline.clone()));
    let mut layers = match wanted.values_merge.as_str() {
        _ if wanted.values_inline.is_empty() => vec![first()?],
        "replace" => vec![inline()],
        "merge" => vec![inline(), first()?],
        _ => vec![first()?, inline()],
    };
    for reference in &wanted.additional_values_files {
        let (file, content) = loader.read(reference)?;
        let text = String::from_utf8_lossy(&content).into_owned();
        layers.push(Layer::File { name: format!("/{file}"), text });
    }
    Ok(layers)
}

/// The values that inline ones meet: the original reads them as it reads objects, unlike all others.
fn values_to_merge(file: &str, text: &str) -> Result<Value, Error> {
    let options = ParseOptions { resolution: Resolution::V3, ..ParseOptions::default() };
    let malformed = |source| Error::Yaml { file: file.to_owned(), source };
    let documents = belay_goyaml::parse(text, &options).map_err(malformed)?;
    let empty =
        || Error::rule(format!("{file}: nothing is in the file for `valuesInline` to be merged with"));
    documents.first().ok_or_else(empty)?.root.to_json(options.resolution, true).map_err(malformed)
}

fn render_options(wanted: &HelmChart, values: Values, options: &HelmOptions) -> Result<RenderOptions, Error> {
    let namespace = if wanted.namespace.is_empty() { DEFAULT_NAMESPACE } else { &wanted.namespace };
    let mut asked = RenderOptions::new(release_name(wanted, options)?, namespace);
    asked.values = values;
    asked.capabilities = capabilities(wanted, options)?;
    asked.clock.clone_from(&options.clock);
    asked.random.clone_from(&options.random);
    Ok(asked)
}

/// What the chart comes to, and the text that the original prints of it.
fn template(
    wanted: &HelmChart,
    chart: &Arc<Chart>,
    asked: &RenderOptions,
) -> Result<(Rendered, String), Error> {
    let rendering = || format!("rendering the chart '{}'", wanted.name);
    let rendered = render(chart, asked).map_err(|error| Error::rule(belay_causes::chain(&error)));
    let rendered = rendered.during(rendering)?;
    let output = OutputOptions {
        include_crds: wanted.include_crds,
        no_hooks: wanted.skip_hooks,
        skip_tests: wanted.skip_tests,
        show_only: Vec::new(),
    };
    let text = rendered.to_template_output(&output);
    let text = text.map_err(|error| Error::rule(error.to_string())).during(rendering)?;
    Ok((rendered, text))
}

fn release_name(wanted: &HelmChart, options: &HelmOptions) -> Result<String, Error> {
    let rule = |error: &dyn std::error::Error| Error::rule(belay_causes::chain(error));
    let name = match (wanted.release_name.as_str(), wanted.name_template.as_str()) {
        ("", "") => return Ok(DEFAULT_NAME.to_owned()),
        (name, "") => name.to_owned(),
        ("", template) => name_from_template(template, options.clock.clone(), options.random.clone())
            .map_err(|error| rule(&error))?,
        _ => return Err(Error::rule("cannot set --name-template and also specify a name")),
    };
    check_release_name(&name).map_err(|error| rule(&error))?;
    Ok(name)
}

/// What the kustomization says goes over what the command line says.
fn capabilities(wanted: &HelmChart, options: &HelmOptions) -> Result<Capabilities, Error> {
    let mut capabilities = Capabilities::default();
    let version = match wanted.kube_version.as_str() {
        "" => options.kube_version.as_deref().unwrap_or_default(),
        version => version,
    };
    if !version.is_empty() {
        capabilities.kube_version =
            KubeVersion::parse(version).map_err(|error| Error::rule(error.to_string()))?;
    }
    let versions = if wanted.api_versions.is_empty() { &options.api_versions } else { &wanted.api_versions };
    capabilities.api_versions.extend(versions.iter().cloned());
    Ok(capabilities)
}
