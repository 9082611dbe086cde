//! Segments, the task-state segment, and the interrupt descriptor table.

use super::core_area::{CoreArea, FaultStack, GDT_WORDS, TSS_BYTES};
use super::trap;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use machine::x86_64::registers::{self, msr};

pub(super) const KERNEL_CODE: u16 = 0x08;
const KERNEL_DATA: u16 = 0x10;
/// `SYSRET` wants data before code.
pub(super) const USER_DATA: u16 = 0x18 | 3;
pub(super) const USER_CODE: u16 = 0x20 | 3;
const TASK: u16 = 0x28;

const CODE_DESCRIPTOR: u64 = 0x00af_9b00_0000_ffff;
const DATA_DESCRIPTOR: u64 = 0x00cf_9300_0000_ffff;
const FOR_USER: u64 = 3 << 45;
const TASK_AVAILABLE: u64 = 0x89 << 40;

const GATES: usize = 256;
const INTERRUPT_GATE: u64 = 0x8e << 40;
const GATE_FOR_USER: u64 = 3 << 45;
const BREAKPOINT: usize = 3;

#[repr(C, align(4096))]
struct InterruptTable([AtomicU64; 2 * GATES]);

#[unsafe(link_section = ".entry.data")]
static INTERRUPTS: InterruptTable = InterruptTable([const { AtomicU64::new(0) }; 2 * GATES]);

/// Limits are one less than the size.
const GDT_LIMIT: u16 = 8 * GDT_WORDS as u16 - 1;
const INTERRUPT_LIMIT: u16 = size_of::<InterruptTable>() as u16 - 1;

/// What `lgdt` and `lidt` load.
#[repr(C, packed)]
struct TablePointer {
    limit: u16,
    base: u64,
}

/// The vectors that user code may raise by `INT`: they arrive as unknown system calls
/// (`abi/tables/platform.json`).
pub(super) const USER_VECTORS: core::ops::RangeInclusive<usize> = 158..=254;

/// Fills the interrupt descriptor table, which all cores share.
pub(super) fn fill_interrupt_table() {
    for (vector, gate) in INTERRUPTS.0.chunks_exact(2).enumerate() {
        let stub = trap::stub(vector);
        let stack = match vector {
            2 => FaultStack::NonMaskable as u64,
            8 => FaultStack::DoubleFault as u64,
            18 => FaultStack::MachineCheck as u64,
            1 | 12 | 13 | 14 => FaultStack::Mistake as u64,
            _ => 0,
        };
        let user = vector == BREAKPOINT || USER_VECTORS.contains(&vector);
        let low = stub & 0xffff
            | u64::from(KERNEL_CODE) << 16
            | stack << 32
            | INTERRUPT_GATE
            | if user { GATE_FOR_USER } else { 0 }
            | (stub >> 16 & 0xffff) << 48;
        if let [first, second] = gate {
            first.store(low, Ordering::Relaxed);
            second.store(stub >> 32, Ordering::Relaxed);
        }
    }
}

/// Loads this core's segments and tables, and points GS to its area.
pub(super) fn load(area: &CoreArea) {
    let tss = (&raw const area.tss).addr() as u64;
    let task_low = TASK_AVAILABLE
        | (TSS_BYTES as u64 - 1)
        | (tss & 0xff_ffff) << 16
        | (tss >> 24 & 0xff) << 56;
    let entries = [
        0,
        CODE_DESCRIPTOR,
        DATA_DESCRIPTOR,
        DATA_DESCRIPTOR | FOR_USER,
        CODE_DESCRIPTOR | FOR_USER,
        task_low,
        tss >> 32,
        0,
    ];
    for (entry, value) in area.gdt.iter().zip(entries) {
        entry.store(value, Ordering::Relaxed);
    }
    let gdt = TablePointer {
        limit: GDT_LIMIT,
        base: area.gdt.as_ptr().addr() as u64,
    };
    let idt = TablePointer {
        limit: INTERRUPT_LIMIT,
        base: (&raw const INTERRUPTS).addr() as u64,
    };
    // SAFETY: the table is complete, and lives as long as the kernel.
    unsafe { asm!("lgdt [{}]", in(reg) &gdt, options(readonly, nostack, preserves_flags)) };
    // SAFETY: the table has these code and data segments.
    unsafe {
        asm!(
            "push {code}",
            "lea {scratch}, [rip + 2f]",
            "push {scratch}",
            "retfq",
            "2:",
            "mov ss, {data:e}",
            "mov ds, {zero:e}",
            "mov es, {zero:e}",
            "mov fs, {zero:e}",
            "mov gs, {zero:e}",
            code = const KERNEL_CODE,
            scratch = out(reg) _,
            data = in(reg) u32::from(KERNEL_DATA),
            zero = in(reg) 0u32,
            options(preserves_flags),
        );
    }
    // SAFETY: the descriptor names a complete task-state segment.
    unsafe { asm!("ltr {0:x}", in(reg) TASK, options(nostack, preserves_flags)) };
    // SAFETY: all gates lead to stubs.
    unsafe { asm!("lidt [{}]", in(reg) &idt, options(readonly, nostack, preserves_flags)) };
    // SAFETY: what user mode starts with.
    unsafe { registers::write_msr(msr::GS_BASE, 0) };
    // SAFETY: likewise.
    unsafe { registers::write_msr(msr::FS_BASE, 0) };
}

const EFER_SYSCALL: u64 = 1;
/// Flags that are clear in the kernel: trap, interrupt, direction, IO privilege, nested task,
/// resume, alignment check (with which user mode could lift SMAP).
const CLEARED_FLAGS: u64 = 1 << 8 | 1 << 9 | 1 << 10 | 3 << 12 | 1 << 14 | 1 << 16 | 1 << 18;

/// Lets `SYSCALL` enter at `entry`.
pub(super) fn enable_syscall(entry: u64) {
    let selectors = u64::from(KERNEL_CODE) << 32 | u64::from(USER_DATA - 8) << 48;
    // SAFETY: 64-bit processors have the register; the selectors name our segments.
    unsafe { registers::write_msr(msr::STAR, selectors) };
    // SAFETY: the entry is a stub for this purpose.
    unsafe { registers::write_msr(msr::LSTAR, entry) };
    // SAFETY: without compatibility-mode segments nobody enters there.
    unsafe { registers::write_msr(msr::CSTAR, 0) };
    // SAFETY: the stubs want these flags clear.
    unsafe { registers::write_msr(msr::FMASK, CLEARED_FLAGS) };
    // SAFETY: every register that SYSCALL uses has been set.
    let efer = unsafe { registers::read_msr(msr::EFER) };
    // SAFETY: as before.
    unsafe { registers::write_msr(msr::EFER, efer | EFER_SYSCALL) };
}
