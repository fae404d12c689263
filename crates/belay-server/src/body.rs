//! Bodies of requests, within a bound, and a few long ones at a time.

use std::ops::Deref;
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::StatusCode;
use axum::response::Response;
use futures::StreamExt;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::api::problem;

/// Until all of a body is here.
const WHOLE: Duration = Duration::from_secs(30);
/// A body that is held without asking, and is looked through in no time, in bytes.
pub(crate) const SHORT: usize = 128 * 1024;
/// How many longer ones are held at a time: who sent them may be known only when all of them is here.
const MOST_LONG: usize = 4;

static LONG: Semaphore = Semaphore::const_new(MOST_LONG);

/// A body that was read. A long one takes up its place until it is dropped.
pub(crate) struct WholeBody {
    bytes: Bytes,
    _place: Option<SemaphorePermit<'static>>,
}

impl Deref for WholeBody {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.bytes
    }
}

/// Reads a body of anybody's; the error is the answer to it.
pub(crate) async fn read(body: Body, largest: usize) -> Result<WholeBody, Response> {
    read_within(body, largest, Some(&LONG)).await
}

/// Reads a body of somebody who has shown who they are; they wait for nobody.
pub(crate) async fn read_of_known(body: Body, largest: usize) -> Result<WholeBody, Response> {
    read_within(body, largest, None).await
}

async fn read_within(
    body: Body,
    largest: usize,
    places: Option<&'static Semaphore>,
) -> Result<WholeBody, Response> {
    match tokio::time::timeout(WHOLE, gathered(body, largest, places)).await {
        Ok(gathered) => gathered,
        Err(_late) => Err(problem(StatusCode::REQUEST_TIMEOUT, "the body takes too long")),
    }
}

async fn gathered(
    body: Body,
    largest: usize,
    places: Option<&'static Semaphore>,
) -> Result<WholeBody, Response> {
    let early = || problem(StatusCode::BAD_REQUEST, "the body ended early");
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX).min(largest);
    let mut parts = body.into_data_stream();
    let (mut bytes, mut place) = (Vec::new(), None);
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_broken| early())?;
        let length = bytes.len() + part.len();
        if length > largest {
            let message = format!("the body is larger than {} MiB", largest / (1024 * 1024));
            return Err(problem(StatusCode::PAYLOAD_TOO_LARGE, &message));
        }
        if length > SHORT
            && place.is_none()
            && let Some(places) = places
        {
            place = Some(places.acquire().await.map_err(|_closed| early())?);
            bytes.reserve(announced.saturating_sub(bytes.len()));
        }
        bytes.extend_from_slice(&part);
    }
    Ok(WholeBody { bytes: bytes.into(), _place: place })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn parts(sizes: &'static [usize]) -> Body {
        let part = |size: &usize| Ok::<_, Infallible>(vec![b'x'; *size]);
        Body::from_stream(futures::stream::iter(sizes.iter().map(part)))
    }

    #[tokio::test(start_paused = true)]
    async fn few_long_bodies_are_held_at_a_time() {
        const LARGEST: usize = 4 * SHORT;
        let mut held = Vec::new();
        for _ in 0..MOST_LONG {
            held.push(read(parts(&[SHORT, SHORT]), LARGEST).await.expect("there is a place"));
        }
        let one_more = async || read(parts(&[1, SHORT]), LARGEST).await.map(|body| body.len());
        let status = |answer: Response| answer.status().as_u16();
        assert_eq!(one_more().await.map_err(status), Err(408));
        assert_eq!(read(parts(&[SHORT - 1, 1]), LARGEST).await.map(|body| body.len()).ok(), Some(SHORT));
        assert_eq!(read(parts(&[SHORT; 5]), 2 * SHORT).await.map(drop).map_err(status), Err(408));
        assert!(read_of_known(parts(&[SHORT, 1]), LARGEST).await.is_ok(), "who is known has one");
        held.pop();
        assert_eq!(one_more().await.ok(), Some(SHORT + 1));
        assert_eq!(read(parts(&[SHORT; 5]), LARGEST).await.map(drop).map_err(status), Err(413));
        assert_eq!(one_more().await.ok(), Some(SHORT + 1), "what is refused gives its place back");
    }
}
