//! Thread-local storage: room below (x86-64) the thread control block, with the initial values
//! that the program's ELF file gives.

use crate::block::ThreadBlock;
use crate::image::{self, TlsSegment};
use abi::ipc_buffer::IpcBuffer;

/// Alignment of a block that nothing asks more of: a cache line.
const BLOCK_ALIGNMENT: usize = 64;

/// Where things lie in a region of memory, as offsets from its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout {
    alignment: usize,
    storage: usize,
}

impl Layout {
    /// For the thread-local variables of this program.
    pub fn of_program() -> Self {
        Self::of(image::tls_segment().as_ref())
    }

    fn of(segment: Option<&TlsSegment>) -> Self {
        let (size, alignment) = segment.map_or((0, 1), |segment| (segment.size, segment.alignment));
        let alignment = alignment.max(BLOCK_ALIGNMENT);
        Self {
            alignment,
            storage: size.next_multiple_of(alignment),
        }
    }

    /// Bytes that a region must have for block and storage, wherever it begins.
    pub fn bytes(&self) -> usize {
        self.storage + size_of::<ThreadBlock>().next_multiple_of(self.alignment) + self.alignment
    }

    /// The thread pointer in a region that ends at `end`; storage lies below it.
    fn thread_pointer(&self, end: usize) -> usize {
        (end - size_of::<ThreadBlock>()) & !(self.alignment - 1)
    }

    /// The lowest address used in a region that ends at `end`.
    fn bottom(&self, end: usize) -> usize {
        self.thread_pointer(end) - self.storage
    }
}

/// What was made at the end of a region.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Placed {
    /// For the thread register.
    pub thread_pointer: usize,
    /// Below this the region is still free: for a stack, say.
    pub bottom: usize,
}

/// Makes storage and block at the end of a region.
///
/// # Safety
/// The region `region..region + bytes` is writable, unused, at least [`Layout::bytes`] long, and
/// the new thread's alone. `ipc_buffer` will be the thread's IPC buffer.
pub unsafe fn place(region: *mut u8, bytes: usize, ipc_buffer: *mut IpcBuffer) -> Placed {
    let segment = image::tls_segment();
    let layout = Layout::of(segment.as_ref());
    let end = region.addr() + bytes;
    let placed = Placed {
        thread_pointer: layout.thread_pointer(end),
        bottom: layout.bottom(end),
    };
    if let Some(segment) = segment {
        let storage = region.with_addr(placed.bottom);
        // SAFETY: the storage lies in the region, which the caller gives; `initial` lies in the
        // image, which is somewhere else.
        unsafe {
            storage.copy_from_nonoverlapping(segment.initial.as_ptr(), segment.initial.len())
        };
        // SAFETY: the rest of the storage.
        let rest = unsafe { storage.add(segment.initial.len()) };
        // SAFETY: as above.
        unsafe { rest.write_bytes(0, layout.storage - segment.initial.len()) };
    }
    let block = region
        .with_addr(placed.thread_pointer)
        .cast::<ThreadBlock>();
    // SAFETY: inside the region, aligned by the layout.
    unsafe { ThreadBlock::write(block, ipc_buffer) };
    placed
}
