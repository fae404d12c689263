//! The key was made for these tests with `openssl genrsa -traditional 2048`.

use super::*;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use std::io::Write;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

const KEY: &str = include_str!("key.pem");

fn data(installation: &str, owner: &str, base_url: &str) -> GithubAppData {
    GithubAppData {
        app: "12".to_owned(),
        installation: installation.to_owned(),
        owner: owner.to_owned(),
        key: SecretText::new(KEY),
        base_url: base_url.to_owned(),
    }
}

/// A server that answers by path, and gives on what it was asked.
fn server(answers: &'static [(&'static str, &'static str)]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/api", listener.local_addr().unwrap());
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut asked = vec![0; 16 * 1024];
            let count = stream.read(&mut asked).unwrap_or_default();
            let asked = String::from_utf8_lossy(&asked[..count]).into_owned();
            let line = asked.lines().next().unwrap_or_default().to_owned();
            let found = answers.iter().find(|(path, _)| line.starts_with(path));
            let (status, body) = found.map_or(("404 Not Found", "secret"), |(_, body)| ("200 OK", *body));
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            );
            // First: whoever has the answer may look for what was asked at once.
            let _ = sender.send(asked);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, receiver)
}

const TOKEN: &str = r#"{"token": "ghs_1", "expires_at": "2999-01-01T00:00:00Z"}"#;

#[test]
fn a_token_is_asked_for_once_with_what_the_key_signed() {
    let (address, asked) = server(&[("POST /api/app/installations/34/access_tokens ", TOKEN)]);
    let app = GithubApp::new(&data("34", "", &address)).unwrap();
    assert_eq!(app.token(&Access::default()).unwrap().reveal(), "ghs_1");
    assert_eq!(app.clone().token(&Access::default()).unwrap().reveal(), "ghs_1");
    let request = asked.try_recv().unwrap();
    assert!(asked.try_recv().is_err(), "the token is kept");
    let bearer = request.lines().find_map(|line| line.strip_prefix("authorization: Bearer ")).unwrap();
    let (text, signature) = bearer.trim().rsplit_once('.').unwrap();
    let public = read_key(KEY).unwrap().public_key().as_ref().to_vec();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public).verify(text.as_bytes(), &signature).unwrap();
    let claims = URL_SAFE_NO_PAD.decode(text.split_once('.').unwrap().1).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!(claims["iss"], "12");
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 120);
}

#[test]
fn a_token_that_ends_soon_is_asked_for_anew() {
    let (address, asked) = server(&[(
        "POST /api/app/installations/34/access_tokens ",
        r#"{"token": "ghs_1", "expires_at": "2020-01-01T00:00:00Z"}"#,
    )]);
    let app = GithubApp::new(&data("34", "", &address)).unwrap();
    app.token(&Access::default()).unwrap();
    app.token(&Access::default()).unwrap();
    assert_eq!(asked.try_iter().count(), 2);
}

#[test]
fn an_installation_is_found_by_its_owner() {
    let (address, _asked) = server(&[
        ("GET /api/users/ada/installation ", r#"{"id": 56}"#),
        ("POST /api/app/installations/56/access_tokens ", TOKEN),
    ]);
    let app = GithubApp::new(&data("", "ada", &address)).unwrap();
    assert_eq!(app.token(&Access::default()).unwrap().reveal(), "ghs_1");
    let (address, _asked) = server(&[]);
    let error = GithubApp::new(&data("", "a/../b", &address)).unwrap().token(&Access::default()).unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("failed to find organization installation: GET http://127.0.0.1"), "{error}");
    assert!(error.contains("/api/orgs/a%2F..%2Fb/installation: 404") && !error.contains("secret"), "{error}");
}

#[test]
fn what_is_missing_is_told_in_the_originals_words() {
    let error = |data: GithubAppData| GithubApp::new(&data).unwrap_err().to_string();
    let none = GithubAppData { app: "x".to_owned(), ..data("1", "", "") };
    assert_eq!(error(none), "app ID must be provided to use github app authentication");
    assert_eq!(
        error(data("", "", "")),
        "app installation owner or ID must be provided to use github app authentication"
    );
    assert_eq!(
        error(data("1", "ada", "")),
        "only one of app installation owner or ID must be provided to use github app authentication"
    );
    let no_key = GithubAppData { key: SecretText::default(), ..data("1", "", "") };
    assert_eq!(error(no_key), "private key must be provided to use github app authentication");
    let odd = GithubAppData { key: SecretText::new("s3cr3t"), ..data("1", "", "") };
    assert!(error(odd).starts_with("could not parse private key: "));
    assert!(error(data("1", "", "file:///etc")).starts_with("invalid API URL: "));
    assert!(error(data("1", "", "http://169.254.169.254/")).starts_with("invalid API URL: "));
}

#[test]
fn nothing_of_it_is_printed_and_others_have_another_scope() {
    let of = |installation: &str| {
        let login = GithubApp::new(&data(installation, "", "")).unwrap().into();
        Access { login: Some(login), ..Access::default() }
    };
    assert_eq!(of("1").scope(), of("1").scope());
    assert_ne!(of("1").scope(), of("2").scope());
    let printed = format!("{:?}", of("1"));
    assert!(!printed.contains("PRIVATE KEY") && printed.contains("12"), "{printed}");
}
