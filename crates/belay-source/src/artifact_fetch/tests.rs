use super::*;
use crate::download::MOST_REDIRECTS;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMITS: FetchLimits = FetchLimits { bytes: 1000, time: Duration::from_secs(5) };

/// A server that gives the same answer to everybody, its address in the place of `HERE`, and counts who asked.
fn server(answer: &'static str, endless: bool) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let (count, own) = (asked.clone(), address.clone());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            count.fetch_add(1, Ordering::SeqCst);
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.replace("HERE", &own).as_bytes());
            while endless && stream.write_all(&[b'x'; 1024]).is_ok() {}
        }
    });
    (address, asked)
}

fn ok(content: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{content}", content.len())
}

fn digest(content: &str) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(content)))
}

fn error(url: &str, digest: &str) -> String {
    fetch_artifact(url, digest, LIMITS).unwrap_err().to_string()
}

#[test]
fn what_was_promised_is_brought() {
    let (address, _) = server(ok("files").leak(), false);
    assert_eq!(fetch_artifact(&address, &digest("files"), LIMITS).unwrap(), b"files");
    let long = format!("sha512:{}", hex::encode(Sha512::digest("files")));
    assert_eq!(fetch_artifact(&address, &long, LIMITS).unwrap(), b"files");
}

#[test]
fn bad_x3_what_was_not_promised_is_refused() {
    let (address, _) = server(ok("other").leak(), false);
    assert_eq!(
        error(&address, &digest("files")),
        format!(
            "failed to verify archive: computed digest doesn't match provided '{}' (check whether file size exceeds max download size)",
            digest("files")
        )
    );
    assert_eq!(error(&address, ""), "failed to verify archive: empty digest");
    for odd in ["md5:00", "sha256:00", "sha256:", "nothing"] {
        assert!(error(&address, odd).contains("failed to parse digest"), "{odd}");
    }
}

#[test]
fn bad_s2_redirects_stay_on_the_server() {
    let (other, asked) = server(ok("files").leak(), false);
    let to = format!(
        "HTTP/1.1 302 Found\r\nlocation: {other}/x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    let (address, _) = server(to.leak(), false);
    assert_eq!(
        error(&address, &digest("files")),
        "failed to download archive: the server sends to http://127.0.0.1, which is refused"
    );
    assert_eq!(asked.load(Ordering::SeqCst), 0);
    for elsewhere in ["http://169.254.169.254/latest", "file:///etc/passwd", "https://127.0.0.1/x"] {
        let to = format!(
            "HTTP/1.1 307 Go\r\nlocation: {elsewhere}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let (address, _) = server(to.leak(), false);
        assert!(error(&address, &digest("files")).ends_with("which is refused"), "{elsewhere}");
    }
    let (round, asked) = server(
        "HTTP/1.1 301 Go\r\nlocation: HERE/again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
        false,
    );
    assert!(error(&round, &digest("files")).contains("too often"));
    assert_eq!(asked.load(Ordering::SeqCst), MOST_REDIRECTS + 1);
}

#[test]
fn bad_s1_places_that_are_no_servers_are_refused() {
    for url in [
        "http://169.254.169.254/x",
        "http://[fd00:ec2::254]/x",
        "http://2852039166/x",
        "file:///etc/passwd",
        "unix:/run/x",
        "nothing",
    ] {
        assert!(error(url, &digest("files")).starts_with("failed to create a new request: "), "{url}");
    }
    assert!(!error("ftp://ada:s3cr3t@host/x", &digest("files")).contains("s3cr3t"));
}

#[test]
fn bad_r5_answers_without_end_are_cut_off() {
    let (address, _) = server("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n", true);
    assert_eq!(error(&address, &digest("x")), "artifact is greater than the max download size of 1000 bytes");
    let (lies, _) =
        server("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\nconnection: close\r\n\r\nab", false);
    assert!(error(&lies, &digest("ab")).starts_with("failed to download archive: the content broke off"));
}

#[test]
fn what_a_server_says_is_told_by_its_status_alone() {
    let (address, _) = server("HTTP/1.1 404 Gone\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", false);
    assert!(matches!(fetch_artifact(&address, &digest("x"), LIMITS), Err(ArtifactFetchError::NotFound)));
    let (address, _) =
        server("HTTP/1.1 503 Busy\r\ncontent-length: 6\r\nconnection: close\r\n\r\nsecret", false);
    assert_eq!(
        error(&format!("{address}/a.tar.gz"), &digest("x")),
        format!("failed to download archive from {address}/a.tar.gz (status: 503 Service Unavailable)")
    );
}
