//! A client: waits until init wants a conversation, asks the server some questions, and tells
//! what it heard. It is the one who pays for the server's work.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::protocol::{QUESTIONS, server::SUM};
use demo_common::{clock, say, slot};
use user_api::{Message, Word};

user_runtime::process!(main);

/// `megahertz`: how fast the clock counts.
fn main(megahertz: Word) {
    loop {
        slot::WAKE.wait();
        let mut cycles = 0;
        for last in QUESTIONS {
            let answer = slot::PEER.call(Message::new(SUM).with_words(&[last]));
            let [sum, taken] = answer.words();
            assert_eq!(
                sum,
                last * (last + 1) * (2 * last + 1) / 6,
                "a wrong answer"
            );
            cycles += taken;
            say!("   client: the squares from 1 to {last} add up to {sum}, says the server");
        }
        if clock::READABLE {
            let microseconds = cycles / megahertz.max(1);
            say!("   client: by the server's own clock that took it {microseconds} us");
        }
        slot::SIGNAL.signal();
    }
}
