//! From user mode into the kernel and back.
//!
//! While user code runs, `sscratch` is the address of the running thread's [`Context`]; in the
//! kernel it is 0. A trap saves the registers there, takes the kernel stack and goes on in
//! [`super::events`], from where nothing returns: it ends in [`resume`] or [`idle`]. The kernel
//! runs with interrupts off: a trap that finds `sscratch` 0 is a mistake of ours.

use abi::syscall::Syscall;
use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::mem::offset_of;
use kernel::Kernel;
use kernel::isa::Context;
use machine::riscv64::csr::{self, status};

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
    safe static trap_entry: u8;
}

/// Traps come to the stubs from now on.
pub(super) fn install() {
    // SAFETY: the stub tells what went wrong while there is no thread.
    unsafe { csr::set_sscratch(0) };
    // SAFETY: as before.
    unsafe { csr::set_stvec((&raw const trap_entry).addr() as u64) };
}

/// The same reference: addresses of the kernel's fields are best made where they are used.
#[inline(always)]
pub(crate) fn by_register(kernel: &mut Kernel) -> &mut Kernel {
    kernel
}

/// Leaves the kernel: runs the thread whose register file is at `context`.
///
/// What Rust has put on the stack is left behind, and so is what it promised to restore: the exit
/// loads every register.
#[inline(always)]
pub(crate) fn resume(context: u64) -> ! {
    // SAFETY: the exit expects exactly this.
    unsafe { asm!("j trap_resume", in("a0") context, options(noreturn)) }
}

/// Leaves the kernel when there is nobody to run: waits for an interrupt, which enters anew.
pub(crate) fn idle() -> ! {
    // SAFETY: nothing of the stack is needed any more.
    unsafe { asm!("j trap_idle", options(noreturn)) }
}

/// Boot ends: what was written as data may be executed, and `sret` goes to user mode with
/// interrupts on.
pub(super) fn prepare() {
    // SAFETY: nothing of the kernel depends on these.
    unsafe { csr::lower_sstatus(status::SPP | status::SUM | status::MXR) };
    // SAFETY: as before.
    unsafe { csr::raise_sstatus(status::SPIE) };
    csr::fence_all();
}

global_asm!(
    r#"
    # All but sp, a0 and ra.
    .macro each_register do
        \do t0, {t0}
        \do gp, {gp}
        \do tp, {tp}
        \do a1, {a1}
        \do a2, {a2}
        \do a3, {a3}
        \do a4, {a4}
        \do a5, {a5}
        \do a6, {a6}
        \do a7, {a7}
        \do t1, {t1}
        \do t2, {t2}
        \do t3, {t3}
        \do t4, {t4}
        \do t5, {t5}
        \do t6, {t6}
        \do s0, {s0}
        \do s1, {s1}
        \do s2, {s2}
        \do s3, {s3}
        \do s4, {s4}
        \do s5, {s5}
        \do s6, {s6}
        \do s7, {s7}
        \do s8, {s8}
        \do s9, {s9}
        \do s10, {s10}
        \do s11, {s11}
    .endm
    .macro save register, offset
        sd \register, \offset(sp)
    .endm
    .macro restore register, offset
        ld \register, \offset(a0)
    .endm
    .macro kernel_stack
        lla sp, {stack} + {stack_bytes}
    .endm

    .pushsection .entry.text, "ax", @progbits
    .balign 64
    .global trap_entry
    trap_entry:
        csrrw sp, sscratch, sp
        beqz sp, trap_in_kernel
        save ra, {ra}
        save a0, {a0}
        each_register save
        csrrw t0, sscratch, zero
        csrr t1, sepc
        csrr a0, scause
        save t0, {sp}
        save t1, {fault_ip}
        # A system call, it seems.
        addi t1, t1, 4
        save t1, {next_ip}
        li t2, {system_call}
        bne a0, t2, other_trap
        kernel_stack
        li t0, {call}
        bne a7, t0, 1f
        j {on_call}
    1:  li t0, {reply_recv}
        bne a7, t0, 2f
        j {on_reply_recv}
    2:  mv a0, a7
        addi t0, a7, -({nb_send})
        sltiu t0, t0, {send} - ({nb_send}) + 1
        beqz t0, 3f
        j {on_send}
    3:  addi t0, a7, -({nb_wait})
        sltiu t0, t0, {recv} - ({nb_wait}) + 1
        beqz t0, 4f
        j {on_receive}
    4:  li t0, {yield_}
        bne a7, t0, 5f
        j {on_yield}
    5:  j {on_syscall}

    other_trap:
        addi t1, t1, -4
        save t1, {next_ip}
        csrr a1, stval
        mv a2, sp
        kernel_stack
        j {on_trap}

    # Runs the context at a0.
    .balign 64
    trap_resume:
        ld t0, {next_ip}(a0)
        ld ra, {ra}(a0)
        csrw sepc, t0
        csrw sscratch, a0
        # Ends a reservation that user code may hold. If this succeeds, it changes nothing.
        sc.d zero, ra, (a0)
        each_register restore
        restore sp, {sp}
        restore a0, {a0}
        sret

    trap_idle:
        kernel_stack
        wfi
        j {on_wake}

    trap_in_kernel:
        # The stack may be what is wrong.
        csrrw sp, sscratch, sp
        mv a0, sp
        lla sp, {fault_stack} + {fault_stack_bytes}
        call {on_kernel_fault}
        ebreak
    .popsection
    "#,
    ra = const offset_of!(Context, ra),
    sp = const offset_of!(Context, sp),
    gp = const offset_of!(Context, gp),
    tp = const offset_of!(Context, tp),
    a0 = const offset_of!(Context, a0),
    a1 = const offset_of!(Context, a1),
    a2 = const offset_of!(Context, a2),
    a3 = const offset_of!(Context, a3),
    a4 = const offset_of!(Context, a4),
    a5 = const offset_of!(Context, a5),
    a6 = const offset_of!(Context, a6),
    a7 = const offset_of!(Context, a7),
    t0 = const offset_of!(Context, t0),
    t1 = const offset_of!(Context, t1),
    t2 = const offset_of!(Context, t2),
    t3 = const offset_of!(Context, t3),
    t4 = const offset_of!(Context, t4),
    t5 = const offset_of!(Context, t5),
    t6 = const offset_of!(Context, t6),
    s0 = const offset_of!(Context, s0),
    s1 = const offset_of!(Context, s1),
    s2 = const offset_of!(Context, s2),
    s3 = const offset_of!(Context, s3),
    s4 = const offset_of!(Context, s4),
    s5 = const offset_of!(Context, s5),
    s6 = const offset_of!(Context, s6),
    s7 = const offset_of!(Context, s7),
    s8 = const offset_of!(Context, s8),
    s9 = const offset_of!(Context, s9),
    s10 = const offset_of!(Context, s10),
    s11 = const offset_of!(Context, s11),
    fault_ip = const offset_of!(Context, fault_ip),
    next_ip = const offset_of!(Context, next_ip),
    stack = sym STACK,
    stack_bytes = const STACK_BYTES,
    fault_stack = sym FAULT_STACK,
    fault_stack_bytes = const FAULT_STACK_BYTES,
    system_call = const super::events::SYSTEM_CALL,
    call = const Syscall::Call.number(),
    reply_recv = const Syscall::ReplyRecv.number(),
    send = const Syscall::Send.number(),
    nb_send = const Syscall::NbSend.number(),
    recv = const Syscall::Recv.number(),
    nb_wait = const Syscall::NbWait.number(),
    yield_ = const Syscall::Yield.number(),
    on_call = sym crate::syscalls::on_call,
    on_reply_recv = sym crate::syscalls::on_reply_recv,
    on_send = sym crate::syscalls::on_send,
    on_receive = sym crate::syscalls::on_receive,
    on_yield = sym crate::syscalls::on_yield,
    on_syscall = sym crate::syscalls::on_syscall,
    on_trap = sym super::events::on_trap,
    on_wake = sym super::events::on_wake,
    on_kernel_fault = sym super::events::on_kernel_fault,
);

// The exit ends reservations at the context's first word.
const _: () = assert!(offset_of!(Context, ra) == 0);
