//! The kernel of host tests: records every entry, answers from a script.
//!
//! Each test thread has its own record, script and IPC buffer, so tests run in parallel.

extern crate std;

use super::{Entry, Exit};
use abi::ipc_buffer::IpcBuffer;
use core::cell::RefCell;
use std::boxed::Box;
use std::collections::VecDeque;
use std::vec::Vec;

/// One entry into the kernel, as the stub would have made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recorded {
    /// The system call number.
    pub number: i64,
    /// The registers.
    pub entry: Entry,
}

#[derive(Default)]
struct Machine {
    record: Vec<Recorded>,
    script: VecDeque<Exit>,
}

const EMPTY: IpcBuffer = IpcBuffer {
    tag: 0,
    msg: [0; abi::message::MSG_MAX_LENGTH],
    user_data: 0,
    caps_or_badges: [0; abi::message::MAX_EXTRA_CAPS],
    receive_cnode: 0,
    receive_index: 0,
    receive_depth: 0,
};

std::thread_local! {
    static MACHINE: RefCell<Machine> = RefCell::default();
    static IPC_BUFFER: *mut IpcBuffer = Box::into_raw(Box::new(EMPTY));
}

/// Queues the answer to the next entry that has none yet; without an answer an entry returns zeros.
pub fn answer(exit: Exit) {
    MACHINE.with_borrow_mut(|machine| machine.script.push_back(exit));
}

/// Takes the entries recorded so far.
pub fn take_record() -> Vec<Recorded> {
    MACHINE.with_borrow_mut(|machine| core::mem::take(&mut machine.record))
}

pub(crate) fn enter(number: i64, entry: Entry) -> Exit {
    MACHINE.with_borrow_mut(|machine| {
        machine.record.push(Recorded { number, entry });
        machine.script.pop_front().unwrap_or_default()
    })
}

pub(crate) fn thread_ipc_buffer() -> *mut IpcBuffer {
    IPC_BUFFER.with(|buffer| *buffer)
}
