//! Messages: words in registers and in the sender's IPC buffer, and capabilities by address.
//!
//! User memory is read and written by word, never through a reference, and what decides
//! something is read once.

use crate::Kernel;
use crate::cspace;
use crate::error::LookupFailure;
use crate::isa;
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb};
use abi::Word;
use abi::ipc_buffer;
use abi::message::{MAX_EXTRA_CAPS, MESSAGE_REGISTERS, MSG_MAX_LENGTH, MessageInfo};
use machine::{KernelAddress, Machine};

/// An IPC buffer, seen through the kernel's window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Buffer(KernelAddress);

impl Buffer {
    /// The buffer at `at`, in a frame that the kernel may access.
    pub(crate) const fn new(at: KernelAddress) -> Self {
        Self(at)
    }

    /// Word `n` of the buffer; `n` is one of `abi::ipc_buffer`'s offsets.
    #[inline(always)]
    pub fn get(self, k: &Kernel, n: usize) -> Word {
        k.machine.load(self.place(n))
    }

    /// Writes word `n` of the buffer.
    #[inline(always)]
    pub fn set(self, k: &mut Kernel, n: usize, value: Word) {
        k.machine.store(self.place(n), value);
    }

    /// Writes the badge of unwrapped capability `n`.
    #[inline(always)]
    pub(crate) fn set_badge(self, k: &mut Kernel, n: usize, badge: Word) {
        self.set(k, ipc_buffer::CAPS_OR_BADGES.wrapping_add(n), badge);
    }

    /// Word `n` is one of the 128 of a buffer: nothing here wraps.
    #[inline(always)]
    fn place(self, n: usize) -> KernelAddress {
        self.0.inside((n as u64).wrapping_mul(8))
    }

    /// Message word `n`.
    #[inline(always)]
    pub fn word(self, k: &Kernel, n: usize) -> Word {
        self.get(k, ipc_buffer::MSG.wrapping_add(n))
    }

    /// Writes message word `n`.
    #[inline(always)]
    pub fn set_word(self, k: &mut Kernel, n: usize, value: Word) {
        self.set(k, ipc_buffer::MSG.wrapping_add(n), value);
    }
}

/// The slots that a message's capability addresses resolve to.
pub type ExtraCaps = [Option<Ref<Slot>>; MAX_EXTRA_CAPS];

/// A message to the kernel: what an invocation has to go by.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub sender: Ref<Tcb>,
    pub label: Word,
    /// Words that count: at most 120, and at most 4 without a buffer.
    pub length: usize,
    /// Whether the sender wants an answer.
    pub call: bool,
    caps: ExtraCaps,
    registers: [Word; MESSAGE_REGISTERS],
    buffer: Option<Buffer>,
}

impl Message {
    /// The message that `sender`'s registers and buffer hold. Fails on the first capability
    /// address that does not resolve; that address is returned too.
    pub fn read(k: &Kernel, sender: Ref<Tcb>, call: bool) -> Result<Self, (Word, LookupFailure)> {
        let context = &k[sender.context()];
        let info = MessageInfo(context.message_info());
        let registers = context.message_registers();
        let buffer = tcb::buffer(k, sender, Access::Read);
        let caps = extra_caps(k, sender, buffer, info)?;
        let length = clipped_length(info, buffer.is_some());
        Ok(Self {
            sender,
            label: info.label(),
            length,
            call,
            caps,
            registers,
            buffer,
        })
    }

    /// Message word `n`. Decoders check [`Self::length`] first; past it the value is whatever
    /// the sender left there.
    #[inline]
    pub fn word(&self, k: &Kernel, n: usize) -> Word {
        match self.registers.get(n) {
            Some(&word) => word,
            None => self.buffer.map_or(0, |buffer| buffer.word(k, n)),
        }
    }

    /// The slot of extra capability `n`, if that many were sent.
    #[inline]
    pub fn cap(&self, n: usize) -> Option<Ref<Slot>> {
        self.caps.get(n).copied().flatten()
    }
}

/// How many words of a message count.
#[inline(always)]
pub(crate) fn clipped_length(info: MessageInfo, buffer: bool) -> usize {
    let most = if buffer {
        MSG_MAX_LENGTH
    } else {
        MESSAGE_REGISTERS
    };
    info.length().min(most)
}

/// Resolves the capability addresses of a message.
#[inline]
pub(crate) fn extra_caps(
    k: &Kernel,
    sender: Ref<Tcb>,
    buffer: Option<Buffer>,
    info: MessageInfo,
) -> Result<ExtraCaps, (Word, LookupFailure)> {
    let mut caps = [None; MAX_EXTRA_CAPS];
    if let Some(buffer) = buffer {
        for (n, cap) in caps.iter_mut().enumerate().take(info.extra_caps()) {
            let address = buffer.get(k, ipc_buffer::CAPS_OR_BADGES.wrapping_add(n));
            *cap = Some(cspace::lookup(k, sender, address).map_err(|failure| (address, failure))?);
        }
    }
    Ok(caps)
}

/// Writes `words` as the message of `receiver`: to registers, and past them to its buffer. How
/// many it could take.
pub(crate) fn write_words(
    k: &mut Kernel,
    receiver: Ref<Tcb>,
    words: impl Iterator<Item = Word>,
) -> usize {
    let buffer = tcb::buffer(k, receiver, Access::ReadWrite);
    let mut length = 0;
    for (n, word) in words.enumerate() {
        if !write_word(k, receiver, buffer, n, word) {
            break;
        }
        length = n.saturating_add(1);
    }
    length
}

/// Writes word `n` of the message of `receiver`, if there is a place for it.
#[inline(always)]
pub(crate) fn write_word(
    k: &mut Kernel,
    receiver: Ref<Tcb>,
    buffer: Option<Buffer>,
    n: usize,
    word: Word,
) -> bool {
    if n < MESSAGE_REGISTERS {
        k[receiver.context()].set_message_register(n, word);
        return true;
    }
    match buffer {
        Some(buffer) => {
            buffer.set_word(k, n, word);
            true
        }
        None => false,
    }
}

const _: () = assert!(isa::MESSAGE_REGISTERS == MESSAGE_REGISTERS);
