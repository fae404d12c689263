//! The marks that say which app an object belongs to.

mod owned;

use std::borrow::Cow;
use std::sync::Arc;

use belay_argo_api::Application;
use belay_cluster::Belonging;
use belay_manifest::{GroupVersionKind, Object};
use belay_plan::sync::ADMISSION_GROUP;

use crate::context::{Context, GROUP};
use crate::settings::{Settings, Tracking, TrackingMethod};

pub(crate) use owned::is_owned;

/// The annotation that says which app an object belongs to.
pub const TRACKING_ID: &str = "argocd.argoproj.io/tracking-id";
/// The annotation that says which installation that app belongs to.
const INSTALLATION_ID: &str = "argocd.argoproj.io/installation-id";
/// Longest value of a label.
const LONGEST_LABEL: usize = 63;

/// Which app, where it deploys to, and how its objects are marked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Target {
    /// The app's instance name: its name, with its namespace before it outside of the control plane's.
    pub instance: String,
    /// `spec.destination.namespace`.
    pub namespace: String,
    /// The URL of the cluster that it deploys to.
    pub cluster: String,
    /// The installation's settings at this look.
    pub system: Arc<Settings>,
}

/// An object cannot be marked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unable to truncate label to not end with a special character")]
pub(crate) struct NoLabel;

impl Target {
    /// Where this app deploys to, by the settings of now.
    pub(crate) fn of_app(context: &Context, object: &Object, app: &Application) -> Target {
        Target {
            instance: instance(context, object),
            namespace: app.spec.destination.namespace.clone(),
            cluster: context.cluster.server.clone(),
            system: context.system(),
        }
    }

    /// Everything that decides what becomes of an object, as a text.
    pub(crate) fn fingerprint(&self) -> String {
        let Settings { tracking, filter, .. } = self.system.as_ref();
        format!("{} {} {} {tracking:?} {filter:?}", self.instance, self.namespace, self.cluster)
    }

    /// Whether such objects do not exist for us.
    pub(crate) fn excludes(&self, kind: &GroupVersionKind) -> bool {
        self.system.filter.is_excluded(&kind.group, &kind.kind, &self.cluster)
    }
}

/// The name by which objects are marked as this app's.
fn instance(context: &Context, object: &Object) -> String {
    if object.namespace() == context.settings.namespace {
        object.name().to_owned()
    } else {
        format!("{}_{}", object.namespace(), object.name())
    }
}

/// The name under which the live state keeps the objects of an app.
pub fn live_name(instance: &str) -> String {
    format!("app/{instance}")
}

/// The live objects that an app may prune and deletes with itself: those that bear its mark, and that no other object
/// brought with it.
pub(crate) fn live_objects(context: &Context, target: &Target) -> Vec<Arc<Object>> {
    let mut objects = context.live.of_app(&live_name(&target.instance));
    objects.retain(|object| !is_owned(&context.live, object) && !target.excludes(&object.gvk()));
    objects
}

/// Marks an object as the app's.
pub(crate) fn track(object: &mut Object, target: &Target) -> Result<(), NoLabel> {
    // A definition is shared by design; Argo CD does not mark it.
    if object.kind() == "CustomResourceDefinition" {
        return Ok(());
    }
    let label_key = &target.system.tracking.label_key;
    match target.system.tracking.method {
        TrackingMethod::Annotation => annotate(object, target),
        // The label is the app's name: a part of it would be another app's. The API server refuses one that is too long.
        TrackingMethod::Label => object.set_label(label_key, &target.instance),
        TrackingMethod::AnnotationAndLabel => {
            annotate(object, target);
            object.set_label(label_key, label_value(&target.instance)?);
        }
    }
    Ok(())
}

fn annotate(object: &mut Object, target: &Target) {
    match target.system.tracking.installation_id.as_str() {
        "" => object.remove_annotation(INSTALLATION_ID),
        id => object.set_annotation(INSTALLATION_ID, id),
    }
    let id = tracking_id(object, target);
    object.set_annotation(TRACKING_ID, &id);
}

/// As much of the name as a label holds.
fn label_value(instance: &str) -> Result<&str, NoLabel> {
    if instance.len() <= LONGEST_LABEL {
        return Ok(instance);
    }
    // The names of apps are ASCII; what is not ends the value.
    let end =
        instance.char_indices().map(|(at, _)| at).take_while(|at| *at <= LONGEST_LABEL).last().unwrap_or(0);
    let value = instance[..end].trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
    if value.is_empty() { Err(NoLabel) } else { Ok(value) }
}

/// `<app>:<group>/<kind>:<namespace>/<name>`; cluster-scoped objects carry the destination's namespace.
fn tracking_id(object: &Object, target: &Target) -> String {
    let key = object.key();
    let namespace = if key.namespace.is_empty() { &target.namespace } else { &key.namespace };
    format!("{}:{}/{}:{}/{}", target.instance, key.group, key.kind, namespace, key.name)
}

/// The app that a live object's mark names, whether or not the mark was made for this object.
pub(crate) fn named_app<'a>(object: &'a Object, tracking: &Tracking) -> Option<&'a str> {
    match tracking.method {
        TrackingMethod::Label => object.label(&tracking.label_key).filter(|app| !app.is_empty()),
        TrackingMethod::Annotation | TrackingMethod::AnnotationAndLabel => {
            let id = annotation_of(object, tracking)?;
            Some(Id::parse(id)?.app)
        }
    }
}

/// The app that a live object says it belongs to. What operators copy is not the app's: an annotation must name the
/// object itself, and a label counts for nothing on objects that others own.
pub fn tracked_app<'a>(object: &'a Object, tracking: &Tracking) -> Option<&'a str> {
    match tracking.method {
        TrackingMethod::Label => named_app(object, tracking).filter(|_| !owned::says_so(object)),
        TrackingMethod::Annotation | TrackingMethod::AnnotationAndLabel => {
            let id = Id::parse(annotation_of(object, tracking)?)?;
            id.names(object).then_some(id.app)
        }
    }
}

/// The tracking id, unless it is another installation's.
fn annotation_of<'a>(object: &'a Object, tracking: &Tracking) -> Option<&'a str> {
    let own = tracking.installation_id.as_str();
    let is_ours = own.is_empty() || object.annotation(INSTALLATION_ID) == Some(own);
    object.annotation(TRACKING_ID).filter(|_| is_ours)
}

/// The parts of a tracking id.
struct Id<'a> {
    app: &'a str,
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl<'a> Id<'a> {
    fn parse(text: &'a str) -> Option<Id<'a>> {
        let (app, rest) = text.split_once(':')?;
        let (kind, place) = rest.split_once(':')?;
        let (group, kind) = kind.split_once('/')?;
        let (namespace, name) = place.split_once('/')?;
        let is_plain = !kind.contains('/') && !name.contains('/');
        is_plain.then_some(Id { app, group, kind, namespace, name })
    }

    fn names(&self, object: &Object) -> bool {
        object.gvk().group == self.group
            && object.kind() == self.kind
            && object.name() == self.name
            && (object.namespace().is_empty() || object.namespace() == self.namespace)
    }
}

/// The live object as it is compared: the marks of another method make no difference, so that a change of the method
/// puts no app out of sync.
pub(crate) fn with_equal_marks<'a>(
    live: &'a Object,
    desired: &Object,
    tracking: &Tracking,
) -> Cow<'a, Object> {
    let key = &tracking.label_key;
    let has_label = live.label(key).is_some_and(|app| !app.is_empty());
    if tracking.method == TrackingMethod::Label || !has_label || live.kind() == "CustomResourceDefinition" {
        return Cow::Borrowed(live);
    }
    let mut live = Cow::Borrowed(live);
    // One that has an annotation and another than it should has moved between apps: that is a difference.
    if live.annotation(TRACKING_ID).is_none_or(str::is_empty)
        && let Some(id) = desired.annotation(TRACKING_ID)
    {
        live.to_mut().set_annotation(TRACKING_ID, id);
    }
    if desired.label(key).is_none_or(str::is_empty) {
        live.to_mut().remove_label(key);
    }
    live
}

/// Whose an object is, as far as Argo CD's marks tell.
pub fn belonging(object: &Object, tracking: &Tracking) -> Belonging {
    match tracked_app(object, tracking) {
        Some(app) => Belonging::App(live_name(app)),
        None if [GROUP, ADMISSION_GROUP].contains(&object.gvk().group.as_str()) => Belonging::Whole,
        None => Belonging::Nobody,
    }
}

#[cfg(test)]
mod tests;
