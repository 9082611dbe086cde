//! The running program's own ELF file: the linker maps its headers at the start of the image.

use abi::Word;
use abi::bootinfo::BootInfo;
use core::ptr::with_exposed_provenance;
use user_api::Frame;

/// Type of the program header that describes thread-local storage.
const PT_TLS: u32 = 7;
const PAGE: usize = 1 << abi::object::PAGE_BITS;

/// The fields of an ELF64 header that matter here.
#[repr(C)]
struct ElfHeader {
    identification: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    program_headers: u64,
    section_headers: u64,
    flags: u32,
    header_size: u16,
    program_header_size: u16,
    program_header_count: u16,
}

#[repr(C)]
struct ProgramHeader {
    kind: u32,
    flags: u32,
    offset: u64,
    virtual_address: u64,
    physical_address: u64,
    file_size: u64,
    memory_size: u64,
    alignment: u64,
}

// SAFETY: symbols that the linker defines; only their addresses and, for the first, the mapped
// header behind it are used.
unsafe extern "C" {
    static __ehdr_start: ElfHeader;
    static _end: u8;
}

/// The initial image of thread-local storage.
pub struct TlsSegment {
    /// Initial values of the first bytes; the others are zero.
    pub initial: &'static [u8],
    /// Bytes in all.
    pub size: usize,
    /// Alignment.
    pub alignment: usize,
}

fn program_headers() -> &'static [ProgramHeader] {
    // SAFETY: the linker puts the header at this symbol, in a segment that is mapped.
    let header = unsafe { &__ehdr_start };
    let first = (&raw const *header).addr() + header.program_headers as usize;
    // SAFETY: the table follows the header in the same segment, which nobody writes.
    unsafe {
        core::slice::from_raw_parts(
            with_exposed_provenance(first),
            header.program_header_count.into(),
        )
    }
}

/// The program's thread-local storage, if it has any.
pub fn tls_segment() -> Option<TlsSegment> {
    let header = program_headers()
        .iter()
        .find(|header| header.kind == PT_TLS)?;
    let start = with_exposed_provenance(header.virtual_address as usize);
    // SAFETY: the linker says that the initial image lies there, in a mapped segment that nobody writes.
    let initial = unsafe { core::slice::from_raw_parts(start, header.file_size as usize) };
    Some(TlsSegment {
        initial,
        size: header.memory_size as usize,
        alignment: header.alignment.max(1) as usize,
    })
}

/// The addresses of the image: from its first to, not including, its last page's end.
pub fn range() -> core::ops::Range<usize> {
    let end = (&raw const _end).addr().next_multiple_of(PAGE);
    (&raw const __ehdr_start).addr()..end
}

/// The frame behind an address of the root task's image; `None` outside the image.
///
/// Loaders may put more into the image than its segments, before and behind them. Its frames end
/// where the IPC buffer begins.
pub fn frame_of(boot: &BootInfo, address: usize) -> Option<Frame> {
    let before_end = (boot.ipc_buffer as usize)
        .checked_sub(address)?
        .div_ceil(PAGE) as Word;
    let slot = boot.user_image_frames.end.checked_sub(before_end)?;
    let is_frame = before_end > 0 && slot >= boot.user_image_frames.start;
    is_frame.then_some(Frame::new(slot))
}
