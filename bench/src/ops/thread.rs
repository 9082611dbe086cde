//! Threads and their time, seen from the thread that manages them.

use crate::bench::{Bench, CONTEXT_BITS, LONG, LOWER, start_at};
use crate::isa::Loop;
use crate::measure;
use abi::ObjectType;
use user_alloc::Result;
use user_api::{CPtr, SchedContext, SlotWindow, Tcb, Untyped};
use user_runtime::boot::root;

pub(crate) fn run(bench: &mut Bench) -> Result {
    create(bench)?;
    manage(bench)
}

/// From memory to a thread that could be resumed.
fn create(bench: &mut Bench) -> Result {
    let untyped: Untyped = bench.allocator.make(ObjectType::Untyped, 13)?;
    let parent = bench.allocator.slots.path(untyped.cptr().bits());
    let row = bench.allocator.slots.take_row(2)?;
    let tcb = Tcb::new(row.offset);
    let context = SchedContext::new(row.offset + 1);
    let control = bench.control;
    let make = || {
        untyped.retype(ObjectType::Tcb, 0, SlotWindow::one(row.root, row.offset))?;
        let second = SlotWindow::one(row.root, row.offset + 1);
        untyped.retype(ObjectType::SchedContext, CONTEXT_BITS, second)?;
        control.configure(context, LONG)?;
        start_at(tcb, Loop::Syscall, 0)?;
        tcb.set_sched_params(root::TCB, 0, LOWER, context, CPtr::NULL)
    };
    let nothing = || Ok(());
    let revoke = || parent.revoke();
    measure::prepared(
        "thread create",
        "objects, registers, spaces, time",
        1,
        nothing,
        make,
        revoke,
    )?;
    measure::prepared("thread destroy", "by revocation", 1, make, revoke, nothing)?;
    Ok(())
}

fn manage(bench: &mut Bench) -> Result {
    let thread = bench.looping(Loop::Syscall, 0, LOWER)?;
    let tcb = thread.tcb;
    let control = bench.control;
    let mut outcome = tcb.resume();
    let mut keep = |result: user_api::Result| outcome = outcome.and(result);
    measure::steady("suspend+resume", "a ready thread", || {
        keep(tcb.suspend());
        keep(tcb.resume());
    });
    let mut priority = LOWER;
    measure::steady("set priority", "a ready thread", || {
        priority ^= 1;
        keep(tcb.set_priority(root::TCB, priority));
    });
    measure::steady("read registers", "", || {
        keep(tcb.read_registers(false).map(|_| ()));
    });
    keep(tcb.suspend());
    measure::steady("set priority", "a stopped thread", || {
        priority ^= 1;
        keep(tcb.set_priority(root::TCB, priority));
    });
    measure::steady("configure time", "of a stopped thread", || {
        keep(control.configure(thread.context, LONG));
    });
    measure::steady("bind+unbind time", "a stopped thread", || {
        keep(thread.context.unbind());
        keep(thread.context.bind(tcb));
    });
    Ok(outcome?)
}
