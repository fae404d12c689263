//! What templates may ask: the time, random bytes, and live objects by `lookup`.

use belay_cluster::Kinds;
use belay_gotemplate::{Clock, Moment, RandomSource};
use belay_helm::Lookup;
use belay_manifest::GroupVersionKind;
use kube::Client;
use kube::api::ListParams;
use serde_json::{Value, json};
use tokio::runtime::Handle;

/// The machine's clock, in UTC.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Moment {
        let now = belay_cluster::now();
        Moment {
            seconds: now.as_second(),
            nanoseconds: u32::try_from(now.subsec_nanosecond()).unwrap_or_default(),
            offset: 0,
        }
    }
}

/// Random bytes fit for keys.
pub(crate) struct SystemRandom;

impl RandomSource for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) {
        rand::Rng::fill(&mut rand::rng(), buffer);
    }
}

/// `lookup`: asks the API server. Only to be used in a thread that may block.
pub(crate) struct ClusterLookup {
    pub(crate) client: Client,
    pub(crate) kinds: Kinds,
    pub(crate) runtime: Handle,
}

impl Lookup for ClusterLookup {
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<Value, String> {
        self.runtime.block_on(self.ask(&GroupVersionKind::new(api_version, kind), namespace, name))
    }
}

impl ClusterLookup {
    async fn ask(&self, kind: &GroupVersionKind, namespace: &str, name: &str) -> Result<Value, String> {
        let resource = self
            .kinds
            .find(kind)
            .await
            .map_err(|error| format!("unable to get apiresource from unstructured: {error}"))?;
        let api = resource.objects(&self.client, namespace);
        if name.is_empty() {
            let list = api.list(&ListParams::default()).await.map_err(|error| error.to_string())?;
            return serde_json::to_value(list).map_err(|error| error.to_string());
        }
        match api.get_opt(name).await {
            Ok(Some(object)) => serde_json::to_value(object).map_err(|error| error.to_string()),
            Ok(None) => Ok(json!({})),
            Err(error) => Err(error.to_string()),
        }
    }
}
