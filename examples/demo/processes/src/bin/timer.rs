//! The timer driver: owns the ports 0x40 to 0x43 and interrupt 0 (pin 2 of the IO APIC), the
//! interval timer that every PC has.
//!
//! Silent unless somebody wants ticks: then it signals [`slot::SIGNAL`] so many times.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::protocol::timer::{START, TICKS};
use demo_common::protocol::{INTERRUPT_BADGE, REFUSED};
use demo_common::slot;
use user_api::{Message, Received, Result, Word};

user_runtime::process!(main);

/// Counts per second.
const FREQUENCY: Word = 1_193_182;
const CHANNEL_0: u16 = 0x40;
const CONTROL: u16 = 0x43;
/// Channel 0, both bytes of the count, an interrupt each time that it has counted down.
const PERIODIC: u8 = 0x34;
/// Channel 0, both bytes of the count, one interrupt; without a count it does nothing.
const ONCE: u8 = 0x30;

fn main(_: Word) -> Result {
    let mut timer = Timer {
        ticks: 0,
        remaining: 0,
    };
    stop()?;
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
    ticks: Word,
    remaining: Word,
}

impl Timer {
    fn interrupt(&mut self) -> Result {
        slot::INTERRUPT.ack()?;
        // One may still be on its way after the timer was stopped.
        if self.remaining == 0 {
            return Ok(());
        }
        self.ticks += 1;
        self.remaining -= 1;
        if self.remaining == 0 {
            stop()?;
        }
        slot::SIGNAL.signal();
        Ok(())
    }

    fn start(&mut self, message: &Received) -> Result<Message> {
        let [microseconds, times] = message.words();
        let count = microseconds
            .checked_mul(FREQUENCY)
            .and_then(|product| u16::try_from(product / 1_000_000).ok())
            .filter(|&count| count > 1);
        let Some(count) = count else {
            return Ok(Message::new(REFUSED));
        };
        self.remaining = times;
        if times > 0 {
            slot::PORTS.out8(CONTROL, PERIODIC)?;
            for byte in count.to_le_bytes() {
                slot::PORTS.out8(CHANNEL_0, byte)?;
            }
        }
        Ok(Message::default())
    }
}

fn stop() -> Result {
    slot::PORTS.out8(CONTROL, ONCE)
}
