//! Admission webhooks that see every ConfigMap and Deployment of the apps: one adds something to them, and is slow or away
//! at times; the other refuses some.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use belay_localkube::{LocalKube, WebhookAnswer};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use crate::administrator::Administrator;

const ADDS: &str = "https://gate.example.com/adds";
const JUDGES: &str = "https://gate.example.com/judges";
/// What is added to an object.
const SEEN: &str = "gate.example.com/seen";
/// After how long a webhook is given up, in seconds.
const PATIENCE: u64 = 5;
/// What the API server finds where nobody answers.
const UNREACHED: &str = "dial tcp gate.example.com:443: connect: connection refused";

/// How the gate is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It lets everything through, with what it adds.
    Open,
    /// Some answers take long, every other of these too long.
    Slow,
    /// Some objects are refused.
    Strict,
    /// Some questions are not answered.
    Away,
}

/// The gate of a world.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Mutex<State>>);

struct State {
    mood: Mood,
    random: StdRng,
    /// How often it did what.
    met: BTreeMap<&'static str, u64>,
}

impl Gate {
    /// A gate that answers; nobody asks before it is set up.
    pub(crate) fn new(seed: u64, local: &LocalKube) -> Gate {
        let random = StdRng::seed_from_u64(seed);
        let gate = Gate(Arc::new(Mutex::new(State { mood: Mood::Open, random, met: BTreeMap::new() })));
        let (adds, judges) = (gate.clone(), gate.clone());
        local.answer_webhook(ADDS, move |review| adds.answer(review, Some(addition(review))));
        local.answer_webhook(JUDGES, move |review| judges.answer(review, None));
        gate
    }

    /// From now on the API server asks at the gate, which is in this mood.
    pub(crate) async fn set_up(&self, people: &Administrator, namespaces: &[&str], mood: Mood) {
        self.lock().mood = mood;
        for (kind, url) in [("Mutating", ADDS), ("Validating", JUDGES)] {
            let collection =
                format!("/apis/admissionregistration.k8s.io/v1/{}webhookconfigurations", kind.to_lowercase());
            people.create(&collection, &configuration(kind, url, namespaces)).await;
        }
    }

    /// Everything passes again.
    pub(crate) fn open(&self) {
        self.lock().mood = Mood::Open;
    }

    /// How often it did what.
    pub(crate) fn met(&self) -> BTreeMap<&'static str, u64> {
        self.lock().met.clone()
    }

    /// The answer of the one that adds this, or of the one that judges.
    fn answer(&self, review: &Value, addition: Option<Value>) -> WebhookAnswer {
        let mut state = self.lock();
        let mood = if state.random.random_bool(0.3) { state.mood } else { Mood::Open };
        let passed = Ok(said(review, addition.as_ref(), None));
        let (what, after, review) = match (mood, addition) {
            (Mood::Away, _) => ("a webhook that is away", Duration::ZERO, Err(UNREACHED.to_owned())),
            (Mood::Slow, _) => {
                let seconds = if state.random.random_bool(0.5) { 2 * PATIENCE } else { PATIENCE / 2 };
                ("a slow webhook", Duration::from_secs(seconds), passed)
            }
            (Mood::Strict, None) => {
                let refused = Ok(said(review, None, Some("not today")));
                ("an object that a webhook refuses", Duration::ZERO, refused)
            }
            (_, None) => ("an object that a webhook lets pass", Duration::ZERO, passed),
            (_, Some(_)) => ("an object that a webhook changes", Duration::ZERO, passed),
        };
        *state.met.entry(what).or_default() += 1;
        WebhookAnswer { after, review }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn configuration(kind: &str, url: &str, namespaces: &[&str]) -> Value {
    json!({
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": format!("{kind}WebhookConfiguration"),
        "metadata": {"name": "gate"},
        "webhooks": [{
            "name": "gate.example.com",
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "timeoutSeconds": PATIENCE,
            "clientConfig": {"url": url},
            "namespaceSelector": {"matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "In", "values": namespaces}]},
            "rules": [
                {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["configmaps"]},
                {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"]},
            ],
        }],
    })
}

/// What is added to an object: an annotation, and a field beside those that Git names.
fn addition(review: &Value) -> Value {
    let object = &review["request"]["object"];
    let mut patch = Vec::new();
    if object["metadata"]["annotations"].is_null() {
        patch.push(json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
    }
    let annotation = format!("/metadata/annotations/{}", SEEN.replace('/', "~1"));
    patch.push(json!({"op": "add", "path": annotation, "value": "yes"}));
    match object["kind"].as_str() {
        Some("ConfigMap") if object["data"].is_object() => {
            patch.push(json!({"op": "add", "path": "/data/region", "value": "north"}));
        }
        Some("Deployment") => {
            patch.push(json!({"op": "add", "path": "/spec/template/spec/nodeSelector", "value": {"region": "north"}}));
        }
        _ => {}
    }
    Value::Array(patch)
}

fn said(review: &Value, patch: Option<&Value>, refusal: Option<&str>) -> Value {
    let mut response = json!({"uid": review["request"]["uid"], "allowed": refusal.is_none()});
    if let Some(message) = refusal {
        response["status"] = json!({"message": message});
    }
    if let Some(patch) = patch {
        response["patchType"] = "JSONPatch".into();
        response["patch"] = STANDARD.encode(patch.to_string()).into();
    }
    json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
}
