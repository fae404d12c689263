//! Git over SSH, without an `ssh` program: a connection within the budget of a fetch, read and written
//! by the thread of the fetch.

use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use gix::protocol::transport::Protocol;
use gix::protocol::transport::client::git::ConnectMode;
use gix::protocol::transport::client::git::blocking_io::Connection;
use russh::client::{self, AuthResult, Msg};
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate, decode_secret_key};
use russh::{ChannelStream, Preferred};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;
use tokio::runtime::Handle;

use crate::access::SshAccess;
use crate::address::{SshAddress, is_forbidden};
use crate::budget::{Budget, TransportError};
use crate::gauge::Gauge;
use crate::known_hosts::{KnownKeys, Verdict};

/// The user that Git's servers have.
const USER: &str = "git";

/// Connects, checks the server, shows who asks, and starts the server's side of a fetch. To be called
/// in a thread of its own, beside a runtime.
pub(crate) fn connect(
    address: &SshAddress,
    access: &SshAccess,
    budget: &Budget,
) -> Result<Connection<Reader, Writer>, TransportError> {
    let runtime = Handle::current();
    let left = budget.time_left()?;
    let opened = runtime.block_on(async { tokio::time::timeout(left, open(address, access, budget)).await });
    let (session, stream) = opened.map_err(|_late| budget.late())??;
    let session = Arc::new(Session { runtime, budget: budget.clone(), _connection: session });
    let (reader, writer) = split(stream);
    let gauge = Gauge::new(budget.clone());
    let reader = Reader { session: session.clone(), stream: reader, gauge, has_read: false };
    let writer = Writer { session, stream: writer };
    let (path, host) = (remote_path(&address.path), None::<(String, Option<u16>)>);
    Ok(Connection::new(reader, writer, Protocol::V2, path, host, ConnectMode::Process, false))
}

async fn open(
    address: &SshAddress,
    access: &SshAccess,
    budget: &Budget,
) -> Result<(client::Handle<Trust>, ChannelStream<Msg>), TransportError> {
    let unreachable = |reason: String| TransportError::Unreachable { reason };
    let failed = |error: russh::Error| match budget.fault() {
        Some(known) => known,
        None => unreachable(error.to_string()),
    };
    let key = read_key(access)?;
    let known = KnownKeys::of(&access.known_hosts, &address.host, address.port);
    let preferred = Preferred::default();
    let trusted = preferred.key.iter().filter(|algorithm| known.may_be(algorithm)).cloned().collect();
    let config = client::Config {
        preferred: Preferred { key: trusted, ..preferred },
        nodelay: true,
        ..client::Config::default()
    };
    let trust = Trust { known, insecure: access.insecure, budget: budget.clone() };
    let stream = reach(address).await?;
    let mut session = client::connect_stream(Arc::new(config), stream, trust).await.map_err(failed)?;
    let user = [&address.user, &access.username].into_iter().find(|user| !user.is_empty());
    let user = user.map_or(USER, String::as_str);
    let hash = match session.best_supported_rsa_hash().await.map_err(failed)? {
        Some(known) => known,
        // A server that does not say takes what is usual today.
        None => Some(HashAlg::Sha512),
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    match session.authenticate_publickey(user, key).await.map_err(failed)? {
        AuthResult::Success => {}
        AuthResult::Failure { .. } => return Err(TransportError::LoginRejected),
    }
    let channel = session.channel_open_session().await.map_err(failed)?;
    // Servers that do not let it through speak the older protocol.
    channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(failed)?;
    channel.exec(true, upload_pack(&address.path)).await.map_err(failed)?;
    Ok((session, channel.into_stream()))
}

async fn reach(address: &SshAddress) -> Result<TcpStream, TransportError> {
    let unreachable = |error: io::Error| TransportError::Unreachable { reason: error.to_string() };
    let found = tokio::net::lookup_host((address.host.as_str(), address.port)).await.map_err(unreachable)?;
    let allowed: Vec<SocketAddr> = found.filter(|address| !is_forbidden(address.ip())).collect();
    if allowed.is_empty() {
        let reason = format!("{} has no address of a repository", address.host);
        return Err(TransportError::Unreachable { reason });
    }
    TcpStream::connect(allowed.as_slice()).await.map_err(unreachable)
}

fn read_key(access: &SshAccess) -> Result<russh::keys::PrivateKey, TransportError> {
    let unreadable = |reason: &str| TransportError::Access { what: "the SSH key", reason: reason.to_owned() };
    if access.key.is_empty() {
        return Err(unreadable("there is none"));
    }
    let passphrase = Some(access.passphrase.reveal()).filter(|text| !text.is_empty());
    // What the library says of it could show a part of it.
    decode_secret_key(access.key.reveal(), passphrase).map_err(|_hidden| {
        unreadable(match passphrase {
            Some(_) => "its form is not known, or the passphrase is another",
            None => "its form is not known, or it needs a passphrase",
        })
    })
}

/// `/~ada/app` is in the home of a user.
fn remote_path(path: &str) -> &str {
    if path.starts_with("/~") { &path[1..] } else { path }
}

/// The command for the server's shell. Everything within `'…'` is text but `'` itself.
fn upload_pack(path: &str) -> String {
    format!("git-upload-pack '{}'", remote_path(path).replace('\'', r"'\''"))
}

/// Judges the server.
struct Trust {
    known: KnownKeys,
    insecure: bool,
    budget: Budget,
}

impl client::Handler for Trust {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, russh::Error> {
        if self.insecure {
            return Ok(true);
        }
        let verdict = match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => self.known.judge(key),
            // None was asked for.
            PublicKeyOrCertificate::Certificate(_) => Verdict::Unknown,
        };
        match verdict {
            Verdict::Trusted => return Ok(true),
            Verdict::Unknown => self.budget.note(TransportError::UnknownHostKey),
            Verdict::Changed => self.budget.note(TransportError::ChangedHostKey),
        };
        Ok(false)
    }
}

/// What both ends of the stream need.
struct Session {
    runtime: Handle,
    budget: Budget,
    _connection: client::Handle<Trust>,
}

impl Session {
    /// Waits for the other side as long as there is time.
    fn wait<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        let left = self.budget.time_left().map_err(io::Error::other)?;
        match self.runtime.block_on(async { tokio::time::timeout(left, work).await }) {
            Ok(result) => result,
            Err(_late) => Err(io::Error::other(self.budget.late())),
        }
    }
}

/// What the server says.
pub(crate) struct Reader {
    session: Arc<Session>,
    stream: ReadHalf<ChannelStream<Msg>>,
    gauge: Gauge,
    has_read: bool,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.session.wait(self.stream.read(buffer))?;
        if count == 0 && !self.has_read {
            // Servers say why on another channel, in words of theirs.
            self.session.budget.note(TransportError::NotFound);
        }
        self.has_read = true;
        self.gauge.take(&buffer[..count])?;
        Ok(count)
    }
}

/// What the server is told.
pub(crate) struct Writer {
    session: Arc<Session>,
    stream: WriteHalf<ChannelStream<Msg>>,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.session.wait(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.session.wait(self.stream.flush())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_text_for_the_servers_shell() {
        assert_eq!(upload_pack("/team/app.git"), "git-upload-pack '/team/app.git'");
        assert_eq!(upload_pack("/~ada/app"), "git-upload-pack '~ada/app'");
        assert_eq!(upload_pack("a'; id; '"), r"git-upload-pack 'a'\''; id; '\'''");
    }
}
