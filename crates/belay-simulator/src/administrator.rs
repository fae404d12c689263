//! The hands of people: requests to the API that meet no fault.

use std::time::Duration;

use belay_localkube::{KubeService, ResponseBody};
use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tower::ServiceExt as _;

/// An administrator of the cluster.
#[derive(Clone)]
pub(crate) struct Administrator(KubeService);

impl Administrator {
    pub(crate) fn new(service: KubeService) -> Administrator {
        Administrator(service)
    }

    /// An object or a list; `Null` when it is not there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (code, body) = self.call("GET", path, "", &Value::Null).await;
        if code == 200 { body } else { Value::Null }
    }

    /// The items of a list.
    pub(crate) async fn list(&self, path: &str) -> Vec<Value> {
        match self.get(path).await["items"].take() {
            Value::Array(items) => items,
            _ => Vec::new(),
        }
    }

    pub(crate) async fn create(&self, collection: &str, object: &Value) -> u16 {
        self.call("POST", collection, "application/json", object).await.0
    }

    pub(crate) async fn merge(&self, path: &str, patch: &Value) -> u16 {
        self.call("PATCH", path, "application/merge-patch+json", patch).await.0
    }

    pub(crate) async fn delete(&self, path: &str) -> u16 {
        self.call("DELETE", path, "", &Value::Null).await.0
    }

    /// Tells of the objects of a collection as they are now, and of each change, for ever; and of each whether it is gone.
    pub(crate) async fn follow(&self, collection: &str, mut tell: impl FnMut(&Value, bool)) {
        loop {
            let request =
                Request::builder().uri(format!("{collection}?watch=true")).body(Full::new(Bytes::new()));
            let request = request.expect("the paths of the simulation are sound");
            let response: Response<ResponseBody> = match self.0.clone().oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            };
            let (mut body, mut text) = (response.into_body().into_data_stream(), Vec::new());
            while let Some(Ok(data)) = body.next().await {
                text.extend_from_slice(&data);
                while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = text.drain(..=end).collect();
                    let event: Value = serde_json::from_slice(&line).unwrap_or(Value::Null);
                    tell(&event["object"], event["type"] == "DELETED");
                }
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn call(&self, method: &str, path: &str, content_type: &str, body: &Value) -> (u16, Value) {
        let mut request = Request::builder().method(method).uri(path);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let bytes = if body.is_null() { Bytes::new() } else { Bytes::from(body.to_string()) };
        let request = request.body(Full::new(bytes)).expect("the paths of the simulation are sound");
        let response: Response<ResponseBody> = match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let code = response.status().as_u16();
        let body = match response.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(never) => match never {},
        };
        (code, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }
}
