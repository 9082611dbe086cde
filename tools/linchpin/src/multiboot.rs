//! The Multiboot 1 header of a kernel file.

use miette::{Result, miette};

const MAGIC: u32 = 0x1bad_b002;
/// QEMU and GRUB look no further.
const SEARCHED: usize = 8192;
/// Flag: the header names its addresses; loaders then ignore the ELF headers.
const HAS_ADDRESSES: u32 = 1 << 16;

/// Where the header lies, and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) offset: usize,
    pub(crate) flags: u32,
}

impl Header {
    pub(crate) fn has_addresses(self) -> bool {
        self.flags & HAS_ADDRESSES != 0
    }
}

/// Finds the header as a loader does: aligned to four bytes, its three words adding up to zero.
pub(crate) fn find(file: &[u8]) -> Option<Header> {
    (0..SEARCHED.min(file.len())).step_by(4).find_map(|offset| {
        let magic = word(file, offset)?;
        let flags = word(file, offset + 4)?;
        let checksum = word(file, offset + 8)?;
        let valid = magic == MAGIC && magic.wrapping_add(flags).wrapping_add(checksum) == 0;
        valid.then_some(Header { offset, flags })
    })
}

/// A copy of the kernel that no loader takes for Multiboot 1.
pub(crate) fn without_magic(file: &[u8]) -> Result<Vec<u8>> {
    let header = find(file).ok_or_else(|| {
        miette!(
            help = "the linker script has to place the section with the header first",
            "no Multiboot 1 header (magic {MAGIC:#x}, aligned, with a valid checksum) in the first {SEARCHED} bytes"
        )
    })?;
    let mut copy = file.to_vec();
    copy[header.offset..header.offset + 4].fill(0);
    Ok(copy)
}

fn word(file: &[u8], offset: usize) -> Option<u32> {
    let bytes = file.get(offset..offset + 4)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file_with_header_at(offset: usize) -> Vec<u8> {
        let mut file = vec![0; 16384];
        let flags = HAS_ADDRESSES | 3;
        let checksum = 0u32.wrapping_sub(MAGIC).wrapping_sub(flags);
        for (n, word) in [MAGIC, flags, checksum].into_iter().enumerate() {
            file[offset + 4 * n..offset + 4 * n + 4].copy_from_slice(&word.to_le_bytes());
        }
        file
    }

    #[test]
    fn finds_an_aligned_header_in_reach() {
        let header = find(&file_with_header_at(4096)).expect("a header");
        assert_eq!(header.offset, 4096);
        assert!(header.has_addresses());
        assert_eq!(find(&file_with_header_at(8192)), None, "too far");
        assert_eq!(find(&file_with_header_at(4098)), None, "not aligned");
        assert_eq!(find(&[]), None);
    }

    #[test]
    fn a_wrong_checksum_is_no_header() {
        let mut file = file_with_header_at(64);
        file[72] ^= 1;
        assert_eq!(find(&file), None);
    }

    #[test]
    fn zeroing_the_magic_changes_nothing_else() {
        let file = file_with_header_at(64);
        let copy = without_magic(&file).expect("a header to remove");
        assert_eq!(find(&copy), None);
        assert_eq!(copy[68..], file[68..]);
        assert!(without_magic(&copy).is_err());
    }
}
