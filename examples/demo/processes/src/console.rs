//! Printing by message to the serial driver.

use crate::protocol::serial::{MOST_BYTES, MOST_WORDS, READ, WRITE};
use abi::Word;
use core::fmt;
use user_api::{Endpoint, Message, Received};

/// Text on its way to the driver: sent when it is full, and at the end.
pub struct Console {
    driver: Endpoint,
    bytes: [u8; MOST_BYTES],
    used: usize,
}

impl Console {
    /// Prints by this endpoint.
    pub const fn new(driver: Endpoint) -> Self {
        Self {
            driver,
            bytes: [0; MOST_BYTES],
            used: 0,
        }
    }

    /// Sends what there is.
    pub fn flush(&mut self) {
        if self.used > 0 {
            let text = self.bytes.get(..self.used).unwrap_or_default();
            self.driver.call(pack(WRITE, text));
            self.used = 0;
        }
    }

    /// Adds a byte.
    pub fn push(&mut self, byte: u8) {
        if let Some(place) = self.bytes.get_mut(self.used) {
            *place = byte;
            self.used += 1;
        }
        if self.used == MOST_BYTES {
            self.flush();
        }
    }
}

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

/// Prints by an endpoint.
pub fn print(driver: Endpoint, arguments: fmt::Arguments<'_>) {
    let mut console = Console::new(driver);
    // The console takes everything; an error could only come from a broken `Display`.
    let _ = fmt::write(&mut console, arguments);
    console.flush();
}

/// Prints a line of a process.
#[macro_export]
macro_rules! say {
    ($($argument:tt)*) => {
        $crate::console::print($crate::slot::CONSOLE, format_args!("{}\n", format_args!($($argument)*)))
    };
}

/// Bytes as a message.
pub fn pack(label: Word, bytes: &[u8]) -> Message {
    let bytes = bytes.get(..MOST_BYTES).unwrap_or(bytes);
    let mut words = [0; MOST_WORDS];
    words[0] = bytes.len() as Word;
    for (word, chunk) in words.iter_mut().skip(1).zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        *word = Word::from_le_bytes(eight);
    }
    let length = 1 + bytes.len().div_ceil(8);
    Message::new(label).with_words(&words[..length])
}

/// The bytes of a message, in `room`. A sender that lies about the length gets less, not more.
pub fn unpack<'a>(message: &Received, room: &'a mut [u8; MOST_BYTES]) -> &'a [u8] {
    let words: [Word; MOST_WORDS] = message.words();
    for (chunk, word) in room.chunks_mut(8).zip(words.iter().skip(1)) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    let length = usize::try_from(words[0]).unwrap_or(MOST_BYTES);
    &room[..length.min(MOST_BYTES)]
}

/// Waits for input, by an endpoint of the driver.
pub fn read(driver: Endpoint, room: &mut [u8; MOST_BYTES]) -> &[u8] {
    let answer = driver.call(Message::new(READ));
    if answer.label() == crate::protocol::REFUSED {
        return &[];
    }
    unpack(&answer, room)
}
