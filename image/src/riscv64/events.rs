//! Where the entry stubs go with what is no system call: an event for the kernel core, and out again
//! with the thread to run.

use super::trap;
use crate::console::Voice;
use crate::fatal::fatal;
use crate::lock::{self, Locked};
use crate::syscalls::{CORE, leave};
use kernel::entry::{self, Event};
use machine::Machine;
use machine::riscv64::csr::{self, interrupt};
use machine::riscv64::fpu;

/// In `scause`: an interrupt.
const INTERRUPT: u64 = 1 << 63;
const TIMER: u64 = INTERRUPT | 5;
const EXTERNAL: u64 = INTERRUPT | 9;

const FETCH_REFUSED: u64 = 1;
const ILLEGAL_INSTRUCTION: u64 = 2;
const LOAD_REFUSED: u64 = 5;
const STORE_REFUSED: u64 = 7;
/// `ECALL` of user mode.
pub(super) const SYSTEM_CALL: u64 = 8;
const FETCH_PAGE_FAULT: u64 = 12;
const LOAD_PAGE_FAULT: u64 = 13;
const STORE_PAGE_FAULT: u64 = 15;

/// Any other trap out of user mode, or what has ended idling; `interrupted` is the register file
/// of the thread that ran, 0 when idle.
pub(super) extern "C" fn on_trap(cause: u64, value: u64, interrupted: u64) -> ! {
    let mut kernel = lock::acquire(CORE);
    let event = match cause {
        TIMER => Event::Interrupt(kernel.machine.timer_irq()),
        EXTERNAL => match kernel.machine.claim() {
            Some(irq) => Event::Interrupt(irq),
            None if interrupted == 0 => trap::idle(),
            None => trap::resume(interrupted),
        },
        FETCH_PAGE_FAULT | FETCH_REFUSED => refused(value, FETCH_REFUSED),
        LOAD_PAGE_FAULT | LOAD_REFUSED => refused(value, LOAD_REFUSED),
        STORE_PAGE_FAULT | STORE_REFUSED => refused(value, STORE_REFUSED),
        ILLEGAL_INSTRUCTION if kernel.machine.fpu_is_off() && may_be_floating_point(value) => {
            Event::FpuUnavailable
        }
        number => Event::UserException { number, code: 0 },
    };
    handle(kernel, event)
}

/// Page faults are told as the access faults that they are to user code.
fn refused(address: u64, status: u64) -> Event {
    Event::VmFault {
        address,
        status,
        instruction: status == FETCH_REFUSED,
    }
}

/// `stval` may hold the instruction. Where it does not, this is found out by trying: with the
/// registers switched on, an instruction that is illegal still traps again.
fn may_be_floating_point(instruction: u64) -> bool {
    instruction == 0 || fpu::is_floating_point(instruction as u32)
}

/// Idling has ended.
pub(super) extern "C" fn on_wake() -> ! {
    let waiting = csr::sip() & csr::sie();
    if waiting & interrupt::TIMER != 0 {
        on_trap(TIMER, 0, 0)
    } else if waiting & interrupt::EXTERNAL != 0 {
        on_trap(EXTERNAL, 0, 0)
    } else {
        trap::idle()
    }
}

#[inline(always)]
fn handle(mut kernel: Locked, event: Event) -> ! {
    let resume = entry::enter_trap(trap::by_register(&mut kernel), CORE, event);
    leave(kernel, resume)
}

/// A trap in the kernel itself: it is told and everything stops. Runs on a stack of its own and
/// touches no kernel state.
pub(super) extern "C" fn on_kernel_fault(stack: u64) -> ! {
    Voice.text("\n");
    fatal(|voice| {
        voice
            .text(name(csr::scause()))
            .text(" in the kernel: ip ")
            .hex(csr::sepc())
            .text(", sp ")
            .hex(stack)
            .text(", cause ")
            .hex(csr::scause())
            .text(", value ")
            .hex(csr::stval())
            .text(", status ")
            .hex(csr::sstatus())
    })
}

fn name(cause: u64) -> &'static str {
    match cause {
        FETCH_PAGE_FAULT | LOAD_PAGE_FAULT | STORE_PAGE_FAULT => "page fault",
        FETCH_REFUSED | LOAD_REFUSED | STORE_REFUSED => "access fault",
        ILLEGAL_INSTRUCTION => "illegal instruction",
        INTERRUPT.. => "interrupt",
        _ => "exception",
    }
}
