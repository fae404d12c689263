//! A kube-rs client meets the API in process.

use belay_localkube::{LocalKube, Settings};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, Patch, PatchParams, PostParams};
use serde_json::json;

#[tokio::test]
async fn an_applied_field_of_another_manager_conflicts() {
    let local = LocalKube::new(&Settings { simulate_workloads: false, ..Settings::default() });
    let maps: Api<ConfigMap> = Api::namespaced(kube::Client::new(local.service(), "default"), "default");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let applied =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "2"}});
    let refused = maps.patch("x", &PatchParams::apply("me"), &Patch::Apply(&applied)).await.unwrap_err();
    assert!(matches!(&refused, kube::Error::Api(status) if status.code == 409), "{refused}");
    let forced = maps.patch("x", &PatchParams::apply("me").force(), &Patch::Apply(&applied)).await.unwrap();
    assert_eq!(forced.data.unwrap()["a"], "2");
}
