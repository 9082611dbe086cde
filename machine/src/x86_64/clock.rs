//! The clock and the timer: the time-stamp counter, and an interrupt when it reaches a value.

use super::apic::LocalApic;
use super::cpuid::{self, Features};
use super::interrupts::{FIRST_VECTOR, TIMER};
use super::port;
use super::registers::{self, msr};

/// The frequency that the programmable interval timer has had since 1981, in Hz.
const PIT_HZ: u64 = 1_193_182;
/// The frequency of ACPI's power management timer, in Hz.
const ACPI_TIMER_HZ: u64 = 3_579_545;
/// How long the counters are compared: a hundredth of a second.
const COMPARISONS_PER_SECOND: u64 = 100;
/// Time-stamp ticks in such a time, at 10 MHz: no processor is slower. A wait that was shorter was
/// for a clock that does not exist, whose ports read as all ones.
const SLOWEST: u64 = 10_000_000 / COMPARISONS_PER_SECOND;
/// Reads of a clock that does not move before it is given up.
const PATIENCE: u32 = 1 << 24;

/// How the timer interrupt is asked for.
#[derive(Clone, Copy, Debug)]
enum Timer {
    /// By the time stamp itself.
    Deadline,
    /// By a count; counts per time-stamp tick, in units of 2^-32.
    Count { ratio: u64 },
}

/// The clock and the timer of this core.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    ticks_per_us: u64,
    timer: Timer,
}

/// The two counters' progress over the same stretch of real time.
struct Comparison {
    timestamp: u64,
    apic: u64,
    /// How many of these stretches make a second, times 2^16.
    per_second: u64,
}

impl Clock {
    /// A clock that nobody has set.
    pub const fn new() -> Self {
        Self {
            ticks_per_us: 1,
            timer: Timer::Deadline,
        }
    }

    /// Finds the clock's frequency and arms the timer. `None` if no clock moves.
    pub fn start(features: &Features, apic: LocalApic, acpi_timer: Option<u16>) -> Option<Self> {
        apic.silence_timer();
        let known = known_frequency();
        let by_timestamp = features.tsc_deadline;
        let comparison = match known {
            Some(_) if by_timestamp => None,
            _ => compare(apic, acpi_timer),
        };
        let frequency = match (known, &comparison) {
            (Some(frequency), _) => frequency,
            (None, Some(found)) => {
                ((u128::from(found.timestamp) * u128::from(found.per_second)) >> 16) as u64
            }
            (None, None) => return None,
        };
        let timer = match &comparison {
            _ if by_timestamp => Timer::Deadline,
            Some(found) => Timer::Count {
                ratio: ratio(found),
            },
            None => return None,
        };
        apic.arm_timer(FIRST_VECTOR + TIMER.0 as u8, by_timestamp);
        Some(Self {
            ticks_per_us: (frequency.saturating_add(500_000) / 1_000_000).max(1),
            timer,
        })
    }

    /// Ticks per microsecond, and so the frequency in MHz.
    #[inline(always)]
    pub fn ticks_per_us(&self) -> u64 {
        self.ticks_per_us
    }

    /// Raises the timer interrupt at `deadline`, or at once if that is past.
    #[inline(always)]
    pub fn set_deadline(&self, apic: LocalApic, deadline: u64) {
        match self.timer {
            // SAFETY: the timer is in this mode only if the register exists. 0 would disarm it.
            Timer::Deadline => unsafe { registers::write_msr(msr::TSC_DEADLINE, deadline.max(1)) },
            Timer::Count { ratio } => {
                let ticks = deadline.saturating_sub(registers::timestamp());
                let count = (u128::from(ticks) * u128::from(ratio)) >> 32;
                // A count too long for the register ends early: whoever gets the interrupt
                // looks at the clock and asks again. Zero would disarm it.
                apic.count_down(u32::try_from(count).unwrap_or(u32::MAX).max(1));
            }
        }
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The counter's frequency as processor or hypervisor state it, in Hz.
fn known_frequency() -> Option<u64> {
    let crystal = cpuid::leaf(0x15, 0);
    if crystal.eax != 0 && crystal.ebx != 0 && crystal.ecx != 0 {
        // Two factors of 32 bits.
        let scaled = u64::from(crystal.ecx) * u64::from(crystal.ebx);
        return scaled.checked_div(crystal.eax.into());
    }
    let base_mhz = u64::from(cpuid::leaf(0x16, 0).eax & 0xffff);
    if base_mhz != 0 {
        return Some(base_mhz * 1_000_000);
    }
    let hypervisor_khz = u64::from(cpuid::leaf(0x4000_0010, 0).eax);
    (hypervisor_khz != 0).then_some(hypervisor_khz * 1000)
}

fn ratio(found: &Comparison) -> u64 {
    let ratio = (u128::from(found.apic) << 32) / u128::from(found.timestamp.max(1));
    u64::try_from(ratio).unwrap_or(u64::MAX).max(1)
}

/// Compares both counters with a clock of known frequency. The shortest of three comparisons
/// is the one that was disturbed least.
fn compare(apic: LocalApic, acpi_timer: Option<u16>) -> Option<Comparison> {
    (0..3)
        .filter_map(|_| {
            measure(apic, wait_by_pit).or_else(|| measure(apic, || wait_by_acpi(acpi_timer?)))
        })
        .min_by_key(|found| found.timestamp)
}

fn measure(apic: LocalApic, wait: impl Fn() -> Option<u64>) -> Option<Comparison> {
    apic.count_down(u32::MAX);
    let apic_before = apic.remaining();
    let before = registers::timestamp();
    let per_second = wait()?;
    let timestamp = registers::timestamp().checked_sub(before)?;
    let counted = apic_before.checked_sub(apic.remaining())?;
    apic.count_down(0);
    (timestamp >= SLOWEST && counted > 0).then_some(Comparison {
        timestamp,
        apic: counted.into(),
        per_second,
    })
}

/// Waits for the interval timer's channel 2, whose output can be read. Answers how many such
/// waits make a second, times 2^16.
fn wait_by_pit() -> Option<u64> {
    const CHANNEL_2: u16 = 0x42;
    const COMMAND: u16 = 0x43;
    const CONTROL: u16 = 0x61;
    const GATE: u8 = 1;
    const SPEAKER: u8 = 2;
    const OUTPUT: u8 = 1 << 5;
    /// Channel 2, both bytes, output high at the end of the count.
    const COUNT_ONCE: u8 = 0b1011_0000;
    const COUNT: u16 = (PIT_HZ / COMPARISONS_PER_SECOND) as u16;

    let control = port::read8(CONTROL) & !(GATE | SPEAKER);
    port::write8(CONTROL, control);
    port::write8(COMMAND, COUNT_ONCE);
    let [low, high] = COUNT.to_le_bytes();
    port::write8(CHANNEL_2, low);
    port::write8(CHANNEL_2, high);
    port::write8(CONTROL, control | GATE);
    let ended = (0..PATIENCE).any(|_| port::read8(CONTROL) & OUTPUT != 0);
    port::write8(CONTROL, control);
    ended.then_some((PIT_HZ << 16) / u64::from(COUNT))
}

/// Waits by the power management timer at `port`, of which 24 bits count in any case.
fn wait_by_acpi(port: u16) -> Option<u64> {
    const BITS: u32 = (1 << 24) - 1;
    const COUNT: u32 = (ACPI_TIMER_HZ / COMPARISONS_PER_SECOND) as u32;
    let before = port::read32(port);
    // The counter wraps: so does the difference.
    let passed = || port::read32(port).wrapping_sub(before) & BITS;
    let passed = (0..PATIENCE)
        .map(|_| passed())
        .find(|passed| *passed >= COUNT)?;
    Some((ACPI_TIMER_HZ << 16) / u64::from(passed))
}
