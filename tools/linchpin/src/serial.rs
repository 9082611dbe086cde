//! Bytes of the serial line, as lines of text.

/// A terminal would cut a line somewhere; so do we, before it eats the memory.
const LONGEST_LINE: usize = 64 * 1024;

/// Cuts a stream of bytes into lines, and knows the line that is still being written.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    open: Vec<u8>,
    finished: usize,
}

impl Lines {
    /// Takes in bytes; returns the lines that they finish.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut finished = Vec::new();
        for &byte in bytes {
            match byte {
                b'\n' => finished.push(self.finish()),
                b'\r' => {}
                _ => self.open.push(byte),
            }
            if self.open.len() >= LONGEST_LINE {
                finished.push(self.finish());
            }
        }
        finished
    }

    /// The line that has no end yet.
    pub(crate) fn open_line(&self) -> String {
        text(&self.open)
    }

    /// How many lines came before it.
    pub(crate) fn finished(&self) -> usize {
        self.finished
    }

    fn finish(&mut self) -> String {
        self.finished += 1;
        text(&std::mem::take(&mut self.open))
    }
}

/// The visible text: without terminal control sequences (`ESC [ … letter`, `ESC letter`) and control bytes.
fn text(bytes: &[u8]) -> String {
    let decoded = String::from_utf8_lossy(bytes);
    let mut visible = String::with_capacity(decoded.len());
    let mut characters = decoded.chars();
    while let Some(character) = characters.next() {
        match character {
            '\u{1b}' => {
                if characters.next() == Some('[') {
                    characters.by_ref().find(|c| ('@'..='~').contains(c));
                }
            }
            '\t' => visible.push(character),
            c if c.is_control() => {}
            c => visible.push(c),
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end_however_the_bytes_arrive() {
        let whole = b"one\r\ntwo\n\nthree";
        let mut at_once = Lines::default();
        let expected = at_once.push(whole);
        assert_eq!(expected, ["one", "two", ""]);
        assert_eq!(at_once.open_line(), "three");
        let mut by_byte = Lines::default();
        let lines: Vec<String> = whole
            .iter()
            .flat_map(|byte| by_byte.push(&[*byte]))
            .collect();
        assert_eq!(lines, expected);
        assert_eq!(by_byte.finished(), 3);
    }

    #[test]
    fn control_sequences_are_not_text() {
        let mut lines = Lines::default();
        assert_eq!(
            lines.push(b"\x1b[1;31mred\x1b[0m \x1bcend\x08\0\n"),
            ["red end"]
        );
    }

    #[test]
    fn broken_utf8_and_endless_lines_do_no_harm() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(b"\xff\n"), ["\u{fffd}"]);
        assert_eq!(lines.push(&vec![b'x'; LONGEST_LINE + 1]).len(), 1);
        assert_eq!(lines.open_line(), "x");
    }
}
