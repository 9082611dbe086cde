//! A line of input in the making: what each character does to it, and what to show for that.

/// Most bytes of a line.
pub const MOST: usize = 80;

/// What became of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    /// It is complete.
    Complete,
    /// It was longer than [`MOST`], and complete only in its beginning.
    TooLong,
    /// It is complete, but no UTF-8.
    NoText,
    /// It was given up.
    Cancelled,
}

/// A line, and where in an escape sequence of the terminal we are.
pub struct Line {
    bytes: [u8; MOST],
    used: usize,
    lost: bool,
    escape: Escape,
    after_return: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    No,
    Begun,
    Inside,
}

mod key {
    pub(super) const CANCEL: u8 = 0x03;
    pub(super) const BELL: u8 = 0x07;
    pub(super) const BACKSPACE: u8 = 0x08;
    pub(super) const KILL: u8 = 0x15;
    pub(super) const ESCAPE: u8 = 0x1b;
    pub(super) const DELETE: u8 = 0x7f;
}

impl Line {
    /// An empty line.
    pub const fn new() -> Self {
        Self {
            bytes: [0; MOST],
            used: 0,
            lost: false,
            escape: Escape::No,
            after_return: false,
        }
    }

    /// What was typed so far; empty if it is no text.
    pub fn text(&self) -> &str {
        core::str::from_utf8(self.typed()).unwrap_or_default()
    }

    fn typed(&self) -> &[u8] {
        self.bytes.get(..self.used).unwrap_or_default()
    }

    fn completed(&self) -> Event {
        if self.lost {
            Event::TooLong
        } else if core::str::from_utf8(self.typed()).is_err() {
            Event::NoText
        } else {
            Event::Complete
        }
    }

    /// Begins again.
    pub fn clear(&mut self) {
        self.used = 0;
        self.lost = false;
    }

    /// Takes a character; what is to be shown goes to `show`.
    pub fn key(&mut self, byte: u8, show: &mut impl FnMut(u8)) -> Option<Event> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        if self.in_escape(byte) {
            return None;
        }
        match byte {
            // A terminal that sends both ends one line by them, not two.
            b'\n' if after_return => None,
            b'\r' | b'\n' => {
                show(b'\n');
                Some(self.completed())
            }
            key::CANCEL => {
                b"^C\n".iter().for_each(|&byte| show(byte));
                Some(Event::Cancelled)
            }
            key::BACKSPACE | key::DELETE => {
                self.erase(show);
                None
            }
            key::KILL => {
                while self.used > 0 {
                    self.erase(show);
                }
                None
            }
            b'\t' => self.insert(b' ', show),
            0..b' ' => None,
            _ => self.insert(byte, show),
        }
    }

    fn insert(&mut self, byte: u8, show: &mut impl FnMut(u8)) -> Option<Event> {
        match self.bytes.get_mut(self.used) {
            Some(place) => {
                *place = byte;
                self.used += 1;
                show(byte);
            }
            None => {
                self.lost = true;
                show(key::BELL);
            }
        }
        None
    }

    /// Takes back the last character, which may be several bytes of UTF-8.
    fn erase(&mut self, show: &mut impl FnMut(u8)) {
        self.lost = false;
        while let Some(used) = self.used.checked_sub(1) {
            self.used = used;
            let is_continuation = self.bytes.get(used).is_some_and(|byte| byte & 0xc0 == 0x80);
            if !is_continuation {
                b"\x08 \x08".iter().for_each(|&byte| show(byte));
                return;
            }
        }
    }

    /// Swallows what keys like the arrows send: `ESC [ … letter`, `ESC O letter`, `ESC letter`.
    fn in_escape(&mut self, byte: u8) -> bool {
        let (inside, next) = match (self.escape, byte) {
            (_, key::ESCAPE) => (true, Escape::Begun),
            (Escape::No, _) => (false, Escape::No),
            // An end of line ends everything, so that a lone ESC cannot lock the prompt up.
            (_, b'\r' | b'\n') => (false, Escape::No),
            (Escape::Begun, b'[' | b'O') => (true, Escape::Inside),
            (Escape::Inside, b' '..=b'?') => (true, Escape::Inside),
            (Escape::Begun | Escape::Inside, _) => (true, Escape::No),
        };
        self.escape = next;
        inside
    }
}

impl Default for Line {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    /// Types into a line until something happens to it.
    fn typed(input: &[u8]) -> (String, Vec<u8>, Option<Event>) {
        let (mut line, mut shown) = (Line::new(), Vec::new());
        let event = input
            .iter()
            .find_map(|&byte| line.key(byte, &mut |byte| shown.push(byte)));
        (line.text().into(), shown, event)
    }

    #[test]
    fn what_is_typed_is_shown() {
        let (text, shown, event) = typed(b"help\n");
        assert_eq!((text.as_str(), event), ("help", Some(Event::Complete)));
        assert_eq!(shown, b"help\n");
    }

    #[test]
    fn backspace_takes_back_whole_characters() {
        assert_eq!(typed("aä\x7fb\n".as_bytes()).0, "ab");
        assert_eq!(typed(b"\x08\x08x\n").0, "x", "nothing to take back");
        assert_eq!(typed(b"wrong\x15right\n").0, "right");
    }

    #[test]
    fn a_long_line_is_no_command() {
        let (text, shown, event) = typed(&[[b'x'; MOST + 3].as_slice(), b"\n"].concat());
        assert_eq!((text.len(), event), (MOST, Some(Event::TooLong)));
        assert_eq!(shown.iter().filter(|&&byte| byte == 7).count(), 3);
        let repaired = [[b'x'; MOST + 1].as_slice(), b"\x08\n"].concat();
        assert_eq!(typed(&repaired).2, Some(Event::Complete));
    }

    #[test]
    fn control_characters_do_no_harm() {
        assert_eq!(typed(b"a\x00\x01\x1f\tb\n").0, "a b");
        assert_eq!(typed(b"a\x1b[Ab\x1b[1;5Cc\x1bOPd\n").0, "abcd");
        assert_eq!(typed(b"a\x1b\n").2, Some(Event::Complete));
        assert_eq!(typed(b"abc\x03").2, Some(Event::Cancelled));
        assert_eq!(typed(b"\xff\xfe\n").2, Some(Event::NoText));
    }

    #[test]
    fn return_and_line_feed_end_one_line() {
        let mut line = Line::new();
        let events: Vec<_> = b"\r\n\n\r"
            .iter()
            .map(|&byte| line.key(byte, &mut |_| {}).is_some())
            .collect();
        assert_eq!(events, [true, false, true, true]);
    }
}
