//! How long a fetch may take and how much it may bring, and why it broke off.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::git::GitLimits;
use crate::repositories::Timeout;

/// Why a server gave nothing. Shown to people, so it holds no text of the server's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TransportError {
    #[error("authentication required")]
    AuthenticationRequired,
    #[error("authentication failed: the server rejects the login")]
    LoginRejected,
    #[error("{host} asks for a login, and the login is for another server")]
    LoginElsewhere { host: String },
    #[error("authorization failed")]
    Forbidden,
    #[error("repository not found")]
    NotFound,
    #[error("the server answers with status {status}")]
    Status { status: u16 },
    #[error("the server is not reached: {reason}")]
    Unreachable { reason: String },
    #[error("the server sends elsewhere too often")]
    TooManyRedirects,
    #[error("the server sends to {to}, which is refused")]
    Redirect { to: String },
    #[error("no answer within {} s", .0.as_secs_f32())]
    TooLate(Duration),
    #[error("more than {limit} bytes")]
    TooLarge { limit: u64 },
    #[error("more than {limit} references")]
    TooManyReferences { limit: usize },
    #[error("a list of references of more than {limit} bytes")]
    LongList { limit: u64 },
    #[error("a pack of {count} objects, more than {limit}")]
    TooManyObjects { count: u32, limit: u32 },
    #[error("an object of {size} bytes, more than {limit}")]
    LargeObject { size: u64, limit: u64 },
    #[error("an object that is longer than the {size} bytes it says")]
    LongerThanItSays { size: u64 },
    #[error("objects that differ from objects that differ from others, more than {limit} times")]
    LongChain { limit: u16 },
    #[error("objects that take more than {limit} bytes to unpack")]
    TooMuchToUnpack { limit: u64 },
    #[error("{what} cannot be read: {reason}")]
    Access { what: &'static str, reason: String },
    #[error("the GitHub App gets no token: {reason}")]
    GithubApp { reason: String },
    #[error("the server's SSH key is not a known one: knownhosts: key is unknown")]
    UnknownHostKey,
    #[error("the server's SSH key is not the known one: knownhosts: key mismatch")]
    ChangedHostKey,
}

impl TransportError {
    /// Whether asking again may help when nobody changes anything here.
    pub(crate) fn is_transient(&self) -> bool {
        !matches!(self, TransportError::Access { .. })
    }
}

/// What one fetch may use up. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Budget {
    began: Instant,
    timeout: Timeout,
    is_answered: Arc<AtomicBool>,
    limits: GitLimits,
    used: Arc<AtomicU64>,
    stopped: Arc<AtomicBool>,
    fault: Arc<Mutex<Option<TransportError>>>,
}

impl Budget {
    /// A budget whose time begins now.
    pub(crate) fn new(timeout: Timeout, limits: GitLimits) -> Budget {
        Budget {
            began: Instant::now(),
            timeout,
            is_answered: Arc::default(),
            limits,
            used: Arc::default(),
            stopped: Arc::default(),
            fault: Arc::default(),
        }
    }

    /// The server has said what it has: what is left is the rest of the whole.
    pub(crate) fn answered(&self) {
        self.is_answered.store(true, Ordering::Relaxed);
    }

    fn time(&self) -> Duration {
        if self.is_answered.load(Ordering::Relaxed) { self.timeout.whole } else { self.timeout.answer }
    }

    /// The time that is left.
    pub(crate) fn time_left(&self) -> Result<Duration, TransportError> {
        let left = self.time().saturating_sub(self.began.elapsed());
        if left.is_zero() { Err(self.late()) } else { Ok(left) }
    }

    /// What may come.
    pub(crate) fn limits(&self) -> GitLimits {
        self.limits
    }

    /// Notes what came, and whether more may come.
    pub(crate) fn take(&self, count: usize) -> Result<(), TransportError> {
        self.time_left()?;
        let used = self.used.fetch_add(count as u64, Ordering::Relaxed) + count as u64;
        if used > self.limits.bytes {
            return Err(self.note(TransportError::TooLarge { limit: self.limits.bytes }));
        }
        Ok(())
    }

    /// Keeps the first reason, which others are a consequence of, and gives this one back.
    pub(crate) fn note(&self, error: TransportError) -> TransportError {
        self.stopped.store(true, Ordering::Relaxed);
        let mut fault = self.fault.lock().unwrap_or_else(PoisonError::into_inner);
        fault.get_or_insert_with(|| error.clone());
        error
    }

    /// The time is over.
    pub(crate) fn late(&self) -> TransportError {
        self.note(TransportError::TooLate(self.time()))
    }

    /// Why the fetch broke off, if it was the transport.
    pub(crate) fn fault(&self) -> Option<TransportError> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A flag that tells those who unpack to stop.
    pub(crate) fn stop_flag(&self) -> &AtomicBool {
        &self.stopped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN: GitLimits = GitLimits { bytes: 10, ..GitLimits::DEFAULT };

    #[test]
    fn the_first_reason_is_kept() {
        let budget = Budget::new(Duration::from_secs(60).into(), TEN);
        assert_eq!(budget.take(10), Ok(()));
        assert_eq!(budget.clone().take(1), Err(TransportError::TooLarge { limit: 10 }));
        budget.note(TransportError::NotFound);
        assert_eq!(budget.fault(), Some(TransportError::TooLarge { limit: 10 }));
        assert!(budget.stop_flag().load(Ordering::Relaxed));
    }

    #[test]
    fn time_ends() {
        let timeout = Timeout { answer: Duration::ZERO, whole: Duration::from_secs(60) };
        let budget = Budget::new(timeout, TEN);
        budget.answered();
        assert_eq!(budget.take(1), Ok(()));
        let budget = Budget::new(timeout, TEN);
        assert_eq!(budget.take(1).unwrap_err().to_string(), "no answer within 0 s");
    }
}
