//! Talking to the service in process.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test binary uses a part of it")]

use belay_localkube::{KubeService, LocalKube, ResponseBody, Settings};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tower::ServiceExt as _;

pub struct Api {
    pub local: LocalKube,
    service: KubeService,
}

impl Api {
    /// An API without simulated workloads.
    pub fn new() -> Self {
        Self::with(&Settings { simulate_workloads: false, ..Settings::default() })
    }

    pub fn with(settings: &Settings) -> Self {
        let local = LocalKube::new(settings);
        let service = local.service();
        Self { local, service }
    }

    pub async fn send(&self, request: Request<Full<Bytes>>) -> Response<ResponseBody> {
        self.service.clone().oneshot(request).await.expect("the service never fails")
    }

    /// Code and body of any request.
    pub async fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let response = self.send(request.body(Full::new(bytes)).expect("a request")).await;
        let code = response.status().as_u16();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    pub async fn get(&self, path: &str) -> (u16, Value) {
        self.call("GET", path, &[], &Value::Null).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("POST", path, &[("content-type", "application/json")], body).await
    }

    pub async fn put(&self, path: &str, body: &Value) -> (u16, Value) {
        self.call("PUT", path, &[("content-type", "application/json")], body).await
    }

    pub async fn delete(&self, path: &str) -> (u16, Value) {
        self.call("DELETE", path, &[], &Value::Null).await
    }

    pub async fn patch(&self, path: &str, media: &str, body: &Value) -> (u16, Value) {
        self.call("PATCH", path, &[("content-type", media)], body).await
    }

    pub async fn apply(&self, path: &str, manager: &str, body: &Value) -> (u16, Value) {
        let separator = if path.contains('?') { '&' } else { '?' };
        self.patch(&format!("{path}{separator}fieldManager={manager}"), "application/apply-patch+yaml", body)
            .await
    }

    /// Wait until a GET answers with this code.
    pub async fn wait_for(&self, path: &str, code: u16) -> Value {
        self.wait_until(path, |found, _| found == code).await
    }

    pub async fn wait_until(&self, path: &str, holds: impl Fn(u16, &Value) -> bool) -> Value {
        let mut last = (0, Value::Null);
        for _ in 0..200 {
            last = self.get(path).await;
            if holds(last.0, &last.1) {
                return last.1;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("{path} did not become what was expected: {last:?}");
    }
}

pub fn config_map(name: &str, data: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
}

pub const MAPS: &str = "/api/v1/namespaces/default/configmaps";
