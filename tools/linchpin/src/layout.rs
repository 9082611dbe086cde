//! What an ELF file of ours looks like in memory, and what must never be in one.

use std::fmt::Write;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};
use object::{LittleEndian, Object, ObjectSymbol, elf};

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

    pub(crate) fn is_writable_code(&self) -> bool {
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
        symbols: Vec<(String, u64, u64)>,
        pub(crate) flags: u32,
    }

    impl Elf64 {
        pub(crate) fn new(entry: u64) -> Self {
            Self {
                entry,
                segments: Vec::new(),
                symbols: Vec::new(),
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

        /// A name for some bytes.
        pub(crate) fn symbol(mut self, name: &str, address: u64, size: u64) -> Self {
            self.symbols.push((name.to_owned(), address, size));
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
            if !self.symbols.is_empty() {
                self.add_symbols(&mut file);
            }
            file
        }

        /// A symbol table and its names, and section headers that say where they are.
        fn add_symbols(&self, file: &mut Vec<u8>) {
            let mut names = vec![0];
            let mut table = vec![0; 24];
            for (name, address, size) in &self.symbols {
                table.extend((names.len() as u32).to_le_bytes());
                table.extend([0x11, 0, 0xf1, 0xff]); // global, an object, absolute
                table.extend(address.to_le_bytes());
                table.extend(size.to_le_bytes());
                names.extend(name.bytes());
                names.push(0);
            }
            file.resize(file.len().next_multiple_of(8), 0);
            let table_at = file.len() as u64;
            file.extend(&table);
            let names_at = file.len() as u64;
            file.extend(&names);
            file.resize(file.len().next_multiple_of(8), 0);
            let headers_at = file.len() as u64;
            file.extend([0; 64]);
            let sections = [
                (2u32, table_at, table.len(), 2u32, 1u32, 24u64),
                (3, names_at, names.len(), 0, 0, 0),
            ];
            for (kind, at, length, link, info, entry) in sections {
                file.extend(0u32.to_le_bytes());
                file.extend(kind.to_le_bytes());
                file.extend([0; 16]);
                file.extend(at.to_le_bytes());
                file.extend((length as u64).to_le_bytes());
                file.extend(link.to_le_bytes());
                file.extend(info.to_le_bytes());
                file.extend(8u64.to_le_bytes());
                file.extend(entry.to_le_bytes());
            }
            file[40..48].copy_from_slice(&headers_at.to_le_bytes());
            file[60..62].copy_from_slice(&3u16.to_le_bytes());
            file[62..64].copy_from_slice(&2u16.to_le_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::sample::Elf64;
    use super::*;

    #[test]
    fn reads_what_a_loader_reads() {
        let file = Elf64::new(0x10_0010)
            .load(0x10_0000, 0x10_0000, &[0; 64], 128)
            .build();
        let layout = Layout::read(&file).expect("an ELF64 file");
        assert_eq!(layout.entry, 0x10_0010);
        assert_eq!(layout.segments.len(), 1);
        assert_eq!(layout.segments[0].memory_size, 128);
        assert!(layout.table().contains("r-x"));
        assert!(Layout::read(b"not at all").is_err());
    }
}
