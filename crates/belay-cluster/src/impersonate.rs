//! Requests in another's name.

use http::HeaderValue;
use http::header::InvalidHeaderValue;
use kube::Client;
use kube::client::Body;
use tower::service_fn;

const USER: &str = "impersonate-user";

/// A client whose requests are those of another user, as far as the API server grants the right to speak for them.
pub fn impersonate(client: &Client, user: &str) -> Result<Client, InvalidHeaderValue> {
    let (inner, user) = (client.clone(), HeaderValue::from_str(user)?);
    let service = service_fn(move |mut request: http::Request<Body>| {
        let (client, user) = (inner.clone(), user.clone());
        async move {
            request.headers_mut().insert(USER, user);
            client.send(request).await
        }
    });
    Ok(Client::new(service, client.default_namespace().to_owned()))
}

/// The user name of a service account.
pub fn service_account(namespace: &str, name: &str) -> String {
    format!("system:serviceaccount:{namespace}:{name}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{Request, Response};
    use k8s_openapi::api::core::v1::Namespace;
    use kube::api::Api;

    #[tokio::test]
    async fn requests_carry_the_user_and_answers_come_back() {
        let service = service_fn(|request: Request<Body>| async move {
            let user = request.headers()[USER].to_str().unwrap_or_default().to_owned();
            let status = format!(
                r#"{{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "{user} may not"}}"#
            );
            Ok::<_, std::convert::Infallible>(
                Response::builder().status(403).body(Body::from(status.into_bytes())).unwrap(),
            )
        });
        let client =
            impersonate(&Client::new(service, "default"), &service_account("apps", "robot")).unwrap();
        let error = Api::<Namespace>::all(client).get("x").await.unwrap_err();
        let kube::Error::Api(status) = error else { panic!("{error}") };
        assert_eq!((status.code, status.message.as_str()), (403, "system:serviceaccount:apps:robot may not"));
    }

    #[tokio::test]
    async fn a_name_that_is_no_header_is_refused() {
        let service = service_fn(|_: Request<Body>| async {
            Ok::<_, std::convert::Infallible>(Response::new(Body::empty()))
        });
        assert!(impersonate(&Client::new(service, "default"), "a\nb").is_err());
    }
}
