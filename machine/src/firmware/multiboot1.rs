//! The Multiboot 1 information structure.

use super::Bytes;
use super::bytes::{array, u16_at, u32_at, u64_at};
use super::loader::{
    CommandLine, LoaderError, LoaderInfo, MAX_MEMORY, MAX_MODULES, MemoryEntry, Vbe,
};

const HAS_MEMORY: u32 = 1 << 0;
const HAS_COMMAND_LINE: u32 = 1 << 2;
const HAS_MODULES: u32 = 1 << 3;
const HAS_MEMORY_MAP: u32 = 1 << 6;
const HAS_VBE: u32 = 1 << 11;

const MEMORY_UPPER: u64 = 8;
const COMMAND_LINE: u64 = 16;
const MODULE_COUNT: u64 = 20;
const MODULES: u64 = 24;
const MAP_LENGTH: u64 = 44;
const MAP: u64 = 48;
const VBE_CONTROL: u64 = 72;
const VBE_MODE_INFO: u64 = 76;
const VBE_MODE: u64 = 80;

const MODULE_SIZE: u64 = 16;

pub(super) fn read(
    into: &mut LoaderInfo,
    info: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    let word = |offset: u64| u32_at(memory, info, offset).ok_or(LoaderError::Unreadable);
    let flags = word(0)?;
    if flags & HAS_COMMAND_LINE != 0 {
        into.command_line = CommandLine::read(memory, word(COMMAND_LINE)?.into());
    }
    if flags & HAS_MODULES != 0 {
        modules(into, word(MODULE_COUNT)?, word(MODULES)?.into(), memory)?;
    }
    if flags & HAS_VBE != 0 {
        into.vbe = vbe(info, memory);
    }
    if flags & HAS_MEMORY_MAP != 0 {
        let start = u64::from(word(MAP)?);
        memory_map(
            into,
            start,
            start.saturating_add(word(MAP_LENGTH)?.into()),
            memory,
        )
    } else if flags & HAS_MEMORY != 0 {
        // Only the amount above 1 MiB, in KiB.
        let length = u64::from(word(MEMORY_UPPER)?) << 10;
        into.add_memory(MemoryEntry {
            base: 1 << 20,
            length,
            kind: MemoryEntry::RAM,
        });
        Ok(())
    } else {
        Err(LoaderError::NoMemoryMap)
    }
}

fn modules(
    into: &mut LoaderInfo,
    count: u32,
    at: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    // One more than is kept, so that the excess is noticed.
    for index in 0..u64::from(count).min(MAX_MODULES as u64 + 1) {
        let at = at.saturating_add(index.saturating_mul(MODULE_SIZE));
        let start = u32_at(memory, at, 0).ok_or(LoaderError::Unreadable)?;
        let end = u32_at(memory, at, 4).ok_or(LoaderError::Unreadable)?;
        if end < start {
            return Err(LoaderError::Malformed);
        }
        into.add_module(start.into(), end.into());
    }
    Ok(())
}

fn memory_map(
    into: &mut LoaderInfo,
    start: u64,
    end: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    let mut at = start;
    // One more than is kept, so that the excess is noticed.
    for _ in 0..=MAX_MEMORY {
        if at >= end {
            break;
        }
        // An entry's size does not count the size field itself.
        let size = u32_at(memory, at, 0).ok_or(LoaderError::Unreadable)?;
        if size < 20 {
            return Err(LoaderError::Malformed);
        }
        into.add_memory(MemoryEntry {
            base: u64_at(memory, at, 4).ok_or(LoaderError::Unreadable)?,
            length: u64_at(memory, at, 12).ok_or(LoaderError::Unreadable)?,
            kind: u32_at(memory, at, 20).ok_or(LoaderError::Unreadable)?,
        });
        at = at.saturating_add(u64::from(size) + 4);
    }
    Ok(())
}

fn vbe(info: u64, memory: &impl Bytes) -> Option<Vbe> {
    let short = |offset: u64| u16_at(memory, info, VBE_MODE.saturating_add(offset));
    Some(Vbe {
        control: array(memory, u32_at(memory, info, VBE_CONTROL)?.into(), 0)?,
        mode_info: array(memory, u32_at(memory, info, VBE_MODE_INFO)?.into(), 0)?,
        mode: short(0)?,
        interface_segment: short(2)?,
        interface_offset: short(4)?,
        interface_length: short(6)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Pieces;
    use super::super::loader::{MULTIBOOT1_MAGIC, Module};
    use super::*;

    fn info(words: &[(u64, u32)]) -> Vec<u8> {
        let mut bytes = vec![0; 120];
        for &(at, word) in words {
            bytes[at as usize..at as usize + 4].copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    fn entry(size: u32, base: u64, length: u64, kind: u32) -> Vec<u8> {
        let mut bytes = size.to_le_bytes().to_vec();
        bytes.extend(base.to_le_bytes());
        bytes.extend(length.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.resize(4 + size as usize, 0xee);
        bytes
    }

    fn parse(memory: &Pieces) -> Result<LoaderInfo, LoaderError> {
        let mut into = LoaderInfo::new();
        into.read(MULTIBOOT1_MAGIC, 0x1000, memory)?;
        Ok(into)
    }

    #[test]
    fn everything_a_loader_says_is_found() {
        let flags = HAS_COMMAND_LINE | HAS_MODULES | HAS_MEMORY_MAP;
        let map = [
            entry(20, 0, 0x9fc00, 1),
            entry(24, 0x10_0000, 0x7f0_0000, 1),
            entry(20, 0xfee0_0000, 0x1000, 2),
        ]
        .concat();
        let memory = Pieces::default()
            .with(
                0x1000,
                info(&[
                    (0, flags),
                    (16, 0x2000),
                    (20, 2),
                    (24, 0x3000),
                    (44, map.len() as u32),
                    (48, 0x4000),
                ]),
            )
            .with(0x2000, *b"kernel a=b\0")
            .with(
                0x3000,
                [0x20_0000u32, 0x20_1234, 0, 0, 0x30_0000, 0x30_0000, 0, 0]
                    .map(u32::to_le_bytes)
                    .concat(),
            )
            .with(0x4000, map);
        let found = parse(&memory).expect("well formed");
        assert_eq!(found.command_line.as_bytes(), b"kernel a=b");
        assert_eq!(
            found.modules.as_slice(),
            [
                Module {
                    start: 0x20_0000,
                    end: 0x20_1234
                },
                Module {
                    start: 0x30_0000,
                    end: 0x30_0000
                }
            ]
        );
        assert_eq!(found.memory.as_slice().len(), 3);
        assert_eq!(
            found.memory.as_slice()[1],
            MemoryEntry {
                base: 0x10_0000,
                length: 0x7f0_0000,
                kind: 1
            }
        );
        assert_eq!(found.memory.as_slice()[2].kind, 2);
        assert!(found.vbe.is_none() && !found.memory_truncated);
    }

    #[test]
    fn without_a_map_the_amount_above_one_mib_counts() {
        let memory = Pieces::default().with(0x1000, info(&[(0, HAS_MEMORY), (8, 0xfc00)]));
        let found = parse(&memory).expect("well formed");
        assert_eq!(
            found.memory.as_slice(),
            [MemoryEntry {
                base: 1 << 20,
                length: 63 << 20,
                kind: 1
            }]
        );
        let memory = Pieces::default().with(0x1000, info(&[]));
        assert_eq!(parse(&memory).err(), Some(LoaderError::NoMemoryMap));
    }

    #[test]
    fn hostile_tables_are_refused_and_bounded() {
        assert_eq!(
            parse(&Pieces::default()).err(),
            Some(LoaderError::Unreadable)
        );
        let tiny = Pieces::default()
            .with(0x1000, info(&[(0, HAS_MEMORY_MAP), (44, 24), (48, 0x4000)]))
            .with(0x4000, entry(0, 0, 0, 1));
        assert_eq!(parse(&tiny).err(), Some(LoaderError::Malformed));
        let backwards = Pieces::default()
            .with(
                0x1000,
                info(&[(0, HAS_MODULES | HAS_MEMORY), (20, 1), (24, 0x3000)]),
            )
            .with(0x3000, [2u32, 1, 0, 0].map(u32::to_le_bytes).concat());
        assert_eq!(parse(&backwards).err(), Some(LoaderError::Malformed));
        let map: Vec<u8> = (0..500)
            .flat_map(|i| entry(20, i << 20, 1 << 20, 1))
            .collect();
        let long = Pieces::default()
            .with(
                0x1000,
                info(&[(0, HAS_MEMORY_MAP), (44, map.len() as u32), (48, 0x4000)]),
            )
            .with(0x4000, map);
        let found = parse(&long).expect("well formed");
        assert_eq!(found.memory.as_slice().len(), MAX_MEMORY);
        assert!(found.memory_truncated);
    }

    #[test]
    fn the_video_bios_is_copied() {
        let mut bytes = info(&[(0, HAS_MEMORY | HAS_VBE), (72, 0x5000), (76, 0x6000)]);
        bytes[80..88].copy_from_slice(&[1, 0, 2, 0, 3, 0, 4, 0]);
        let memory = Pieces::default()
            .with(0x1000, bytes)
            .with(0x5000, vec![7; 512])
            .with(0x6000, vec![8; 256]);
        let vbe = parse(&memory).expect("well formed").vbe.expect("there");
        assert_eq!((vbe.control[511], vbe.mode_info[255]), (7, 8));
        let rest = (
            vbe.mode,
            vbe.interface_segment,
            vbe.interface_offset,
            vbe.interface_length,
        );
        assert_eq!(rest, (1, 2, 3, 4));
    }
}
