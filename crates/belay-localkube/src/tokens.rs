//! Tokens of service accounts: made on request, read when somebody carries one, reviewed.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use crate::api::Answer;
use crate::cluster::{Cluster, State};
use crate::object::{items, name, namespace, number, set, text, uid};
use crate::request::{Request, Target, User};
use crate::status::ApiError;
use crate::store::GroupResource;

/// Whom tokens are meant for if nobody says.
const AUDIENCE: &str = "https://kubernetes.default.svc";
/// `{"alg":"HS256","typ":"JWT"}`: the cluster signs for nobody but itself.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
const SHORTEST: i64 = 600;
const HOUR: i64 = 3600;

/// What the cluster knows of itself.
pub(crate) struct Identity {
    key: [u8; 32],
    /// The certificate that clients trust, as PEM; empty without HTTPS.
    pub(crate) authority: String,
    /// The administrator's token, when the API is served to others.
    pub(crate) admin: String,
}

impl Identity {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self { key, authority: String::new(), admin: String::new() }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Identity")
    }
}

/// Who carries a token, if it is good: the administrator, or an account that still is there.
pub(crate) fn bearer(state: &State, token: &str) -> Option<User> {
    let admin = state.identity.admin.as_str();
    if !admin.is_empty() && is_same_text(token, admin) {
        return Some(User::admin());
    }
    verify(state, token).map(|claims| user_of(&claims))
}

/// Equal, in a time that does not tell where they differ.
fn is_same_text(left: &str, right: &str) -> bool {
    left.len() == right.len()
        && left.bytes().zip(right.bytes()).fold(0, |odd, (left, right)| odd | (left ^ right)) == 0
}

/// `POST …/serviceaccounts/NAME/token`.
pub(crate) fn create(cluster: &Cluster, request: &Request, target: &Target) -> Result<Answer, ApiError> {
    if request.method != Method::POST {
        return Err(ApiError::method_not_allowed());
    }
    let mut body = crate::body::object(request)?;
    cluster.with(|state| {
        let account = state.live(&target.definition, &target.namespace, &target.name)?;
        let seconds = number(&body, &["spec", "expirationSeconds"]).unwrap_or(HOUR);
        if seconds < SHORTEST {
            let said = "may not specify a duration less than 10 minutes";
            let error = belay_schema::FieldError::invalid("spec.expirationSeconds", &json!(seconds), said);
            return Err(ApiError::invalid("authentication.k8s.io", "TokenRequest", "", &[error]));
        }
        let mut audiences = items(&body, &["spec", "audiences"]).to_vec();
        if audiences.is_empty() {
            audiences.push(AUDIENCE.into());
        }
        let now = state.clock.now().as_second();
        let expires = now + seconds;
        let claims = json!({
            "aud": audiences, "exp": expires, "iat": now, "iss": AUDIENCE, "jti": state.random.uid(), "nbf": now,
            "kubernetes.io": { "namespace": target.namespace, "serviceaccount": { "name": target.name, "uid": uid(&account) } },
            "sub": format!("system:serviceaccount:{}:{}", target.namespace, target.name),
        });
        body["kind"] = "TokenRequest".into();
        body["apiVersion"] = "authentication.k8s.io/v1".into();
        set(&mut body, &["metadata", "name"], target.name.as_str().into());
        set(&mut body, &["metadata", "namespace"], target.namespace.as_str().into());
        set(&mut body, &["metadata", "creationTimestamp"], state.clock.seconds().into());
        set(&mut body, &["spec", "audiences"], audiences.into());
        set(&mut body, &["spec", "expirationSeconds"], seconds.into());
        if body["spec"]["boundObjectRef"].is_null() {
            set(&mut body, &["spec", "boundObjectRef"], Value::Null);
        }
        let expires = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX);
        body["status"] =
            json!({ "token": sign(state, &claims), "expirationTimestamp": crate::clock::seconds(expires) });
        Ok(Answer::created(body))
    })
}

/// `TokenReview`: whether a token is good, and whose it is.
pub(crate) fn review(state: &State, review: &mut Value) {
    let token = text(review, &["spec", "token"]).to_owned();
    let asked: Vec<Value> = items(review, &["spec", "audiences"]).to_vec();
    let Some(user) = bearer(state, &token) else {
        review["status"] = json!({ "user": {}, "error": "[invalid bearer token, unknown]" });
        return;
    };
    let claims = verify(state, &token);
    let own = claims
        .as_ref()
        .map(|claims| items(claims, &["aud"]).to_vec())
        .unwrap_or_else(|| vec![AUDIENCE.into()]);
    let wanted = if asked.is_empty() { vec![AUDIENCE.into()] } else { asked };
    let shared: Vec<&Value> = own.iter().filter(|audience| wanted.contains(audience)).collect();
    if shared.is_empty() {
        review["status"] =
            json!({ "user": {}, "error": "[invalid bearer token, token audiences do not match]" });
        return;
    }
    let mut shown = json!({ "username": user.name });
    if !user.uid.is_empty() {
        shown["uid"] = user.uid.as_str().into();
    }
    shown["groups"] = json!(user.groups);
    review["status"] = json!({ "authenticated": true, "user": shown, "audiences": shared });
}

fn sign(state: &State, claims: &Value) -> String {
    let text = format!("{HEADER}.{}", URL_SAFE_NO_PAD.encode(claims.to_string()));
    let signature = URL_SAFE_NO_PAD.encode(signer(state, &text).finalize().into_bytes());
    format!("{text}.{signature}")
}

fn signer(state: &State, text: &str) -> Hmac<Sha256> {
    let mut signer =
        Hmac::<Sha256>::new_from_slice(&state.identity.key).expect("a key of any length will do");
    signer.update(text.as_bytes());
    signer
}

/// The claims of a token that this cluster signed, that is not over, and whose account is there.
fn verify(state: &State, token: &str) -> Option<Value> {
    let (text, signature) = token.rsplit_once('.')?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    signer(state, text).verify_slice(&signature).ok()?;
    let claims = URL_SAFE_NO_PAD.decode(text.split_once('.')?.1).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    let is_over = claims["exp"].as_i64()? <= state.clock.now().as_second();
    let (space, account) = subject(&claims);
    let accounts = GroupResource::new("", "serviceaccounts");
    let live = state.store.get(&accounts, space, account)?;
    let is_same = uid(live) == text_of(&claims, "uid") && namespace(live) == space && name(live) == account;
    (!is_over && is_same).then_some(claims)
}

fn subject(claims: &Value) -> (&str, &str) {
    (text(claims, &["kubernetes.io", "namespace"]), text_of(claims, "name"))
}

fn text_of<'v>(claims: &'v Value, field: &str) -> &'v str {
    text(claims, &["kubernetes.io", "serviceaccount", field])
}

fn user_of(claims: &Value) -> User {
    let (space, account) = subject(claims);
    User {
        name: format!("system:serviceaccount:{space}:{account}"),
        uid: text_of(claims, "uid").to_owned(),
        groups: vec![
            "system:serviceaccounts".into(),
            format!("system:serviceaccounts:{space}"),
            "system:authenticated".into(),
        ],
    }
}
