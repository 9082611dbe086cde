//! What the plugin is told on QEMU's command line.

use std::ops::Range;
use std::path::PathBuf;

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
    fn a_wrong_word_is_named() {
        for word in ["begin=x", "colour=1", "boot=12"] {
            assert_eq!(Options::read([word].into_iter()), Err(word.to_owned()));
        }
    }
}
