//! Watches, kinds at runtime, and what the cluster does by itself.
#![expect(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read as _, Write as _};
use std::time::Duration;

use belay_localkube::{LocalKube, Options, ResponseBody, Settings};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use support::{Api, MAPS, config_map};

const CRDS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const WIDGETS: &str = "/apis/example.com/v1/namespaces/default/widgets";

/// An open watch.
struct Watch {
    body: ResponseBody,
    rest: Vec<u8>,
}

impl Watch {
    async fn open(api: &Api, path: &str) -> Self {
        let response = api.send(Request::get(path).body(Full::new(Bytes::new())).unwrap()).await;
        assert_eq!(response.status(), 200, "{path}");
        Self { body: response.into_body(), rest: Vec::new() }
    }

    /// The next event, or nothing at the end.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = tokio::time::timeout(Duration::from_secs(5), self.body.frame())
                .await
                .expect("an event in time")?;
            self.rest.extend_from_slice(&frame.unwrap().into_data().unwrap());
        }
    }

    async fn expect(&mut self, kind: &str, name: &str) -> Value {
        let event = self.next().await.expect("an event");
        assert_eq!(
            (event["type"].as_str(), event["object"]["metadata"]["name"].as_str()),
            (Some(kind), Some(name)),
            "{event}"
        );
        event
    }
}

#[tokio::test]
async fn a_watch_goes_on_from_its_version() {
    let api = Api::new();
    let (_, before) = api.get(MAPS).await;
    let version = before["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    api.post(MAPS, &config_map("x", json!({ "a": "1" }))).await;
    let mut watch = Watch::open(&api, &format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    watch.expect("ADDED", "x").await;
    api.patch(&format!("{MAPS}/x"), "application/merge-patch+json", &json!({ "data": { "a": "2" } })).await;
    assert_eq!(watch.expect("MODIFIED", "x").await["object"]["data"]["a"], "2");
    api.delete(&format!("{MAPS}/x")).await;
    watch.expect("DELETED", "x").await;
    api.local.compact();
    let mut old = Watch::open(&api, &format!("{MAPS}?watch=true&resourceVersion={version}")).await;
    let event = old.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(old.next().await, None);
}

#[tokio::test]
async fn a_watch_can_start_with_the_present_state_and_says_when_that_ends() {
    let api = Api::new();
    api.post(MAPS, &config_map("x", json!({}))).await;
    let query =
        "watch=true&sendInitialEvents=true&allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan";
    let mut watch = Watch::open(&api, &format!("{MAPS}?{query}")).await;
    watch.expect("ADDED", "x").await;
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    let (code, _) = api.get(&format!("{MAPS}?watch=true&sendInitialEvents=true")).await;
    assert_eq!(code, 422);
}

#[tokio::test(start_paused = true)]
async fn every_minute_a_bookmark_says_how_far_a_watch_is() {
    let api = Api::new();
    // It comes by itself.
    api.wait_for(&format!("{MAPS}/kube-root-ca.crt"), 200).await;
    let (_, before) = api.get(MAPS).await;
    let path = format!(
        "{MAPS}?watch=true&resourceVersion={}",
        before["metadata"]["resourceVersion"].as_str().unwrap()
    );
    let mut watch = Watch::open(&api, &format!("{path}&allowWatchBookmarks=true&timeoutSeconds=150")).await;
    let mut other = Watch::open(&api, &format!("{path}&timeoutSeconds=150")).await;
    let mut versions = vec![before["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()];
    for turn in 0..2 {
        // The watch itself has nothing to tell.
        let secret = json!({ "metadata": { "name": format!("s{turn}") } });
        assert_eq!(api.post("/api/v1/namespaces/default/secrets", &secret).await.0, 201);
        tokio::time::sleep(Duration::from_secs(58)).await;
        let early = tokio::time::timeout(Duration::from_secs(1), watch.body.frame()).await;
        assert!(early.is_err(), "a bookmark before its time");
        let bookmark = watch.next().await.unwrap();
        assert_eq!(
            (&bookmark["type"], &bookmark["object"]["kind"]),
            (&json!("BOOKMARK"), &json!("ConfigMap"))
        );
        let metadata = &bookmark["object"]["metadata"];
        assert_eq!(metadata["annotations"], Value::Null, "only the end of the present state has one");
        versions.push(metadata["resourceVersion"].as_str().unwrap().parse().unwrap());
    }
    assert!(versions.is_sorted_by(|one, next| one < next), "{versions:?}");
    // From there a watch goes on.
    let mut next = Watch::open(&api, &format!("{MAPS}?watch=true&resourceVersion={}", versions[2])).await;
    api.post(MAPS, &config_map("x", json!({}))).await;
    next.expect("ADDED", "x").await;
    watch.expect("ADDED", "x").await;
    other.expect("ADDED", "x").await;
    tokio::time::sleep(Duration::from_secs(28)).await;
    let last = watch.next().await.unwrap();
    assert_eq!(last["type"], "BOOKMARK", "as far as it came when it ends");
    assert_eq!(
        (watch.next().await, other.next().await),
        (None, None),
        "the other one asked for no bookmarks"
    );
}

#[tokio::test]
async fn a_selecting_watch_sees_objects_come_and_go() {
    let api = Api::new();
    let mut watch =
        Watch::open(&api, &format!("{MAPS}?watch=true&labelSelector=on%3Dyes&timeoutSeconds=1")).await;
    api.post(MAPS, &config_map("x", json!({}))).await;
    let label = |value: Value| json!({ "metadata": { "labels": { "on": value } } });
    let path = format!("{MAPS}/x");
    api.patch(&path, "application/merge-patch+json", &label(json!("yes"))).await;
    watch.expect("ADDED", "x").await;
    api.patch(&path, "application/merge-patch+json", &label(Value::Null)).await;
    watch.expect("DELETED", "x").await;
    assert_eq!(watch.next().await, None, "the watch ends in time");
}

fn widgets() -> Value {
    json!({ "metadata": { "name": "widgets.example.com" }, "spec": {
        "group": "example.com", "scope": "Namespaced", "names": { "plural": "widgets", "kind": "Widget" },
        "versions": [{ "name": "v1", "served": true, "storage": true, "subresources": { "status": {} },
            "additionalPrinterColumns": [{ "name": "Size", "type": "integer", "jsonPath": ".spec.size" }],
            "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                "spec": { "type": "object", "properties": {
                    "size": { "type": "integer", "default": 3, "maximum": 9 } } },
                "status": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } } } } }] } })
}

#[tokio::test]
async fn a_kind_that_is_served_anew_has_no_past() {
    let api = Api::new();
    let (_, before) = api.get(MAPS).await;
    let version = before["metadata"]["resourceVersion"].as_str().unwrap();
    api.post(CRDS, &widgets()).await;
    let mut watch = Watch::open(&api, &format!("{WIDGETS}?watch=true&resourceVersion={version}")).await;
    let event = watch.next().await.unwrap();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
    assert_eq!(watch.next().await, None);
    let (_, list) = api.get(WIDGETS).await;
    let version = list["metadata"]["resourceVersion"].as_str().unwrap();
    let mut watch = Watch::open(&api, &format!("{WIDGETS}?watch=true&resourceVersion={version}")).await;
    api.post(WIDGETS, &json!({ "metadata": { "name": "w" } })).await;
    watch.expect("ADDED", "w").await;
}

#[tokio::test]
async fn a_definition_serves_its_kind_until_it_is_deleted() {
    let api = Api::new();
    assert_eq!(api.get(WIDGETS).await.0, 404);
    let (code, crd) = api.post(CRDS, &widgets()).await;
    assert_eq!(code, 201);
    assert!(
        crd["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["type"] == "Established" && one["status"] == "True")
    );
    let body = json!({ "metadata": { "name": "w" }, "spec": { "junk": 1 }, "status": { "x": 1 } });
    let (code, widget) = api.post(WIDGETS, &body).await;
    assert_eq!((code, &widget["spec"], &widget["status"]), (201, &json!({ "size": 3 }), &Value::Null));
    let (code, status) = api
        .patch(&format!("{WIDGETS}/w"), "application/merge-patch+json", &json!({ "spec": { "size": 10 } }))
        .await;
    assert_eq!(code, 422);
    assert_eq!(
        status["message"],
        "Widget.example.com \"w\" is invalid: spec.size: Invalid value: 10: spec.size in body should be less than or equal to 9"
    );
    let table = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    assert_eq!(api.call("GET", WIDGETS, &table, &Value::Null).await.1["rows"][0]["cells"], json!(["w", 3]));
    let (_, document) = api.get("/openapi/v3/apis/example.com/v1").await;
    assert!(document["components"]["schemas"]["com.example.v1.Widget"].is_object());
    api.delete(&format!("{CRDS}/widgets.example.com")).await;
    api.wait_for(&format!("{CRDS}/widgets.example.com"), 404).await;
    assert_eq!(api.get(WIDGETS).await.0, 404);
}

fn owned(name: &str, owner: &Value) -> Value {
    let mut map = config_map(name, json!({}));
    map["metadata"]["ownerReferences"] = json!([{ "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "blockOwnerDeletion": true, "controller": true }]);
    map
}

#[tokio::test]
async fn what_nobody_owns_any_more_is_collected() {
    let api = Api::new();
    for (policy, code) in [("Background", 404), ("Foreground", 404), ("Orphan", 200)] {
        let (_, owner) = api.post(MAPS, &config_map("owner", json!({}))).await;
        api.post(MAPS, &owned("child", &owner)).await;
        api.delete(&format!("{MAPS}/owner?propagationPolicy={policy}")).await;
        api.wait_for(&format!("{MAPS}/owner"), 404).await;
        let child = api.wait_for(&format!("{MAPS}/child"), code).await;
        assert!(code == 404 || child["metadata"]["ownerReferences"].is_null(), "{policy}");
    }
}

#[tokio::test]
async fn a_foreground_deletion_waits_for_what_blocks_it() {
    let api = Api::new();
    let (_, owner) = api.post(MAPS, &config_map("owner", json!({}))).await;
    let mut child = owned("child", &owner);
    child["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.post(MAPS, &child).await;
    api.delete(&format!("{MAPS}/owner?propagationPolicy=Foreground")).await;
    api.wait_until(&format!("{MAPS}/child"), |_, child| child["metadata"]["deletionTimestamp"].is_string())
        .await;
    let (code, waiting) = api.get(&format!("{MAPS}/owner")).await;
    assert_eq!((code, &waiting["metadata"]["finalizers"]), (200, &json!(["foregroundDeletion"])));
    api.patch(
        &format!("{MAPS}/child"),
        "application/merge-patch+json",
        &json!({ "metadata": { "finalizers": null } }),
    )
    .await;
    api.wait_for(&format!("{MAPS}/owner"), 404).await;
}

#[tokio::test]
async fn a_namespace_is_emptied_before_it_goes() {
    let api = Api::new();
    let (_, space) = api.post("/api/v1/namespaces", &json!({ "metadata": { "name": "t" } })).await;
    assert_eq!(space["metadata"]["labels"]["kubernetes.io/metadata.name"], "t");
    let maps = "/api/v1/namespaces/t/configmaps";
    let mut map = config_map("x", json!({}));
    map["metadata"]["finalizers"] = json!(["example.com/hold"]);
    api.post(maps, &map).await;
    let (_, ending) = api.delete("/api/v1/namespaces/t").await;
    assert_eq!(ending["status"]["phase"], "Terminating");
    let (code, status) = api.post(maps, &config_map("y", json!({}))).await;
    assert_eq!((code, &status["details"]["causes"][0]["reason"]), (403, &json!("NamespaceTerminating")));
    api.wait_until(&format!("{maps}/x"), |_, map| map["metadata"]["deletionTimestamp"].is_string()).await;
    assert_eq!(api.get("/api/v1/namespaces/t").await.0, 200);
    api.patch(
        &format!("{maps}/x"),
        "application/merge-patch+json",
        &json!({ "metadata": { "finalizers": null } }),
    )
    .await;
    api.wait_for("/api/v1/namespaces/t", 404).await;
}

fn template(image: &str, policy: &str) -> Value {
    json!({ "metadata": { "labels": { "app": "x" } }, "spec": { "restartPolicy": policy, "containers": [{ "name": "main", "image": image }] } })
}

#[tokio::test]
async fn deployments_roll_out_and_broken_images_do_not() {
    let api = Api::with(&Settings::default());
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let spec = json!({ "replicas": 2, "selector": { "matchLabels": { "app": "x" } }, "template": template("nginx", "Always") });
    api.post(deployments, &json!({ "metadata": { "name": "x" }, "spec": spec })).await;
    let path = format!("{deployments}/x");
    let service = json!({ "selector": { "app": "x" }, "ports": [{ "port": 80, "targetPort": 8080 }] });
    api.post("/api/v1/namespaces/default/services", &json!({ "metadata": { "name": "x" }, "spec": service }))
        .await;
    api.wait_until(&path, |_, live| live["status"]["availableReplicas"] == 2).await;
    let slices = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
    api.wait_until(slices, |_, slices| {
        let slice = &slices["items"][0];
        slice["endpoints"].as_array().is_some_and(|endpoints| endpoints.len() == 2)
            && slice["ports"][0]["port"] == 8080
    })
    .await;
    let image = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "main", "image": "nginx:broken" }] } } } });
    api.patch(&path, "application/strategic-merge-patch+json", &image).await;
    api.wait_until("/api/v1/namespaces/default/pods", |_, pods| {
        pods["items"].as_array().unwrap().iter().any(|pod| {
            pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
    })
    .await;
    let (_, live) = api.get(&path).await;
    assert_eq!(live["status"]["readyReplicas"], 2, "the old pods stay: {}", live["status"]);
    api.delete(&format!("{path}?propagationPolicy=Foreground")).await;
    api.wait_for(&path, 404).await;
    api.wait_until("/api/v1/namespaces/default/pods", |_, pods| pods["items"] == json!([])).await;
}

#[tokio::test]
async fn jobs_complete_sets_come_up_in_order_and_claims_are_bound() {
    let api = Api::with(&Settings::default());
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    api.post(
        jobs,
        &json!({ "metadata": { "name": "j" }, "spec": { "template": template("busybox", "Never") } }),
    )
    .await;
    let sets = "/apis/apps/v1/namespaces/default/statefulsets";
    let spec = json!({ "replicas": 2, "serviceName": "s", "selector": { "matchLabels": { "app": "x" } }, "template": template("db", "Always") });
    api.post(sets, &json!({ "metadata": { "name": "s" }, "spec": spec })).await;
    let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
    let claim =
        json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } });
    api.post(claims, &json!({ "metadata": { "name": "c" }, "spec": claim })).await;
    api.wait_until(&format!("{claims}/c"), |_, claim| claim["status"]["phase"] == "Bound").await;
    api.wait_until(&format!("{sets}/s"), |_, set| set["status"]["readyReplicas"] == 2).await;
    assert_eq!(api.get("/api/v1/namespaces/default/pods/s-1").await.0, 200);
    let done = api.wait_until(&format!("{jobs}/j"), |_, job| job["status"]["succeeded"] == 1).await;
    assert!(done["status"]["completionTime"].is_string());
}

#[tokio::test]
async fn a_served_cluster_has_a_kubeconfig_and_keeps_its_data() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        simulate_workloads: false,
        data: Some(folder.path().join("data.json")),
        ..Settings::default()
    };
    let options =
        Options { dir: folder.path().join("kube"), http_port: Some(0), settings, ..Options::default() };
    let running = LocalKube::start(options.clone()).await.unwrap();
    let taken: u16 = running.api_url.rsplit(':').next().unwrap().parse().unwrap();
    let second =
        LocalKube::start(Options { port: Some(taken), settings: Settings::default(), ..options.clone() })
            .await;
    assert!(second.unwrap_err().to_string().starts_with("cannot listen on 127.0.0.1:"));
    let client = client(&running.kubeconfig).await;
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> = kube::Api::default_namespaced(client);
    let map = serde_json::from_value(config_map("kept", json!({ "a": "1" }))).unwrap();
    maps.create(&kube::api::PostParams::default(), &map).await.unwrap();
    running.shutdown().await.unwrap();
    let again = LocalKube::start(options).await.unwrap();
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::default_namespaced(self::client(&again.kubeconfig).await);
    assert_eq!(maps.get("kept").await.unwrap().data.unwrap()["a"], "1");
    again.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_too_much_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    let options = Options { dir: folder.path().join("kube"), http_port: Some(0), ..Options::default() };
    let running = LocalKube::start(options).await.unwrap();
    let address = running.http_url.as_ref().unwrap().trim_start_matches("http://").to_owned();
    let token = running.token.clone();
    let answer = tokio::task::spawn_blocking(move || {
        let mut connection = std::net::TcpStream::connect(&address).unwrap();
        let body = vec![b' '; 12 * 1024 * 1024];
        let head = format!(
            "POST {MAPS} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(&body).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    })
    .await
    .unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("Request entity too large: limit is 3145728"), "{answer}");
    running.shutdown().await.unwrap();
}

async fn client(kubeconfig: &std::path::Path) -> kube::Client {
    let config = kube::config::Kubeconfig::read_from(kubeconfig).unwrap();
    let config = kube::Config::from_custom_kubeconfig(config, &kube::config::KubeConfigOptions::default())
        .await
        .unwrap();
    kube::Client::try_from(config).unwrap()
}

#[tokio::test]
async fn a_namespace_is_given_an_account_and_a_certificate_again_and_again() {
    let api = Api::new();
    api.post("/api/v1/namespaces", &json!({ "metadata": { "name": "team" } })).await;
    let account = "/api/v1/namespaces/team/serviceaccounts/default";
    api.wait_for(account, 200).await;
    api.wait_for("/api/v1/namespaces/team/configmaps/kube-root-ca.crt", 200).await;
    assert_eq!(api.delete(account).await.0, 200);
    api.wait_for(account, 200).await;
}

#[tokio::test(start_paused = true)]
async fn a_cron_job_runs_by_the_clock() {
    let clock = belay_localkube::Clock::starting_at("2026-01-01T00:00:30Z".parse().unwrap());
    let api = Api::with(&Settings { clock, ..Settings::default() });
    let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "c", "image": "c:1" }] });
    let spec = json!({
        "schedule": "*/2 * * * *", "successfulJobsHistoryLimit": 2,
        "jobTemplate": { "spec": { "template": { "spec": pod } } },
    });
    let cron_jobs = "/apis/batch/v1/namespaces/default/cronjobs";
    assert_eq!(api.post(cron_jobs, &json!({ "metadata": { "name": "tick" }, "spec": spec })).await.0, 201);
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    let names = |listed: &Value| -> Vec<String> {
        let items = listed["items"].as_array().unwrap();
        items.iter().map(|job| job["metadata"]["name"].as_str().unwrap().to_owned()).collect()
    };
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(names(&api.get(jobs).await.1), Vec::<String>::new(), "nothing is due yet");
    tokio::time::sleep(Duration::from_secs(40)).await;
    // Two minutes past midnight, in minutes since 1970.
    assert_eq!(names(&api.get(jobs).await.1), ["tick-29453762"]);
    tokio::time::sleep(Duration::from_secs(6 * 60)).await;
    assert_eq!(names(&api.get(jobs).await.1), ["tick-29453766", "tick-29453768"], "the oldest is gone");
    let (_, tick) = api.get(&format!("{cron_jobs}/tick")).await;
    assert_eq!(tick["status"]["lastScheduleTime"], "2026-01-01T00:08:00Z");
}

#[tokio::test]
async fn endpoints_follow_the_pods_of_a_service() {
    let api = Api::with(&Settings::default());
    let pod = json!({ "containers": [{ "name": "c", "image": "c:1", "ports": [{ "name": "web", "containerPort": 8080 }] }] });
    let pods = "/api/v1/namespaces/default/pods";
    api.post(pods, &json!({ "metadata": { "name": "p", "labels": { "a": "b" } }, "spec": pod })).await;
    let spec = json!({ "selector": { "a": "b" }, "ports": [{ "port": 80, "targetPort": "web" }] });
    let services = "/api/v1/namespaces/default/services";
    api.post(services, &json!({ "metadata": { "name": "s" }, "spec": spec })).await;
    let endpoints = "/api/v1/namespaces/default/endpoints/s";
    let found = api.wait_until(endpoints, |_, found| found["subsets"][0]["addresses"].is_array()).await;
    assert_eq!(found["subsets"][0]["ports"][0]["port"], 8080);
    assert_eq!(found["subsets"][0]["addresses"][0]["targetRef"]["name"], "p");
    api.delete(&format!("{services}/s")).await;
    api.wait_for(endpoints, 404).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_fails_is_tried_again_later_and_later() {
    let clock = belay_localkube::Clock::starting_at("2026-01-01T00:00:00Z".parse().unwrap());
    let api = Api::with(&Settings { clock, ..Settings::default() });
    let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "c", "image": "c:1", "command": ["false"] }] });
    let spec = json!({ "backoffLimit": 6, "template": { "spec": pod } });
    let jobs = "/apis/batch/v1/namespaces/default/jobs";
    assert_eq!(api.post(jobs, &json!({ "metadata": { "name": "j" }, "spec": spec })).await.0, 201);
    let start = tokio::time::Instant::now();
    loop {
        let (_, job) = api.get(&format!("{jobs}/j")).await;
        let conditions = job["status"]["conditions"].as_array().cloned().unwrap_or_default();
        if conditions.iter().any(|condition| condition["type"] == "Failed") {
            assert_eq!(job["status"]["failed"], 7);
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(60), "{job}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // Seven pods of about half a second, and six pauses that double from a tenth of one.
    assert!(start.elapsed() > Duration::from_secs(3 + 6), "{:?}", start.elapsed());
}
