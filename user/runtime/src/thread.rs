//! Further threads in the root task's own address space.
//!
//! A [`ThreadArea`] is a static with all the memory that one thread needs: the page of its IPC
//! buffer (whose frame the kernel hands out with the image), stack, and thread-local storage.

use crate::{image, isa, tls};
use abi::Word;
use abi::bootinfo::BootInfo;
use abi::ipc_buffer::IpcBuffer;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};
use user_api::{Error, Result, Space, Tcb, UserContext};

const PAGE: usize = 1 << abi::object::PAGE_BITS;

/// Memory for one thread: `static WORKER: ThreadArea<16384> = ThreadArea::new();`
#[repr(C, align(4096))]
pub struct ThreadArea<const BYTES: usize> {
    ipc_buffer: UnsafeCell<[u8; PAGE]>,
    memory: UnsafeCell<[u8; BYTES]>,
    taken: AtomicBool,
}

// SAFETY: the thread that it was given to owns buffer and memory; others use them only before it
// starts, and `taken` sees to it that this happens once.
unsafe impl<const BYTES: usize> Sync for ThreadArea<BYTES> {}

/// What a thread begins with. `argument` is handed to `function`; when that returns, the thread
/// suspends itself by `tcb`.
#[derive(Clone, Copy, Debug)]
pub struct Beginning {
    /// The thread, as its own capability space names it.
    pub tcb: Tcb,
    /// What it runs.
    pub function: extern "C" fn(Word),
    /// What the function gets.
    pub argument: Word,
}

impl<const BYTES: usize> ThreadArea<BYTES> {
    /// Unused memory.
    #[expect(clippy::new_without_default, reason = "only ever a static")]
    pub const fn new() -> Self {
        Self {
            ipc_buffer: UnsafeCell::new([0; PAGE]),
            memory: UnsafeCell::new([0; BYTES]),
            taken: AtomicBool::new(false),
        }
    }

    /// The address of the thread's IPC buffer.
    pub fn ipc_buffer(&'static self) -> Word {
        self.ipc_buffer.get().addr() as Word
    }

    /// The addresses of stack and thread-local storage.
    pub fn memory(&'static self) -> core::ops::Range<usize> {
        let start = self.memory.get().addr();
        start..start + BYTES
    }

    /// Sets up `beginning.tcb` with this memory and its IPC buffer in `space`, ready to be
    /// resumed. It still needs a priority and a scheduling context.
    ///
    /// # Errors
    /// `DeleteFirst` if another thread has this memory; the kernel's errors.
    pub fn prepare(&'static self, boot: &BootInfo, space: Space, beginning: Beginning) -> Result {
        let frame =
            image::frame_of(boot, self.ipc_buffer.get().addr()).ok_or(Error::IllegalOperation)?;
        let registers = self.registers(beginning)?;
        beginning.tcb.configure(space, self.ipc_buffer(), frame)?;
        beginning.tcb.write_registers(&registers, false)
    }

    /// Lays out the memory and answers the registers that a thread has to start with.
    ///
    /// # Errors
    /// `DeleteFirst` if another thread has this memory.
    ///
    /// # Panics
    /// If the memory is too small for the program's thread-local storage and some stack.
    pub fn registers(&'static self, beginning: Beginning) -> Result<UserContext> {
        const LEAST_STACK: usize = 2048;
        assert!(
            BYTES >= tls::Layout::of_program().bytes() + LEAST_STACK,
            "no room for thread-local storage"
        );
        if self.taken.swap(true, Ordering::AcqRel) {
            return Err(Error::DeleteFirst);
        }
        let buffer = self.ipc_buffer.get().cast::<IpcBuffer>();
        // SAFETY: taken by us just now, so nobody uses the region; it is long enough (above).
        let placed = unsafe { tls::place(self.memory.get().cast(), BYTES, buffer) };
        let arguments = [
            beginning.function as usize as Word,
            beginning.argument,
            beginning.tcb.cptr().bits(),
        ];
        Ok(isa::new_thread(
            run as *const () as usize,
            arguments,
            placed.bottom,
            placed.thread_pointer,
        ))
    }

    /// Lets the memory be used again.
    ///
    /// # Safety
    /// The thread that had it will never run again: it is suspended or deleted.
    pub unsafe fn reclaim(&'static self) {
        self.taken.store(false, Ordering::Release);
    }
}

/// First Rust code of a thread.
extern "C" fn run(function: extern "C" fn(Word), argument: Word, tcb: Word) -> ! {
    function(argument);
    crate::console::flush();
    let _ = Tcb::new(tcb).suspend();
    crate::exit::stop()
}
