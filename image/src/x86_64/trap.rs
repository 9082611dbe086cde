//! From user mode into the kernel and back.
//!
//! `SYSCALL` saves the running thread's registers in its [`Context`] (not `rcx`, `r11` and
//! `rsp`, which user code gives up), takes the kernel stack and goes on in [`crate::syscalls`].
//! Traps come by a stub per vector, first on a small stack that both address spaces show, and go on
//! in [`super::events`]. From neither anything returns: they end in [`resume`], which leaves by
//! `SYSRET` if that restores all there is to restore, else by `IRET`, or in [`idle`].
//!
//! The stubs exist in four variants: with FSGSBASE, user code can change its segment bases, so
//! they are read when another thread is about to run; without, they are written if they differ
//! from what was written last. With isolation, entry and exit change CR3. Which variant is used
//! is decided once, at boot.
//!
//! While one core is driven, its area and its stack are at addresses that the stubs know, and GS
//! stays user mode's.

use super::core_area::CoreArea;
use super::segments::{USER_CODE, USER_DATA};
use abi::syscall::Syscall;
use core::arch::global_asm;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU64, Ordering};
use kernel::Kernel;
use kernel::isa::Context;
use machine::x86_64::registers::msr;

/// Bytes from one vector's stub to the next.
const STUB_BYTES: usize = 16;
/// The exceptions for which the processor pushes an error code.
const WITH_ERROR_CODE: u32 = 1 << 8
    | 1 << 10
    | 1 << 11
    | 1 << 12
    | 1 << 13
    | 1 << 14
    | 1 << 17
    | 1 << 21
    | 1 << 29
    | 1 << 30;

/// A set of stubs.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(super) struct Variant {
    /// Where `SYSCALL` enters.
    pub(super) syscall: u64,
    trap: u64,
    /// Where a thread is resumed: its register file's address is in `rax`.
    resume: u64,
}

/// Where system calls leave: the selected variant's exit for a thread.
static WAY_OUT: AtomicU64 = AtomicU64::new(0);
/// Where the stubs of the vectors go on.
#[unsafe(link_section = ".entry.data")]
#[unsafe(no_mangle)]
static TRAP_TARGET: AtomicU64 = AtomicU64::new(0);
/// The kernel's CR3, for faults that cannot trust GS; 0 if CR3 stays as it is.
#[unsafe(link_section = ".entry.data")]
#[unsafe(no_mangle)]
static FAULT_CR3: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" {
    safe static trap_stubs: u8;
    safe static entry_variants: [Variant; 4];
}

/// Where the stub of `vector` is.
pub(super) fn stub(vector: usize) -> u64 {
    // A vector has eight bits; the stubs are part of the image.
    let offset = (vector % 256) * STUB_BYTES;
    (&raw const trap_stubs).addr().wrapping_add(offset) as u64
}

/// Selects the stubs. The answer's `syscall` is for the processor.
pub(super) fn select(fsgsbase: bool, isolated: bool, kernel_cr3: u64) -> Variant {
    let [plain, with_bases, isolated_plain, isolated_with_bases] = entry_variants;
    let variant = match (isolated, fsgsbase) {
        (false, false) => plain,
        (false, true) => with_bases,
        (true, false) => isolated_plain,
        (true, true) => isolated_with_bases,
    };
    WAY_OUT.store(variant.resume, Ordering::Relaxed);
    TRAP_TARGET.store(variant.trap, Ordering::Relaxed);
    FAULT_CR3.store(if isolated { kernel_cr3 } else { 0 }, Ordering::Relaxed);
    variant
}

/// The same reference: addresses of the kernel's fields are best made where they are used.
#[inline(always)]
pub(crate) fn by_register(kernel: &mut Kernel) -> &mut Kernel {
    kernel
}

/// Leaves the kernel: runs the thread whose register file is at `context`.
///
/// What Rust has put on the stack is left behind, and so is what it promised to restore: the stubs
/// load every register.
#[inline(always)]
pub(crate) fn resume(context: u64) -> ! {
    // SAFETY: whoever is here was entered by a stub, so the variant has been selected; its exit
    // expects exactly this.
    unsafe {
        core::arch::asm!(
            "jmp qword ptr [rip + {exit}]",
            exit = sym WAY_OUT,
            in("rax") context,
            options(noreturn)
        )
    }
}

/// Leaves the kernel when there is nobody to run: waits for an interrupt, which enters anew.
pub(crate) fn idle() -> ! {
    // SAFETY: traps that hit the kernel's code start on the stack from its top.
    unsafe { core::arch::asm!("2:", "sti", "hlt", "jmp 2b", options(noreturn)) }
}

global_asm!(
    r#"
    # Resumes the context in rax.
    .macro exit name, with_bases, isolated
    \name\()_resume:
    .if \with_bases
        cmp rax, [rip + {areas} + {current}]
        je \name\()_bases_done
        rdfsbase rdx
        rdgsbase rcx
        # The thread that ran before, whose bases these are. Its memory may be free again, but is
        # nothing else yet.
        mov rsi, [rip + {areas} + {current}]
        mov [rsi + {fs_base}], rdx
        mov [rsi + {gs_base}], rcx
        mov [rip + {areas} + {current}], rax
        mov rsi, [rax + {fs_base}]
        cmp rdx, rsi
        je 1f
        wrfsbase rsi
    1:  cmp rcx, [rax + {gs_base}]
        jne \name\()_bases
    .else
        mov rdx, [rax + {fs_base}]
        mov rcx, [rax + {gs_base}]
        cmp rax, [rip + {areas} + {current}]
        jne \name\()_bases
        cmp rdx, [rip + {areas} + {user_fs}]
        jne \name\()_bases
        cmp rcx, [rip + {areas} + {user_gs}]
        jne \name\()_bases
        mov [rip + {areas} + {current}], rax
    .endif
    \name\()_bases_done:
        # With a return address that is not canonical, SYSRET would fault in the kernel, on the
        # user's stack. What SYSCALL left is canonical, since the last page below the hole is
        # never mapped; whoever writes another one clears the flag.
        cmp dword ptr [rax + {fast_return}], 0
        je \name\()_slow
        mov rcx, [rax + {next_ip}]
        mov r11, [rax + {rflags}]
        mov rdi, [rax + {rdi}]
        mov rsi, [rax + {rsi}]
        mov r10, [rax + {r10}]
        mov r8, [rax + {r8}]
        mov r9, [rax + {r9}]
        mov r15, [rax + {r15}]
        mov r12, [rax + {r12}]
        mov r13, [rax + {r13}]
        mov rdx, [rax + {rdx}]
        mov rbx, [rax + {rbx}]
        mov rbp, [rax + {rbp}]
        mov r14, [rax + {r14}]
    .if \isolated
        mov rsp, [rax + {rsp}]
        mov [rip + {areas} + {scratch}], rsp
        mov rax, [rax + {rax}]
        mov rsp, [rip + {areas} + {user_cr3}]
        mov cr3, rsp
        mov rsp, [rip + {areas} + {scratch}]
    .else
        mov rsp, [rax + {rsp}]
        mov rax, [rax + {rax}]
    .endif
        sysretq

    \name\()_slow:
        mov rsp, [rip + {areas} + {entry_stack_top}]
        # IRET would fault in the kernel too: such a thread continues at 0, and faults there.
        mov rcx, [rax + {next_ip}]
        mov rdx, rcx
        shl rdx, 16
        sar rdx, 16
        cmp rdx, rcx
        je 1f
        xor ecx, ecx
    1:  push {user_data}
        push qword ptr [rax + {rsp}]
        push qword ptr [rax + {rflags}]
        push {user_code}
        push rcx
        mov rcx, [rax + {rcx}]
        mov r11, [rax + {r11}]
        mov rdi, [rax + {rdi}]
        mov rsi, [rax + {rsi}]
        mov r10, [rax + {r10}]
        mov r8, [rax + {r8}]
        mov r9, [rax + {r9}]
        mov r15, [rax + {r15}]
        mov r12, [rax + {r12}]
        mov r13, [rax + {r13}]
        mov rdx, [rax + {rdx}]
        mov rbx, [rax + {rbx}]
        mov rbp, [rax + {rbp}]
        mov r14, [rax + {r14}]
    .if \isolated
        push qword ptr [rax + {rax}]
        mov rax, [rip + {areas} + {user_cr3}]
        mov cr3, rax
        pop rax
    .else
        mov rax, [rax + {rax}]
    .endif
        iretq

    \name\()_bases:
    .if \with_bases
        mov rcx, [rax + {gs_base}]
        wrgsbase rcx
    .else
        mov [rip + {areas} + {current}], rax
        mov r8, rax
        mov [rip + {areas} + {user_fs}], rdx
        mov [rip + {areas} + {user_gs}], rcx
        mov r9, rcx
        mov eax, edx
        shr rdx, 32
        mov ecx, {fs_base_msr}
        wrmsr
        mov rdx, r9
        mov eax, edx
        shr rdx, 32
        mov ecx, {gs_base_msr}
        wrmsr
        mov rax, r8
    .endif
        jmp \name\()_bases_done
    .endm

    .macro entry name, with_bases, isolated
    .balign 64
    \name\()_syscall:
    .if \isolated
        mov rsp, [rip + {areas} + {kernel_cr3}]
        mov cr3, rsp
    .endif
        mov rsp, [rip + {areas} + {current}]
        mov [rsp + {rdi}], rdi
        mov [rsp + {rsi}], rsi
        mov [rsp + {r10}], r10
        mov [rsp + {r8}], r8
        mov [rsp + {r9}], r9
        mov [rsp + {r15}], r15
        mov [rsp + {r12}], r12
        mov [rsp + {r13}], r13
        mov [rsp + {rdx}], rdx
        mov [rsp + {rax}], rax
        mov [rsp + {rbx}], rbx
        mov [rsp + {rbp}], rbp
        mov [rsp + {r14}], r14
        mov [rsp + {rflags}], r11
        mov [rsp + {next_ip}], rcx
        sub rcx, 2
        mov [rsp + {fault_ip}], rcx
        mov dword ptr [rsp + {fast_return}], 1
        # As after a call: none of these returns.
        lea rsp, [rip + {stack} + {stack_size} - 8]
        cmp rdx, {call}
        je {on_call}
        cmp rdx, {reply_recv}
        je {on_reply_recv}
        mov rdi, rdx
        lea rcx, [rdx - ({nb_send})]
        cmp rcx, {send} - ({nb_send})
        jbe {on_send}
        lea rcx, [rdx - ({nb_wait})]
        cmp rcx, {recv} - ({nb_wait})
        jbe {on_receive}
        cmp rdx, {yield_}
        je {on_yield}
        jmp {on_syscall}

        exit \name, \with_bases, \isolated

    # On the stack: vector, error code, and what the processor pushed.
    .balign 64
    \name\()_trap:
        test byte ptr [rsp + 24], 3
        jz \name\()_from_kernel
        push rax
    .if \isolated
        mov rax, [rip + {areas} + {kernel_cr3}]
        mov cr3, rax
    .endif
        mov rax, [rip + {areas} + {current}]
        mov [rax + {rdi}], rdi
        mov [rax + {rsi}], rsi
        mov [rax + {r10}], r10
        mov [rax + {r8}], r8
        mov [rax + {r9}], r9
        mov [rax + {r15}], r15
        mov [rax + {r12}], r12
        mov [rax + {r13}], r13
        mov [rax + {rdx}], rdx
        mov [rax + {rbx}], rbx
        mov [rax + {rbp}], rbp
        mov [rax + {r14}], r14
        mov [rax + {rcx}], rcx
        mov [rax + {r11}], r11
        pop rcx
        mov [rax + {rax}], rcx
        pop rdi
        pop rsi
        pop rcx
        mov [rax + {next_ip}], rcx
        mov [rax + {fault_ip}], rcx
        pop rcx
        pop rcx
        mov [rax + {rflags}], rcx
        pop rcx
        mov [rax + {rsp}], rcx
        mov qword ptr [rax + {fast_return}], 0
        lea rsp, [rip + {stack} + {stack_size} - 8]
        # Interrupt gates leave the alignment check flag alone, with which user mode would lift
        # SMAP, and the direction flag.
        push 2
        popfq
        mov rdx, rax
        jmp {on_trap}

    # The kernel runs with interrupts off: what interrupts it, interrupts idling.
    \name\()_from_kernel:
        cmp qword ptr [rsp], 32
        jb kernel_fault
        mov rdi, [rsp]
        xor esi, esi
        xor edx, edx
        lea rsp, [rip + {stack} + {stack_size} - 8]
        jmp {on_trap}
    .endm

    .pushsection .entry.text, "ax", @progbits
    entry plain, 0, 0
    entry with_bases, 1, 0
    entry isolated_plain, 0, 1
    entry isolated_with_bases, 1, 1

    # An NMI hits anywhere.
    kernel_fault:
        # A debug trap that user mode set up for the first kernel instruction is let go.
        cmp qword ptr [rsp], 1
        jne 1f
        add rsp, 16
        iretq
    1:  cmp qword ptr [rsp], 13
        jne 1f
        # An access to a model-specific register that does not exist says so.
        lea rdi, [rip + guarded_msr_read_at]
        cmp rdi, [rsp + 16]
        je 3f
        lea rdi, [rip + guarded_msr_write_at]
        cmp rdi, [rsp + 16]
        jne 1f
    3:  lea rdi, [rip + guarded_msr_failed]
        mov [rsp + 16], rdi
        add rsp, 16
        iretq
    1:  mov rdi, rsp
        mov rax, [rip + {fault_cr3}]
        test rax, rax
        jz 2f
        mov cr3, rax
    2:  and rsp, -16
        cld
        call {on_kernel_fault}
        ud2

    .balign 16
    .global trap_stubs
    trap_stubs:
    .set vector, 0
    .rept 256
        .balign {stub_bytes}
        .if vector >= 32 || (({with_error_code} >> vector) & 1) == 0
        push 0
        .endif
        .if vector < 128
        push vector
        .else
        # The shorter encoding would be sign-extended.
        .byte 0x68
        .long vector
        .endif
        jmp qword ptr [rip + {trap_target}]
        .set vector, vector + 1
    .endr
    .popsection

    .pushsection .rodata, "a", @progbits
    .balign 8
    .global entry_variants
    entry_variants:
        .quad plain_syscall, plain_trap, plain_resume
        .quad with_bases_syscall, with_bases_trap, with_bases_resume
        .quad isolated_plain_syscall, isolated_plain_trap, isolated_plain_resume
        .quad isolated_with_bases_syscall, isolated_with_bases_trap
        .quad isolated_with_bases_resume
    .popsection
    "#,
    rdi = const offset_of!(Context, rdi),
    rsi = const offset_of!(Context, rsi),
    r10 = const offset_of!(Context, r10),
    r8 = const offset_of!(Context, r8),
    r9 = const offset_of!(Context, r9),
    r15 = const offset_of!(Context, r15),
    r12 = const offset_of!(Context, r12),
    r13 = const offset_of!(Context, r13),
    rdx = const offset_of!(Context, rdx),
    rax = const offset_of!(Context, rax),
    rbx = const offset_of!(Context, rbx),
    rbp = const offset_of!(Context, rbp),
    r14 = const offset_of!(Context, r14),
    rcx = const offset_of!(Context, rcx),
    r11 = const offset_of!(Context, r11),
    rsp = const offset_of!(Context, rsp),
    next_ip = const offset_of!(Context, next_ip),
    fault_ip = const offset_of!(Context, fault_ip),
    rflags = const offset_of!(Context, rflags),
    fs_base = const offset_of!(Context, fs_base),
    gs_base = const offset_of!(Context, gs_base),
    fast_return = const offset_of!(Context, fast_return),
    current = const offset_of!(CoreArea, current),
    areas = sym super::core_area::AREAS,
    stack = sym super::core_area::BOOT_STACK,
    stack_size = const super::core_area::STACK_SIZE,
    entry_stack_top = const offset_of!(CoreArea, entry_stack_top),
    kernel_cr3 = const offset_of!(CoreArea, kernel_cr3),
    user_cr3 = const offset_of!(CoreArea, user_cr3),
    user_gs = const offset_of!(CoreArea, user_gs),
    user_fs = const offset_of!(CoreArea, user_fs),
    scratch = const offset_of!(CoreArea, scratch),
    user_data = const USER_DATA,
    user_code = const USER_CODE,
    fs_base_msr = const msr::FS_BASE,
    gs_base_msr = const msr::GS_BASE,
    with_error_code = const WITH_ERROR_CODE,
    stub_bytes = const STUB_BYTES,
    trap_target = sym TRAP_TARGET,
    fault_cr3 = sym FAULT_CR3,
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
    on_kernel_fault = sym super::events::on_kernel_fault,
);
