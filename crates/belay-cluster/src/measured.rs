//! Requests, counted: all of them, and those of an app as that app's.

use belay_metrics::{AppName, KubernetesRequest, Metrics};
use kube::Client;
use kube::client::Body;
use tower::service_fn;

tokio::task_local! {
    /// The app that this task works for.
    static APP: AppName;
}

/// Counts the requests of some work as an app's.
pub async fn for_app<T>(app: AppName, work: impl Future<Output = T>) -> T {
    APP.scope(app, work).await
}

/// A client whose requests are counted. `host` is the API server's, as it is shown.
pub fn measured(client: &Client, metrics: &Metrics, host: &str) -> Client {
    let (inner, metrics, host) = (client.clone(), metrics.clone(), host.to_owned());
    let service = service_fn(move |request: http::Request<Body>| {
        let (client, metrics, host) = (inner.clone(), metrics.clone(), host.clone());
        async move {
            let (method, uri) = (request.method().clone(), request.uri().clone());
            let answer = client.send(request).await;
            let code =
                answer.as_ref().map_or("<error>".to_owned(), |answer| answer.status().as_u16().to_string());
            let request = KubernetesRequest {
                method: method.as_str(),
                path: uri.path(),
                query: uri.query().unwrap_or_default(),
                host: &host,
                code: &code,
            };
            APP.try_with(|app| metrics.kubernetes_request(Some(app), &request))
                .unwrap_or_else(|_nobody| metrics.kubernetes_request(None, &request));
            answer
        }
    });
    Client::new(service, client.default_namespace().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Pod;
    use kube::api::Api;

    #[tokio::test]
    async fn requests_are_counted_as_those_of_the_app_that_is_worked_for() {
        let service = service_fn(|_: Request<Body>| async {
            let answer = Response::builder().status(404).body(Body::empty());
            Ok::<_, std::convert::Infallible>(answer.expect("an answer"))
        });
        let metrics = Metrics::new();
        let client = measured(&Client::new(service, "default"), &metrics, "there");
        let app = AppName {
            namespace: "argocd".into(),
            name: "web".into(),
            project: "default".into(),
            server: "https://there".into(),
        };
        let pods = Api::<Pod>::namespaced(client, "shop");
        let _ = for_app(app, pods.get("a")).await;
        let _ = pods.get("a").await;
        let text = metrics.text(&[]);
        let all = "rest_client_requests_total{code=\"404\",host=\"there\",method=\"GET\"} 2";
        assert!(text.contains(all), "{text}");
        let of_app = text.lines().find(|line| line.starts_with("argocd_app_k8s_request_total{"));
        assert_eq!(
            of_app,
            Some(
                "argocd_app_k8s_request_total{dry_run=\"false\",name=\"web\",namespace=\"argocd\",project=\"default\",\
                 resource_kind=\"pods\",resource_namespace=\"shop\",response_code=\"404\",server=\"https://there\",\
                 verb=\"Get\"} 1"
            )
        );
    }
}
