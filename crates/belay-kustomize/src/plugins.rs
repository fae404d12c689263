//! Built-in plugins configured by objects of `apiVersion: builtin`, listed in `generators` and
//! `transformers`. Plugins that would run a program are refused by name.

use serde::Deserialize;
use serde_json::Value;

use crate::decode::from_settings;
use crate::error::{During, Error};
use crate::generators::{Charts, config_map, helm_chart, iam_policy, secret};
use crate::helm::{HelmChart, HelmGlobals};
use crate::id::FieldSpec;
use crate::kustomization::{
    GeneratorArguments, Image, Patch, PatchOptions, Replacement, Replica, Selector, TextMap,
};
use crate::loader::Loader;
use crate::resource::{Place, Resource};
use crate::transformers::affix::{Affix, Side};
use crate::transformers::hash::Hash;
use crate::transformers::images::Images;
use crate::transformers::labels::{Labels, sorted};
use crate::transformers::namespace::{Namespace, Subjects};
use crate::transformers::replicas::Replicas;
use crate::transformers::{Configured, patch, patch_json6902, patch_strategic_merge, replacement, value_add};

/// What a generator's configuration makes.
pub(crate) fn generate(
    configuration: &Resource,
    loader: &Loader<'_>,
    charts: Charts<'_>,
) -> Result<Vec<Resource>, Error> {
    refuse_foreign(configuration)?;
    match configuration.kind() {
        "HelmChartInflationGenerator" => return helm_chart(configuration, loader, charts),
        "IAMPolicyGenerator" => return iam_policy::make(settings(configuration)?).map(|made| vec![made]),
        _ => {}
    }
    let make = match configuration.kind() {
        "ConfigMapGenerator" => config_map::make,
        "SecretGenerator" => secret::make,
        _ => return Err(unsupported(configuration, " as a generator")),
    };
    let mut arguments: GeneratorArguments = settings(configuration)?;
    if arguments.name.is_empty() {
        arguments.name = configuration.name();
    }
    if arguments.namespace.is_empty() {
        arguments.namespace = configuration.namespace();
    }
    let options = arguments.options.clone().unwrap_or_default();
    let what = || format!("{} '{}'", configuration.kind(), arguments.name);
    make(&arguments, &options, loader).during(what).map(|resource| vec![resource])
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ChartGlobals {
    chart_home: String,
    config_home: String,
}

/// A chart and where charts are, in one object.
fn helm_chart(
    configuration: &Resource,
    loader: &Loader<'_>,
    charts: Charts<'_>,
) -> Result<Vec<Resource>, Error> {
    let ChartGlobals { chart_home, config_home } = settings(configuration)?;
    let chart: HelmChart = settings(configuration)?;
    helm_chart::make(&chart, &HelmGlobals { chart_home, config_home }, charts, loader)
        .during(|| format!("chart '{}'", chart.name))
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct AffixSettings {
    prefix: String,
    suffix: String,
    field_specs: Vec<FieldSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PairSettings {
    labels: TextMap,
    annotations: TextMap,
    field_specs: Vec<FieldSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NamespaceSettings {
    field_specs: Vec<FieldSpec>,
    unset_only: bool,
    set_role_binding_subjects: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ImageSettings {
    image_tag: Image,
    field_specs: Vec<FieldSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReplicaSettings {
    replica: Replica,
    field_specs: Vec<FieldSpec>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PatchSettings {
    path: String,
    patch: String,
    target: Option<Selector>,
    options: Option<PatchOptions>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct JsonPatchSettings {
    path: String,
    json_op: String,
    target: Option<Selector>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StrategicMergeSettings {
    paths: Vec<String>,
    patches: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ReplacementSettings {
    replacements: Vec<Replacement>,
}

/// The transformers a configuration stands for.
pub(crate) fn transformers<'l>(
    configuration: &Resource,
    loader: &'l Loader<'l>,
) -> Result<Configured<'l>, Error> {
    refuse_foreign(configuration)?;
    Ok(vec![match configuration.kind() {
        "NamespaceTransformer" => {
            let NamespaceSettings { field_specs, unset_only, set_role_binding_subjects } =
                settings(configuration)?;
            let subjects = subjects_of(&set_role_binding_subjects)?;
            Box::new(Namespace {
                namespace: configuration.namespace(),
                fields: field_specs,
                unset_only,
                subjects,
            })
        }
        "PrefixTransformer" => {
            let AffixSettings { prefix, field_specs, .. } = settings(configuration)?;
            Box::new(Affix { side: Side::Before, text: prefix, fields: field_specs })
        }
        "SuffixTransformer" => {
            let AffixSettings { suffix, field_specs, .. } = settings(configuration)?;
            Box::new(Affix { side: Side::After, text: suffix, fields: field_specs })
        }
        "PrefixSuffixTransformer" => {
            let AffixSettings { prefix, suffix, field_specs } = settings(configuration)?;
            let prefix = Affix { side: Side::Before, text: prefix, fields: field_specs.clone() };
            let suffix = Affix { side: Side::After, text: suffix, fields: field_specs };
            return Ok(vec![Box::new(prefix), Box::new(suffix)]);
        }
        "LabelTransformer" => {
            let PairSettings { labels, field_specs, .. } = settings(configuration)?;
            Box::new(Labels { pairs: sorted(&labels), fields: field_specs })
        }
        "AnnotationsTransformer" => {
            let PairSettings { annotations, field_specs, .. } = settings(configuration)?;
            Box::new(Labels { pairs: sorted(&annotations), fields: field_specs })
        }
        "ImageTagTransformer" => {
            let ImageSettings { image_tag, field_specs } = settings(configuration)?;
            Box::new(Images::new(image_tag, field_specs))
        }
        "ReplicaCountTransformer" => {
            let ReplicaSettings { replica, field_specs } = settings(configuration)?;
            Box::new(Replicas { replica, fields: field_specs })
        }
        "PatchTransformer" => {
            let PatchSettings { path, patch, target, options } = settings(configuration)?;
            Box::new(patch::read(&Patch { path, patch, target, options }, loader)?)
        }
        "PatchJson6902Transformer" => {
            let JsonPatchSettings { path, json_op, target } = settings(configuration)?;
            let patch = Patch { path, patch: json_op, target, options: None };
            Box::new(patch_json6902::read(&patch, loader)?)
        }
        "PatchStrategicMergeTransformer" => {
            let StrategicMergeSettings { mut paths, patches } = settings(configuration)?;
            paths.extend(Some(patches).filter(|patches| !patches.is_empty()));
            Box::new(patch_strategic_merge::read(&paths, loader)?)
        }
        "ValueAddTransformer" => Box::new(value_add::read(settings(configuration)?, loader)?),
        "HashTransformer" => Box::new(Hash),
        "ReplacementTransformer" => {
            let ReplacementSettings { replacements } = settings(configuration)?;
            Box::new(replacement::read(&replacements, loader)?)
        }
        _ => return Err(unsupported(configuration, " as a transformer")),
    }])
}

fn subjects_of(mode: &str) -> Result<Subjects, Error> {
    match mode {
        "" | "defaultOnly" => Ok(Subjects::Default),
        "allServiceAccounts" => Ok(Subjects::ServiceAccounts),
        "none" => Ok(Subjects::None),
        other => Err(Error::rule(format!(
            "invalid value '{other}' for setRoleBindingSubjects: must be one of 'defaultOnly', 'none' or 'allServiceAccounts'"
        ))),
    }
}

/// The settings of a plugin: its object without what makes it one.
fn settings<T: serde::de::DeserializeOwned>(configuration: &Resource) -> Result<T, Error> {
    let mut object = configuration.object.clone();
    if let Value::Object(fields) = &mut object {
        for field in ["apiVersion", "kind", "metadata"] {
            fields.shift_remove(field);
        }
    }
    from_settings(object).map_err(|failure| Error::rule(format!("{}: {failure}", configuration.id())))
}

/// Functions and plugins of others would run foreign code while rendering.
fn refuse_foreign(configuration: &Resource) -> Result<(), Error> {
    const FUNCTIONS: [&str; 2] = ["config.kubernetes.io/function", "config.k8s.io/function"];
    if let Some(function) = FUNCTIONS.iter().find(|key| configuration.annotation(key).is_some()) {
        return Err(refused(configuration, function));
    }
    match configuration.api_version() {
        "builtin" => Ok(()),
        _ => Err(refused(configuration, &configuration.gvk().to_string())),
    }
}

fn file_of(configuration: &Resource) -> belay_filetree::TreePath {
    configuration.place.as_ref().map(|place: &Place| place.file.clone()).unwrap_or_default()
}

fn refused(configuration: &Resource, feature: &str) -> Error {
    let reason = ": it would run foreign code while rendering";
    Error::Unsupported { file: file_of(configuration), feature: feature.to_owned(), reason }
}

fn unsupported(configuration: &Resource, reason: &'static str) -> Error {
    Error::Unsupported { file: file_of(configuration), feature: configuration.kind().to_owned(), reason }
}
