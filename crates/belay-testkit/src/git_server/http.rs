//! From HTTP requests to the two Git services and back.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use bytes::Bytes;
use flate2::read::GzDecoder;
use futures::{StreamExt, TryStreamExt, stream};
use http::{HeaderMap, Method, StatusCode, header};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::io::{StreamReader, SyncIoBridge};
use tokio_util::sync::CancellationToken;

use super::faults::{Fault, spoil};
use super::{GitError, GitServerOptions, raw, receive, repository_path, upload};

/// The largest request body, unpacked: what a push may send at once.
const LARGEST_REQUEST: u64 = 1 << 30;

pub(super) struct Service {
    options: GitServerOptions,
    stopped: CancellationToken,
}

impl Service {
    pub(super) fn new(options: GitServerOptions, stopped: CancellationToken) -> Service {
        Service { options, stopped }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    AdvertiseUpload,
    AdvertiseReceive,
    Upload,
    Receive,
}

impl Action {
    fn content_type(self) -> &'static str {
        match self {
            Action::AdvertiseUpload => "application/x-git-upload-pack-advertisement",
            Action::AdvertiseReceive => "application/x-git-receive-pack-advertisement",
            Action::Upload => "application/x-git-upload-pack-result",
            Action::Receive => "application/x-git-receive-pack-result",
        }
    }
}

/// One request that passed every check, to be carried out in a blocking thread.
struct Job {
    action: Action,
    repository: PathBuf,
    name: String,
    version: u8,
    gzip: bool,
}

pub(super) async fn serve(
    State(service): State<Arc<Service>>,
    Path(path): Path<String>,
    request: Request,
) -> Response {
    if let Some(file) = raw::File::named(&service.options, &path)
        && request.method() == Method::GET
    {
        return match may_enter(&service.options, request.headers()) {
            true => file.answer().await,
            false => login_wanted(),
        };
    }
    let job = match check(&service.options, &path, &request) {
        Ok(job) => job,
        Err(refusal) => return *refusal,
    };
    let fault = service.options.faults.of(&job.name);
    if fault == Some(Fault::Hang) {
        service.stopped.cancelled().await;
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the server stops");
    }
    let content_type = job.action.content_type();
    let body = match carry_out(service.clone(), job, request.into_body()).await {
        Ok(body) => spoil(fault, body, service.stopped.clone()),
        Err(GitError::Request(reason)) => return refuse(StatusCode::BAD_REQUEST, &reason),
        Err(error) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, &belay_causes::chain(&error)),
    };
    let headers = [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "no-cache")];
    (headers, body).into_response()
}

fn check(options: &GitServerOptions, path: &str, request: &Request) -> Result<Job, Box<Response>> {
    let refused = |status, reason: &str| Box::new(refuse(status, reason));
    let (name, action) = action(path, request).map_err(|(status, reason)| refused(status, reason))?;
    if !may_enter(options, request.headers()) {
        return Err(Box::new(login_wanted()));
    }
    let repository = repository_path(&options.folder, name).filter(|path| path.join("HEAD").is_file());
    let Some(repository) = repository else {
        return Err(refused(StatusCode::NOT_FOUND, "no such repository"));
    };
    let name = name.strip_suffix(".git").unwrap_or(name).to_owned();
    let gzip = match request.headers().get(header::CONTENT_ENCODING).map(|value| value.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip" | b"x-gzip") => true,
        Some(_) => return Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unknown content encoding")),
    };
    Ok(Job { action, repository, name, version: version(request.headers()), gzip })
}

/// The repository's name in the path, and what to do with it.
fn action<'a>(path: &'a str, request: &Request) -> Result<(&'a str, Action), (StatusCode, &'static str)> {
    let wanted = |method: Method| match *request.method() == method {
        true => Ok(()),
        false => Err((StatusCode::METHOD_NOT_ALLOWED, "another method is wanted here")),
    };
    if let Some(name) = path.strip_suffix("/info/refs") {
        wanted(Method::GET)?;
        let query = request.uri().query().unwrap_or_default();
        return match query.split('&').find_map(|pair| pair.strip_prefix("service=")) {
            Some("git-upload-pack") => Ok((name, Action::AdvertiseUpload)),
            Some("git-receive-pack") => Ok((name, Action::AdvertiseReceive)),
            _ => Err((StatusCode::FORBIDDEN, "only the smart HTTP protocol is served")),
        };
    }
    let services = [("/git-upload-pack", Action::Upload), ("/git-receive-pack", Action::Receive)];
    for (suffix, action) in services {
        if let Some(name) = path.strip_suffix(suffix) {
            wanted(Method::POST)?;
            return Ok((name, action));
        }
    }
    Err((StatusCode::NOT_FOUND, "not found"))
}

fn may_enter(options: &GitServerOptions, headers: &HeaderMap) -> bool {
    let Some((user, password)) = &options.login else { return true };
    let wanted = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    given
        .and_then(|given| given.split_once(' '))
        .is_some_and(|(scheme, given)| scheme.eq_ignore_ascii_case("basic") && given.trim() == wanted)
}

fn login_wanted() -> Response {
    let challenge = [(header::WWW_AUTHENTICATE, "Basic realm=\"Git\"")];
    (StatusCode::UNAUTHORIZED, challenge, "a user name and a password are wanted\n").into_response()
}

fn refuse(status: StatusCode, reason: &str) -> Response {
    (status, format!("{reason}\n")).into_response()
}

fn version(headers: &HeaderMap) -> u8 {
    let text = headers.get("git-protocol").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let versions = text.split(':').filter_map(|word| word.strip_prefix("version=")?.parse().ok());
    versions.filter(|version| *version <= 2).max().unwrap_or(0)
}

/// Runs the job in a blocking thread. Its errors before the first byte come back as such; a later
/// one breaks the connection.
async fn carry_out(service: Arc<Service>, job: Job, body: Body) -> Result<Body, GitError> {
    let input = SyncIoBridge::new(StreamReader::new(body.into_data_stream().map_err(io::Error::other)));
    let (sender, mut receiver) = mpsc::channel(16);
    tokio::task::spawn_blocking(move || {
        let mut output = BufWriter::with_capacity(64 * 1024, Sender(sender.clone()));
        let result = work(&service, &job, input, &mut output).and_then(|()| Ok(output.flush()?));
        if let Err(error) = result {
            tracing::debug!(
                repository = job.name,
                error = belay_causes::chain(&error),
                "a Git request failed"
            );
            // What is still buffered belongs to the failed answer. The client may have left.
            let _ = output.into_parts();
            let _ = sender.blocking_send(Err(error));
        }
    });
    let Some(first) = receiver.recv().await else { return Ok(Body::empty()) };
    let first = stream::iter([Ok(first?)]);
    Ok(Body::from_stream(first.chain(ReceiverStream::new(receiver))))
}

fn work(
    service: &Service,
    job: &Job,
    input: impl Read + Send,
    output: &mut dyn Write,
) -> Result<(), GitError> {
    let repository = open(job)?;
    let mut input: Box<dyn BufRead + Send + '_> = match job.gzip {
        true => Box::new(BufReader::new(GzDecoder::new(input).take(LARGEST_REQUEST))),
        false => Box::new(BufReader::new(input.take(LARGEST_REQUEST))),
    };
    match job.action {
        Action::AdvertiseUpload => upload::advertise_over_http(&repository, job.version, output),
        Action::AdvertiseReceive => receive::advertise(&repository, output),
        Action::Upload => {
            let command = upload::read_command(job.version, &mut input)?;
            upload::answer(&repository, command, output)
        }
        Action::Receive => {
            let outcome = receive::receive(&repository, &mut input)?;
            if outcome.changed {
                (service.options.on_push)(&job.name);
            }
            Ok(output.write_all(&outcome.report)?)
        }
    }
}

fn open(job: &Job) -> Result<gix::Repository, GitError> {
    let options = gix::open::Options::isolated().open_path_as_is(true).with(gix::sec::Trust::Full);
    let opened = options.open(&job.repository).map_err(|error| GitError::Open(error.into()))?;
    Ok(opened.to_thread_local())
}

/// Hands bytes over from a blocking thread to the answer's body.
struct Sender(mpsc::Sender<Result<Bytes, GitError>>);

impl Write for Sender {
    fn write(&mut self, content: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(content)));
        sent.map_err(|_closed| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(content.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
