//! Why a step failed, in words that name the object and the API server's reason.

use belay_cluster::KindError;
use belay_manifest::ObjectKey;
use serde_json::Value;

/// As large a request as an API server takes, in bytes: `MaxRequestBodyBytes` of k8s.io/apiserver, which no flag changes.
const LARGEST_REQUEST: usize = 3 * 1024 * 1024;

/// Why one step of a plan failed.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The cluster does not know the object's kind.
    #[error("{key}: cannot be applied")]
    Kind {
        /// The object.
        key: ObjectKey,
        /// Which kind.
        #[source]
        source: KindError,
    },
    /// The API server refused the object.
    #[error("{key}: cannot be applied")]
    Refused {
        /// The object.
        key: ObjectKey,
        /// What the API server said.
        #[source]
        source: kube::Error,
    },
    /// The API server reads no more of so large a request, and closes the connection.
    #[error("{key}: cannot be applied: Request entity too large: {bytes} bytes, limit is {LARGEST_REQUEST}")]
    TooLarge {
        /// The object.
        key: ObjectKey,
        /// How large it is.
        bytes: usize,
    },
    /// The API server refused the delete.
    #[error("{key}: cannot be deleted")]
    Delete {
        /// The object.
        key: ObjectKey,
        /// What the API server said.
        #[source]
        source: kube::Error,
    },
    /// The API server's answer is no object.
    #[error("{key}: the API server's answer is not an object")]
    Answer {
        /// The object.
        key: ObjectKey,
    },
    /// A definition that later steps need was not established in time.
    #[error("{key}: not established after {seconds} s")]
    NotEstablished {
        /// The definition.
        key: ObjectKey,
        /// How long was waited.
        seconds: u64,
    },
    /// No request can be made of the object.
    #[error("{message}")]
    Unplannable {
        /// The object.
        key: ObjectKey,
        /// Why.
        message: String,
    },
    /// A step before this one failed.
    #[error("{key}: not tried, because an earlier step failed")]
    NotTried {
        /// The object.
        key: ObjectKey,
    },
}

impl ApplyError {
    /// Why what was sent has not been written. A server that stops reading too large a request may close the
    /// connection before its answer is read: without an answer, the size is the reason.
    pub(crate) fn not_written(key: &ObjectKey, sent: &Value, source: kube::Error) -> Self {
        let key = key.clone();
        if matches!(source, kube::Error::Api(_)) {
            return ApplyError::Refused { key, source };
        }
        match sent.to_string().len() {
            bytes if bytes > LARGEST_REQUEST => ApplyError::TooLarge { key, bytes },
            _ => ApplyError::Refused { key, source },
        }
    }

    /// Whether it is known what became of the object: nothing was sent, or the API server has answered for itself.
    pub(crate) fn is_answer(&self) -> bool {
        match self {
            ApplyError::Refused { source, .. } | ApplyError::Delete { source, .. } => {
                matches!(source, kube::Error::Api(status) if status.code < 500)
            }
            ApplyError::Answer { .. } => false,
            ApplyError::Kind { .. }
            | ApplyError::TooLarge { .. }
            | ApplyError::NotEstablished { .. }
            | ApplyError::Unplannable { .. }
            | ApplyError::NotTried { .. } => true,
        }
    }

    /// The object that the step was about.
    pub fn key(&self) -> &ObjectKey {
        match self {
            ApplyError::Kind { key, .. }
            | ApplyError::Refused { key, .. }
            | ApplyError::TooLarge { key, .. }
            | ApplyError::Delete { key, .. }
            | ApplyError::Answer { key }
            | ApplyError::NotEstablished { key, .. }
            | ApplyError::Unplannable { key, .. }
            | ApplyError::NotTried { key } => key,
        }
    }

    /// What the API server said, as kubectl passes it on; else the error itself.
    pub fn reason(&self) -> String {
        match self {
            ApplyError::Refused { source: kube::Error::Api(status), .. }
            | ApplyError::Delete { source: kube::Error::Api(status), .. } => said(self.key(), status),
            other => other.chain(),
        }
    }

    /// The error and its causes in one line, for a status message.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(cause) = source {
            let cause_text = match cause.downcast_ref::<kube::Error>() {
                // The status' own message is what users know from kubectl.
                Some(kube::Error::Api(status)) => return format!("{text}: {}", said(self.key(), status)),
                _ => cause.to_string(),
            };
            if !text.ends_with(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        text
    }
}

/// What the API server said. Where it cannot read a Secret, or a webhook refuses one, its words may
/// quote values: they are left out.
fn said(key: &ObjectKey, status: &kube::core::Status) -> String {
    let is_secret = key.kind == "Secret" && key.group.is_empty();
    let (before, webhook) = match status.message.split_once(" denied the request: ") {
        Some((before, _)) => (before, true),
        None => ("", false),
    };
    // Refusals for these codes name fields and managers, never a Secret's data.
    let names_fields = matches!(status.code, 403 | 404 | 409 | 422 | 429);
    match (is_secret, webhook) {
        (true, true) => format!("{before} denied the request"),
        (true, false) if !names_fields => format!(
            "the API server cannot take the Secret as it is written (code {}); its message may hold values and is left out",
            status.code
        ),
        _ => status.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use belay_manifest::Object;
    use serde_json::json;

    fn text(kind: &str, code: u16, message: &str) -> String {
        let object =
            json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "login", "namespace": "shop"}});
        let status = json!({"status": "Failure", "code": code, "message": message, "reason": ""});
        let status = serde_json::from_value(status).expect("a status");
        let key = Object::new(object).expect("an object").key();
        ApplyError::Refused { key, source: kube::Error::Api(status) }.chain()
    }

    #[test]
    fn without_an_answer_the_size_is_the_reason() {
        let object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "huge"}});
        let key = Object::new(object).expect("an object").key();
        let cut = || kube::Error::Service("Broken pipe".into());
        let large = json!({"data": {"text": "x".repeat(LARGEST_REQUEST)}});
        let said = ApplyError::not_written(&key, &large, cut()).chain();
        assert!(said.contains("Request entity too large"), "{said}");
        let said = ApplyError::not_written(&key, &json!({}), cut()).chain();
        assert!(said.ends_with("Broken pipe"), "{said}");
    }

    #[test]
    fn what_the_api_server_quotes_of_a_secret_is_left_out() {
        let quoted = r#"failed to create typed patch object: .data.token: expected string, got canary"#;
        assert!(!text("Secret", 500, quoted).contains("canary"));
        assert!(text("ConfigMap", 500, quoted).contains("canary"));
        let denied = r#"admission webhook "policy.example.com" denied the request: token is canary"#;
        let shown = text("Secret", 403, denied);
        assert!(shown.ends_with(r#"webhook "policy.example.com" denied the request"#), "{shown}");
        let fixed = "data: Forbidden: field is immutable when `immutable` is set";
        assert!(text("Secret", 422, fixed).ends_with(fixed));
    }
}
