//! The start info of PVH, Xen's direct boot protocol, which QEMU speaks too.

use super::Bytes;
use super::bytes::{u32_at, u64_at};
use super::loader::{
    CommandLine, LoaderError, LoaderInfo, MAX_MEMORY, MAX_MODULES, MemoryEntry, PVH_MAGIC,
};

const MODULE_COUNT: u64 = 12;
const MODULES: u64 = 16;
const COMMAND_LINE: u64 = 24;
const RSDP: u64 = 32;
const MAP: u64 = 40;
const MAP_COUNT: u64 = 48;

const MODULE_SIZE: u64 = 32;
const MAP_ENTRY_SIZE: u64 = 24;

pub(super) fn read(
    into: &mut LoaderInfo,
    info: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    let word = |offset: u64| u32_at(memory, info, offset).ok_or(LoaderError::Unreadable);
    let long = |offset: u64| u64_at(memory, info, offset).ok_or(LoaderError::Unreadable);
    if word(0)? != PVH_MAGIC {
        return Err(LoaderError::Malformed);
    }
    // The memory map came with version 1.
    if word(4)? == 0 {
        return Err(LoaderError::NoMemoryMap);
    }
    match long(COMMAND_LINE)? {
        0 => {}
        at => into.command_line = CommandLine::read(memory, at),
    }
    into.rsdp_address = Some(long(RSDP)?).filter(|at| *at != 0);
    modules(into, word(MODULE_COUNT)?, long(MODULES)?, memory)?;
    memory_map(into, word(MAP_COUNT)?, long(MAP)?, memory)
}

fn modules(
    into: &mut LoaderInfo,
    count: u32,
    at: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    // One more than is kept, so that the excess is noticed.
    for index in 0..u64::from(count).min(MAX_MODULES as u64 + 1) {
        let at = element(at, index, MODULE_SIZE)?;
        let start = u64_at(memory, at, 0).ok_or(LoaderError::Unreadable)?;
        let size = u64_at(memory, at, 8).ok_or(LoaderError::Unreadable)?;
        into.add_module(
            start,
            start.checked_add(size).ok_or(LoaderError::Malformed)?,
        );
    }
    Ok(())
}

fn memory_map(
    into: &mut LoaderInfo,
    count: u32,
    at: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    if count == 0 {
        return Err(LoaderError::NoMemoryMap);
    }
    // One more than is kept, so that the excess is noticed.
    for index in 0..u64::from(count).min(MAX_MEMORY as u64 + 1) {
        let at = element(at, index, MAP_ENTRY_SIZE)?;
        into.add_memory(MemoryEntry {
            base: u64_at(memory, at, 0).ok_or(LoaderError::Unreadable)?,
            length: u64_at(memory, at, 8).ok_or(LoaderError::Unreadable)?,
            kind: u32_at(memory, at, 16).ok_or(LoaderError::Unreadable)?,
        });
    }
    Ok(())
}

/// Where element `index` starts; all of it lies below 2^64.
fn element(at: u64, index: u64, size: u64) -> Result<u64, LoaderError> {
    let end = index
        .saturating_add(1)
        .checked_mul(size)
        .and_then(|bytes| at.checked_add(bytes));
    end.map(|end| end.saturating_sub(size))
        .ok_or(LoaderError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Pieces;
    use super::super::loader::Module;
    use super::*;

    fn start_info(modules: (u32, u64), line: u64, map: (u32, u64)) -> Vec<u8> {
        let mut bytes = [PVH_MAGIC, 1, 0, modules.0].map(u32::to_le_bytes).concat();
        bytes.extend(
            [modules.1, line, 0xe0000, map.1]
                .map(u64::to_le_bytes)
                .concat(),
        );
        bytes.extend([map.0, 0].map(u32::to_le_bytes).concat());
        bytes
    }

    fn parse(memory: &Pieces) -> Result<LoaderInfo, LoaderError> {
        let mut into = LoaderInfo::new();
        into.read(PVH_MAGIC, 0x1000, memory)?;
        Ok(into)
    }

    #[test]
    fn everything_is_found() {
        let memory = Pieces::default()
            .with(0x1000, start_info((1, 0x2000), 0x3000, (2, 0x4000)))
            .with(
                0x2000,
                [0x700_0000u64, 0x1234, 0, 0].map(u64::to_le_bytes).concat(),
            )
            .with(0x3000, *b"x=1\0")
            .with(
                0x4000,
                [0u64, 0xa0000, 1, 0x10_0000, 0x7f0_0000, 1]
                    .map(u64::to_le_bytes)
                    .concat(),
            );
        let found = parse(&memory).expect("well formed");
        assert_eq!(
            found.modules.as_slice(),
            [Module {
                start: 0x700_0000,
                end: 0x700_1234
            }]
        );
        assert_eq!(found.command_line.value(b"x"), Some(&b"1"[..]));
        assert_eq!(found.rsdp_address, Some(0xe0000));
        assert_eq!(
            found.memory.as_slice()[1],
            MemoryEntry {
                base: 0x10_0000,
                length: 0x7f0_0000,
                kind: 1
            }
        );
    }

    #[test]
    fn hostile_tables_are_refused() {
        assert_eq!(
            parse(&Pieces::default()).err(),
            Some(LoaderError::Unreadable)
        );
        let wrong = Pieces::default().with(0x1000, vec![0; 56]);
        assert_eq!(parse(&wrong).err(), Some(LoaderError::Malformed));
        let empty = Pieces::default().with(0x1000, start_info((0, 0), 0, (0, 0)));
        assert_eq!(parse(&empty).err(), Some(LoaderError::NoMemoryMap));
        let far = Pieces::default().with(0x1000, start_info((0, 0), 0, (u32::MAX, u64::MAX - 30)));
        assert_eq!(parse(&far).err(), Some(LoaderError::Unreadable));
        let huge = Pieces::default()
            .with(0x1000, start_info((1, 0x2000), 0, (1, 0x4000)))
            .with(0x2000, [u64::MAX, 2, 0, 0].map(u64::to_le_bytes).concat());
        assert_eq!(parse(&huge).err(), Some(LoaderError::Malformed));
    }
}
