//! The kustomization file: its fields, read strictly, and old forms brought to the new one.

use belay_filetree::TreePath;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::decode::from_value;
use crate::error::Error;
use crate::helm::{self, HelmChart, HelmChartArguments, HelmGlobals};
use crate::id::FieldSpec;
use crate::options::KustomizationEdit;

/// A text map that keeps the order of the file.
pub type TextMap = IndexMap<String, String>;

/// What a kustomization file may say.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Kustomization {
    pub api_version: String,
    pub kind: String,
    pub metadata: Option<ObjectMeta>,
    pub openapi: TextMap,
    pub name_prefix: String,
    pub name_suffix: String,
    pub namespace: String,
    pub common_labels: TextMap,
    pub labels: Vec<Label>,
    pub common_annotations: TextMap,
    pub patches_strategic_merge: Vec<String>,
    #[serde(rename = "patchesJson6902")]
    pub patches_json6902: Vec<Patch>,
    pub patches: Vec<Patch>,
    pub images: Vec<Image>,
    pub image_tags: Vec<Image>,
    pub replacements: Vec<Replacement>,
    pub replicas: Vec<Replica>,
    pub vars: Vec<Variable>,
    pub sort_options: Option<SortOptions>,
    pub resources: Vec<String>,
    pub components: Vec<String>,
    pub crds: Vec<String>,
    pub bases: Vec<String>,
    pub config_map_generator: Vec<GeneratorArguments>,
    pub secret_generator: Vec<GeneratorArguments>,
    pub helm_globals: Option<HelmGlobals>,
    pub helm_charts: Vec<HelmChart>,
    pub helm_chart_inflation_generator: Vec<HelmChartArguments>,
    pub generator_options: Option<GeneratorOptions>,
    pub configurations: Vec<String>,
    pub generators: Vec<String>,
    pub transformers: Vec<String>,
    pub validators: Vec<String>,
    pub build_metadata: Vec<String>,
    /// Whether the file names a field that holds nothing, such as `resources: []`: it is not empty.
    #[serde(skip)]
    pub(crate) says_something: bool,
}

/// What a kustomization may say of itself. Nothing is made of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct ObjectMeta {
    pub name: String,
    pub namespace: String,
    pub labels: TextMap,
    pub annotations: TextMap,
}

/// One entry of `labels`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Label {
    pub pairs: TextMap,
    pub include_selectors: bool,
    pub include_templates: bool,
    pub include_volume_claim_templates: bool,
    pub fields: Vec<FieldSpec>,
}

/// One entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Patch {
    pub path: String,
    pub patch: String,
    pub target: Option<Selector>,
    pub options: Option<PatchOptions>,
}

/// What a patch may change besides content.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct PatchOptions {
    pub allow_name_change: bool,
    pub allow_kind_change: bool,
}

/// Which objects: anchored regular expressions, and selectors of labels and annotations.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Selector {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub annotation_selector: String,
    pub label_selector: String,
}

/// One entry of `images`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Image {
    pub name: String,
    pub new_name: String,
    pub tag_suffix: String,
    pub new_tag: String,
    pub digest: String,
}

/// One entry of `replicas`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Replica {
    pub name: String,
    pub count: i64,
}

/// One entry of `replacements`, or of a file one names.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Replacement {
    pub path: String,
    pub source: Option<ReplacementSource>,
    pub source_value: Option<String>,
    pub targets: Option<Vec<ReplacementTarget>>,
}

/// Where a replacement's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct ReplacementSource {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
    pub field_path: String,
    pub options: Option<FieldOptions>,
}

/// Where a replacement's value goes.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct ReplacementTarget {
    pub select: Option<Selector>,
    pub reject: Vec<Selector>,
    pub field_paths: Vec<String>,
    pub options: Option<FieldOptions>,
}

/// How a replacement reads or writes a field.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct FieldOptions {
    pub delimiter: String,
    pub index: i64,
    pub encoding: String,
    pub create: bool,
}

/// One entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct Variable {
    pub name: String,
    pub objref: VariableTarget,
    pub fieldref: VariableField,
}

/// The object a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct VariableTarget {
    pub api_version: String,
    pub group: String,
    pub version: String,
    pub kind: String,
    pub name: String,
    pub namespace: String,
}

/// The field a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct VariableField {
    pub fieldpath: String,
}

/// The order of the objects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct SortOptions {
    pub order: String,
    pub legacy_sort_options: Option<LegacySortOptions>,
}

/// Kinds that come first and last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct LegacySortOptions {
    pub order_first: Vec<String>,
    pub order_last: Vec<String>,
}

/// One entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct GeneratorArguments {
    pub namespace: String,
    pub name: String,
    pub behavior: String,
    pub literals: Vec<String>,
    pub files: Vec<String>,
    pub envs: Vec<String>,
    pub env: String,
    pub options: Option<GeneratorOptions>,
    /// Only of secrets.
    pub r#type: String,
}

/// What generated objects have in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are kustomize's own, documented there")]
pub struct GeneratorOptions {
    pub labels: TextMap,
    pub annotations: TextMap,
    pub disable_name_suffix_hash: bool,
    pub immutable: bool,
}

const KIND: &str = "Kustomization";
const COMPONENT: &str = "Component";
const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

impl Kustomization {
    /// Reads a kustomization file, fixes its old forms and checks it.
    pub fn parse(content: &[u8], file: &TreePath) -> Result<Kustomization, Error> {
        let kustomization = Kustomization::decode(content, file)?;
        kustomization.check(file)?;
        Ok(kustomization)
    }

    /// Reads a kustomization file and fixes its old forms.
    pub(crate) fn decode(content: &[u8], file: &TreePath) -> Result<Kustomization, Error> {
        let text = std::str::from_utf8(content).map_err(|_| invalid(file, "the file is not UTF-8 text"))?;
        let value =
            belay_goyaml::to_json(text).map_err(|source| Error::Yaml { file: file.to_string(), source })?;
        let says_something = value.as_object().is_some_and(|fields| fields.iter().any(says_something));
        let mut kustomization: Kustomization = match value {
            Value::Null => Kustomization::default(),
            value => from_value(value).map_err(|failure| invalid(file, failure.in_text(text)))?,
        };
        kustomization.says_something = says_something;
        kustomization.fix();
        Ok(kustomization)
    }

    /// Whether this is a component rather than a kustomization.
    pub fn is_component(&self) -> bool {
        self.kind == COMPONENT
    }

    /// Brings fields of old to those of today.
    pub(crate) fn fix(&mut self) {
        if self.kind.is_empty() {
            KIND.clone_into(&mut self.kind);
        }
        if self.api_version.is_empty() {
            required_version(&self.kind).clone_into(&mut self.api_version);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for arguments in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !arguments.env.is_empty() {
                arguments.envs.push(std::mem::take(&mut arguments.env));
            }
        }
        let old = std::mem::take(&mut self.helm_chart_inflation_generator);
        helm::fix(old, &mut self.helm_charts, &mut self.helm_globals);
    }

    /// Whether it says anything, and is of a kind and version that is read here.
    pub(crate) fn check(&self, file: &TreePath) -> Result<(), Error> {
        let empty = Kustomization {
            api_version: self.api_version.clone(),
            kind: self.kind.clone(),
            ..Kustomization::default()
        };
        // What was declared makes the two differ.
        if *self == empty {
            return Err(invalid(file, "kustomization.yaml is empty"));
        }
        if self.kind != KIND && self.kind != COMPONENT {
            return Err(invalid(file, format!("kind should be {KIND} or {COMPONENT}")));
        }
        let required = required_version(&self.kind);
        if self.api_version != required {
            return Err(invalid(file, format!("apiVersion for {} should be {required}", self.kind)));
        }
        Ok(())
    }

    /// Lays settings over this kustomization.
    pub fn edit(&mut self, edit: KustomizationEdit) {
        let set = |field: &mut String, value: Option<String>| {
            if let Some(value) = value {
                *field = value;
            }
        };
        set(&mut self.namespace, edit.namespace);
        set(&mut self.name_prefix, edit.name_prefix);
        set(&mut self.name_suffix, edit.name_suffix);
        if edit.origins_without_resources && self.resources.is_empty() {
            self.build_metadata = vec!["originAnnotations".to_owned()];
        }
        if !edit.build_metadata.is_empty() {
            self.build_metadata = edit.build_metadata;
        }
        self.resources.extend(edit.resources);
        self.components.extend(edit.components);
        for image in edit.images {
            put(&mut self.images, image, |image| image.name.as_str());
        }
        for replica in edit.replicas {
            put(&mut self.replicas, replica, |replica| replica.name.as_str());
        }
        self.labels.extend(edit.labels);
        self.common_labels.extend(edit.common_labels);
        self.common_annotations.extend(edit.common_annotations);
        self.patches.extend(edit.patches);
        self.patches_strategic_merge.extend(edit.patches_strategic_merge);
        self.patches_json6902.extend(edit.patches_json6902);
    }
}

fn put<T>(list: &mut Vec<T>, entry: T, name: impl Fn(&T) -> &str) {
    match list.iter_mut().find(|present| name(present) == name(&entry)) {
        Some(present) => *present = entry,
        None => list.push(entry),
    }
}

/// Lists and maps that are moved to other fields when they are fixed leave nothing behind.
fn says_something((field, value): (&String, &Value)) -> bool {
    let moved = ["bases", "imageTags", "helmChartInflationGenerator"];
    (value.is_array() || value.is_object()) && !moved.iter().any(|moved| moved.eq_ignore_ascii_case(field))
}

fn required_version(kind: &str) -> &'static str {
    if kind == COMPONENT { COMPONENT_VERSION } else { VERSION }
}

fn invalid(file: &TreePath, reason: impl Into<String>) -> Error {
    Error::Kustomization { file: file.clone(), reason: reason.into() }
}
