//! What would differ from run to run: the order of hash maps. Their keys come from the system's randomness, which here
//! is none: each run has a thread of its own, and each thread the same numbers.
#![expect(unsafe_code, reason = "the system's function is replaced by one of the same name, as std foresees")]

use std::cell::Cell;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
}

/// Runs in a thread for itself, where chance is what it always is.
pub(crate) fn alone<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // Without a reference the linker would leave it out.
    std::hint::black_box(getrandom as *const ());
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    std::thread::scope(|scope| {
        let running = thread.spawn_scoped(scope, work).expect("a machine has room for a thread");
        running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Stands for the C library's.
#[unsafe(no_mangle)]
extern "C" fn getrandom(buffer: *mut u8, length: usize, _flags: u32) -> isize {
    for place in 0..length {
        // SAFETY: whoever asks has room for `length` bytes.
        unsafe { buffer.add(place).write(next()) };
    }
    length.cast_signed()
}

/// The middle of a counter that takes large steps and is well stirred.
fn next() -> u8 {
    let state = STATE.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(state);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 56) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn hash_maps_have_the_same_order_in_every_run() {
        let order = || alone(|| (0..50).collect::<HashSet<u32>>().into_iter().collect::<Vec<_>>());
        assert_eq!(order(), order());
    }
}
