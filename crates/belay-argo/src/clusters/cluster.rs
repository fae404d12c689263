//! One cluster that apps deploy to: its live state, and whether it answers.

use std::sync::Arc;

use belay_apply::Schemas;
use belay_cluster::{Answers, LiveState};

use crate::fault::Fault;

/// A cluster that apps deploy to.
pub(crate) struct Cluster {
    /// Its URL, as apps name it.
    pub(crate) server: String,
    /// Its name; may be empty.
    pub(crate) name: String,
    /// The project that it is for; empty for all.
    pub(crate) project: String,
    /// Whether its apps are left alone.
    pub(crate) skips: bool,
    /// What is live in it.
    pub(crate) live: LiveState,
    /// The schemas of its kinds.
    pub(crate) schemas: Arc<Schemas>,
    pub(crate) answers: Answers,
}

impl Cluster {
    /// That the cluster answers; soon, whatever it does.
    pub(crate) async fn reached(&self) -> Result<(), Fault> {
        self.answers.reached().await.map_err(|reason| {
            Fault::unreachable(format!(
                "Failed to load target state: failed to get cluster version for cluster {server:?}: failed to get cluster info for {server:?}: error synchronizing cache state : {reason}",
                server = self.server
            ))
        })
    }

    /// Asks the cluster whether it is there, again and again. Each change calls `changed`. Never ends.
    pub(super) async fn attend(self: Arc<Cluster>, changed: impl Fn()) {
        let told = |is_there| {
            tracing::info!(server = self.server, is_there, "cluster");
            changed();
        };
        self.answers.clone().attend(self.live.clone(), told).await;
    }
}
