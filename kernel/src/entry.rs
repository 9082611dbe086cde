//! The one way in and out: lock, handle, schedule, resume. The image's stubs have saved the
//! registers of the current thread; they load those of whoever [`enter`] says.

mod system_call;

pub(crate) use system_call::SHORT_PLANS;
pub use system_call::{
    Left, Missed, OtherCall, Switch, enter_any_syscall, enter_call, enter_invocation,
    enter_other_call, enter_other_receive, enter_other_reply_recv, enter_other_send,
    enter_other_yield, enter_prepared, enter_receive, enter_reply_recv, enter_send, enter_syscall,
    enter_with_timer, enter_wordy_call, enter_wordy_reply_recv, enter_yield,
};

use crate::Kernel;
use crate::console::calls;
use crate::error::Preempted;
use crate::fastpath;
use crate::fault::{self, Fault};
use crate::fpu;
use crate::isa;
use crate::kernel::NODES;
use crate::object::asid;
use crate::object::irq;
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb, ThreadState};
use crate::sched;
use crate::syscall;
use crate::time;
use crate::timer;
use crate::usage;
use abi::syscall::Syscall;
use abi::{FLAVOUR, PROFILE, Word};
use machine::Irq;

/// Why the kernel was entered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Event {
    /// A system call instruction, with this number. `fault_ip` is the instruction, `next_ip`
    /// what follows it.
    Syscall(i64),
    /// An interrupt; also while idle. `fault_ip` and `next_ip` are the interrupted instruction.
    Interrupt(Irq),
    /// An exception of the processor. `fault_ip` is the instruction.
    UserException { number: Word, code: Word },
    /// A memory access that was refused. `fault_ip` is the instruction.
    VmFault {
        address: Word,
        status: Word,
        instruction: bool,
    },
    /// A floating-point instruction while they are off. `fault_ip` is the instruction.
    FpuUnavailable,
    /// A debug exception. `fault_ip` is the instruction.
    Debug {
        /// What the processor says of it; `isa::debug` reads it.
        status: Word,
    },
}

/// What the image does next.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[must_use]
pub enum Resume {
    /// Load these registers and go to `next_ip` in user mode.
    Thread(Ref<isa::Context>),
    /// Wait for an interrupt.
    Idle,
}

/// Handles `event` on `core`.
pub fn enter(k: &mut Kernel, core: usize, event: Event) -> Resume {
    match event {
        Event::Syscall(number) => enter_any_syscall(k, core, number),
        _ => enter_trap(k, core, event),
    }
}

/// Handles `event` on `core`, which is mostly no system call.
#[inline]
pub fn enter_trap(k: &mut Kernel, core: usize, event: Event) -> Resume {
    match event {
        Event::UserException { number, code } => {
            enter_user_fault(k, core, Fault::UserException { number, code })
        }
        Event::VmFault {
            address,
            status,
            instruction,
        } => {
            let fault = Fault::Vm {
                address,
                status,
                instruction,
            };
            enter_user_fault(k, core, fault)
        }
        _ => enter_slow(k, core, event),
    }
}

/// Handles what user code has run into.
#[inline(always)]
fn enter_user_fault(k: &mut Kernel, core: usize, fault: Fault) -> Resume {
    if let Some(thread) = arrive_in_time(k, core)
        && let Some(next) = fastpath::try_fault(k, thread, fault)
    {
        return Resume::Thread(go_on(k, next));
    }
    enter_fault(k, fault);
    leave(k)
}

/// As [`enter`], without the fast paths: what they are compared with.
pub fn enter_slow(k: &mut Kernel, core: usize, event: Event) -> Resume {
    arrive(k, core);
    match event {
        Event::Syscall(number) => return enter_syscall_slow(k, number),
        Event::Interrupt(irq) => irq::handle(k, irq),
        Event::UserException { number, code } => {
            enter_fault(k, Fault::UserException { number, code })
        }
        Event::VmFault {
            address,
            status,
            instruction,
        } => {
            enter_fault(
                k,
                Fault::Vm {
                    address,
                    status,
                    instruction,
                },
            );
        }
        Event::Debug { status } => {
            if let Some(fault) = k
                .current()
                .and_then(|thread| isa::debug::trap(k, thread, status))
            {
                enter_fault(k, fault);
            }
        }
        Event::FpuUnavailable => enter_fpu(k),
    }
    leave(k)
}

/// The current thread, if it has time for whatever it asks and nobody else's turn comes.
#[inline(always)]
fn arrive_in_time(k: &mut Kernel, core: usize) -> Option<Ref<Tcb>> {
    arrive(k, core);
    if !timer::quick(k) {
        return None;
    }
    k.current()
}

/// The kernel runs on `core`.
#[inline(always)]
fn arrive(k: &mut Kernel, core: usize) {
    if NODES > 1 {
        k.core = core;
    }
    if usage::TRACKED {
        usage::entered(k);
    }
}

/// As [`enter_slow`], for system call `number`, where the kernel already runs.
#[inline(never)]
pub fn enter_syscall_slow(k: &mut Kernel, number: i64) -> Resume {
    let Some(thread) = k.current() else {
        return leave(k);
    };
    match Syscall::from_number(number, &PROFILE, FLAVOUR) {
        Some(call) if is_debug(call) => {
            calls::debug_call(k, thread, call);
            return resume(k);
        }
        Some(call) => {
            time::update(k);
            if time::check_budget_restart(k) {
                checked_call(k, thread, call);
            }
        }
        None => enter_fault(
            k,
            Fault::UnknownSyscall {
                number: number as Word,
            },
        ),
    }
    leave(k)
}

/// A call of a thread that has time for it.
fn checked_call(k: &mut Kernel, thread: Ref<Tcb>, call: Syscall) {
    if call == Syscall::SetTlsBase {
        let base = k[thread.context()].capability();
        tcb::set_tls_base(k, thread, base);
    } else if call.number() < Syscall::Yield.number() {
        if let Some(fault) = isa::own_call(k, thread, call) {
            fault::deliver(k, thread, fault);
        }
    } else if let Err(Preempted) = syscall::handle(k, thread, call) {
        preempted(k);
    }
}

/// Calls that change nothing that time or scheduling depends on.
fn is_debug(call: Syscall) -> bool {
    let first = Syscall::BenchmarkResetAllThreadsUtilisation.number();
    (first..=Syscall::DebugPutChar.number()).contains(&call.number())
}

fn enter_fault(k: &mut Kernel, fault: Fault) {
    time::update(k);
    if time::check_budget_restart(k)
        && let Some(thread) = k.current()
    {
        fault::deliver(k, thread, fault);
    }
}

fn enter_fpu(k: &mut Kernel) {
    let Some(thread) = k.current() else { return };
    if k[thread].flags & abi::sched::TCB_FLAG_FPU_DISABLED != 0 {
        enter_fault(k, isa::FPU_DISABLED_FAULT);
    } else {
        fpu::acquire(k, thread);
    }
}

/// The current thread's system call gave way. It is to be executed again; a waiting interrupt
/// comes as soon as the kernel is left.
fn preempted(k: &mut Kernel) {
    time::update(k);
    time::check_budget_restart(k);
}

fn leave(k: &mut Kernel) -> Resume {
    sched::schedule(k);
    resume(k)
}

/// The current thread, ready to go on.
#[doc(alias = "activateThread")]
pub(crate) fn resume(k: &mut Kernel) -> Resume {
    let Some(thread) = k.current() else {
        if usage::TRACKED {
            usage::leaving(k);
        }
        return Resume::Idle;
    };
    if k[thread].yield_to.is_some() {
        sched_context::complete_yield(k, thread);
    }
    if k[thread].state == ThreadState::Restart {
        k[thread.context()].continue_at_fault_ip();
        k[thread].state = ThreadState::Running;
    }
    Resume::Thread(go_on(k, thread))
}

/// `thread`, the current one, is Running and waits for nothing: its user code goes on.
#[inline(always)]
fn go_on(k: &mut Kernel, thread: Ref<Tcb>) -> Ref<isa::Context> {
    if usage::TRACKED {
        usage::leaving(k);
    }
    asid::activate(k, thread);
    fpu::prepare(k, thread);
    if PROFILE.hardware_debug_api {
        isa::debug::prepare(k, thread);
    }
    thread.context()
}
