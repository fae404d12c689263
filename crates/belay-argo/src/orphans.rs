//! Objects in an app's namespace that are nobody's: counted where the project asks for it, so that people see them.

use std::collections::HashSet;
use std::sync::Arc;

use belay_argo_api::Application;
use belay_cluster::Scope;
use belay_manifest::{Object, ObjectKey};

use crate::compare::Comparison;
use crate::context::{Context, GROUP};
use crate::project::{Bounds, is_left_out};
use crate::tracking::{Target, is_owned, tracked_app};

/// Most links from an object to what it brought with it.
const DEEPEST: usize = 32;

/// Watches every kind of namespaced objects, if the project wants to know of those of nobody. One that cannot be listed
/// has none.
pub(crate) async fn watch(
    context: &Context,
    object: &Object,
    app: &Application,
    bounds: &Bounds,
    target: &Target,
) {
    let namespace = &app.spec.destination.namespace;
    let is_asked = bounds.project.orphaned.is_some() && !namespace.is_empty();
    context.monitor(&object.key(), is_asked.then_some(namespace.as_str()));
    if !is_asked {
        return;
    }
    let kinds = context.live.kinds().watchable().into_iter();
    let kinds =
        kinds.filter(|(kind, resource)| resource.scope == Scope::Namespaced && !target.excludes(kind));
    let lists = kinds.map(|(kind, _)| async move {
        if let Err(error) = context.live.ensure(&kind).await {
            tracing::debug!(%kind, %error, "orphans of this kind are not known");
        }
    });
    futures::future::join_all(lists).await;
}

/// What is to be said of them.
pub(crate) fn warning(
    context: &Context,
    app: &Application,
    bounds: &Bounds,
    target: &Target,
    comparison: &Comparison,
) -> Option<String> {
    let orphaned = bounds.project.orphaned.as_ref().filter(|orphaned| orphaned.warn.unwrap_or(true))?;
    let managed: HashSet<&ObjectKey> = comparison.objects.iter().map(|one| &one.key).collect();
    let permits = |object: &Object| bounds.permit_kind(object, Scope::Namespaced);
    let mut found = context.live.in_namespace(&app.spec.destination.namespace);
    found.retain(|object| {
        let key = object.key();
        !managed.contains(&key)
            && !is_owned(&context.live, object)
            && !target.excludes(&object.gvk())
            && permits(object)
            && !is_left_out(orphaned, &key)
    });
    let mut count = 0;
    let mut open: Vec<(Arc<Object>, usize)> = found.into_iter().map(|object| (object, 0)).collect();
    while let Some((object, depth)) = open.pop() {
        if is_of_an_app(context, target, &object) || !permits(&object) {
            continue;
        }
        count += 1;
        if depth < DEEPEST {
            open.extend(children(context, &object).into_iter().map(|child| (child, depth + 1)));
        }
    }
    (count > 0).then(|| format!("Application has {count} orphaned resources"))
}

/// Whether it bears the mark of an app that is there.
fn is_of_an_app(context: &Context, target: &Target, object: &Object) -> bool {
    let Some(instance) = tracked_app(object, &target.system.tracking) else { return false };
    let (namespace, name) = instance.split_once('_').unwrap_or((&context.settings.namespace, instance));
    let key = ObjectKey {
        group: GROUP.to_owned(),
        kind: "Application".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    context.home.get(&key).is_some()
}

/// What an object brought with it. Endpoints name no owner.
fn children(context: &Context, object: &Object) -> Vec<Arc<Object>> {
    let mut children = context.live.children(object.uid());
    if object.kind() == "Service" && object.gvk().group.is_empty() {
        let endpoints = ObjectKey { kind: "Endpoints".to_owned(), ..object.key() };
        children.extend(context.live.get(&endpoints));
    }
    children
}
