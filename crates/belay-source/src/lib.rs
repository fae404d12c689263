//! Sources of configuration.

mod git;
mod repositories;
mod snapshot;

pub use git::{GitLimits, GitStore};
pub use repositories::{Checkout, CheckoutError, Login, Repositories, normalised_url};
pub use snapshot::Snapshot;
