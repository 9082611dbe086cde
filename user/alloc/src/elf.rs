//! Programs: static ELF64 files, read without trusting them.

use abi::{ISA, Isa, Word};

/// What is wrong with a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Defect {
    /// It ends too early.
    Short,
    /// It is no 64-bit little-endian ELF file.
    NotElf,
    /// It is for another machine, or is no program at a fixed address.
    NotForHere,
    /// A segment lies outside the file, or wraps around, or is not loaded by pages.
    BadSegment,
}

/// A part of a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Where it lies in memory.
    pub address: Word,
    /// Bytes in memory; those past `contents` are zero.
    pub size: Word,
    /// What the file gives.
    pub contents: &'a [u8],
    /// Whether the program may write it.
    pub writable: bool,
}

/// A program file.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    file: &'a [u8],
    /// Where it begins.
    pub entry: Word,
    table: usize,
    count: usize,
}

const HEADER_BYTES: usize = 56;
const PT_LOAD: u32 = 1;
const PF_WRITE: u32 = 2;
const ET_EXEC: u16 = 2;

fn field<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Defect> {
    bytes
        .get(offset..)
        .and_then(<[u8]>::first_chunk)
        .copied()
        .ok_or(Defect::Short)
}

fn word(bytes: &[u8], offset: usize) -> Result<u64, Defect> {
    field(bytes, offset).map(u64::from_le_bytes)
}

fn half(bytes: &[u8], offset: usize) -> Result<u16, Defect> {
    field(bytes, offset).map(u16::from_le_bytes)
}

const fn machine() -> u16 {
    match ISA {
        Isa::X86_64 => 62,
        Isa::AArch64 => 183,
        Isa::RiscV64 => 243,
    }
}

impl<'a> Program<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// What is wrong with the file.
    pub fn parse(file: &'a [u8]) -> Result<Self, Defect> {
        if field(file, 0)? != *b"\x7fELF\x02\x01" {
            return Err(Defect::NotElf);
        }
        if half(file, 16)? != ET_EXEC || half(file, 18)? != machine() {
            return Err(Defect::NotForHere);
        }
        let table = usize::try_from(word(file, 32)?).map_err(|_| Defect::Short)?;
        let program = Self {
            file,
            entry: word(file, 24)?,
            table,
            count: half(file, 56)?.into(),
        };
        program
            .segments()
            .try_for_each(|segment| segment.map(|_| ()))?;
        Ok(program)
    }

    /// The parts to load.
    pub fn segments(&self) -> impl Iterator<Item = Result<Segment<'a>, Defect>> + use<'a> {
        let Self { file, table, .. } = *self;
        (0..self.count).filter_map(move |number| segment(file, table, number).transpose())
    }
}

fn segment<'a>(file: &'a [u8], table: usize, number: usize) -> Result<Option<Segment<'a>>, Defect> {
    let header = table
        .checked_add(number * HEADER_BYTES)
        .and_then(|start| file.get(start..))
        .ok_or(Defect::Short)?;
    let kind = field(header, 0).map(u32::from_le_bytes)?;
    let flags = field(header, 4).map(u32::from_le_bytes)?;
    let (offset, address) = (word(header, 8)?, word(header, 16)?);
    let (in_file, size) = (word(header, 32)?, word(header, 40)?);
    if kind != PT_LOAD || size == 0 {
        return Ok(None);
    }
    let range = usize::try_from(offset)
        .ok()
        .zip(usize::try_from(in_file).ok());
    let contents = range
        .and_then(|(start, length)| file.get(start..start.checked_add(length)?))
        .ok_or(Defect::BadSegment)?;
    if in_file > size || address.checked_add(size).is_none() {
        return Err(Defect::BadSegment);
    }
    Ok(Some(Segment {
        address,
        size,
        contents,
        writable: flags & PF_WRITE != 0,
    }))
}
