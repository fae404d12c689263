//! Why a step failed, in words that name the object and the API server's reason.

use belay_cluster::KindError;
use belay_manifest::ObjectKey;

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
    /// What the API server said, as kubectl passes it on; else the error itself.
    pub fn reason(&self) -> String {
        match self {
            ApplyError::Refused { source: kube::Error::Api(status), .. }
            | ApplyError::Delete { source: kube::Error::Api(status), .. } => status.message.clone(),
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
                Some(kube::Error::Api(status)) => status.message.clone(),
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
