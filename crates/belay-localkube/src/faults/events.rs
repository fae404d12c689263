//! Watches whose events are dropped, late, or cut off.

use std::convert::Infallible;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Frame;

use super::{Fault, Faults};
use crate::service::ResponseBody;

/// The body of a watch, an event a frame, with faults. It ends when the process that reads it is dead.
pub(super) fn with_faults(faults: Faults, path: String, body: ResponseBody) -> ResponseBody {
    let events = body.into_data_stream();
    let stream =
        futures::stream::unfold((faults, path, Box::pin(events)), |(faults, path, mut events)| async {
            let event = next(&faults, &path, &mut events).await?;
            Some((Ok::<_, Infallible>(Frame::data(event)), (faults, path, events)))
        });
    StreamBody::new(stream).boxed_unsync()
}

async fn next(
    faults: &Faults,
    path: &str,
    events: &mut (impl Stream<Item = Result<Bytes, Infallible>> + Unpin),
) -> Option<Bytes> {
    loop {
        let event = tokio::select! {
            biased;
            () = faults.crashed() => return None,
            event = events.next() => event?,
        };
        let Ok(event) = event;
        match faults.of_event(path) {
            Some(Fault::DropEvent) => {}
            Some(Fault::CutWatch) => return None,
            Some(Fault::DelayEvent(time)) => {
                tokio::time::sleep(time).await;
                return Some(event);
            }
            _ => return Some(event),
        }
    }
}
