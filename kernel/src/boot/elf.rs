//! The root task's file: a bounded reader of ELF64 executables. The file comes from outside, so
//! nothing in it is believed: every number is checked, and nothing here panics.

use super::plan::PAGE;
use crate::isa;
use core::fmt;
use core::ops::Range;

/// Program headers that a file may have.
pub const MAX_HEADERS: usize = 64;

const HEADER_BYTES: usize = 64;
const PROGRAM_HEADER_BYTES: usize = 56;
/// `\x7fELF`, 64 bits, little endian, version 1.
const IDENTITY: [u8; 7] = [0x7f, b'E', b'L', b'F', 2, 1, 1];
const EXECUTABLE: u64 = 2;
const LOAD: u64 = 1;

/// What is wrong with a file. Segments are counted as the program headers are, from 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ElfError {
    /// It does not begin as an ELF64 file of little endian order does.
    NotElf64,
    /// It is for another processor.
    OtherMachine { machine: u64 },
    /// It is not an executable with fixed addresses.
    NotExecutable { kind: u64 },
    /// Its program headers are not in the file, or not of this format.
    NoHeaders,
    /// There are more program headers than [`MAX_HEADERS`].
    TooManyHeaders { count: u64 },
    /// Nothing is to be loaded.
    NothingToLoad,
    /// A segment has more bytes in the file than in memory.
    LargerInFile { segment: usize },
    /// A segment's bytes are not in the file.
    Truncated { segment: usize },
    /// A segment does not lie in user space.
    OutsideUserSpace { segment: usize },
    /// Two segments claim the same memory.
    Overlap { segment: usize },
    /// The entry is in no segment.
    EntryOutside { entry: u64 },
}

impl ElfError {
    /// What is wrong, without the numbers.
    pub const fn text(&self) -> &'static str {
        match self {
            Self::NotElf64 => "it is not a little-endian ELF64 file",
            Self::OtherMachine { .. } => "it is for another processor",
            Self::NotExecutable { .. } => "it is not an executable with fixed addresses",
            Self::NoHeaders => "its program headers are not in the file",
            Self::TooManyHeaders { .. } => "it has too many program headers",
            Self::NothingToLoad => "it has nothing to load",
            Self::LargerInFile { .. } => "a segment is larger in the file than in memory",
            Self::Truncated { .. } => "the file ends before a segment does",
            Self::OutsideUserSpace { .. } => "a segment is not in user space",
            Self::Overlap { .. } => "two segments overlap",
            Self::EntryOutside { .. } => "its entry is in no segment",
        }
    }

    /// The number that [`Self::text`] is about, behind the words that introduce it.
    pub const fn detail(&self) -> Option<(&'static str, u64)> {
        match *self {
            Self::NotElf64 | Self::NoHeaders | Self::NothingToLoad => None,
            Self::OtherMachine { machine } => Some((": machine ", machine)),
            Self::NotExecutable { kind } => Some((": type ", kind)),
            Self::TooManyHeaders { count } => Some((": ", count)),
            Self::LargerInFile { segment }
            | Self::Truncated { segment }
            | Self::OutsideUserSpace { segment }
            | Self::Overlap { segment } => Some((": program header ", segment as u64)),
            Self::EntryOutside { entry } => Some((": ", entry)),
        }
    }
}

impl fmt::Display for ElfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())?;
        self.detail()
            .map_or(Ok(()), |(what, number)| write!(f, "{what}{number:#x}"))
    }
}

impl core::error::Error for ElfError {}

/// A piece of the image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Segment<'a> {
    /// Its virtual address.
    pub start: u64,
    /// What it begins with; the rest is zero.
    pub bytes: &'a [u8],
    /// Bytes in memory.
    pub size: u64,
}

impl Segment<'_> {
    /// Its virtual addresses.
    pub fn span(&self) -> Range<u64> {
        self.start..self.start.saturating_add(self.size)
    }
}

/// An executable whose segments have been checked.
#[derive(Clone, Copy, Debug)]
pub struct Elf<'a> {
    file: &'a [u8],
    headers: &'a [u8],
    entry: u64,
}

/// A number in `bytes`, little endian.
fn number<const BYTES: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field: &[u8; BYTES] = bytes.get(at..)?.first_chunk()?;
    Some(
        field
            .iter()
            .rev()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
    )
}

impl<'a> Elf<'a> {
    /// Reads and checks `file`.
    pub fn read(file: &'a [u8]) -> Result<Self, ElfError> {
        if !file.starts_with(&IDENTITY) || file.len() < HEADER_BYTES {
            return Err(ElfError::NotElf64);
        }
        let half = |at: usize| number::<2>(file, at).ok_or(ElfError::NotElf64);
        let word = |at: usize| number::<8>(file, at).ok_or(ElfError::NotElf64);
        let (kind, machine, entry) = (half(16)?, half(18)?, word(24)?);
        if machine != isa::ELF_MACHINE {
            return Err(ElfError::OtherMachine { machine });
        }
        if kind != EXECUTABLE {
            return Err(ElfError::NotExecutable { kind });
        }
        let (offset, size, count) = (word(32)?, half(54)?, half(56)?);
        if count > MAX_HEADERS as u64 {
            return Err(ElfError::TooManyHeaders { count });
        }
        let len = (count as usize).saturating_mul(PROGRAM_HEADER_BYTES);
        let headers = usize::try_from(offset)
            .ok()
            .filter(|_| size == PROGRAM_HEADER_BYTES as u64)
            .and_then(|offset| file.get(offset..)?.get(..len))
            .ok_or(ElfError::NoHeaders)?;
        let elf = Self {
            file,
            headers,
            entry,
        };
        elf.check()?;
        Ok(elf)
    }

    /// Where it starts.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The pages from the first segment to the end of the last.
    pub fn pages(&self) -> Range<u64> {
        let spans = || self.segments().map(|segment| segment.span());
        let start = spans().map(|span| span.start).min().unwrap_or(0);
        let end = spans().map(|span| span.end).max().unwrap_or(0);
        start & !PAGE.saturating_sub(1)..end.checked_next_multiple_of(PAGE).unwrap_or(end)
    }

    /// What is to be loaded, in the order of the file.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'a>> + use<'a> {
        self.read_segments().filter_map(|(_, segment)| segment.ok())
    }

    /// Copies the image: `write(offset, bytes)` is to write `bytes` that many bytes behind the
    /// start of [`Self::pages`], into memory that is zero.
    pub fn load(&self, mut write: impl FnMut(u64, &[u8])) {
        let base = self.pages().start;
        for segment in self.segments().filter(|segment| !segment.bytes.is_empty()) {
            write(segment.start.saturating_sub(base), segment.bytes);
        }
    }

    /// The segments to be loaded, each with the number of its program header.
    fn read_segments(
        &self,
    ) -> impl Iterator<Item = (usize, Result<Segment<'a>, ElfError>)> + use<'a> {
        let file = self.file;
        let (headers, _) = self.headers.as_chunks::<PROGRAM_HEADER_BYTES>();
        headers
            .iter()
            .zip(0..MAX_HEADERS)
            .filter_map(move |(header, index)| {
                Some((index, read_segment(file, header, index).transpose()?))
            })
    }

    fn check(&self) -> Result<(), ElfError> {
        let mut entered = false;
        let mut before = 0usize;
        for (index, segment) in self.read_segments() {
            let span = segment?.span();
            // Each against those before it: there are few.
            let clashes = |other: Segment<'_>| {
                let other = other.span();
                other.start < span.end && span.start < other.end
            };
            if self.segments().take(before).any(clashes) {
                return Err(ElfError::Overlap { segment: index });
            }
            entered |= span.contains(&self.entry);
            before = before.saturating_add(1);
        }
        match (before, entered) {
            (0, _) => Err(ElfError::NothingToLoad),
            (_, false) => Err(ElfError::EntryOutside { entry: self.entry }),
            _ => Ok(()),
        }
    }
}

/// The segment that a program header describes, if it is to be loaded.
fn read_segment<'a>(
    file: &'a [u8],
    header: &[u8; PROGRAM_HEADER_BYTES],
    segment: usize,
) -> Result<Option<Segment<'a>>, ElfError> {
    // The header has all of its bytes.
    let word = |at: usize| number::<8>(header, at).unwrap_or(0);
    let (offset, start, file_size, size) = (word(8), word(16), word(32), word(40));
    if number::<4>(header, 0) != Some(LOAD) || size == 0 {
        return Ok(None);
    }
    if file_size > size {
        return Err(ElfError::LargerInFile { segment });
    }
    let end = start
        .checked_add(size)
        .filter(|end| *end <= isa::BOOT_RULES.user_top);
    if end.is_none() {
        return Err(ElfError::OutsideUserSpace { segment });
    }
    let bytes = usize::try_from(offset)
        .ok()
        .zip(usize::try_from(file_size).ok())
        .and_then(|(offset, len)| file.get(offset..)?.get(..len))
        .ok_or(ElfError::Truncated { segment })?;
    Ok(Some(Segment { start, bytes, size }))
}
