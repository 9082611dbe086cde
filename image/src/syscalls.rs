//! Where the entry stubs go with system calls: to the kernel core, and out again with the thread to
//! run. What is usual calls no function on its way, and so saves no registers beyond what the stub has
//! saved; what it misses goes on in a function of its own.

use crate::arch::trap::{by_register, idle, resume};
use crate::lock::{self, Locked};
use crate::watch;
use kernel::entry::{self, Left, Missed, OtherCall, Resume, Switch};
use kernel::isa::Context;
use kernel::message::{Buffer, Rest};
use kernel::object::cnode::Slot;
use kernel::object::store::{Object, Ref};
use kernel::object::tcb::Tcb;

/// The core that this is; the image drives one so far.
pub(crate) const CORE: usize = 0;

/// Call.
pub(crate) extern "C" fn on_call() -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_call(by_register(&mut kernel), CORE) {
        Ok(switch) => switch_to(kernel, switch),
        Err(OtherCall::Wordy(thread, slot)) => on_wordy_call(kernel, thread, slot),
        Err(OtherCall::Invocation(thread, slot)) => on_invocation(kernel, thread, slot),
        Err(OtherCall::Any(missed)) => on_other_call(kernel, missed),
    }
}

/// ReplyRecv.
pub(crate) extern "C" fn on_reply_recv() -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_reply_recv(by_register(&mut kernel), CORE) {
        Ok(switch) => switch_to(kernel, switch),
        Err(missed) if missed.is_wordy(&kernel) => on_wordy_reply_recv(kernel, missed),
        Err(missed) => on_other_reply_recv(kernel, missed),
    }
}

/// Send or NBSend, by its number.
pub(crate) extern "C" fn on_send(number: i64) -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_send(by_register(&mut kernel), CORE, number) {
        Ok(context) => run(kernel, context),
        Err(Left::Timer(next)) => on_timer(kernel, next),
        Err(Left::Other(missed)) => on_other_send(kernel, missed, number),
    }
}

/// Recv, NBRecv, Wait or NBWait.
pub(crate) extern "C" fn on_receive(number: i64) -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_receive(by_register(&mut kernel), CORE, number) {
        Ok(context) => run(kernel, context),
        Err(Left::Timer(next)) => on_timer(kernel, next),
        Err(Left::Other(missed)) => on_other_receive(kernel, missed, number),
    }
}

/// Yield.
pub(crate) extern "C" fn on_yield() -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_yield(by_register(&mut kernel), CORE) {
        Ok(context) => run(kernel, context),
        Err(Left::Timer(next)) => on_timer(kernel, next),
        Err(Left::Other(missed)) => on_other_yield(kernel, missed),
    }
}

/// Any other number.
pub(crate) extern "C" fn on_syscall(number: i64) -> ! {
    let mut kernel = lock::acquire(CORE);
    let resume = entry::enter_syscall(by_register(&mut kernel), CORE, number);
    leave(kernel, resume)
}

#[inline(never)]
fn on_timer(mut kernel: Locked, next: Ref<Tcb>) -> ! {
    let context = entry::enter_with_timer(by_register(&mut kernel), next);
    run(kernel, context)
}

#[inline(never)]
fn on_other_send(mut kernel: Locked, missed: Missed, number: i64) -> ! {
    let resume = entry::enter_other_send(by_register(&mut kernel), missed, number);
    leave(kernel, resume)
}

#[inline(never)]
fn on_other_receive(mut kernel: Locked, missed: Missed, number: i64) -> ! {
    let resume = entry::enter_other_receive(by_register(&mut kernel), missed, number);
    leave(kernel, resume)
}

#[inline(never)]
fn on_other_yield(mut kernel: Locked, missed: Missed) -> ! {
    let resume = entry::enter_other_yield(by_register(&mut kernel), missed);
    leave(kernel, resume)
}

#[inline(never)]
fn on_invocation(mut kernel: Locked, thread: Ref<Tcb>, slot: Ref<Slot>) -> ! {
    let resume = entry::enter_invocation(by_register(&mut kernel), thread, slot);
    leave(kernel, resume)
}

#[inline(never)]
fn on_wordy_call(mut kernel: Locked, thread: Ref<Tcb>, slot: Ref<Slot>) -> ! {
    match entry::enter_wordy_call(by_register(&mut kernel), thread, slot) {
        Ok(switch) => switch_to(kernel, switch),
        Err(missed) => on_other_call(kernel, missed),
    }
}

#[inline(never)]
fn on_wordy_reply_recv(mut kernel: Locked, missed: Missed) -> ! {
    match entry::enter_wordy_reply_recv(by_register(&mut kernel), missed) {
        Ok(switch) => switch_to(kernel, switch),
        Err(missed) => on_other_reply_recv(kernel, missed),
    }
}

#[inline(never)]
fn on_other_call(mut kernel: Locked, missed: Missed) -> ! {
    let resume = entry::enter_other_call(by_register(&mut kernel), missed);
    leave(kernel, resume)
}

#[inline(never)]
fn on_other_reply_recv(mut kernel: Locked, missed: Missed) -> ! {
    let resume = entry::enter_other_reply_recv(by_register(&mut kernel), missed);
    leave(kernel, resume)
}

#[inline(always)]
fn switch_to(kernel: Locked, switch: Switch) -> ! {
    match switch.rest {
        None if switch.suits => run(kernel, switch.thread.context()),
        None => prepare_and_run(kernel, switch.thread),
        Some(rest) => copy_and_run(kernel, rest.from, rest.to, rest.length, switch.thread),
    }
}

/// What is copied comes in registers.
#[inline(never)]
fn copy_and_run(
    mut kernel: Locked,
    from: Buffer,
    to: Buffer,
    length: usize,
    thread: Ref<Tcb>,
) -> ! {
    Rest { from, to, length }.copy(&mut kernel);
    let context = entry::enter_prepared(&mut kernel, thread);
    run(kernel, context)
}

#[inline(never)]
fn prepare_and_run(mut kernel: Locked, thread: Ref<Tcb>) -> ! {
    let context = entry::enter_prepared(&mut kernel, thread);
    run(kernel, context)
}

/// Leaves the kernel.
#[inline(always)]
pub(crate) fn leave(kernel: Locked, resume: Resume) -> ! {
    match resume {
        Resume::Thread(context) => run(kernel, context),
        Resume::Idle => {
            finish(kernel);
            idle()
        }
    }
}

#[inline(always)]
fn run(kernel: Locked, context: Ref<Context>) -> ! {
    finish(kernel);
    resume(place(context))
}

#[inline(always)]
fn finish(mut kernel: Locked) {
    watch::after_entry(&mut kernel);
    drop(kernel);
}

/// The register file's address.
#[inline(always)]
pub(crate) fn place(context: Ref<Context>) -> u64 {
    context.address().plus(Context::OFFSET).bits()
}
