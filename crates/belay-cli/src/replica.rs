//! One of several replicas: what the flags say, and its part in the engine.

use std::time::Duration;

use belay_cluster::{Replica, ReplicaSettings};
use belay_crd::parse_go_duration;
use kube::Client;

use crate::engine::Engine;

/// How replicas share the work.
#[derive(clap::Args)]
pub(crate) struct ReplicaArguments {
    /// Share the work with the other replicas by Leases: each app is worked on by one of them, and one that is gone
    /// is replaced.
    #[arg(long)]
    leader_elect: bool,
    /// How long the others wait for a replica that is not heard of; whole seconds.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    lease_duration: Duration,
    /// How long a replica goes on that cannot renew its Lease.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration)]
    renew_deadline: Duration,
    /// How often it is renewed.
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = duration)]
    retry_period: Duration,
    /// The namespace of the Leases; without it the pod's, or the kubeconfig's.
    #[arg(long, value_name = "NAMESPACE")]
    lease_namespace: Option<String>,
}

impl ReplicaArguments {
    /// The replica that this process is, if it is one of several.
    pub(crate) fn replica(self, client: &Client) -> anyhow::Result<Option<Replica>> {
        if !self.leader_elect {
            return Ok(None);
        }
        let settings = ReplicaSettings {
            namespace: self.lease_namespace.unwrap_or_else(|| client.default_namespace().to_owned()),
            host: host(),
            lease_duration: self.lease_duration,
            renew_deadline: self.renew_deadline,
            retry_period: self.retry_period,
            ..ReplicaSettings::default()
        };
        settings.check()?;
        Ok(Some(Replica::new(client.clone(), settings)))
    }
}

/// Holds this replica's share of the work until `stop` is over, and has handed it over then; without others, `stop`
/// alone counts.
pub(crate) fn hold<T: Future<Output = ()>>(engine: &Engine, stop: T) -> impl Future<Output = ()> + use<T> {
    let (replica, argo, flux) = (engine.settings.replica.clone(), engine.argo.clone(), engine.flux.clone());
    async move {
        match replica {
            Some(replica) => replica.run(|| [argo.loads(), flux.loads()].concat(), stop).await,
            None => stop.await,
        }
    }
}

/// The pod's name, or the machine's.
fn host() -> String {
    let named =
        std::env::var("HOSTNAME").or_else(|_unset| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    named
        .map(|name| name.trim().to_owned())
        .ok()
        .filter(|name| !name.is_empty())
        .unwrap_or("replica".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_go_duration(text).ok_or_else(|| "a duration is written like 15s or 1m30s".to_owned())
}
