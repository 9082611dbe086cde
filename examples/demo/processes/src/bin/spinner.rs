//! Counts as fast as it gets to run. The count lies in a page that init shares, so init sees how
//! much that was; the program holds no capability at all that it could talk by.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use user_api::Word;

user_runtime::process!(main);

/// `counter`: the address of the count.
fn main(counter: Word) {
    shared::count_at(counter)
}

#[expect(unsafe_code, reason = "writes to a page that init mapped")]
mod shared {
    use core::ptr::with_exposed_provenance;
    use core::sync::atomic::{AtomicU64, Ordering};
    use user_api::Word;

    pub(crate) fn count_at(address: Word) {
        // SAFETY: init maps a zeroed page there before the program starts, for good; both sides
        // use it only as this atomic.
        let counter = unsafe { &*with_exposed_provenance::<AtomicU64>(address as usize) };
        // The only writer: no need for a locked increment.
        for count in 1.. {
            counter.store(count, Ordering::Relaxed);
        }
    }
}
