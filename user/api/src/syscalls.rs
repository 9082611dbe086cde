//! The eleven system calls, and `SetTLSBase`.
//!
//! Sending errors are not reported by the kernel except through the answer of [`call`]; failed
//! look-ups of a blocking call raise a fault.

use crate::cap::{CPtr, Capability};
use crate::message::{Message, Received};
use crate::object::Reply;
use crate::sys::{Entry, enter};
use abi::Word;
use abi::syscall::Syscall;

fn sending(cap: CPtr, message: &Message) -> Entry {
    Entry {
        cap: cap.bits(),
        info: message.info().0,
        words: message.words,
        reply: 0,
        destination: 0,
    }
}

/// Sends to `destination` and waits for the answer. Lends the caller's scheduling context to a
/// receiver that has none.
#[doc(alias = "seL4_Call")]
#[inline]
pub fn call(destination: impl Capability, message: Message) -> Received {
    Received::from_exit(enter(
        Syscall::Call.number(),
        sending(destination.cptr(), &message),
    ))
}

/// Sends to `destination`, and waits until somebody takes the message.
#[doc(alias = "seL4_Send")]
#[inline]
pub fn send(destination: impl Capability, message: Message) {
    enter(
        Syscall::Send.number(),
        sending(destination.cptr(), &message),
    );
}

/// Sends to `destination` if somebody is waiting; otherwise the message is lost without a trace.
#[doc(alias = "seL4_NBSend")]
#[inline]
pub fn nb_send(destination: impl Capability, message: Message) {
    enter(
        Syscall::NbSend.number(),
        sending(destination.cptr(), &message),
    );
}

/// Waits for a message on `source`. `reply` will stand for the caller, if it is a call. On an
/// endpoint it must be a reply object, or the receive faults; [`wait`] does without.
#[doc(alias = "seL4_Recv")]
#[inline]
pub fn recv(source: impl Capability, reply: Reply) -> Received {
    let entry = Entry {
        cap: source.cptr().bits(),
        reply: reply.cptr().bits(),
        ..Entry::default()
    };
    Received::from_exit(enter(Syscall::Recv.number(), entry))
}

/// Takes a message from `source` if one is waiting; otherwise only the badge is written, with 0.
#[doc(alias = "seL4_NBRecv")]
#[inline]
pub fn nb_recv(source: impl Capability, reply: Reply) -> Received {
    let entry = Entry {
        cap: source.cptr().bits(),
        reply: reply.cptr().bits(),
        ..Entry::default()
    };
    Received::from_exit(enter(Syscall::NbRecv.number(), entry))
}

/// Waits for a signal or a message that is no call on `source`.
#[doc(alias = "seL4_Wait")]
#[inline]
pub fn wait(source: impl Capability) -> Received {
    let entry = Entry {
        cap: source.cptr().bits(),
        ..Entry::default()
    };
    Received::from_exit(enter(Syscall::Wait.number(), entry))
}

/// Takes a signal or a message from `source` if one is waiting; otherwise only the badge is
/// written, with 0.
#[doc(alias = "seL4_NBWait")]
#[doc(alias = "seL4_Poll")]
#[inline]
pub fn nb_wait(source: impl Capability) -> Received {
    let entry = Entry {
        cap: source.cptr().bits(),
        ..Entry::default()
    };
    Received::from_exit(enter(Syscall::NbWait.number(), entry))
}

/// Answers the caller that `reply` stands for, then waits on `source` with `reply` free again.
#[doc(alias = "seL4_ReplyRecv")]
#[inline]
pub fn reply_recv(source: impl Capability, message: Message, reply: Reply) -> Received {
    let entry = Entry {
        reply: reply.cptr().bits(),
        ..sending(source.cptr(), &message)
    };
    Received::from_exit(enter(Syscall::ReplyRecv.number(), entry))
}

/// Sends to `destination` without waiting, then waits for a message on `source`, in one step: no
/// third thread runs in between.
#[doc(alias = "seL4_NBSendRecv")]
#[inline]
pub fn nb_send_recv(
    destination: impl Capability,
    message: Message,
    source: impl Capability,
    reply: Reply,
) -> Received {
    let entry = Entry {
        reply: reply.cptr().bits(),
        destination: destination.cptr().bits(),
        ..sending(source.cptr(), &message)
    };
    Received::from_exit(enter(Syscall::NbSendRecv.number(), entry))
}

/// Sends to `destination` without waiting, then waits on `source` for something that is no call.
#[doc(alias = "seL4_NBSendWait")]
#[inline]
pub fn nb_send_wait(
    destination: impl Capability,
    message: Message,
    source: impl Capability,
) -> Received {
    let entry = Entry {
        reply: destination.cptr().bits(),
        ..sending(source.cptr(), &message)
    };
    Received::from_exit(enter(Syscall::NbSendWait.number(), entry))
}

/// Gives up the rest of the current refill of the scheduling context.
#[doc(alias = "seL4_Yield")]
#[inline]
pub fn yield_now() {
    enter(Syscall::Yield.number(), Entry::default());
}

/// Any number with any registers: for tests of what the kernel makes of it.
#[inline]
pub fn raw(number: i64, entry: Entry) -> crate::sys::Exit {
    enter(number, entry)
}

/// Points the thread register of the calling thread to `base`. Only in profiles that say so
/// (`set_tls_base_self`); elsewhere the number is unknown and raises a fault.
#[doc(alias = "seL4_SetTLSBase")]
#[inline]
pub fn set_tls_base(base: Word) {
    enter(
        Syscall::SetTlsBase.number(),
        Entry {
            cap: base,
            ..Entry::default()
        },
    );
}
