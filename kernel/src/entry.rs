//! The one way in and out: lock, handle, schedule, resume. The image's stubs have saved the
//! registers of the current thread; they load those of whoever [`enter`] says.

use crate::Kernel;
use crate::console::calls;
use crate::cspace;
use crate::error::Preempted;
use crate::fastpath::{self, Next, Short, Usual, Wordy};
use crate::fault::{self, Fault};
use crate::fpu;
use crate::isa;
use crate::kernel::{DOMAINS, NODES};
use crate::message::Rest;
use crate::object::asid;
use crate::object::cnode::Slot;
use crate::object::irq;
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::{self, Tcb, ThreadState};
use crate::sched;
use crate::syscall;
use crate::usage;
use abi::syscall::Syscall;
use abi::{FLAVOUR, PROFILE, Word};
use machine::{Irq, Machine};

const CALL: i64 = Syscall::Call.number();
const REPLY_RECV: i64 = Syscall::ReplyRecv.number();
const SEND: i64 = Syscall::Send.number();
const NB_SEND: i64 = Syscall::NbSend.number();
const RECV: i64 = Syscall::Recv.number();
const NB_RECV: i64 = Syscall::NbRecv.number();
const WAIT: i64 = Syscall::Wait.number();
const NB_WAIT: i64 = Syscall::NbWait.number();
const YIELD: i64 = Syscall::Yield.number();
/// Whether short plans are tried: they leave nothing behind for what some builds count or watch.
pub(crate) const SHORT_PLANS: bool = !usage::TRACKED && !PROFILE.hardware_debug_api;

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

/// What is known of a system call that no short plan covers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Missed {
    /// Who makes it, if it has time for whatever it asks.
    thread: Option<Ref<Tcb>>,
    /// The capability that it invokes, if that is one of the root CNode and has been looked for.
    slot: Option<Ref<Slot>>,
}

/// What is left to do of a call or an answer that has been planned and done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Switch {
    /// Who runs.
    pub thread: Ref<Tcb>,
    /// What has to be copied before that.
    pub rest: Option<Rest>,
    /// Whether the floating-point registers are as the thread needs them; else, and after copying,
    /// [`enter_prepared`] sees to that.
    pub suits: bool,
}

/// Handles `event` on `core`.
#[inline]
pub fn enter(k: &mut Kernel, core: usize, event: Event) -> Resume {
    match event {
        Event::Syscall(CALL) => match enter_call(k, core) {
            Ok(switch) => Resume::Thread(switch.finish(k)),
            Err(OtherCall::Wordy(thread, slot)) => match enter_wordy_call(k, thread, slot) {
                Ok(switch) => Resume::Thread(switch.finish(k)),
                Err(missed) => enter_other_call(k, missed),
            },
            Err(OtherCall::Invocation(thread, slot)) => enter_invocation(k, thread, slot),
            Err(OtherCall::Any(missed)) => enter_other_call(k, missed),
        },
        Event::Syscall(REPLY_RECV) => match enter_reply_recv(k, core) {
            Ok(switch) => Resume::Thread(switch.finish(k)),
            Err(missed) if missed.is_wordy(k) => match enter_wordy_reply_recv(k, missed) {
                Ok(switch) => Resume::Thread(switch.finish(k)),
                Err(missed) => enter_other_reply_recv(k, missed),
            },
            Err(missed) => enter_other_reply_recv(k, missed),
        },
        Event::Syscall(number @ (SEND | NB_SEND)) => match enter_send(k, core, number) {
            Ok(context) => Resume::Thread(context),
            Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
            Err(Left::Other(missed)) => enter_other_send(k, missed, number),
        },
        Event::Syscall(number @ (RECV | NB_RECV | WAIT | NB_WAIT)) => {
            match enter_receive(k, core, number) {
                Ok(context) => Resume::Thread(context),
                Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
                Err(Left::Other(missed)) => enter_other_receive(k, missed, number),
            }
        }
        Event::Syscall(YIELD) => match enter_yield(k, core) {
            Ok(context) => Resume::Thread(context),
            Err(Left::Timer(next)) => Resume::Thread(enter_with_timer(k, next)),
            Err(Left::Other(missed)) => enter_other_yield(k, missed),
        },
        Event::Syscall(number) => enter_syscall(k, core, number),
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

/// What a Call is that is not one of the shortest. Nothing has been done.
pub enum OtherCall {
    /// One that says more: [`enter_wordy_call`] does it.
    Wordy(Ref<Tcb>, Ref<Slot>),
    /// One of the kernel itself: [`enter_invocation`] does it.
    Invocation(Ref<Tcb>, Ref<Slot>),
    /// Any: [`enter_other_call`] does it.
    Any(Missed),
}

/// Handles a Call, if it is one of the shortest: whose registers to load. This calls no function.
#[inline(always)]
pub fn enter_call(k: &mut Kernel, core: usize) -> Result<Switch, OtherCall> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(OtherCall::Any)?;
    if k[slot].endpoint().is_none() {
        return Err(OtherCall::Invocation(thread, slot));
    }
    if !SHORT_PLANS {
        return Err(OtherCall::Any(missed));
    }
    match fastpath::usual_call::<Usual>(k, thread, slot) {
        Some(next) => Ok(switch_to(k, next)),
        None if fastpath::is_wordy(k, thread) => Err(OtherCall::Wordy(thread, slot)),
        None => Err(OtherCall::Any(missed)),
    }
}

/// Handles a call that says more than fits in registers, but for copying the message. Otherwise nothing
/// has been done, and [`enter_other_call`] does it. This calls no function.
#[inline(always)]
pub fn enter_wordy_call(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    slot: Ref<Slot>,
) -> Result<Switch, Missed> {
    let missed = Missed {
        thread: Some(thread),
        slot: Some(slot),
    };
    let next = fastpath::usual_call::<Wordy>(k, thread, slot).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// As [`enter_call`], of a ReplyRecv.
#[inline(always)]
pub fn enter_reply_recv(k: &mut Kernel, core: usize) -> Result<Switch, Missed> {
    let thread = arrive_in_time(k, core).ok_or(Missed::LATE)?;
    let missed = Missed {
        thread: Some(thread),
        slot: None,
    };
    if !SHORT_PLANS {
        return Err(missed);
    }
    let next = fastpath::usual_reply::<Usual>(k, thread).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// As [`enter_wordy_call`], of a ReplyRecv.
#[inline(always)]
pub fn enter_wordy_reply_recv(k: &mut Kernel, missed: Missed) -> Result<Switch, Missed> {
    let (Some(thread), true) = (missed.thread, SHORT_PLANS) else {
        return Err(missed);
    };
    let next = fastpath::usual_reply::<Wordy>(k, thread).ok_or(missed)?;
    Ok(switch_to(k, next))
}

/// Handles a Call of `thread`, the current one, which has time for it, of the kernel itself, through the
/// capability in `slot`: mostly the caller goes on.
#[inline(always)]
pub fn enter_invocation(k: &mut Kernel, thread: Ref<Tcb>, slot: Ref<Slot>) -> Resume {
    sched::update_time(k);
    let address = k[thread.context()].capability();
    if let Err(Preempted) = syscall::call(k, thread, address, slot) {
        preempted(k);
    }
    if sched::undisturbed(k, thread) {
        return Resume::Thread(go_on(k, thread));
    }
    leave(k)
}

/// Handles a Call of any kind.
#[inline(always)]
pub fn enter_other_call(k: &mut Kernel, missed: Missed) -> Resume {
    let Some((thread, slot)) = missed.found(k) else {
        return enter_syscall_slow(k, CALL);
    };
    match fastpath::try_call(k, thread, slot) {
        Some(next) => Resume::Thread(go_on(k, next)),
        None => enter_invocation(k, thread, slot),
    }
}

/// Handles a ReplyRecv, after [`enter_reply_recv`] has not.
#[inline(always)]
pub fn enter_other_reply_recv(k: &mut Kernel, missed: Missed) -> Resume {
    if let Some(thread) = missed.thread
        && let Some(next) = fastpath::try_reply(k, thread)
    {
        return Resume::Thread(go_on(k, next));
    }
    enter_syscall_slow(k, REPLY_RECV)
}

/// Prepares the floating-point registers for `thread`, which runs. Whose registers to load.
#[inline(always)]
pub fn enter_prepared(k: &mut Kernel, thread: Ref<Tcb>) -> Ref<isa::Context> {
    fpu::prepare(k, thread);
    thread.context()
}

/// What is left to do of a system call that is not the shortest of its kind.
pub enum Left {
    /// It is done, and this thread runs; but the timer has to be set: [`enter_with_timer`] does it.
    Timer(Ref<Tcb>),
    /// Nothing has been done.
    Other(Missed),
}

/// `next` runs, once the timer is set. Whose registers to load.
#[inline(always)]
pub fn enter_with_timer(k: &mut Kernel, next: Ref<Tcb>) -> Ref<isa::Context> {
    sched::set_timer(k);
    go_on(k, next)
}

/// What [`enter_send`] and [`enter_receive`] say of a short plan that is done.
#[inline(always)]
fn after(k: &mut Kernel, thread: Ref<Tcb>, short: Short) -> Result<Ref<isa::Context>, Left> {
    match short {
        Short::Done => Ok(stay(k, thread)),
        Short::Runs(next, space) => {
            k.machine.set_space(space);
            Ok(next.context())
        }
        Short::Timer(next) => Err(Left::Timer(next)),
    }
}

/// As [`after`], to the end.
#[inline(always)]
fn finish(k: &mut Kernel, thread: Ref<Tcb>, short: Short) -> Resume {
    Resume::Thread(match short {
        Short::Done => stay(k, thread),
        Short::Runs(next, space) => {
            k.machine.set_space(space);
            next.context()
        }
        Short::Timer(next) => enter_with_timer(k, next),
    })
}

/// Handles a Send or NBSend, by its `number`, if it changes nobody else. This calls no function.
#[inline(always)]
pub fn enter_send(k: &mut Kernel, core: usize, number: i64) -> Result<Ref<isa::Context>, Left> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(Left::Other)?;
    match fastpath::usual_send(k, thread, slot, number) {
        Some(short) => after(k, thread, short),
        None => Err(Left::Other(missed)),
    }
}

/// Handles a Send or NBSend, after [`enter_send`] has not.
#[inline(always)]
pub fn enter_other_send(k: &mut Kernel, missed: Missed, number: i64) -> Resume {
    if let Some((thread, slot)) = missed.found(k) {
        if missed.slot.is_none()
            && let Some(short) = fastpath::usual_send(k, thread, slot, number)
        {
            return finish(k, thread, short);
        }
        if let Some(next) = fastpath::try_send(k, thread, slot, number) {
            return Resume::Thread(go_on(k, next));
        }
    }
    enter_syscall_slow(k, number)
}

/// As [`enter_send`], of Recv, NBRecv, Wait and NBWait.
#[inline(always)]
pub fn enter_receive(k: &mut Kernel, core: usize, number: i64) -> Result<Ref<isa::Context>, Left> {
    let (thread, slot, missed) = arrive_with(k, core).map_err(Left::Other)?;
    match fastpath::usual_receive(k, thread, slot, number) {
        Some(short) => after(k, thread, short),
        None => Err(Left::Other(missed)),
    }
}

/// Handles a Recv, NBRecv, Wait or NBWait, after [`enter_receive`] has not.
#[inline(always)]
pub fn enter_other_receive(k: &mut Kernel, missed: Missed, number: i64) -> Resume {
    if let Some((thread, slot)) = missed.found(k) {
        if missed.slot.is_none()
            && let Some(short) = fastpath::usual_receive(k, thread, slot, number)
        {
            return finish(k, thread, short);
        }
        if let Some(next) = fastpath::try_receive(k, thread, slot, number) {
            return Resume::Thread(go_on(k, next));
        }
    }
    enter_syscall_slow(k, number)
}

/// As [`enter_send`], of a Yield.
#[inline(always)]
pub fn enter_yield(k: &mut Kernel, core: usize) -> Result<Ref<isa::Context>, Left> {
    let thread = arrive_in_time(k, core).ok_or(Left::Other(Missed::LATE))?;
    match fastpath::usual_yield(k, thread) {
        Some(short) => after(k, thread, short),
        None => Err(Left::Other(Missed {
            thread: Some(thread),
            slot: None,
        })),
    }
}

/// Handles a Yield, after [`enter_yield`] has not.
#[inline(always)]
pub fn enter_other_yield(k: &mut Kernel, missed: Missed) -> Resume {
    if let Some(thread) = missed.thread
        && let Some(next) = fastpath::try_yield(k, thread)
    {
        return Resume::Thread(go_on(k, next));
    }
    enter_syscall_slow(k, YIELD)
}

/// Handles system call `number` on `core`, one that has no entry of its own.
#[inline(always)]
pub fn enter_syscall(k: &mut Kernel, core: usize, number: i64) -> Resume {
    arrive(k, core);
    enter_syscall_slow(k, number)
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

/// As [`arrive_in_time`], with the capability that it invokes, if that is in its root CNode, and what to
/// hand on if nothing comes of this.
#[inline(always)]
fn arrive_with(k: &mut Kernel, core: usize) -> Result<(Ref<Tcb>, Ref<Slot>, Missed), Missed> {
    let thread = arrive_in_time(k, core).ok_or(Missed::LATE)?;
    let address = k[thread.context()].capability();
    let missed = Missed {
        thread: Some(thread),
        slot: cspace::at_root(k, thread, address),
    };
    Ok((thread, missed.slot.ok_or(missed)?, missed))
}

/// The current thread, if it has time for whatever it asks and nobody else's turn comes.
#[inline(always)]
fn arrive_in_time(k: &mut Kernel, core: usize) -> Option<Ref<Tcb>> {
    arrive(k, core);
    if !sched::quick(k) {
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
            sched::update_time(k);
            if sched::check_budget_restart(k) {
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
    sched::update_time(k);
    if sched::check_budget_restart(k)
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
    sched::update_time(k);
    sched::check_budget_restart(k);
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

/// The thread of `next` is the current one: its user code goes on.
#[inline(always)]
fn switch_to(k: &mut Kernel, next: Next) -> Switch {
    k.machine.set_space(next.space);
    Switch {
        thread: next.thread,
        rest: next.rest,
        suits: fpu::suits(k, next.thread),
    }
}

/// As [`go_on`], of who made a system call that changed neither threads nor address spaces.
#[inline(always)]
fn stay(k: &mut Kernel, thread: Ref<Tcb>) -> Ref<isa::Context> {
    if usage::TRACKED {
        usage::leaving(k);
    }
    thread.context()
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

impl Switch {
    /// Does what is left. Whose registers to load.
    fn finish(self, k: &mut Kernel) -> Ref<isa::Context> {
        if let Some(rest) = self.rest {
            rest.copy(k);
        }
        enter_prepared(k, self.thread)
    }
}

impl Missed {
    /// Time may matter, or nobody runs.
    const LATE: Self = Self {
        thread: None,
        slot: None,
    };

    /// Whether what keeps it from being one of the shortest may only be how much it says.
    #[inline(always)]
    pub fn is_wordy(self, k: &Kernel) -> bool {
        self.thread
            .is_some_and(|thread| fastpath::is_wordy(k, thread))
    }

    /// Who makes the system call, if it has time for it, and the capability that it invokes, if it has one.
    #[inline(always)]
    fn found(self, k: &Kernel) -> Option<(Ref<Tcb>, Ref<Slot>)> {
        let thread = self.thread?;
        let address = k[thread.context()].capability();
        let slot = self.slot.or_else(|| cspace::find(k, thread, address));
        Some((thread, slot?))
    }
}

impl Kernel {
    /// A place where a long operation may give way: at every 100th, if an interrupt waits or the
    /// caller's time is over. (`abi/semantics-core.md` 6.)
    #[inline]
    pub fn preemption_point(&mut self) -> Result<(), Preempted> {
        self.preemption_point_after(1)
    }

    /// As [`Self::preemption_point`], after work that counts for `units` of them.
    pub fn preemption_point_after(&mut self, units: u64) -> Result<(), Preempted> {
        self.work = self
            .work
            .saturating_add(u32::try_from(units).unwrap_or(u32::MAX));
        if self.work < PROFILE.max_work_units as u32 {
            return Ok(());
        }
        self.work = 0;
        if self.machine.interrupt_pending() {
            return Err(Preempted);
        }
        sched::update_time(self);
        let used = self.node().consumed;
        let has_time = self
            .node()
            .current_sc
            .is_some_and(|sc| self[sc].ring.active() && sched_context::sufficient(self, sc, used));
        let domain_over = DOMAINS > 1 && self.schedule.remaining == 0;
        if has_time && !domain_over {
            Ok(())
        } else {
            Err(Preempted)
        }
    }

    /// The state of a thread, for reports.
    pub fn state(&self, thread: Ref<Tcb>) -> ThreadState {
        self[thread].state
    }
}
