//! Thread-local storage: room below (x86-64) or above the thread pointer, with the initial values
//! that the program's ELF file gives.

use crate::block::ThreadBlock;
use crate::image::{self, TlsSegment};
use crate::isa::TLS;
use abi::ipc_buffer::IpcBuffer;

/// Alignment of a block that nothing asks more of: a cache line.
const BLOCK_ALIGNMENT: usize = 64;

/// Where an ISA's thread-local variables lie, seen from the thread pointer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// They end there, and the block begins there.
    Below,
    /// They begin `head` bytes behind it, at their alignment.
    Above {
        /// Bytes at the thread pointer that are the run-time system's.
        head: usize,
        /// Where the two words are, relative to the thread pointer: 0 or below.
        words: isize,
    },
}

/// Bytes of the two words.
const WORDS: usize = 16;
const BLOCK: usize = size_of::<ThreadBlock>();

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
        // The block and what is at the thread pointer, each aligned; and the region's end is not.
        self.storage + (BLOCK + WORDS).next_multiple_of(self.alignment) + 3 * self.alignment
    }

    /// The thread pointer, the block and the storage in a region that ends at `end`.
    fn places(&self, end: usize) -> (usize, usize, usize) {
        match TLS {
            Placement::Below => {
                let block = (end - BLOCK) & !(self.alignment - 1);
                (block, block, block - self.storage)
            }
            Placement::Above { head, words } => {
                let storage = (end - self.storage) & !(self.alignment - 1);
                // Aligned, so that storage is where the linker believes it to be.
                let pointer = storage - head.next_multiple_of(self.alignment);
                let block = pointer.wrapping_add_signed(words.min(0)) - BLOCK;
                (pointer, block & !(BLOCK_ALIGNMENT - 1), storage)
            }
        }
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
    let (thread_pointer, block, storage) = layout.places(region.addr() + bytes);
    if let Some(segment) = segment {
        let storage = region.with_addr(storage);
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
    if let Placement::Above { words, .. } = TLS {
        let at = thread_pointer.wrapping_add_signed(words);
        let place = region.with_addr(at).cast::<[usize; 2]>();
        // SAFETY: inside the region, between block and storage; aligned to words.
        unsafe { place.write([block, ipc_buffer.addr()]) };
    }
    let place = region.with_addr(block).cast::<ThreadBlock>();
    // SAFETY: inside the region, aligned by the layout.
    unsafe { ThreadBlock::write(place, ipc_buffer) };
    Placed {
        thread_pointer,
        bottom: block.min(storage),
    }
}
