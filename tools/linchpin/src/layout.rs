//! What an ELF file of ours looks like in memory, and what must never be in one.

use std::fmt::Write;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, elf};

use crate::multiboot;

/// A loadable segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(crate) virtual_address: u64,
    pub(crate) physical_address: u64,
    pub(crate) file_size: u64,
    pub(crate) memory_size: u64,
    pub(crate) flags: u32,
}

impl Segment {
    fn rights(&self) -> String {
        [(elf::PF_R, 'r'), (elf::PF_W, 'w'), (elf::PF_X, 'x')]
            .map(|(flag, letter)| {
                if self.flags & flag.0 != 0 {
                    letter
                } else {
                    '-'
                }
            })
            .iter()
            .collect()
    }

    fn is_writable_code(&self) -> bool {
        self.flags & elf::PF_W.0 != 0 && self.flags & elf::PF_X.0 != 0
    }
}

/// The parts of an ELF64 file that a loader sees, and the names of its symbols.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) entry: u64,
    pub(crate) segments: Vec<Segment>,
    pub(crate) has_pvh_note: bool,
    pub(crate) symbols: Vec<String>,
}

impl Layout {
    pub(crate) fn read(file: &[u8]) -> Result<Self> {
        let parsed = ElfFile64::<LittleEndian>::parse(file)
            .into_diagnostic()
            .wrap_err("this is no little-endian ELF64 file")?;
        let e = LittleEndian;
        let headers = parsed
            .elf_header()
            .program_headers(e, file)
            .into_diagnostic()?;
        let segments = headers
            .iter()
            .filter(|segment| segment.p_type(e) == elf::PT_LOAD)
            .map(|segment| Segment {
                virtual_address: segment.p_vaddr(e),
                physical_address: segment.p_paddr(e),
                file_size: segment.p_filesz(e),
                memory_size: segment.p_memsz(e),
                flags: segment.p_flags(e).0,
            })
            .collect();
        Ok(Self {
            entry: parsed.elf_header().e_entry(e),
            segments,
            has_pvh_note: headers.iter().any(|segment| has_pvh_note(segment, file)),
            symbols: parsed
                .symbols()
                .filter_map(|s| s.name().ok().map(str::to_owned))
                .collect(),
        })
    }

    /// A table of the segments, for people.
    pub(crate) fn table(&self) -> String {
        let mut table =
            String::from("  virtual             physical     file size  memory size  rights\n");
        for segment in &self.segments {
            let _ = writeln!(
                table,
                "  {:#018x}  {:#011x}  {:>9}  {:>11}  {}",
                segment.virtual_address,
                segment.physical_address,
                segment.file_size,
                segment.memory_size,
                segment.rights()
            );
        }
        let _ = writeln!(table, "  entry {:#x}", self.entry);
        table
    }

    /// Symbols of the panic machinery that survived into the image.
    fn panicking(&self) -> Vec<&str> {
        self.symbols
            .iter()
            .map(String::as_str)
            .filter(|name| is_panic_machinery(name))
            .collect()
    }
}

/// Mangled names keep their path: `_ZN4core9panicking5panic…` (legacy), `_RNv…4core9panicking5panic` (v0).
fn is_panic_machinery(symbol: &str) -> bool {
    [
        "4core9panicking",
        "core::panicking",
        "rust_begin_unwind",
        "4core6result13unwrap_failed",
        "4core6option13unwrap_failed",
        "4core6option13expect_failed",
    ]
    .iter()
    .any(|part| symbol.contains(part))
}

/// The note named "Xen" with type 18 holds the 32-bit entry for PVH.
fn has_pvh_note(segment: &elf::ProgramHeader64<LittleEndian>, file: &[u8]) -> bool {
    let Ok(Some(mut notes)) = segment.notes(LittleEndian, file) else {
        return false;
    };
    while let Ok(Some(note)) = notes.next() {
        if note.name() == b"Xen" && note.n_type(LittleEndian).0 == 18 {
            return true;
        }
    }
    false
}

/// Whether an image may hold panic machinery: debug kernels format and panic, the others must not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Panics {
    Allowed,
    Forbidden,
}

/// One rule about kernel images, and how a file does.
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) verdict: Result<(), String>,
}

/// Holds a kernel file against the rules that every x86 image obeys.
pub(crate) fn check_kernel(file: &[u8], panics: Panics) -> Result<Vec<Finding>> {
    let layout = Layout::read(file)?;
    let mut findings = vec![
        Finding {
            rule: "a 32-bit physical entry inside a segment",
            verdict: entry(&layout),
        },
        Finding {
            rule: "a Multiboot 1 header with addresses",
            verdict: header(file),
        },
        Finding {
            rule: "a PVH note",
            verdict: layout
                .has_pvh_note
                .then_some(())
                .ok_or_else(|| "no note of name Xen and type 18".into()),
        },
        Finding {
            rule: "no writable and executable segment",
            verdict: writable_code(&layout),
        },
        Finding {
            rule: "a symbol table with ki_end and ki_boot_end",
            verdict: symbols(&layout),
        },
    ];
    if panics == Panics::Forbidden {
        findings.push(Finding {
            rule: "no panic machinery",
            verdict: no_panics(&layout),
        });
    }
    Ok(findings)
}

fn entry(layout: &Layout) -> Result<(), String> {
    let inside = layout
        .segments
        .iter()
        .any(|s| (s.physical_address..s.physical_address + s.file_size).contains(&layout.entry));
    if inside && layout.entry < 1 << 32 {
        return Ok(());
    }
    Err(format!("the entry is {:#x}", layout.entry))
}

fn header(file: &[u8]) -> Result<(), String> {
    match multiboot::find(file) {
        None => Err("none in the first 8 KiB".into()),
        Some(header) if !header.has_addresses() => Err(format!(
            "flags {:#x} at {:#x}: bit 16 is clear",
            header.flags, header.offset
        )),
        Some(_) => Ok(()),
    }
}

fn writable_code(layout: &Layout) -> Result<(), String> {
    match layout
        .segments
        .iter()
        .find(|segment| segment.is_writable_code())
    {
        Some(segment) => Err(format!(
            "the segment at {:#x} is both",
            segment.virtual_address
        )),
        None => Ok(()),
    }
}

fn symbols(layout: &Layout) -> Result<(), String> {
    for wanted in ["ki_end", "ki_boot_end"] {
        if layout.symbols.iter().all(|name| name != wanted) {
            return Err(format!(
                "`{wanted}` is not among {} symbols",
                layout.symbols.len()
            ));
        }
    }
    Ok(())
}

fn no_panics(layout: &Layout) -> Result<(), String> {
    if layout.symbols.is_empty() {
        return Err("there is no symbol table to search".into());
    }
    match layout.panicking().as_slice() {
        [] => Ok(()),
        found => Err(found.join(", ")),
    }
}

/// A kernel or a root task that the user named: it must at least be an ELF64 file with segments.
pub(crate) fn check_named_file(path: &std::path::Path) -> Result<Layout> {
    let layout = Layout::read(&crate::workspace::read(path)?)
        .wrap_err_with(|| format!("cannot use {}", path.display()))?;
    if layout.segments.is_empty() {
        return Err(miette!("{} has no loadable segment", path.display()));
    }
    Ok(layout)
}

#[cfg(test)]
pub(crate) mod sample {
    //! Small ELF64 files for tests.

    /// A file with segments, built by hand.
    pub(crate) struct Elf64 {
        entry: u64,
        segments: Vec<(u64, u64, Vec<u8>, u64)>,
        pub(crate) flags: u32,
    }

    impl Elf64 {
        pub(crate) fn new(entry: u64) -> Self {
            Self {
                entry,
                segments: Vec::new(),
                flags: 5,
            }
        }

        pub(crate) fn load(
            mut self,
            virtual_address: u64,
            physical: u64,
            bytes: &[u8],
            memory: u64,
        ) -> Self {
            self.segments
                .push((virtual_address, physical, bytes.to_vec(), memory));
            self
        }

        pub(crate) fn build(&self) -> Vec<u8> {
            let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
            file.extend([2, 0, 62, 0, 1, 0, 0, 0]);
            for word in [self.entry, 64, 0] {
                file.extend(word.to_le_bytes());
            }
            file.extend([0; 4]);
            for half in [64u16, 56, self.segments.len() as u16, 64, 0, 0] {
                file.extend(half.to_le_bytes());
            }
            let mut place = 0x1000u64;
            for (virtual_address, physical, bytes, memory) in &self.segments {
                file.extend(1u32.to_le_bytes());
                file.extend(self.flags.to_le_bytes());
                for word in [
                    place,
                    *virtual_address,
                    *physical,
                    bytes.len() as u64,
                    *memory,
                    0x1000,
                ] {
                    file.extend(word.to_le_bytes());
                }
                place += 0x1000;
            }
            for (n, (_, _, bytes, _)) in self.segments.iter().enumerate() {
                file.resize(0x1000 * (n + 1), 0xcc);
                file.extend(bytes);
            }
            file
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::Elf64;
    use super::*;

    fn verdict(findings: &[Finding], rule: &str) -> bool {
        findings
            .iter()
            .find(|finding| finding.rule.contains(rule))
            .is_some_and(|f| f.verdict.is_ok())
    }

    #[test]
    fn reads_segments_and_finds_the_entry() {
        let file = Elf64::new(0x10_0010)
            .load(0x10_0000, 0x10_0000, &[0; 64], 64)
            .build();
        let layout = Layout::read(&file).expect("an ELF64 file");
        assert_eq!(layout.segments.len(), 1);
        assert!(layout.table().contains("r-x"));
        let findings = check_kernel(&file, Panics::Forbidden).expect("readable");
        assert!(verdict(&findings, "entry"));
        assert!(!verdict(&findings, "Multiboot"));
        assert!(!verdict(&findings, "PVH"));
        assert!(verdict(&findings, "writable"));
        assert!(!verdict(&findings, "panic"), "no symbols is no proof");
    }

    #[test]
    fn sees_writable_code() {
        let mut elf = Elf64::new(0x10_0000).load(0x10_0000, 0x10_0000, &[0; 64], 64);
        elf.flags = 7;
        let findings = check_kernel(&elf.build(), Panics::Allowed).expect("readable");
        assert!(!verdict(&findings, "writable"));
    }

    #[test]
    fn knows_panic_machinery_by_its_mangled_names() {
        assert!(is_panic_machinery(
            "_ZN4core9panicking18panic_bounds_check17h0123456789abcdefE"
        ));
        assert!(is_panic_machinery("_RNvNtCs1_4core9panicking5panic"));
        assert!(!is_panic_machinery(
            "_ZN6kernel4boot5start17h0123456789abcdefE"
        ));
    }
}
