//! Which commit a revision means.

use belay_semver::{Constraint, Version};
use gix::ObjectId;
use gix::bstr::ByteSlice;

/// What is wanted of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// A branch, tag, commit, `HEAD` (also when empty) or full reference.
    Name(String),
    /// The newest tag within a constraint, as Flux chooses it: tags that are complete versions; among
    /// equal ones the one whose commit is youngest.
    Version(String),
    /// A `targetRevision` of Argo CD's: a name, or a constraint of tags behind a prefix. What is no
    /// constraint, or one that no tag meets, is a name.
    Target {
        /// The name or constraint.
        text: String,
        /// What stands before the version in tags.
        tag_prefix: String,
    },
}

impl Revision {
    /// A branch, tag, commit, `HEAD` or full reference.
    pub fn name(text: impl Into<String>) -> Revision {
        Revision::Name(text.into())
    }

    /// The full commit id that this is, if it is one.
    pub(crate) fn commit(&self) -> Option<ObjectId> {
        match self {
            Revision::Name(text) | Revision::Target { text, .. } => full_id(text),
            Revision::Version(_) => None,
        }
    }

    /// The full name of the reference that this is, if it is one.
    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Revision::Name(text) | Revision::Target { text, .. } if text.starts_with("refs/") => Some(text),
            _ => None,
        }
    }

    /// Whether it could name anything at all.
    pub(crate) fn check(&self) -> Result<(), RevisionError> {
        let text = match self {
            Revision::Version(text) => {
                return Constraint::parse(text)
                    .map(drop)
                    .map_err(|source| RevisionError::Constraint { source });
            }
            Revision::Target { text, .. } if constraint_of(text).is_some() => return Ok(()),
            Revision::Name(text) | Revision::Target { text, .. } => text,
        };
        let is_odd =
            |letter: char| letter.is_control() || matches!(letter, ' ' | '~' | '^' | ':' | '?' | '[' | '\\');
        let names_a_place = text.starts_with('-') || text.contains("..") || text.ends_with(".lock");
        if names_a_place || text.starts_with('/') || text.ends_with('/') || text.chars().any(is_odd) {
            return Err(RevisionError::Name { text: text.clone() });
        }
        Ok(())
    }
}

/// Why a revision means no commit.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RevisionError {
    #[error("revision {text:?} is not the name of a branch, tag or commit")]
    Name { text: String },
    #[error("semver parse error")]
    Constraint {
        #[source]
        source: belay_semver::ConstraintError,
    },
    #[error("no match found for semver: {constraint}")]
    NoVersion { constraint: String },
    #[error("unable to resolve '{text}' to a commit SHA")]
    Unknown { text: String },
}

/// The commit, and the full name of the branch or tag that said so.
pub(crate) type Found = (ObjectId, String);

/// Looks a revision up among what a repository has.
pub(crate) fn find(
    repository: &gix::ThreadSafeRepository,
    revision: &Revision,
) -> Result<Found, RevisionError> {
    let repository = repository.to_thread_local();
    match revision {
        Revision::Name(text) => by_name(&repository, text),
        Revision::Version(constraint) => by_version(&repository, constraint),
        Revision::Target { text, tag_prefix } => {
            by_name(&repository, &target_name(&repository, text, tag_prefix))
        }
    }
}

fn full_id(text: &str) -> Option<ObjectId> {
    let is_id = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_id.then(|| ObjectId::from_hex(text.as_bytes()).ok()).flatten()
}

/// Order: full commit id, `HEAD`, branch, tag, full reference, abbreviated commit id.
fn by_name(repository: &gix::Repository, text: &str) -> Result<Found, RevisionError> {
    let unknown = || RevisionError::Unknown { text: text.to_owned() };
    if let Some(id) = full_id(text) {
        return repository.find_commit(id).map(|_| (id, String::new())).map_err(|_missing| unknown());
    }
    let names = match text {
        // A mirror has a HEAD of its own, which says nothing; a repository read in place has only that.
        "" | "HEAD" => vec!["refs/belay/HEAD".to_owned(), "HEAD".to_owned()],
        full if full.starts_with("refs/") => vec![full.to_owned()],
        short => vec![format!("refs/heads/{short}"), format!("refs/tags/{short}")],
    };
    for name in names {
        let Ok(mut reference) = repository.find_reference(name.as_str()) else { continue };
        let id = reference.peel_to_id().map_err(|_no_object| unknown())?.detach();
        repository.find_commit(id).map_err(|_no_commit| unknown())?;
        return Ok((id, name));
    }
    let is_short = text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = is_short.then(|| repository.rev_parse_single(text).ok()).flatten().ok_or_else(unknown)?.detach();
    repository.find_commit(id).map(|_| (id, String::new())).map_err(|_missing| unknown())
}

/// The short names of all tags, sorted.
fn tags(repository: &gix::Repository) -> Vec<String> {
    let Ok(references) = repository.references() else { return Vec::new() };
    let Ok(tags) = references.prefixed("refs/tags/") else { return Vec::new() };
    let mut names: Vec<String> =
        tags.flatten().map(|tag| tag.name().shorten().to_str_lossy().into_owned()).collect();
    names.sort();
    names
}

fn by_version(repository: &gix::Repository, constraint: &str) -> Result<Found, RevisionError> {
    let allowed = Constraint::parse(constraint).map_err(|source| RevisionError::Constraint { source })?;
    let mut best: Option<(Version, i64, Found)> = None;
    for tag in tags(repository) {
        let Ok(version) = Version::parse_strict(tag.strip_prefix('v').unwrap_or(&tag)) else { continue };
        if !allowed.allows(&version) {
            continue;
        }
        let found = by_name(repository, &format!("refs/tags/{tag}"))?;
        let time = committed(repository, found.0);
        let is_newer = best
            .as_ref()
            .is_none_or(|(known, known_time, _)| version.compare(known).then(time.cmp(known_time)).is_gt());
        if is_newer {
            best = Some((version, time, found));
        }
    }
    let none = || RevisionError::NoVersion { constraint: constraint.to_owned() };
    best.map(|(_, _, found)| found).ok_or_else(none)
}

fn committed(repository: &gix::Repository, id: ObjectId) -> i64 {
    let commit = repository.find_commit(id).ok();
    commit.and_then(|commit| commit.time().ok()).map(|time| time.seconds).unwrap_or_default()
}

/// A constraint; what is a version is none, but the name of a tag.
fn constraint_of(text: &str) -> Option<Constraint> {
    if Version::parse(text).is_ok() {
        return None;
    }
    Constraint::parse(text).ok()
}

/// The name that a `targetRevision` comes down to.
fn target_name(repository: &gix::Repository, text: &str, prefix: &str) -> String {
    if Version::parse(text).is_ok() {
        return format!("{prefix}{text}");
    }
    let Some(allowed) = constraint_of(text) else { return text.to_owned() };
    let mut best: Option<(Version, String)> = None;
    for tag in tags(repository) {
        let Some(rest) = tag.strip_prefix(prefix) else { continue };
        let Ok(version) = Version::parse(rest) else { continue };
        let is_newer = best.as_ref().is_none_or(|(known, _)| version.compare(known).is_gt());
        if is_newer && allowed.allows(&version) {
            best = Some((version, tag));
        }
    }
    best.map_or_else(|| text.to_owned(), |(_, tag)| tag)
}
