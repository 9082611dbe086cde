//! What a loader passes, in one form for the three protocols.

use super::{Bytes, List, multiboot1, multiboot2, pvh};
use core::fmt;

/// `eax` at entry by Multiboot 1.
pub const MULTIBOOT1_MAGIC: u32 = 0x2bad_b002;
/// `eax` at entry by Multiboot 2.
pub const MULTIBOOT2_MAGIC: u32 = 0x36d7_6289;
/// The first word of the PVH start info; our entry code also puts it in `eax`.
pub const PVH_MAGIC: u32 = 0x336e_c578;

/// Memory map entries kept; PCs show ten to forty.
pub const MAX_MEMORY: usize = 64;
/// Modules kept: the root task is the first, the others are only kept clear of.
pub const MAX_MODULES: usize = 16;
/// Bytes of command line kept.
pub const MAX_COMMAND_LINE: usize = 1024;

/// A piece of the physical address space, as the loader describes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MemoryEntry {
    /// Where it starts.
    pub base: u64,
    /// How long it is.
    pub length: u64,
    /// 1 is RAM; the other numbers are the firmware's.
    pub kind: u32,
}

impl MemoryEntry {
    /// RAM that may be used freely.
    pub const RAM: u32 = 1;
}

/// A file that the loader put into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Module {
    /// Where it starts.
    pub start: u64,
    /// One past its last byte.
    pub end: u64,
}

/// A linear framebuffer that the loader has set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Framebuffer {
    /// Where it is.
    pub address: u64,
    /// Bytes from one line to the next.
    pub pitch: u32,
    /// Pixels in a line.
    pub width: u32,
    /// Lines.
    pub height: u32,
    /// Bits of a pixel.
    pub depth: u8,
    /// The loader's number for how a pixel is coded.
    pub kind: u8,
}

/// What the video BIOS said, as Multiboot 1 passes it on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vbe {
    /// The VBE controller information block.
    pub control: [u8; 512],
    /// The information block of the current mode.
    pub mode_info: [u8; 256],
    /// The current mode's number.
    pub mode: u16,
    /// Segment of the protected-mode interface.
    pub interface_segment: u16,
    /// Its offset.
    pub interface_offset: u16,
    /// Its length.
    pub interface_length: u16,
}

/// Text of at most [`MAX_COMMAND_LINE`] bytes.
#[derive(Clone, Copy, Debug)]
pub struct CommandLine {
    text: List<u8, MAX_COMMAND_LINE>,
}

impl CommandLine {
    /// No text.
    pub const fn new() -> Self {
        Self { text: List::new(0) }
    }

    /// This text, up to the bound.
    pub fn of(text: &[u8]) -> Self {
        let mut line = Self::new();
        for byte in text.iter().take(MAX_COMMAND_LINE) {
            line.text.push(*byte);
        }
        line
    }

    /// The text at `at`, up to a NUL or the bound.
    pub(super) fn read(memory: &impl Bytes, at: u64) -> Self {
        let mut line = Self::new();
        let mut next = at;
        while let Some(byte @ 1..) = super::bytes::u8_at(memory, next, 0) {
            if !line.text.push(byte) {
                break;
            }
            let Some(after) = next.checked_add(1) else {
                break;
            };
            next = after;
        }
        line
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.text.as_slice()
    }

    /// The words of the line.
    pub fn words(&self) -> impl Iterator<Item = &[u8]> {
        self.as_bytes()
            .split(|byte| byte.is_ascii_whitespace())
            .filter(|word| !word.is_empty())
    }

    /// What the last option `name=` says.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        self.words()
            .filter_map(|word| word.strip_prefix(name)?.strip_prefix(b"="))
            .last()
    }

    /// The port that option `name=` names: a hexadecimal number, with or without `0x`, or
    /// `none`. `fallback` if the option is missing or says something else.
    pub fn port(&self, name: &[u8], fallback: Option<u16>) -> Option<u16> {
        match self.value(name) {
            Some(b"none") => None,
            Some(value) => hexadecimal(value).or(fallback),
            None => fallback,
        }
    }
}

impl Default for CommandLine {
    fn default() -> Self {
        Self::new()
    }
}

fn hexadecimal(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"0x").unwrap_or(text);
    let digits = core::str::from_utf8(digits).ok()?;
    u16::from_str_radix(digits, 16).ok()
}

/// Everything that a loader passes.
#[derive(Clone, Copy, Debug)]
pub struct LoaderInfo {
    /// The memory map.
    pub memory: List<MemoryEntry, MAX_MEMORY>,
    /// Whether the map had more entries than are kept.
    pub memory_truncated: bool,
    /// The modules, in the loader's order.
    pub modules: List<Module, MAX_MODULES>,
    /// The kernel's command line.
    pub command_line: CommandLine,
    /// A copy of ACPI's root pointer, if the loader passed one.
    pub rsdp: Option<[u8; 36]>,
    /// Where ACPI's root pointer is, if the loader says that.
    pub rsdp_address: Option<u64>,
    /// The framebuffer, if one is set up.
    pub framebuffer: Option<Framebuffer>,
    /// What the video BIOS said, if it was asked.
    pub vbe: Option<Vbe>,
    /// Whether there were more modules than are kept.
    pub truncated_modules: bool,
}

impl LoaderInfo {
    /// Nothing known.
    pub const fn new() -> Self {
        Self {
            memory: List::new(MemoryEntry {
                base: 0,
                length: 0,
                kind: 0,
            }),
            memory_truncated: false,
            modules: List::new(Module { start: 0, end: 0 }),
            command_line: CommandLine::new(),
            rsdp: None,
            rsdp_address: None,
            framebuffer: None,
            vbe: None,
            truncated_modules: false,
        }
    }

    /// Reads what the loader that left `magic` in `eax` passed at `info`.
    pub fn read(&mut self, magic: u32, info: u32, memory: &impl Bytes) -> Result<(), LoaderError> {
        let info = info.into();
        match magic {
            MULTIBOOT1_MAGIC => multiboot1::read(self, info, memory),
            MULTIBOOT2_MAGIC => multiboot2::read(self, info, memory),
            PVH_MAGIC => pvh::read(self, info, memory),
            _ => Err(LoaderError::UnknownLoader),
        }
    }

    pub(super) fn add_memory(&mut self, entry: MemoryEntry) {
        self.memory_truncated |= !self.memory.push(entry);
    }

    pub(super) fn add_module(&mut self, start: u64, end: u64) {
        self.truncated_modules |= !self.modules.push(Module { start, end });
    }
}

impl Default for LoaderInfo {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a loader's information is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoaderError {
    /// Neither Multiboot nor PVH.
    UnknownLoader,
    /// The information structure, or something it points to, cannot be read.
    Unreadable,
    /// The structure contradicts itself.
    Malformed,
    /// There is no memory map.
    NoMemoryMap,
}

impl LoaderError {
    /// The error in words.
    pub const fn text(self) -> &'static str {
        match self {
            Self::UnknownLoader => "started neither by Multiboot 1 or 2 nor by PVH",
            Self::Unreadable => "the loader's information cannot be read",
            Self::Malformed => "the loader's information is malformed",
            Self::NoMemoryMap => "the loader passed no memory map",
        }
    }
}

impl fmt::Display for LoaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firmware::bytes::Pieces;

    fn line(text: &[u8]) -> CommandLine {
        CommandLine::read(&Pieces::default().with(0x100, [text, &[0]].concat()), 0x100)
    }

    #[test]
    fn a_line_is_cut_at_its_bound_and_read_by_words() {
        let line = CommandLine::of(b" log=quiet check=7  check=20");
        assert_eq!(line.value(b"log"), Some(&b"quiet"[..]));
        assert_eq!(line.value(b"check"), Some(&b"20"[..]), "the last one");
        let long = [b'x'; MAX_COMMAND_LINE + 1];
        assert_eq!(CommandLine::of(&long).as_bytes().len(), MAX_COMMAND_LINE);
    }

    #[test]
    fn options_are_found_and_the_last_one_wins() {
        let line = line(b"kernel.elf debug_port=0x2f8  console_port=none debug_port=3e8 quiet");
        assert_eq!(line.port(b"debug_port", Some(0x3f8)), Some(0x3e8));
        assert_eq!(line.port(b"console_port", Some(0x3f8)), None);
        assert_eq!(line.port(b"other_port", Some(0x3f8)), Some(0x3f8));
        assert_eq!(line.value(b"quiet"), None);
    }

    #[test]
    fn nonsense_keeps_the_fallback() {
        for text in [&b"p=zz"[..], b"p=", b"p=123456", b"p=\xff", b"pp=1"] {
            assert_eq!(line(text).port(b"p", Some(7)), Some(7), "{text:?}");
        }
    }

    #[test]
    fn a_line_without_end_is_cut_at_what_can_be_read() {
        let memory = Pieces::default().with(0x100, *b"abc");
        assert_eq!(CommandLine::read(&memory, 0x100).as_bytes(), b"abc");
        let memory = Pieces::default().with(0x100, vec![b'x'; 5000]);
        assert_eq!(
            CommandLine::read(&memory, 0x100).as_bytes().len(),
            MAX_COMMAND_LINE
        );
    }

    #[test]
    fn an_unknown_loader_is_refused() {
        let error = LoaderInfo::new().read(0x1234, 0, &Pieces::default());
        assert_eq!(error, Err(LoaderError::UnknownLoader));
    }
}
