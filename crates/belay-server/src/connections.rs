//! Connections: as many as there is room for, each with a time to say what it wants.
//!
//! HTTP/1 alone: nobody needs the other one here, and what floods a server with it is no matter of ours then.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

/// Most connections at a time; whoever comes then waits for a place.
const MOST: usize = 2000;
/// Until the head of a request is here, and from one request to the next.
const HEAD: Duration = Duration::from_secs(30);
/// Until those that are being answered at the end are cut, as streams would never end themselves.
const FAREWELL: Duration = Duration::from_millis(500);
/// Until the system is asked again that has no connection to give.
const PAUSE: Duration = Duration::from_secs(1);

/// Serves until `shutdown` ends.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let places = Arc::new(Semaphore::new(MOST));
    let farewell = GracefulShutdown::new();
    // Its end is the end of all of them.
    let mut connections = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let (stream, place) = tokio::select! {
            () = &mut shutdown => break,
            next = next(&listener, &places) => next?,
        };
        while connections.try_join_next().is_some() {}
        connections.spawn(attend(stream, router.clone(), farewell.watcher(), place));
    }
    drop(listener);
    // Those that do not end in time are cut.
    let _ = tokio::time::timeout(FAREWELL, farewell.shutdown()).await;
    Ok(())
}

async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let place = places.clone().acquire_owned().await.map_err(io::Error::other)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            Err(error) => {
                tracing::warn!(%error, "a connection cannot be taken");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn attend(stream: TcpStream, router: Router, watcher: Watcher, _place: OwnedSemaphorePermit) {
    // What is to be said is said at once: an answer in two parts would wait for the client to confirm the first.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection answers late");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new()).http1_only();
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error = %error, "a connection ended early");
    }
}
