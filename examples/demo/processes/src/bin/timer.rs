//! The timer driver: owns the device that ticks and its interrupt.
//!
//! Silent unless somebody wants ticks: then it signals [`slot::SIGNAL`] so many times.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::isa::timer::{PERIODS, Ticker};
use demo_common::protocol::timer::{START, TICKS};
use demo_common::protocol::{INTERRUPT_BADGE, REFUSED};
use demo_common::slot;
use user_api::{Message, Received, Result, Word};

user_runtime::process!(main);

fn main(_: Word) -> Result {
    let mut timer = Timer {
        device: Ticker::new()?,
        ticks: 0,
        remaining: 0,
    };
    slot::INTERRUPT.set_notification(slot::WAKE)?;
    slot::INTERRUPT.ack()?;
    let mut message = slot::SERVICE.recv(slot::REPLY);
    loop {
        let answer = match (message.badge, message.label()) {
            (INTERRUPT_BADGE, _) => {
                timer.interrupt()?;
                message = slot::SERVICE.recv(slot::REPLY);
                continue;
            }
            (_, START) => timer.start(&message)?,
            (_, TICKS) => Message::default().with_words(&[timer.ticks]),
            _ => Message::new(REFUSED),
        };
        message = slot::SERVICE.reply_recv(answer, slot::REPLY);
    }
}

struct Timer {
    device: Ticker,
    ticks: Word,
    remaining: Word,
}

impl Timer {
    fn interrupt(&mut self) -> Result {
        self.device.heard()?;
        // One may still be on its way after the timer was stopped.
        if self.remaining == 0 {
            return Ok(());
        }
        self.ticks += 1;
        self.remaining -= 1;
        if self.remaining == 0 {
            self.device.stop()?;
        }
        slot::SIGNAL.signal();
        Ok(())
    }

    fn start(&mut self, message: &Received) -> Result<Message> {
        let [microseconds, times] = message.words();
        let (shortest, longest) = PERIODS;
        if microseconds < shortest || microseconds > longest {
            return Ok(Message::new(REFUSED));
        }
        self.remaining = times;
        if times > 0 {
            self.device.start(microseconds)?;
        }
        Ok(Message::default())
    }
}
