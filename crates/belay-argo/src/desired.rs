//! What Git says: fetched, rendered, placed and marked; kept until something it was made of changes.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, ApplicationSource};
use belay_filetree::{FileTree, MountedTree, Reads};
use belay_manifest::{Limits, Manifest, Object};
use belay_render::{Freshness, Render, SourceType};
use belay_source::Checkout;

use crate::context::Context;
use crate::fault::Fault;
use crate::prepare::{Prepared, prepare};
use crate::render;
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
            if let Some(changed) = made.reads.changes(tree_of(place, sources, earlier).as_ref()) {
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
    let checkouts = fetch_all(context, asked).await?;
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
        let made = rendered(context, asked, place, tree, request).await?.map(|(made, objects)| {
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

async fn fetch_all(context: &Context, asked: &Asked<'_>) -> Result<Vec<Checkout>, Fault> {
    let refresh = asked.object.annotation(write::REFRESH);
    let is_hard = refresh == Some("hard") || context.is_to_be_forgotten(&asked.object.key());
    if is_hard {
        context.forget_renders(&asked.object.key());
    }
    let max_age = if refresh.is_some() || is_hard { Duration::ZERO } else { context.interval() };
    let fetches = asked.sources.list().iter().enumerate().map(|(place, source)| async move {
        let revision = &asked.revisions[place];
        context.checkout(asked.app, source, revision, max_age).await.map_err(|error| {
            let message = failed_to_generate(asked.sources, place, &error.to_string());
            if error.transient { Fault::passing(message) } else { Fault::comparison(message) }
        })
    });
    futures::future::try_join_all(fetches).await
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

/// Renders where it holds nobody up; nothing for a source without a folder.
async fn rendered(
    context: &Context,
    asked: &Asked<'_>,
    place: usize,
    tree: Arc<dyn FileTree>,
    request: render::Request,
) -> Result<Option<(Made, Vec<Manifest>)>, Fault> {
    if asked.sources.is_many() && request.source.path.is_empty() && request.source.chart.is_empty() {
        return Ok(None);
    }
    let fault = |reason: &str| Fault::comparison(failed_to_generate(asked.sources, place, reason));
    let folder = render::folder(&request.source).map_err(|error| fault(&belay_causes::chain(&error)))?;
    let key = asked.object.key();
    let renders = context.renders.clone();
    let (app, part) = (key.clone(), format!("{:?} {place}", asked.purpose));
    let revision = request.revision.clone();
    let work = move || {
        let plan = request.plan(tree.as_ref(), &folder)?;
        let (render, freshness) = renders.render((&app, &part), &plan.inputs, tree.as_ref(), |tree| {
            request.run(tree, &folder, &renders)
        })?;
        Ok::<_, render::SourceError>((plan, render, freshness))
    };
    let made =
        belay_cluster::aside(work).await.map_err(|error| fault(&format!("the render broke off: {error}")))?;
    let (plan, render, freshness) = made.map_err(|error| fault(&belay_causes::chain(&error)))?;
    context.settings.metrics.rendered("argo", freshness == Freshness::Found);
    if freshness == Freshness::Made {
        context.remember(&key, |memory| memory.renders += 1);
        let objects = render.manifests.len();
        tracing::info!(app = %key, revision, objects, "rendered");
    }
    let Render { manifests, reads } = render;
    let made = Made { source_type: plan.source_type, reads, names_revision: plan.names_revision };
    Ok(Some((made, manifests)))
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
