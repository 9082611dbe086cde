//! x86_64: `fs` is the thread register; ports lead to the debug-exit device and the serial line.

use crate::entry::{STACK, STACK_BYTES, start};
use crate::tls::Placement;
use abi::syscall::Syscall;
use abi::{PROFILE, Word};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, Ordering};
use user_api::{IoPort, UserContext, debug, syscalls};

/// Storage ends at the thread pointer.
pub(crate) const TLS: Placement = Placement::Below;

/// The fixed capabilities that only this ISA has.
pub(crate) mod root {
    use abi::Word;
    use abi::bootinfo as slot;
    use user_api::IoPortControl;

    /// Hands out IO ports.
    pub const IO_PORT_CONTROL: IoPortControl = IoPortControl::new(slot::IO_PORT_CONTROL as Word);
}

// The first instruction of a program. The kernel (or the loader of a process) gives `rdi` and
// `rsi` and no stack. Alignment: a call leaves the stack as a function expects it.
global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".global _start",
    "_start:",
    "lea rsp, [rip + {stack} + {bytes}]",
    "xor ebp, ebp",
    "call {start}",
    "ud2",
    ".previous",
    stack = sym STACK,
    bytes = const STACK_BYTES,
    start = sym start,
);

/// Points the thread register to `base`, by whatever way the profile has.
pub(crate) fn set_thread_pointer(base: usize) {
    if debug::available(Syscall::SetTlsBase) {
        syscalls::set_tls_base(base as Word);
    } else if PROFILE.fsgsbase {
        // SAFETY: profiles that say so enable the instruction; `base` is a thread control block.
        unsafe { asm!("wrfsbase {}", in(reg) base, options(nostack, preserves_flags)) }
    } else {
        // One message word: this needs no IPC buffer yet. Without the capability nothing works
        // from here on, and the thread faults at its first message.
        let _ = crate::boot::root::TCB.set_tls_base(base as Word);
    }
}

/// The running thread's block.
#[inline(always)]
pub(crate) fn thread_block() -> *const u8 {
    let base: *const u8;
    // SAFETY: the first word of the thread control block points to itself.
    unsafe { asm!("mov {}, fs:[0]", out(reg) base, options(nostack, preserves_flags, readonly)) }
    base
}

/// The registers of a new thread: it calls `function(first, second, third)` and must not return.
pub(crate) fn new_thread(
    function: usize,
    arguments: [Word; 3],
    stack_top: usize,
    thread_pointer: usize,
) -> UserContext {
    user_api::starting_context(
        function as Word,
        arguments,
        stack_top as Word,
        thread_pointer as Word,
    )
}

/// The port of the debug-exit device, as QEMU is told to place it.
const EXIT_PORT: u16 = 0xf4;
/// The device ends QEMU with status `2 * value + 1`.
const EXIT_SUCCESS: u32 = 0x10;
const EXIT_FAILURE: u32 = 0x11;

/// Ends the machine by the debug-exit device, if the root task holds IO ports and there is one.
pub(crate) fn end_machine(success: bool) {
    let Some(slot) = crate::boot::reserved_slot(0) else {
        return;
    };
    let path = crate::boot::root::CNODE.absolute(slot);
    // An error means that somebody else holds the port; then the marker line has to do.
    let _ = root::IO_PORT_CONTROL.issue(EXIT_PORT, EXIT_PORT + 3, path);
    let value = if success { EXIT_SUCCESS } else { EXIT_FAILURE };
    let _ = IoPort::new(slot).out32(EXIT_PORT, value);
}

const SERIAL_FIRST: u16 = 0x3f8;
const SERIAL_LAST: u16 = 0x3ff;
const SERIAL_LINE_STATUS: u16 = SERIAL_FIRST + 5;
const SERIAL_CAN_TAKE: u8 = 1 << 5;

/// The slot of the serial port's capability once there is one; 0 before.
static SERIAL: AtomicU64 = AtomicU64::new(0);

/// Takes the serial port for the console: for kernels that do not print.
pub(crate) fn open_serial() {
    let Some(slot) = crate::boot::reserved_slot(1) else {
        return;
    };
    let path = crate::boot::root::CNODE.absolute(slot);
    if root::IO_PORT_CONTROL
        .issue(SERIAL_FIRST, SERIAL_LAST, path)
        .is_ok()
    {
        SERIAL.store(slot, Ordering::Relaxed);
    }
}

/// The serial port, if it is ours.
pub fn serial_port() -> Option<IoPort> {
    let slot = SERIAL.load(Ordering::Relaxed);
    (slot != 0).then_some(IoPort::new(slot))
}

/// Writes a byte to the serial port, if it is ours.
pub(crate) fn serial_byte(byte: u8) {
    let Some(port) = serial_port() else {
        return;
    };
    while port
        .in8(SERIAL_LINE_STATUS)
        .is_ok_and(|status| status & SERIAL_CAN_TAKE == 0)
    {}
    // The port is ours, so there is no error.
    let _ = port.out8(SERIAL_FIRST, byte);
}
