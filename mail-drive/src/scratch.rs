use core::cell::Cell;
use std::{thread_local, vec, vec::Vec};

/// Octets read at once.
pub(crate) const READ: usize = 16 * 1024;

thread_local! {
    /// All zeros. One on the stack would have to be filled with zeros for each read, of some octets mostly.
    static SCRATCH: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Lends the thread's buffer for a read. Whoever has written into it fills it with zeros again: it may have been a password.
pub(crate) fn lend<R>(read: impl FnOnce(&mut [u8]) -> R) -> R {
    let mut scratch = SCRATCH.try_with(Cell::take).unwrap_or_default();
    if scratch.is_empty() {
        // The first time; or the stream has a driver of its own, or the thread is about to end.
        scratch = vec![0; READ];
    }
    let done = read(&mut scratch);
    let _ = SCRATCH.try_with(|place| place.set(scratch));
    done
}
