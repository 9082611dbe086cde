//! From the first instruction to `main`.

use crate::{boot, exit, isa, tls};
use abi::Word;
use abi::bootinfo::BootInfo;
use abi::ipc_buffer::IpcBuffer;
use abi::syscall::Syscall;
use core::cell::UnsafeCell;
use core::fmt::Debug;
use core::ptr::with_exposed_provenance_mut;
use user_api::debug;

/// Bytes of the first thread's stack. In a root task its lowest page is unmapped, so that an
/// overflow faults instead of overwriting what lies below.
pub const STACK_BYTES: usize = 256 << 10;
/// Bytes for the first thread's control block and thread-local variables.
const TLS_BYTES: usize = 8 << 10;

/// Memory that the first thread owns without a Rust reference to it.
#[repr(C, align(4096))]
pub(crate) struct Region<const BYTES: usize>(UnsafeCell<[u8; BYTES]>);

// SAFETY: used by the first thread alone, through raw pointers.
unsafe impl<const BYTES: usize> Sync for Region<BYTES> {}

impl<const BYTES: usize> Region<BYTES> {
    pub(crate) const fn new() -> Self {
        Self(UnsafeCell::new([0; BYTES]))
    }

    /// Where it is.
    pub(crate) fn address(&self) -> usize {
        self.0.get().addr()
    }
}

pub(crate) static STACK: Region<STACK_BYTES> = Region::new();
static TLS: Region<TLS_BYTES> = Region::new();

// SAFETY: `entry!` or `process!` defines it, with this signature.
unsafe extern "Rust" {
    safe fn linchpin_program(argument: Word) -> u32;
}

/// First Rust code of a program. A root task gets the address of BootInfo and 0; a process gets
/// an argument and the address of its IPC buffer.
pub(crate) extern "C" fn start(argument: Word, ipc_buffer: Word) -> ! {
    let ipc_buffer = match ipc_buffer {
        0 => boot_info(argument).ipc_buffer,
        given => given,
    };
    if tls::Layout::of_program().bytes() > TLS_BYTES {
        // No console yet: it needs the thread control block.
        b"user-runtime: too much thread-local storage\n"
            .iter()
            .for_each(|&byte| debug::put_char(byte));
        exit::stop();
    }
    let buffer = with_exposed_provenance_mut::<IpcBuffer>(ipc_buffer as usize);
    // SAFETY: the region is long enough (above) and used only here, once.
    let placed = unsafe { tls::place(TLS.0.get().cast(), TLS_BYTES, buffer) };
    isa::set_thread_pointer(placed.thread_pointer);
    if let Some(boot) = boot::info() {
        guard_stack(boot);
        if !debug::available(Syscall::DebugPutChar) {
            isa::open_serial();
        }
    }
    exit::exit(linchpin_program(argument))
}

/// Takes the lowest page of the stack out of the address space.
fn guard_stack(boot: &BootInfo) {
    if let Some(frame) = crate::image::frame_of(boot, STACK.address()) {
        // Without the guard the program runs as well.
        let _ = frame.unmap();
    }
}

/// The root task's BootInfo, from its address.
fn boot_info(address: Word) -> &'static BootInfo {
    // SAFETY: the kernel maps BootInfo there and says so in the first register.
    let boot = unsafe { &*with_exposed_provenance_mut::<BootInfo>(address as usize) };
    boot::remember(boot);
    boot
}

/// What `main` may return.
pub trait Ending {
    /// The exit code: 0 is success. Says why, if it is not.
    fn code(self) -> u32;
}

impl Ending for () {
    fn code(self) -> u32 {
        0
    }
}

impl Ending for u32 {
    fn code(self) -> u32 {
        self
    }
}

impl<T: Ending, E: Debug> Ending for Result<T, E> {
    fn code(self) -> u32 {
        match self {
            Ok(value) => value.code(),
            Err(error) => {
                crate::println!("main failed: {error:?}");
                1
            }
        }
    }
}

/// Makes `main` the program of a root task: `fn main(boot: &'static BootInfo) -> impl Ending`.
#[macro_export]
macro_rules! entry {
    ($main:path) => {
        #[unsafe(no_mangle)]
        fn linchpin_program(_: u64) -> u32 {
            let boot = $crate::boot::info().expect("a root task is told where BootInfo is");
            $crate::entry::Ending::code($main(boot))
        }
    };
}

/// Makes `main` the program of a process: `fn main(argument: Word) -> impl Ending`.
#[macro_export]
macro_rules! process {
    ($main:path) => {
        #[unsafe(no_mangle)]
        fn linchpin_program(argument: u64) -> u32 {
            $crate::entry::Ending::code($main(argument))
        }
    };
}
