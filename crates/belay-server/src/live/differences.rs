//! Where an object is not as desired, in each family's own terms.

use belay_diff::{AddedFields, CompareOptions, compare};
use belay_manifest::{MASK, Object, ObjectKey};
use serde_json::Value;

use super::Sight;
use crate::app::{AppKind, AppRef};
use crate::detail::FieldDifference;
use crate::shown;

/// How each family compares: its field manager, and whose additions count.
fn options(kind: AppKind) -> CompareOptions {
    let (manager, added) = match kind {
        AppKind::Application => {
            ("argocd-controller", AddedFields::AllBut(vec!["argocd-controller".to_owned()]))
        }
        AppKind::Kustomization => ("kustomize-controller", people()),
        AppKind::HelmRelease => ("helm-controller", people()),
    };
    CompareOptions { manager: manager.to_owned(), added }
}

/// Flux undoes additions of these managers only.
fn people() -> AddedFields {
    AddedFields::OnlyPrefixes(vec!["kubectl".to_owned(), "before-first-apply".to_owned()])
}

/// Whether a Kustomization leaves the fields that others add to the object.
fn merges(object: &Object) -> bool {
    const APPLY: &str = "kustomize.toolkit.fluxcd.io/ssa";
    let marks = [object.annotation(APPLY), object.label(APPLY)];
    marks.into_iter().flatten().any(|mark| mark.eq_ignore_ascii_case("Merge"))
}

/// The differences of one object, Secrets' values masked; none if one of both sides is not known.
pub(crate) fn of_object(sight: &Sight, app: &AppRef, key: &ObjectKey) -> Vec<FieldDifference> {
    let (Some(desired), Some(live)) = (sight.desired.desired(app, key), sight.live.get(key)) else {
        return Vec::new();
    };
    between(sight, app.kind, key, &desired, &live)
}

/// The differences between both sides, Secrets' values masked.
pub(crate) fn between(
    sight: &Sight,
    kind: AppKind,
    key: &ObjectKey,
    desired: &Object,
    live: &Object,
) -> Vec<FieldDifference> {
    let is_secret = key.kind == "Secret" && key.group.is_empty();
    let shown = |value: Option<Value>| {
        value.map(|value| if is_secret { Value::from(MASK) } else { shown::value(value) })
    };
    let mut options = options(kind);
    if kind == AppKind::Kustomization && [desired, live].into_iter().any(merges) {
        options.added = AddedFields::OnlyPrefixes(Vec::new());
    }
    let differences = compare(desired, live, &options).into_iter();
    let one = |difference: belay_diff::Difference| {
        let (manager, time) = difference.owner.map(|owner| (owner.manager, owner.time)).unwrap_or_default();
        FieldDifference {
            object: key.clone(),
            path: difference.path.to_string(),
            desired: shown(difference.desired),
            live: shown(difference.live),
            user: sight.desired.author(key, &manager, &time).unwrap_or_default(),
            manager,
            time,
        }
    };
    differences.map(one).collect()
}

/// Whether somebody else than the app's own controller made this difference: then it is drift, and
/// not just a change in Git that is still to come.
pub(crate) fn is_drift(kind: AppKind, difference: &FieldDifference) -> bool {
    difference.live.is_some() && !difference.manager.is_empty() && difference.manager != options(kind).manager
}
