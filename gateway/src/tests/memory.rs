//! How much memory a thread holds, so that tests can bound it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// The bytes that this thread has allocated, less those that it has freed.
pub(crate) fn held() -> isize {
    HELD.get()
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The system's allocator, with a count for each thread.
struct Counting;

impl Counting {
    fn count(bytes: usize, sign: isize) {
        let bytes = isize::try_from(bytes).unwrap_or(isize::MAX);
        // A thread that ends frees memory after its count is gone.
        let _ = HELD.try_with(|held| held.set(held.get() + sign * bytes));
    }
}

// SAFETY: every call goes to the system's allocator as it came. Counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Counting::count(layout.size(), 1);
        // SAFETY: as promised by the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        Counting::count(layout.size(), -1);
        // SAFETY: as promised by the caller.
        unsafe { System.dealloc(memory, layout) }
    }
}
