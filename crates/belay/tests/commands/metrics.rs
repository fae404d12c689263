//! `/metrics` and `/debug` of a running Belay.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::world::{World, application, commit, git_repository, kustomization, until};

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue}\n";

/// The samples of a page, by name and labels as they stand there.
async fn samples(base: &str) -> BTreeMap<String, f64> {
    let answer = reqwest::get(format!("{base}/metrics")).await.expect("an answer");
    assert_eq!(answer.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = answer.text().await.expect("a text");
    let sample = |line: &str| {
        let (name, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("no sample: {line}"));
        (name.to_owned(), value.parse().unwrap_or_else(|_| panic!("no number: {line}")))
    };
    text.lines().filter(|line| !line.starts_with('#')).map(sample).collect()
}

fn of_app<'a>(samples: &'a BTreeMap<String, f64>, name: &str) -> Vec<&'a str> {
    let label = format!("name=\"{name}\"");
    samples.keys().filter(|sample| sample.contains(&label)).map(String::as_str).collect()
}

fn flux_resources(url: &str) -> [Value; 2] {
    let mut maps = kustomization("maps", "shop", "config", "./flux");
    maps["spec"]["targetNamespace"] = json!("shop");
    [git_repository("config", "shop", url, "10m"), maps]
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_are_counted_under_the_names_of_their_families_and_go_with_them() {
    let world = World::new().await;
    let (_git, repository, url) = world.git().await;
    commit(&repository, "apps/settings.yaml", MAP);
    commit(&repository, "flux/settings.yaml", &MAP.replace("settings", "others"));
    let (_going, base, _) = world.run(&["--debug-endpoints"]).await;
    world.apply(application("web", "argocd", &url, "apps")).await;
    for resource in flux_resources(&url) {
        world.apply(resource).await;
    }
    let synced = "argocd_app_sync_total{dest_server=\"https://kubernetes.default.svc\",dry_run=\"false\",name=\"web\",\
                  namespace=\"argocd\",phase=\"Succeeded\",project=\"default\"}";
    let ready = "gotk_resource_info{chart_app_version=\"\",chart_name=\"\",chart_source_name=\"\",chart_version=\"\",\
                 customresource_group=\"kustomize.toolkit.fluxcd.io\",customresource_kind=\"Kustomization\",\
                 customresource_version=\"v1\",exported_namespace=\"shop\",name=\"maps\",ready=\"True\",";
    let wanted = [
        "argocd_app_info{autosync_enabled=\"true\",dest_namespace=\"shop\"",
        "argocd_app_reconcile_bucket{dest_server=\"https://kubernetes.default.svc\",namespace=\"argocd\",le=\"0.25\"}",
        "argocd_app_k8s_request_total{dry_run=\"false\",name=\"web\",namespace=\"argocd\",project=\"default\",\
         resource_kind=\"configmaps\",resource_namespace=\"shop\",response_code=\"201\"",
        "argocd_cluster_info{k8s_version=",
        "argocd_git_request_total{repo=",
        "gotk_reconcile_duration_seconds_count{kind=\"Kustomization\",name=\"maps\",namespace=\"shop\"}",
        "controller_runtime_reconcile_total{controller=\"kustomization\",result=\"requeue_after\"}",
        "rest_client_requests_total{code=\"200\",host=\"kubernetes.default.svc\",method=\"GET\"}",
        "belay_renders_total{cache=\"miss\",family=\"argo\"}",
        "belay_app_sync_age_seconds{kind=\"Application\",name=\"web\",namespace=\"argocd\"}",
        "belay_app_sync_age_seconds{kind=\"Kustomization\",name=\"maps\",namespace=\"shop\"}",
    ];
    until("everything is counted", async || {
        let found = samples(&base).await;
        let is_ready = found.keys().any(|sample| sample.starts_with(ready));
        let is_there = |wanted: &&str| found.keys().any(|sample| sample.starts_with(wanted));
        (found.get(synced) == Some(&1.0) && is_ready && wanted.iter().all(is_there)).then_some(())
    })
    .await;
    let looks = reqwest::get(format!("{base}/debug")).await.expect("an answer");
    let looks: Value = looks.json().await.expect("JSON");
    assert!(looks["looks"].is_array(), "{looks}");

    world.delete("argoproj.io/v1alpha1", "Application", "argocd", "web").await;
    world.delete("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "shop", "maps").await;
    until("their series are gone", async || {
        let left = samples(&base).await;
        (of_app(&left, "web").is_empty() && of_app(&left, "maps").is_empty()).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_worked_on_is_shown_only_when_that_was_asked_for() {
    let world = World::new().await;
    let (_going, base, _) = world.run(&[]).await;
    let answer = reqwest::get(format!("{base}/debug")).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 404);
}
