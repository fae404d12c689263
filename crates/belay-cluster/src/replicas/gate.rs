//! What lets writes through for as long as a lease lasts, and not a moment longer.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use tokio::time::{Instant, sleep_until};
use tower::{BoxError, service_fn};

/// Lets writes through until a moment of our own monotonic clock. A process that was stopped and goes on finds it
/// closed, whatever it was about to write. All clones share it.
#[derive(Debug, Clone, Default)]
pub struct Gate(Option<Arc<Mutex<Option<Instant>>>>);

/// A write that came too late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this replica's lease has ended, so that it writes nothing")]
pub struct Closed;

impl Gate {
    /// One that is always open.
    pub fn always() -> Gate {
        Gate(None)
    }

    /// One that is closed until somebody opens it.
    pub fn closed() -> Gate {
        Gate(Some(Arc::default()))
    }

    /// Whether writes pass now.
    pub fn check(&self) -> Result<(), Closed> {
        match &self.0 {
            None => Ok(()),
            Some(until) => open_until(until).map(drop),
        }
    }

    /// Opens it until then, or closes it.
    pub(super) fn open(&self, until: Option<Instant>) {
        if let Some(known) = &self.0 {
            *known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = until;
        }
    }

    /// A client whose writes pass the gate. One that is still under way when the gate closes is given up, before it is
    /// looked after again: what waited for a connection is never sent.
    pub fn guard(&self, client: &Client) -> Client {
        let Some(until) = &self.0 else { return client.clone() };
        let (inner, until) = (client.clone(), until.clone());
        let service = service_fn(move |request: Request<Body>| {
            let (client, until) = (inner.clone(), until.clone());
            async move {
                if matches!(*request.method(), Method::GET | Method::HEAD) {
                    return Ok::<_, BoxError>(client.send(request).await?);
                }
                let ends = open_until(&until)?;
                let mut answer = pin!(client.send(request));
                // The clock is asked each time: a timer may be late after a stop.
                let answer = poll_fn(|context| match open_until(&until) {
                    Ok(_later) => answer.as_mut().poll(context).map_err(Into::into),
                    Err(closed) => Poll::Ready(Err(closed.into())),
                });
                tokio::select! {
                    biased;
                    () = closes(&until, ends) => Err(Closed.into()),
                    answer = answer => answer,
                }
            }
        });
        Client::new(service, client.default_namespace().to_owned())
    }
}

type Until = Mutex<Option<Instant>>;

fn open_until(until: &Until) -> Result<Instant, Closed> {
    let until = *until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    until.filter(|until| Instant::now() < *until).ok_or(Closed)
}

/// Waits until the gate closes, which may be put off meanwhile.
async fn closes(until: &Until, mut ends: Instant) {
    loop {
        sleep_until(ends).await;
        match open_until(until) {
            Ok(later) => ends = later,
            Err(Closed) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::api::{Api, PostParams};
    use kube::client::Body;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::{advance, sleep};

    /// A client whose requests take a second to reach a server, which counts those that it understood.
    fn slow() -> (Client, Arc<AtomicU32>) {
        let count = Arc::new(AtomicU32::new(0));
        let counted = count.clone();
        let service = service_fn(move |request: Request<Body>| {
            let counted = counted.clone();
            async move {
                sleep(Duration::from_secs(1)).await;
                request.into_body().collect_bytes().await?;
                counted.fetch_add(1, Ordering::Relaxed);
                let body = r#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}"#;
                Ok::<_, BoxError>(Response::new(Body::from(body.as_bytes().to_vec())))
            }
        });
        (Client::new(service, "default"), count)
    }

    async fn write(client: &Client) -> Result<ConfigMap, kube::Error> {
        let api: Api<ConfigMap> = Api::default_namespaced(client.clone());
        api.create(&PostParams::default(), &ConfigMap::default()).await
    }

    #[tokio::test(start_paused = true)]
    async fn writes_pass_while_it_is_open_and_reads_always() {
        let (client, count) = slow();
        let gate = Gate::closed();
        let guarded = gate.guard(&client);
        let error = belay_causes::chain(&write(&guarded).await.unwrap_err());
        assert!(error.contains("lease has ended"), "{error}");
        assert_eq!(count.load(Ordering::Relaxed), 0);
        let api: Api<ConfigMap> = Api::default_namespaced(guarded.clone());
        api.get("x").await.unwrap();
        gate.open(Some(Instant::now() + Duration::from_secs(10)));
        write(&guarded).await.unwrap();
        advance(Duration::from_secs(10)).await;
        write(&guarded).await.unwrap_err();
        assert_eq!(count.load(Ordering::Relaxed), 2);
        Gate::always().guard(&client);
        assert_eq!(Gate::always().check(), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_that_was_begun_in_time_and_comes_late_is_not_sent() {
        let (client, count) = slow();
        let gate = Gate::closed();
        gate.open(Some(Instant::now() + Duration::from_millis(500)));
        write(&gate.guard(&client)).await.unwrap_err();
        assert_eq!(count.load(Ordering::Relaxed), 0);
    }
}
