//! The Multiboot 2 information structure: a list of tags.

use super::Bytes;
use super::bytes::{array, u8_at, u32_at, u64_at};
use super::loader::{CommandLine, Framebuffer, LoaderError, LoaderInfo, MAX_MEMORY, MemoryEntry};

const END: u32 = 0;
const COMMAND_LINE: u32 = 1;
const MODULE: u32 = 3;
const MEMORY_MAP: u32 = 6;
const FRAMEBUFFER: u32 = 8;
const ACPI_OLD: u32 = 14;
const ACPI_NEW: u32 = 15;

/// Tags looked at; a loader sends about twenty.
const MAX_TAGS: u32 = 256;
const HEADER: u64 = 8;

struct Tag {
    kind: u32,
    at: u64,
    size: u64,
}

pub(super) fn read(
    into: &mut LoaderInfo,
    info: u64,
    memory: &impl Bytes,
) -> Result<(), LoaderError> {
    let total = u64::from(u32_at(memory, info, 0).ok_or(LoaderError::Unreadable)?);
    let end = info.saturating_add(total);
    let mut at = info.saturating_add(HEADER);
    for _ in 0..MAX_TAGS {
        let tag = header(at, end, memory)?;
        if tag.kind == END {
            break;
        }
        one(into, &tag, memory)?;
        at = tag
            .at
            .saturating_add(tag.size)
            .checked_next_multiple_of(8)
            .ok_or(LoaderError::Malformed)?;
    }
    if into.memory.as_slice().is_empty() {
        Err(LoaderError::NoMemoryMap)
    } else {
        Ok(())
    }
}

fn header(at: u64, end: u64, memory: &impl Bytes) -> Result<Tag, LoaderError> {
    let body = at
        .checked_add(HEADER)
        .filter(|body| *body <= end)
        .ok_or(LoaderError::Malformed)?;
    let kind = u32_at(memory, at, 0).ok_or(LoaderError::Unreadable)?;
    let size = u64::from(u32_at(memory, at, 4).ok_or(LoaderError::Unreadable)?);
    if size < HEADER || size.saturating_sub(HEADER) > end.saturating_sub(body) {
        return Err(LoaderError::Malformed);
    }
    Ok(Tag { kind, at, size })
}

fn one(into: &mut LoaderInfo, tag: &Tag, memory: &impl Bytes) -> Result<(), LoaderError> {
    let at = tag.at;
    match tag.kind {
        COMMAND_LINE => into.command_line = CommandLine::read(memory, at.saturating_add(8)),
        MODULE => {
            let start = u32_at(memory, at, 8).ok_or(LoaderError::Unreadable)?;
            let end = u32_at(memory, at, 12).ok_or(LoaderError::Unreadable)?;
            if end < start {
                return Err(LoaderError::Malformed);
            }
            into.add_module(start.into(), end.into());
        }
        MEMORY_MAP => memory_map(into, tag, memory)?,
        FRAMEBUFFER => {
            into.framebuffer = framebuffer(at, memory).filter(|found| found.address != 0)
        }
        ACPI_OLD if into.rsdp.is_none() => {
            let old: [u8; 20] = array(memory, at, 8).ok_or(LoaderError::Unreadable)?;
            let mut rsdp = [0; 36];
            for (to, from) in rsdp.iter_mut().zip(old) {
                *to = from;
            }
            into.rsdp = Some(rsdp);
        }
        ACPI_NEW => into.rsdp = Some(array(memory, at, 8).ok_or(LoaderError::Unreadable)?),
        _ => {}
    }
    Ok(())
}

fn memory_map(into: &mut LoaderInfo, tag: &Tag, memory: &impl Bytes) -> Result<(), LoaderError> {
    let size = u64::from(u32_at(memory, tag.at, 8).ok_or(LoaderError::Unreadable)?);
    if size < 24 {
        return Err(LoaderError::Malformed);
    }
    let count = tag.size.saturating_sub(16) / size;
    // One more than is kept, so that the excess is noticed.
    for index in 0..count.min(MAX_MEMORY as u64 + 1) {
        let at = tag
            .at
            .saturating_add(16)
            .saturating_add(index.saturating_mul(size));
        into.add_memory(MemoryEntry {
            base: u64_at(memory, at, 0).ok_or(LoaderError::Unreadable)?,
            length: u64_at(memory, at, 8).ok_or(LoaderError::Unreadable)?,
            kind: u32_at(memory, at, 16).ok_or(LoaderError::Unreadable)?,
        });
    }
    Ok(())
}

fn framebuffer(at: u64, memory: &impl Bytes) -> Option<Framebuffer> {
    Some(Framebuffer {
        address: u64_at(memory, at, 8)?,
        pitch: u32_at(memory, at, 16)?,
        width: u32_at(memory, at, 20)?,
        height: u32_at(memory, at, 24)?,
        depth: u8_at(memory, at, 28)?,
        kind: u8_at(memory, at, 29)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::bytes::Pieces;
    use super::super::loader::{MULTIBOOT2_MAGIC, Module};
    use super::*;

    fn tag(kind: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = kind.to_le_bytes().to_vec();
        bytes.extend((body.len() as u32 + 8).to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    fn map(entries: &[(u64, u64, u32)], size: u32) -> Vec<u8> {
        let mut body = [size.to_le_bytes(), 0u32.to_le_bytes()].concat();
        for (base, length, kind) in entries {
            let mut entry = [base.to_le_bytes(), length.to_le_bytes()].concat();
            entry.extend(kind.to_le_bytes());
            entry.resize(size as usize, 0);
            body.extend(entry);
        }
        tag(MEMORY_MAP, &body)
    }

    fn parse(tags: &[Vec<u8>]) -> Result<LoaderInfo, LoaderError> {
        let body = tags.concat();
        let mut bytes = (body.len() as u32 + 8).to_le_bytes().to_vec();
        bytes.extend([0; 4]);
        bytes.extend(body);
        let mut into = LoaderInfo::new();
        into.read(
            MULTIBOOT2_MAGIC,
            0x1000,
            &Pieces::default().with(0x1000, bytes),
        )?;
        Ok(into)
    }

    #[test]
    fn the_tags_we_use_are_found() {
        let mut module = [0x20_0000u32, 0x20_5000].map(u32::to_le_bytes).concat();
        module.extend(b"root\0");
        let mut screen = 0xe000_0000u64.to_le_bytes().to_vec();
        screen.extend([4096u32, 1024, 768].map(u32::to_le_bytes).concat());
        screen.extend([32, 1, 0, 0]);
        let found = parse(&[
            tag(COMMAND_LINE, b"debug_port=none\0"),
            tag(2, b"loader\0"),
            tag(MODULE, &module),
            map(&[(0, 0xa0000, 1), (1 << 20, 1 << 30, 1)], 24),
            tag(FRAMEBUFFER, &screen),
            tag(ACPI_OLD, &[b'o'; 20]),
            tag(ACPI_NEW, &[b'n'; 36]),
            tag(END, &[]),
        ])
        .expect("well formed");
        assert_eq!(found.command_line.port(b"debug_port", Some(1)), None);
        assert_eq!(
            found.modules.as_slice(),
            [Module {
                start: 0x20_0000,
                end: 0x20_5000
            }]
        );
        assert_eq!(found.memory.as_slice().len(), 2);
        assert_eq!(found.rsdp, Some([b'n'; 36]));
        let screen = found.framebuffer.expect("there");
        assert_eq!(
            (screen.address, screen.pitch, screen.height, screen.depth),
            (0xe000_0000, 4096, 768, 32)
        );
    }

    #[test]
    fn larger_map_entries_are_stepped_over() {
        let found = parse(&[map(&[(1, 2, 1), (3, 4, 2)], 32), tag(END, &[])]).expect("well formed");
        assert_eq!(
            found.memory.as_slice()[1],
            MemoryEntry {
                base: 3,
                length: 4,
                kind: 2
            }
        );
    }

    #[test]
    fn hostile_tags_are_refused() {
        assert_eq!(
            parse(&[tag(END, &[])]).err(),
            Some(LoaderError::NoMemoryMap)
        );
        assert_eq!(parse(&[]).err(), Some(LoaderError::Malformed), "no end tag");
        let short = [MEMORY_MAP, 4].map(u32::to_le_bytes).concat();
        assert_eq!(parse(&[short]).err(), Some(LoaderError::Malformed));
        let long = [COMMAND_LINE, 0xffff_fff0].map(u32::to_le_bytes).concat();
        assert_eq!(parse(&[long]).err(), Some(LoaderError::Malformed));
        assert_eq!(
            parse(&[map(&[], 0), tag(END, &[])]).err(),
            Some(LoaderError::Malformed)
        );
    }

    #[test]
    fn a_framebuffer_at_zero_is_none() {
        let found = parse(&[
            tag(FRAMEBUFFER, &[0; 24]),
            map(&[(0, 1, 1)], 24),
            tag(END, &[]),
        ]);
        assert!(found.expect("well formed").framebuffer.is_none());
    }
}
