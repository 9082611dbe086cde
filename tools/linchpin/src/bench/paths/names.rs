//! What the kernel's addresses mean: ways in, functions, and where it looks for interrupts.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};

use abi::invocation;
use abi::profile::{Flavour, Isa, PROFILE};
use abi::syscall::Syscall;
use miette::{IntoDiagnostic, Result, miette};
use object::read::elf::ElfFile64;
use object::{LittleEndian, Object, ObjectSection, ObjectSymbol};

use super::measure::Entry;
use crate::bench::histogram::{self, Frame};
use crate::bench::machine;
use crate::kind::Arch;
use crate::workspace;

/// The machine's function that a preemption point asks. It has no code of its own; what was made
/// of it lies in those that call it, and debug information says where.
const LOOK: &str = "interrupt_pending";

/// Bytes from one stub to the next, and where which of them are.
const X86_STUB: u64 = 16;
const ARM_STUB: u64 = 0x80;
const ARM_INTERRUPT_IDLE: u64 = 0x280;
const ARM_EXCEPTION: u64 = 0x400;
const ARM_INTERRUPT: u64 = 0x480;

/// Of a kernel.
pub(super) struct Names {
    arch: Arch,
    elf: PathBuf,
    text: Range<u64>,
    /// Where traps enter: a stub for each vector, or one for all.
    traps: u64,
}

impl Names {
    pub(super) fn of(arch: Arch, elf: &Path) -> Result<Self> {
        let bytes = workspace::read(elf)?;
        let parsed = ElfFile64::<LittleEndian>::parse(bytes.as_slice()).into_diagnostic()?;
        let text = parsed
            .section_by_name(".text")
            .ok_or_else(|| miette!("the kernel has no `.text`"))?;
        let symbol = match arch {
            Arch::X86_64 => "trap_stubs",
            Arch::AArch64 => "vectors",
            Arch::RiscV64 => "trap_entry",
        };
        let traps = parsed
            .symbols()
            .find(|candidate| candidate.name() == Ok(symbol))
            .ok_or_else(|| miette!("the kernel has no `{symbol}`"))?;
        Ok(Self {
            arch,
            elf: elf.to_path_buf(),
            text: text.address()..text.address() + text.size(),
            traps: traps.address(),
        })
    }

    /// Every address of the kernel that belongs to [`LOOK`].
    pub(super) fn looks(&self) -> Result<Vec<Range<u64>>> {
        let step = match self.arch {
            Arch::X86_64 => 1,
            Arch::AArch64 => 4,
            Arch::RiscV64 => 2,
        };
        let places = histogram::places(&self.elf, self.text.clone().step_by(step))?;
        let looks = |frames: &Vec<Frame>| frames.iter().any(|frame| frame.function.contains(LOOK));
        let mut addresses: Vec<u64> = places
            .iter()
            .filter(|(_, frames)| looks(frames))
            .map(|(address, _)| *address)
            .collect();
        addresses.sort_unstable();
        if addresses.is_empty() {
            return Err(miette!("the kernel's debug information names no `{LOOK}`"));
        }
        Ok(ranges(&addresses, step as u64))
    }

    /// Where traps enter, and the size of a stub.
    pub(super) fn traps(&self) -> (Range<u64>, u64) {
        let (offsets, size) = match self.arch {
            Arch::X86_64 => (0..256 * X86_STUB, X86_STUB),
            Arch::AArch64 => (ARM_INTERRUPT_IDLE..ARM_INTERRUPT + ARM_STUB, ARM_STUB),
            Arch::RiscV64 => (0..1, 1),
        };
        (self.traps + offsets.start..self.traps + offsets.end, size)
    }

    /// The function at each of these addresses.
    pub(super) fn functions(
        &self,
        blocks: impl Iterator<Item = u64>,
    ) -> Result<BTreeMap<u64, String>> {
        let (kernel, others): (Vec<u64>, Vec<u64>) =
            blocks.partition(|block| *block >= machine::KERNEL);
        let mut kernel = kernel;
        kernel.sort_unstable();
        kernel.dedup();
        let places: HashMap<u64, Vec<Frame>> = histogram::places(&self.elf, kernel)?;
        let named = places
            .into_iter()
            .map(|(block, frames)| (block, function(&frames)));
        let firmware = others.into_iter().map(|block| (block, "firmware".into()));
        Ok(named.chain(firmware).collect())
    }

    /// How the kernel was entered; with the invocation, if that is wanted.
    pub(super) fn way(&self, entry: &Entry, with_invocation: bool) -> String {
        let Some(call) = entry.call else {
            return self.trap(entry);
        };
        let Some(name) = Syscall::from_number(call.number, &PROFILE, Flavour::Release) else {
            return "UnknownSyscall".into();
        };
        let invocation = if with_invocation && sends(name) {
            invocation::labels(isa(self.arch), &PROFILE).invocation(call.label)
        } else {
            None
        };
        match invocation {
            Some(invocation) => format!("{} {}", name.name(), invocation.name()),
            None => name.name().into(),
        }
    }

    fn trap(&self, entry: &Entry) -> String {
        /// The first vector that is no exception's.
        const INTERRUPTS: u64 = 32;
        let offset = entry.address.wrapping_sub(self.traps);
        let exception = match (self.arch, entry.cause) {
            (Arch::X86_64, _) => offset / X86_STUB < INTERRUPTS,
            (Arch::AArch64, _) => (ARM_EXCEPTION..ARM_INTERRUPT).contains(&offset),
            (Arch::RiscV64, Some(cause)) => cause >> 63 == 0,
            (Arch::RiscV64, None) => false,
        };
        if exception { "exception" } else { "interrupt" }.into()
    }
}

/// Whether the message of such a call may ask for an invocation.
fn sends(call: Syscall) -> bool {
    matches!(call, Syscall::Call | Syscall::Send | Syscall::NbSend)
}

fn isa(arch: Arch) -> Isa {
    match arch {
        Arch::X86_64 => Isa::X86_64,
        Arch::AArch64 => Isa::AArch64,
        Arch::RiscV64 => Isa::RiscV64,
    }
}

/// The function that has code of its own, without what distinguishes its copies.
fn function(frames: &[Frame]) -> String {
    let Some(frame) = frames.last() else {
        return "?".into();
    };
    let name = frame.function.replace("linchpin_", "");
    match name.strip_prefix("kernel::") {
        Some(rest) => rest.to_owned(),
        None if name == "??" => "assembly".into(),
        None => name,
    }
}

/// Addresses of instructions in order, as ranges.
fn ranges(addresses: &[u64], step: u64) -> Vec<Range<u64>> {
    let mut ranges: Vec<Range<u64>> = Vec::new();
    for address in addresses {
        match ranges.last_mut() {
            Some(range) if range.end == *address => range.end += step,
            _ => ranges.push(*address..*address + step),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(arch: Arch) -> Names {
        Names {
            arch,
            elf: PathBuf::new(),
            text: 0..0,
            traps: 0x1000,
        }
    }

    fn way(arch: Arch, fields: &str, with_invocation: bool) -> String {
        let nothing = r#"{"instructions":1,"looks":0,"places":[]}"#;
        let line =
            format!(r#"{{{fields},"stays":1,"instructions":1,"stay":{nothing},"run":{nothing}}}"#);
        let entry = serde_json::from_str(&line).expect("an entry");
        names(arch).way(&entry, with_invocation)
    }

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(ranges(&[4, 8, 16], 4), [4..12, 16..20]);
    }

    #[test]
    fn calls_have_names() {
        let retype = r#""address":0,"call":{"number":-1,"label":1},"cause":null"#;
        assert_eq!(way(Arch::X86_64, retype, true), "Call UntypedRetype");
        assert_eq!(way(Arch::X86_64, retype, false), "Call");
        let wait = r#""address":0,"call":{"number":-9,"label":1},"cause":null"#;
        assert_eq!(way(Arch::AArch64, wait, true), "Wait");
        let none = r#""address":0,"call":{"number":0,"label":1},"cause":null"#;
        assert_eq!(way(Arch::AArch64, none, true), "UnknownSyscall");
    }

    #[test]
    fn traps_are_told_apart() {
        let at = |address: u64| format!(r#""address":{address},"call":null,"cause":null"#);
        assert_eq!(way(Arch::X86_64, &at(0x10e0), true), "exception");
        assert_eq!(way(Arch::X86_64, &at(0x1200), true), "interrupt");
        assert_eq!(way(Arch::AArch64, &at(0x1400), true), "exception");
        assert_eq!(way(Arch::AArch64, &at(0x1280), true), "interrupt");
        let fault = r#""address":4096,"call":null,"cause":13"#;
        assert_eq!(way(Arch::RiscV64, fault, true), "exception");
        let timer = r#""address":4096,"call":null,"cause":9223372036854775813"#;
        assert_eq!(way(Arch::RiscV64, timer, true), "interrupt");
    }
}
