//! How many requests are in flight at once: as many as the API server answers well. No number of requests a second is
//! set anywhere; who is slow or asks for patience gets fewer, and more again as it answers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use kube::Client;
use kube::client::Body;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tower::service_fn;

/// Requests at once in the beginning.
const FIRST: usize = 64;
/// The fewest and the most at once.
const FEWEST: usize = 4;
const MOST: usize = 256;
/// An answer that takes longer is that of a server which has too much to do. Waiting because the server said so counts.
const SLOW: Duration = Duration::from_secs(2);
/// Least time between two cuts: the answers to what was sent before the first are no news.
const PAUSE: Duration = Duration::from_secs(1);

/// A client whose requests wait for their turn. Its clones share the turns.
pub fn paced(client: &Client) -> Client {
    let (inner, pace) = (client.clone(), Arc::new(Pace::default()));
    let service = service_fn(move |request: http::Request<Body>| {
        let (client, pace) = (inner.clone(), pace.clone());
        async move {
            let turn = pace.turns.clone().acquire_owned().await.ok();
            let began = Instant::now();
            let answer = client.send(request).await;
            let status = answer.as_ref().ok().map(|answer| answer.status());
            pace.answered(status, began.elapsed(), turn);
            answer
        }
    });
    Client::new(service, client.default_namespace().to_owned())
}

struct Pace {
    turns: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// How many may be in flight.
    limit: usize,
    /// Turns that are not given back when they end.
    too_many: usize,
    /// Good answers since the limit has changed.
    good: usize,
    cut: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Pace {
        let state = State { limit: FIRST, too_many: 0, good: 0, cut: None };
        Pace { turns: Arc::new(Semaphore::new(FIRST)), state: Mutex::new(state) }
    }
}

impl Pace {
    /// What an answer tells of the server, and the end of its turn. An error of the connection tells nothing.
    fn answered(&self, status: Option<StatusCode>, took: Duration, turn: Option<OwnedSemaphorePermit>) {
        let mut state = self.state();
        match status {
            Some(StatusCode::TOO_MANY_REQUESTS) => state.cut(),
            Some(_) if took > SLOW => state.cut(),
            Some(_) if state.grow() => self.turns.add_permits(1),
            Some(_) | None => {}
        }
        if state.too_many > 0 {
            state.too_many -= 1;
            turn.into_iter().for_each(OwnedSemaphorePermit::forget);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A quarter less, at most once a while.
    fn cut(&mut self) {
        if self.cut.is_some_and(|cut| cut.elapsed() < PAUSE) {
            return;
        }
        let less = (self.limit / 4).min(self.limit - FEWEST);
        self.limit -= less;
        self.too_many += less;
        self.good = 0;
        self.cut = Some(Instant::now());
        tracing::info!(at_once = self.limit, "the API server is slow, fewer requests at once");
    }

    /// One more after as many good answers as there may be requests. Gives whether a turn is to be added for it.
    fn grow(&mut self) -> bool {
        self.good += 1;
        if self.good < self.limit || self.limit >= MOST {
            return false;
        }
        self.limit += 1;
        self.good = 0;
        let is_owed = self.too_many > 0;
        self.too_many -= usize::from(is_owed);
        !is_owed
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::future::join_all;
    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Pod;
    use kube::api::Api;
    use tokio::time::sleep;

    use super::*;

    /// An API server that answers so many at once in time, and says no to the others.
    #[derive(Clone, Default)]
    struct Server {
        capacity: Arc<AtomicUsize>,
        now: Arc<AtomicUsize>,
        most: Arc<AtomicUsize>,
    }

    impl Server {
        async fn answer(self) -> Result<Response<Body>, std::convert::Infallible> {
            let at_once = self.now.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(at_once, Ordering::SeqCst);
            sleep(Duration::from_millis(10)).await;
            self.now.fetch_sub(1, Ordering::SeqCst);
            let is_too_much = at_once > self.capacity.load(Ordering::SeqCst);
            let code = if is_too_much { StatusCode::TOO_MANY_REQUESTS } else { StatusCode::NOT_FOUND };
            Ok(Response::builder().status(code).body(Body::empty()).expect("an answer"))
        }

        /// The most requests at once while so many are asked for.
        async fn most_of(&self, pods: &Api<Pod>, requests: usize) -> usize {
            self.most.store(0, Ordering::SeqCst);
            join_all((0..requests).map(|_| pods.get_opt("a"))).await;
            self.most.load(Ordering::SeqCst)
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_patience_gets_fewer_requests_and_more_again_later() {
        let server = Server::default();
        let answering = server.clone();
        let client = Client::new(service_fn(move |_: Request<Body>| answering.clone().answer()), "default");
        let pods = Api::<Pod>::namespaced(paced(&client), "shop");
        server.capacity.store(usize::MAX, Ordering::SeqCst);
        assert_eq!(server.most_of(&pods, 64).await, 64);
        server.capacity.store(8, Ordering::SeqCst);
        for _ in 0..20 {
            server.most_of(&pods, 64).await;
            sleep(PAUSE).await;
        }
        let few = server.most_of(&pods, 64).await;
        assert!((FEWEST..=16).contains(&few), "{few}");
        server.capacity.store(usize::MAX, Ordering::SeqCst);
        for _ in 0..200 {
            server.most_of(&pods, 64).await;
        }
        assert!(server.most_of(&pods, 1000).await > 64);
        assert!(server.most_of(&pods, 1000).await <= MOST);
    }
}
