//! A passive server: it has no time of its own.
//!
//! Init lends it a scheduling context until it says that it is ready, and takes it away then.
//! From there on it runs only while somebody calls it, on the caller's time, and what it does is
//! counted as the caller's.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::protocol::REFUSED;
use demo_common::protocol::server::{ECHO, SUM};
use demo_common::{clock, slot};
use user_api::{Message, Received, Word, syscalls};

user_runtime::process!(main);

fn main(_: Word) {
    // Says "ready" and waits, in one step: when init hears it, the server is waiting.
    let mut message =
        syscalls::nb_send_recv(slot::SIGNAL, Message::default(), slot::SERVICE, slot::REPLY);
    loop {
        let answer = answer(&message);
        message = slot::SERVICE.reply_recv(answer, slot::REPLY);
    }
}

fn answer(message: &Received) -> Message {
    match message.label() {
        // Words past the fourth are in the IPC buffer, where they stay.
        ECHO => Message {
            words: message.words,
            length: message.length(),
            ..Message::default()
        },
        SUM => {
            let before = clock::now();
            let sum = sum_of_squares(message.words[0]);
            Message::default().with_words(&[sum, clock::now() - before])
        }
        _ => Message::new(REFUSED),
    }
}

/// Counted out, so that it takes its time.
fn sum_of_squares(last: Word) -> Word {
    (1..=last).fold(0_u64, |sum, number| {
        core::hint::black_box(sum.wrapping_add(number.wrapping_mul(number)))
    })
}
