//! What each core has for itself: a kernel stack, and the area that its entry stubs, its
//! segment registers and its fault stacks live in.
//!
//! The area is all that user mode's page tables show of a core when the kernel is isolated, so
//! it holds nothing that user mode may not know.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use kernel::isa::Context;

/// Cores that this image drives.
pub(crate) const CORES: usize = 1;

/// Bytes of a kernel stack. A system call needs under 8 KiB, even in the debug flavour when it
/// ends in a formatted message; boot plans the root task's objects on this stack and needs 40.
const STACK_BYTES: usize = 64 << 10;
/// A stack with its guard page, which is never mapped.
pub(super) const STACK_SIZE: usize = GUARD_BYTES + STACK_BYTES;
pub(super) const GUARD_BYTES: usize = 4096;

/// Memory that only a processor writes, through its stack pointer.
#[repr(C, align(4096))]
pub(super) struct Stack<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: a stack belongs to one core; no Rust code reaches into it by this name.
unsafe impl<const SIZE: usize> Sync for Stack<SIZE> {}

impl<const SIZE: usize> Stack<SIZE> {
    pub(super) const fn new() -> Self {
        Self(UnsafeCell::new([0; SIZE]))
    }

    /// Its lowest address.
    pub(super) fn bottom(&self) -> u64 {
        self.0.get().addr() as u64
    }

    /// Where the stack pointer starts.
    pub(super) fn top(&self) -> u64 {
        self.bottom().saturating_add(SIZE as u64)
    }
}

/// The kernel stack of the core that boots; its lowest page is the guard.
pub(super) static BOOT_STACK: Stack<STACK_SIZE> = Stack::new();

/// Which stack a fault is delivered on: the processor's interrupt stack table, from 1.
#[derive(Clone, Copy)]
pub(super) enum FaultStack {
    NonMaskable = 1,
    DoubleFault = 2,
    MachineCheck = 3,
    /// What kernel code can run into by mistake, a stack overflow above all.
    Mistake = 4,
}

const FAULT_STACKS: usize = 4;
const FAULT_STACK_BYTES: usize = 8192;
/// A frame that the processor pushes, a vector, an error code and a register, with room.
const ENTRY_STACK_WORDS: usize = 32;
const CONTEXT_WORDS: usize = size_of::<Context>() / size_of::<u64>();
pub(super) const GDT_WORDS: usize = 8;
pub(super) const TSS_BYTES: usize = 104;

/// What the stubs reach.
#[repr(C, align(4096))]
pub(super) struct CoreArea {
    /// The register file of the running thread: where entry saves to.
    pub(super) current: AtomicU64,
    /// Where the entry stack starts, which both address spaces show.
    pub(super) entry_stack_top: AtomicU64,
    /// CR3 for the kernel and for the running thread, with isolation.
    pub(super) kernel_cr3: AtomicU64,
    pub(super) user_cr3: AtomicU64,
    /// Without FSGSBASE, the bases last written.
    pub(super) user_gs: AtomicU64,
    pub(super) user_fs: AtomicU64,
    /// Who runs before the first thread does: its bases are saved like another's.
    nobody: [AtomicU64; CONTEXT_WORDS],
    /// A user register on its way.
    pub(super) scratch: AtomicU64,
    pub(super) gdt: [AtomicU64; GDT_WORDS],
    pub(super) tss: [AtomicU32; TSS_BYTES / 4],
    entry_stack: [AtomicU64; ENTRY_STACK_WORDS],
    fault_stacks: [Stack<FAULT_STACK_BYTES>; FAULT_STACKS],
}

/// The areas of all cores.
#[unsafe(link_section = ".entry.data")]
pub(super) static AREAS: [CoreArea; CORES] = [const { CoreArea::new() }; CORES];

impl CoreArea {
    const fn new() -> Self {
        Self {
            current: AtomicU64::new(0),
            entry_stack_top: AtomicU64::new(0),
            kernel_cr3: AtomicU64::new(0),
            user_cr3: AtomicU64::new(0),
            user_gs: AtomicU64::new(0),
            user_fs: AtomicU64::new(0),
            nobody: [const { AtomicU64::new(0) }; CONTEXT_WORDS],
            scratch: AtomicU64::new(0),
            gdt: [const { AtomicU64::new(0) }; GDT_WORDS],
            tss: [const { AtomicU32::new(0) }; TSS_BYTES / 4],
            entry_stack: [const { AtomicU64::new(0) }; ENTRY_STACK_WORDS],
            fault_stacks: [const { Stack::new() }; FAULT_STACKS],
        }
    }

    /// Sets the stacks up.
    pub(super) fn start(&self) {
        let nobody = self.nobody.as_ptr().addr() as u64;
        self.current.store(nobody, Ordering::Relaxed);
        let entry_stack_top = self.entry_stack.as_ptr_range().end.addr() as u64;
        self.entry_stack_top
            .store(entry_stack_top, Ordering::Relaxed);
        // The stack for entry from user mode, then those of the interrupt stack table.
        self.set_tss_word(4, entry_stack_top);
        for (index, stack) in self.fault_stacks.iter().enumerate() {
            self.set_tss_word(36 + 8 * index, stack.top());
        }
        // No IO permission bitmap: user mode reaches ports through the kernel only.
        if let Some(word) = self.tss.get(25) {
            word.store((TSS_BYTES as u32) << 16, Ordering::Relaxed);
        }
    }

    /// The task-state segment's words of 64 bits are aligned to 32 only.
    fn set_tss_word(&self, offset: usize, value: u64) {
        let halves = [value as u32, (value >> 32) as u32];
        for (word, half) in self.tss.iter().skip(offset / 4).zip(halves) {
            word.store(half, Ordering::Relaxed);
        }
    }
}
