//! Time is a resource like memory: a scheduling context says how much of it a thread may use.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};
use linchpin_examples::isa::Clock;
use user_alloc::Allocator;
use user_api::{Budget, Endpoint, Fault, ObjectType, Reply, SchedContext, SchedControl, Tcb};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::prelude::*;
use user_runtime::thread::{Beginning, ThreadArea};

user_runtime::entry!(main);

static GREEDY: ThreadArea<16384> = ThreadArea::new();
static ROUNDS: AtomicU64 = AtomicU64::new(0);

/// Microseconds of each period that the greedy thread may use.
const BUDGET: u64 = 2_000;
const PERIOD: u64 = 20_000;
/// Microseconds that we look: ten periods, or more where the clock takes long steps.
const LONG: u64 = if Clock::STEP < PERIOD {
    10 * PERIOD
} else {
    2 * Clock::STEP
};

/// Never stops by itself.
extern "C" fn spin(_: Word) {
    loop {
        ROUNDS.fetch_add(1, Ordering::Relaxed);
    }
}

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    let control = boot::sched_control(boot, 0).expect("there is a core");
    root::TCB.set_priority(root::TCB, 100)?;

    // A thread above us that would never let us run, but for its budget.
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    control.configure(
        context,
        Budget {
            badge: 0x7e,
            ..Budget::new(BUDGET, PERIOD)
        },
    )?;
    GREEDY.prepare(
        boot,
        root::SPACE,
        Beginning {
            tcb,
            function: spin,
            argument: 0,
        },
    )?;
    tcb.set_sched_params(root::TCB, 0, 200, context, CPtr::NULL)?;
    println!("A thread of priority 200 may run {BUDGET} us of every {PERIOD} us; we are at 100.");

    throttled(boot, &mut allocator, tcb, context)?;
    refusals(control, context);
    timeouts(&mut allocator, tcb)
}

/// The thread spins; yet most of the time is ours.
fn throttled(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
    tcb: Tcb,
    context: SchedContext,
) -> user_alloc::Result {
    let clock = Clock::start(boot, allocator)?;
    tcb.resume()?;
    while clock.micros() < LONG {}
    tcb.suspend()?;
    let (used, whole) = (context.consumed()?, clock.micros());
    println!(
        "After {whole} us it has used {used} us, {} percent.",
        used * 100 / whole
    );
    assert!(ROUNDS.load(Ordering::Relaxed) > 0, "it ran");
    // An emulator whose host is busy sees the ends of budgets late, and more of them in a longer
    // time; but a thread without a budget would have used everything.
    assert!(used >= 4 * BUDGET && used < whole / 2, "{used} of {whole}");

    // Asking clears the count.
    assert_eq!(context.consumed()?, 0);
    Ok(())
}

/// What the kernel does not accept.
fn refusals(control: SchedControl, context: SchedContext) {
    for budget in [Budget::new(1, PERIOD), Budget::new(PERIOD + 1, PERIOD)] {
        let Err(Error::RangeError { min, max }) = control.configure(context, budget) else {
            panic!("accepted")
        };
        println!(
            "{} us of every {} us: refused, {min} to {max} us are possible.",
            budget.budget, budget.period
        );
    }
}

/// Somebody can hear of it when a budget is used up, instead of it being refilled in silence.
fn timeouts(allocator: &mut Allocator, tcb: Tcb) -> user_alloc::Result {
    let (endpoint, reply): (Endpoint, Reply) = (
        allocator.make(ObjectType::Endpoint, 0)?,
        allocator.make(ObjectType::Reply, 0)?,
    );
    tcb.set_timeout_endpoint(endpoint.cptr())?;
    tcb.resume()?;
    for number in 1..=3 {
        let message = endpoint.recv(reply);
        let Some(Fault::Timeout { data, consumed }) = Fault::decode(&message) else {
            panic!("another fault")
        };
        assert_eq!(data, 0x7e);
        println!("Timeout {number} of the context with badge {data:#x}, after {consumed} us.");
        reply.send(Message::restart());
    }
    tcb.suspend()?;
    Ok(())
}
