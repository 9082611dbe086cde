//! Time: `rdtime`, and a deadline by the hart's own comparator (Sstc) or the firmware.

use super::csr;
use super::sbi::Sbi;
use crate::Ticks;
use core::arch::asm;

/// An alarm is never set further ahead. One that rings early is set again, which costs nothing
/// once in so long a time; but an emulator that skips idle time skips to the next alarm, and the
/// end of its own time lies before the end of ours.
const FARTHEST_SECONDS: Ticks = 4;

/// Who raises the timer interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Alarm {
    Firmware(Sbi),
    Comparator,
}

/// The clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    ticks_per_us: Ticks,
    /// Ticks to the farthest alarm.
    farthest: Ticks,
    alarm: Alarm,
}

impl Clock {
    /// One that has not been started.
    pub const fn new() -> Self {
        Self {
            ticks_per_us: 1,
            farthest: 1,
            alarm: Alarm::Firmware(Sbi::LEGACY),
        }
    }

    /// A clock of so many ticks in a second. The comparator is used if touching it works,
    /// whatever the device tree says.
    ///
    /// # Safety
    /// Interrupts are off, and no trap is awaited.
    pub unsafe fn start(frequency: u64, sbi: Sbi) -> Self {
        // SAFETY: the caller's promise.
        let alarm = if unsafe { has_comparator() } {
            Alarm::Comparator
        } else {
            Alarm::Firmware(sbi)
        };
        let clock = Self {
            ticks_per_us: (frequency / 1_000_000).max(1),
            farthest: frequency.saturating_mul(FARTHEST_SECONDS).max(1),
            alarm,
        };
        clock.set_deadline(Ticks::MAX);
        clock
    }

    /// Whether the hart's own comparator raises the interrupt.
    pub fn uses_comparator(&self) -> bool {
        self.alarm == Alarm::Comparator
    }

    /// Ticks per microsecond.
    #[inline(always)]
    pub fn ticks_per_us(&self) -> Ticks {
        self.ticks_per_us
    }

    /// Raises the timer interrupt at `deadline`, and until it is set again; if that is far, earlier
    /// too: whoever gets the interrupt looks at the clock and asks again.
    #[inline]
    pub fn set_deadline(&self, deadline: Ticks) {
        // Wraps after centuries.
        let at = deadline.min(csr::time().wrapping_add(self.farthest));
        match self.alarm {
            Alarm::Firmware(sbi) => sbi.set_timer(at),
            // SAFETY: the probe has found it; it does nothing but interrupt.
            Alarm::Comparator => unsafe { set_comparator(at) },
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// Writes `stimecmp`.
///
/// # Safety
/// The hart has it.
#[inline(always)]
unsafe fn set_comparator(deadline: Ticks) {
    // SAFETY: the caller's promise.
    unsafe { asm!("csrw 0x14d, {}", in(reg) deadline, options(nomem, nostack, preserves_flags)) };
}

/// Whether `stimecmp` can be read: if it cannot, that traps, to the very next instruction.
///
/// # Safety
/// As for [`Clock::start`].
unsafe fn has_comparator() -> bool {
    let works: u64;
    // SAFETY: the trap vector is put back; a trap changes only registers that the next return
    // to user mode sets anyway.
    unsafe {
        asm!(
            "la {vector}, 2f",
            "csrrw {vector}, stvec, {vector}",
            "li {works}, 0",
            "csrr {value}, 0x14d",
            "li {works}, 1",
            ".balign 4",
            "2:",
            "csrw stvec, {vector}",
            vector = out(reg) _,
            works = out(reg) works,
            value = out(reg) _,
            options(nostack),
        );
    }
    // A trap has left its marks.
    // SAFETY: interrupts are off, and stay so.
    unsafe { csr::lower_sstatus(csr::status::SIE) };
    works != 0
}
