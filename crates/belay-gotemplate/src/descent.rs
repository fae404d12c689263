//! Walks through values come to an end: a map can hold itself, and a short template can build a value
//! that is huge once it is written out. A walk that goes too far gives up, and the execution notices.

use std::cell::Cell;

/// Containers within each other, as deep as texts are read and a few more that templates put around them.
const MAX_DEPTH: usize = 10_100;
/// Containers one walk may visit, and bytes of text it may copy.
const MAX_VISITS: usize = 2_000_000;
const MAX_BYTES: usize = 64 << 20;

#[derive(Clone, Copy, Default)]
struct Walk {
    depth: usize,
    visits: usize,
    bytes: usize,
    gave_up: bool,
}

thread_local! {
    static WALK: Cell<Walk> = const { Cell::new(Walk { depth: 0, visits: 0, bytes: 0, gave_up: false }) };
}

/// Goes into a container; `given_up` takes its place when the walk has gone too far.
pub(crate) fn descend<T>(body: impl FnOnce() -> T, given_up: impl FnOnce() -> T) -> T {
    let mut walk = WALK.get();
    if walk.depth == 0 {
        (walk.visits, walk.bytes) = (0, 0);
    }
    walk.visits += 1;
    walk.gave_up |= walk.depth >= MAX_DEPTH || walk.visits > MAX_VISITS;
    if walk.gave_up {
        WALK.set(walk);
        return given_up();
    }
    walk.depth += 1;
    WALK.set(walk);
    let result = crate::exec::with_stack(body);
    let mut walk = WALK.get();
    walk.depth -= 1;
    WALK.set(walk);
    result
}

/// Whether so many bytes of text may be copied.
pub(crate) fn may_copy(bytes: usize) -> bool {
    let mut walk = WALK.get();
    if walk.depth == 0 {
        return true;
    }
    walk.bytes = walk.bytes.saturating_add(bytes);
    walk.gave_up |= walk.bytes > MAX_BYTES;
    WALK.set(walk);
    !walk.gave_up
}

/// Whether a walk gave up since this was asked last.
pub(crate) fn gave_up() -> bool {
    let mut walk = WALK.get();
    if !walk.gave_up {
        return false;
    }
    walk.gave_up = false;
    WALK.set(walk);
    true
}
