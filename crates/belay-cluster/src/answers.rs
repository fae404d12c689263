//! Whether a cluster answers.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::live::LiveState;

/// How long the first answer of a cluster is waited for.
const FIRST_ANSWER: Duration = Duration::from_secs(20);
/// How long a cluster has to answer a question.
const ANSWER: Duration = Duration::from_secs(15);
/// How soon one that does not answer is asked again.
const AGAIN: Duration = Duration::from_secs(5);
/// How often one that answers is asked although its watches are quiet.
const QUIET: Duration = Duration::from_secs(60);

/// What is known of a cluster's answering; all clones share it.
#[derive(Clone)]
pub struct Answers(Arc<watch::Sender<Answer>>);

/// Whether a cluster answers.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    /// It has not been heard of yet.
    Waiting,
    /// It does.
    Yes,
    /// It does not.
    No(String),
}

impl Answers {
    /// Of a cluster that nobody asks.
    pub fn always() -> Answers {
        Answers(Arc::new(watch::channel(Answer::Yes).0))
    }

    /// Of a cluster that has not been heard of yet.
    pub fn awaited() -> Answers {
        Answers(Arc::new(watch::channel(Answer::Waiting).0))
    }

    /// Whether the cluster answers, as far as is known now.
    pub fn is_there(&self) -> bool {
        *self.0.borrow() == Answer::Yes
    }

    /// That the cluster answers, or why it does not; soon, whatever it does.
    pub async fn reached(&self) -> Result<(), String> {
        let mut answers = self.0.subscribe();
        match timeout(FIRST_ANSWER, answers.wait_for(|answer| *answer != Answer::Waiting)).await {
            Ok(Ok(answer)) => match &*answer {
                Answer::No(reason) => Err(reason.clone()),
                Answer::Yes | Answer::Waiting => Ok(()),
            },
            _ => Err(format!("no answer within {} s", FIRST_ANSWER.as_secs())),
        }
    }

    /// Asks the cluster again and again whether it is there: often while it is not, and whenever a watch fails. Each
    /// change calls `changed` with whether it is there. Never ends.
    pub async fn attend(self, live: LiveState, changed: impl Fn(bool)) {
        let kinds = live.kinds();
        let mut troubles = live.troubles();
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
            let answer = match answer.await {
                Ok(Ok(())) => Answer::Yes,
                Ok(Err(error)) => Answer::No(belay_causes::chain(&error)),
                Err(_late) => Answer::No(format!("no answer within {} s", ANSWER.as_secs())),
            };
            let is_there = answer == Answer::Yes;
            is_known |= is_there;
            let is_news = self.0.send_if_modified(|known| {
                // The words of one failure may differ from those of the next.
                let is_news = std::mem::discriminant(known) != std::mem::discriminant(&answer);
                *known = answer;
                is_news
            });
            if is_news {
                changed(is_there);
            }
            if is_there {
                tokio::select! {
                    biased;
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
