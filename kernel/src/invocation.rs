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
use crate::object::cnode::{CNodeInvocation, Slot};
use crate::object::domain::DomainInvocation;
use crate::object::endpoint;
use crate::object::irq::IrqHandlerInvocation;
use crate::object::notification;
use crate::object::reply;
use crate::object::sched_context::invoke::{Configure, SchedContextInvocation};
use crate::object::store::Ref;
use crate::object::tcb::invoke::{Target, TcbInvocation};
use crate::object::tcb::{Sending, Tcb, ThreadState};
use crate::object::untyped::Retype;
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
enum Refusal {
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
    let found = cspace::lookup(k, thread, address).map_err(|failure| (address, failure));
    let read =
        found.and_then(|slot| Message::read(k, thread, mode.call).map(|message| (slot, message)));
    let (slot, message) = match read {
        Ok(found) => found,
        Err((address, failure)) => {
            if mode.blocking == Blocking::Yes {
                fault::deliver(
                    k,
                    thread,
                    Fault::Cap {
                        address,
                        phase: Phase::Send,
                        failure,
                    },
                );
            }
            return Ok(());
        }
    };
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
        Ok(Done::Empty) if mode.call => ipc::reply_from_kernel(k, thread, 0, &[]),
        Err(Refusal::Error(error)) => {
            explain::refused(k, thread, address, slot, &message, &error);
            if mode.call {
                let (label, words, length) = error.reply();
                let words = words.get(..length).unwrap_or_default();
                ipc::reply_from_kernel(k, thread, label, words);
            }
        }
        _ => {}
    }
    k[thread].state = ThreadState::Running;
    Ok(())
}

/// By the kind of capability.
#[doc(alias = "decodeInvocation")]
fn dispatch(k: &mut Kernel, slot: Ref<Slot>, m: &Message, mode: Mode) -> Result<Done, Refusal> {
    let invalid = SyscallError::InvalidCapability(0);
    let cap = k[slot].cap();
    match cap {
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
        Cap::Null | Cap::Zombie(_) | Cap::Notification(_) => Err(invalid.into()),
        Cap::Tcb(_)
        | Cap::CNode(_)
        | Cap::SchedContext(_)
        | Cap::SchedControl { .. }
        | Cap::Domain
            if mode.first_phase =>
        {
            Err(invalid.into())
        }
        _ => invoke_object(k, slot, cap, m),
    }
}

/// By the kind of object: look, then act.
fn invoke_object(k: &mut Kernel, slot: Ref<Slot>, cap: Cap, m: &Message) -> Result<Done, Refusal> {
    let Some(invocation) = LABELS.invocation(m.label) else {
        // SGI signals take any label; everything else none that does not exist.
        return isa::invoke_any_label(k, cap).ok_or(SyscallError::IllegalOperation.into());
    };
    match cap {
        Cap::Untyped(c) if invocation == Invocation::UntypedRetype => {
            Retype::decode(k, slot, c, m)?.commit(k)?
        }
        Cap::CNode(c) => CNodeInvocation::decode(k, c, invocation, m)?.commit(k)?,
        Cap::Tcb(thread) => {
            let target = Target {
                thread,
                invoked: slot,
            };
            return Ok(TcbInvocation::decode(k, thread, invocation, m)?.commit(k, target, m)?);
        }
        Cap::SchedContext(c) => {
            let sc = c.sched_context;
            return Ok(SchedContextInvocation::decode(k, sc, invocation, m)?.commit(k, sc, m));
        }
        Cap::SchedControl { core } => Configure::decode(k, core, invocation, m)?.commit(k),
        Cap::Domain => DomainInvocation::decode(k, invocation, m)?.commit(k),
        Cap::IrqHandler(irq) => IrqHandlerInvocation::decode(k, irq, invocation, m)?.commit(k),
        Cap::IrqControl => isa::irq::IssueIrq::decode(k, slot, invocation, m)?.commit(k),
        Cap::AsidControl if isa::is_make_pool(invocation) => MakePool::decode(k, m)?.commit(k),
        Cap::AsidPool(c) if isa::is_assign(invocation) => Assign::decode(k, c, m)?.commit(k),
        Cap::Frame(c) => {
            return Ok(
                isa::vspace::FrameInvocation::decode(k, slot, c, invocation, m)?.commit(k, m),
            );
        }
        Cap::PageTable(c) => {
            isa::vspace::TableInvocation::decode(k, slot, c, invocation, m)?.commit(k)?
        }
        Cap::VSpace(_) | Cap::Isa(_) => {
            return isa::invoke(k, slot, cap, invocation, m).map_err(Refusal::Error);
        }
        _ => return Err(SyscallError::IllegalOperation.into()),
    }
    Ok(Done::Empty)
}
