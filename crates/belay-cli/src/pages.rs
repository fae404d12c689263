//! How large the pages are in which the system hands out memory.
//!
//! Two megabytes at a time are worth it for much memory, but each has to be cleared before it is used: that took more
//! time than all else that a short command does at its start.

/// Lets the system hand out memory in small pages, whatever is asked for. For the very start of the process, before
/// anything takes memory.
pub fn small_pages_at_first() {
    #[cfg(target_os = "linux")]
    allow_huge(false);
}

/// Takes [`small_pages_at_first`] back: much is rendered, and that takes much memory.
pub(crate) fn huge_from_here() {
    #[cfg(target_os = "linux")]
    allow_huge(true);
}

#[cfg(target_os = "linux")]
fn allow_huge(is_allowed: bool) {
    // A kernel that knows no such pages hands out none.
    let _ = rustix::thread::disable_transparent_huge_pages(!is_allowed);
}
