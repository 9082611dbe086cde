//! From user mode into the kernel and back.
//!
//! While user code runs, the kernel's stack pointer is the address of the running thread's
//! [`Context`]. An exception saves the registers there, takes the kernel stack and goes on in
//! [`super::events`], from where nothing returns: it ends in [`resume`] or [`idle`]. The kernel
//! runs with interrupts off except where it idles.

use abi::syscall::Syscall;
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::mem::offset_of;
use kernel::Kernel;
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
    unsafe { asm!("msr vbar_el1, {}", "isb", in(reg) at, options(nostack, preserves_flags)) };
}

/// The same reference. What is told of it is that it is in a register: else the compiler, which
/// knows where the one kernel is, makes the address of each field anew.
#[inline(always)]
pub(crate) fn by_register(kernel: &mut Kernel) -> &mut Kernel {
    let mut at = (&raw mut *kernel).expose_provenance();
    // SAFETY: nothing is executed.
    unsafe { asm!("/* {} */", inout(reg) at, options(pure, nomem, nostack, preserves_flags)) };
    // SAFETY: it is the reference that was given.
    unsafe { &mut *core::ptr::with_exposed_provenance_mut(at) }
}

/// Leaves the kernel: runs the thread whose register file is at `context`.
///
/// What Rust has put on the stack is left behind, and so is what it promised to restore: the exit
/// loads every register.
#[inline(always)]
pub(crate) fn resume(context: u64) -> ! {
    // SAFETY: the exit expects exactly this.
    unsafe { asm!("b trap_resume", in("x0") context, options(noreturn)) }
}

/// Leaves the kernel when there is nobody to run: waits for an interrupt, which enters anew.
pub(crate) fn idle() -> ! {
    // SAFETY: nothing of the stack is needed any more.
    unsafe { asm!("b trap_idle", options(noreturn)) }
}

/// What was written as data during boot may be executed.
pub(super) fn forget_instructions() {
    // SAFETY: forgetting cached instructions has no other effect.
    unsafe {
        asm!(
            "dsb ish",
            "ic iallu",
            "dsb ish",
            "isb",
            options(nostack, preserves_flags)
        )
    };
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
        adrp x9, {stack} + {stack_bytes}
        mov sp, x9
    .endm
    # The registers of the thread that ran, from x2 on, at sp. It was interrupted \back bytes
    # before where it goes on.
    .macro save_rest back
        each_pair save
        mrs x19, sp_el0
        mrs x20, elr_el1
        mrs x21, spsr_el1
        mrs x22, tpidr_el0
        save x30, x19, {x} + 30 * 8
        save x20, x21, {next_ip}
    .if \back
        sub x20, x20, #\back
    .endif
        save x20, x22, {fault_ip}
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
        b {on_interrupt}
    fatal_vector 6
    fatal_vector 7
    # User mode's exceptions, which are system calls; Call first.
    .balign 128
        save x0, x1, {x}
        mrs x0, esr_el1
        lsr x1, x0, #26
        save_rest 4
        kernel_stack
        cmp x1, #{svc}
        ccmn x7, #-({call}), #0, eq
        b.eq {on_call}
        b not_call
    .balign 128
        save x0, x1, {x}
        save_rest 0
        mov x0, sp
        kernel_stack
        b {on_interrupt}
    fatal_vector 10
    fatal_vector 11
    fatal_vector 12
    fatal_vector 13
    fatal_vector 14
    fatal_vector 15

    .balign 64
    not_call:
        cmp x1, #{svc}
        ccmn x7, #-({reply_recv}), #0, eq
        b.eq {on_reply_recv}
        cmp x1, #{svc}
        b.ne {on_exception}
        mov x0, x7
        add x9, x7, #-({nb_send})
        cmp x9, #{send} - ({nb_send})
        b.ls {on_send}
        add x9, x7, #-({nb_wait})
        cmp x9, #{recv} - ({nb_wait})
        b.ls {on_receive}
        cmn x7, #-({yield_})
        b.eq {on_yield}
        b {on_syscall}

    # Runs the context at x0. User mode cannot change tpidrro_el0: it is not saved.
    .balign 64
    trap_resume:
        mov sp, x0
        restore x30, x19, {x} + 30 * 8
        restore x20, x21, {next_ip}
        restore x22, x23, {tpidr}
        msr sp_el0, x19
        msr elr_el1, x20
        msr spsr_el1, x21
        msr tpidr_el0, x22
        msr tpidrro_el0, x23
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
    next_ip = const offset_of!(Context, next_ip),
    fault_ip = const offset_of!(Context, fault_ip),
    tpidr = const offset_of!(Context, tpidr_el0),
    svc = const super::events::SYSTEM_CALL,
    call = const Syscall::Call.number(),
    reply_recv = const Syscall::ReplyRecv.number(),
    send = const Syscall::Send.number(),
    nb_send = const Syscall::NbSend.number(),
    recv = const Syscall::Recv.number(),
    nb_wait = const Syscall::NbWait.number(),
    yield_ = const Syscall::Yield.number(),
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    fault_stack = sym FAULT_STACK,
    fault_stack_bytes = const FAULT_STACK_BYTES,
    on_call = sym crate::syscalls::on_call,
    on_reply_recv = sym crate::syscalls::on_reply_recv,
    on_send = sym crate::syscalls::on_send,
    on_receive = sym crate::syscalls::on_receive,
    on_yield = sym crate::syscalls::on_yield,
    on_syscall = sym crate::syscalls::on_syscall,
    on_exception = sym super::events::on_exception,
    on_interrupt = sym super::events::on_interrupt,
    on_fatal = sym super::events::on_fatal,
);

// What the stubs save and load in pairs.
const _: () = {
    const WORD: usize = size_of::<u64>();
    assert!(offset_of!(Context, sp) == offset_of!(Context, x) + 31 * WORD);
    assert!(offset_of!(Context, spsr) == offset_of!(Context, next_ip) + WORD);
    assert!(offset_of!(Context, tpidr_el0) == offset_of!(Context, fault_ip) + WORD);
    assert!(offset_of!(Context, tpidrro_el0) == offset_of!(Context, tpidr_el0) + WORD);
    // Its end is at the start of a page.
    assert!(STACK_BYTES.is_multiple_of(4096));
};
