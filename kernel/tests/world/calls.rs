//! The system calls, as threads make them.

use super::{CPtr, Error, Message, Thread, World};
use abi::error::ErrorCode;
use abi::ipc_buffer::{CAPS_OR_BADGES, MSG};
use abi::{Invocation, LABELS, Syscall, Word};

/// What an invocation answers.
pub(crate) type Answer = Result<Vec<Word>, Error>;

impl World {
    /// Puts a message into registers and buffer, as user code does before a call.
    pub(crate) fn prepare(&mut self, thread: Thread, cap: CPtr, message: &Message) {
        self.run(thread);
        for (i, word) in message.words.iter().enumerate().skip(4) {
            self.set_buffer_word(thread, MSG + i, *word);
        }
        for (i, cap) in message.caps.iter().enumerate() {
            self.set_buffer_word(thread, CAPS_OR_BADGES + i, cap.0);
        }
        let word = |i: usize| message.words.get(i).copied().unwrap_or(0);
        let registers = [word(0), word(1), word(2), word(3)];
        let info = message.info();
        self.set_cap(thread, cap);
        self.set_info(thread, info);
        for (n, word) in registers.into_iter().enumerate() {
            self.set_message_register(thread, n, word);
        }
    }

    /// What `thread` finds in its registers and buffer after a call.
    pub(crate) fn received(&self, thread: Thread) -> Message {
        let info = self.info(thread);
        let registers = [0, 1, 2, 3].map(|n| self.message_register(thread, n));
        let word = |i: usize| match registers.get(i) {
            Some(word) => *word,
            None => self.buffer_word(thread, MSG + i),
        };
        Message {
            label: info.label(),
            words: (0..info.length()).map(word).collect(),
            caps: Vec::new(),
            badge: self.badge(thread),
            extra_caps: info.extra_caps(),
            unwrapped: info.caps_unwrapped(),
        }
    }

    /// Send: blocks until somebody receives.
    pub(crate) fn send(&mut self, thread: Thread, to: CPtr, message: impl Into<Message>) {
        self.prepare(thread, to, &message.into());
        self.syscall(thread, Syscall::Send);
    }

    /// NBSend: is forgotten if nobody waits.
    pub(crate) fn nb_send(&mut self, thread: Thread, to: CPtr, message: impl Into<Message>) {
        self.prepare(thread, to, &message.into());
        self.syscall(thread, Syscall::NbSend);
    }

    /// Call: blocks until somebody replies.
    pub(crate) fn call(&mut self, thread: Thread, to: CPtr, message: impl Into<Message>) {
        self.prepare(thread, to, &message.into());
        self.syscall(thread, Syscall::Call);
    }

    /// Recv with a reply object.
    pub(crate) fn recv(&mut self, thread: Thread, from: CPtr, reply: CPtr) {
        self.prepare_receive(thread, from, reply);
        self.syscall(thread, Syscall::Recv);
    }

    /// NBRecv with a reply object: badge 0 if nobody sends.
    pub(crate) fn nb_recv(&mut self, thread: Thread, from: CPtr, reply: CPtr) {
        self.prepare_receive(thread, from, reply);
        self.syscall(thread, Syscall::NbRecv);
    }

    /// Wait: receives without a reply object.
    pub(crate) fn wait(&mut self, thread: Thread, from: CPtr) {
        self.prepare_receive(thread, from, CPtr::NULL);
        self.syscall(thread, Syscall::Wait);
    }

    /// NBWait, also known as Poll.
    pub(crate) fn nb_wait(&mut self, thread: Thread, from: CPtr) {
        self.prepare_receive(thread, from, CPtr::NULL);
        self.syscall(thread, Syscall::NbWait);
    }

    fn prepare_receive(&mut self, thread: Thread, from: CPtr, reply: CPtr) {
        self.run(thread);
        self.set_cap(thread, from);
        self.set_reply(thread, reply);
    }

    /// ReplyRecv: answers the caller held by `reply`, then receives from `from`.
    pub(crate) fn reply_recv(
        &mut self,
        thread: Thread,
        reply: CPtr,
        answer: impl Into<Message>,
        from: CPtr,
    ) {
        self.prepare(thread, from, &answer.into());
        self.set_reply(thread, reply);
        self.syscall(thread, Syscall::ReplyRecv);
    }

    /// NBSendRecv: sends to `to` if somebody waits there, then receives from `from`.
    pub(crate) fn nb_send_recv(
        &mut self,
        thread: Thread,
        to: CPtr,
        message: impl Into<Message>,
        from: CPtr,
        reply: CPtr,
    ) {
        self.prepare(thread, from, &message.into());
        self.set_destination(thread, to);
        self.set_reply(thread, reply);
        self.syscall(thread, Syscall::NbSendRecv);
    }

    /// NBSendWait: sends to `to` if somebody waits there, then waits on `from`.
    pub(crate) fn nb_send_wait(
        &mut self,
        thread: Thread,
        to: CPtr,
        message: impl Into<Message>,
        from: CPtr,
    ) {
        self.prepare(thread, from, &message.into());
        self.set_reply(thread, to);
        self.syscall(thread, Syscall::NbSendWait);
    }

    /// Replies through a reply object, by Send.
    pub(crate) fn reply(&mut self, thread: Thread, reply: CPtr, answer: impl Into<Message>) {
        self.send(thread, reply, answer);
    }

    /// Signals a notification.
    pub(crate) fn signal(&mut self, thread: Thread, notification: CPtr) {
        self.send(thread, notification, []);
    }

    /// Yield.
    pub(crate) fn yield_now(&mut self, thread: Thread) {
        self.syscall(thread, Syscall::Yield);
    }

    /// Invokes an object by Call: the words of the answer, or the error.
    pub(crate) fn invoke(
        &mut self,
        thread: Thread,
        cap: CPtr,
        invocation: Invocation,
        words: &[Word],
        caps: &[CPtr],
    ) -> Answer {
        let label = LABELS
            .label(invocation)
            .expect("this build has the invocation");
        self.invoke_label(thread, cap, label, words, caps)
    }

    /// The same with any label.
    pub(crate) fn invoke_label(
        &mut self,
        thread: Thread,
        cap: CPtr,
        label: Word,
        words: &[Word],
        caps: &[CPtr],
    ) -> Answer {
        self.call(thread, cap, super::msg(label).words(words).caps(caps));
        self.answer(thread)
    }

    /// Invokes by Call without looking at the answer: the caller may not get one yet, or ever.
    pub(crate) fn call_for_effect(&mut self, thread: Thread, cap: CPtr, invocation: Invocation) {
        self.call_words_for_effect(thread, cap, invocation, &[]);
    }

    /// The same with words.
    pub(crate) fn call_words_for_effect(
        &mut self,
        thread: Thread,
        cap: CPtr,
        invocation: Invocation,
        words: &[Word],
    ) {
        let label = LABELS
            .label(invocation)
            .expect("this build has the invocation");
        self.call(thread, cap, super::msg(label).words(words));
    }

    /// What the invocation that `thread` made has answered.
    pub(crate) fn answer(&self, thread: Thread) -> Answer {
        let Message { label, words, .. } = self.received(thread);
        match ErrorCode::from_number(label) {
            Some(ErrorCode::NoError) => Ok(words),
            Some(code) => Err(Error { code, words }),
            None => panic!("the answer's label {label} is no error code"),
        }
    }
}
