//! A buffer in which a text is written whose length is not known before: it then needs one allocation, of its size.

use std::cell::Cell;

thread_local! {
    static SCRATCH: Cell<String> = const { Cell::new(String::new()) };
}

/// A buffer that has grown beyond this is not kept.
const MAX_KEPT: usize = 64 * 1024;

/// Lets `write` write into an empty buffer of this thread.
pub(crate) fn with_scratch<R>(write: impl FnOnce(&mut String) -> R) -> R {
    // Taken out meanwhile: a use within a use gets another one.
    let mut buffer = SCRATCH.take();
    buffer.clear();
    let result = write(&mut buffer);
    if buffer.capacity() <= MAX_KEPT {
        SCRATCH.set(buffer);
    }
    result
}
