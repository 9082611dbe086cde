//! Puts an ELF64 kernel into an ELF32 container, for loaders that know nothing else.
//!
//! The loadable bytes keep their places in the file: a Multiboot loader that follows the address
//! fields of the header counts from the header's place, and a PVH note keeps its offset. Only the
//! ELF headers at the start are rewritten. Segments are described by their physical addresses,
//! which are all that such a loader can use; sections and symbols stay in the ELF64.

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

const HEADER_SIZE: usize = 52;
const SEGMENT_SIZE: usize = 32;

/// Converts a whole file.
pub(crate) fn convert(elf64: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<LittleEndian>::parse(elf64)
        .into_diagnostic()
        .wrap_err("the kernel is no little-endian ELF64 file")?;
    let entry = narrow(header.e_entry(LittleEndian), "the entry")?;
    let segments: Vec<Segment> = header
        .program_headers(LittleEndian, elf64)
        .into_diagnostic()?
        .iter()
        .filter(|segment| matches!(segment.p_type(LittleEndian), elf::PT_LOAD | elf::PT_NOTE))
        .map(Segment::read)
        .collect::<Result<_>>()?;
    let headers_end = HEADER_SIZE + segments.len() * SEGMENT_SIZE;
    let bytes_end = check(&segments, headers_end, elf64.len())?;

    let mut file = elf64[..bytes_end].to_vec();
    file[..first_byte(&segments)].fill(0);
    file[..HEADER_SIZE].copy_from_slice(&file_header(entry, segments.len())?);
    for (n, segment) in segments.iter().enumerate() {
        let at = HEADER_SIZE + n * SEGMENT_SIZE;
        file[at..at + SEGMENT_SIZE].copy_from_slice(&segment.encode());
    }
    Ok(file)
}

struct Segment {
    kind: u32,
    flags: u32,
    offset: u32,
    physical: u32,
    file_size: u32,
    memory_size: u32,
    align: u32,
}

impl Segment {
    fn read(segment: &ProgramHeader64<LittleEndian>) -> Result<Self> {
        let e = LittleEndian;
        Ok(Self {
            kind: segment.p_type(e).0,
            flags: segment.p_flags(e).0,
            offset: narrow(segment.p_offset(e), "a segment's offset")?,
            physical: narrow(segment.p_paddr(e), "a segment's physical address")?,
            file_size: narrow(segment.p_filesz(e), "a segment's size in the file")?,
            memory_size: narrow(segment.p_memsz(e), "a segment's size in memory")?,
            align: narrow(segment.p_align(e), "a segment's alignment")?,
        })
    }

    fn end(&self) -> usize {
        self.offset as usize + self.file_size as usize
    }

    fn encode(&self) -> [u8; SEGMENT_SIZE] {
        let words = [
            self.kind,
            self.offset,
            self.physical,
            self.physical,
            self.file_size,
            self.memory_size,
            self.flags,
            self.align,
        ];
        let mut bytes = [0; SEGMENT_SIZE];
        for (place, word) in bytes.chunks_exact_mut(4).zip(words) {
            place.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }
}

/// The lowest offset of a segment's bytes.
fn first_byte(segments: &[Segment]) -> usize {
    segments
        .iter()
        .filter(|s| s.file_size > 0)
        .map(|s| s.offset as usize)
        .min()
        .unwrap_or(0)
}

/// Returns where the segments' bytes end.
fn check(segments: &[Segment], headers_end: usize, file_size: usize) -> Result<usize> {
    if segments
        .iter()
        .all(|segment| segment.kind != elf::PT_LOAD.0)
    {
        return Err(miette!("the kernel has no loadable segment"));
    }
    if first_byte(segments) < headers_end {
        return Err(miette!(
            help = "the linker script must not load the ELF headers as part of a segment",
            "the first segment begins at file offset {:#x}, inside the headers that end at {headers_end:#x}",
            first_byte(segments)
        ));
    }
    let end = segments.iter().map(Segment::end).max().unwrap_or(0);
    if end > file_size {
        return Err(miette!(
            "a segment ends at file offset {end:#x}, the file already at {file_size:#x}"
        ));
    }
    Ok(end)
}

fn file_header(entry: u32, segments: usize) -> Result<[u8; HEADER_SIZE]> {
    let segments = u16::try_from(segments)
        .into_diagnostic()
        .wrap_err("too many segments")?;
    let mut header = Vec::with_capacity(HEADER_SIZE);
    header.extend(elf::ELFMAG);
    header.extend([elf::ELFCLASS32.0, elf::ELFDATA2LSB.0, elf::EV_CURRENT.0, 0]);
    header.extend([0; 8]);
    header.extend(elf::ET_EXEC.0.to_le_bytes());
    header.extend(elf::EM_386.0.to_le_bytes());
    header.extend(u32::from(elf::EV_CURRENT.0).to_le_bytes());
    header.extend(entry.to_le_bytes());
    header.extend((HEADER_SIZE as u32).to_le_bytes());
    header.extend([0; 8]); // no section table, no flags
    for half in [HEADER_SIZE as u16, SEGMENT_SIZE as u16, segments, 0, 0, 0] {
        header.extend(half.to_le_bytes());
    }
    header
        .try_into()
        .map_err(|_| miette!("the ELF32 header has a wrong size"))
}

fn narrow(value: u64, what: &str) -> Result<u32> {
    u32::try_from(value).map_err(|_| miette!("{what} ({value:#x}) does not fit an ELF32 file"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sample::Elf64;
    use object::read::elf::FileHeader;

    fn sample() -> Elf64 {
        Elf64::new(0x10_0040)
            .load(0x10_0000, 0x10_0000, &[0x11; 100], 100)
            .load(0xffff_ffff_8020_0000, 0x20_0000, &[0x22; 50], 5000)
    }

    #[test]
    fn keeps_bytes_places_and_entry() {
        let elf64 = sample().build();
        let elf32 = convert(&elf64).expect("a valid kernel");
        let header = elf::FileHeader32::<LittleEndian>::parse(&*elf32).expect("an ELF32 file");
        assert_eq!(header.e_entry(LittleEndian), 0x10_0040);
        assert_eq!(header.e_machine(LittleEndian), elf::EM_386);
        let segments = header
            .program_headers(LittleEndian, &*elf32)
            .expect("segments");
        assert_eq!(segments.len(), 2);
        assert_eq!(
            segments[1].p_vaddr(LittleEndian),
            0x20_0000,
            "virtual = physical"
        );
        assert_eq!(segments[1].p_memsz(LittleEndian), 5000);
        assert_eq!(
            segments[0].data(LittleEndian, &*elf32),
            Ok(&[0x11; 100][..])
        );
        assert_eq!(segments[1].data(LittleEndian, &*elf32), Ok(&[0x22; 50][..]));
        let place = segments[0].p_offset(LittleEndian) as usize;
        assert_eq!(
            elf64[place..place + 100],
            elf32[place..place + 100],
            "same file offsets"
        );
    }

    #[test]
    fn refuses_what_32_bits_cannot_say() {
        let high_entry = Elf64::new(0xffff_ffff_8010_0000).load(0x10_0000, 0x10_0000, &[1], 1);
        assert!(convert(&high_entry.build()).is_err());
        let high_address = Elf64::new(0x10_0000).load(0, 1 << 32, &[1], 1);
        assert!(convert(&high_address.build()).is_err());
    }

    #[test]
    fn refuses_files_that_are_no_kernel() {
        assert!(convert(b"no ELF at all").is_err());
        assert!(
            convert(&Elf64::new(0x10_0000).build()).is_err(),
            "nothing to load"
        );
        let mut cut = sample().build();
        cut.truncate(cut.len() - 60);
        assert!(convert(&cut).is_err(), "segment outside the file");
    }
}
