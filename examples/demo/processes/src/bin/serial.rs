//! The serial driver: owns the line's device and its interrupt.
//!
//! Characters arrive by interrupt and wait in a ring until somebody reads. A reader who comes
//! first waits in [`slot::WAITING_REPLY`] while the driver serves others by [`slot::REPLY`]: with
//! two reply objects one thread keeps one caller waiting and answers all others. The interrupt's
//! notification is bound to the thread, so one `recv` waits for messages and interrupts.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

use demo_common::isa::serial;
use demo_common::protocol::serial::{MOST_BYTES, READ, WRITE};
use demo_common::protocol::{INTERRUPT_BADGE, REFUSED};
use demo_common::{console, slot};
use user_api::{Message, Reply, Result, Word};

user_runtime::process!(main);

fn main(_: Word) -> Result {
    let mut driver = Driver {
        input: Ring::new(),
        free: slot::REPLY,
        reader: None,
    };
    serial::set_up()?;
    slot::INTERRUPT.set_notification(slot::WAKE)?;
    slot::INTERRUPT.ack()?;
    let mut message = slot::SERVICE.recv(driver.free);
    loop {
        let answer = match (message.badge, message.label()) {
            (INTERRUPT_BADGE, _) => driver.interrupt()?,
            (_, WRITE) => {
                serial::write(console::unpack(&message, &mut [0; MOST_BYTES]))?;
                Some(Message::default())
            }
            (_, READ) => driver.read(),
            _ => Some(Message::new(REFUSED)),
        };
        message = match answer {
            Some(answer) => slot::SERVICE.reply_recv(answer, driver.free),
            None => slot::SERVICE.recv(driver.free),
        };
    }
}

struct Driver {
    input: Ring,
    /// The reply object that the next caller gets.
    free: Reply,
    /// The reply object of a reader who waits for input.
    reader: Option<Reply>,
}

impl Driver {
    /// Takes in what has arrived, and wakes the reader.
    fn interrupt(&mut self) -> Result<Option<Message>> {
        serial::receive(|byte| self.input.push(byte))?;
        if self.input.is_empty() {
            return Ok(None);
        }
        if let Some(reader) = self.reader.take() {
            reader.send(self.take_input());
        }
        Ok(None)
    }

    /// Answers a reader at once, or lets it wait.
    fn read(&mut self) -> Option<Message> {
        if !self.input.is_empty() {
            return Some(self.take_input());
        }
        if self.reader.is_some() {
            return Some(Message::new(REFUSED));
        }
        self.reader = Some(self.free);
        self.free = if self.free == slot::REPLY {
            slot::WAITING_REPLY
        } else {
            slot::REPLY
        };
        None
    }

    fn take_input(&mut self) -> Message {
        let mut bytes = [0; MOST_BYTES];
        let mut length = 0;
        for place in &mut bytes {
            let Some(byte) = self.input.pop() else { break };
            *place = byte;
            length += 1;
        }
        console::pack(0, bytes.get(..length).unwrap_or_default())
    }
}

/// The last characters that nobody has read. What does not fit is lost, as on any serial line.
struct Ring {
    bytes: [u8; 256],
    first: usize,
    used: usize,
}

impl Ring {
    const fn new() -> Self {
        Self {
            bytes: [0; 256],
            first: 0,
            used: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.used == 0
    }

    fn push(&mut self, byte: u8) {
        if self.used < self.bytes.len() {
            self.bytes[(self.first + self.used) % self.bytes.len()] = byte;
            self.used += 1;
        }
    }

    fn pop(&mut self) -> Option<u8> {
        self.used = self.used.checked_sub(1)?;
        let byte = self.bytes[self.first];
        self.first = (self.first + 1) % self.bytes.len();
        Some(byte)
    }
}
