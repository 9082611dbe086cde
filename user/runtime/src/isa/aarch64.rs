//! AArch64: `tpidr_el0` is the thread register; the secure monitor ends the machine.

use crate::entry::{Region, STACK, STACK_BYTES, start};
use crate::tls::Placement;
use abi::bootinfo::BootInfo;
use abi::{CapRights, PROFILE, Word};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use user_api::{Attributes, Frame, FrameSize, SlotWindow, UserContext};

/// Storage begins behind 16 bytes at the thread pointer, which are the run-time system's.
pub(crate) const TLS: Placement = Placement::Above { head: 16, words: 0 };

/// The fixed capabilities that only this ISA has.
pub(crate) mod root {
    use abi::Word;
    use abi::bootinfo as slot;
    use user_api::Smc;

    /// Secure monitor calls, in profiles that allow them.
    pub const SMC: Smc = Smc::new(slot::SMC as Word);
}

// The first instruction of a program. The kernel (or the loader of a process) gives `x0` and
// `x1` and no stack.
global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".global _start",
    "_start:",
    "adrp x9, {stack}",
    "add x9, x9, :lo12:{stack}",
    "add sp, x9, #({bytes} >> 12), lsl #12",
    "mov x29, xzr",
    "mov x30, xzr",
    "bl {start}",
    "brk #0",
    ".previous",
    stack = sym STACK,
    bytes = const STACK_BYTES,
    start = sym start,
);

const _: () = assert!(STACK_BYTES.is_multiple_of(4096));

/// Points the thread register to `base`.
pub(crate) fn set_thread_pointer(base: usize) {
    // SAFETY: `base` is a thread control block; user code may write the register.
    unsafe { asm!("msr tpidr_el0, {}", in(reg) base, options(nostack, preserves_flags)) }
}

/// The running thread's block.
#[inline(always)]
pub(crate) fn thread_block() -> *const u8 {
    let block: *const u8;
    // SAFETY: the first word at the thread pointer is the block's address.
    unsafe {
        asm!("mrs {0}, tpidr_el0", "ldr {0}, [{0}]", out(reg) block, options(nostack, preserves_flags, readonly));
    }
    block
}

/// The registers of a new thread: it calls `function(first, second, third)` and must not return.
pub(crate) fn new_thread(
    function: usize,
    arguments: [Word; 3],
    stack_top: usize,
    thread_pointer: usize,
) -> UserContext {
    user_api::starting_context(
        function as Word,
        arguments,
        stack_top as Word,
        thread_pointer as Word,
    )
}

/// PSCI's SYSTEM_OFF.
const SYSTEM_OFF: Word = 0x8400_0008;

/// Ends the machine by its firmware, in profiles that let the root task call it. That has no
/// room for success or failure: the marker line tells.
pub(crate) fn end_machine(_success: bool) {
    if PROFILE.allow_smc_calls {
        // An error means that there is no firmware; then the marker line has to do.
        let _ = root::SMC.call([SYSTEM_OFF, 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// Where the serial port of QEMU's machine is; the console's if the kernel does not print.
const SERIAL: Word = 0x900_0000;
const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const TRANSMIT_FULL: u32 = 1 << 5;

/// A page of the image, in whose place the port's registers are mapped.
static PLACE: Region<4096> = Region::new();
/// The slot of the port's frame once there is one, and where it is mapped; 0 before.
static FRAME: AtomicU64 = AtomicU64::new(0);
static REGISTERS: AtomicUsize = AtomicUsize::new(0);

/// Takes the serial port for the console: for kernels that do not print.
pub(crate) fn open_serial() {
    // Without it the program is silent, and runs all the same.
    let _ = crate::boot::info().and_then(take_serial);
}

fn take_serial(boot: &BootInfo) -> Option<()> {
    let slot = crate::boot::reserved_slot(1)?;
    let place = PLACE.address();
    let (memory, _) = crate::boot::untypeds(boot)
        .find(|(_, untyped)| untyped.is_device != 0 && untyped.paddr == SERIAL)?;
    let own = crate::image::frame_of(boot, place)?;
    let window = SlotWindow::one(crate::boot::root::CNODE, slot);
    memory.retype(FrameSize::Small.object(), 0, window).ok()?;
    let frame = Frame::new(slot);
    own.unmap().ok()?;
    let (address, rights) = (place as Word, CapRights::READ_WRITE);
    frame
        .map(
            crate::boot::root::VSPACE,
            address,
            rights,
            Attributes::UNCACHED,
        )
        .ok()?;
    FRAME.store(slot, Ordering::Relaxed);
    REGISTERS.store(place, Ordering::Relaxed);
    Some(())
}

/// The frame of the serial port's registers, if it is ours.
pub fn serial_port() -> Option<Frame> {
    let slot = FRAME.load(Ordering::Relaxed);
    (slot != 0).then_some(Frame::new(slot))
}

/// Writes a byte to the serial port, if it is ours.
pub(crate) fn serial_byte(byte: u8) {
    let base = REGISTERS.load(Ordering::Relaxed);
    if base == 0 {
        return;
    }
    let register = |offset: usize| core::ptr::with_exposed_provenance_mut::<u32>(base + offset);
    // SAFETY: the registers are mapped there, see `take_serial`.
    while unsafe { register(FLAGS).read_volatile() } & TRANSMIT_FULL != 0 {}
    // SAFETY: as before.
    unsafe { register(DATA).write_volatile(byte.into()) };
}
