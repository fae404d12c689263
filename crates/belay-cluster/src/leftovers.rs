//! What an earlier process has applied and noted nowhere, as it ended between the two. Its app adopts what bears its
//! marks, but only where the kind is watched, and by now Git may hold none of that kind.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use belay_manifest::{GroupVersionKind, Object, ObjectKey};
use futures::future::join_all;
use kube::api::{Api, DynamicObject, ListParams};
use kube::core::PartialObjectMeta;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::live::chain;
use crate::{LiveError, LiveState, Resource, ShareChanges};

/// By then the kinds that inventories and renders name are watched.
const BEGIN: Duration = Duration::from_secs(10);
/// How soon what was not answered is asked again, at first and later.
const SOON: Duration = Duration::from_secs(10);
const LATER: Duration = Duration::from_secs(600);
/// How long an app's deletion waits at most.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How many objects a request brings. Only their metadata is asked for.
const PAGE: u32 = 500;

/// How a family of apps knows what is its own.
pub trait Owners: Sync {
    /// The clusters to search in, by name.
    fn clusters(&self) -> Vec<(String, LiveState)>;
    /// A selector of the labels that all of ours bear. None if labels do not tell: then each object is looked at.
    fn labels(&self) -> Option<String>;
    /// Whether objects of a kind are none of our business.
    fn excludes(&self, cluster: &str, kind: &GroupVersionKind) -> bool;
    /// The app that an object belongs to, if there is such an app. Of the object, only the metadata is there.
    fn owner(&self, object: &Object) -> Option<ObjectKey>;
    /// Has an app looked at, as an object of its was found.
    fn found(&self, app: ObjectKey);
}

/// The search for what an earlier process left, and how far it is.
#[derive(Default)]
pub struct LeftoverSearch {
    progress: Mutex<Progress>,
}

#[derive(Clone, Copy, Default)]
enum Progress {
    #[default]
    ToCome,
    Since(Instant),
    Over,
}

impl LeftoverSearch {
    /// Asks once for our objects of each kind that nobody watches, has those kinds watched that have some, and their apps
    /// looked at; and anew whenever our share of the work becomes another: whoever had an app before may have ended, too.
    pub async fn run(&self, owners: &impl Owners, mut share: ShareChanges) {
        loop {
            self.set(Progress::Since(Instant::now()));
            sleep(BEGIN).await;
            let (mut asked, mut pause) = (Asked::new(), SOON);
            while !pass(owners, &mut asked).await {
                sleep(pause).await;
                pause = (pause * 2).min(LATER);
            }
            self.set(Progress::Over);
            share.next().await;
        }
    }

    /// Whether an app that lets go of its objects now might leave some behind that are still to be found. Not for long:
    /// there are kinds that cannot be listed for days.
    pub fn may_find_more(&self) -> bool {
        match *self.progress.lock().unwrap_or_else(PoisonError::into_inner) {
            Progress::ToCome => true,
            Progress::Since(begun) => begun.elapsed() < LONGEST_WAIT,
            Progress::Over => false,
        }
    }

    fn set(&self, progress: Progress) {
        *self.progress.lock().unwrap_or_else(PoisonError::into_inner) = progress;
    }
}

/// The kinds that have been asked about, by cluster.
type Asked = HashMap<String, HashSet<GroupVersionKind>>;

/// Asks about what has not been asked about; tells whether that is now everything. Clusters do not wait for each other.
async fn pass(owners: &impl Owners, asked: &mut Asked) -> bool {
    let mut before = std::mem::take(asked);
    let searches = owners.clusters().into_iter().map(|(name, live)| {
        let mut asked = before.remove(&name).unwrap_or_default();
        async move {
            let is_over = pass_of(owners, &name, &live, &mut asked).await;
            (name, asked, is_over)
        }
    });
    let mut is_over = true;
    for (name, kinds, is_over_there) in join_all(searches).await {
        asked.insert(name, kinds);
        is_over &= is_over_there;
    }
    is_over
}

async fn pass_of(
    owners: &impl Owners,
    cluster: &str,
    live: &LiveState,
    asked: &mut HashSet<GroupVersionKind>,
) -> bool {
    let mut is_over = live.kinds().is_complete();
    for (kind, resource) in live.kinds().watchable() {
        if asked.contains(&kind) {
            continue;
        }
        if !live.is_watched(&kind)
            && !owners.excludes(cluster, &kind)
            && let Err(reason) = look(owners, live, &kind, &resource).await
        {
            tracing::debug!(%kind, reason, "not asked for what an earlier process left");
            is_over = false;
            continue;
        }
        asked.insert(kind);
    }
    is_over
}

async fn look(
    owners: &impl Owners,
    live: &LiveState,
    kind: &GroupVersionKind,
    resource: &Resource,
) -> Result<(), String> {
    if !has_some(owners, live, kind, resource).await? {
        return Ok(());
    }
    match live.ensure(kind).await {
        Ok(()) => {
            let objects = live.of_kind(&kind.group, &kind.kind);
            objects.iter().filter_map(|object| owners.owner(object)).for_each(|app| owners.found(app));
            Ok(())
        }
        Err(LiveError::UnknownKind { .. }) => Ok(()),
        Err(error) => Err(error.to_string()),
    }
}

async fn has_some(
    owners: &impl Owners,
    live: &LiveState,
    kind: &GroupVersionKind,
    resource: &Resource,
) -> Result<bool, String> {
    for namespace in live.reach().places(resource.scope) {
        let objects = resource.objects(live.client(), namespace.as_deref().unwrap_or_default());
        match has_some_in(owners, kind, &objects).await {
            Ok(true) => return Ok(true),
            Ok(false) => {}
            // The kind is gone by now.
            Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
            Err(error) => return Err(chain(&error)),
        }
    }
    Ok(false)
}

async fn has_some_in(
    owners: &impl Owners,
    kind: &GroupVersionKind,
    objects: &Api<DynamicObject>,
) -> Result<bool, kube::Error> {
    let mut page = ListParams::default().limit(PAGE);
    page.label_selector = owners.labels();
    loop {
        let found = objects.list_metadata(&page).await?;
        let mut read = found.items.iter().filter_map(|object| metadata_alone(kind, object));
        if read.any(|object| owners.owner(&object).is_some()) {
            return Ok(true);
        }
        page.continue_token = found.metadata.continue_.filter(|token| !token.is_empty());
        if page.continue_token.is_none() {
            return Ok(false);
        }
    }
}

/// The object as far as it was asked for. Lists do not say the kind of each.
fn metadata_alone(kind: &GroupVersionKind, object: &PartialObjectMeta<DynamicObject>) -> Option<Object> {
    let value = json!({"apiVersion": kind.api_version(), "kind": kind.kind, "metadata": object.metadata});
    Object::new(value).ok()
}
