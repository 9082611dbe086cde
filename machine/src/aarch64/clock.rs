//! The generic timer: the virtual counter, and an interrupt when it reaches a value.
//!
//! The kernel counts in whole ticks per microsecond. Where the counter's frequency is no whole
//! number of MHz, ticks are finer than counts by a small factor, so that no time is lost to
//! rounding: 62.5 MHz become 125 ticks per microsecond, two for each count.

use super::registers::{instruction_barrier, read, write};
use core::num::NonZeroU64;

const HZ_PER_MHZ: u64 = 1_000_000;
/// The largest factor that is tried; beyond it, rounding loses less than a thousandth of a tick.
const MAX_FACTOR: u64 = 64;
const ENABLED: u64 = 1;
/// The timer is never set further ahead. To be asked once more costs nothing once in so long a
/// time; but an emulator that skips idle time skips to what the timer is set to, and the end of
/// its own time lies before the end of ours.
const FARTHEST_SECONDS: u64 = 4;

/// The clock and the timer of this core.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    ticks_per_us: u64,
    /// Ticks for each count.
    factor: NonZeroU64,
    /// Counts to the farthest deadline.
    farthest: u64,
}

impl Clock {
    /// A clock that nobody has set.
    pub const fn new() -> Self {
        Self {
            ticks_per_us: 1,
            factor: NonZeroU64::MIN,
            farthest: 1,
        }
    }

    /// Arms the timer. `stated` is the frequency that the device tree states for firmware that
    /// does not set the register. `None` if neither says.
    pub fn start(stated: Option<u64>) -> Option<Self> {
        let register = read!("cntfrq_el0");
        let frequency = stated.unwrap_or(register) & 0xffff_ffff;
        if frequency == 0 {
            return None;
        }
        // SAFETY: user mode gets what the profile says, and no more.
        unsafe { write!("cntkctl_el1", user_access()) };
        let clock = Self::of(frequency);
        clock.quiet();
        // SAFETY: the timer interrupts when its line is let through.
        unsafe { write!("cntv_ctl_el0", ENABLED) };
        instruction_barrier();
        Some(clock)
    }

    /// The clock for a counter of `frequency` Hz, which has 32 bits.
    const fn of(frequency: u64) -> Self {
        let mut factor = NonZeroU64::MIN;
        while factor.get() < MAX_FACTOR
            && !frequency
                .wrapping_mul(factor.get())
                .is_multiple_of(HZ_PER_MHZ)
        {
            factor = factor.saturating_add(1);
        }
        let ticks_per_us = frequency.wrapping_mul(factor.get()) / HZ_PER_MHZ;
        Self {
            ticks_per_us: if ticks_per_us == 0 { 1 } else { ticks_per_us },
            factor,
            farthest: frequency.saturating_mul(FARTHEST_SECONDS),
        }
    }

    /// Ticks for each count of the timer that user space knows.
    #[inline(always)]
    pub fn factor(&self) -> u64 {
        self.factor.get()
    }

    /// Ticks per microsecond.
    #[inline(always)]
    pub fn ticks_per_us(&self) -> u64 {
        self.ticks_per_us
    }

    /// The time now.
    #[inline(always)]
    pub fn now(&self) -> u64 {
        // The counter must not be read before what the program did earlier.
        instruction_barrier();
        // Wraps after centuries.
        read!("cntvct_el0").wrapping_mul(self.factor.get())
    }

    /// Raises the timer interrupt at `deadline`, or at once if that is past; if it is far, earlier
    /// too: whoever gets the interrupt looks at the clock and asks again.
    #[inline(always)]
    pub fn set_deadline(&self, deadline: u64) {
        let count = if self.factor == NonZeroU64::MIN {
            deadline
        } else {
            // Rounded up, so as not to come early.
            (deadline / self.factor).wrapping_add(u64::from(deadline % self.factor != 0))
        };
        set_compare(count.min(read!("cntvct_el0").wrapping_add(self.farthest)));
    }

    /// The timer interrupts no more, until a deadline is set.
    #[inline(always)]
    pub fn quiet(&self) {
        set_compare(u64::MAX);
        instruction_barrier();
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn set_compare(count: u64) {
    // SAFETY: the timer is the kernel's; its interrupt is taken in user mode and when idle.
    unsafe { write!("cntv_cval_el0", count) };
}

/// Which counters and timers user mode may use.
const fn user_access() -> u64 {
    let profile = &abi::PROFILE;
    profile.export_pcnt_user as u64
        | (profile.export_vcnt_user as u64) << 1
        | (profile.export_vtmr_user as u64) << 8
        | (profile.export_ptmr_user as u64) << 9
}
