//! Messages that are words only.

use super::Shape;
use crate::Kernel;
use crate::message::{self, Rest};
use crate::object::store::Ref;
use crate::object::tcb::{self, Access, Tcb};
use abi::Word;
use abi::message::{MESSAGE_REGISTERS, MessageInfo};

/// A message that is words only.
#[derive(Clone, Copy)]
pub(super) struct Words {
    /// What the receiver is told.
    info: MessageInfo,
    /// What is not in registers.
    rest: Option<Rest>,
}

impl Words {
    /// Whether what `from` says is of a kind that these plans cover.
    #[inline(always)]
    pub(super) fn covered<S: Shape>(k: &Kernel, from: Ref<Tcb>) -> bool {
        let info = MessageInfo(k[from.context()].message_info());
        if S::IN_REGISTERS {
            info.is_short(MESSAGE_REGISTERS)
        } else {
            info.extra_caps() == 0
        }
    }

    /// What `from` says to `to`, if it is of a kind that these plans cover.
    #[inline(always)]
    pub(super) fn plan<S: Shape>(k: &Kernel, from: Ref<Tcb>, to: Ref<Tcb>) -> Option<Self> {
        if !Self::covered::<S>(k, from) {
            return None;
        }
        let info = MessageInfo(k[from.context()].message_info()).without_caps();
        if S::IN_REGISTERS || info.length() <= MESSAGE_REGISTERS {
            return Some(Self { info, rest: None });
        }
        let buffers = tcb::buffer(k, from, Access::Read).zip(tcb::buffer(k, to, Access::ReadWrite));
        let length = message::clipped_length(info, buffers.is_some());
        Some(Self {
            info: info.with_length(length),
            rest: buffers.map(|(from, to)| Rest { from, to, length }),
        })
    }

    /// `to` hears what is in registers, from `badge`. What is left to copy.
    #[inline(always)]
    pub(super) fn commit_registers(
        self,
        k: &mut Kernel,
        from: Ref<Tcb>,
        to: Ref<Tcb>,
        badge: Word,
    ) -> Option<Rest> {
        let context = &mut k[to.context()];
        context.set_badge(badge);
        context.set_message_info(self.info.0);
        let length = self.info.length();
        if length == 0 {
            return None;
        }
        let words = k[from.context()].message_registers();
        let context = &mut k[to.context()];
        if length >= MESSAGE_REGISTERS {
            context.set_message_registers(words);
            return self.rest;
        }
        for (n, word) in (0..length).zip(words) {
            context.set_message_register(n, word);
        }
        None
    }

    /// `to` hears them, from `badge`.
    #[inline(always)]
    pub(super) fn commit(self, k: &mut Kernel, from: Ref<Tcb>, to: Ref<Tcb>, badge: Word) {
        if let Some(rest) = self.commit_registers(k, from, to, badge) {
            rest.copy(k);
        }
    }
}
