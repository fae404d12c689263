//! What Git says beside what the cluster has: object by object, with what differs.

mod rules;
mod seen;
mod tried;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use belay_diff::{AddedFields, CompareOptions, Difference};
use belay_health::argo::{Health, Status};
use belay_manifest::{Object, ObjectKey};
use belay_plan::sync::{Settings, is_hook, is_post_delete, is_pre_delete, is_skipped, method, words};

pub(crate) use rules::{ignored, ignored_updates, is_ignored_update, refused_rules};
use seen::Told;
pub(crate) use seen::{Seen, Written};
pub(crate) use tried::{Tried, try_applies};

use crate::context::{Context, FIELD_MANAGER};
use crate::health::health;
use crate::prepare::Prepared;
use crate::project::{Bounds, scope_of};
use crate::tracking::{Target, live_objects, named_app};

/// How an object counts for its app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// As Git says.
    Synced,
    /// Not as Git says.
    OutOfSync,
    /// Not judged: a hook, or something that is not applied.
    NotJudged,
}

/// One object on both sides.
#[derive(Debug, Clone)]
pub(crate) struct Compared {
    /// The object.
    pub key: ObjectKey,
    /// As it should be.
    pub target: Option<Arc<Object>>,
    /// As it is.
    pub live: Option<Arc<Object>>,
    /// What an apply would change.
    pub differences: Arc<Vec<Difference>>,
    /// How it counts.
    pub standing: Standing,
    /// Whether the project allows its kind.
    pub is_permitted: bool,
    /// How well the live object is.
    pub live_health: Option<Health>,
}

impl Compared {
    /// The object as it is, or as it should be.
    pub(crate) fn object(&self) -> &Object {
        let object = self.live.as_deref().or(self.target.as_deref());
        object.expect("an object is there on one side at least")
    }

    /// Whether it is there and Git does not say so.
    pub(crate) fn requires_pruning(&self) -> bool {
        self.target.is_none()
    }

    /// Whether it makes its app out of sync.
    pub(crate) fn is_out_of_sync(&self) -> bool {
        self.standing == Standing::OutOfSync
            && !(self.requires_pruning() && self.object().has_word("IgnoreExtraneous"))
    }

    /// How well it is; nothing when that cannot be told of such objects.
    pub(crate) fn health(&self) -> Option<Health> {
        match (&self.live, &self.target) {
            (Some(_), _) => self.live_health.clone(),
            (None, Some(_)) => Some(Health { status: Status::Missing, message: String::new() }),
            (None, None) => None,
        }
    }

    /// Whether it is more than a hook, or something that is not applied.
    pub(crate) fn is_part_of_the_app(&self) -> bool {
        self.target.as_deref().is_none_or(|target| !is_skipped(target))
            && self.live.as_deref().is_none_or(|live| !is_hook(live))
    }

    /// Whether its health counts for its app.
    pub(crate) fn counts_for_health(&self) -> bool {
        let ignored =
            |live: &Object| live.annotation("argocd.argoproj.io/ignore-healthcheck") == Some("true");
        self.live.as_deref().is_none_or(|live| !ignored(live))
    }
}

trait CompareWord {
    fn has_word(&self, word: &str) -> bool;
}

impl CompareWord for Object {
    fn has_word(&self, word: &str) -> bool {
        words(self, "argocd.argoproj.io/compare-options").any(|own| own == word)
    }
}

/// An app's objects on both sides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Comparison {
    /// The objects: those that Git names, then those that only the cluster has.
    pub objects: Vec<Compared>,
    /// Hooks that Git names and that a sync runs.
    pub hooks: Vec<Arc<Object>>,
    /// Objects of this app that say they are another app's: key and the other app.
    pub shared: Vec<(ObjectKey, String)>,
}

impl Comparison {
    /// Whether the cluster is as Git says.
    pub(crate) fn is_in_sync(&self) -> bool {
        !self.objects.iter().any(Compared::is_out_of_sync)
    }
}

/// How fields are compared.
pub(crate) fn compare_options() -> CompareOptions {
    CompareOptions {
        manager: FIELD_MANAGER.to_owned(),
        added: AddedFields::AllBut(vec![FIELD_MANAGER.to_owned()]),
    }
}

/// Compares what Git says with the cluster as it is now. Asks the API server nothing; what was compared before and has
/// not changed since is not compared again.
pub(crate) fn compare(
    context: &Context,
    app: &ObjectKey,
    prepared: &Prepared,
    target: &Target,
    settings: &Settings,
    ignored: &Arc<belay_diff::Ignored>,
    bounds: &Bounds,
) -> Comparison {
    let own = live_objects(context, target).into_iter();
    let mut extra: BTreeMap<ObjectKey, Arc<Object>> =
        own.filter(|object| bounds.permit_live(object)).map(|object| (object.key(), object)).collect();
    let mut comparison = Comparison::default();
    let before = context.seen(app);
    let written = context.take_written(app);
    let mut past = Past { before: &before, seen: Seen::new(ignored), written, tried: context.tried(app) };
    for wanted in &prepared.objects {
        let object = &wanted.object;
        if is_hook(object) {
            let only_at_deletion =
                (is_pre_delete(object) || is_post_delete(object)) && !belay_plan::sync::runs_in_sync(object);
            if !only_at_deletion {
                comparison.hooks.push(object.clone());
            }
            continue;
        }
        let key = object.key();
        let live = extra.remove(&key).or_else(|| context.live.get(&key));
        let live = live.filter(|live| bounds.permit_live(live));
        if let Some(other) = live.as_deref().and_then(|live| named_app(live, &target.system.tracking))
            && other != target.instance
        {
            comparison.shared.push((key.clone(), other.to_owned()));
        }
        let is_permitted = bounds.permit_kind(object, scope_of(context.live.kinds(), object));
        let one = one(context, &mut past, key, object.clone(), live, settings);
        comparison.objects.push(Compared { is_permitted, ..one });
    }
    context.remember_seen(app, past.seen);
    for (key, live) in extra {
        // What is on its way out already is neither pruned again nor an extra object.
        if !live.value()["metadata"]["deletionTimestamp"].is_null() {
            continue;
        }
        let standing = if is_hook(&live) { Standing::NotJudged } else { Standing::OutOfSync };
        comparison.objects.push(Compared {
            key,
            target: None,
            live_health: health(context, &live),
            live: Some(live),
            differences: Arc::default(),
            standing,
            is_permitted: true,
        });
    }
    comparison
}

/// What earlier looks know.
struct Past<'a> {
    before: &'a Seen,
    seen: Seen,
    /// The API server's answers to our writes since the last comparison.
    written: HashMap<ObjectKey, Written>,
    /// Its answers to applies that were only tried.
    tried: Arc<Tried>,
}

fn one(
    context: &Context,
    past: &mut Past<'_>,
    key: ObjectKey,
    target: Arc<Object>,
    live: Option<Arc<Object>>,
    settings: &Settings,
) -> Compared {
    let (differences, standing) = match &live {
        _ if is_skipped(&target) => (Arc::default(), Standing::NotJudged),
        None => (Arc::default(), Standing::OutOfSync),
        Some(live) => {
            let method = method(&target, settings);
            let told =
                Told { written: past.written.get(&key), tried: past.tried.answer(&key, &target, live) };
            let differences = past.seen.differences(past.before, &key, &target, live, told, method, context);
            let standing = if differences.is_empty() { Standing::Synced } else { Standing::OutOfSync };
            (differences, standing)
        }
    };
    let live_health = live.as_deref().and_then(|live| health(context, live));
    Compared { key, target: Some(target), live, differences, standing, is_permitted: true, live_health }
}
