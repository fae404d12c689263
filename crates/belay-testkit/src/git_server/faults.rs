//! What goes wrong on demand.

use std::collections::HashMap;
use std::io::Write;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tokio_util::sync::CancellationToken;

use super::bad_pack::{BadPack, bad_pack};
use super::packet::{self, Band};

/// One way to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The request is read and never answered.
    Hang,
    /// The connection breaks after this many bytes of each answer's body.
    Cut {
        /// How many bytes still arrive.
        after: usize,
    },
    /// The answer is well-formed HTTP of the right type whose body is not Git's protocol.
    Garbage,
    /// One bit of each pack is another.
    Flip {
        /// How many bytes before the end of the answer.
        from_end: usize,
    },
    /// The body comes a few bytes at a time.
    Slow {
        /// How many bytes come at once.
        bytes: usize,
        /// How long the server waits before each portion.
        pause: Duration,
    },
    /// The list of references is this long.
    References {
        /// How many are named.
        count: u64,
    },
    /// In place of a pack comes what a person may read, and never ends.
    Chatter,
    /// In place of a pack come signs of life, and never end.
    KeepAlives,
    /// Each pack is another one.
    Pack(BadPack),
}

/// The faults of a running server, by repository. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    by_repository: Arc<Mutex<HashMap<String, Fault>>>,
}

impl Faults {
    /// From now on requests for this repository fail in this way.
    pub fn set(&self, repository: &str, fault: Fault) {
        self.lock().insert(plain(repository), fault);
    }

    /// From now on requests for this repository succeed again.
    pub fn clear(&self, repository: &str) {
        self.lock().remove(&plain(repository));
    }

    pub(super) fn of(&self, repository: &str) -> Option<Fault> {
        self.lock().get(&plain(repository)).copied()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Fault>> {
        self.by_repository.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn plain(repository: &str) -> String {
    repository.strip_suffix(".git").unwrap_or(repository).to_owned()
}

/// The body as the fault lets it through. `Hang` is dealt with before there is a body.
pub(super) fn spoil(fault: Option<Fault>, body: Body, stopped: CancellationToken) -> Body {
    match fault {
        None | Some(Fault::Hang) => body,
        Some(Fault::Garbage) => Body::from("<!doctype html><title>Sign in</title>\n".repeat(20)),
        Some(Fault::Flip { from_end }) => Body::from_stream(stream::once(flipped(body, from_end))),
        Some(Fault::References { count }) => Body::from_stream(stream::once(listing(body, count)).flatten()),
        Some(Fault::Chatter) => Body::from_stream(stream::once(endless(body, CHATTER)).flatten()),
        Some(Fault::KeepAlives) => Body::from_stream(stream::once(endless(body, KEEP_ALIVE)).flatten()),
        Some(Fault::Pack(bad)) => Body::from_stream(stream::once(exchanged(body, bad))),
        Some(Fault::Cut { after }) => Body::from_stream(cut(body, after)),
        Some(Fault::Slow { bytes, pause }) => Body::from_stream(slow(body, bytes.max(1), pause, stopped)),
    }
}

async fn flipped(body: Body, from_end: usize) -> Result<Bytes, axum::Error> {
    let mut bytes = axum::body::to_bytes(body, usize::MAX).await?.to_vec();
    let is_pack = bytes.windows(4).any(|window| window == b"PACK");
    if is_pack && let Some(place) = bytes.len().checked_sub(from_end + 1) {
        bytes[place] ^= 1;
    }
    Ok(bytes.into())
}

type Parts = stream::BoxStream<'static, Result<Bytes, axum::Error>>;

/// A message on the channel for people, and a part of a pack of no bytes.
const CHATTER: &str = "0019\u{2}Counting objects: 1\r";
const KEEP_ALIVE: &str = "0005\u{1}";
/// What stands before a pack.
const BEFORE: &[u8] = b"packfile\n";

/// Where the pack begins in an answer that holds one.
fn pack_in(answer: &[u8]) -> Option<usize> {
    let place = answer.windows(BEFORE.len()).position(|window| window == BEFORE)?;
    Some(place + BEFORE.len())
}

async fn endless(body: Body, message: &str) -> Parts {
    let answer = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(answer) => answer,
        Err(error) => return stream::once(async { Err(error) }).boxed(),
    };
    let Some(pack) = pack_in(&answer) else { return stream::once(async { Ok(answer) }).boxed() };
    let messages = Bytes::from(message.repeat(2000));
    let begin = stream::once(async move { Ok(answer.slice(..pack)) });
    begin.chain(stream::repeat_with(move || Ok(messages.clone()))).boxed()
}

/// A list of references in place of a shorter one. Other answers stay.
async fn listing(body: Body, count: u64) -> Parts {
    const AT_ONCE: u64 = 1000;
    let answer = match axum::body::to_bytes(body, usize::MAX).await {
        Ok(answer) => answer,
        Err(error) => return stream::once(async { Err(error) }).boxed(),
    };
    let first = answer.get(4..44).and_then(|id| std::str::from_utf8(id).ok()).map(str::to_owned);
    let Some(id) = first.filter(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit())) else {
        return stream::once(async { Ok(answer) }).boxed();
    };
    let lines = move |from: u64| -> String {
        let names = from..count.min(from.saturating_add(AT_ONCE));
        names.map(|number| format!("0045{id} refs/heads/{number:012}\n")).collect()
    };
    let parts = stream::iter((0..count).step_by(AT_ONCE as usize)).map(move |from| Ok(lines(from).into()));
    parts.chain(stream::once(async { Ok(Bytes::from_static(b"0000")) })).boxed()
}

async fn exchanged(body: Body, bad: BadPack) -> Result<Bytes, axum::Error> {
    let answer = axum::body::to_bytes(body, usize::MAX).await?;
    let Some(pack) = pack_in(&answer) else { return Ok(answer) };
    let mut other = answer[..pack].to_vec();
    let content = bad_pack(bad).map_err(axum::Error::new)?;
    Band { output: &mut other, channel: 1 }.write_all(&content).map_err(axum::Error::new)?;
    packet::flush(&mut other).map_err(axum::Error::new)?;
    Ok(other.into())
}

fn cut(body: Body, after: usize) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let parts = body.into_data_stream();
    stream::unfold((parts, after, false), |(mut parts, left, broken)| async move {
        if broken {
            return None;
        }
        if left == 0 {
            let reason = axum::Error::new(std::io::Error::other("cut on demand"));
            return Some((Err(reason), (parts, 0, true)));
        }
        match parts.next().await? {
            Ok(mut part) => {
                part.truncate(left);
                let left = left - part.len();
                Some((Ok(part), (parts, left, false)))
            }
            Err(error) => Some((Err(error), (parts, left, true))),
        }
    })
}

fn slow(
    body: Body,
    bytes: usize,
    pause: Duration,
    stopped: CancellationToken,
) -> impl Stream<Item = Result<Bytes, axum::Error>> {
    let parts = body.into_data_stream();
    stream::unfold((parts, Bytes::new(), stopped), move |(mut parts, mut rest, stopped)| async move {
        while rest.is_empty() {
            match parts.next().await? {
                Ok(part) => rest = part,
                Err(error) => return Some((Err(error), (parts, rest, stopped))),
            }
        }
        let portion = rest.split_to(bytes.min(rest.len()));
        tokio::select! {
            () = tokio::time::sleep(pause) => Some((Ok(portion), (parts, rest, stopped))),
            () = stopped.cancelled() => None,
        }
    })
}
