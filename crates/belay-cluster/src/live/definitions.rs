//! The cluster's kinds follow what changes them: definitions, and services of API groups.

use std::time::Duration;

use futures::stream::select;
use futures::{Stream, StreamExt, pin_mut};
use kube::Client;
use kube::api::{Api, DynamicObject};
use kube::core::{ApiResource, PartialObjectMeta};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::{Config, Error, Event, watcher};

use super::chain;
use crate::kinds::Kinds;

/// Least time between two discoveries.
const PAUSE: Duration = Duration::from_secs(1);
/// Changes that one discovery answers.
const AT_ONCE: usize = 1000;

type Seen = Result<Event<PartialObjectMeta<DynamicObject>>, Error>;

/// Asks for the kinds again whenever a definition or a service of an API group has changed, until the live state is
/// closed. Only their metadata is watched: definitions are large. Who may not watch them finds new kinds by asking.
pub(super) async fn follow_kinds(client: Client, kinds: Kinds) {
    let definitions = watch(&client, "apiextensions.k8s.io", "CustomResourceDefinition");
    let services = watch(&client, "apiregistration.k8s.io", "APIService");
    let changes = select(definitions, services).ready_chunks(AT_ONCE);
    pin_mut!(changes);
    let mut listed = 0;
    while let Some(seen) = changes.next().await {
        let lists = seen.iter().filter(|seen| matches!(seen, Ok(Event::InitDone))).count();
        let is_change = seen.iter().any(|seen| matches!(seen, Ok(Event::Apply(_) | Event::Delete(_))));
        // A list that is not the first of its kind comes after a gap.
        let is_after_a_gap = lists > 0 && listed + lists > 2;
        listed += lists;
        if (is_change || is_after_a_gap)
            && let Err(error) = kinds.refresh(PAUSE).await
        {
            tracing::debug!(error = %chain(&error), "the cluster's kinds are not known anew");
        }
    }
}

/// What happens to the objects of a kind, until it is refused.
fn watch(client: &Client, group: &str, kind: &str) -> impl Stream<Item = Seen> + Send + use<> {
    let api_version = format!("{group}/v1");
    let plural = format!("{}s", kind.to_lowercase());
    let (group, version, kind) = (group.to_owned(), "v1".to_owned(), kind.to_owned());
    let api = ApiResource { group, version, api_version, kind, plural };
    let metadata = Api::<PartialObjectMeta<DynamicObject>>::all_with(client.clone(), &api);
    let stream = watcher(metadata, Config::default()).default_backoff();
    stream.take_while(|seen| futures::future::ready(!is_refused(seen)))
}

fn is_refused(seen: &Seen) -> bool {
    matches!(seen, Err(Error::InitialListFailed(kube::Error::Api(status))) if matches!(status.code, 401 | 403 | 404))
}
