//! From user mode into the kernel and back.
//!
//! While user code runs, the kernel's stack pointer is the address of the running thread's
//! [`Context`]. An exception saves the registers there, takes the kernel stack and calls
//! [`super::events`], which answers whose registers to load. The kernel runs with interrupts off
//! except where it idles.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::mem::offset_of;
use kernel::isa::Context;

/// Bytes of the kernel stack. A system call needs under 8 KiB, even in the debug flavour when it
/// ends in a formatted message; boot plans the root task's objects on this stack and needs 40.
const USED_BYTES: usize = 64 << 10;
const GUARD_BYTES: usize = 4096;
/// The kernel stack with its guard page, which is never mapped.
pub(super) const STACK_BYTES: usize = USED_BYTES + GUARD_BYTES;
/// The stack for mistakes.
const FAULT_STACK_BYTES: usize = 4096;

/// Memory that only a processor writes, through its stack pointer.
#[repr(C, align(4096))]
pub(super) struct Stack<const SIZE: usize>(UnsafeCell<[u8; SIZE]>);

// SAFETY: no Rust code reaches into a stack by this name.
unsafe impl<const SIZE: usize> Sync for Stack<SIZE> {}

/// The kernel stack; its lowest page is the guard.
pub(super) static STACK: Stack<STACK_BYTES> = Stack(UnsafeCell::new([0; STACK_BYTES]));
static FAULT_STACK: Stack<FAULT_STACK_BYTES> = Stack(UnsafeCell::new([0; FAULT_STACK_BYTES]));

/// The page that a stack overflow runs into.
pub(super) fn guard_page() -> u64 {
    (&raw const STACK).addr() as u64
}

unsafe extern "C" {
    safe static vectors: u8;
}

/// Exceptions come to the stubs from now on.
pub(super) fn install() {
    let at = (&raw const vectors).addr() as u64;
    // SAFETY: the stubs tell what went wrong while there is no thread.
    unsafe {
        core::arch::asm!("msr vbar_el1, {}", "isb", in(reg) at, options(nostack, preserves_flags))
    };
}

/// Leaves boot: runs the thread whose register file is at `context`, or idles if that is 0.
pub(super) fn leave(context: u64) -> ! {
    // SAFETY: the exit expects exactly this; the boot stack is not needed any more. What was
    // written as data is about to be executed.
    unsafe {
        core::arch::asm!("dsb ish", "ic iallu", "dsb ish", "isb", "b trap_exit", in("x0") context, options(noreturn))
    }
}

global_asm!(
    r#"
    .macro each_pair do
        \do x2, x3, {x} + 2 * 8
        \do x4, x5, {x} + 4 * 8
        \do x6, x7, {x} + 6 * 8
        \do x8, x9, {x} + 8 * 8
        \do x10, x11, {x} + 10 * 8
        \do x12, x13, {x} + 12 * 8
        \do x14, x15, {x} + 14 * 8
        \do x16, x17, {x} + 16 * 8
        \do x18, x19, {x} + 18 * 8
        \do x20, x21, {x} + 20 * 8
        \do x22, x23, {x} + 22 * 8
        \do x24, x25, {x} + 24 * 8
        \do x26, x27, {x} + 26 * 8
        \do x28, x29, {x} + 28 * 8
    .endm
    .macro save a, b, offset
        stp \a, \b, [sp, #\offset]
    .endm
    .macro restore a, b, offset
        ldp \a, \b, [sp, #\offset]
    .endm
    .macro kernel_stack
        adrp x9, {stack}
        add x9, x9, :lo12:{stack}
        add sp, x9, #({stack_bytes} >> 12), lsl #12
    .endm
    # All registers of the thread that ran; its restart address is \back before where it
    # would go on, which is in x20.
    .macro save_all back
        save x0, x1, {x}
        each_pair save
        str x30, [sp, #{x} + 30 * 8]
        mrs x19, sp_el0
        mrs x20, elr_el1
        mrs x21, spsr_el1
        mrs x22, tpidr_el0
        mrs x23, tpidrro_el0
        str x19, [sp, #{sp}]
        str x20, [sp, #{next_ip}]
        str x21, [sp, #{spsr}]
        str x22, [sp, #{tpidr}]
        str x23, [sp, #{tpidrro}]
    .if \back
        sub x20, x20, #\back
    .endif
        str x20, [sp, #{fault_ip}]
    .endm

    .macro fatal_vector number
    .balign 128
        # The stack may be what is wrong.
        mov x2, sp
        mov x3, #\number
        b fatal
    .endm

    .pushsection .entry.text, "ax", @progbits
    .balign 2048
    .global vectors
    vectors:
    fatal_vector 0
    fatal_vector 1
    fatal_vector 2
    fatal_vector 3
    fatal_vector 4
    # Idling is interrupted.
    .balign 128
        kernel_stack
        mov x0, #0
        bl {on_interrupt}
        b trap_exit
    fatal_vector 6
    fatal_vector 7
    .balign 128
        stp x0, x1, [sp, #{x}]
        mrs x0, esr_el1
        lsr x1, x0, #26
        cmp x1, #0x15
        b.ne from_exception
        b from_svc
    .balign 128
        b from_interrupt
    fatal_vector 10
    fatal_vector 11
    fatal_vector 12
    fatal_vector 13
    fatal_vector 14
    fatal_vector 15

    .balign 64
    from_svc:
        ldp x0, x1, [sp, #{x}]
        save_all 4
        mov x0, x7
        kernel_stack
        bl {on_syscall}
        b trap_exit

    .balign 64
    from_exception:
        ldp x0, x1, [sp, #{x}]
        save_all 0
        mrs x0, esr_el1
        mov x1, sp
        kernel_stack
        bl {on_exception}
        b trap_exit

    .balign 64
    from_interrupt:
        save_all 0
        mov x0, sp
        kernel_stack
        bl {on_interrupt}

    # Resumes the context at x0.
    trap_exit:
        cbz x0, trap_idle
        mov sp, x0
        ldr x19, [sp, #{sp}]
        ldr x20, [sp, #{next_ip}]
        ldr x21, [sp, #{spsr}]
        ldr x22, [sp, #{tpidr}]
        ldr x23, [sp, #{tpidrro}]
        msr sp_el0, x19
        msr elr_el1, x20
        msr spsr_el1, x21
        msr tpidr_el0, x22
        msr tpidrro_el0, x23
        ldr x30, [sp, #{x} + 30 * 8]
        each_pair restore
        restore x0, x1, {x}
        eret
        # Nothing is executed ahead from here.
        dsb nsh
        isb

    trap_idle:
        kernel_stack
    1:  msr daifclr, #2
        wfi
        msr daifset, #2
        b 1b

    fatal:
        adrp x9, {fault_stack}
        add x9, x9, :lo12:{fault_stack}
        add sp, x9, #({fault_stack_bytes} >> 12), lsl #12
        mrs x0, esr_el1
        mrs x1, elr_el1
        bl {on_fatal}
        brk #0
    .popsection
    "#,
    x = const offset_of!(Context, x),
    sp = const offset_of!(Context, sp),
    next_ip = const offset_of!(Context, next_ip),
    spsr = const offset_of!(Context, spsr),
    fault_ip = const offset_of!(Context, fault_ip),
    tpidr = const offset_of!(Context, tpidr_el0),
    tpidrro = const offset_of!(Context, tpidrro_el0),
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    fault_stack = sym FAULT_STACK,
    fault_stack_bytes = const FAULT_STACK_BYTES,
    on_syscall = sym super::events::on_syscall,
    on_exception = sym super::events::on_exception,
    on_interrupt = sym super::events::on_interrupt,
    on_fatal = sym super::events::on_fatal,
);
