//! A thread that walks where no memory is. Each first step on a page faults; the pager maps a
//! page, and the step is taken again, without the wanderer noticing.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::protocol::REFUSED;
use demo_common::protocol::wanderer::{BEACH, WALK};
use demo_common::slot;
use user_api::{Message, Word};

user_runtime::process!(main);

const PAGE: usize = 1 << abi::object::PAGE_BITS;

fn main(_: Word) {
    let mut message = slot::SERVICE.recv(slot::REPLY);
    loop {
        let answer = match message.label() {
            WALK => Message::default().with_words(&[walk()]),
            _ => Message::new(REFUSED),
        };
        message = slot::SERVICE.reply_recv(answer, slot::REPLY);
    }
}

/// Leaves a footprint in every page, and counts those that are still there afterwards.
fn walk() -> Word {
    for page in BEACH.step_by(PAGE) {
        sand::write(page, !page);
    }
    let kept = |&page: &Word| sand::read(page) == !page;
    BEACH.step_by(PAGE).filter(kept).count() as Word
}

/// Memory that belongs to no Rust object.
#[expect(unsafe_code, reason = "touches addresses that only the pager knows")]
mod sand {
    use core::ptr::with_exposed_provenance_mut;
    use user_api::Word;

    pub(crate) fn write(address: Word, value: Word) {
        // SAFETY: nothing of this program lies there; if nothing is mapped, the pager does it.
        unsafe { with_exposed_provenance_mut::<Word>(address as usize).write_volatile(value) }
    }

    pub(crate) fn read(address: Word) -> Word {
        // SAFETY: as above.
        unsafe { with_exposed_provenance_mut::<Word>(address as usize).read_volatile() }
    }
}
