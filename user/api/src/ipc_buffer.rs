//! The running thread's IPC buffer: message words past the fourth, capabilities to send, and
//! where to put a capability that arrives.
//!
//! Kernel and user write it in turn, so it is only ever read and written by word, never borrowed.

use crate::cap::{CPtr, SlotPath};
use crate::sys;
use abi::Word;
use abi::ipc_buffer::{
    CAPS_OR_BADGES, IpcBuffer, MSG, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX, USER_DATA,
};

/// Most words of a message.
pub const MAX_WORDS: usize = abi::message::MSG_MAX_LENGTH;
/// Most capabilities that travel with a message.
pub const MAX_CAPS: usize = abi::message::MAX_EXTRA_CAPS;

/// The address of word `offset` of the buffer.
fn place(offset: usize) -> *mut Word {
    assert!(offset < size_of::<IpcBuffer>() / size_of::<Word>());
    sys::thread_ipc_buffer().cast::<Word>().wrapping_add(offset)
}

fn read(offset: usize) -> Word {
    // SAFETY: inside the thread's buffer, which is mapped; any value is a valid word.
    unsafe { place(offset).read_volatile() }
}

fn write(offset: usize, value: Word) {
    // SAFETY: inside the thread's buffer, which is mapped and writable.
    unsafe { place(offset).write_volatile(value) }
}

/// Message word `index` (0 to 119). Words 0 to 3 are not here after a system call: they come
/// back in registers.
///
/// # Panics
/// If `index` is out of range.
#[inline]
pub fn word(index: usize) -> Word {
    assert!(index < MAX_WORDS);
    read(MSG + index)
}

/// Sets message word `index` (0 to 119).
///
/// # Panics
/// If `index` is out of range.
#[inline]
pub fn set_word(index: usize, value: Word) {
    assert!(index < MAX_WORDS);
    write(MSG + index, value);
}

/// What arrived in place of capability `index` (0 to 2): the badge, if it was unwrapped.
///
/// # Panics
/// If `index` is out of range.
pub fn badge(index: usize) -> Word {
    assert!(index < MAX_CAPS);
    read(CAPS_OR_BADGES + index)
}

/// The capability to send as number `index` (0 to 2).
///
/// # Panics
/// If `index` is out of range.
pub fn set_cap(index: usize, cap: CPtr) {
    assert!(index < MAX_CAPS);
    write(CAPS_OR_BADGES + index, cap.bits());
}

/// The slot that takes the next capability sent to this thread. It must be empty then; otherwise,
/// and without a path, the capability is dropped.
pub fn set_receive_path(path: SlotPath) {
    write(RECEIVE_CNODE, path.root.cptr().bits());
    write(RECEIVE_INDEX, path.index);
    write(RECEIVE_DEPTH, path.depth);
}

/// A word of the thread's own, which the kernel never touches.
pub fn user_data() -> Word {
    read(USER_DATA)
}

/// Sets the thread's own word.
pub fn set_user_data(value: Word) {
    write(USER_DATA, value);
}

/// Writes `bytes` and a terminating zero over the message words, as the call that names a thread
/// wants. Text that does not fit is cut.
pub(crate) fn set_text(bytes: &[u8]) {
    const ROOM: usize = MAX_WORDS * size_of::<Word>() - 1;
    let mut text = bytes
        .iter()
        .copied()
        .take(ROOM)
        .chain(core::iter::repeat(0));
    let words = bytes.len().min(ROOM) / size_of::<Word>() + 1;
    for index in 0..words {
        let word = core::array::from_fn(|_| text.next().unwrap_or(0));
        set_word(index, Word::from_le_bytes(word));
    }
}
