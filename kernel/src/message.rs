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

/// What does not travel in registers of a message of `length` words, between two buffers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rest {
    pub from: Buffer,
    pub to: Buffer,
    /// At most [`MSG_MAX_LENGTH`].
    pub length: usize,
}

impl Rest {
    /// Copies it.
    #[inline(always)]
    pub fn copy(self, k: &mut Kernel) {
        copy_rest(k, self.from, self.to, self.length);
    }
}

#[inline(never)]
fn copy_rest(k: &mut Kernel, from: Buffer, to: Buffer, length: usize) {
    let copy = |k: &mut Kernel, n| {
        let word = from.word(k, n);
        to.set_word(k, n, word);
    };
    let mut rest = MESSAGE_REGISTERS..length;
    while rest.len() >= STRIDE {
        for n in 0..STRIDE {
            copy(k, rest.start.wrapping_add(n));
        }
        rest.start = rest.start.wrapping_add(STRIDE);
    }
    for n in rest {
        copy(k, n);
    }
}

/// Words that are copied without a look at how many are left.
const STRIDE: usize = 8;

/// The slots that a message's capability addresses resolve to.
pub type ExtraCaps = [Option<Ref<Slot>>; MAX_EXTRA_CAPS];

/// A message to the kernel: what an invocation has to go by. Its words are read where they are
/// wanted.
#[derive(Clone, Copy, Debug)]
pub struct Message {
    pub sender: Ref<Tcb>,
    pub label: Word,
    /// Words that count: at most 120, and at most 4 without a buffer.
    pub length: usize,
    /// Whether the sender wants an answer.
    pub call: bool,
    caps: ExtraCaps,
    buffer: Option<Buffer>,
}

impl Message {
    /// The message of `sender`, without its capabilities.
    #[inline(always)]
    pub(crate) fn new(k: &Kernel, sender: Ref<Tcb>, call: bool) -> Self {
        let info = MessageInfo(k[sender.context()].message_info());
        // Short messages have nothing in the buffer.
        let (buffer, length) = if info.is_short(MESSAGE_REGISTERS) {
            (None, info.length())
        } else {
            let buffer = tcb::buffer(k, sender, Access::Read);
            (buffer, clipped_length(info, buffer.is_some()))
        };
        Self {
            sender,
            label: info.label(),
            length,
            call,
            caps: [None; MAX_EXTRA_CAPS],
            buffer,
        }
    }

    /// Resolves the capability addresses of the message. Fails with the first that does not
    /// resolve.
    #[inline(always)]
    pub(crate) fn find_caps(&mut self, k: &Kernel) -> Result<(), Word> {
        match self.buffer {
            Some(buffer) => self.find_caps_in(k, buffer),
            None => Ok(()),
        }
    }

    #[inline(always)]
    fn find_caps_in(&mut self, k: &Kernel, buffer: Buffer) -> Result<(), Word> {
        let info = MessageInfo(k[self.sender.context()].message_info());
        for (n, cap) in (0..info.extra_caps()).zip(&mut self.caps) {
            let address = buffer.get(k, ipc_buffer::CAPS_OR_BADGES.wrapping_add(n));
            *cap = Some(cspace::find(k, self.sender, address).ok_or(address)?);
        }
        Ok(())
    }

    /// Message word `n`. Decoders check [`Self::length`] first; past it the value is whatever
    /// the sender left there.
    #[inline(always)]
    pub fn word(&self, k: &Kernel, n: usize) -> Word {
        match k[self.sender.context()].message_registers().get(n) {
            Some(&word) => word,
            None => self.buffer.map_or(0, |buffer| buffer.word(k, n)),
        }
    }

    /// The slot of extra capability `n`, if that many were sent.
    #[inline(always)]
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

/// Writes `words`, which the kernel says itself, as the message of `receiver`. How many it could
/// take.
pub(crate) fn write_own_words(k: &mut Kernel, receiver: Ref<Tcb>, words: &[Word]) -> usize {
    let mut registers = k[receiver.context()].message_registers();
    registers
        .iter_mut()
        .zip(words)
        .for_each(|(to, word)| *to = *word);
    k[receiver.context()].set_message_registers(registers);
    let Some((_, rest)) = words.split_at_checked(MESSAGE_REGISTERS) else {
        return words.len();
    };
    match tcb::buffer(k, receiver, Access::ReadWrite) {
        Some(buffer) => {
            for (n, &word) in (MESSAGE_REGISTERS..MSG_MAX_LENGTH).zip(rest) {
                buffer.set_word(k, n, word);
            }
            words.len()
        }
        None => MESSAGE_REGISTERS,
    }
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
