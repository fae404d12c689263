//! Where a repository is, read from the URL that names it.

use std::net::IpAddr;
use std::path::PathBuf;

use url::{Host, Url};

use crate::access::Login;

/// A checked URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// A server over `http` or `https`. The URL holds no login.
    Http(Url),
    /// A server over SSH.
    Ssh(SshAddress),
    /// A folder of this machine.
    File(PathBuf),
}

/// A repository of a server over SSH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SshAddress {
    /// The user's name, if the URL has one.
    pub(crate) user: String,
    /// The server.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Where the repository is there.
    pub(crate) path: String,
}

/// Why a URL is none of a repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum AddressError {
    #[error("the URL holds control characters")]
    ControlCharacters,
    #[error("is not a URL of the form https://host/path or ssh://user@host/path")]
    Form,
    #[error("the scheme must be https, http, ssh or file")]
    Scheme,
    #[error("host, user and path must not begin with '-'")]
    LikeAnOption,
    #[error("the address {host} is not one of a repository")]
    Forbidden { host: String },
}

impl Address {
    /// Reads a URL, and the login that it holds.
    pub(crate) fn parse(url: &str) -> Result<(Address, Option<Login>), AddressError> {
        if url.chars().any(char::is_control) {
            return Err(AddressError::ControlCharacters);
        }
        if !url.contains("://") {
            return Ok((Address::Ssh(scp_form(url)?), None));
        }
        let mut parsed = Url::parse(url).map_err(|_no_url| AddressError::Form)?;
        match parsed.scheme() {
            // The parser takes `https:///host` for `https://host`.
            "http" | "https" if url.contains(":///") => Err(AddressError::Form),
            "http" | "https" => {
                check_host(&parsed)?;
                let login = take_login(&mut parsed);
                Ok((Address::Http(parsed), login))
            }
            "ssh" | "git+ssh" | "ssh+git" => Ok((Address::Ssh(ssh_form(&parsed)?), None)),
            "file" => {
                let path = parsed.to_file_path().map_err(|()| AddressError::Form)?;
                Ok((Address::File(path), None))
            }
            _ => Err(AddressError::Scheme),
        }
    }

    /// The URL in one spelling, without a password.
    pub(crate) fn text(&self) -> String {
        match self {
            Address::Http(url) => url.to_string(),
            Address::File(path) => format!("file://{}", path.display()),
            Address::Ssh(SshAddress { user, host, port, path }) => {
                let user = if user.is_empty() { String::new() } else { format!("{user}@") };
                // A path without a slash begins where the user is at home, which only this form can say.
                if !path.starts_with('/') {
                    return format!("{user}{host}:{path}");
                }
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                let port = if *port == 22 { String::new() } else { format!(":{port}") };
                format!("ssh://{user}{host}{port}{path}")
            }
        }
    }
}

fn take_login(url: &mut Url) -> Option<Login> {
    let (username, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
    // Neither can fail for a scheme that has a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    (!username.is_empty() || !password.is_empty()).then(|| Login::basic(username, password))
}

/// `%40` is how a URL says `@` in a name or password.
fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let hex = |place: usize| bytes.get(place..place + 2).and_then(|two| hex::decode(two).ok());
    let (mut plain, mut place) = (Vec::with_capacity(bytes.len()), 0);
    while place < bytes.len() {
        match (bytes[place], hex(place + 1)) {
            (b'%', Some(byte)) => {
                plain.extend(byte);
                place += 3;
            }
            (byte, _) => {
                plain.push(byte);
                place += 1;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_no_text| text.to_owned())
}

/// `git@host:path`.
fn scp_form(text: &str) -> Result<SshAddress, AddressError> {
    let (user, rest) = text.split_once('@').unwrap_or(("", text));
    let (host, path) = rest.split_once(':').ok_or(AddressError::Form)?;
    let is_odd = host.contains(['/', '\\', ' ']) || user.contains([':', '/']) || path.starts_with(':');
    if host.is_empty() || path.is_empty() || is_odd {
        return Err(AddressError::Form);
    }
    checked(SshAddress { user: user.to_owned(), host: host.to_owned(), port: 22, path: path.to_owned() })
}

fn ssh_form(url: &Url) -> Result<SshAddress, AddressError> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::Form)?;
    let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let (user, path) = (decoded(url.username()), decoded(url.path()));
    if path.trim_matches('/').is_empty() {
        return Err(AddressError::Form);
    }
    checked(SshAddress { user, host, port: url.port().unwrap_or(22), path })
}

fn checked(address: SshAddress) -> Result<SshAddress, AddressError> {
    let SshAddress { user, host, path, .. } = &address;
    if [user, host, path].iter().any(|part| part.starts_with('-')) || path.starts_with("/-") {
        return Err(AddressError::LikeAnOption);
    }
    if [user, host, path].iter().any(|part| part.chars().any(char::is_control)) {
        return Err(AddressError::ControlCharacters);
    }
    if host.parse().is_ok_and(is_forbidden) {
        return Err(AddressError::Forbidden { host: host.clone() });
    }
    Ok(address)
}

/// Whether a URL over `http(s)` names a server that may be asked.
pub(crate) fn check_host(url: &Url) -> Result<(), AddressError> {
    let address = match url.host() {
        None => return Err(AddressError::Form),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(address)) => IpAddr::V4(address),
        Some(Host::Ipv6(address)) => IpAddr::V6(address),
    };
    if is_forbidden(address) {
        return Err(AddressError::Forbidden { host: address.to_string() });
    }
    Ok(())
}

/// Addresses of the link alone, where clouds tell machines their secrets. No repository is there.
pub(crate) fn is_forbidden(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local() || address.is_broadcast(),
        IpAddr::V6(address) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|address| is_forbidden(IpAddr::V4(address)));
            let metadata = address.segments() == [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254];
            address.is_unicast_link_local() || metadata || mapped
        }
    }
}

/// The server that a URL names; nothing for a URL of none.
pub fn server_of(url: &str) -> String {
    match Address::parse(url) {
        Ok((Address::Http(url), _)) => url.host_str().unwrap_or_default().to_owned(),
        Ok((Address::Ssh(address), _)) => address.host,
        Ok((Address::File(_), _)) | Err(_) => String::new(),
    }
}

/// The text of a URL with whatever stands before an `@` of its host taken away.
pub fn without_login(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
            format!("{scheme}://{host}/{path}")
        }
        None => url.rsplit_once('@').map_or(url, |(_, rest)| rest).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ssh(url: &str) -> (String, String, u16, String) {
        match Address::parse(url).unwrap().0 {
            Address::Ssh(SshAddress { user, host, port, path }) => (user, host, port, path),
            other => panic!("{url}: {other:?}"),
        }
    }

    #[test]
    fn both_forms_of_ssh_are_read() {
        let is = |user: &str, host: &str, port, path: &str| (user.into(), host.into(), port, path.into());
        assert_eq!(ssh("git@example.org:team/app.git"), is("git", "example.org", 22, "team/app.git"));
        assert_eq!(ssh("example.org:app"), is("", "example.org", 22, "app"));
        assert_eq!(ssh("ssh://git@example.org/team/app"), is("git", "example.org", 22, "/team/app"));
        assert_eq!(ssh("ssh://a%40b@[::1]:2222/~/app"), is("a@b", "::1", 2222, "/~/app"));
    }

    #[test]
    fn bad_i1_urls_that_are_more_than_places_are_refused() {
        for url in [
            "-oProxyCommand=x",
            "ssh://-oProxyCommand=x/app",
            "git@-x:app",
            "git@host:-x",
            "ssh://-x@host/app",
            "ssh://host/-x",
            "ext::sh -c id",
            "https:///host",
            "https://host/a\nb",
            "git://host/app",
            "ftp://host/app",
            "ssh://host/",
            "ssh://host/a%0ab",
            "app",
            "",
        ] {
            assert!(Address::parse(url).is_err(), "{url:?}: {:?}", Address::parse(url));
        }
    }

    #[test]
    fn bad_s1_addresses_of_the_link_are_refused() {
        for host in [
            "169.254.169.254",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[::ffff:169.254.169.254]",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
        ] {
            let found = Address::parse(&format!("https://{host}/app"));
            assert!(matches!(found, Err(AddressError::Forbidden { .. })), "{host}: {found:?}");
        }
        assert!(Address::parse("http://127.0.0.1/app").is_ok());
        assert!(Address::parse("git@169.254.169.254:app").is_err());
    }

    #[test]
    fn a_login_is_taken_out_of_the_url() {
        let (address, login) = Address::parse("https://ada:p%40ss@git.example.org/app").unwrap();
        assert_eq!(address.text(), "https://git.example.org/app");
        assert_eq!(login, Some(Login::basic("ada", "p@ss")));
        for url in
            ["https://ada:s3cr3t@", "ssh://ada:s3cr3t@host/x", "ftp://ada:s3cr3t@host/x", "ada:s3cr3t@host:x"]
        {
            assert!(!without_login(url).contains("s3cr3t"));
            assert!(
                !Address::parse(url)
                    .map(|(address, _)| address.text())
                    .unwrap_or_default()
                    .contains("s3cr3t"),
                "{url}"
            );
        }
    }
}
