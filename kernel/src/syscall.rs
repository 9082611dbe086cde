//! The eleven system calls. (`abi/semantics-core.md` 1.4 and 1.5.)

use crate::Kernel;
use crate::cap::Cap;
use crate::cspace;
use crate::error::{LookupFailure, Preempted};
use crate::fault::{self, Fault, Phase};
use crate::invocation::{Mode, invoke, invoke_slot};
use crate::ipc::{Blocking, Donation};
use crate::object::cnode::Slot;
use crate::object::endpoint;
use crate::object::notification;
use crate::object::reply::Reply;
use crate::object::sched_context;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::time::{self, Timeout};
use abi::Word;
use abi::syscall::Syscall;

const SEND: Mode = Mode {
    blocking: Blocking::Yes,
    call: false,
    donation: Donation::No,
    first_phase: false,
};
const NB_SEND: Mode = Mode {
    blocking: Blocking::No,
    ..SEND
};
const CALL: Mode = Mode {
    call: true,
    donation: Donation::Yes,
    ..SEND
};
/// The first part of a call that goes on to receive.
const SEND_FIRST: Mode = Mode {
    blocking: Blocking::No,
    call: false,
    donation: Donation::Yes,
    first_phase: true,
};

/// Whether a receive brings a reply object for callers to wait on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WithReply {
    Yes,
    No,
}

/// `thread`, the current one, makes one of the system calls of the API.
#[doc(alias = "handleSyscall")]
#[inline]
pub fn handle(k: &mut Kernel, thread: Ref<Tcb>, syscall: Syscall) -> Result<(), Preempted> {
    let context = &k[thread.context()];
    let (capability, reply, destination) = (
        context.capability(),
        context.reply_capability(),
        context.destination(),
    );
    match syscall {
        Syscall::Send => invoke(k, thread, capability, SEND)?,
        Syscall::NbSend => invoke(k, thread, capability, NB_SEND)?,
        Syscall::Call => invoke(k, thread, capability, CALL)?,
        Syscall::Recv => receive(k, thread, capability, Blocking::Yes, WithReply::Yes),
        Syscall::NbRecv => receive(k, thread, capability, Blocking::No, WithReply::Yes),
        Syscall::Wait => receive(k, thread, capability, Blocking::Yes, WithReply::No),
        Syscall::NbWait => receive(k, thread, capability, Blocking::No, WithReply::No),
        Syscall::ReplyRecv => send_then_receive(k, thread, reply, capability, WithReply::Yes)?,
        Syscall::NbSendRecv => {
            send_then_receive(k, thread, destination, capability, WithReply::Yes)?
        }
        Syscall::NbSendWait => send_then_receive(k, thread, reply, capability, WithReply::No)?,
        Syscall::Yield => yield_slice(k),
        // Everything else is `entry`'s.
        _ => {}
    }
    Ok(())
}

/// As [`handle`], of a Call to the capability in `slot`, which `address` names.
#[inline(always)]
pub(crate) fn call(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    slot: Ref<Slot>,
) -> Result<(), Preempted> {
    invoke_slot(k, thread, address, slot, CALL)
}

fn send_then_receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    to: Word,
    from: Word,
    with_reply: WithReply,
) -> Result<(), Preempted> {
    invoke(k, thread, to, SEND_FIRST)?;
    if k.current() == Some(thread) && k[thread].runnable() {
        receive(k, thread, from, Blocking::Yes, with_reply);
    }
    Ok(())
}

fn receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    blocking: Blocking,
    with_reply: WithReply,
) {
    if let Err((address, failure)) = try_receive(k, thread, address, blocking, with_reply) {
        fault::deliver(
            k,
            thread,
            Fault::Cap {
                address,
                phase: Phase::Receive,
                failure,
            },
        );
    }
}

/// Fails with the capability address at fault.
fn try_receive(
    k: &mut Kernel,
    thread: Ref<Tcb>,
    address: Word,
    blocking: Blocking,
    with_reply: WithReply,
) -> Result<(), (Word, LookupFailure)> {
    let missing = LookupFailure::MissingCapability { bits_left: 0 };
    let slot = cspace::lookup(k, thread, address).map_err(|failure| (address, failure))?;
    match k[slot].cap() {
        Cap::Endpoint(c) if c.rights.read() => {
            let reply = match with_reply {
                WithReply::Yes => Some(lookup_reply(k, thread)?),
                WithReply::No => None,
            };
            endpoint::receive(k, thread, c.endpoint, reply, blocking);
            Ok(())
        }
        Cap::Notification(c)
            if c.rights.read() && k[c.notification].bound_tcb.is_none_or(|tcb| tcb == thread) =>
        {
            notification::wait(k, thread, c.notification, blocking);
            Ok(())
        }
        _ => Err((address, missing)),
    }
}

#[doc(alias = "lookupReply")]
fn lookup_reply(k: &Kernel, thread: Ref<Tcb>) -> Result<Ref<Reply>, (Word, LookupFailure)> {
    let address = k[thread.context()].reply_capability();
    let slot = cspace::lookup(k, thread, address).map_err(|failure| (address, failure))?;
    match k[slot].cap() {
        Cap::Reply(c) => Ok(c.reply),
        _ => Err((address, LookupFailure::MissingCapability { bits_left: 0 })),
    }
}

/// The rest of the current time slice is given up. Only what was used counts as consumed.
fn yield_slice(k: &mut Kernel) {
    let Some(sc) = k.node().current_sc else {
        return;
    };
    let consumed = k[sc].consumed.saturating_add(k.node().consumed);
    let rest = sched_context::head(k, sc).amount;
    time::charge_budget(k, rest, Timeout::Silent);
    k[sc].consumed = consumed;
}
