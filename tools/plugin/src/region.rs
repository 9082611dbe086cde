//! What is counted between two marks.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;

/// log2 of the bytes of a cache line.
const LINE_BITS: u32 = 6;

/// Whose an instruction is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    Kernel,
    User,
    Firmware,
}

/// What was done since the first mark.
#[derive(Debug, Default)]
pub(crate) struct Region {
    instructions: [u64; 3],
    /// The kernel's.
    loads: u64,
    stores: u64,
    code_lines: HashSet<u64>,
    data_lines: HashSet<u64>,
    /// How often each address was executed, if that is wanted.
    histogram: Option<HashMap<u64, u64>>,
}

impl Region {
    pub(crate) fn new(with_histogram: bool) -> Self {
        Self {
            histogram: with_histogram.then(HashMap::new),
            ..Self::default()
        }
    }

    pub(crate) fn executed(&mut self, address: u64, whose: Whose) {
        self.instructions[whose as usize] += 1;
        if whose == Whose::Kernel {
            self.code_lines.insert(address >> LINE_BITS);
        }
        if let Some(histogram) = &mut self.histogram {
            *histogram.entry(address).or_default() += 1;
        }
    }

    pub(crate) fn accessed(&mut self, address: u64, whose: Whose, is_store: bool) {
        if whose == Whose::Kernel {
            *(if is_store {
                &mut self.stores
            } else {
                &mut self.loads
            }) += 1;
            self.data_lines.insert(address >> LINE_BITS);
        }
    }

    /// The counts, as a line of JSON. Loads, stores and distinct lines are the kernel's alone.
    pub(crate) fn line(&self, mark: &str) -> String {
        let [kernel, user, firmware] = self.instructions;
        format!(
            r#"{{"mark":"{mark}","kernel":{kernel},"user":{user},"firmware":{firmware},"loads":{},"stores":{},"code_lines":{},"data_lines":{}}}"#,
            self.loads,
            self.stores,
            self.code_lines.len(),
            self.data_lines.len()
        )
    }

    /// `ADDRESS COUNT`, by address, if that was wanted.
    pub(crate) fn addresses(&self) -> Option<String> {
        let mut rows: Vec<_> = self.histogram.as_ref()?.iter().collect();
        rows.sort();
        let text = rows
            .iter()
            .fold(String::new(), |mut text, (address, count)| {
                let _ = writeln!(text, "{address:#x} {count}");
                text
            });
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_once_and_the_kernels_only() {
        let mut region = Region::new(true);
        region.executed(0x1000, Whose::Kernel);
        region.executed(0x1004, Whose::Kernel);
        region.executed(0x1004, Whose::Kernel);
        region.executed(0x40, Whose::User);
        region.accessed(0x2000, Whose::Kernel, true);
        region.accessed(0x2040, Whose::Kernel, false);
        region.accessed(0x3000, Whose::User, false);
        assert_eq!(
            region.line("end"),
            r#"{"mark":"end","kernel":3,"user":1,"firmware":0,"loads":1,"stores":1,"code_lines":1,"data_lines":2}"#
        );
        assert_eq!(
            region.addresses().as_deref(),
            Some("0x40 1\n0x1000 1\n0x1004 2\n")
        );
    }
}
