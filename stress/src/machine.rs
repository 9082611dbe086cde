//! Instructions that Rust cannot say: a system call with any registers, and ways to fault.

use core::arch::global_asm;

/// The registers of a system call. After it, those that carry an answer have changed.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub(crate) struct Registers {
    pub(crate) rdx: u64,
    pub(crate) rdi: u64,
    pub(crate) rsi: u64,
    pub(crate) r10: u64,
    pub(crate) r8: u64,
    pub(crate) r9: u64,
    pub(crate) r15: u64,
    pub(crate) r12: u64,
    pub(crate) r13: u64,
    pub(crate) rax: u64,
    pub(crate) rbp: u64,
    pub(crate) r14: u64,
    pub(crate) rsp: u64,
    pub(crate) flags: u64,
}

// Whatever happens to the registers on the way, what the compiler wants to find again is on the
// stack, and only `rbx` has to come back for that.
global_asm!(
    ".section .text.stress_syscall, \"ax\", @progbits",
    ".global stress_syscall",
    "stress_syscall:",
    "push rbx",
    "push rbp",
    "push r12",
    "push r13",
    "push r14",
    "push r15",
    "push rdi",
    "mov rbx, rsp",
    "mov rax, rdi",
    "mov rdx, [rax]",
    "mov rdi, [rax + 8]",
    "mov rsi, [rax + 16]",
    "mov r10, [rax + 24]",
    "mov r8, [rax + 32]",
    "mov r9, [rax + 40]",
    "mov r15, [rax + 48]",
    "mov r12, [rax + 56]",
    "mov r13, [rax + 64]",
    "mov rbp, [rax + 80]",
    "mov r14, [rax + 88]",
    "mov rcx, [rax + 96]",
    "push qword ptr [rax + 104]",
    "mov rax, [rax + 72]",
    "popfq",
    "mov rsp, rcx",
    "syscall",
    ".global stress_after_syscall",
    "stress_after_syscall:",
    "mov rsp, rbx",
    "push 0x202",
    "popfq",
    "pop rcx",
    "mov [rcx + 8], rdi",
    "mov [rcx + 16], rsi",
    "mov [rcx + 24], r10",
    "mov [rcx + 32], r8",
    "mov [rcx + 40], r9",
    "mov [rcx + 48], r15",
    "pop r15",
    "pop r14",
    "pop r13",
    "pop r12",
    "pop rbp",
    "pop rbx",
    "ret",
    // For threads that somebody has started with any registers: calls without a stack.
    ".global stress_stub",
    "stress_stub:",
    "imul rbx, rbx, 0x5851f42d",
    "add rbx, 0x14057b7e",
    "mov rdx, -1",
    "mov rdi, rbx",
    "and rdi, 0xff",
    "mov rsi, rbx",
    "and rsi, 0x3fff3",
    "mov r10, rbx",
    "ror r10, 7",
    "and r10, 0xff",
    "syscall",
    "jmp stress_stub",
    ".previous",
);

unsafe extern "C" {
    fn stress_syscall(registers: *mut Registers);
    fn stress_stub();
    fn stress_trap(n: u64, at: u64);
    fn stress_after_syscall();
    /// Made by the linker: where initialised data ends. Code and constants lie before it.
    static edata: u8;
}

/// Where the part of the image ends that attackers need.
pub(crate) fn code_end() -> usize {
    (&raw const edata).addr()
}

/// Where a thread may be started with any registers.
pub(crate) fn stub() -> u64 {
    stress_stub as *const () as u64
}

/// Where a thread goes on after a system call.
pub(crate) fn after_syscall() -> u64 {
    stress_after_syscall as *const () as u64
}

/// Makes a system call with these registers.
pub(crate) fn syscall(registers: &mut Registers) {
    // SAFETY: what the calling convention keeps is kept. The kernel may change memory that the
    // caller has no references to; whatever else happens to an attacker is its own misfortune.
    unsafe { stress_syscall(registers) }
}

/// Does something that most processors refuse; `n` chooses, `at` is an address without sense.
pub(crate) fn trap(n: u64, at: u64) {
    // SAFETY: `n` is below the table's length; the calling convention is kept by all that returns.
    // What faults comes back only if somebody lets it.
    unsafe { stress_trap(n % TRAPS, at) }
}

/// How many ways there are.
const TRAPS: u64 = 24;

// `rsi` is the address. Each ends with a return, for those that no fault ended.
global_asm!(
    ".section .text.stress_trap, \"ax\", @progbits",
    ".global stress_trap",
    "stress_trap:",
    "lea rax, [rip + 2f]",
    "jmp [rax + rdi * 8]",
    "10: ud2; ret",
    "11: int3; ret",
    "12: xor ecx, ecx; div ecx; ret",
    "13: mov rax, [rsi]; ret",
    "14: mov [rsi], rdi; ret",
    "15: jmp rsi",
    "16: cli; ret",
    "17: hlt; ret",
    "18: in al, 0x80; ret",
    "19: out 0x80, al; ret",
    "20: mov rax, cr3; ret",
    "21: sysenter; ret",
    "22: int 0x80; ret",
    "23: int 0xf3; ret",
    "24: int 14; ret",
    "25: push 0x302; popfq; nop; nop; ret",
    "26: mov rax, rsp; mov rsp, rsi; push rcx; mov rsp, rax; ret",
    "27: fninit; push 0; fldcw [rsp]; pop rax; fldz; fld1; fdivrp; fwait; ret",
    "28: push 0; ldmxcsr [rsp]; pop rax; xorps xmm1, xmm1; divss xmm1, xmm1; ret",
    "29: mov ds, si; ret",
    "30: .byte 0xf1; ret",
    "31: mov ecx, esi; rdmsr; ret",
    "32: xor ecx, ecx; xor edx, edx; mov eax, esi; xsetbv; ret",
    "33: movq xmm0, rsi; paddq xmm0, xmm0; ret",
    ".section .rodata.stress_trap, \"a\", @progbits",
    ".balign 8",
    "2: .quad 10b, 11b, 12b, 13b, 14b, 15b, 16b, 17b, 18b, 19b, 20b, 21b",
    ".quad 22b, 23b, 24b, 25b, 26b, 27b, 28b, 29b, 30b, 31b, 32b, 33b",
    ".previous",
    ".previous",
);
