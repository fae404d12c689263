//! How large the pages are in which the system hands out memory, and when it gets them back.
//!
//! Two megabytes at a time are worth it for much memory, but each has to be cleared before it is used: that took more
//! time than all else that a short command does at its start.

/// `mi_option_purge_delay` of mimalloc's header: for how many milliseconds freed pages are kept. The bindings lack it.
const PURGE_DELAY: libmimalloc_sys::mi_option_t = 15;

/// Milliseconds. At once (0) takes as little memory, and those who wait for an answer wait a tenth longer.
const SOON: std::ffi::c_long = 10;

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

/// Gives pages back to the system soon after nothing is in them, not a second after the last was freed: what runs for weeks
/// beside others keeps little more than what it uses. A short command would take the same pages again and again.
#[expect(unsafe_code, reason = "the allocator's options have no other interface")]
pub(crate) fn give_back_soon() {
    // SAFETY: the option is one of the version that is linked, and may be set at any time, by any thread.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, SOON) }
}

#[cfg(target_os = "linux")]
fn allow_huge(is_allowed: bool) {
    // A kernel that knows no such pages hands out none.
    let _ = rustix::thread::disable_transparent_huge_pages(!is_allowed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(unsafe_code, reason = "the allocator's options have no other interface")]
    fn the_options_number_is_that_of_the_version_that_is_linked() {
        // SAFETY: the option may be read at any time, by any thread.
        let delay = || unsafe { libmimalloc_sys::mi_option_get(PURGE_DELAY) };
        assert_eq!(delay(), 1000, "mimalloc's own delay; the options before and after it are 1 and 0");
        give_back_soon();
        assert_eq!(delay(), SOON);
    }
}
