//! Apps of GitHub: with an app's key a token is asked for, which is good for an hour.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use reqwest::Url;
use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::access::{Access, Login, SecretText};
use crate::address::check_host;
use crate::http_client;

/// Where the apps of GitHub itself are asked for.
const GITHUB: &str = "https://api.github.com/";
/// The name beside which a token is a password.
pub(crate) const USERNAME: &str = "x-access-token";
/// A token is asked for anew so long before it ends.
const EARLY: Duration = Duration::from_secs(300);
/// How long a token lasts if its server does not say.
const LASTS: Duration = Duration::from_secs(3600);
const MOST_TIME: Duration = Duration::from_secs(30);
const MOST_BYTES: u64 = 256 * 1024;

/// Why an app gives no token. Worded as Flux words it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GithubAppError {
    /// There is no number of the app.
    #[error("app ID must be provided to use github app authentication")]
    NoApp,
    /// Nothing says where it is installed.
    #[error("app installation owner or ID must be provided to use github app authentication")]
    NoInstallation,
    /// Two things say where it is installed.
    #[error("only one of app installation owner or ID must be provided to use github app authentication")]
    TwoInstallations,
    /// There is no key.
    #[error("private key must be provided to use github app authentication")]
    NoKey,
    /// The key is none of RSA's.
    #[error("could not parse private key: {0}")]
    Key(&'static str),
    /// The server's address is none.
    #[error("invalid API URL: {0}")]
    Url(String),
    /// The server says no.
    #[error("{method} {url}: {status}")]
    Refused {
        /// What was asked.
        method: &'static str,
        /// Where.
        url: String,
        /// What it said.
        status: u16,
    },
    /// The server says nothing, or nothing that can be read.
    #[error("{method} {url}: {reason}")]
    NoAnswer {
        /// What was asked.
        method: &'static str,
        /// Where.
        url: String,
        /// Why.
        reason: String,
    },
    /// The owner has not installed the app.
    #[error(
        "failed to find organization installation: {organization}\nfailed to find user installation: {user}"
    )]
    NotInstalled {
        /// Why it is not an organization's.
        organization: Box<GithubAppError>,
        /// Why it is not a person's.
        user: Box<GithubAppError>,
    },
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Installation {
    Number(u64),
    Owner(String),
}

/// What a Secret says of an app, as texts; empty where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GithubAppData {
    /// The app's number.
    pub app: String,
    /// The installation's number.
    pub installation: String,
    /// Whose the installation is, where there is no number.
    pub owner: String,
    /// The app's key, as PEM.
    pub key: SecretText,
    /// The API of another server than GitHub's own.
    pub base_url: String,
}

/// An app that is installed somewhere. Clones share its newest token.
#[derive(Clone)]
pub struct GithubApp {
    app: u64,
    installation: Installation,
    key: SecretText,
    base: Url,
    token: Arc<Mutex<Option<(SecretText, SystemTime)>>>,
}

impl GithubApp {
    /// Reads what a Secret says.
    pub fn new(data: &GithubAppData) -> Result<GithubApp, GithubAppError> {
        // What is no number counts as none.
        let number = |text: &str| text.parse().ok().filter(|number| *number > 0);
        let app = number(&data.app).ok_or(GithubAppError::NoApp)?;
        let installation = match (number(&data.installation), data.owner.as_str()) {
            (None, "") => return Err(GithubAppError::NoInstallation),
            (Some(number), "") => Installation::Number(number),
            (None, owner) => Installation::Owner(owner.to_owned()),
            (Some(_), _) => return Err(GithubAppError::TwoInstallations),
        };
        if data.key.is_empty() {
            return Err(GithubAppError::NoKey);
        }
        read_key(data.key.reveal())?;
        let base = if data.base_url.is_empty() { GITHUB } else { &data.base_url };
        let base = read_base(base).map_err(GithubAppError::Url)?;
        Ok(GithubApp { app, installation, key: data.key.clone(), base, token: Arc::default() })
    }

    /// What tells this app from others.
    pub(crate) fn parts(&self) -> [String; 3] {
        let installation = match &self.installation {
            Installation::Number(number) => format!("number {number}"),
            Installation::Owner(owner) => format!("owner {owner}"),
        };
        [self.app.to_string(), installation, self.base.to_string()]
    }

    pub(crate) fn key(&self) -> &str {
        self.key.reveal()
    }

    /// A token that is good for some minutes at least, asked for in the way of this access. Blocks.
    pub fn token(&self, access: &Access) -> Result<SecretText, GithubAppError> {
        let mut known = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        let now = SystemTime::now();
        if let Some((token, ends)) = known.as_ref()
            && *ends > now + EARLY
        {
            return Ok(token.clone());
        }
        let found = self.new_token(access, now)?;
        *known = Some(found.clone());
        Ok(found.0)
    }

    fn new_token(
        &self,
        access: &Access,
        now: SystemTime,
    ) -> Result<(SecretText, SystemTime), GithubAppError> {
        let api = Api {
            client: http_client::build(access).map_err(|error| GithubAppError::Url(error.to_string()))?,
            base: &self.base,
            identity: self.identity(now)?,
        };
        let installation = match &self.installation {
            Installation::Number(number) => *number,
            Installation::Owner(owner) => api.installation(owner)?,
        };
        let path = format!("app/installations/{installation}/access_tokens");
        let answer = api.ask("POST", &path)?;
        let Some(token) = answer["token"].as_str().filter(|token| !token.is_empty()) else {
            return Err(api.silent("POST", &path, "the answer holds no token"));
        };
        let ends = answer["expires_at"].as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
        let ends = ends.map_or(now + LASTS, SystemTime::from);
        Ok((SecretText::new(token), ends))
    }

    /// A JSON Web Token that says who asks, for two minutes.
    fn identity(&self, now: SystemTime) -> Result<SecretText, GithubAppError> {
        let key = read_key(self.key())?;
        // Clocks differ.
        let issued = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().saturating_sub(30);
        let claims = json!({"iss": self.app.to_string(), "iat": issued, "exp": issued + 120});
        let header = json!({"alg": "RS256", "typ": "JWT"});
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", encode(&header), encode(&claims));
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_unspecified| GithubAppError::Key("it signs nothing"))?;
        Ok(SecretText::new(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

struct Api<'a> {
    client: Client,
    base: &'a Url,
    identity: SecretText,
}

impl Api<'_> {
    fn installation(&self, owner: &str) -> Result<u64, GithubAppError> {
        let find = |of: &str| {
            let path = format!("{of}/{}/installation", path_segment(owner));
            let answer = self.ask("GET", &path)?;
            answer["id"].as_u64().ok_or_else(|| self.silent("GET", &path, "the answer holds no number"))
        };
        let organization = match find("orgs") {
            Ok(found) => return Ok(found),
            Err(error) => Box::new(error),
        };
        find("users").map_err(|user| GithubAppError::NotInstalled { organization, user: Box::new(user) })
    }

    fn ask(&self, method: &'static str, path: &str) -> Result<Value, GithubAppError> {
        let silent = |reason: &str| self.silent(method, path, reason);
        let url = self.base.join(path).map_err(|error| GithubAppError::Url(error.to_string()))?;
        let request =
            if method == "POST" { self.client.post(url.clone()) } else { self.client.get(url.clone()) };
        let request = request
            .timeout(MOST_TIME)
            .bearer_auth(self.identity.reveal())
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let answer = request.send().map_err(|error| silent(&belay_causes::chain(&error.without_url())))?;
        if !answer.status().is_success() {
            let status = answer.status().as_u16();
            return Err(GithubAppError::Refused { method, url: url.to_string(), status });
        }
        let mut body = Vec::new();
        let read = answer.take(MOST_BYTES).read_to_end(&mut body);
        read.map_err(|error| silent(&error.kind().to_string()))?;
        serde_json::from_slice(&body).map_err(|_no_json| silent("the answer is not JSON"))
    }

    fn silent(&self, method: &'static str, path: &str, reason: &str) -> GithubAppError {
        GithubAppError::NoAnswer { method, url: format!("{}{path}", self.base), reason: reason.to_owned() }
    }
}

/// A name that stays one part of a path.
fn path_segment(name: &str) -> String {
    url::form_urlencoded::byte_serialize(name.as_bytes()).collect()
}

fn read_base(text: &str) -> Result<Url, String> {
    let mut text = text.to_owned();
    if !text.ends_with('/') {
        text.push('/');
    }
    let url = Url::parse(&text).map_err(|error| error.to_string())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("its scheme is neither http nor https".to_owned());
    }
    check_host(&url).map_err(|error| error.to_string())?;
    Ok(url)
}

/// A key as PEM, in the form of PKCS#1 (as GitHub gives it) or of PKCS#8.
fn read_key(pem: &str) -> Result<RsaKeyPair, GithubAppError> {
    let refused = GithubAppError::Key;
    let lines = pem.lines().map(str::trim).skip_while(|line| !line.starts_with("-----BEGIN "));
    let mut lines = lines.peekable();
    let begin = lines.next().ok_or(refused("Key must be a PEM encoded PKCS1 or PKCS8 key"))?;
    let text: String = lines.take_while(|line| !line.starts_with("-----END ")).collect();
    let der = STANDARD
        .decode(text)
        .map_err(|_no_base64| refused("Key must be a PEM encoded PKCS1 or PKCS8 key"))?;
    let key = match begin {
        "-----BEGIN RSA PRIVATE KEY-----" => RsaKeyPair::from_der(&der),
        _ => RsaKeyPair::from_pkcs8(&der),
    };
    key.map_err(|_rejected| refused("Key is not a valid RSA private key"))
}

impl PartialEq for GithubApp {
    fn eq(&self, other: &GithubApp) -> bool {
        self.parts() == other.parts() && self.key == other.key
    }
}

impl Eq for GithubApp {}

impl Hash for GithubApp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.parts().hash(state);
        self.key.hash(state);
    }
}

impl fmt::Debug for GithubApp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "GithubApp({})", self.parts().join(", "))
    }
}

impl From<GithubApp> for Login {
    fn from(app: GithubApp) -> Login {
        Login::GithubApp(app)
    }
}

#[cfg(test)]
mod tests;
