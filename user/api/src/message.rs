//! Messages: what a sender puts in, what a receiver gets out.

use crate::cap::CPtr;
use crate::ipc_buffer;
use crate::sys::{Exit, REGISTER_WORDS};
use abi::Word;
use abi::message::MessageInfo;

/// A message to send. Its words 0 to 3 travel in registers; further words and all capabilities
/// lie in the IPC buffer already, written by the methods here.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// What the message means to the receiver; for kernel objects the number of the invocation. 52 bits.
    pub label: Word,
    /// Message words 0 to 3.
    pub words: [Word; REGISTER_WORDS],
    /// Words in all, 0 to 120.
    pub length: usize,
    /// Capabilities in all, 0 to 3.
    pub caps: usize,
}

impl Message {
    /// A message without words.
    pub const fn new(label: Word) -> Self {
        Self {
            label,
            words: [0; REGISTER_WORDS],
            length: 0,
            caps: 0,
        }
    }

    /// With these words; those past the fourth are written to the IPC buffer now. Words past the
    /// 120th are left out.
    pub fn with_words(mut self, words: &[Word]) -> Self {
        self.length = words.len().min(ipc_buffer::MAX_WORDS);
        for (index, &word) in words.iter().take(self.length).enumerate() {
            match self.words.get_mut(index) {
                Some(register) => *register = word,
                None => ipc_buffer::set_word(index, word),
            }
        }
        self
    }

    /// With these capabilities, written to the IPC buffer now. Capabilities past the third are left out.
    pub fn with_caps(mut self, caps: &[CPtr]) -> Self {
        self.caps = caps.len().min(ipc_buffer::MAX_CAPS);
        for (index, &cap) in caps.iter().take(self.caps).enumerate() {
            ipc_buffer::set_cap(index, cap);
        }
        self
    }

    /// The word that describes the message to the kernel.
    pub fn info(&self) -> MessageInfo {
        MessageInfo::new(self.label, 0, self.caps, self.length)
    }
}

/// A message that arrived, or a notification: then only the badge means anything.
///
/// Words past the fourth are read from the IPC buffer when asked for, so ask before the next
/// system call that uses the buffer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// The badge of the capability that was used to send it; 0 for replies, and when a call that
    /// does not block found nothing.
    pub badge: Word,
    /// Label, length, and what happened to the capabilities.
    pub info: MessageInfo,
    /// Message words 0 to 3.
    pub words: [Word; REGISTER_WORDS],
}

impl Received {
    pub(crate) fn from_exit(exit: Exit) -> Self {
        Self {
            badge: exit.badge,
            info: MessageInfo(exit.info).clipped(),
            words: exit.words,
        }
    }

    /// The sender's label.
    pub fn label(&self) -> Word {
        self.info.label()
    }

    /// How many words arrived.
    pub fn length(&self) -> usize {
        self.info.length()
    }

    /// Word `index`, whether or not it is inside the length.
    ///
    /// # Panics
    /// If `index` is 120 or more.
    pub fn word(&self, index: usize) -> Word {
        self.words
            .get(index)
            .copied()
            .unwrap_or_else(|| ipc_buffer::word(index))
    }

    /// Words `0..N`, with zeros past the length.
    pub fn words<const N: usize>(&self) -> [Word; N] {
        core::array::from_fn(|index| {
            if index < self.length() {
                self.word(index)
            } else {
                0
            }
        })
    }
}
