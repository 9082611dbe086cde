//! The transfer of messages and capabilities between threads. (`abi/semantics-core.md` 2.)

use crate::Kernel;
use crate::cdt;
use crate::cspace;
use crate::message::{self, Buffer, Rest};
use crate::object::cnode::Slot;
use crate::object::endpoint::Endpoint;
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb, ThreadState};
use crate::queue::Queue;
use crate::sched;
use crate::{fault, object::sched_context};
use abi::Word;
use abi::ipc_buffer;
use abi::message::{MAX_EXTRA_CAPS, MessageInfo};

/// Whether a thread waits if nobody is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Blocking {
    Yes,
    No,
}

/// Whether the sender may lend its time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Donation {
    Yes,
    No,
}

impl Donation {
    /// `Yes` when `allowed`.
    pub fn when(allowed: bool) -> Self {
        if allowed { Self::Yes } else { Self::No }
    }
}

/// Gives `receiver` what `sender` has to say: its message, or its fault.
#[doc(alias = "doIPCTransfer")]
pub fn transfer(
    k: &mut Kernel,
    sender: Ref<Tcb>,
    endpoint: Option<Ref<Endpoint>>,
    badge: Word,
    can_grant: bool,
    receiver: Ref<Tcb>,
) {
    match k[sender].fault {
        None => transfer_message(k, sender, endpoint, badge, can_grant, receiver),
        Some(fault) => fault::describe(k, fault, sender, receiver, badge),
    }
}

fn transfer_message(
    k: &mut Kernel,
    sender: Ref<Tcb>,
    endpoint: Option<Ref<Endpoint>>,
    badge: Word,
    can_grant: bool,
    receiver: Ref<Tcb>,
) {
    let info = MessageInfo(k[sender.context()].message_info());
    let from = tcb::buffer(k, sender, Access::Read);
    let to = tcb::buffer(k, receiver, Access::ReadWrite);
    let length = message::clipped_length(info, from.is_some() && to.is_some());
    copy_words(k, sender, from, receiver, to, length);
    let (unwrapped, extra_caps) = if can_grant && info.extra_caps() > 0 {
        transfer_caps(k, sender, from, info, endpoint, receiver, to)
    } else {
        (0, 0)
    };
    let info = MessageInfo::new(info.label(), unwrapped, extra_caps, length);
    let context = &mut k[receiver.context()];
    context.set_badge(badge);
    context.set_message_info(info.0);
}

fn copy_words(
    k: &mut Kernel,
    sender: Ref<Tcb>,
    from: Option<Buffer>,
    receiver: Ref<Tcb>,
    to: Option<Buffer>,
    length: usize,
) {
    let registers = k[sender.context()].message_registers();
    let context = &mut k[receiver.context()];
    for (n, &word) in registers.iter().enumerate().take(length) {
        context.set_message_register(n, word);
    }
    if let (Some(from), Some(to)) = (from, to) {
        Rest { from, to, length }.copy(k);
    }
}

/// Gives `receiver` the capabilities of a message: badges of those to `endpoint` itself, and
/// one other. Which were unwrapped, and how many arrived.
#[inline(never)]
fn transfer_caps(
    k: &mut Kernel,
    sender: Ref<Tcb>,
    from: Option<Buffer>,
    info: MessageInfo,
    endpoint: Option<Ref<Endpoint>>,
    receiver: Ref<Tcb>,
    to: Option<Buffer>,
) -> (Word, usize) {
    let Ok(caps) = message::extra_caps(k, sender, from, info) else {
        return (0, 0);
    };
    let Some(to) = to else { return (0, 0) };
    let mut unwrapped = 0;
    let mut taken = false;
    for (n, slot) in caps.into_iter().enumerate() {
        let Some(slot) = slot else {
            return (unwrapped, n);
        };
        match k[slot].endpoint() {
            Some(c) if Some(c.endpoint) == endpoint => {
                to.set_badge(k, n, c.badge);
                unwrapped |= 1u64.wrapping_shl(n as u32);
            }
            _ => {
                if taken || !receive_cap(k, receiver, to, slot) {
                    return (unwrapped, n);
                }
                taken = true;
            }
        }
    }
    (unwrapped, MAX_EXTRA_CAPS)
}

/// Copies the capability in `source` to the slot where `receiver` wants it, if it can be.
fn receive_cap(k: &mut Kernel, receiver: Ref<Tcb>, to: Buffer, source: Ref<Slot>) -> bool {
    let Some(destination) = receive_slot(k, receiver, to) else {
        return false;
    };
    let cap = k[source].packed();
    match cap.derive(|| cdt::has_children(k, source)) {
        Some(derived) if !derived.is_null() => {
            cdt::insert(k, derived, source, destination);
            true
        }
        _ => false,
    }
}

/// The empty slot that the receiver's buffer names, if it names one.
#[doc(alias = "getReceiveSlots")]
fn receive_slot(k: &Kernel, receiver: Ref<Tcb>, buffer: Buffer) -> Option<Ref<Slot>> {
    let root = buffer.get(k, ipc_buffer::RECEIVE_CNODE);
    let index = buffer.get(k, ipc_buffer::RECEIVE_INDEX);
    let depth = buffer.get(k, ipc_buffer::RECEIVE_DEPTH);
    let root = cspace::find(k, receiver, root)?;
    let slot = cspace::find_target(k, root, index, depth)?;
    k[slot].is_empty().then_some(slot)
}

/// Answers `thread` in the kernel's name: badge 0, `label`, `words`.
#[inline(never)]
pub fn reply_from_kernel(k: &mut Kernel, thread: Ref<Tcb>, label: Word, words: &[Word]) {
    let length = message::write_own_words(k, thread, words);
    let context = &mut k[thread.context()];
    context.set_badge(0);
    context.set_message_info(MessageInfo::new(label, 0, 0, length).0);
}

/// Answers `thread` in the kernel's name that all went well, which needs no words.
#[inline(always)]
pub(crate) fn reply_success(k: &mut Kernel, thread: Ref<Tcb>) {
    let context = &mut k[thread.context()];
    context.set_badge(0);
    context.set_message_info(MessageInfo::new(0, 0, 0, 0).0);
}

/// `queue` with `thread` behind all that are at least as important.
#[inline(always)]
pub(crate) fn queue_by_priority(k: &mut Kernel, queue: Queue, thread: Ref<Tcb>) -> Queue {
    let priority = k[thread].priority;
    queue.with_sorted(k, thread, |k, other| k[other].priority < priority)
}

/// `thread`, just taken out of the queue of an object that is going away, starts its system call
/// again; one that carries a fault stops.
pub(crate) fn restart_waiter(k: &mut Kernel, thread: Ref<Tcb>) {
    if k[thread].fault.is_some() {
        k[thread].fault = None;
        tcb::set_state(k, thread, ThreadState::Inactive);
        return;
    }
    tcb::set_state(k, thread, ThreadState::Restart);
    if let Some(sc) = k[thread].sched_context {
        sched_context::unblock_and_resume(k, sc);
    }
    if k.schedulable(thread) {
        sched::possible_switch_to(k, thread);
    }
}
