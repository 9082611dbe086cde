//! What an attacker does: one senseless system call after the other.

use super::chaos::Chaos;
use crate::isa::{self, FREE_ADDRESS};
use crate::threads::Board;
use abi::ipc_buffer::{CAPS_OR_BADGES, MSG, RECEIVE_CNODE, RECEIVE_DEPTH, RECEIVE_INDEX};
use abi::syscall::Syscall;
use abi::{LABELS, MessageInfo, Word};
use core::ptr::with_exposed_provenance_mut;
use user_api::sys::Entry;
use user_api::{debug, syscalls};

/// Words of an attacker's board.
pub(crate) mod place {
    /// The address of its IPC buffer.
    pub(crate) const BUFFER: usize = 0;
    /// Where its numbers go on.
    pub(crate) const CHAOS: usize = 1;
    /// Calls made.
    pub(crate) const CALLS: usize = 2;
    /// Those that were answered without an error.
    pub(crate) const DONE: usize = 3;
}

/// Slots of an attacker's capability space that hold something at first.
pub(crate) const SLOTS: Word = 48;

/// Attacks until it is stopped. It may be thrown back to its beginning at any moment, and goes
/// on from there.
pub(crate) fn attack(board: &'static Board) {
    let mut chaos = Chaos::new(board.get(place::CHAOS));
    loop {
        scribble(&mut chaos, board.get(place::BUFFER));
        let (number, entry) = call(&mut chaos);
        board.set(place::CHAOS, chaos.state());
        board.add(place::CALLS);
        if chaos.one_in(300) {
            touch(&mut chaos);
        }
        let answer = syscalls::raw(number, entry);
        if number == Syscall::Call.number() && MessageInfo(answer.info).label() == 0 {
            board.add(place::DONE);
        }
    }
}

/// Fills what a call may read of the IPC buffer: words, capabilities, receive path.
#[expect(
    unsafe_code,
    reason = "writes the thread's own IPC buffer, whatever the thread register says"
)]
fn scribble(chaos: &mut Chaos, buffer: Word) {
    let words = with_exposed_provenance_mut::<Word>(buffer as usize);
    let write = |offset: usize, value: Word| {
        // SAFETY: all offsets below lie in the buffer, which is mapped and the thread's own.
        unsafe { words.wrapping_add(offset).write_volatile(value) };
    };
    for offset in MSG + 4..MSG + 9 {
        write(offset, chaos.word());
    }
    for offset in CAPS_OR_BADGES..CAPS_OR_BADGES + abi::message::MAX_EXTRA_CAPS {
        write(offset, chaos.cap(SLOTS));
    }
    write(RECEIVE_CNODE, chaos.cap(SLOTS));
    write(RECEIVE_INDEX, chaos.cap(SLOTS));
    write(RECEIVE_DEPTH, chaos.word());
}

/// The number of a call and its registers.
fn call(chaos: &mut Chaos) -> (i64, Entry) {
    let number = number(chaos);
    let label = if chaos.one_in(30) {
        chaos.word()
    } else {
        chaos.below(LABELS.count() + 2)
    };
    let length = if chaos.one_in(20) {
        chaos.below(128)
    } else {
        chaos.below(9)
    };
    let info = MessageInfo::new(
        label,
        chaos.below(8),
        chaos.below(4) as usize,
        length as usize,
    );
    let entry = Entry {
        cap: chaos.cap(SLOTS),
        info: if chaos.one_in(50) {
            chaos.any()
        } else {
            info.0
        },
        words: core::array::from_fn(|_| chaos.word()),
        reply: chaos.cap(SLOTS),
        destination: chaos.cap(SLOTS),
    };
    (number, entry)
}

/// Mostly calls; those that wait are rare, since somebody has to come and wake the attacker.
/// Calls that stop the machine or write to the console by design are left out.
fn number(chaos: &mut Chaos) -> i64 {
    let call = match chaos.below(200) {
        0..150 => Syscall::Call,
        150..165 => Syscall::NbSend,
        165..172 => Syscall::NbRecv,
        172..178 => Syscall::NbWait,
        178..182 => Syscall::Yield,
        182 => Syscall::Send,
        183 => Syscall::Recv,
        184 => Syscall::Wait,
        185 => Syscall::ReplyRecv,
        186 => Syscall::NbSendRecv,
        187 => Syscall::NbSendWait,
        188..194 if debug::available(Syscall::DebugCapIdentify) => Syscall::DebugCapIdentify,
        194 if debug::available(Syscall::SetTlsBase) => Syscall::SetTlsBase,
        195 => return unknown(chaos),
        _ => Syscall::Call,
    };
    call.number()
}

/// A number that no kernel knows.
fn unknown(chaos: &mut Chaos) -> i64 {
    match chaos.word() as i64 {
        number @ ..-100 => number,
        number => number.saturating_abs(),
    }
}

/// Reads or writes an address, most likely one that faults: nobody's, or the kernel's. Never a
/// word of the program itself, which lies above 4 MiB and far below the others.
fn touch(chaos: &mut Chaos) {
    let address = match chaos.below(4) {
        0 => FREE_ADDRESS + chaos.below(1 << 20) * 8,
        1 => 0xffff_ff80_0000_0000 | chaos.below(1 << 30),
        2 => chaos.below(1 << 22) & !7,
        _ => 1 << 46 | (chaos.any() >> 20 & !7),
    };
    if chaos.one_in(2) {
        isa::read(address)
    } else {
        isa::write(address)
    }
}
