//! Files over HTTP: indices, charts and their signatures.

use std::fs;
use std::io::Read;
use std::time::Duration;

use belay_source::SecretText;
use reqwest::blocking::{Client, ClientBuilder};
use reqwest::{Certificate, Identity, Url};

use super::dial;
use crate::failure::Original;

const PATIENCE: Duration = Duration::from_secs(120);
/// The largest index or archive; Helm's own limit for charts.
const LIMIT: u64 = 100 << 20;

/// Who asks, and which servers are trusted.
#[derive(Clone, Default)]
pub(super) struct Access {
    /// The user's name.
    pub(super) username: String,
    /// The user's password.
    pub(super) password: SecretText,
    /// Tell every server who asks, not only the repository's own.
    pub(super) pass_everywhere: bool,
    /// The file of our certificate.
    pub(super) certificate_file: String,
    /// The file of its key.
    pub(super) key_file: String,
    /// The file of the authorities that are trusted instead of the usual ones.
    pub(super) authorities_file: String,
    /// Trust every server.
    pub(super) insecure: bool,
}

impl Access {
    /// What is at the address. The password goes to the server of `own` only, unless it is for all of them.
    pub(super) fn get(&self, address: &str, own: &str) -> Result<Vec<u8>, Original> {
        let url = parse(address)?;
        let is_own = Url::parse(own).is_ok_and(|own| own.origin() == url.origin());
        let mut request = self.client()?.get(url.clone());
        if (self.pass_everywhere || is_own) && !self.username.is_empty() && !self.password.is_empty() {
            request = request.basic_auth(&self.username, Some(self.password.reveal()));
        }
        let failed = |error: &(dyn std::error::Error + 'static)| {
            Original::new(format!("Get \"{}\": {}", dial::shown(&url), dial::reason(error, &url)))
        };
        let response = request.send().map_err(|error| failed(&error.without_url()))?;
        let status = response.status();
        if !status.is_success() {
            return Err(Original::new(format!("failed to fetch {address} : {status}")));
        }
        let mut content = Vec::new();
        response.take(LIMIT + 1).read_to_end(&mut content).map_err(|error| failed(&error))?;
        if content.len() as u64 > LIMIT {
            return Err(Original::new(format!("{address} is larger than {LIMIT} bytes")));
        }
        Ok(content)
    }

    /// This access without a user.
    pub(super) fn nameless(&self) -> Access {
        Access { username: String::new(), password: SecretText::default(), ..self.clone() }
    }

    fn client(&self) -> Result<Client, Original> {
        let builder = Client::builder().timeout(PATIENCE).user_agent("belay").no_gzip();
        let builder = self
            .with_certificates(builder)
            .map_err(|error| Original::new(format!("can't create TLS config for client: {error}")))?;
        builder.build().map_err(|error| Original::of(&error))
    }

    fn with_certificates(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Original> {
        if self.insecure {
            builder = builder.danger_accept_invalid_certs(true);
        }
        if !self.certificate_file.is_empty() || !self.key_file.is_empty() {
            let certificate = read(&self.certificate_file, "unable to read cert file")?;
            let mut pem = read(&self.key_file, "unable to read key file")?;
            pem.push(b'\n');
            pem.extend(certificate);
            let identity = Identity::from_pem(&pem).map_err(|error| {
                let cause = Original::of(&error);
                Original::new(format!("unable to load cert from key pair: {cause}"))
            })?;
            builder = builder.identity(identity);
        }
        if !self.authorities_file.is_empty() {
            let pem = read(&self.authorities_file, "can't read CA file")?;
            let found = Certificate::from_pem_bundle(&pem).unwrap_or_default();
            if found.is_empty() {
                return Err(Original::new("failed to append certificates from pem block"));
            }
            builder = builder.tls_certs_only(found);
        }
        Ok(builder)
    }
}

/// An address as Helm takes one.
fn parse(address: &str) -> Result<Url, Original> {
    let url = Url::parse(address)
        .map_err(|error| Original::new(format!("failed to parse {address} as URL: {error}")))?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(Original::new(format!("scheme {other:?} not supported"))),
    }
}

fn read(file: &str, failure: &str) -> Result<Vec<u8>, Original> {
    fs::read(file).map_err(|error| {
        let cause = Original::failed("open", file.as_ref(), &error);
        Original::new(format!("{failure}: {file:?}: {cause}"))
    })
}
