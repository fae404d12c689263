//! Versions and constraints as the Go library Masterminds/semver 3.5 reads them: leniently, with
//! its limits and in its words. Helm, sprig, Argo CD and Flux all decide by it.

mod constraint;
mod version;

pub use constraint::{Constraint, ConstraintError};
pub use version::{Version, VersionError, check_metadata, check_prerelease};
