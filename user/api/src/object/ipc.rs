//! Endpoints, notifications and reply objects. Their operations are system calls: the methods
//! here only fix which kind of object is meant.

use crate::cap::capability;
use crate::message::{Message, Received};
use crate::syscalls;
use abi::Word;

capability! {
    /// Where senders and receivers of messages meet.
    Endpoint
}

capability! {
    /// A word of flags that signals set and a waiter takes.
    Notification
}

capability! {
    /// Stands for a caller until it is answered.
    Reply
}

impl Endpoint {
    /// [`syscalls::call`].
    #[inline]
    pub fn call(self, message: Message) -> Received {
        syscalls::call(self, message)
    }

    /// [`syscalls::send`].
    #[inline]
    pub fn send(self, message: Message) {
        syscalls::send(self, message);
    }

    /// [`syscalls::nb_send`].
    #[inline]
    pub fn nb_send(self, message: Message) {
        syscalls::nb_send(self, message);
    }

    /// [`syscalls::recv`].
    #[inline]
    pub fn recv(self, reply: Reply) -> Received {
        syscalls::recv(self, reply)
    }

    /// [`syscalls::nb_recv`].
    #[inline]
    pub fn nb_recv(self, reply: Reply) -> Received {
        syscalls::nb_recv(self, reply)
    }

    /// [`syscalls::wait`].
    #[inline]
    pub fn wait(self) -> Received {
        syscalls::wait(self)
    }

    /// [`syscalls::nb_wait`].
    #[inline]
    pub fn nb_wait(self) -> Received {
        syscalls::nb_wait(self)
    }

    /// [`syscalls::reply_recv`].
    #[inline]
    pub fn reply_recv(self, answer: Message, reply: Reply) -> Received {
        syscalls::reply_recv(self, answer, reply)
    }
}

impl Notification {
    /// Wakes a waiter, or leaves the badge of this capability for the next one. Never blocks.
    #[doc(alias = "seL4_Signal")]
    #[inline]
    pub fn signal(self) {
        syscalls::send(self, Message::default());
    }

    /// Waits for signals; the badges of all that came since, or-ed together.
    #[inline]
    pub fn wait(self) -> Word {
        syscalls::wait(self).badge
    }

    /// The badges of all signals since the last look, or-ed together; 0 if there were none.
    #[doc(alias = "seL4_Poll")]
    #[inline]
    pub fn poll(self) -> Word {
        syscalls::nb_wait(self).badge
    }
}

impl Reply {
    /// Answers the caller that this object stands for, if there is one.
    #[inline]
    pub fn send(self, answer: Message) {
        syscalls::send(self.cptr(), answer);
    }
}
