//! From a capability to an effect: find it, decode what is asked of it, commit, answer.
//! (`abi/semantics-core.md` 1.2 and 1.3.)

use crate::Kernel;
use crate::cap::Cap;
use crate::console::explain;
use crate::cspace;
use crate::error::{Preempted, SyscallError};
use crate::fault::{self, Fault, Phase};
use crate::ipc::{self, Blocking, Donation};
use crate::isa;
use crate::message::Message;
use crate::object::asid::{Assign, MakePool};
use crate::object::cnode::{self, Slot};
use crate::object::domain::DomainInvocation;
use crate::object::endpoint;
use crate::object::irq::IrqHandlerInvocation;
use crate::object::notification;
use crate::object::reply;
use crate::object::sched_context::invoke::{Configure, SchedContextInvocation};
use crate::object::store::Ref;
use crate::object::tcb::{self, Sending, Tcb, ThreadState};
use crate::object::untyped;
use abi::Word;
use abi::invocation::{Invocation, LABELS};

/// How a system call invokes a capability.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    pub blocking: Blocking,
    /// The sender wants an answer.
    pub call: bool,
    pub donation: Donation,
    /// The first part of a combined call: not everything may be invoked.
    pub first_phase: bool,
}

/// Whether the sender still has to be answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Done {
    /// Success has nothing to say.
    Empty,
    /// The operation has written its answer.
    Replied,
}

/// Why an invocation ended without success.
pub enum Refusal {
    Error(SyscallError),
    Preempted,
}

impl From<SyscallError> for Refusal {
    fn from(error: SyscallError) -> Self {
        Self::Error(error)
    }
}

impl From<Preempted> for Refusal {
    fn from(_: Preempted) -> Self {
        Self::Preempted
    }
}

/// `thread`, the current one, invokes the capability at `address`.
#[doc(alias = "handleInvocation")]
pub fn invoke(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    mode: Mode,
) -> Result<(), Preempted> {
    match cspace::find(k, thread, address) {
        Some(slot) => invoke_slot(k, thread, address, slot, mode),
        None => {
            unresolved(k, thread, address, mode);
            Ok(())
        }
    }
}

/// As [`invoke`]; the capability is in `slot`.
#[inline(never)]
pub(crate) fn invoke_slot(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    slot: Ref<Slot>,
    mode: Mode,
) -> Result<(), Preempted> {
    let mut message = Message::new(k, thread, mode.call);
    if let Err(address) = message.find_caps(k) {
        unresolved(k, thread, address, mode);
        return Ok(());
    }
    // Until it is done it counts as not done.
    k[thread].state = ThreadState::Restart;
    let outcome = dispatch(k, slot, &message, mode);
    if let Err(Refusal::Preempted) = outcome {
        return Err(Preempted);
    }
    // The operation may have blocked, stopped or deleted the sender.
    if k.current() != Some(thread) || k[thread].state != ThreadState::Restart {
        return Ok(());
    }
    match outcome {
        Ok(Done::Empty) if mode.call => ipc::reply_success(k, thread),
        Err(Refusal::Error(error)) => refused(k, address, slot, &message, error),
        _ => {}
    }
    k[thread].state = ThreadState::Running;
    Ok(())
}

/// The capability at `address`, which `thread` invokes or sends along, cannot be found.
#[cold]
#[inline(never)]
fn unresolved(k: &mut Kernel, thread: Ref<Tcb>, address: Word, mode: Mode) {
    if mode.blocking == Blocking::Yes
        && let Err(failure) = cspace::lookup(k, thread, address)
    {
        let phase = Phase::Send;
        let fault = Fault::Cap {
            address,
            phase,
            failure,
        };
        fault::deliver(k, thread, fault);
    }
}

/// The sender of `m` is told why nothing was done, if it wants an answer.
#[cold]
#[inline(never)]
fn refused(k: &mut Kernel, address: Word, slot: Ref<Slot>, m: &Message, error: SyscallError) {
    explain::refused(k, m.sender, address, slot, m, &error);
    if m.call {
        let (label, words, length) = error.reply();
        let words = words.get(..length).unwrap_or_default();
        ipc::reply_from_kernel(k, m.sender, label, words);
    }
}

/// By the kind of capability.
#[doc(alias = "decodeInvocation")]
#[inline(always)]
fn dispatch(k: &mut Kernel, slot: Ref<Slot>, m: &Message, mode: Mode) -> Result<Done, Refusal> {
    let invalid = SyscallError::InvalidCapability(0);
    match k[slot].cap() {
        Cap::Endpoint(_) | Cap::Notification(_) | Cap::Reply(_) => tell(k, slot, m, mode),
        Cap::Null | Cap::Zombie(_) => Err(invalid.into()),
        Cap::Tcb(_)
        | Cap::CNode(_)
        | Cap::SchedContext(_)
        | Cap::SchedControl { .. }
        | Cap::Domain
            if mode.first_phase =>
        {
            Err(invalid.into())
        }
        _ => match LABELS.invocation(m.label) {
            Some(invocation) => invoke_object(k, slot, invocation, m),
            None => invoke_any_label(k, slot),
        },
    }
}

/// Another thread is told something, whatever the label.
#[inline(always)]
fn tell(k: &mut Kernel, slot: Ref<Slot>, m: &Message, mode: Mode) -> Result<Done, Refusal> {
    let invalid = SyscallError::InvalidCapability(0);
    match k[slot].cap() {
        Cap::Endpoint(c) => {
            if !c.rights.write() {
                return Err(invalid.into());
            }
            let sending = Sending {
                badge: c.badge,
                can_grant: c.rights.grant(),
                can_grant_reply: c.rights.grant_reply(),
                call: mode.call,
            };
            // Sending is complete in itself: nobody answers in the kernel's name.
            k[m.sender].state = ThreadState::Running;
            endpoint::send(
                k,
                m.sender,
                c.endpoint,
                sending,
                mode.blocking,
                mode.donation,
            );
            Ok(Done::Replied)
        }
        Cap::Notification(c) if c.rights.write() => {
            notification::signal(k, c.notification, c.badge);
            Ok(Done::Empty)
        }
        Cap::Reply(c) => {
            reply::reply(k, m.sender, c.reply, c.can_grant);
            Ok(Done::Empty)
        }
        _ => Err(invalid.into()),
    }
}

/// SGI signals take any label; everything else none that does not exist.
#[cold]
#[inline(never)]
fn invoke_any_label(k: &mut Kernel, slot: Ref<Slot>) -> Result<Done, Refusal> {
    let cap = k[slot].cap();
    isa::invoke_any_label(k, cap).ok_or(SyscallError::IllegalOperation.into())
}

/// By the kind of object: look, then act.
#[inline(always)]
fn invoke_object(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    match k[slot].cap() {
        Cap::Untyped(_) if invocation == Invocation::UntypedRetype => untyped::retype(k, slot, m),
        Cap::CNode(_) => cnode::invoke(k, slot, invocation, m),
        Cap::Tcb(thread) => tcb::invoke::invoke(k, thread, slot, invocation, m),
        Cap::SchedContext(c) => SchedContextInvocation::invoke(k, c.sched_context, invocation, m),
        Cap::SchedControl { core } => Configure::invoke(k, core, invocation, m),
        Cap::Frame(_) => isa::vspace::invoke_frame(k, slot, invocation, m),
        Cap::PageTable(_) => isa::vspace::invoke_table(k, slot, invocation, m),
        _ => invoke_rare(k, slot, invocation, m),
    }
}

/// As [`invoke_object`], of objects that are set up and then left alone.
#[inline(never)]
fn invoke_rare(
    k: &mut Kernel,
    slot: Ref<Slot>,
    invocation: Invocation,
    m: &Message,
) -> Result<Done, Refusal> {
    let cap = k[slot].cap();
    match cap {
        Cap::Domain => DomainInvocation::decode(k, invocation, m)?.commit(k),
        Cap::IrqHandler(irq) => IrqHandlerInvocation::decode(k, irq, invocation, m)?.commit(k),
        Cap::IrqControl => isa::irq::IssueIrq::decode(k, slot, invocation, m)?.commit(k),
        Cap::AsidControl if isa::is_make_pool(invocation) => MakePool::decode(k, m)?.commit(k),
        Cap::AsidPool(c) if isa::is_assign(invocation) => Assign::decode(k, c, m)?.commit(k),
        Cap::VSpace(_) | Cap::Isa(_) => {
            return isa::invoke(k, slot, cap, invocation, m).map_err(Refusal::Error);
        }
        _ => return Err(SyscallError::IllegalOperation.into()),
    }
    Ok(Done::Empty)
}
