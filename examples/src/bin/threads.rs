//! Threads: a TCB holds registers, a priority, and what the thread sees; a scheduling context
//! gives it time. Both are objects, made and taken away like any other.
#![no_std]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};
use linchpin_examples::isa;
use user_alloc::Allocator;
use user_api::{Budget, ObjectType, SchedContext, Tcb, syscalls};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::prelude::*;
use user_runtime::thread::{Beginning, ThreadArea};

user_runtime::entry!(main);

/// Stack, IPC buffer and thread-local storage of each thread.
static FIRST: ThreadArea<16384> = ThreadArea::new();
static SECOND: ThreadArea<16384> = ThreadArea::new();

/// What the threads count.
static COUNT: AtomicU64 = AtomicU64::new(0);
static ORDER: AtomicU64 = AtomicU64::new(0);

/// The root task starts at 255, the highest. We leave room above.
const MINE: Word = 100;

fn main(boot: &'static BootInfo) -> user_alloc::Result {
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    root::TCB.set_priority(root::TCB, MINE)?;

    let (tcb, _context) = new_thread(boot, &mut allocator, &FIRST, count_to_five, MINE + 1)?;
    println!(
        "A thread is ready, with priority {} above our {MINE}.",
        MINE + 1
    );
    tcb.resume()?;
    assert_eq!(COUNT.load(Ordering::SeqCst), 5);
    println!("Resumed, it ran before we did: it has counted to 5, and suspended itself.");

    stopping_and_going_on(boot, &mut allocator)?;
    priorities_decide(boot, &mut allocator, tcb)?;
    Ok(())
}

/// A thread needs a TCB, a scheduling context, memory, and the spaces that it shares with us.
fn new_thread(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
    area: &'static ThreadArea<16384>,
    function: extern "C" fn(Word),
    priority: Word,
) -> user_alloc::Result<(Tcb, SchedContext)> {
    let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
    area.prepare(
        boot,
        root::SPACE,
        Beginning {
            tcb,
            function,
            argument: priority,
        },
    )?;
    let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
    let control = boot::sched_control(boot, 0).expect("there is a core");
    control.configure(context, Budget::round_robin(10_000))?;
    tcb.set_sched_params(root::TCB, 0, priority, context, CPtr::NULL)?;
    Ok((tcb, context))
}

extern "C" fn count_to_five(_: Word) {
    for _ in 0..5 {
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
}

extern "C" fn count_forever(_: Word) {
    loop {
        COUNT.fetch_add(1, Ordering::SeqCst);
    }
}

fn stopping_and_going_on(boot: &'static BootInfo, allocator: &mut Allocator) -> user_alloc::Result {
    let (tcb, context) = new_thread(boot, allocator, &SECOND, count_forever, MINE)?;
    COUNT.store(0, Ordering::SeqCst);
    tcb.resume()?;
    // Equal priorities take turns: yielding gives it a turn.
    while COUNT.load(Ordering::SeqCst) < 1_000 {
        syscalls::yield_now();
    }
    let registers = tcb.read_registers(true)?;
    let stopped_at = COUNT.load(Ordering::SeqCst);
    let (at, stack) = isa::place(&registers);
    println!("A counting thread, suspended at {stopped_at}: at {at:#x}, its stack at {stack:#x}.");
    for _ in 0..3 {
        syscalls::yield_now();
    }
    assert_eq!(COUNT.load(Ordering::SeqCst), stopped_at);
    tcb.resume()?;
    while COUNT.load(Ordering::SeqCst) == stopped_at {
        syscalls::yield_now();
    }
    println!(
        "Resumed, it goes on where it was: {}.",
        COUNT.load(Ordering::SeqCst)
    );

    // Without time a thread does not run, whatever its priority.
    context.unbind()?;
    tcb.set_priority(root::TCB, MINE + 10)?;
    let stopped_at = COUNT.load(Ordering::SeqCst);
    syscalls::yield_now();
    assert_eq!(COUNT.load(Ordering::SeqCst), stopped_at);
    println!("Without its scheduling context it stands still, though its priority is above ours.");
    tcb.suspend()?;
    Ok(())
}

extern "C" fn note(mark: Word) {
    // Each thread appends its digit.
    ORDER.store(ORDER.load(Ordering::SeqCst) * 10 + mark, Ordering::SeqCst);
}

fn priorities_decide(
    boot: &'static BootInfo,
    allocator: &mut Allocator,
    other: Tcb,
) -> user_alloc::Result {
    static LOW: ThreadArea<16384> = ThreadArea::new();
    static HIGH: ThreadArea<16384> = ThreadArea::new();
    let (low, _) = new_thread(boot, allocator, &LOW, note, 1)?;
    let (high, _) = new_thread(boot, allocator, &HIGH, note, 2)?;
    low.resume()?;
    high.resume()?;
    assert_eq!(ORDER.load(Ordering::SeqCst), 0, "both are below us");
    // Going down to 0 ourselves lets both run to their ends.
    root::TCB.set_priority(root::TCB, 0)?;
    assert_eq!(ORDER.load(Ordering::SeqCst), 21);
    println!("Two threads below us waited until we made way; the higher one ran first.");
    root::TCB.set_priority(root::TCB, MINE)?;

    // The maximum controlled priority limits what a thread may give.
    let refused = low.set_priority(other, 50);
    assert_eq!(refused, Err(Error::RangeError { min: 0, max: 0 }));
    println!(
        "By the authority of a thread without any: {}.",
        refused.expect_err("refused")
    );
    Ok(())
}
