//! A build: kustomizations gathered from the leaves up, then names hashed and references fixed.

use std::sync::Arc;

use belay_filetree::{FileTree, TreePath};
use serde_json::Value;

use crate::configuration::Configuration;
use crate::error::{During, Error};
use crate::generate::generate_kustomization;
use crate::generators::GENERATORS;
use crate::history;
use crate::kustomization::Kustomization;
use crate::loader::Loader;
use crate::objects;
use crate::options::{BuildOptions, Reorder};
use crate::output::{Build, finish};
use crate::plugins;
use crate::resource::{Behavior, Place, Resource};
use crate::resources::Resources;
use crate::transformers::hash::Hash;
use crate::transformers::name_reference::NameReferences;
use crate::transformers::sort_order;
use crate::transformers::{Setting, TRANSFORMERS, Transformer};
use crate::variables::Variables;

/// Builds the kustomization in a folder of the tree.
pub fn build(tree: &dyn FileTree, folder: &TreePath, options: &BuildOptions) -> Result<Build, Error> {
    let loader = Loader::new(tree, folder, options.load_restrictor)?;
    let mut target = Target::load(&loader, String::new(), options.generate.then_some(tree))?;
    if let Some(edit) = &options.edit {
        target.kustomization.edit(edit.clone());
    }
    target.kustomization.check(&target.file)?;
    let limits = Limits {
        objects: options.max_objects.unwrap_or(usize::MAX),
        records: !target.kustomization.build_metadata.is_empty(),
    };
    let mut gathered = target.gather(Gathered::default(), &loader, &limits)?;
    Hash.transform(&mut gathered.resources)?;
    if let Some(configuration) = &gathered.configuration {
        NameReferences { references: &configuration.name_reference }.transform(&mut gathered.resources)?;
        gathered.variables.resolve(&mut gathered.resources, &configuration.var_reference)?;
    }
    let mut resources = gathered.resources;
    sort(&mut resources, &target.kustomization, options.reorder)?;
    finish(resources, &target.kustomization, options)
}

fn sort(resources: &mut Resources, kustomization: &Kustomization, reorder: Reorder) -> Result<(), Error> {
    match &kustomization.sort_options {
        Some(options) => sort_order::sort_by(resources, options),
        None if reorder == Reorder::Legacy => {
            sort_order::sort_default(resources);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The only version of the schema of built-in kinds that the original ships.
const OPENAPI: &str = "v1.21.2";

struct Limits {
    objects: usize,
    /// Whether origins and changes are recorded.
    records: bool,
}

/// What kustomizations have come together to so far.
#[derive(Default)]
struct Gathered {
    resources: Resources,
    configuration: Option<Arc<Configuration>>,
    variables: Variables,
}

impl Gathered {
    fn add_configuration(&mut self, added: Arc<Configuration>) -> Result<(), Error> {
        self.configuration = Some(match self.configuration.take() {
            None => added,
            Some(present) if Arc::ptr_eq(&present, &added) => present,
            Some(present) => Arc::new(present.merge(&added)?),
        });
        Ok(())
    }

    fn merge(&mut self, other: Gathered) -> Result<(), Error> {
        self.resources.append_all(other.resources)?;
        self.variables.merge(other.variables)?;
        other.configuration.map_or(Ok(()), |configuration| self.add_configuration(configuration))
    }
}

/// One kustomization and its file.
struct Target {
    kustomization: Kustomization,
    file: TreePath,
    /// The folder as seen from the one that is built.
    path: String,
}

impl Target {
    fn load(
        loader: &Loader<'_>,
        path: String,
        generate_from: Option<&dyn FileTree>,
    ) -> Result<Target, Error> {
        let kustomization = match (loader.kustomization_file()?, generate_from) {
            (Some(file), _) => {
                let (file, content) = loader.read(file.file_name())?;
                return Ok(Target { kustomization: Kustomization::parse(&content, &file)?, file, path });
            }
            (None, Some(tree)) => generate_kustomization(tree, loader.folder())?,
            (None, None) => return Err(Error::NoKustomization { folder: loader.folder().clone() }),
        };
        Ok(Target { kustomization, file: loader.folder().child("kustomization.yaml"), path })
    }

    fn gather(
        &self,
        mut gathered: Gathered,
        loader: &Loader<'_>,
        limits: &Limits,
    ) -> Result<Gathered, Error> {
        self.refuse_unsupported(limits.records)?;
        for reference in &self.kustomization.resources {
            self.add_resource(&mut gathered, reference, loader, limits)
                .during(|| format!("{}: accumulating resources from '{reference}'", self.file))?;
            if gathered.resources.len() > limits.objects {
                return Err(Error::rule(format!("{}: more than {} objects", self.file, limits.objects)));
            }
        }
        gathered.add_configuration(Configuration::load(loader, &self.kustomization.configurations)?)?;
        self.generate(&mut gathered, loader, limits)
            .during(|| format!("{}: generating objects", self.file))?;
        for reference in &self.kustomization.components {
            gathered = self
                .add_component(gathered, reference, loader, limits)
                .during(|| format!("{}: accumulating components from '{reference}'", self.file))?;
        }
        self.transform(&mut gathered, loader, limits)
            .during(|| format!("{}: transforming objects", self.file))?;
        let Gathered { resources, variables, .. } = &mut gathered;
        variables
            .add(&self.kustomization.vars, resources)
            .during(|| format!("{}: merging vars", self.file))?;
        Ok(gathered)
    }

    fn refuse_unsupported(&self, records: bool) -> Result<(), Error> {
        let kustomization = &self.kustomization;
        let used = [
            (!kustomization.helm_charts.is_empty(), "helmCharts"),
            (!kustomization.validators.is_empty(), "validators"),
            (records && !kustomization.generators.is_empty(), "buildMetadata with generators"),
            (records && !kustomization.transformers.is_empty(), "buildMetadata with transformers"),
            (!kustomization.crds.is_empty(), "crds"),
            (kustomization.openapi.contains_key("path"), "openapi.path"),
            (
                kustomization.openapi.get("version").is_some_and(|version| version != OPENAPI),
                "openapi.version",
            ),
        ];
        match used.iter().find(|(used, _)| *used) {
            Some((_, field)) => Err(Error::Unsupported {
                file: self.file.clone(),
                feature: (*field).to_owned(),
                reason: " yet",
            }),
            None => Ok(()),
        }
    }

    fn add_resource(
        &self,
        gathered: &mut Gathered,
        reference: &str,
        loader: &Loader<'_>,
        limits: &Limits,
    ) -> Result<(), Error> {
        if loader.is_file(reference)? {
            let (file, content) = loader.read(reference)?;
            let origin = limits.records.then(|| history::of_file(&history::joined(&self.path, reference)));
            for mut resource in objects::read(&content, &file)? {
                resource.origin.clone_from(&origin);
                gathered.resources.append(resource)?;
            }
            return Ok(());
        }
        let inner = loader.enter(reference)?;
        let target = Target::load(&inner, history::joined(&self.path, reference), None)?;
        if target.kustomization.is_component() {
            let folder = inner.folder();
            return Err(Error::rule(format!("expected kind != 'Component' for path '{folder}'")));
        }
        gathered.merge(target.gather(Gathered::default(), &inner, limits)?)
    }

    /// A component changes what has been gathered before it.
    fn add_component(
        &self,
        gathered: Gathered,
        reference: &str,
        loader: &Loader<'_>,
        limits: &Limits,
    ) -> Result<Gathered, Error> {
        let inner = loader.enter(reference)?;
        let target = Target::load(&inner, history::joined(&self.path, reference), None)?;
        if !target.kustomization.is_component() {
            let (folder, kind) = (inner.folder(), &target.kustomization.kind);
            return Err(Error::rule(format!(
                "expected kind 'Component' for path '{folder}' but got '{kind}'"
            )));
        }
        target.gather(gathered, &inner, limits)
    }

    /// The kustomization file as seen from the folder that is built.
    fn own_path(&self) -> String {
        history::joined(&self.path, self.file.file_name())
    }

    fn generate(&self, gathered: &mut Gathered, loader: &Loader<'_>, limits: &Limits) -> Result<(), Error> {
        for generator in &GENERATORS {
            for mut resource in
                (generator.generate)(&self.kustomization, loader).during(|| generator.name.to_owned())?
            {
                resource.place = Some(Place { file: self.file.clone(), line: 0 });
                resource.origin =
                    limits.records.then(|| history::of_builtin(&self.own_path(), generator.name));
                absorb(&mut gathered.resources, resource)?;
            }
        }
        for configuration in self.plugin_configurations(&self.kustomization.generators, loader)? {
            for mut resource in plugins::generate(&configuration, loader)? {
                resource.place.clone_from(&configuration.place);
                absorb(&mut gathered.resources, resource)?;
            }
        }
        Ok(())
    }

    /// The objects that configure plugins: inline, in files, or built by other kustomizations.
    fn plugin_configurations(
        &self,
        references: &[String],
        loader: &Loader<'_>,
    ) -> Result<Vec<Resource>, Error> {
        let mut gathered = Gathered::default();
        let mut paths = Vec::new();
        for reference in references {
            match objects::read(reference.as_bytes(), &self.file) {
                Ok(inline) => {
                    inline.into_iter().try_for_each(|resource| gathered.resources.append(resource))?
                }
                Err(_) => paths.push(reference),
            }
        }
        let limits = Limits { objects: usize::MAX, records: false };
        for path in paths {
            self.add_resource(&mut gathered, path, loader, &limits)
                .during(|| format!("plugin configuration '{path}'"))?;
        }
        Ok(gathered.resources.into_list())
    }

    fn transform(&self, gathered: &mut Gathered, loader: &Loader<'_>, limits: &Limits) -> Result<(), Error> {
        let configuration = gathered.configuration.clone().unwrap_or_else(Configuration::shipped);
        let setting = Setting { kustomization: &self.kustomization, configuration: &configuration, loader };
        let mut configured = Vec::new();
        for registered in &TRANSFORMERS {
            configured.push((registered.configure)(&setting).during(|| registered.name.to_owned())?);
        }
        for (registered, transformers) in TRANSFORMERS.iter().zip(&configured) {
            for transformer in transformers {
                transformer.transform(&mut gathered.resources).during(|| registered.name.to_owned())?;
                if limits.records {
                    let change = history::of_builtin(&self.own_path(), registered.name);
                    for at in 0..gathered.resources.len() {
                        gathered.resources.content_mut(at).transformations.push(change.clone());
                    }
                }
                gathered.resources.drop_deleted();
            }
        }
        for configuration in self.plugin_configurations(&self.kustomization.transformers, loader)? {
            for transformer in plugins::transformers(&configuration, loader)? {
                transformer.transform(&mut gathered.resources).during(|| configuration.id().to_string())?;
                gathered.resources.drop_deleted();
            }
        }
        Ok(())
    }
}

/// Adds a generated object, or lays it over the one of its name, as its behavior says.
fn absorb(resources: &mut Resources, mut resource: Resource) -> Result<(), Error> {
    let id = resource.id();
    let matches = resources.by_any_id(&id);
    let behavior = resource.behavior;
    let at = match (&matches[..], behavior) {
        ([], Behavior::Merge | Behavior::Replace) => {
            return Err(Error::rule(format!("id {id} does not exist; cannot merge or replace")));
        }
        ([], _) => return resources.append(resource),
        ([at], Behavior::Merge | Behavior::Replace) => *at,
        ([_], _) => {
            let behavior = behavior.as_str();
            return Err(Error::rule(format!(
                "id {id} exists; can not use behavior: '{behavior}', behavior must be merge or replace"
            )));
        }
        _ => return Err(Error::rule(format!("found multiple objects that could accept merge of {id}"))),
    };
    let old = resources.get(at).clone();
    if behavior == Behavior::Merge {
        let data = normalized_data(&old);
        merge_texts(&mut resource.object, "data", data);
        let binary = texts(old.object.get("binaryData"));
        merge_texts(&mut resource.object, "binaryData", binary);
    }
    take_identity(&mut resource, &old)?;
    resources.list_mut()[at] = resource;
    Ok(())
}

/// Gives a generated object the names, labels and history of the one it replaces.
fn take_identity(resource: &mut Resource, old: &Resource) -> Result<(), Error> {
    for field in ["labels", "annotations"] {
        let mut merged = old.metadata_map(field);
        for (key, value) in resource.metadata_map(field) {
            match merged.iter_mut().find(|(present, _)| *present == key) {
                Some(entry) => entry.1 = value,
                None => merged.push((key, value)),
            }
        }
        resource.set_metadata_map(field, merged)?;
    }
    resource.set_name(&old.name())?;
    resource.set_namespace(&old.namespace())?;
    resource.previous.clone_from(&old.previous);
    resource.prefixes.clone_from(&old.prefixes);
    resource.suffixes.clone_from(&old.suffixes);
    resource.variables.clone_from(&old.variables);
    resource.behavior = old.behavior;
    resource.needs_hash &= old.needs_hash;
    resource.place = old.place.clone().or(resource.place.take());
    resource.origin = old.origin.clone().or(resource.origin.take());
    resource.transformations.clone_from(&old.transformations);
    Ok(())
}

/// The data of an object that is merged into; a secret's `stringData` counts as data.
fn normalized_data(old: &Resource) -> Vec<(String, String)> {
    let mut data = texts(old.object.get("data"));
    if old.kind() == "Secret" && old.api_version() == "v1" {
        for (key, text) in texts(old.object.get("stringData")) {
            data.retain(|(present, _)| *present != key);
            data.push((key, crate::generators::sources::base64_lines(text.as_bytes())));
        }
    }
    data
}

fn texts(map: Option<&Value>) -> Vec<(String, String)> {
    let entries = map.and_then(Value::as_object).into_iter().flatten();
    entries.map(|(key, value)| (key.clone(), crate::resource::scalar_text(value))).collect()
}

/// Lays an object's own texts over others'.
fn merge_texts(object: &mut Value, field: &str, mut merged: Vec<(String, String)>) {
    for (key, value) in texts(object.get(field)) {
        merged.retain(|(present, _)| *present != key);
        merged.push((key, value));
    }
    let Some(fields) = object.as_object_mut() else { return };
    if merged.is_empty() {
        fields.shift_remove(field);
        return;
    }
    let map = merged.into_iter().map(|(key, value)| (key, Value::from(value))).collect();
    fields.insert(field.to_owned(), Value::Object(map));
}
