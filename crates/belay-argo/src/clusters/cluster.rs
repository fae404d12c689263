//! One cluster that apps deploy to: its live state, and whether it answers.

use std::sync::Arc;
use std::time::Duration;

use belay_cluster::LiveState;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::compare::Schemas;
use crate::fault::Fault;

/// How long the first answer of a cluster is waited for.
const FIRST_ANSWER: Duration = Duration::from_secs(20);
/// How long a cluster has to answer a question.
const ANSWER: Duration = Duration::from_secs(15);
/// How soon one that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often one that answers is asked although its watches are quiet.
const QUIET: Duration = Duration::from_secs(60);

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
    pub(super) answers: Arc<watch::Sender<Answers>>,
}

/// Whether a cluster answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answers {
    /// It has not been heard of yet.
    Waiting,
    /// It does.
    Yes,
    /// It does not.
    No(String),
}

impl Cluster {
    /// That the cluster answers; soon, whatever it does.
    pub(crate) async fn reached(&self) -> Result<(), Fault> {
        let mut answers = self.answers.subscribe();
        let heard = timeout(FIRST_ANSWER, answers.wait_for(|answers| *answers != Answers::Waiting)).await;
        let reason = match heard {
            Ok(Ok(answers)) => match &*answers {
                Answers::No(reason) => reason.clone(),
                Answers::Yes | Answers::Waiting => return Ok(()),
            },
            _ => format!("no answer within {} s", FIRST_ANSWER.as_secs()),
        };
        Err(Fault::unreachable(format!(
            "Failed to load target state: failed to get cluster version for cluster {server:?}: failed to get cluster info for {server:?}: error synchronizing cache state : {reason}",
            server = self.server
        )))
    }

    /// Asks the cluster again and again whether it is there: often while it is not, and whenever a watch fails. Each
    /// change calls `changed`. Never ends.
    pub(super) async fn attend(self: Arc<Cluster>, changed: impl Fn()) {
        let kinds = self.live.kinds();
        let mut troubles = self.live.troubles();
        let mut is_known = false;
        loop {
            troubles.mark_unchanged();
            let answer = timeout(ANSWER, async {
                if is_known {
                    kinds.ask_version().await.map(drop)
                } else {
                    kinds.refresh(Duration::ZERO).await
                }
            });
            let answers = match answer.await {
                Ok(Ok(())) => Answers::Yes,
                Ok(Err(error)) => Answers::No(belay_causes::chain(&error)),
                Err(_late) => Answers::No(format!("no answer within {} s", ANSWER.as_secs())),
            };
            is_known |= answers == Answers::Yes;
            let is_there = answers == Answers::Yes;
            let is_news = self.answers.send_if_modified(|known| {
                // The words of one failure may differ from those of the next.
                let is_news = std::mem::discriminant(known) != std::mem::discriminant(&answers);
                *known = answers;
                is_news
            });
            if is_news {
                tracing::info!(server = self.server, is_there, "cluster");
                changed();
            }
            if is_there {
                tokio::select! {
                    () = sleep(QUIET) => {}
                    _ = troubles.changed() => {}
                }
                sleep(Duration::from_millis(200)).await;
            } else {
                sleep(AGAIN).await;
            }
        }
    }
}
