//! Where the entry stubs go with system calls: to the kernel core, and out again with the thread to
//! run. Call and ReplyRecv come by ways of their own, which call no function and so save no registers
//! beyond what the stub has saved.

use crate::arch::trap::{by_register, idle, resume};
use crate::lock::{self, Locked};
use crate::watch;
use kernel::entry::{self, Missed, Resume};
use kernel::isa::Context;
use kernel::object::store::{Object, Ref};

/// The core that this is; the image drives one so far.
pub(crate) const CORE: usize = 0;

/// Call.
pub(crate) extern "C" fn on_call() -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_call(by_register(&mut kernel), CORE) {
        Ok(context) => run(kernel, context),
        Err(missed) => on_other_call(kernel, missed),
    }
}

/// ReplyRecv.
pub(crate) extern "C" fn on_reply_recv() -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_reply_recv(by_register(&mut kernel), CORE) {
        Ok(context) => run(kernel, context),
        Err(missed) => on_other_reply_recv(kernel, missed),
    }
}

/// The system call `number`, one that has no entry of its own.
pub(crate) extern "C" fn on_syscall(number: i64) -> ! {
    let mut kernel = lock::acquire(CORE);
    match entry::enter_syscall(by_register(&mut kernel), CORE, number) {
        Some(context) => run(kernel, context),
        None => on_unusual_syscall(kernel, number),
    }
}

#[cold]
#[inline(never)]
fn on_unusual_syscall(mut kernel: Locked, number: i64) -> ! {
    let resume = entry::enter_syscall_slow(by_register(&mut kernel), number);
    leave(kernel, resume)
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
