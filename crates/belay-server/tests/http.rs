//! The routes, asked as a browser, a Git host and a probe would.

mod made_up;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use belay_manifest::Secret;
use belay_server::{Settings, public_router, router};
use hmac::{Hmac, KeyInit, Mac};
use http_body_util::BodyExt;
use made_up::{MadeUp, webhook_secrets};
use serde_json::{Value, json};
use tower::ServiceExt;

const APP: &str = "/api/belay/v1/apps/app/argocd/shop-web";

fn server() -> (Arc<MadeUp>, Router) {
    let engine = Arc::new(MadeUp::new(0));
    (engine.clone(), router(engine, settings()))
}

fn settings() -> Settings {
    Settings {
        token: Secret::new("the-token".to_owned()),
        hosts: vec!["belay.example.org".to_owned()],
        version: "0".to_owned(),
    }
}

async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.clone().oneshot(request).await.expect("a router never fails");
    let status = response.status();
    let body = response.into_body().collect().await.expect("bodies here end").to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "127.0.0.1:80").body(Body::empty()).expect("a valid request")
}

fn post(path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request =
        Request::post(path).header("host", "127.0.0.1:80").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).expect("a valid request")
}

fn done(engine: &MadeUp) -> Vec<String> {
    engine.done.lock().expect("nothing panics while it holds this").clone()
}

#[tokio::test]
async fn the_list_is_filtered_here() {
    let (_, router) = server();
    let (status, all) = ask(&router, get("/api/belay/v1/apps")).await;
    assert_eq!((status, all["total"].clone()), (StatusCode::OK, json!(6)));
    let (_, some) = ask(&router, get("/api/belay/v1/apps?family=flux&health=Degraded")).await;
    assert_eq!(some["matching"], 1);
    assert_eq!(some["items"][0]["app"], json!({"kind": "ks", "namespace": "flux-system", "name": "broken"}));
    assert_eq!(ask(&router, get("/api/belay/v1/apps?limit=many")).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let (_, router) = server();
    for path in
        ["/api/belay/v1/apps/app/argocd/none", "/api/belay/v1/apps/xy/a/b", "/api/belay/v1/none", "/api/none"]
    {
        assert_eq!(ask(&router, get(path)).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    let resource = format!("{APP}/resource?group=apps&kind=Deployment&namespace=shop&name=");
    assert_eq!(ask(&router, get(&format!("{resource}shop-web"))).await.0, StatusCode::OK);
    assert_eq!(ask(&router, get(&format!("{resource}other"))).await.0, StatusCode::NOT_FOUND);
    assert_eq!(ask(&router, get(&format!("{APP}/resource"))).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_change_needs_the_token() {
    let (engine, router) = server();
    let path = format!("{APP}/actions");
    let sync = r#"{"action":"sync","prune":true}"#;
    for headers in [&[][..], &[("x-belay-token", "")], &[("x-belay-token", "the-tokem")]] {
        assert_eq!(ask(&router, post(&path, headers, sync)).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(done(&engine), Vec::<String>::new());
    let token = &[("x-belay-token", "the-token")];
    assert_eq!(ask(&router, post(&path, token, sync)).await.0, StatusCode::ACCEPTED);
    assert_eq!(done(&engine), ["app/argocd/shop-web Sync { prune: true, dry_run: false }"]);
    assert_eq!(
        ask(&router, post(&path, token, r#"{"action":"explode"}"#)).await.0,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(ask(&router, post(&path, token, "{")).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(ask(&router, post(&path, token, vec![b' '; 20_000])).await.0, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn other_sites_pages_are_turned_away() {
    let (_, router) = server();
    let with = |name: &str, value: &str| {
        let mut request = get("/api/belay/v1/apps");
        let name: axum::http::HeaderName = name.parse().expect("a header's name");
        request.headers_mut().insert(name, value.parse().expect("a header's value"));
        request
    };
    for (name, value, status) in [
        ("host", "evil.example", StatusCode::FORBIDDEN),
        ("host", "belay.example.org", StatusCode::OK),
        ("host", "localhost:8080", StatusCode::OK),
        ("origin", "http://evil.example", StatusCode::FORBIDDEN),
        ("origin", "null", StatusCode::FORBIDDEN),
        ("origin", "http://127.0.0.1:81", StatusCode::FORBIDDEN),
        ("origin", "http://127.0.0.1:80", StatusCode::OK),
        ("sec-fetch-site", "cross-site", StatusCode::FORBIDDEN),
        ("sec-fetch-site", "same-origin", StatusCode::OK),
    ] {
        assert_eq!(ask(&router, with(name, value)).await.0, status, "{name}: {value}");
    }
}

#[tokio::test]
async fn the_ui_answers_at_each_screens_address() {
    let (_, router) = server();
    for path in ["/", "/apps/app/argocd/shop-web"] {
        let response = router.clone().oneshot(get(path)).await.expect("a router never fails");
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.headers()["content-type"].to_str().is_ok_and(|kind| kind.starts_with("text/html")));
        assert!(
            response.headers()["content-security-policy"]
                .to_str()
                .is_ok_and(|policy| policy.contains("'self'"))
        );
    }
    assert_eq!(ask(&router, get("/assets/none.js")).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn pushes_of_three_senders_are_understood() {
    let (engine, router) = server();
    let github =
        json!({"ref": "refs/heads/main", "after": "1f", "repository": {"clone_url": "https://g/a.git"}})
            .to_string();
    let gitlab =
        json!({"ref": "refs/heads/main", "after": "2f", "project": {"git_http_url": "https://l/a.git"}})
            .to_string();
    let generic = json!({"ref": "refs/heads/main", "repository": "https://o/a"}).to_string();
    for (headers, body) in [
        (&[("x-github-event", "push")][..], github),
        (&[("x-gitlab-event", "Push Hook")], gitlab),
        (&[], generic),
    ] {
        assert_eq!(ask(&router, post("/api/webhook", headers, body)).await.0, StatusCode::OK);
    }
    let main = "refs/heads/main";
    let pushes = [("https://g/a.git", "1f"), ("https://l/a.git", "2f"), ("https://o/a", "")]
        .map(|(url, commit)| format!("push {url} {main} {commit}"));
    assert_eq!(done(&engine), pushes);
    let ping = ask(&router, post("/api/webhook", &[("x-github-event", "ping")], "{}")).await;
    assert_eq!((ping.0, done(&engine).len()), (StatusCode::OK, 3));
}

#[tokio::test]
async fn bad_pushes_are_refused_and_not_repeated() {
    let (engine, router) = server();
    for (body, status) in [
        (b"canary".to_vec(), StatusCode::BAD_REQUEST),
        (b"{}".to_vec(), StatusCode::BAD_REQUEST),
        (b"[1]".to_vec(), StatusCode::BAD_REQUEST),
        (vec![b' '; 3 * 1024 * 1024 + 1], StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (found, answer) = ask(&router, post("/api/webhook", &[], body)).await;
        assert_eq!(found, status);
        assert!(!answer.to_string().contains("canary"));
    }
    let of_page =
        post("/api/webhook", &[("origin", "http://evil.example")], r#"{"repository":"https://o/a"}"#);
    assert_eq!(ask(&router, of_page).await.0, StatusCode::FORBIDDEN);
    assert_eq!(done(&engine), Vec::<String>::new());
}

/// Each value of a body, by its pointer, gone or replaced by something else.
fn mutants(body: &Value) -> Vec<Value> {
    fn pointers(value: &Value, at: &str, into: &mut Vec<String>) {
        for (name, below) in value.as_object().into_iter().flatten() {
            into.push(format!("{at}/{name}"));
            pointers(below, &format!("{at}/{name}"), into);
        }
    }
    let mut places = Vec::new();
    pointers(body, "", &mut places);
    let mut mutants = vec![Value::Null, json!([]), json!("canary"), json!(1)];
    for place in places {
        let (parent, name) = place.rsplit_once('/').expect("a pointer has a slash");
        let mut without = body.clone();
        without.pointer_mut(parent).and_then(Value::as_object_mut).expect("it is there").shift_remove(name);
        mutants.push(without);
        for other in
            [Value::Null, json!(1.5), json!(true), json!(""), json!([]), json!({}), json!(["canary"])]
        {
            let mut mutant = body.clone();
            *mutant.pointer_mut(&place).expect("it is there") = other;
            mutants.push(mutant);
        }
    }
    mutants
}

#[tokio::test]
async fn bad_m2_pushes_with_any_field_missing_or_wrong_are_answered() {
    let hosts = ["clone_url", "html_url", "ssh_url", "git_url", "git_http_url", "web_url", "git_ssh_url"];
    let urls: serde_json::Map<String, Value> =
        hosts.map(|name| (name.to_owned(), json!(format!("https://g/{name}")))).into_iter().collect();
    let body = json!({"ref": "refs/heads/main", "after": "0", "repository": urls, "project": urls, "commits": {"id": "0"}});
    let generic = json!({"ref": "refs/heads/main", "repository": "https://o/a"});
    let (engine, router) = server();
    for (headers, body) in [
        (&[("x-github-event", "push")][..], &body),
        (&[("x-gitlab-event", "Push Hook")], &body),
        (&[], &generic),
    ] {
        for mutant in mutants(body) {
            let (status, answer) = ask(&router, post("/api/webhook", headers, mutant.to_string())).await;
            assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status), "{mutant}: {status}");
            assert!(!answer.to_string().contains("canary"), "{mutant}: {answer}");
            assert!(done(&engine).iter().all(|push| push.starts_with("push https://")), "{mutant}");
        }
    }
    assert_eq!(ask(&router, get("/healthz")).await.0, StatusCode::OK, "it goes on");
}

#[tokio::test]
async fn a_secret_makes_signatures_needed() {
    let (engine, router) = server();
    let body = r#"{"ref":"refs/heads/main","repository":{"clone_url":"https://g/a"},"project":{"web_url":"https://l/a"}}"#;
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"github-secret").expect("any key");
    mac.update(body.as_bytes());
    let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
    *engine.secrets.lock().expect("nothing panics while it holds this") =
        webhook_secrets(Some("github-secret"), Some("gitlab-secret"));
    let push = ("x-github-event", "push");
    let hook = ("x-gitlab-event", "Push Hook");
    for (headers, status) in [
        (vec![push], StatusCode::UNAUTHORIZED),
        (vec![push, ("x-hub-signature-256", "sha256=00")], StatusCode::UNAUTHORIZED),
        (vec![push, ("x-gitlab-token", "gitlab-secret")], StatusCode::UNAUTHORIZED),
        (vec![push, ("x-hub-signature-256", &signature)], StatusCode::OK),
        (vec![hook], StatusCode::UNAUTHORIZED),
        (vec![hook, ("x-gitlab-token", "gitlab-secret")], StatusCode::OK),
        (vec![], StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(ask(&router, post("/api/webhook", &headers, body)).await.0, status, "{headers:?}");
    }
    assert_eq!(done(&engine).len(), 2);
}

#[tokio::test]
async fn a_row_that_changes_often_is_told_at_most_five_times_a_second() {
    let (engine, router) = server();
    let response = router.oneshot(get("/api/belay/v1/stream")).await.expect("a router never fails");
    let mut body = response.into_body();
    let start = tokio::time::Instant::now();
    let changes = tokio::spawn(async move {
        for _ in 0..40 {
            engine.tick();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let mut messages = Vec::new();
    while !changes.is_finished() {
        if let Ok(Some(Ok(frame))) = tokio::time::timeout(Duration::from_millis(50), body.frame()).await {
            messages.push(String::from_utf8_lossy(&frame.into_data().unwrap_or_default()).into_owned());
        }
    }
    let allowed = usize::try_from(start.elapsed().as_millis() / 200).unwrap_or(usize::MAX) + 2;
    assert!(messages[0].contains("event: hello"), "{messages:?}");
    let told = messages
        .iter()
        .filter(|message| message.contains("event: apps") && message.contains("podinfo"))
        .count();
    assert!((2..=allowed).contains(&told), "{told} messages where {allowed} are allowed");
}

#[tokio::test]
async fn probes_answer_without_a_known_host() {
    let (_, router) = server();
    for path in ["/healthz", "/readyz", "/metrics"] {
        let request =
            Request::get(path).header("host", "pod.example").body(Body::empty()).expect("a valid request");
        assert_eq!(ask(&router, request).await.0, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn the_public_address_shows_no_app() {
    let router = public_router(Arc::new(MadeUp::new(0)));
    for path in ["/", "/api/belay/v1/apps", "/api/belay/v1/stream", APP] {
        assert_eq!(ask(&router, get(path)).await.0, StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(ask(&router, get("/readyz")).await.0, StatusCode::OK);
    let push = post("/api/webhook", &[], r#"{"repository":"https://o/a"}"#);
    assert_eq!(ask(&router, push).await.0, StatusCode::OK);
}

/// A connection over which this is said; what comes back, once the server ends it.
async fn said(address: std::net::SocketAddr, text: &[u8]) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("it listens");
    stream.write_all(text).await.expect("it reads");
    let mut answer = Vec::new();
    // Longer than anybody is given here. The clock is paused, and goes on when nobody has anything to do.
    let ended = tokio::time::timeout(Duration::from_secs(120), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "still open after {:?}", String::from_utf8_lossy(text));
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test(start_paused = true)]
async fn bad_r20_who_says_nothing_or_speaks_slowly_is_left() {
    let (_, router) = server();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(belay_server::serve(listener, router, async {
        let _ = stopped.await;
    }));
    let health = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";
    assert_eq!(said(address, b"").await, "", "nothing");
    assert_eq!(said(address, b"GET /healthz HTTP/1.1\r\nX-Slow: ").await, "", "half a head");
    let idle = said(address, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await;
    assert!(idle.starts_with("HTTP/1.1 200"), "{idle}");
    let body = "POST /api/webhook HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n{";
    let late = said(address, body.as_bytes()).await;
    assert!(late.starts_with("HTTP/1.1 408"), "{late}");
    // A flood of frames finds nobody who reads frames.
    let frames =
        [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), &[0, 0, 0, 4, 0, 0, 0, 0, 0].repeat(1000)].concat();
    let refused = said(address, &frames).await;
    assert!(!refused.contains("200"), "{refused}");
    assert!(said(address, health).await.starts_with("HTTP/1.1 200"));
    let _ = stop.send(());
    served.await.expect("no panic").expect("no error");
}
