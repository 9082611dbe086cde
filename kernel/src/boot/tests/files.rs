//! The ELF reader, with files that are right and with files that lie.

use super::super::elf::{Elf, ElfError, MAX_HEADERS};
use crate::isa::ELF_MACHINE;

/// A segment to be written into a file: type, file offset, address, size in the file, in memory.
#[derive(Clone, Copy)]
struct Header(u32, u64, u64, u64, u64);

const LOAD: u32 = 1;
const CONTENT: u64 = 0x1000;

/// A file of 3 pages whose byte at `n` is `n * 7` from the second page on.
fn file(entry: u64, headers: &[Header]) -> Vec<u8> {
    let mut file: Vec<u8> = (0..0x3000).map(|n: u32| (n * 7) as u8).collect();
    file[..CONTENT as usize].fill(0);
    let mut put = |at: usize, bytes: &[u8]| file[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    put(16, &2u16.to_le_bytes());
    put(18, &(ELF_MACHINE as u16).to_le_bytes());
    put(24, &entry.to_le_bytes());
    put(32, &64u64.to_le_bytes());
    put(54, &56u16.to_le_bytes());
    put(56, &(headers.len() as u16).to_le_bytes());
    for (n, Header(kind, offset, address, file_size, size)) in headers.iter().enumerate() {
        let at = 64 + n * 56;
        put(at, &kind.to_le_bytes());
        for (field, value) in [(8, offset), (16, address), (32, file_size), (40, size)] {
            put(at + field, &value.to_le_bytes());
        }
    }
    file
}

fn good() -> Vec<u8> {
    file(
        0x40_0123,
        &[
            Header(LOAD, CONTENT, 0x40_0100, 0x80, 0x80),
            Header(6, 0, 0, u64::MAX, 0),
            Header(LOAD, CONTENT + 0x100, 0x40_2f00, 0x20, 0x400),
            Header(LOAD, u64::MAX, 0x90_0000, 0, 0),
        ],
    )
}

fn refused(file: &[u8]) -> ElfError {
    Elf::read(file).expect_err("the file is wrong")
}

#[test]
fn a_file_is_read_and_loaded_page_by_page() {
    let file = good();
    let elf = Elf::read(&file).expect("the file is right");
    assert_eq!(elf.entry(), 0x40_0123);
    assert_eq!(elf.pages(), 0x40_0000..0x40_4000);
    let segments: Vec<_> = elf
        .segments()
        .map(|s| (s.start, s.bytes.len(), s.size))
        .collect();
    assert_eq!(
        segments,
        [(0x40_0100, 0x80, 0x80), (0x40_2f00, 0x20, 0x400)]
    );

    let mut memory = vec![0u8; 0x4000];
    elf.load(|offset, bytes| memory[offset as usize..][..bytes.len()].copy_from_slice(bytes));
    assert_eq!(memory[0x100..0x180], file[0x1000..0x1080]);
    assert_eq!(memory[0x2f00..0x2f20], file[0x1100..0x1120]);
    let rest = [&memory[..0x100], &memory[0x180..0x2f00], &memory[0x2f20..]].concat();
    assert!(rest.iter().all(|byte| *byte == 0));
}

#[test]
fn every_truncated_file_is_refused_or_whole() {
    let file = good();
    for len in 0..file.len() {
        match Elf::read(&file[..len]) {
            Ok(elf) => assert!(len >= 0x1120 && elf.segments().count() == 2, "{len}"),
            Err(_) => assert!(len < 0x1120, "{len}"),
        }
    }
}

#[test]
fn other_files_are_told_apart() {
    let with = |at: usize, byte: u8| {
        let mut file = good();
        file[at] = byte;
        refused(&file)
    };
    assert_eq!(with(0, 0), ElfError::NotElf64);
    assert_eq!(with(4, 1), ElfError::NotElf64);
    assert_eq!(with(5, 2), ElfError::NotElf64);
    assert_eq!(with(16, 3), ElfError::NotExecutable { kind: 3 });
    assert!(matches!(
        with(18, 40),
        ElfError::OtherMachine { machine: 40 }
    ));
    assert_eq!(with(54, 57), ElfError::NoHeaders);
    assert_eq!(with(39, 0xff), ElfError::NoHeaders);
    assert_eq!(
        with(56, 65),
        ElfError::TooManyHeaders {
            count: MAX_HEADERS as u64 + 1
        }
    );
    assert_eq!(with(56, 0), ElfError::NothingToLoad);
    assert_eq!(refused(&[]), ElfError::NotElf64);
}

#[test]
fn segments_that_lie_are_refused() {
    let one = |header| refused(&file(0x40_0000, &[header]));
    let segment = 0;
    // Sizes and offsets that wrap around or go beyond the file.
    for (offset, size) in [
        (CONTENT, 0x2001),
        (0x3000, 1),
        (u64::MAX, 1),
        (u64::MAX, u64::MAX),
        (0, u64::MAX),
    ] {
        let error = one(Header(LOAD, offset, 0x40_0000, size, size));
        let outside = ElfError::OutsideUserSpace { segment };
        assert!(
            error == ElfError::Truncated { segment } || error == outside,
            "{error:?}"
        );
    }
    assert_eq!(
        one(Header(LOAD, CONTENT, 0x40_0000, 0x2001, 0x3000)),
        ElfError::Truncated { segment }
    );
    assert_eq!(
        one(Header(LOAD, CONTENT, 0x40_0000, 2, 1)),
        ElfError::LargerInFile { segment }
    );
    for (address, size) in [
        (u64::MAX, 1),
        (u64::MAX - 4, 8),
        (0xffff_8000_0000_0000, 8),
        ((1 << 47) - 1, 2),
        (8, u64::MAX - 8),
    ] {
        let error = one(Header(LOAD, CONTENT, address, 0, size));
        assert_eq!(
            error,
            ElfError::OutsideUserSpace { segment },
            "{address:#x}"
        );
    }
    assert_eq!(
        one(Header(LOAD, CONTENT, 0x40_0001, 8, 8)),
        ElfError::EntryOutside { entry: 0x40_0000 }
    );
    assert_eq!(
        one(Header(LOAD, CONTENT, 0x3f_0000, 8, 0x1_0000)),
        ElfError::EntryOutside { entry: 0x40_0000 }
    );
    assert_eq!(
        one(Header(2, CONTENT, 0x40_0000, 8, 8)),
        ElfError::NothingToLoad
    );
}

#[test]
fn segments_that_overlap_are_refused() {
    let two = |a: (u64, u64), b: (u64, u64)| {
        let header = |(start, size)| Header(LOAD, CONTENT, start, 0, size);
        let file = file(
            0x40_0000,
            &[
                header((0x40_0000, 1)),
                Header(7, 0, 0, 0, 0),
                header(a),
                header(b),
            ],
        );
        Elf::read(&file).map(|elf| elf.segments().count())
    };
    let overlap = Err(ElfError::Overlap { segment: 3 });
    assert_eq!(two((0x50_0000, 0x1000), (0x50_1000, 0x1000)), Ok(3));
    assert_eq!(two((0x50_0000, 0x1001), (0x50_1000, 0x1000)), overlap);
    assert_eq!(two((0x50_0000, 0x1000), (0x50_0100, 1)), overlap);
    assert_eq!(two((0x50_0100, 1), (0x50_0000, 0x1000)), overlap);
    assert_eq!(two((0x50_0000, 1), (0x40_0000, 1)), overlap);
    assert_eq!(
        two((0x40_0000, 1), (0x50_0000, 1)),
        Err(ElfError::Overlap { segment: 2 })
    );
}

/// Whatever a byte of the headers is changed to: an answer, and one that can be loaded.
#[test]
fn no_changed_byte_makes_the_reader_panic() {
    let original = good();
    for at in 0..64 + 4 * 56 {
        for value in [0, 1, 0x40, 0x7f, 0x80, 0xff] {
            let mut file = original.clone();
            file[at] = value;
            if let Ok(elf) = Elf::read(&file) {
                let pages = elf.pages();
                assert!(pages.start <= elf.entry() && elf.entry() < pages.end);
                let size = pages.end - pages.start;
                elf.load(|offset, bytes| assert!(offset + bytes.len() as u64 <= size));
            }
        }
    }
}
