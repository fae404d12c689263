//! What a GitRepository's Secrets say about reaching its server, with the original's conditions.

use belay_flux_api::GitRepository;
use belay_source::{
    Access, GithubApp, GithubAppData, Login, Proxy, SecretText, SshAccess, Tls, is_encrypted_key,
};
use url::Url;

use crate::context::Context;
use crate::repository::Fault;
use crate::secret_data::{self, Data, NoSecret};

/// Longest URL of a proxy.
const LONGEST_PROXY: usize = 2048;

/// Reads the Secrets that the repository names.
pub(crate) async fn read(context: &Context, repository: &GitRepository) -> Result<Access, Fault> {
    let (spec, namespace) = (&repository.spec, &repository.metadata.namespace);
    let proxy = match &spec.proxy_secret_ref {
        None => None,
        Some(reference) => Some(proxy(context, namespace, &reference.name).await?),
    };
    let data = match &spec.secret_ref {
        None => Data::new(),
        Some(reference) => {
            let place = format!("failed to get secret '{namespace}/{}'", reference.name);
            secret_data::read(&context.live, namespace, &reference.name)
                .await
                // The original says it twice.
                .map_err(|error| failed(format!("{place}: {place}: {error}")))?
        }
    };
    let url = Url::parse(&spec.url).map_err(|error| Fault {
        reason: "URLInvalid",
        message: format!("failed to parse url '{}': {error}", without_login(&spec.url)),
        is_final: true,
    })?;
    let name = spec.secret_ref.as_ref().map(|reference| reference.name.as_str()).unwrap_or_default();
    let secret_name = format!("{namespace}/{name}");
    let is_github = spec.provider == "github";
    let has_app = ["githubAppID", "githubAppPrivateKey"].iter().all(|key| data.contains_key(*key));
    if is_github && !has_app {
        let message = "secretRef with github app data must be specified when provider is set to github";
        return Err(Fault {
            reason: "InvalidProviderConfiguration",
            message: message.to_owned(),
            is_final: spec.secret_ref.is_none(),
        });
    }
    let access = Access { proxy, ..from_secret(&url, &data, &secret_name, is_github)? };
    if is_github { with_app(context, access, &data).await } else { Ok(access) }
}

fn failed(message: String) -> Fault {
    Fault { reason: "AuthenticationFailed", message, is_final: false }
}

fn not_configured(reason: &str) -> Fault {
    failed(format!("failed to configure authentication options: {reason}"))
}

/// The way to a server, and what it is shown.
fn from_secret(url: &Url, data: &Data, secret_name: &str, is_github: bool) -> Result<Access, Fault> {
    if !is_github && data.get("githubAppID").is_some_and(|id| !id.0.is_empty()) {
        return Err(Fault {
            reason: "InvalidProviderConfiguration",
            message: format!(
                "secretRef '{secret_name}' has github app data but provider is not set to github"
            ),
            is_final: false,
        });
    }
    if url.scheme() == "ssh" {
        return ssh_access(url, data, secret_name).map(|ssh| Access { ssh: Some(ssh), ..Access::default() });
    }
    let authorities = match text(data, "ca.crt")? {
        none if none.is_empty() => text(data, "caFile")?,
        found => found,
    };
    let tls = Tls {
        authorities,
        certificate: text(data, "tls.crt")?,
        key: SecretText::new(text(data, "tls.key")?),
        insecure: false,
    };
    Ok(Access { login: login(url, data)?, tls, ..Access::default() })
}

/// The app of GitHub's that the Secret names, once it has got a token.
async fn with_app(context: &Context, access: Access, data: &Data) -> Result<Access, Fault> {
    let app = GithubApp::new(&GithubAppData {
        app: text(data, "githubAppID")?,
        installation: text(data, "githubAppInstallationID")?,
        owner: text(data, "githubAppInstallationOwner")?,
        key: SecretText::new(text(data, "githubAppPrivateKey")?),
        base_url: text(data, "githubAppBaseURL")?,
    })
    .map_err(|error| not_configured(&error.to_string()))?;
    let app = context.github_app(app);
    let way = Access { login: None, ..access.clone() };
    let asked = {
        let app = app.clone();
        tokio::task::spawn_blocking(move || app.token(&way)).await
    };
    match asked {
        Ok(Ok(_token)) => Ok(Access { login: Some(Login::GithubApp(app)), ..access }),
        Ok(Err(error)) => Err(not_configured(&error.to_string())),
        Err(_ended) => Err(not_configured("asking for a token ended unexpectedly")),
    }
}

fn login(url: &Url, data: &Data) -> Result<Option<Login>, Fault> {
    let token = data.contains_key("bearerToken").then(|| text(data, "bearerToken")).transpose()?;
    let (mut username, mut password) = match token {
        Some(_) => (String::new(), String::new()),
        None => (text(data, "username")?, text(data, "password")?),
    };
    let decoded = |part: &str| url_decoded(part);
    if username.is_empty() {
        username = decoded(url.username());
    }
    if password.is_empty() {
        password = decoded(url.password().unwrap_or_default());
    }
    if username.is_empty() && !password.is_empty() {
        let scheme = url.scheme();
        let reason = format!("invalid '{scheme}' auth option: 'password' requires 'username' to be set");
        return Err(not_configured(&reason));
    }
    if !username.is_empty() {
        return Ok(Some(Login::basic(username, password)));
    }
    Ok(token.filter(|token| !token.is_empty()).map(|token| Login::Bearer(SecretText::new(token))))
}

fn url_decoded(part: &str) -> String {
    // A query's rules but for `+`, which means itself here.
    let escaped = format!("x={}", part.replace('+', "%2B"));
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn ssh_access(url: &Url, data: &Data, secret_name: &str) -> Result<SshAccess, Fault> {
    let (key, known_hosts) = (text(data, "identity")?, text(data, "known_hosts")?);
    for (value, name) in [(&key, "identity"), (&known_hosts, "known_hosts")] {
        if value.is_empty() {
            return Err(not_configured(&format!("invalid 'ssh' auth option: '{name}' is required")));
        }
    }
    let passphrase = text(data, "password")?;
    if passphrase.is_empty() && is_encrypted_key(&key) {
        return Err(failed(format!(
            "SSH identity key is encrypted but no 'password' field was provided in the secret '{secret_name}'"
        )));
    }
    Ok(SshAccess {
        username: url_decoded(url.username()),
        key: SecretText::new(key),
        passphrase: SecretText::new(passphrase),
        known_hosts,
        insecure: false,
    })
}

fn text(data: &Data, name: &str) -> Result<String, Fault> {
    let bytes = data.get(name).map(|bytes| bytes.0.clone()).unwrap_or_default();
    String::from_utf8(bytes).map_err(|_no_text| not_configured(&format!("'{name}' is not text")))
}

async fn proxy(context: &Context, namespace: &str, name: &str) -> Result<Proxy, Fault> {
    let place = format!("{namespace}/{name}");
    let failed = |reason: String| failed(format!("failed to configure proxy options: {reason}"));
    let data = secret_data::read(&context.live, namespace, name).await.map_err(|error| match error {
        NoSecret::Missing(_) => failed(format!("secret '{place}' not found")),
        NoSecret::Failed(reason) => failed(format!("failed to get secret '{place}': {reason}")),
    })?;
    proxy_from_secret(&data, &place).map_err(failed)
}

fn proxy_from_secret(data: &Data, place: &str) -> Result<Proxy, String> {
    let text = |name: &str| data.get(name).map(|bytes| String::from_utf8_lossy(&bytes.0).into_owned());
    let Some(address) = text("address") else {
        return Err(format!("secret '{place}': key 'address' not found"));
    };
    if address.is_empty() {
        return Err(format!("secret '{place}': proxy address is empty"));
    }
    if address.len() > LONGEST_PROXY {
        return Err(format!(
            "secret '{place}': proxy URL exceeds maximum length of {LONGEST_PROXY} characters"
        ));
    }
    let mut url = Url::parse(&address)
        .map_err(|error| format!("secret '{place}': failed to parse proxy address: {error}"))?;
    if !matches!(url.scheme(), "http" | "https" | "socks5") {
        let scheme = url.scheme();
        return Err(format!(
            "secret '{place}': proxy URL must use one of the supported schemes (http, https, socks5), got '{scheme}'"
        ));
    }
    if let Some(username) = text("username") {
        // Both succeed for a scheme that has a host.
        let _ = url.set_username(&username);
        let _ = url.set_password(text("password").as_deref());
    }
    Ok(Proxy { url: SecretText::new(url.to_string()), except: String::new() })
}

/// A URL that may be shown.
fn without_login(url: &str) -> String {
    match url.split_once("://").map(|(scheme, rest)| (scheme, rest.rsplit_once('@'))) {
        Some((scheme, Some((_, rest)))) => format!("{scheme}://{rest}"),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn data(entries: &[(&str, &str)]) -> Data {
        entries
            .iter()
            .map(|(name, value)| ((*name).to_owned(), ByteString(value.as_bytes().to_vec())))
            .collect()
    }

    fn access(url: &str, entries: &[(&str, &str)]) -> Result<Access, String> {
        from_secret(&Url::parse(url).unwrap(), &data(entries), "apps/git", false).map_err(|fault| {
            assert!(!fault.is_final);
            format!("{}: {}", fault.reason, fault.message)
        })
    }

    #[test]
    fn secrets_say_who_asks() {
        let login = |url: &str, entries: &[(&str, &str)]| access(url, entries).unwrap().login;
        let https = "https://git.example.org/app";
        assert_eq!(login(https, &[]), None);
        assert_eq!(login(https, &[("username", "a"), ("password", "b")]), Some(Login::basic("a", "b")));
        assert_eq!(login(https, &[("username", "a")]), Some(Login::basic("a", "")));
        let bearer = login(https, &[("bearerToken", "t"), ("username", "a"), ("password", "b")]);
        assert_eq!(bearer, Some(Login::Bearer(SecretText::new("t"))));
        let inside = login("https://a%40x:p%2Bq+r@git.example.org/app", &[]);
        assert_eq!(inside, Some(Login::basic("a@x", "p+q+r")));
        let tls = access(https, &[("caFile", "old"), ("ca.crt", "new"), ("tls.crt", "c"), ("tls.key", "k")]);
        let tls = tls.unwrap().tls;
        assert_eq!((tls.authorities.as_str(), tls.certificate.as_str(), tls.key.reveal()), ("new", "c", "k"));
    }

    #[test]
    fn what_is_incomplete_is_refused_in_the_originals_words() {
        let error = |url: &str, entries: &[(&str, &str)]| access(url, entries).unwrap_err();
        let options = "AuthenticationFailed: failed to configure authentication options: invalid";
        let https = "https://git.example.org/app";
        assert_eq!(
            error(https, &[("password", "s3cr3t")]),
            format!("{options} 'https' auth option: 'password' requires 'username' to be set")
        );
        let ssh = "ssh://git@git.example.org/app";
        assert_eq!(error(ssh, &[]), format!("{options} 'ssh' auth option: 'identity' is required"));
        assert_eq!(
            error(ssh, &[("identity", "k")]),
            format!("{options} 'ssh' auth option: 'known_hosts' is required")
        );
        assert_eq!(
            error(https, &[("githubAppID", "1")]),
            "InvalidProviderConfiguration: secretRef 'apps/git' has github app data but provider is not set to github"
        );
    }

    #[test]
    fn proxies_are_checked() {
        let read = |entries: &[(&str, &str)]| proxy_from_secret(&data(entries), "apps/proxy");
        let found = read(&[("address", "http://proxy:3128"), ("username", "a"), ("password", "b")]).unwrap();
        assert_eq!(found.url.reveal(), "http://a:b@proxy:3128/");
        assert_eq!(read(&[]).unwrap_err(), "secret 'apps/proxy': key 'address' not found");
        assert_eq!(read(&[("address", "")]).unwrap_err(), "secret 'apps/proxy': proxy address is empty");
        assert!(read(&[("address", "ftp://proxy")]).unwrap_err().contains("got 'ftp'"));
    }
}
