//! A thousand pushes a second and junk among them, from a thread of its own, and how long each waits for its answer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::{try_join, try_join_all};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;

use super::percentile;

/// What pushes are signed with.
pub(super) const SECRET: &str = "the benchmark's own";

/// Pushes in a second, and how many connections they come by.
const PUSHES: u32 = 1000;
const PUSH_SENDERS: u32 = 20;
/// Junk in a second, each by a connection of its own, so many at once.
const JUNK: u32 = 200;
const JUNK_SENDERS: u32 = 10;
/// One in so many junk bodies is as long as any body may be.
const LONG_AMONG: u32 = 20;
const LONG: usize = 3 << 20;
/// About as much as a Git host tells of a push.
const TOLD: usize = 8 << 10;
/// How long an answer may take.
const ANSWERS: Duration = Duration::from_secs(60);

/// Where pushes go, and how one of them looks.
#[derive(Clone)]
pub(super) struct Hook {
    address: SocketAddr,
    url: String,
    /// The push that is told now.
    push: Arc<Mutex<Arc<[u8]>>>,
    junk: Arc<[Vec<u8>; 3]>,
    long_junk: Arc<[u8]>,
}

impl Hook {
    /// For pushes to the branch `main` of a repository, which is at this commit.
    pub(super) fn new(address: SocketAddr, url: &str, commit: &str) -> Hook {
        let push = told(url, commit);
        let wrong = signature(b"something else");
        Hook {
            address,
            url: url.to_owned(),
            push: Arc::new(Mutex::new(post(address, Some(&signature(&push)), &push).into())),
            junk: Arc::new([
                post(address, None, b"no JSON, and nobody's"),
                post(address, Some(&wrong), &push),
                post(address, Some(&signature(b"no JSON")), b"no JSON"),
            ]),
            long_junk: post(address, Some(&wrong), &vec![b'x'; LONG]).into(),
        }
    }

    /// What is told from now on, also by storms that began before: another commit.
    pub(super) fn is_at(&self, commit: &str) {
        let push = told(&self.url, commit);
        let push = post(self.address, Some(&signature(&push)), &push).into();
        *self.push.lock().unwrap_or_else(PoisonError::into_inner) = push;
    }

    fn push(&self) -> Arc<[u8]> {
        self.push.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tells of one push.
    pub(super) async fn tell(&self) -> Result<()> {
        let status = ask(&mut connect(self.address).await?, &self.push()).await?;
        ensure!(status == 200, "a push is answered by {status}");
        Ok(())
    }
}

/// A storm that goes on.
pub(super) struct Storm {
    ends: watch::Sender<bool>,
    thread: std::thread::JoinHandle<Result<Weather>>,
}

/// What a storm was.
#[derive(Default)]
pub(super) struct Weather {
    /// How long each push waited for its answer, in seconds.
    answers: Vec<f64>,
    junk: u64,
    /// Junk that was taken for a push.
    taken: u64,
}

impl Storm {
    /// Begins one, which lasts until it is ended.
    pub(super) fn start(hook: Hook) -> Storm {
        let (ends, ended) = watch::channel(false);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(blow(&hook, &ended))
        });
        Storm { ends, thread }
    }

    /// Ends it when everything that was sent is answered.
    pub(super) async fn end(self) -> Result<Weather> {
        self.ends.send_replace(true);
        let joined = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        joined.map_err(|_panicked| anyhow::anyhow!("the storm has failed"))?
    }
}

impl Weather {
    pub(super) fn findings(&self) -> BTreeMap<String, f64> {
        let milliseconds = |percent| percentile(&self.answers, percent) * 1000.0;
        [
            ("pushes", self.answers.len() as f64),
            ("push answered, p50 ms", milliseconds(50)),
            ("push answered, p99 ms", milliseconds(99)),
            ("push answered, longest ms", milliseconds(100)),
            ("junk", self.junk as f64),
            ("junk taken for a push", self.taken as f64),
        ]
        .map(|(name, figure)| (name.to_owned(), figure))
        .into()
    }
}

async fn blow(hook: &Hook, ended: &watch::Receiver<bool>) -> Result<Weather> {
    let begin = Instant::now();
    let at = |number: u32, senders: u32, rate: u32| Pace {
        due: begin + Duration::from_secs(1) * number / rate,
        every: Duration::from_secs(1) * senders / rate,
    };
    let pushes = (0..PUSH_SENDERS).map(|number| send_pushes(hook, at(number, PUSH_SENDERS, PUSHES), ended));
    let junk = (0..JUNK_SENDERS).map(|number| send_junk(hook, at(number, JUNK_SENDERS, JUNK), number, ended));
    let (pushes, junk) = try_join(try_join_all(pushes), try_join_all(junk)).await?;
    let parts = pushes.into_iter().map(|answers| Weather { answers, ..Weather::default() });
    Ok(parts.chain(junk).fold(Weather::default(), |mut all, part| {
        all.answers.extend(part.answers);
        Weather { junk: all.junk + part.junk, taken: all.taken + part.taken, ..all }
    }))
}

/// When the next is to be sent.
struct Pace {
    due: Instant,
    every: Duration,
}

impl Pace {
    /// Waits for the next; gives when it began: a late one began when it was due, as it would have of a sender that waits
    /// for nobody.
    async fn next(&mut self) -> Instant {
        let due = self.due;
        self.due += self.every;
        let is_late = Instant::now() > due;
        tokio::time::sleep_until(due).await;
        if is_late { due } else { Instant::now() }
    }
}

async fn send_pushes(hook: &Hook, mut pace: Pace, ended: &watch::Receiver<bool>) -> Result<Vec<f64>> {
    let mut connection = connect(hook.address).await?;
    let mut answers = Vec::new();
    while !*ended.borrow() {
        let began = pace.next().await;
        let status = ask(&mut connection, &hook.push()).await?;
        ensure!(status == 200, "a push is answered by {status}");
        answers.push(began.elapsed().as_secs_f64());
    }
    Ok(answers)
}

async fn send_junk(
    hook: &Hook,
    mut pace: Pace,
    mut turn: u32,
    ended: &watch::Receiver<bool>,
) -> Result<Weather> {
    let mut weather = Weather::default();
    while !*ended.borrow() {
        pace.next().await;
        let request = match turn % LONG_AMONG {
            0 => &hook.long_junk[..],
            short => &hook.junk[short as usize % hook.junk.len()],
        };
        turn += JUNK_SENDERS + 1;
        // One that is refused may find the connection closed before it is told so.
        let answer = ask(&mut connect(hook.address).await?, request).await;
        weather.junk += 1;
        weather.taken += u64::from(answer.is_ok_and(|status| status == 200));
    }
    Ok(weather)
}

/// What a Git host tells of a push.
fn told(url: &str, commit: &str) -> Vec<u8> {
    let push = json!({"ref": "refs/heads/main", "after": commit, "repository": {"clone_url": url},
        "told": "x".repeat(TOLD)});
    push.to_string().into_bytes()
}

fn signature(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

fn post(address: SocketAddr, signature: Option<&str>, body: &[u8]) -> Vec<u8> {
    let signature = signature.map(|text| format!("x-hub-signature-256: {text}\r\n")).unwrap_or_default();
    let head = format!(
        "POST /api/webhook HTTP/1.1\r\nhost: {address}\r\nx-github-event: push\r\n{signature}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

async fn connect(address: SocketAddr) -> Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect(address).await.with_context(|| address.to_string())?;
    stream.set_nodelay(true)?;
    Ok(BufReader::new(stream))
}

/// One request, and the status of its answer, of which nothing is left in the connection.
async fn ask(connection: &mut BufReader<TcpStream>, request: &[u8]) -> Result<u16> {
    let answer = async {
        connection.get_mut().write_all(request).await?;
        let mut line = String::new();
        connection.read_line(&mut line).await?;
        let status = line.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut length = None;
        loop {
            line.clear();
            ensure!(connection.read_line(&mut line).await? > 0, "the answer ends early");
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = Some(value.trim().parse::<usize>()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        let mut body = vec![0; length.context("the answer has no length")?];
        connection.read_exact(&mut body).await?;
        status.context("the answer has no status")
    };
    tokio::time::timeout(ANSWERS, answer).await.context("nobody answers")?
}
