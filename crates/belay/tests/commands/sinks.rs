//! Who reads logs and spans, or does not: nobody waits for them.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::world::{World, application, commit, until};

fn settings(colour: &str) -> String {
    format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings}}\ndata: {{colour: {colour}}}\n")
}

async fn is_live(world: &World, colour: &str) {
    until(colour, async || {
        let map = world.get("v1", "ConfigMap", "shop", "settings").await?;
        (map["data"]["colour"] == colour).then_some(())
    })
    .await;
}

async fn refresh(world: &World) {
    let app = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd", "annotations": {"argocd.argoproj.io/refresh": "normal"}}});
    world.edit(app).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_nobody_reads_and_a_collector_that_never_answers_hold_nothing_up() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &settings("blue"));
    // It takes connections, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}", silent.local_addr().expect("an address"));
    let words = ["--controllers=argo", "--otlp-endpoint", endpoint.as_str()];
    let (_going, _unread) = world.run_unread(&words, "trace").await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    is_live(&world, "blue").await;
    for colour in ["green", "red", "white"] {
        commit(&repository, "apps/settings.yaml", &settings(colour));
        refresh(&world).await;
        is_live(&world, colour).await;
    }
}

/// Reads requests and answers them; gives their bodies.
async fn collect(listener: TcpListener, bodies: mpsc::UnboundedSender<Value>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(answer(stream, bodies.clone()));
    }
}

async fn answer(mut stream: TcpStream, bodies: mpsc::UnboundedSender<Value>) -> std::io::Result<()> {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        let whole = text.split_once("\r\n\r\n").filter(|(head, body)| {
            let head = head.to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            length == Some(body.len())
        });
        if let Some((head, body)) = whole {
            assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
            let _ = bodies.send(serde_json::from_str(body).expect("JSON"));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await?;
            read.clear();
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_steps_of_a_look_are_spans_below_it() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", &settings("blue"));
    let collector = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let endpoint = format!("http://{}/", collector.local_addr().expect("an address"));
    let (sender, mut bodies) = mpsc::unbounded_channel();
    let collecting = tokio::spawn(collect(collector, sender));
    let (_going, ..) = world.run(&["--controllers=argo", "--otlp-endpoint", &endpoint]).await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    let mut spans: Vec<Value> = Vec::new();
    let wanted = BTreeSet::from(["render", "compare", "apply", "report"]);
    let (look, steps) = loop {
        let next = tokio::time::timeout(Duration::from_secs(60), bodies.recv()).await;
        let body = next.expect("spans come").expect("the collector goes on");
        assert_eq!(body["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "belay");
        let new = body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().expect("spans").clone();
        spans.extend(new);
        let below = |look: &Value| -> BTreeSet<&str> {
            let steps = spans.iter().filter(|span| span["parentSpanId"] == look["spanId"]);
            steps
                .filter(|step| step["traceId"] == look["traceId"])
                .filter_map(|step| step["name"].as_str())
                .collect()
        };
        let looks = spans.iter().filter(|span| span["name"] == "look");
        if let Some(look) = looks.into_iter().find(|look| below(look) == wanted) {
            break (look.clone(), below(look).len());
        }
    };
    assert_eq!(steps, 4);
    assert_eq!(look["attributes"][0]["value"]["stringValue"], "Application/argocd/web");
    collecting.abort();
}
