//! Where the entry stubs go with what is no system call: an event for the kernel core, and out again
//! with the thread to run.

use super::segments::USER_VECTORS;
use super::trap;
use crate::console::Voice;
use crate::fatal::fatal;
use crate::lock;
use crate::syscalls::{CORE, leave};
use abi::PROFILE;
use kernel::entry::{self, Event};
use kernel::isa::Context;
use machine::x86_64::interrupts::SPURIOUS_VECTOR;
use machine::x86_64::registers;

const DEBUG: u64 = 1;
const NON_MASKABLE: u64 = 2;
const BREAKPOINT: u64 = 3;
const NO_FPU: u64 = 7;
const DOUBLE_FAULT: u64 = 8;
const PAGE_FAULT: u64 = 14;
const MACHINE_CHECK: u64 = 18;
const LAST_EXCEPTION: u64 = 31;
const SPURIOUS: u64 = SPURIOUS_VECTOR as u64;
const FIRST_USER_VECTOR: u64 = *USER_VECTORS.start() as u64;

/// In a page fault's error code: the access was an instruction fetch.
const INSTRUCTION_FETCH: u64 = 1 << 4;
/// Bytes of `INT n`.
const INT_BYTES: u64 = 2;

/// A trap out of user mode, or out of idling; `interrupted` is the register file of the thread
/// that ran, 0 when idle.
pub(super) extern "sysv64" fn on_trap(vector: u64, error: u64, interrupted: u64) -> ! {
    let mut kernel = lock::acquire(CORE);
    let event = match vector {
        NON_MASKABLE | DOUBLE_FAULT | MACHINE_CHECK => stop(vector, error),
        NO_FPU => Event::FpuUnavailable,
        PAGE_FAULT => Event::VmFault {
            address: registers::cr2(),
            status: error,
            instruction: error & INSTRUCTION_FETCH != 0,
        },
        DEBUG if PROFILE.hardware_debug_api => Event::Debug {
            status: registers::take_debug_status(),
        },
        BREAKPOINT if PROFILE.hardware_debug_api => Event::Debug {
            status: kernel::isa::debug::BREAKPOINT_INSTRUCTION,
        },
        0..=LAST_EXCEPTION => Event::UserException {
            number: vector,
            code: error,
        },
        SPURIOUS => go_back(interrupted),
        FIRST_USER_VECTOR.. => {
            step_back(interrupted);
            Event::Syscall(vector.cast_signed())
        }
        // A vector has eight bits.
        _ => match kernel.machine.accept(vector as u8) {
            Some(irq) => Event::Interrupt(irq),
            None => go_back(interrupted),
        },
    };
    let resume = entry::enter_trap(&mut kernel, CORE, event);
    leave(kernel, resume)
}

/// Nothing has happened.
fn go_back(interrupted: u64) -> ! {
    match interrupted {
        0 => trap::idle(),
        context => trap::resume(context),
    }
}

/// The thread's restart address is that of its `INT n`.
fn step_back(interrupted: u64) {
    let context: *mut Context = core::ptr::with_exposed_provenance_mut(interrupted as usize);
    if !context.is_null() {
        // SAFETY: the stub has just saved the running thread's registers there.
        let context = unsafe { &mut *context };
        // Wrapping, as the processor's instruction pointer does.
        context.fault_ip = context.next_ip.wrapping_sub(INT_BYTES);
    }
}

/// What the stub and the processor have pushed.
#[repr(C)]
pub(super) struct Frame {
    vector: u64,
    error: u64,
    ip: u64,
    code_segment: u64,
    flags: u64,
    sp: u64,
    stack_segment: u64,
}

/// A fault of the kernel's own: it is told and everything stops. Runs on a stack of its own and
/// touches no kernel state.
pub(super) extern "sysv64" fn on_kernel_fault(frame: &Frame) -> ! {
    Voice.text("\n");
    fatal(|voice| {
        name(voice, frame.vector)
            .text(" in the kernel: ip ")
            .hex(frame.ip)
            .text(", sp ")
            .hex(frame.sp)
            .text(", flags ")
            .hex(frame.flags)
            .text(", error ")
            .hex(frame.error)
            .text(", address ")
            .hex(registers::cr2())
            .text(", segments ")
            .hex(frame.code_segment)
            .text(" ")
            .hex(frame.stack_segment)
    })
}

fn stop(vector: u64, error: u64) -> ! {
    fatal(|voice| name(voice, vector).text(" in user mode, error ").hex(error))
}

#[cold]
#[inline(never)]
fn name(voice: Voice, vector: u64) -> Voice {
    let name = match vector {
        NON_MASKABLE => "non-maskable interrupt",
        DOUBLE_FAULT => "double fault",
        13 => "protection fault",
        PAGE_FAULT => "page fault",
        MACHINE_CHECK => "machine check",
        _ => "exception",
    };
    voice.text(name).text(" (vector ").number(vector).text(")")
}
