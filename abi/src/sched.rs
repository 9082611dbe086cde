//! Time: scheduling contexts, their refills and flags; thread flags; domains.

use crate::Word;
use crate::object::MIN_SCHED_CONTEXT_BITS;
use crate::profile::{PROFILE, Profile};

/// Bytes of a scheduling context without its further refills.
pub const CORE_SCHED_CONTEXT_BYTES: usize = 128;
/// Bytes of a refill.
pub const REFILL_BYTES: usize = 16;
/// Refills that every scheduling context has.
pub const MIN_REFILLS: usize = 2;

/// ConfigureFlags: replenish at once what was not used (a constant-bandwidth server).
pub const SCHED_CONTEXT_NO_FLAG: Word = 0;
/// ConfigureFlags: a sporadic server, with sporadic wake-ups honoured.
pub const SCHED_CONTEXT_SPORADIC: Word = 1;

/// TCB flag: none.
pub const TCB_FLAG_NONE: Word = 0;
/// TCB flag: FPU instructions raise an exception.
pub const TCB_FLAG_FPU_DISABLED: Word = 1;
/// The TCB flags that exist; others are ignored.
pub const TCB_FLAG_MASK: Word = 1;

/// Bits of a domain schedule entry's duration, in ticks.
pub const DOMAIN_DURATION_BITS: usize = 56;

/// The assumed worst-case execution time of the kernel before scaling, in microseconds.
const WCET_UNSCALED_US: u64 = 10;

/// The kernel's assumed worst-case execution time in this build, in microseconds.
pub const WCET_US: u64 = wcet_us(&PROFILE);
/// Smallest budget in this build, in microseconds.
pub const MIN_BUDGET_US: u64 = min_budget_us(&PROFILE);

/// The kernel's assumed worst-case execution time, in microseconds.
pub const fn wcet_us(profile: &Profile) -> u64 {
    WCET_UNSCALED_US * profile.kernel_wcet_scale
}

/// Smallest budget in microseconds: entering the kernel and leaving it again.
pub const fn min_budget_us(profile: &Profile) -> u64 {
    2 * wcet_us(profile)
}

/// Refills for which a scheduling context of that size has room.
pub const fn max_refills(size_bits: usize) -> usize {
    let bytes = 1_usize << size_bits;
    MIN_REFILLS + bytes.saturating_sub(CORE_SCHED_CONTEXT_BYTES) / REFILL_BYTES
}

const _: () = assert!(max_refills(MIN_SCHED_CONTEXT_BITS) == MIN_REFILLS);
