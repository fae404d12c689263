//! One kustomization and everything below it: what it reads, generates and transforms.

use std::cell::OnceCell;
use std::sync::Arc;

use belay_filetree::TreePath;
use serde_json::Value;

use crate::bases::Bases;
use crate::configuration::Configuration;
use crate::crds;
use crate::error::{During, Error};
use crate::explain::{Cause, Elsewhere, Trace, Tracer};
use crate::generate::generate_kustomization;
use crate::generators::{self, Charts, GENERATORS};
use crate::helm::HelmOptions;
use crate::kustomization::Kustomization;
use crate::loader::{Loader, is_url};
use crate::objects;
use crate::openapi;
use crate::options::BuildOptions;
use crate::origin::{Origin, Plugin};
use crate::plugins;
use crate::quotes;
use crate::remote::RemoteRepository;
use crate::resource::{Place, Resource};
use crate::resources::Resources;
use crate::steps::{add_generated, cause_of, finish_step, transform};
use crate::transformers::{Configured, Setting, TRANSFORMERS};
use crate::types::Types;
use crate::variables::Variables;

/// The only version of the schema of built-in kinds that the original ships.
const OPENAPI: &str = "v1.21.2";

/// The label that validators may leave behind.
const VALIDATED_BY: &str = "validated-by";

/// What holds for a whole build.
pub(crate) struct Session<'s> {
    pub(crate) helm: Option<&'s HelmOptions>,
    pub(crate) most_objects: usize,
    /// Whether origins and changes are recorded.
    pub(crate) records: bool,
    pub(crate) tracer: Option<Tracer>,
    pub(crate) bases: Bases,
    /// What the first kustomization says of kinds that says anything; nothing for what is shipped.
    pub(crate) types: OnceCell<Option<Arc<Types>>>,
}

impl Session<'_> {
    /// Whether a folder is the same wherever it is built from. Charts take namespaces from above.
    pub(crate) fn may_reuse_bases(&self) -> bool {
        !self.records && self.tracer.is_none() && self.helm.is_none()
    }

    fn charts(&self) -> Charts<'_> {
        Charts { options: self.helm, tracer: self.tracer.as_ref() }
    }

    /// Records what a step changed, if anyone asks.
    pub(crate) fn note(&self, resources: &mut Resources, cause: impl FnOnce() -> Cause) {
        if let Some(tracer) = &self.tracer {
            tracer.note(resources, &cause());
        }
    }

    /// The cause with whose files are read at the moment.
    pub(crate) fn here(&self, cause: Cause) -> Cause {
        match &self.tracer {
            Some(tracer) => tracer.here(cause),
            None => cause,
        }
    }

    /// Builds what lies in these files, of another repository perhaps.
    fn within<T>(&self, elsewhere: impl FnOnce() -> Option<Elsewhere>, build: impl FnOnce() -> T) -> T {
        match &self.tracer {
            Some(tracer) => tracer.within(elsewhere(), build),
            None => build(),
        }
    }

    /// For objects that configure plugins: they are not part of the result.
    fn of_plugins(&self) -> Session<'_> {
        Session {
            helm: self.helm,
            most_objects: usize::MAX,
            records: self.records,
            tracer: self.tracer.as_ref().map(Tracer::of_places),
            bases: Bases::default(),
            types: self.types.clone(),
        }
    }
}

/// What kustomizations have come together to so far.
#[derive(Clone, Default)]
pub(crate) struct Gathered {
    pub(crate) resources: Resources,
    pub(crate) configuration: Option<Arc<Configuration>>,
    pub(crate) variables: Variables,
}

impl Gathered {
    fn add_configuration(&mut self, added: Arc<Configuration>) -> Result<(), Error> {
        self.configuration = Some(match self.configuration.take() {
            // What gathers starts with no places at all; the shipped ones are none the less for that.
            None if Arc::ptr_eq(&added, &Configuration::shipped()) => added,
            None => Arc::new(Configuration::default().merge(&added)?),
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
pub(crate) struct Target {
    kustomization: Kustomization,
    file: TreePath,
    /// The folder.
    origin: Origin,
    /// The namespace of the kustomization that refers to this one, for charts.
    parent_namespace: String,
}

impl Target {
    /// The kustomization that is built, with the caller's settings laid over it.
    pub(crate) fn load_root(loader: &Loader<'_>, options: &BuildOptions) -> Result<Target, Error> {
        let is_generated = options.generate && loader.kustomization_file()?.is_none();
        let mut target = if is_generated {
            Target {
                kustomization: generate_kustomization(loader.tree(), loader.folder())?,
                file: loader.folder().child("kustomization.yaml"),
                origin: Origin::default(),
                parent_namespace: String::new(),
            }
        } else {
            Target::load(loader, Origin::default(), "")?
        };
        if let Some(mut edit) = options.edit.clone() {
            edit.origins_without_resources &= !is_generated;
            target.kustomization.edit(edit);
        }
        target.kustomization.check(&target.file)?;
        Ok(target)
    }

    fn load(loader: &Loader<'_>, origin: Origin, parent_namespace: &str) -> Result<Target, Error> {
        let missing = || Error::NoKustomization { folder: loader.folder().clone() };
        let file = loader.kustomization_file()?.ok_or_else(missing)?;
        let (file, content) = loader.read(file.file_name())?;
        let kustomization = Kustomization::parse(&content, &file)?;
        Ok(Target { kustomization, file, origin, parent_namespace: parent_namespace.to_owned() })
    }

    /// Reads its file once more, for whoever records what is read.
    pub(crate) fn look_again(&self, loader: &Loader<'_>) -> Result<(), Error> {
        loader.kustomization_file()?;
        loader.read(self.file.file_name()).map(drop)
    }

    pub(crate) fn kustomization(&self) -> &Kustomization {
        &self.kustomization
    }

    pub(crate) fn file(&self) -> &TreePath {
        &self.file
    }

    /// The kustomization in another folder.
    fn inner(&self, inner: &Loader<'_>, reference: &str) -> Result<Target, Error> {
        let own = &self.kustomization.namespace;
        let namespace = if own.is_empty() { &self.parent_namespace } else { own };
        Target::load(inner, self.origin.join(reference), namespace)
    }

    pub(crate) fn gather(
        &self,
        mut gathered: Gathered,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<Gathered, Error> {
        session.bases.enter(loader.folder());
        self.read_types(loader, session)?;
        if let Some(Some(types)) = session.types.get() {
            gathered.resources.use_types(types);
        }
        for reference in &self.kustomization.resources {
            self.add_resource(&mut gathered, reference, loader, session)
                .during(|| format!("{}: accumulating resources from '{reference}'", self.file))?;
            if gathered.resources.len() > session.most_objects {
                let most = session.most_objects;
                return Err(Error::rule(format!("{}: more than {most} objects", self.file)));
            }
        }
        self.configure(&mut gathered, loader).during(|| format!("{}: reading configurations", self.file))?;
        self.generate(&mut gathered, loader, session)
            .during(|| format!("{}: generating objects", self.file))?;
        for reference in &self.kustomization.components {
            gathered = self
                .add_component(gathered, reference, loader, session)
                .during(|| format!("{}: accumulating components from '{reference}'", self.file))?;
        }
        self.transform(&mut gathered, loader, session)
            .during(|| format!("{}: transforming objects", self.file))?;
        self.validate(&mut gathered, loader, session)
            .during(|| format!("{}: validating objects", self.file))?;
        let Gathered { resources, variables, .. } = &mut gathered;
        let declared =
            |number: usize, name: &str| session.here(Cause::entry(&self.file, "vars", number, name));
        variables
            .add(&self.kustomization.vars, declared, resources)
            .during(|| format!("{}: merging vars", self.file))?;
        Ok(gathered)
    }

    fn configure(&self, gathered: &mut Gathered, loader: &Loader<'_>) -> Result<(), Error> {
        gathered.add_configuration(Configuration::load(loader, &self.kustomization.configurations)?)?;
        if !self.kustomization.crds.is_empty() {
            let configuration = crds::load(loader, &self.kustomization.crds)?;
            gathered.add_configuration(Arc::new(configuration))?;
        }
        Ok(())
    }

    /// The first kustomization that says what is to be known of kinds says it for the whole build.
    fn read_types(&self, loader: &Loader<'_>, session: &Session<'_>) -> Result<(), Error> {
        let refused = |reason: String| Error::Kustomization { file: self.file.clone(), reason };
        let openapi = &self.kustomization.openapi;
        let read = openapi.get("path").map(|path| openapi::load(loader, path)).transpose();
        let read = read.during(|| format!("{}: reading `openapi`", self.file))?;
        if session.types.get().is_some() {
            return Ok(());
        }
        let types = match (read, openapi.get("version")) {
            (Some(_), Some(_)) => {
                return Err(refused(
                    "builtin version and custom schema provided, cannot use both".to_owned(),
                ));
            }
            (None, Some(version)) if !version.is_empty() && version != OPENAPI => {
                return Err(refused(format!("the specified OpenAPI version '{version}' is not built in")));
            }
            (None, None) => return Ok(()),
            (None, Some(version)) if version.is_empty() => return Ok(()),
            (types, _) => types,
        };
        // It is known to be empty.
        let _ = session.types.set(types.map(Arc::new));
        Ok(())
    }

    fn add_resource(
        &self,
        gathered: &mut Gathered,
        reference: &str,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<(), Error> {
        if let Some((file, content)) = loader.read_if_file(reference)? {
            return self.add_objects(gathered, reference, objects::read(&content, &file)?, session);
        }
        if is_url(reference)
            && loader.remotes().is_some()
            && let Some((resources, elsewhere)) = file_by_url(reference, loader)?
        {
            let add = || self.add_objects(gathered, reference, resources, session);
            return session.within(|| Some(elsewhere), add);
        }
        let inner = loader.enter(reference)?;
        let target = self.inner(&inner, reference)?;
        if target.kustomization.is_component() {
            let folder = inner.folder();
            return Err(Error::rule(format!("expected kind != 'Component' for path '{folder}'")));
        }
        let base = session.within(|| inner.elsewhere(), || session.bases.gather(&target, &inner, session))?;
        gathered.merge(base)
    }

    fn add_objects(
        &self,
        gathered: &mut Gathered,
        reference: &str,
        resources: Vec<Resource>,
        session: &Session<'_>,
    ) -> Result<(), Error> {
        let origin = session.records.then(|| self.origin.join(reference).of_file());
        for mut resource in resources {
            resource.origin.clone_from(&origin);
            if session.records {
                resource.plugin_origin = Some(self.origin.join(reference));
            }
            if let Some(tracer) = &session.tracer {
                tracer.start(&mut resource);
            }
            gathered.resources.append(resource)?;
        }
        Ok(())
    }

    /// A component changes what has been gathered before it.
    fn add_component(
        &self,
        gathered: Gathered,
        reference: &str,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<Gathered, Error> {
        let inner = loader.enter(reference)?;
        let target = self.inner(&inner, reference)?;
        if !target.kustomization.is_component() {
            let (folder, kind) = (inner.folder(), &target.kustomization.kind);
            return Err(Error::rule(format!(
                "expected kind 'Component' for path '{folder}' but got '{kind}'"
            )));
        }
        let mut gathered =
            session.within(|| inner.elsewhere(), || target.gather(gathered, &inner, session))?;
        // The original goes on with what is gathered anew.
        let configuration = gathered.configuration.take();
        configuration.map_or(Ok(()), |configuration| gathered.add_configuration(configuration))?;
        Ok(gathered)
    }

    /// The kustomization file as seen from the folder that is built.
    fn own_origin(&self) -> Origin {
        self.origin.join(self.file.file_name())
    }

    fn generate(
        &self,
        gathered: &mut Gathered,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<(), Error> {
        let setting = generators::Setting {
            kustomization: &self.kustomization,
            loader,
            charts: session.charts(),
            parent_namespace: &self.parent_namespace,
        };
        for generator in &GENERATORS {
            let generated = (generator.generate)(&setting).during(|| generator.name.to_owned())?;
            let place = Place { file: self.file.clone(), line: 0 };
            let origin =
                session.records.then(|| self.own_origin().of_plugin(&Plugin::builtin(generator.name)));
            for (number, generated) in generated.into_iter().enumerate() {
                let cause = || Cause::entry(&self.file, generator.field, number, generator.name);
                add_generated(gathered, generated, &place, origin.as_ref(), session, cause)?;
            }
        }
        let configurations = &self.kustomization.generators;
        for (configuration, origin) in self.plugins("generators", configurations, loader, session)? {
            let generated = plugins::generate(&configuration, loader, session.charts())?;
            let place = configuration.place.clone().unwrap_or(Place { file: self.file.clone(), line: 0 });
            let cause = || cause_of(&configuration, &place);
            add_generated(gathered, generated, &place, origin.as_ref(), session, cause)?;
        }
        Ok(())
    }

    /// The objects that configure plugins: inline, in files, or built by other kustomizations; and
    /// what `buildMetadata` prints of them.
    fn plugins(
        &self,
        field: &'static str,
        references: &[String],
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<Vec<(Resource, Option<String>)>, Error> {
        let mut gathered = Gathered::default();
        let mut paths = Vec::new();
        let is_traced = session.tracer.is_some();
        let session = session.of_plugins();
        for (number, reference) in references.iter().enumerate() {
            match objects::read(reference.as_bytes(), &self.file) {
                Ok(inline) => {
                    for mut resource in inline {
                        if let Some(place) = resource.place.as_ref().filter(|_| is_traced) {
                            let cause = Cause::text(&self.file, field, number, place.line);
                            resource.trace = Trace::begun(cause);
                        }
                        resource.plugin_origin = session.records.then(|| self.own_origin());
                        gathered.resources.append(resource)?;
                    }
                }
                Err(_) => paths.push(reference),
            }
        }
        for path in paths {
            self.add_resource(&mut gathered, path, loader, &session)
                .during(|| format!("plugin configuration '{path}'"))?;
        }
        let origin_of = |resource: &Resource| {
            let origin = resource.plugin_origin.as_ref()?;
            Some(origin.of_plugin(&Plugin::configured_by(resource)))
        };
        let found = gathered.resources.into_list().into_iter();
        Ok(found
            .map(|resource| (origin_of(&resource), resource))
            .map(|(origin, resource)| (resource, origin))
            .collect())
    }

    fn transform(
        &self,
        gathered: &mut Gathered,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<(), Error> {
        let configuration = gathered.configuration.clone().unwrap_or_else(Configuration::shipped);
        let setting = Setting { kustomization: &self.kustomization, configuration: &configuration, loader };
        let mut configured = Vec::new();
        for registered in &TRANSFORMERS {
            configured.push((registered.configure)(&setting).during(|| registered.name.to_owned())?);
        }
        let resources = &mut gathered.resources;
        for (registered, transformers) in TRANSFORMERS.iter().zip(&configured) {
            let change = || self.own_origin().of_plugin(&Plugin::builtin(registered.name));
            for (number, transformer) in transformers.iter().enumerate() {
                let cause = || Cause::entry(&self.file, registered.field, number, registered.name);
                transform(transformer.as_ref(), resources, session, &cause)
                    .during(|| registered.name.to_owned())?;
                finish_step(resources, session, change, cause);
            }
        }
        let configurations = &self.kustomization.transformers;
        for (configuration, origin) in self.plugins("transformers", configurations, loader, session)? {
            let place = configuration.place.clone().unwrap_or(Place { file: self.file.clone(), line: 0 });
            let cause = || cause_of(&configuration, &place);
            for transformer in self.transformers_of(&configuration, loader)? {
                transform(transformer.as_ref(), resources, session, &cause)
                    .during(|| configuration.id().to_string())?;
            }
            quotes::keep(resources, loader);
            let change = || origin.clone().unwrap_or_default();
            finish_step(resources, session, change, cause);
        }
        Ok(())
    }

    fn transformers_of<'l>(
        &self,
        configuration: &Resource,
        loader: &'l Loader<'l>,
    ) -> Result<Configured<'l>, Error> {
        plugins::transformers(configuration, loader).during(|| configuration.id().to_string())
    }

    /// Validators are transformers that may change nothing.
    fn validate(
        &self,
        gathered: &mut Gathered,
        loader: &Loader<'_>,
        session: &Session<'_>,
    ) -> Result<(), Error> {
        let configurations = &self.kustomization.validators;
        for (configuration, _) in self.plugins("validators", configurations, loader, session)? {
            for transformer in self.transformers_of(&configuration, loader)? {
                let before: Vec<Value> =
                    gathered.resources.iter().map(|resource| resource.object.clone()).collect();
                transformer.transform(&mut gathered.resources).during(|| configuration.id().to_string())?;
                let after = gathered.resources.iter().map(|resource| unmarked(&resource.object));
                if !after.eq(before) {
                    let id = configuration.id();
                    return Err(Error::rule(format!("{id}: validator shouldn't modify the resource map")));
                }
            }
        }
        Ok(())
    }
}

/// The object without the label that says it was validated.
fn unmarked(object: &Value) -> Value {
    let mut object = object.clone();
    let labels = object.get_mut("metadata").and_then(|metadata| metadata.get_mut("labels"));
    if let Some(Value::Object(labels)) = labels {
        labels.shift_remove(VALIDATED_BY);
    }
    object
}

/// The objects of a file by URL; `None` where it is none, so that a repository is tried.
fn file_by_url(url: &str, loader: &Loader<'_>) -> Result<Option<(Vec<Resource>, Elsewhere)>, Error> {
    let is_repository = RemoteRepository::parse(url).is_some();
    let read = || -> Result<(Vec<Resource>, Elsewhere), Error> {
        let content = loader.read_url(url)?;
        let resources =
            objects::read(&content, &Elsewhere::path(url)).during(|| format!("reading '{url}'"))?;
        Ok((resources, Elsewhere::file(url, content)))
    };
    match read() {
        Ok(found) => Ok(Some(found)),
        Err(_) if is_repository => Ok(None),
        Err(error) => Err(error),
    }
}
