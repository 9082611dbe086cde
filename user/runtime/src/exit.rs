//! The end of a program.

use crate::boot;
use abi::syscall::Syscall;
use user_api::{CPtr, debug, syscalls};

/// Begins the line that always tells how a root task ended: `exit: 0` is success.
pub const MARKER: &str = "exit:";

/// Ends the program with a code; 0 is success.
///
/// A root task prints its marker line and ends the machine by the debug-exit device, where there
/// is one; otherwise it stops. A process faults on address 0 of its capability space, and its
/// fault handler knows.
pub fn exit(code: u32) -> ! {
    if boot::info().is_some() {
        crate::println!("{MARKER} {code}");
        crate::isa::end_machine(code == 0);
        if debug::available(Syscall::DebugHalt) {
            debug::halt();
        }
        // A root task that cannot even suspend itself can still do nothing.
        let _ = boot::root::TCB.suspend();
    }
    stop()
}

/// Faults on address 0 of the capability space, again and again: without a handler that answers,
/// the thread stops at the first.
pub(crate) fn stop() -> ! {
    loop {
        syscalls::wait(CPtr::NULL);
    }
}
