//! RISC-V: `tp` is the thread register; a test device ends QEMU's machine.

use crate::boot;
use crate::entry::{Region, STACK, STACK_BYTES, start};
use crate::tls::Placement;
use abi::bootinfo::BootInfo;
use abi::{CapRights, ObjectType, Word};
use core::arch::{asm, global_asm};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use user_api::{Attributes, Frame, FrameSize, SlotWindow, Untyped, UserContext};

/// Storage begins at the thread pointer, so the run-time system's words are below.
pub(crate) const TLS: Placement = Placement::Above {
    head: 0,
    words: -16,
};

/// The fixed capabilities by the names of this ISA.
pub(crate) mod root {
    use abi::Word;
    use abi::bootinfo as slot;
    use user_api::PageTable;

    /// The root of the address space, which is a page table like others.
    pub const PAGE_TABLE: PageTable = PageTable::new(slot::INIT_VSPACE as Word);
}

// The first instruction of a program. The kernel (or the loader of a process) gives `a0` and
// `a1` and no stack.
global_asm!(
    ".section .text._start, \"ax\", @progbits",
    ".global _start",
    "_start:",
    "lla sp, {stack}",
    "li t0, {bytes}",
    "add sp, sp, t0",
    "li fp, 0",
    "li ra, 0",
    "call {start}",
    "ebreak",
    ".previous",
    stack = sym STACK,
    bytes = const STACK_BYTES,
    start = sym start,
);

/// Points the thread register to `base`.
pub(crate) fn set_thread_pointer(base: usize) {
    // SAFETY: `base` is a thread pointer, and no compiled code has a use for the register.
    unsafe { asm!("mv tp, {}", in(reg) base, options(nostack, preserves_flags)) }
}

/// The running thread's block.
#[inline(always)]
pub(crate) fn thread_block() -> *const u8 {
    let block: *const u8;
    // SAFETY: the word there is the block's address.
    unsafe { asm!("ld {}, -16(tp)", out(reg) block, options(nostack, preserves_flags, readonly)) }
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

/// A page of registers, mapped in the place of a page of the image.
struct Device {
    /// Its physical address.
    base: Word,
    /// The reserved slots that it takes: for the frame, and for what lies before it.
    slots: [Word; 2],
    place: Region<4096>,
}

impl Device {
    /// The untyped that starts at the device, or `2^bits` bytes before it.
    fn memory(&self, boot: &BootInfo) -> Option<(Untyped, Option<usize>)> {
        boot::untypeds(boot).find_map(|(memory, untyped)| {
            let before = self.base.checked_sub(untyped.paddr)?;
            if untyped.is_device == 0 || before >= 1 << untyped.size_bits {
                return None;
            }
            match before {
                0 => Some((memory, None)),
                _ => before
                    .is_power_of_two()
                    .then_some((memory, Some(before.ilog2() as usize))),
            }
        })
    }

    /// Takes the device out of `memory`, of which nothing has been taken yet, and maps it.
    fn take(&self, boot: &BootInfo, memory: Untyped, before: Option<usize>) -> Option<Frame> {
        let [slot, rest] = self.slots.map(boot::reserved_slot);
        let one = |slot| SlotWindow::one(boot::root::CNODE, slot);
        if let Some(bits) = before {
            memory.retype(ObjectType::Untyped, bits, one(rest?)).ok()?;
        }
        let frame = slot?;
        memory
            .retype(FrameSize::Small.object(), 0, one(frame))
            .ok()?;
        let own = crate::image::frame_of(boot, self.place.address())?;
        own.unmap().ok()?;
        let frame = Frame::new(frame);
        frame
            .map(
                boot::root::VSPACE,
                self.place.address() as Word,
                CapRights::READ_WRITE,
                Attributes::UNCACHED,
            )
            .ok()?;
        Some(frame)
    }
}

/// The test device of QEMU's machine: a write of this, and a value in the upper half, ends QEMU
/// with the value as its status.
static EXIT: Device = Device {
    base: 0x10_0000,
    slots: [0, 2],
    place: Region::new(),
};
const EXIT_WITH_STATUS: u32 = 0x3333;
const EXIT_SUCCESS: u32 = 0x10;
const EXIT_FAILURE: u32 = 0x11;

/// Ends the machine by its test device, if there is one. The program ends, so whatever it has
/// made of the memory that the device is in may go.
pub(crate) fn end_machine(success: bool) {
    let device = || {
        let boot = boot::info()?;
        let (memory, before) = EXIT.memory(boot)?;
        let path = boot::root::CNODE.absolute(memory.cptr().bits());
        // If that is not possible the next step will fail, and the marker line has to do.
        let _ = path.revoke();
        EXIT.take(boot, memory, before)
    };
    if device().is_some() {
        let value = if success { EXIT_SUCCESS } else { EXIT_FAILURE };
        let register = core::ptr::with_exposed_provenance_mut::<u32>(EXIT.place.address());
        // SAFETY: the device's registers are mapped there.
        unsafe { register.write_volatile(value << 16 | EXIT_WITH_STATUS) };
    }
}

/// The serial port of QEMU's machine; the console's if the kernel does not print.
static SERIAL: Device = Device {
    base: 0x1000_0000,
    slots: [1, 1],
    place: Region::new(),
};
const DATA: usize = 0;
const LINE_STATUS: usize = 5;
const CAN_TAKE: u8 = 1 << 5;

/// The slot of the port's frame once there is one, and where it is mapped; 0 before.
static FRAME: AtomicU64 = AtomicU64::new(0);
static REGISTERS: AtomicUsize = AtomicUsize::new(0);

/// Takes the serial port for the console: for kernels that do not print.
pub(crate) fn open_serial() {
    let take = || {
        let boot = boot::info()?;
        let (memory, before) = SERIAL.memory(boot)?;
        SERIAL.take(boot, memory, before)
    };
    // Without it the program is silent, and runs all the same.
    if let Some(frame) = take() {
        FRAME.store(frame.cptr().bits(), Ordering::Relaxed);
        REGISTERS.store(SERIAL.place.address(), Ordering::Relaxed);
    }
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
    let register = |offset: usize| core::ptr::with_exposed_provenance_mut::<u8>(base + offset);
    // SAFETY: the registers are mapped there, see `open_serial`.
    while unsafe { register(LINE_STATUS).read_volatile() } & CAN_TAKE == 0 {}
    // SAFETY: as before.
    unsafe { register(DATA).write_volatile(byte) };
}
