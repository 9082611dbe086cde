//! Where the entry stubs go with what is no system call: an event for the kernel core, and out again
//! with the thread to run.

use super::trap;
use crate::console::Voice;
use crate::fatal::fatal;
use crate::lock::{self, Locked};
use crate::syscalls::{CORE, leave};
use abi::PROFILE;
use kernel::entry::{self, Event};
use kernel::isa::debug;
use kernel::object::store::Ref;
use machine::aarch64::registers;

/// The class of `SVC` in an exception's syndrome.
pub(super) const SYSTEM_CALL: u64 = 0x15;

/// The other classes.
mod class {
    pub(super) const NO_FPU: u64 = 0x07;
    pub(super) const INSTRUCTION_ABORT: u64 = 0x20;
    pub(super) const INSTRUCTION_ABORT_HERE: u64 = 0x21;
    pub(super) const DATA_ABORT: u64 = 0x24;
    pub(super) const DATA_ABORT_HERE: u64 = 0x25;
    pub(super) const SYSTEM_ERROR: u64 = 0x2f;
    pub(super) const BREAKPOINT: u64 = 0x30;
    pub(super) const STEP: u64 = 0x32;
    pub(super) const WATCHPOINT: u64 = 0x34;
    pub(super) const BREAKPOINT_INSTRUCTION: u64 = 0x3c;
}

/// Any other exception of user mode. The stub took it for a system call.
pub(super) extern "C" fn on_exception(syndrome: u64) -> ! {
    let mut kernel = lock::acquire(CORE);
    let ip = restart_where_it_stopped(&mut kernel);
    let event = match syndrome >> 26 {
        class::NO_FPU => Event::FpuUnavailable,
        class::INSTRUCTION_ABORT => Event::VmFault {
            address: ip,
            status: syndrome,
            instruction: true,
        },
        class::DATA_ABORT => Event::VmFault {
            address: registers::fault_address(),
            status: syndrome,
            instruction: false,
        },
        class::BREAKPOINT | class::STEP | class::WATCHPOINT | class::BREAKPOINT_INSTRUCTION
            if PROFILE.hardware_debug_api =>
        {
            Event::Debug {
                status: debug::status(syndrome, registers::fault_address()),
            }
        }
        _ => Event::UserException {
            number: syndrome,
            code: 0,
        },
    };
    handle(kernel, event)
}

/// The address of the instruction that did not end, which the running thread will execute again.
fn restart_where_it_stopped(kernel: &mut Locked) -> u64 {
    let Some(context) = kernel.current().map(Ref::context) else {
        return 0;
    };
    let ip = kernel[context].next_ip();
    kernel[context].set_fault_ip(ip);
    ip
}

/// An interrupt, of the thread whose register file is at `interrupted`, or of idling (0).
pub(super) extern "C" fn on_interrupt(interrupted: u64) -> ! {
    let mut kernel = lock::acquire(CORE);
    match kernel.machine.accept() {
        Some(irq) => handle(kernel, Event::Interrupt(irq)),
        None if interrupted == 0 => trap::idle(),
        None => trap::resume(interrupted),
    }
}

#[inline(always)]
fn handle(mut kernel: Locked, event: Event) -> ! {
    let resume = entry::enter_trap(trap::by_register(&mut kernel), CORE, event);
    leave(kernel, resume)
}

/// Something that the kernel is not prepared for: it is told and everything stops. Runs on a
/// stack of its own and touches no kernel state. `vector` is where it came in.
pub(super) extern "C" fn on_fatal(syndrome: u64, ip: u64, stack: u64, vector: u64) -> ! {
    Voice.text("\n");
    fatal(|voice| {
        voice
            .text(name(syndrome))
            .text(if vector < 8 {
                " in the kernel"
            } else {
                " in user mode"
            })
            .text(": ip ")
            .hex(ip)
            .text(", sp ")
            .hex(stack)
            .text(", syndrome ")
            .hex(syndrome)
            .text(", address ")
            .hex(registers::fault_address())
            .text(", vector ")
            .number(vector)
    })
}

fn name(syndrome: u64) -> &'static str {
    match syndrome >> 26 {
        class::INSTRUCTION_ABORT | class::INSTRUCTION_ABORT_HERE => "instruction abort",
        class::DATA_ABORT | class::DATA_ABORT_HERE => "data abort",
        class::SYSTEM_ERROR => "system error",
        _ => "exception",
    }
}
