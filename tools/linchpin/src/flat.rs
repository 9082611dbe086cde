//! A kernel as its bytes lie in memory, from its first to the last that is not zero at the start.

use miette::{Result, miette};
use object::LittleEndian;
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader};

/// More than any kernel of ours: a file with larger gaps is not meant to be flat.
const MAX_BYTES: u64 = 64 << 20;

/// The loadable segments of `elf`, each at its distance from the lowest physical address.
pub(crate) fn convert(elf: &[u8]) -> Result<Vec<u8>> {
    let file = ElfFile64::<LittleEndian>::parse(elf)
        .map_err(|error| miette!("this is no little-endian ELF64 file: {error}"))?;
    let e = LittleEndian;
    let headers = file
        .elf_header()
        .program_headers(e, elf)
        .map_err(|error| miette!("{error}"))?;
    let segments = || {
        headers
            .iter()
            .filter(|segment| segment.p_type(e) == object::elf::PT_LOAD)
    };
    let base = segments().map(|segment| segment.p_paddr(e)).min();
    let base = base.ok_or_else(|| miette!("there is no loadable segment"))?;
    let mut bytes = Vec::new();
    for segment in segments() {
        let content = segment
            .data(e, elf)
            .map_err(|()| miette!("a segment lies outside of the file"))?;
        let start = segment.p_paddr(e) - base;
        if start + content.len() as u64 > MAX_BYTES {
            return Err(miette!("the segments lie {start:#x} bytes apart"));
        }
        let (start, end) = (start as usize, start as usize + content.len());
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[start..end].copy_from_slice(content);
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout::sample::Elf64;

    #[test]
    fn segments_come_to_their_places_and_what_follows_them_is_left_out() {
        let file = Elf64::new(0x1000)
            .load(0xffff_0000, 0x1000, b"text", 0x1000)
            .load(0xffff_1000, 0x2000, b"data", 0x9000)
            .build();
        let bytes = convert(&file).expect("readable");
        assert_eq!(bytes.len(), 0x1004);
        assert_eq!(
            (&bytes[..4], &bytes[0x1000..]),
            (&b"text"[..], &b"data"[..])
        );
        assert!(bytes[4..0x1000].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn what_is_far_apart_is_refused() {
        let file = Elf64::new(0x1000)
            .load(0, 0x1000, b"a", 1)
            .load(0, 1 << 40, b"b", 1)
            .build();
        assert!(convert(&file).is_err());
        assert!(convert(b"no file").is_err());
    }
}
