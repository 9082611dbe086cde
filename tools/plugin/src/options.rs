//! What the plugin is told on QEMU's command line.

use std::ops::Range;
use std::path::PathBuf;

use crate::machine::Machine;

/// Addresses and files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) out: PathBuf,
    pub(crate) begin: u64,
    pub(crate) end: u64,
    pub(crate) kernel: u64,
    pub(crate) firmware: Range<u64>,
    /// The first instruction of the kernel, and of the first user thread.
    pub(crate) boot: Option<(u64, u64)>,
    /// Which region, and where to.
    pub(crate) histogram: Option<usize>,
    pub(crate) histogram_out: PathBuf,
    /// If this is wanted instead of marks.
    pub(crate) paths: Option<Paths>,
}

/// Where stays in the kernel begin to count, and how they are cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Paths {
    pub(crate) machine: Machine,
    /// The first instruction of the first user thread: boot is over.
    pub(crate) from: u64,
    /// Where user space has come to its end; what is known then is written.
    pub(crate) until: u64,
    /// Where the kernel looks whether an interrupt waits.
    pub(crate) looks: Vec<Range<u64>>,
    /// Where traps enter: stubs of equal size, one after the other.
    pub(crate) traps: Range<u64>,
    pub(crate) stub: u64,
}

impl Paths {
    /// Whether a stub for traps begins here.
    pub(crate) fn is_trap(&self, address: u64) -> bool {
        let offset = address.wrapping_sub(self.traps.start);
        self.traps.contains(&address) && offset.checked_rem(self.stub).is_none_or(|rest| rest == 0)
    }
}

impl Options {
    /// From words of the form `name=value`; the error is the word that is wrong.
    pub(crate) fn read<'a>(words: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut options = Self::default();
        for word in words {
            options.take(word).ok_or_else(|| word.to_owned())?;
        }
        Ok(options)
    }

    fn take(&mut self, word: &str) -> Option<()> {
        let (name, value) = word.split_once('=')?;
        match name {
            "out" => self.out = value.into(),
            "begin" => self.begin = hex(value)?,
            "end" => self.end = hex(value)?,
            "kernel" => self.kernel = hex(value)?,
            "firmware" => {
                let (start, end) = pair(value)?;
                self.firmware = start..end;
            }
            "boot" => self.boot = Some(pair(value)?),
            "histogram" => self.histogram = Some(value.parse().ok()?),
            "histogram_out" => self.histogram_out = value.into(),
            "paths" => {
                self.paths = Some(Paths {
                    machine: Machine::named(value)?,
                    from: 0,
                    until: 0,
                    looks: Vec::new(),
                    traps: 0..0,
                    stub: 0,
                });
            }
            "from" => self.paths.as_mut()?.from = hex(value)?,
            "until" => self.paths.as_mut()?.until = hex(value)?,
            "look" => {
                let (start, end) = pair(value)?;
                self.paths.as_mut()?.looks.push(start..end);
            }
            "traps" => {
                let (start, end) = pair(value)?;
                self.paths.as_mut()?.traps = start..end;
            }
            "stub" => self.paths.as_mut()?.stub = hex(value)?,
            _ => return None,
        }
        Some(())
    }
}

fn hex(value: &str) -> Option<u64> {
    u64::from_str_radix(value.trim_start_matches("0x"), 16).ok()
}

fn pair(value: &str) -> Option<(u64, u64)> {
    let (first, second) = value.split_once('-')?;
    Some((hex(first)?, hex(second)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_options() {
        let words = "out=a.json begin=401000 end=0x401010 firmware=80000000-80200000 histogram=3";
        let options = Options::read(words.split(' ')).expect("all are known");
        assert_eq!((options.begin, options.end), (0x40_1000, 0x40_1010));
        assert_eq!(options.firmware, 0x8000_0000..0x8020_0000);
        assert_eq!((options.histogram, options.boot), (Some(3), None));
    }

    #[test]
    fn paths_have_words_of_their_own() {
        let words =
            "paths=x86_64 from=401000 until=402000 look=10-14 look=20-28 traps=80-100 stub=10";
        let options = Options::read(words.split(' ')).expect("all are known");
        let paths = options.paths.expect("they are wanted");
        assert_eq!((paths.from, paths.until), (0x40_1000, 0x40_2000));
        assert_eq!(paths.looks, [0x10..0x14, 0x20..0x28]);
        let traps = [0x80, 0x82, 0x90, 0xf0, 0x100].map(|address| paths.is_trap(address));
        assert_eq!(traps, [true, false, true, true, false]);
    }

    #[test]
    fn a_wrong_word_is_named() {
        for word in ["begin=x", "colour=1", "boot=12", "look=10-14", "paths=z80"] {
            assert_eq!(Options::read([word].into_iter()), Err(word.to_owned()));
        }
    }
}
