//! One fetch of one repository into its mirror.

use std::collections::HashSet;
use std::path::Path;

use gix::protocol::transport::client::blocking_io::Transport;
use gix::protocol::transport::client::blocking_io::http::connect_http;
use gix::remote::Direction;

use crate::access::Access;
use crate::address::Address;
use crate::budget::{Budget, TransportError};
use crate::http_transport::HttpTransport;
use crate::ssh_transport;

/// Most that reading objects may ask for at once, as Git's configuration says it.
const ALLOCATION: &str = "gitoxide.objects.allocLimit=536870912";

/// Why a fetch failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FetchError {
    #[error("the cache folder cannot be made")]
    Folder {
        #[source]
        source: std::io::Error,
    },
    #[error("{message}")]
    Git { message: String },
    #[error(transparent)]
    Transport { source: TransportError },
}

fn git(error: impl std::error::Error) -> FetchError {
    FetchError::Git { message: belay_causes::chain(&error) }
}

/// Brings what the remote has, and gives the repository that has it then. `wanted` is a reference that
/// is neither branch nor tag.
pub(crate) fn fetch(
    address: &Address,
    access: &Access,
    mirror: &Path,
    wanted: Option<&str>,
    budget: &Budget,
) -> Result<gix::ThreadSafeRepository, FetchError> {
    let result = match address {
        Address::File(path) => open_local(path),
        Address::Http(_) | Address::Ssh(_) => fetch_remote(address, access, mirror, wanted, budget),
    };
    // What the transport noted is the reason; the rest tells what it was the reason of.
    result.map_err(|error| match budget.fault() {
        Some(source) => FetchError::Transport { source },
        None => error,
    })
}

fn options() -> gix::open::Options {
    gix::open::Options::isolated().config_overrides([ALLOCATION])
}

/// A repository on this machine is read where it is: fetching from it would start a `git` program.
fn open_local(path: &Path) -> Result<gix::ThreadSafeRepository, FetchError> {
    Ok(open(path)?.into_sync())
}

fn fetch_remote(
    address: &Address,
    access: &Access,
    mirror: &Path,
    wanted: Option<&str>,
    budget: &Budget,
) -> Result<gix::ThreadSafeRepository, FetchError> {
    let transport = connect(address, access, budget).map_err(|source| FetchError::Transport { source })?;
    let repository = open_or_create(mirror)?;
    let mut specs = vec![
        "+refs/heads/*:refs/heads/*".to_owned(),
        "+refs/tags/*:refs/tags/*".to_owned(),
        "+HEAD:refs/belay/HEAD".to_owned(),
    ];
    let is_other = |name: &&str| !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/");
    specs.extend(wanted.filter(is_other).map(|name| format!("+{name}:{name}")));
    let remote = repository
        .remote_at(address.text().as_str())
        .map_err(git)?
        .with_fetch_tags(gix::remote::fetch::Tags::None)
        .with_refspecs(specs.iter().map(String::as_str), Direction::Fetch)
        .map_err(git)?;
    let prepared = remote
        .to_connection_with_transport(transport)
        // Without this the client would run the credential programs of the machine.
        .with_credentials(|_action| Ok(None))
        .prepare_fetch(gix::progress::Discard, gix::remote::ref_map::Options::default())
        .map_err(git)?;
    budget.answered();
    let advertised: HashSet<Vec<u8>> =
        prepared.ref_map().remote_refs.iter().map(|reference| reference.unpack().0.to_vec()).collect();
    prepared
        .with_write_packed_refs_only(false)
        .receive(gix::progress::Discard, budget.stop_flag())
        .map_err(git)?;
    drop_gone(&repository, &advertised)?;
    Ok(repository.into_sync())
}

fn connect(
    address: &Address,
    access: &Access,
    budget: &Budget,
) -> Result<Box<dyn Transport + Send>, TransportError> {
    match address {
        Address::Http(url) => {
            let http = HttpTransport::new(url, access, budget.clone())?;
            let own = gix::url::parse(url.as_str()).map_err(|_no_url| TransportError::Access {
                what: "the URL",
                reason: "it is not one of a repository".to_owned(),
            })?;
            Ok(Box::new(connect_http(http, own, gix::protocol::transport::Protocol::V2, false)))
        }
        Address::Ssh(_) if access.proxy.is_some() => Err(TransportError::Access {
            what: "the proxy",
            reason: "a proxy for SSH is not supported yet".to_owned(),
        }),
        Address::Ssh(server) => {
            let ssh = access.ssh.clone().unwrap_or_default();
            let connection = ssh_transport::connect(server, &ssh, budget)?;
            Ok(Box::new(connection.custom_url(Some(address.text().into()))))
        }
        Address::File(_) => Err(TransportError::NotFound),
    }
}

/// A branch or tag that the remote has no more goes here, too.
fn drop_gone(repository: &gix::Repository, advertised: &HashSet<Vec<u8>>) -> Result<(), FetchError> {
    let references = repository.references().map_err(git)?;
    for prefix in ["refs/heads/", "refs/tags/"] {
        let local = references.prefixed(prefix).map_err(git)?;
        for reference in local.flatten() {
            let name = reference.name().as_bstr().to_vec();
            if !advertised.contains(&name) {
                reference.delete().map_err(git)?;
            }
        }
    }
    Ok(())
}

fn open_or_create(path: &Path) -> Result<gix::Repository, FetchError> {
    if !path.join("HEAD").is_file() {
        private_folder(path).map_err(|source| FetchError::Folder { source })?;
        gix::init_bare(path).map_err(git)?;
    }
    open(path)
}

/// Opens a mirror.
pub(crate) fn open(path: &Path) -> Result<gix::Repository, FetchError> {
    gix::open_opts(path, options()).map_err(git)
}

#[cfg(unix)]
fn private_folder(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn private_folder(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn bad_p8_a_mirror_is_for_its_owner_alone() {
        let room = tempfile::tempdir().unwrap();
        let mirror = room.path().join("mirrors").join("one");
        open_or_create(&mirror).unwrap();
        for folder in [&mirror, &room.path().join("mirrors")] {
            let mode = std::fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
    }
}
