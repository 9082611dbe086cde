//! Hostile user space: threads that make system calls without sense, while the kernel has to stay
//! whole.
//!
//! The supervisor, with the highest priority and with objects that attackers cannot reach, builds
//! an arena: six [attackers](attack) in two capability spaces and three address spaces, with
//! capabilities to themselves, to each other, and to material for more. When none of them can go
//! on it starts those again that it can; after some time it takes the whole arena back and builds
//! the next. In the end all memory must be there again, and two threads must be able to talk.
//!
//! What attackers are spared is what ends the machine by intention: `DebugHalt`, the IO ports of
//! devices, authority over interrupts that devices raise.
//!
//! A build with `LINCHPIN_STRESS_SEED=number` takes other numbers, one with
//! `LINCHPIN_STRESS_CALLS=number` makes more or fewer calls. The calls of each attacker follow from
//! the seed; how attackers take turns follows from time, so that a run repeats another one only
//! under `--icount`.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod alphabet;
#[expect(unsafe_code, reason = "memory that is shared with attackers")]
mod arena;
#[expect(unsafe_code, reason = "attackers write to their buffers")]
mod attack;
mod isa;
mod layout;
#[expect(unsafe_code, reason = "calls what is assembly")]
mod machine;
mod peace;

use abi::ObjectType;
use arena::{Arena, Lent, MEMORY_BITS, OWN, SLOTS, path};
use attack::Numbers;
use core::sync::atomic::Ordering;
use layout::ATTACKERS;
use user_alloc::Allocator;
use user_api::{Budget, Notification, SchedContext, SlotWindow, Tcb, Untyped, syscalls};
use user_runtime::boot::{self, RESERVED_SLOTS};
use user_runtime::prelude::*;
use user_runtime::thread::{Beginning, ThreadArea};

user_runtime::entry!(main);

/// How many calls attackers make, if the build does not say. Most are for the kernel that checks
/// itself.
const CALLS: u64 = if abi::FLAVOUR.debug() {
    isa::CALLS
} else {
    isa::CALLS / 5 * 2
};
/// How often attackers are started again before everything is made anew.
const RESCUES: usize = 100;
/// For how many ticks an arena lasts at most.
const TICKS: usize = 50;
/// Microseconds of a tick.
const TICK: u64 = 10_000;
/// Calls between two lines that tell of progress.
const PROGRESS: u64 = 100_000;
/// Of so many calls one must be an invocation that succeeds.
const SUCCESS: u64 = 20;
/// So many arenas without any progress are one too many.
const IDLE_ARENAS: usize = 50;

/// What the supervisor is woken by.
const NOBODY_CAN_RUN: Word = 1;
const TIME_PASSES: Word = 2;

static WATCHER: ThreadArea<8192> = ThreadArea::new();
static TICKER: ThreadArea<8192> = ThreadArea::new();

/// Why it went wrong.
#[derive(Debug)]
enum Failure {
    Kernel(#[expect(dead_code, reason = "for the debug output")] Error),
    Memory(#[expect(dead_code, reason = "for the debug output")] user_alloc::AllocError),
    /// Attackers do not get anywhere any more.
    NoProgress,
    /// So few invocations succeed that nothing much can have been tested.
    TooHarmless,
    /// Two threads cannot talk any more.
    NoPeace,
    /// What was revoked cannot be used again as a whole.
    MemoryLost(#[expect(dead_code, reason = "for the debug output")] Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Kernel(error)
    }
}

impl From<user_alloc::AllocError> for Failure {
    fn from(error: user_alloc::AllocError) -> Self {
        Self::Memory(error)
    }
}

fn number(text: Option<&str>, default: u64) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn main(boot: &'static BootInfo) -> core::result::Result<(), Failure> {
    let seed = number(option_env!("LINCHPIN_STRESS_SEED"), 1);
    let calls = number(option_env!("LINCHPIN_STRESS_CALLS"), CALLS);
    println!("stress: {calls} calls, seed {seed}");
    let mut allocator: Allocator = Allocator::from_boot(boot, RESERVED_SLOTS)?;
    let supervisor = Supervisor::new(boot, &mut allocator)?;
    supervisor.attack(seed, calls)?;
    supervisor.memory_is_whole(&mut allocator)?;
    peace::holds(boot, &mut allocator)?
        .then_some(())
        .ok_or(Failure::NoPeace)?;
    println!("stress: all memory is back, and threads talk");
    Ok(())
}

struct Supervisor {
    lent: Lent,
    bell: Notification,
}

impl Supervisor {
    fn new(
        boot: &'static BootInfo,
        allocator: &mut Allocator,
    ) -> core::result::Result<Self, Failure> {
        let memory: Untyped = allocator.make(ObjectType::Untyped, MEMORY_BITS)?;
        let first_slot = allocator.slots.take_row(SLOTS as usize)?.offset;
        let control = boot::sched_control(boot, 0).ok_or(Error::IllegalOperation)?;
        let handlers = allocator.slots.take_row(4)?.offset;
        for n in 0..4 {
            isa::issue_handler(n, boot::root::CNODE.absolute(handlers + n))?;
        }
        let ports = allocator.slots.take_row(2)?.offset;
        let lent = Lent {
            boot,
            memory,
            first_slot,
            control,
            handlers: (handlers, 4),
            ports: (ports, isa::issue_ports(ports)?),
        };
        let bell: Notification = allocator.make(ObjectType::Notification, 0)?;
        for (area, function, badge, priority, budget) in [
            (
                &WATCHER,
                watch as extern "C" fn(Word),
                NOBODY_CAN_RUN,
                1,
                Budget::round_robin(5_000),
            ),
            (
                &TICKER,
                tick,
                TIME_PASSES,
                254,
                Budget::new(TICK / 10, TICK),
            ),
        ] {
            let tcb: Tcb = allocator.make(ObjectType::Tcb, 0)?;
            let context: SchedContext = allocator.make(ObjectType::SchedContext, 8)?;
            let argument: Notification = allocator.mint(bell, CapRights::ALL, badge)?;
            control.configure(context, budget)?;
            let beginning = Beginning {
                tcb,
                function,
                argument: argument.cptr().bits(),
            };
            area.prepare(boot, boot::root::SPACE, beginning)?;
            tcb.set_sched_params(boot::root::TCB, 0, priority, context, CPtr::NULL)?;
            tcb.resume()?;
        }
        Ok(Self { lent, bell })
    }

    /// Lets attackers make so many calls.
    fn attack(&self, seed: u64, calls: u64) -> core::result::Result<(), Failure> {
        let mut numbers = Numbers::new(seed);
        let (mut total, mut arenas, mut rescues, mut idle) = (0, 0, 0, 0);
        while total < calls {
            let before = total;
            let arena = Arena::build(self.lent, &mut numbers)?;
            rescues += self.fight(&arena, &mut numbers, &mut total, calls);
            arena.clear()?;
            arenas += 1;
            if total / PROGRESS > before / PROGRESS {
                println!("stress: {total} calls, {arenas} arenas, {rescues} rescues");
            }
            idle = if total == before { idle + 1 } else { 0 };
            if idle == IDLE_ARENAS {
                return Err(Failure::NoProgress);
            }
        }
        let successes: u64 = OWN
            .iter()
            .map(|own| believed(own.successes.load(Ordering::Relaxed)))
            .sum();
        println!(
            "stress: {total} calls, {successes} successes, {arenas} arenas, {rescues} rescues, seed {seed}"
        );
        if successes < total / SUCCESS {
            return Err(Failure::TooHarmless);
        }
        Ok(())
    }

    /// One arena's time. How often its attackers were started again.
    fn fight(&self, arena: &Arena, numbers: &mut Numbers, total: &mut u64, calls: u64) -> usize {
        let (mut rescues, mut ticks) = (0, 0);
        let mut progress = [0; ATTACKERS];
        // What was left of the last arena's bell is not this one's.
        self.bell.poll();
        while rescues < RESCUES && ticks < TICKS && *total < calls {
            let woken = self.bell.wait();
            let news = news();
            *total += news.iter().sum::<u64>();
            for (sum, new) in progress.iter_mut().zip(news) {
                *sum += new;
            }
            if woken & TIME_PASSES != 0 {
                ticks += 1;
            }
            if woken & NOBODY_CAN_RUN != 0 {
                rescues += 1;
                if arena.rescue(&progress, numbers) == 0 {
                    break;
                }
                progress = [0; ATTACKERS];
            }
        }
        *total += news().iter().sum::<u64>();
        rescues
    }

    /// The arena's memory can be had again in one piece.
    fn memory_is_whole(&self, allocator: &mut Allocator) -> core::result::Result<(), Failure> {
        let slot = allocator.slot()?;
        let window = SlotWindow::one(slot.root, slot.index);
        self.lent
            .memory
            .retype(ObjectType::Untyped, MEMORY_BITS, window)
            .map_err(Failure::MemoryLost)?;
        path(self.lent.memory).revoke()?;
        Ok(())
    }
}

/// Calls that each attacker has begun since this was last asked.
fn news() -> [u64; ATTACKERS] {
    OWN.each_ref()
        .map(|own| own.calls.swap(0, Ordering::Relaxed))
        .map(believed)
}

/// An attacker may have lost its way and written to its board: not every number is believed.
fn believed(number: u64) -> u64 {
    const MOST: u64 = 1_000_000;
    if number < MOST { number } else { 0 }
}

/// Runs when nobody else can, and says so.
extern "C" fn watch(bell: Word) {
    loop {
        Notification::new(bell).signal();
    }
}

/// Says that time passes.
extern "C" fn tick(bell: Word) {
    loop {
        // To the next period.
        syscalls::yield_now();
        Notification::new(bell).signal();
    }
}
