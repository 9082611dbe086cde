//! Measurements by the kernel's account: what init's scheduling context was charged, which is all
//! that a call to a passive server costs.

use crate::init::bench::Unit;
use core::sync::atomic::{AtomicU64, Ordering};
use user_runtime::boot::root;

/// Round trips of a batch: the account is in microseconds, so that one is not too short.
pub(crate) const BATCH: u64 = 1_000;
/// The account counts time.
pub(crate) const MAY_COUNT_INSTRUCTIONS: bool = false;

static CHARGED: AtomicU64 = AtomicU64::new(0);

/// Nanoseconds so far, in whole microseconds.
pub(crate) fn counts() -> u64 {
    // Asking clears the account. It is init's own, so there is an answer.
    let more = root::SCHED_CONTEXT.consumed().unwrap_or(0) * 1_000;
    CHARGED.fetch_add(more, Ordering::Relaxed) + more
}

/// What is counted.
pub(crate) fn unit() -> Unit {
    Unit::Counts {
        name: "nanoseconds",
        meaning: "(as charged to init's scheduling context: user code may read no counter here)",
    }
}
