//! The IPC buffer: the part of a message that does not fit registers, and where received capabilities go.

use core::mem::{offset_of, size_of};

use crate::Word;
use crate::message::{MAX_EXTRA_CAPS, MSG_MAX_LENGTH};

/// log2 of the bytes of an IPC buffer, which is also its alignment.
pub const IPC_BUFFER_BITS: usize = 10;

/// A thread's IPC buffer as user code sees it. The kernel reads and writes it by word (the offsets below).
#[derive(Clone, Debug)]
#[repr(C, align(1024))]
pub struct IpcBuffer {
    /// Message info of the last message; user code's own copy, which the kernel does not touch.
    pub tag: Word,
    /// Message words; the first [`crate::message::MESSAGE_REGISTERS`] travel in registers instead.
    pub msg: [Word; MSG_MAX_LENGTH],
    /// For user code.
    pub user_data: Word,
    /// On sending, capability pointers; on receipt, the badges of unwrapped capabilities.
    pub caps_or_badges: [Word; MAX_EXTRA_CAPS],
    /// CNode below which a received capability is put.
    pub receive_cnode: Word,
    /// Address of the slot below that CNode.
    pub receive_index: Word,
    /// Bits of that address.
    pub receive_depth: Word,
}

/// Word offset of `tag`.
pub const TAG: usize = offset_of!(IpcBuffer, tag) / WORD;
/// Word offset of the first message word.
pub const MSG: usize = offset_of!(IpcBuffer, msg) / WORD;
/// Word offset of `user_data`.
pub const USER_DATA: usize = offset_of!(IpcBuffer, user_data) / WORD;
/// Word offset of the first capability pointer or badge.
pub const CAPS_OR_BADGES: usize = offset_of!(IpcBuffer, caps_or_badges) / WORD;
/// Word offset of `receive_cnode`.
pub const RECEIVE_CNODE: usize = offset_of!(IpcBuffer, receive_cnode) / WORD;
/// Word offset of `receive_index`.
pub const RECEIVE_INDEX: usize = offset_of!(IpcBuffer, receive_index) / WORD;
/// Word offset of `receive_depth`.
pub const RECEIVE_DEPTH: usize = offset_of!(IpcBuffer, receive_depth) / WORD;

const WORD: usize = size_of::<Word>();
const _: () = assert!(size_of::<IpcBuffer>() == 1 << IPC_BUFFER_BITS);
const _: () = assert!(RECEIVE_DEPTH == 127);
