//! Who wrote a commit and what its message begins with, of every commit that was read: for the web and
//! the history, whichever family read it.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use belay_server::Revision;
use belay_source::{Access, Checkout, CheckoutError, FetchLimits, Repositories, Request, normalised_url};
use futures::FutureExt;
use futures::future::BoxFuture;

/// Commits remembered; the oldest are forgotten first.
const MOST: usize = 20_000;

/// Repositories that remember the commits which were read from them.
#[derive(Clone)]
pub(crate) struct CommitLog {
    repositories: Arc<dyn Repositories>,
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    commits: HashMap<(String, String), Revision>,
    order: VecDeque<(String, String)>,
}

impl CommitLog {
    /// Remembers what is read from these.
    pub(crate) fn new(repositories: Arc<dyn Repositories>) -> CommitLog {
        CommitLog { repositories, known: Arc::default() }
    }

    /// A commit that was read.
    pub(crate) fn commit(&self, url: &str, commit: &str) -> Option<Revision> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.commits.get(&(normalised_url(url), commit.to_owned())).cloned()
    }

    fn remember(&self, url: &str, checkout: &Checkout) {
        let time =
            jiff::Timestamp::from_second(checkout.date).map(|time| time.to_string()).unwrap_or_default();
        let revision = Revision {
            id: checkout.commit.clone(),
            subject: checkout.subject.clone(),
            author: checkout.author.clone(),
            time,
        };
        let key = (normalised_url(url), checkout.commit.clone());
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.commits.insert(key.clone(), revision).is_none() {
            known.order.push_back(key);
        }
        if known.order.len() > MOST
            && let Some(oldest) = known.order.pop_front()
        {
            known.commits.remove(&oldest);
        }
    }
}

impl Repositories for CommitLog {
    fn checkout<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
        async move {
            let checkout = self.repositories.checkout(request).await?;
            self.remember(&request.url, &checkout);
            Ok(checkout)
        }
        .boxed()
    }

    fn file<'a>(
        &'a self,
        url: &'a str,
        access: &'a Access,
        limits: FetchLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, CheckoutError>> {
        self.repositories.file(url, access, limits)
    }

    fn forget(&self, url: &str) {
        self.repositories.forget(url);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_source::Revision;

    struct One;

    impl Repositories for One {
        fn checkout<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Checkout, CheckoutError>> {
            let Revision::Name(revision) = &request.revision else { panic!("only names are asked for") };
            let checkout = Checkout {
                commit: revision.clone(),
                reference: String::new(),
                tree: Arc::new(belay_filetree::MemoryTree::default()),
                subject: format!("subject of {revision}"),
                author: "Ada <ada@example.com>".to_owned(),
                date: 0,
                signed: belay_source::SignedObjects::default(),
            };
            async move { Ok(checkout) }.boxed()
        }

        fn file<'a>(
            &'a self,
            url: &'a str,
            _: &'a Access,
            _: FetchLimits,
        ) -> BoxFuture<'a, Result<Vec<u8>, CheckoutError>> {
            panic!("nobody asks for {url}")
        }

        fn forget(&self, _: &str) {}
    }

    #[tokio::test]
    async fn what_was_read_is_known_under_every_spelling() {
        let log = CommitLog::new(Arc::new(One));
        assert_eq!(log.commit("https://g/a", "c1"), None);
        log.checkout(&Request::new("https://g/a.git", Revision::name("c1"))).await.unwrap();
        let found = log.commit("https://G/a", "c1").unwrap();
        assert_eq!((found.subject.as_str(), found.time.as_str()), ("subject of c1", "1970-01-01T00:00:00Z"));
        for number in 0..=MOST {
            log.checkout(&Request::new("https://g/b", Revision::name(number.to_string()))).await.unwrap();
        }
        assert_eq!(log.commit("https://g/a", "c1"), None);
    }
}
