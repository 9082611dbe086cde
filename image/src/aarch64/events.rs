//! What the entry stubs call: an event for the kernel core, and back with the thread to run.

use crate::console::Voice;
use crate::fatal::fatal;
use crate::lock::{self, Locked};
use crate::watch;
use abi::PROFILE;
use kernel::entry::{self, Event, Resume};
use kernel::isa::{Context, debug};
use kernel::object::store::Object;
use machine::aarch64::registers;

/// Classes of exceptions, in their syndrome.
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

/// The core that this is; the image drives one so far.
const CORE: usize = 0;

/// `SVC` with `number`. Answers the address of the register file to resume, 0 to idle.
pub(super) extern "C" fn on_syscall(number: i64) -> u64 {
    handle(&mut lock::acquire(CORE), Event::Syscall(number))
}

/// Any other exception of user mode, whose registers are at `interrupted`. Answers like
/// `on_syscall`.
pub(super) extern "C" fn on_exception(syndrome: u64, interrupted: &Context) -> u64 {
    let ip = interrupted.fault_ip();
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
    handle(&mut lock::acquire(CORE), event)
}

/// An interrupt, of the thread whose register file is at `interrupted`, or of idling (0).
/// Answers like `on_syscall`.
pub(super) extern "C" fn on_interrupt(interrupted: u64) -> u64 {
    let mut kernel = lock::acquire(CORE);
    match kernel.machine.accept() {
        Some(irq) => handle(&mut kernel, Event::Interrupt(irq)),
        None => interrupted,
    }
}

#[inline(always)]
fn handle(kernel: &mut Locked, event: Event) -> u64 {
    let resume = entry::enter(kernel, CORE, event);
    watch::after_entry(kernel);
    prepare(resume)
}

/// The register file's address for the exit stub.
#[inline(always)]
pub(super) fn prepare(resume: Resume) -> u64 {
    match resume {
        Resume::Thread(context) => context.address().plus(Context::OFFSET).bits(),
        Resume::Idle => 0,
    }
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
