//! What threads say to each other, and how tests write it.

use abi::error::ErrorCode;
use abi::{MessageInfo, Word};

/// Address of a capability in the CSpace that the threads of a world share.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct CPtr(pub Word);

impl CPtr {
    /// The slot that is always empty.
    pub(crate) const NULL: Self = Self(0);
}

/// A message to send, or as it was received.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Message {
    /// Invocation, error or fault; anything between threads.
    pub label: Word,
    /// The words.
    pub words: Vec<Word>,
    /// Sending: addresses of capabilities.
    pub caps: Vec<CPtr>,
    /// Received: the badge of the sender's capability.
    pub badge: Word,
    /// Received: how many capabilities arrived.
    pub extra_caps: usize,
    /// Received: which of them arrived as a badge.
    pub unwrapped: Word,
}

/// A message with this label.
pub(crate) fn msg(label: Word) -> Message {
    Message {
        label,
        ..Message::default()
    }
}

impl Message {
    /// With these words.
    pub(crate) fn words(mut self, words: &[Word]) -> Self {
        self.words = words.to_vec();
        self
    }

    /// With these capabilities.
    pub(crate) fn caps(mut self, caps: &[CPtr]) -> Self {
        self.caps = caps.to_vec();
        self
    }

    /// As it arrives through a capability with this badge.
    pub(crate) fn badge(mut self, badge: Word) -> Self {
        self.badge = badge;
        self
    }

    /// As it arrives with `count` capabilities, those in `unwrapped` as badges.
    pub(crate) fn arrived(mut self, count: usize, unwrapped: Word) -> Self {
        self.extra_caps = count;
        self.unwrapped = unwrapped;
        self
    }

    /// The word that describes the message.
    pub(crate) fn info(&self) -> MessageInfo {
        MessageInfo::new(self.label, 0, self.caps.len(), self.words.len())
    }
}

impl<const N: usize> From<[Word; N]> for Message {
    fn from(words: [Word; N]) -> Self {
        msg(0).words(&words)
    }
}

/// Why an invocation was refused: the code and the words of the reply.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Error {
    /// The label of the reply.
    pub code: ErrorCode,
    /// Its words.
    pub words: Vec<Word>,
}

/// Shorthand for tests.
pub(crate) fn error(code: ErrorCode, words: &[Word]) -> Error {
    Error {
        code,
        words: words.to_vec(),
    }
}
