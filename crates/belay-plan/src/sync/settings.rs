//! What is asked of a sync, by its operation and by each object's own options.

use belay_manifest::Object;

use super::annotations::{has_option, option};

/// What one sync is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    /// Only say what would be done.
    pub dry_run: bool,
    /// Delete what left Git.
    pub prune: bool,
    /// Run no hooks: a selective sync, or the apply strategy.
    pub skip_hooks: bool,
    /// Delete and create what cannot be changed.
    pub force: bool,
    /// Replace instead of apply.
    pub replace: bool,
    /// Apply server-side.
    pub server_side: bool,
    /// Delete what left Git only after everything else.
    pub prune_last: bool,
    /// `Prune=` of the app: `false` or `confirm`.
    pub prune_option: Option<String>,
    /// Somebody has confirmed deletions that need it.
    pub confirmed: bool,
    /// Leave alone what is as desired, even when an apply would record it anew.
    pub out_of_sync_only: bool,
    /// Unknown kinds are looked for when their turn comes, not before.
    pub skip_dry_run_on_missing: bool,
    /// Check objects against their schemas first.
    pub validate: bool,
    /// The destination's namespace.
    pub namespace: String,
    /// The commit.
    pub revision: String,
    /// When the sync began, in seconds since 1970.
    pub started: i64,
    /// What hooks are marked with, so that their try of their sync knows them again; none: they are not.
    pub hook_mark: Option<String>,
}

/// Whether a live object that left Git may be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prune {
    /// Yes.
    Allowed,
    /// Never.
    Disabled,
    /// Once somebody confirms.
    Confirm,
}

impl Settings {
    /// Whether `live` may be deleted; its own option comes before the app's.
    pub fn prune_of(&self, live: &Object) -> Prune {
        match option(live, "Prune").or(self.prune_option.as_deref()) {
            Some("false") => Prune::Disabled,
            Some("confirm") => Prune::Confirm,
            _ => Prune::Allowed,
        }
    }

    /// Whether the object is replaced.
    pub fn replaces(&self, target: &Object, live: Option<&Object>) -> bool {
        if has_option(target, "Replace=false") {
            return false;
        }
        self.replace
            || has_option(target, "Replace=true")
            || live.is_some_and(|live| has_option(live, "Replace=true"))
    }

    /// Whether the object may be deleted and made anew.
    pub fn forces(&self, target: &Object, live: Option<&Object>) -> bool {
        self.force
            || has_option(target, "Force=true")
            || live.is_some_and(|live| has_option(live, "Force=true"))
    }

    /// Whether the object is applied server-side.
    pub fn applies_server_side(&self, target: &Object) -> bool {
        !has_option(target, "ServerSideApply=false")
            && (self.server_side || has_option(target, "ServerSideApply=true"))
    }

    /// Whether the object's deletion waits for the end.
    pub fn prunes_last(&self, live: &Object) -> bool {
        self.prune_last || has_option(live, "PruneLast=true")
    }

    /// Whether an unknown kind of this object is no fault yet.
    pub fn may_be_missing(&self, target: &Object) -> bool {
        self.skip_dry_run_on_missing || has_option(target, "SkipDryRunOnMissingResource=true")
    }

    /// Whether the object is checked against its schema first.
    pub fn validates(&self, target: &Object) -> bool {
        self.validate && !has_option(target, "Validate=false")
    }
}
