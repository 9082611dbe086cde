//! A clock for programs that may not read the machine's counters: a thread above all others that
//! counts its own periods.

use abi::bootinfo::BootInfo;
use abi::{ObjectType, PROFILE, Word};
use core::sync::atomic::{AtomicU64, Ordering};
use user_alloc::Allocator;
use user_api::{Budget, CPtr, SchedContext, SchedControl, Tcb, syscalls};
use user_runtime::boot::root;
use user_runtime::thread::{Beginning, ThreadArea};

/// How often it counts, in microseconds, and how long it may take to.
const PERIOD: u64 = 1_000;
const BUDGET: u64 = 200;
const PRIORITY: Word = 255;

static BEATS: AtomicU64 = AtomicU64::new(0);
static AREA: ThreadArea<16384> = ThreadArea::new();

extern "C" fn beat(_: Word) {
    loop {
        BEATS.fetch_add(1, Ordering::SeqCst);
        // The rest of the budget goes, and the next comes with the next period.
        syscalls::yield_now();
    }
}

/// Starts the clock.
pub(crate) fn start_clock(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
) -> user_alloc::Result {
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    let control = SchedControl::new(boot.sched_control.start);
    control.configure(context, Budget::new(BUDGET, PERIOD))?;
    let beginning = Beginning {
        tcb,
        function: beat,
        argument: 0,
    };
    AREA.prepare(boot, root::SPACE, beginning)?;
    tcb.set_sched_params(root::TCB, PRIORITY, PRIORITY, context, CPtr::NULL)?;
    Ok(tcb.resume()?)
}

/// Microseconds, since whenever.
pub(crate) fn micros(_: &'static BootInfo) -> u64 {
    BEATS.load(Ordering::SeqCst) * PERIOD
}

/// Units of a domain's slice in a microsecond.
pub(crate) fn ticks_per_micro(_: &'static BootInfo) -> u64 {
    PROFILE.timer_frequency_hz / 1_000_000
}
