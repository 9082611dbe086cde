//! The image's own words on the debug console: at boot, and when all is lost. Needs
//! nothing of the kernel, allocates nothing, and formats only texts and numbers, so that the
//! release image carries no formatting machinery.

use core::fmt;

/// Something being said.
pub(crate) struct Voice;

impl Voice {
    /// Says `text`.
    #[cold]
    #[inline(never)]
    pub(crate) fn text(self, text: &str) -> Self {
        text.bytes().for_each(crate::arch::put);
        self
    }

    /// Says `number` in hexadecimal.
    #[cold]
    #[inline(never)]
    pub(crate) fn hex(self, number: u64) -> Self {
        let first = number.checked_ilog2().unwrap_or(0) & !3;
        let shifts = (0..64).step_by(4).rev().filter(|shift| *shift <= first);
        shifts.fold(self.text("0x"), |voice, shift| {
            voice.digit(number >> shift & 0xf)
        })
    }

    /// Says `number` in decimal.
    #[cold]
    #[inline(never)]
    pub(crate) fn number(self, number: u64) -> Self {
        let digits = number.checked_ilog10().unwrap_or(0);
        (0..=digits).rev().fold(self, |voice, digit| {
            // 10^19 is the largest power below 2^64, and no number has more digits.
            voice.digit(number / 10u64.saturating_pow(digit).max(1) % 10)
        })
    }

    fn digit(self, digit: u64) -> Self {
        const DIGITS: [&str; 16] = [
            "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "a", "b", "c", "d", "e", "f",
        ];
        self.text(DIGITS.get(digit as usize).unwrap_or(&"?"))
    }
}

impl fmt::Write for Voice {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        Voice.text(text);
        Ok(())
    }
}
