//! Messages that are words only.

use crate::Kernel;
use crate::message::{self, Buffer};
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb};
use abi::Word;
use abi::message::{MESSAGE_REGISTERS, MessageInfo};

/// A message that is words only.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// What the receiver is told.
    info: MessageInfo,
    length: usize,
    /// Where the words beyond the registers are, and go.
    buffers: Option<(Buffer, Buffer)>,
}

impl Words {
    /// Whether what `from` says is all in registers.
    #[inline(always)]
    pub(super) fn in_registers(k: &Kernel, from: Ref<Tcb>) -> bool {
        let info = MessageInfo(k[from.context()].message_info());
        info.extra_caps() == 0 && info.length() <= MESSAGE_REGISTERS
    }

    /// What `from` says to `to`, if it sends no capabilities.
    #[inline(always)]
    pub(super) fn plan<const SHORT: bool>(
        k: &Kernel,
        from: Ref<Tcb>,
        to: Ref<Tcb>,
    ) -> Option<Self> {
        let info = MessageInfo(k[from.context()].message_info());
        debug_assert!(
            !SHORT || Self::in_registers(k, from),
            "short plans start with short messages"
        );
        if !SHORT && info.extra_caps() != 0 {
            return None;
        }
        let info = info.without_caps();
        let length = info.length();
        if SHORT || length <= MESSAGE_REGISTERS {
            return Some(Self {
                info,
                length,
                buffers: None,
            });
        }
        Some(Self::long(k, from, to, info))
    }

    fn long(k: &Kernel, from: Ref<Tcb>, to: Ref<Tcb>, info: MessageInfo) -> Self {
        let buffers = tcb::buffer(k, from, Access::Read).zip(tcb::buffer(k, to, Access::ReadWrite));
        let length = message::clipped_length(info, buffers.is_some());
        Self {
            info: MessageInfo::new(info.label(), 0, 0, length),
            length,
            buffers,
        }
    }

    /// `to` hears them, from `badge`.
    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, from: Ref<Tcb>, to: Ref<Tcb>, badge: Word) {
        let context = &mut k[to.context()];
        context.set_badge(badge);
        context.set_message_info(self.info.0);
        if self.length == 0 {
            return;
        }
        let words = k[from.context()].message_registers();
        let context = &mut k[to.context()];
        if self.length < MESSAGE_REGISTERS {
            for (n, word) in (0..self.length).zip(words) {
                context.set_message_register(n, word);
            }
            return;
        }
        context.set_message_registers(words);
        if let Some((from, to)) = self.buffers {
            for n in MESSAGE_REGISTERS..self.length {
                let word = from.word(k, n);
                to.set_word(k, n, word);
            }
        }
    }
}
