//! What Git says: fetched, rendered, placed and marked; kept until something it was made of changes.

use std::sync::Arc;
use std::time::Duration;

use belay_argo_api::{Application, ApplicationSource};
use belay_manifest::{Manifest, Object};
use belay_render::{Freshness, Render, SourceType, detect};
use belay_source::Checkout;

use crate::controller::Context;
use crate::fault::Fault;
use crate::prepare::{Prepared, prepare};
use crate::render;
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

/// What Git says at one revision.
#[derive(Clone)]
pub(crate) struct Desired {
    /// The commit and its files.
    pub checkout: Checkout,
    /// Which tool rendered.
    pub source_type: SourceType,
    /// What it made, and of what.
    pub render: Arc<Render>,
    /// The objects.
    pub prepared: Arc<Prepared>,
    /// Everything besides the files that it was made of.
    fingerprint: String,
}

/// Reads what a source says at a revision.
pub(crate) async fn read(
    context: &Context,
    object: &Object,
    app: &Application,
    source: &ApplicationSource,
    revision: &str,
    target: &Target,
    purpose: Purpose,
) -> Result<Arc<Desired>, Fault> {
    let checkout = fetch(context, object, source, revision).await?;
    let request = render::Request::new(app.clone(), source.clone(), context.live.kinds().api_versions());
    let fingerprint = format!("{} {}", target.namespace, request.fingerprint());
    let known = context.desired(&object.key(), purpose);
    if let Some(known) = known.filter(|known| {
        known.checkout.commit == checkout.commit
            && known.fingerprint == fingerprint
            && known.prepared.unknown.is_empty()
    }) {
        return Ok(known);
    }
    let (source_type, render) = rendered(context, object, source, &checkout, request, purpose).await?;
    let prepared = learn_and_prepare(context, &render.manifests, target).await?;
    watch_kinds(context, &prepared).await?;
    let desired =
        Arc::new(Desired { checkout, source_type, render, prepared: Arc::new(prepared), fingerprint });
    context.remember_desired(&object.key(), purpose, desired.clone(), &source.repo_url);
    Ok(desired)
}

async fn fetch(
    context: &Context,
    object: &Object,
    source: &ApplicationSource,
    revision: &str,
) -> Result<Checkout, Fault> {
    let refresh = object.annotation(write::REFRESH);
    if refresh == Some("hard") {
        context.forget_renders(&object.key());
    }
    let max_age = if refresh.is_some() { Duration::ZERO } else { context.interval() };
    context.repositories.checkout(&source.repo_url, revision, None, max_age).await.map_err(|error| {
        let message = failed_to_generate(&error.to_string());
        if error.transient { Fault::passing(message) } else { Fault::comparison(message) }
    })
}

fn failed_to_generate(reason: &str) -> String {
    format!("Failed to load target state: failed to generate manifest for source 1 of 1: {reason}")
}

/// Renders where it holds nobody up.
async fn rendered(
    context: &Context,
    object: &Object,
    source: &ApplicationSource,
    checkout: &Checkout,
    request: render::Request,
    purpose: Purpose,
) -> Result<(SourceType, Arc<Render>), Fault> {
    let folder = render::folder(source)
        .map_err(|error| Fault::comparison(failed_to_generate(&belay_causes::chain(&error))))?;
    let key = object.key();
    let (renders, tree) = (context.renders.clone(), checkout.tree.clone());
    let place = (key.clone(), purpose);
    let work = move || {
        let inputs = request.fingerprint();
        let (render, freshness) =
            renders.render(&place, &inputs, tree.as_ref(), |tree| request.run(tree, &folder))?;
        let source_type = request.source_type(detect(tree.as_ref(), &folder)?);
        Ok::<_, belay_render::RenderError>((source_type, render, freshness))
    };
    let made = belay_cluster::aside(work)
        .await
        .map_err(|error| Fault::comparison(failed_to_generate(&format!("the render broke off: {error}"))))?;
    let (source_type, render, freshness) =
        made.map_err(|error| Fault::comparison(failed_to_generate(&belay_causes::chain(&error))))?;
    if freshness == Freshness::Made {
        context.remember(&key, |memory| memory.renders += 1);
        let objects = render.manifests.len();
        tracing::info!(app = %key, revision = checkout.commit, objects, "rendered");
    }
    Ok((source_type, render))
}

/// Prepares; learns kinds that are not known yet and, when there were some, prepares once more. What is unknown then
/// may be defined later; a sync says so.
async fn learn_and_prepare(
    context: &Context,
    manifests: &[Manifest],
    target: &Target,
) -> Result<Prepared, Fault> {
    let kinds = context.live.kinds();
    let attempt = || {
        prepare(manifests, target, kinds)
            .map_err(|error| Fault::comparison(format!("Failed to load target state: {error}")))
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

/// The kinds of the objects are watched before anything is said of them.
async fn watch_kinds(context: &Context, prepared: &Prepared) -> Result<(), Fault> {
    let mut kinds = prepared.kinds();
    if kinds.iter().any(crate::compare::Schemas::is_custom) {
        // Their definitions have the schemas; without them lists and defaults are not understood.
        if let Err(error) = context.live.ensure(&crate::compare::definitions()).await {
            tracing::debug!(%error, "compared without definitions");
        }
    }
    kinds.insert(crate::sync::namespace_kind());
    for kind in kinds {
        // A kind that a definition among the objects brings is watched once that is applied.
        if context.live.kinds().known(&kind).is_none() {
            continue;
        }
        context
            .live
            .ensure(&kind)
            .await
            .map_err(|error| Fault::passing(format!("Failed to load live state: {error}")))?;
    }
    Ok(())
}
