//! What should not depend on how many others there are: threads that are ready, threads that wait for their
//! time, capabilities and objects.

use super::signal;
use crate::bench::{Area, Bench, CONTEXT_BITS, HIGHER, LONG, LOWER, OURS, Thread, start_at};
use crate::isa::Loop;
use crate::measure;
use crate::room::Room;
use crate::server::Server;
use abi::syscall::Syscall;
use abi::{CapRights, ObjectType, Word};
use user_alloc::Result;
use user_api::{Budget, CPtr, Notification, syscalls};
use user_runtime::boot::root;

/// How many others.
const NUMBERS: [usize; 5] = [1, 10, 100, 1_000, 10_000];
/// So little time that one system call uses it up, in a period that does not end here.
const SHORT: Budget = Budget::new(20, 3_600_000_000);

/// What is tried among the others.
struct Probe {
    server: Server,
    quiet: Notification,
    waited_for: Notification,
}

/// What the others do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Others {
    /// They could run, if nobody more important did.
    Ready,
    /// They wait for their time to come.
    Postponed,
}

impl Others {
    fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Postponed => "postponed",
        }
    }
}

/// Goes last: it moves us to another capability space.
pub(crate) fn run(bench: &mut Bench, server: Option<Server>) -> Result {
    let Some(server) = server.filter(|_| measure::any_wanted("scaling")) else {
        return Ok(());
    };
    let room = Room::open(bench)?;
    let probe = Probe {
        server,
        quiet: bench.allocator.make(ObjectType::Notification, 0)?,
        waited_for: waiter(bench)?,
    };
    for others in [Others::Ready, Others::Postponed] {
        crowd(bench, &room, &probe, others)?;
        room.clear()?;
    }
    objects(&room)?;
    room.clear()?;
    copies(bench, &room)
}

static WAITER: Area = Area::new();

/// A notification that a thread of higher priority always waits for.
fn waiter(bench: &mut Bench) -> Result<Notification> {
    let notification: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    let argument = notification.cptr().bits();
    let waiter = bench.thread(&WAITER, root::SPACE, signal::wait, argument, HIGHER)?;
    waiter.tcb.resume()?;
    Ok(notification)
}

/// More and more threads.
fn crowd(bench: &Bench, room: &Room, probe: &Probe, others: Others) -> Result {
    let mut alive = 0;
    for number in NUMBERS {
        while alive < number {
            let thread = populate(room, alive)?;
            let (budget, priority) = match others {
                Others::Ready => (LONG, LOWER),
                Others::Postponed => (SHORT, HIGHER),
            };
            bench.control.configure(thread.context, budget)?;
            thread
                .tcb
                .set_sched_params(root::TCB, 0, priority, thread.context, CPtr::NULL)?;
            thread.tcb.resume()?;
            alive += 1;
        }
        probe.among(number, others);
        match others {
            Others::Ready => rounds(number)?,
            Others::Postponed => amid_the_line(room, number)?,
        }
    }
    Ok(())
}

/// Thread `n` of the room, which yields whenever it runs.
fn populate(room: &Room, n: usize) -> Result<Thread> {
    let thread = room.thread(n, CONTEXT_BITS)?;
    let yielding = Syscall::Yield.number() as Word;
    start_at(thread.tcb, Loop::Syscall, yielding)?;
    Ok(thread)
}

impl Probe {
    fn among(&self, number: usize, others: Others) {
        let name = others.name();
        measure::steady("scaling call", format_args!("N={number} {name}"), || {
            self.server.call(0);
        });
        measure::steady("scaling signal", format_args!("N={number} {name}"), || {
            self.quiet.signal();
        });
        measure::steady(
            "scaling signal+wait",
            format_args!("N={number} {name}"),
            || self.waited_for.signal(),
        );
        measure::steady(
            "scaling yield",
            format_args!("N={number} {name}"),
            syscalls::yield_now,
        );
    }
}

/// All of them in turn, and us.
fn rounds(number: usize) -> Result {
    root::TCB.set_priority(root::TCB, LOWER)?;
    let repeat = (1_000 / number).clamp(2, 64);
    measure::steady_times(
        "scaling switch",
        format_args!("N={number} ready, per switch"),
        repeat,
        number + 1,
        syscalls::yield_now,
    );
    root::TCB.set_priority(root::TCB, OURS)?;
    Ok(())
}

/// One whose time comes neither first nor last leaves the line and joins it again.
fn amid_the_line(room: &Room, number: usize) -> Result {
    let tcb = room.tcb(number / 2);
    let mut outcome = Ok(());
    measure::steady(
        "scaling suspend+resume",
        format_args!("N={number} postponed"),
        || outcome = outcome.and(tcb.suspend()).and(tcb.resume()),
    );
    Ok(outcome?)
}

/// Objects of the same memory, of which the last is deleted and made again.
fn objects(room: &Room) -> Result {
    let mut alive = 0;
    for number in NUMBERS {
        room.fill(ObjectType::Notification, &mut alive, number)?;
        let path = room.path(number as Word);
        let window = room.window(number, 1);
        let memory = room.memory;
        let mut outcome = Ok(());
        measure::steady(
            "scaling retype+delete",
            format_args!("N={number} objects of the same memory"),
            || {
                let made = memory.retype(ObjectType::Endpoint, 0, window);
                outcome = outcome.and(made).and(path.delete());
            },
        );
        outcome?;
    }
    Ok(())
}

/// Copies of one capability: one more is made and deleted; then all are revoked.
fn copies(bench: &mut Bench, room: &Room) -> Result {
    let made: Notification = bench.allocator.make(ObjectType::Notification, 0)?;
    let original = bench.allocator.slots.path(made.cptr().bits());
    for number in NUMBERS {
        let fill = || {
            (0..number).try_for_each(|n| {
                room.path(n as Word)
                    .mint_from(original, CapRights::ALL, 1 + n as Word)
            })
        };
        fill()?;
        let last = room.path(number as Word);
        let mut outcome = Ok(());
        measure::steady(
            "scaling copy+delete",
            format_args!("N={number} copies"),
            || {
                let copied = last.copy_from(original, CapRights::ALL);
                outcome = outcome.and(copied).and(last.delete());
            },
        );
        outcome?;
        original.revoke()?;
        measure::prepared(
            "revoke copies",
            format_args!("N={number}, per copy"),
            number,
            fill,
            || original.revoke(),
            || Ok(()),
        )?;
    }
    Ok(())
}
