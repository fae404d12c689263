//! What Git says: fetched, rendered, placed and marked; kept until something it was made of changes.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, ApplicationSource};
use belay_filetree::{FileTree, MountedTree, Reads, TreePath};
use belay_manifest::{Limits, Manifest, Object};
use belay_render::{Freshness, Render, SourceType};
use belay_source::{Checkout, CheckoutError, without_login};

use crate::context::Context;
use crate::fault::Fault;
use crate::prepare::{Prepared, prepare};
use crate::project::{self, Project};
use crate::render::{self, Brought, BroughtCharts, MissingCharts, SourceError};
use crate::sources::Sources;
use crate::tracking::Target;
use crate::write;

/// What an app's files are read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    /// To compare the app.
    Comparison,
    /// To carry out an operation at its own revision.
    Operation,
}

/// What is to be read.
pub(crate) struct Asked<'a> {
    /// The app, as the API server has it.
    pub object: &'a Object,
    /// The app.
    pub app: &'a Application,
    /// Where its files are.
    pub sources: &'a Sources,
    /// The revision of each source.
    pub revisions: Vec<String>,
    /// Where its objects go.
    pub target: &'a Target,
    /// What for.
    pub purpose: Purpose,
}

/// What Git says at one revision of each source.
#[derive(Clone)]
pub(crate) struct Desired {
    /// Each source, in order.
    pub sources: Vec<Rendered>,
    /// The objects.
    pub prepared: Arc<Prepared>,
    /// Everything besides the files that it was made of.
    fingerprint: String,
    /// What the cluster could do then; only charts ask.
    capabilities: u64,
}

/// One source, read and rendered.
#[derive(Clone)]
pub(crate) struct Rendered {
    /// The commit and its files.
    pub checkout: Checkout,
    /// What a tool made of it, and of what; nothing for a source that only others refer to.
    pub made: Option<Made>,
}

/// What a tool made of a source.
#[derive(Clone)]
pub(crate) struct Made {
    source_type: SourceType,
    reads: Arc<Reads>,
    /// What was brought for it from elsewhere.
    brought: Brought,
    /// Whether another commit alone makes another render.
    names_revision: bool,
}

impl Desired {
    /// The commit of each source.
    pub(crate) fn revisions(&self) -> Vec<String> {
        self.sources.iter().map(|source| source.checkout.commit.clone()).collect()
    }

    /// Which tool rendered each source; empty for one that only others refer to.
    pub(crate) fn source_types(&self) -> Vec<&'static str> {
        let one = |source: &Rendered| source.made.as_ref().map_or("", |made| made.source_type.as_str());
        self.sources.iter().map(one).collect()
    }

    /// Whether all of this is of the same files and options.
    fn is_of(&self, checkouts: &[Checkout], fingerprint: &str, capabilities: u64) -> bool {
        // A kustomization may have charts, too.
        let has_chart = self.source_types().iter().any(|kind| *kind != SourceType::Directory.as_str());
        let commits = checkouts.iter().map(|checkout| &checkout.commit);
        self.sources.iter().map(|source| &source.checkout.commit).eq(commits)
            && self.fingerprint == fingerprint
            && (!has_chart || self.capabilities == capabilities)
            && self.prepared.unknown.is_empty()
    }

    /// The files and folders that a render would have read otherwise in these trees, one for each source; nothing when it
    /// would be the same.
    pub(crate) fn changes_since(&self, sources: &Sources, earlier: &[Checkout]) -> Option<Vec<String>> {
        let mut differs = false;
        let mut files = Vec::new();
        for (place, source) in self.sources.iter().enumerate() {
            let Some(made) = &source.made else { continue };
            differs |= made.names_revision && source.checkout.commit != earlier[place].commit;
            let tree = made.brought.put_into(tree_of(place, sources, earlier));
            if let Some(changed) = made.reads.changes(tree.as_ref()) {
                differs = true;
                files.extend(changed);
            }
        }
        files.sort_unstable();
        files.dedup();
        differs.then_some(files)
    }
}

/// What Git says now, to compare the app with.
pub(crate) async fn newest(
    context: &Context,
    object: &Object,
    app: &Application,
    sources: &Sources,
    target: &Target,
) -> Result<Arc<Desired>, Fault> {
    let (revisions, purpose) = (sources.revisions(&[]), Purpose::Comparison);
    read(context, &Asked { object, app, sources, revisions, target, purpose }).await
}

/// Reads what the sources of an app say.
pub(crate) async fn read(context: &Context, asked: &Asked<'_>) -> Result<Arc<Desired>, Fault> {
    let references = asked.sources.references()?;
    let reading = Reading::new(context, asked);
    let checkouts = reading.fetch_all().await?;
    let api_versions = context.live.kinds().api_versions();
    let mut hasher = DefaultHasher::new();
    let kube_version = context.live.kinds().version().unwrap_or_default();
    (&api_versions, &kube_version).hash(&mut hasher);
    let capabilities = hasher.finish();
    let requests: Vec<render::Request> = asked
        .sources
        .list()
        .iter()
        .zip(&checkouts)
        .map(|(source, checkout)| render::Request {
            instance: asked.target.instance.clone(),
            name: asked.app.metadata.name.clone(),
            namespace: asked.target.namespace.clone(),
            project: asked.app.spec.project_name().to_owned(),
            source: source.clone(),
            references: references.clone(),
            revision: checkout.commit.clone(),
            api_versions: api_versions.clone(),
            kube_version: kube_version.clone(),
            tools: asked.target.system.tools,
            schemes: asked.target.system.values_file_schemes.clone(),
            build_options: asked.target.system.kustomize_build_options.clone(),
        })
        .collect();
    let fingerprint: Vec<String> = requests.iter().map(render::Request::fingerprint).collect();
    let fingerprint = format!("{}\n{}", asked.target.fingerprint(), fingerprint.join("\n"));
    let known = context.desired(&asked.object.key(), asked.purpose);
    if let Some(known) = known.filter(|known| known.is_of(&checkouts, &fingerprint, capabilities)) {
        return Ok(known);
    }
    let (mut sources, mut manifests) = (Vec::new(), Vec::new());
    for (place, request) in requests.into_iter().enumerate() {
        let tree = tree_of(place, asked.sources, &checkouts);
        let made = reading.rendered(place, tree, request).await?.map(|(made, objects)| {
            manifests.extend(objects);
            made
        });
        sources.push(Rendered { checkout: checkouts[place].clone(), made });
    }
    let manifests: Vec<&Manifest> = manifests.iter().collect();
    let prepared = learn_and_prepare(context, &manifests, asked.target).await?;
    check_reach(context, &prepared)?;
    watch_kinds(context, &prepared).await?;
    let desired = Arc::new(Desired { sources, prepared: Arc::new(prepared), fingerprint, capabilities });
    context.remember_desired(&asked.object.key(), asked.purpose, desired.clone(), asked.sources);
    Ok(desired)
}

/// Takes manifests that an operation brings with it in the place of what Git says.
pub(crate) async fn local(
    context: &Context,
    target: &Target,
    texts: &[String],
) -> Result<Arc<Desired>, Fault> {
    let mut manifests = Vec::new();
    for (place, text) in texts.iter().enumerate() {
        let file = format!("operation.sync.manifests[{place}]");
        let parsed = belay_manifest::parse(&file, text.as_bytes(), &Limits::default());
        manifests.extend(parsed.map_err(|error| {
            Fault::comparison(format!("Failed to load local manifests: {}", belay_causes::chain(&error)))
        })?);
    }
    let manifests: Vec<&Manifest> = manifests.iter().collect();
    let prepared = learn_and_prepare(context, &manifests, target).await?;
    check_reach(context, &prepared)?;
    watch_kinds(context, &prepared).await?;
    let prepared = Arc::new(prepared);
    Ok(Arc::new(Desired { sources: Vec::new(), prepared, fingerprint: String::new(), capabilities: 0 }))
}

fn failed_to_fetch(sources: &Sources, place: usize, error: &CheckoutError) -> Fault {
    let message = failed_to_generate(sources, place, &error.to_string());
    if error.transient { Fault::passing(message) } else { Fault::comparison(message) }
}

fn failed_to_generate(sources: &Sources, place: usize, reason: &str) -> String {
    let (number, count) = (place + 1, sources.list().len());
    format!(
        "Failed to load target state: failed to generate manifest for source {number} of {count}: {reason}"
    )
}

/// The files of a source, with those that it may refer to.
fn tree_of(place: usize, sources: &Sources, checkouts: &[Checkout]) -> Arc<dyn FileTree> {
    let tree = checkouts[place].tree.clone();
    let is_reference = |source: &ApplicationSource| sources.is_many() && !source.reference.is_empty();
    if !sources.list().iter().any(is_reference) {
        return tree;
    }
    let mut mounted = MountedTree::new(tree);
    for (source, checkout) in sources.list().iter().zip(checkouts).filter(|(source, _)| is_reference(source))
    {
        mounted.mount(render::mount(&source.reference).as_str(), checkout.tree.clone());
    }
    Arc::new(mounted)
}

/// What comes of an attempt to render.
enum Attempt {
    Made(render::Plan, Render, Freshness),
    /// Nothing yet: files by these URLs are wanted first.
    WantsFiles(Vec<String>),
    /// Nothing yet: the chart asks for others.
    WantsCharts,
}

/// One reading of an app's sources.
struct Reading<'a> {
    context: &'a Context,
    asked: &'a Asked<'a>,
    /// How long ago a server may have been asked.
    max_age: Duration,
}

impl<'a> Reading<'a> {
    fn new(context: &'a Context, asked: &'a Asked<'a>) -> Reading<'a> {
        let refresh = asked.object.annotation(write::REFRESH);
        let is_hard = refresh == Some("hard") || context.is_to_be_forgotten(&asked.object.key());
        if is_hard {
            context.forget_renders(&asked.object.key());
        }
        let max_age = if refresh.is_some() || is_hard { Duration::ZERO } else { context.interval() };
        Reading { context, asked, max_age }
    }

    async fn fetch_all(&self) -> Result<Vec<Checkout>, Fault> {
        let Reading { context, asked, max_age } = *self;
        let fetches = asked.sources.list().iter().enumerate().map(|(place, source)| async move {
            let revision = &asked.revisions[place];
            let found = context.checkout(asked.app, source, revision, max_age).await;
            found.map_err(|error| failed_to_fetch(asked.sources, place, &error))
        });
        futures::future::try_join_all(fetches).await
    }

    /// Renders, with what it wants from elsewhere; nothing for a source without a folder.
    async fn rendered(
        &self,
        place: usize,
        tree: Arc<dyn FileTree>,
        request: render::Request,
    ) -> Result<Option<(Made, Vec<Manifest>)>, Fault> {
        if self.asked.sources.is_many() && request.source.path.is_empty() && request.source.chart.is_empty() {
            return Ok(None);
        }
        let (request, mut brought) = (Arc::new(request), Brought::default());
        let (plan, render, freshness) = loop {
            match self.attempt(place, tree.clone(), request.clone(), &brought).await? {
                Attempt::Made(plan, render, freshness) => break (plan, render, freshness),
                Attempt::WantsFiles(urls) => self.bring_files(place, &urls, &mut brought).await?,
                Attempt::WantsCharts => {
                    brought.charts = Some(self.bring_charts(place, tree.clone(), request.clone()).await?);
                }
            }
        };
        self.context.settings.metrics.rendered("argo", freshness == Freshness::Found);
        if freshness == Freshness::Made {
            let (app, revision, objects) =
                (self.asked.object.key(), &request.revision, render.manifests.len());
            self.context.remember(&app, |memory| memory.renders += 1);
            tracing::info!(%app, revision, objects, "rendered");
        }
        let Render { manifests, reads } = render;
        let names_revision = plan.names_revision || brought.may_change();
        let made = Made { source_type: plan.source_type, reads, brought, names_revision };
        Ok(Some((made, manifests)))
    }

    /// Renders where it holds nobody up, unless something is missing.
    async fn attempt(
        &self,
        place: usize,
        tree: Arc<dyn FileTree>,
        request: Arc<render::Request>,
        brought: &Brought,
    ) -> Result<Attempt, Fault> {
        let Reading { context, asked, .. } = *self;
        let folder = self.folder(place, &request)?;
        let renders = context.renders.clone();
        let (app, part) = (asked.object.key(), format!("{:?} {place}", asked.purpose));
        let (tree, may_build) = (brought.put_into(tree), brought.charts.is_none());
        let work = move || {
            let plan = request.plan(tree.as_ref(), &folder)?;
            if !plan.missing_urls.is_empty() {
                return Ok(Attempt::WantsFiles(plan.missing_urls));
            }
            let rendered = renders.render((&app, &part), &plan.inputs, tree.as_ref(), |tree| {
                request.run(tree, &folder, &renders)
            });
            match rendered {
                Ok((render, freshness)) => Ok(Attempt::Made(plan, render, freshness)),
                Err(error) if may_build && error.misses_charts() => Ok(Attempt::WantsCharts),
                Err(error) => Err(error),
            }
        };
        self.aside(place, work).await
    }

    /// Does some of the work for a source where it holds nobody up.
    async fn aside<T: Send + 'static>(
        &self,
        place: usize,
        work: impl FnOnce() -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, Fault> {
        let done = belay_cluster::aside(work).await;
        let done = done.map_err(|error| self.fault(place, &format!("the render broke off: {error}")))?;
        done.map_err(|error| self.fault(place, &belay_causes::chain(&error)))
    }

    fn folder(&self, place: usize, request: &render::Request) -> Result<TreePath, Fault> {
        render::folder(&request.source).map_err(|error| self.fault(place, &belay_causes::chain(&error)))
    }

    fn fault(&self, place: usize, reason: &str) -> Fault {
        Fault::comparison(failed_to_generate(self.asked.sources, place, reason))
    }

    /// Brings the files at these URLs.
    async fn bring_files(&self, place: usize, urls: &[String], brought: &mut Brought) -> Result<(), Fault> {
        let Reading { context, asked, .. } = *self;
        let source = &asked.sources.list()[place];
        for url in urls {
            let found = context.file_by_url(asked.app, source, url).await;
            brought.files.add(url, found.map_err(|error| failed_to_fetch(asked.sources, place, &error))?);
        }
        Ok(())
    }

    /// Brings the charts that a chart asks for. What an earlier commit's lock named, too, is here already.
    async fn bring_charts(
        &self,
        place: usize,
        tree: Arc<dyn FileTree>,
        request: Arc<render::Request>,
    ) -> Result<BroughtCharts, Fault> {
        let Reading { context, asked, max_age } = *self;
        let project = project::bounds_of(context, asked.object, asked.app)?.project;
        // Names and logins of repositories that the project does not permit are not for its apps.
        let repositories = context.settings.repositories.now();
        let repositories = Arc::new(repositories.permitted(|url| project.permits_repository(url)));
        let folder = self.folder(place, &request)?;
        let named = repositories.clone();
        let missing =
            self.aside(place, move || request.missing_charts(tree.as_ref(), &folder, &named)).await?;
        let known = context.desired(&asked.object.key(), asked.purpose);
        let known = known.as_ref().and_then(|desired| desired.sources.get(place)?.made.as_ref());
        let known = known.and_then(|made| made.brought.charts.as_ref());
        let source = &asked.sources.list()[place];
        let mut archives = Vec::with_capacity(missing.fetched.len());
        for wanted in &missing.fetched {
            if let Some(archive) = known.and_then(|charts| charts.locked(wanted)) {
                archives.push(archive);
                continue;
            }
            let found = context.chart(asked.app, source, wanted, &repositories, max_age).await;
            archives.push(found.map_err(|error| {
                let message = not_permitted(&project, &missing, &error).unwrap_or_else(|| {
                    let reason = "error building helm chart dependencies: failed to build helm dependencies";
                    format!("{reason}: {}", error.message)
                });
                failed_to_fetch(asked.sources, place, &CheckoutError { message, ..error })
            })?);
        }
        Ok(BroughtCharts::new(missing, archives))
    }
}

/// What is said instead of an error where repositories that are not reached are none that the project permits.
fn not_permitted(project: &Project, missing: &MissingCharts, error: &CheckoutError) -> Option<String> {
    let signs = ["is not a valid chart repository or cannot be reached", "could not download"];
    if !signs.iter().any(|sign| error.message.contains(sign)) {
        return None;
    }
    let urls: BTreeSet<&str> = missing.fetched.iter().map(|chart| chart.repository.as_str()).collect();
    let refused: Vec<String> =
        urls.into_iter().filter(|url| !project.permits_repository(url)).map(without_login).collect();
    (!refused.is_empty())
        .then(|| format!("helm repos {} are not permitted in project '{}'", refused.join(", "), project.name))
}

/// Prepares; learns kinds that are not known yet and, when there were some, prepares once more. What is unknown then
/// may be defined later; a sync says so.
async fn learn_and_prepare(
    context: &Context,
    manifests: &[&Manifest],
    target: &Target,
) -> Result<Prepared, Fault> {
    let kinds = context.live.kinds();
    let attempt = || {
        prepare(manifests, target, kinds).map_err(|error| {
            Fault::comparison(format!("Failed to load target state: {}", belay_causes::chain(&error)))
        })
    };
    let first = attempt()?;
    if first.unknown.is_empty() {
        return Ok(first);
    }
    for kind in &first.unknown {
        // Whether it is known now is what the second attempt tells.
        let _ = kinds.find(kind).await;
    }
    attempt()
}

/// Nothing is managed outside of the namespaces that are watched.
fn check_reach(context: &Context, prepared: &Prepared) -> Result<(), Fault> {
    let reach = context.live.reach();
    for object in prepared.objects.iter().map(|wanted| &wanted.object) {
        let (kind, name, namespace) = (object.kind(), object.name(), object.namespace());
        if reach.holds(namespace) {
            continue;
        }
        let reason = if namespace.is_empty() {
            format!("cluster level {kind} {name:?} can not be managed when in namespaced mode")
        } else {
            format!("namespace {namespace:?} for {kind} {name:?} is not managed")
        };
        return Err(Fault { passing: false, ..Fault::not_loaded(reason) });
    }
    Ok(())
}

/// The kinds of the objects are watched before anything is said of them.
async fn watch_kinds(context: &Context, prepared: &Prepared) -> Result<(), Fault> {
    let mut kinds = prepared.kinds();
    if kinds.iter().any(belay_apply::Schemas::is_custom) {
        // Their definitions have the schemas; without them lists and defaults are not understood.
        if let Err(error) = context.live.ensure(&belay_apply::definitions()).await {
            tracing::debug!(%error, "compared without definitions");
        }
    }
    kinds.insert(crate::sync::namespace_kind());
    for kind in kinds {
        // A kind that a definition among the objects brings is watched once that is applied.
        if context.live.kinds().known(&kind).is_none() {
            continue;
        }
        context.live.ensure(&kind).await.map_err(Fault::not_loaded)?;
    }
    let wanted = prepared.objects.iter().map(|wanted| wanted.object.as_ref());
    context.live.keep_whole(wanted).await.map_err(Fault::not_loaded)
}

/// Lists the kinds of the objects anew whose watches are interrupted.
pub(crate) async fn watch_current(context: &Context, prepared: &Prepared) -> Result<(), Fault> {
    let kinds = prepared.kinds().into_iter();
    // What a definition among the objects brings is watched once that is applied.
    let known = kinds.filter(|kind| context.live.kinds().known(kind).is_some());
    context.live.ensure_each_current(known).await.map_err(Fault::not_loaded)
}
