//! The calls of kernels that print or debug. Elsewhere their numbers are unknown and raise a
//! fault, so ask [`available`] first.

use crate::cap::CPtr;
use crate::ipc_buffer;
use crate::object::Tcb;
use crate::sys::{Entry, enter};
use abi::syscall::Syscall;
use abi::{FLAVOUR, PROFILE, Word};

/// Whether the kernel that this program is built for has a call.
pub const fn available(call: Syscall) -> bool {
    call.exists(&PROFILE, FLAVOUR)
}

fn with_cap(call: Syscall, cap: Word) -> Word {
    enter(
        call.number(),
        Entry {
            cap,
            ..Entry::default()
        },
    )
    .badge
}

/// Writes a byte to the kernel's console.
#[doc(alias = "seL4_DebugPutChar")]
pub fn put_char(byte: u8) {
    with_cap(Syscall::DebugPutChar, byte.into());
}

/// Lists all threads on the console.
#[doc(alias = "seL4_DebugDumpScheduler")]
pub fn dump_scheduler() {
    with_cap(Syscall::DebugDumpScheduler, 0);
}

/// Stops the machine.
#[doc(alias = "seL4_DebugHalt")]
pub fn halt() {
    with_cap(Syscall::DebugHalt, 0);
}

/// The type number of a capability ([`abi::cap_type`]); 0 if there is none.
#[doc(alias = "seL4_DebugCapIdentify")]
pub fn cap_identify(cap: CPtr) -> Word {
    with_cap(Syscall::DebugCapIdentify, cap.bits())
}

/// Prints the capabilities of the whole system.
#[doc(alias = "seL4_DebugSnapshot")]
pub fn snapshot() {
    with_cap(Syscall::DebugSnapshot, 0);
}

/// Names a thread, for the lists that the kernel prints. Overwrites message words.
#[doc(alias = "seL4_DebugNameThread")]
pub fn name_thread(thread: Tcb, name: &str) {
    ipc_buffer::set_text(name.as_bytes());
    with_cap(Syscall::DebugNameThread, thread.cptr().bits());
}

/// The core of a thread (multiprocessor profiles).
#[doc(alias = "seL4_DebugGetThreadAffinity")]
pub fn thread_affinity(thread: Tcb) -> Word {
    with_cap(Syscall::DebugGetThreadAffinity, thread.cptr().bits())
}
