//! Instructions that tests execute.

use crate::threads::{Board, Body};
use abi::Word;
use core::arch::asm;

/// The time-stamp counter.
#[expect(unsafe_code, reason = "reads a counter")]
pub(super) fn ticks() -> u64 {
    // SAFETY: the instruction only reads, and user code may execute it.
    unsafe { core::arch::x86_64::_rdtsc() }
}

/// Calls the code at an address.
#[expect(
    unsafe_code,
    reason = "tests execute memory that they have written, or that is not there"
)]
pub(crate) fn call(address: Word) -> Word {
    let answer;
    // SAFETY: the code there follows the C convention, or the call faults.
    unsafe { asm!("call {}", in(reg) address, lateout("rax") answer, clobber_abi("C")) }
    answer
}

/// A function that answers 0x2a: `mov eax, 0x2a; ret`.
pub(crate) const ANSWER_42: [u8; 8] = [0xb8, 0x2a, 0, 0, 0, 0xc3, 0, 0];

/// What was written at an address is about to be executed: caches agree by themselves.
pub(crate) fn before_executing(_: Word) {}

/// Executes an undefined instruction, and answers the carry flag that it comes back with.
#[expect(unsafe_code, reason = "raises an exception")]
pub(crate) fn undefined() -> u64 {
    let carry: u64;
    // SAFETY: the handler goes on behind the instruction.
    unsafe { asm!("clc", "ud2", "mov {0:e}, 0", "setc {0:l}", out(reg) carry) }
    carry
}

/// Bytes of that instruction, and what its exception is.
pub(crate) const UNDEFINED_BYTES: Word = 2;
pub(crate) const UNDEFINED: Word = 6;

/// Exceptions, and their numbers.
pub(crate) fn exceptions() -> [(Body, Word); 3] {
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn divide(_: &'static Board) {
        // SAFETY: faults; the handler never lets it go on.
        unsafe { asm!("xor edx, edx", "xor eax, eax", "div edx", out("eax") _, out("edx") _) }
    }
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn halt(_: &'static Board) {
        // SAFETY: as above.
        unsafe { asm!("hlt") }
    }
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn port(_: &'static Board) {
        // SAFETY: as above.
        unsafe { asm!("in al, 0x70", out("al") _) }
    }
    [(divide, 0), (halt, 13), (port, 13)]
}

/// The breakpoint instruction.
#[expect(unsafe_code, reason = "raises a break exception")]
pub(crate) fn break_instruction() {
    // SAFETY: the handler goes on behind the instruction.
    unsafe { asm!("int3") }
}

/// Sends a number through a floating-point register.
#[expect(unsafe_code, reason = "uses a register of the FPU")]
pub(crate) fn by_floating_point(value: u64) -> u64 {
    let answer: u64;
    // SAFETY: the compiler uses no such register on this target.
    unsafe { asm!("movq xmm0, {}", "movq {}, xmm0", in(reg) value, lateout(reg) answer) }
    answer
}

/// The exception of a floating-point instruction that is forbidden.
pub(crate) const NO_FLOATING_POINT: Word = 7;

/// Puts numbers into vector registers.
#[expect(
    unsafe_code,
    reason = "uses registers that the compiler does not use on this target"
)]
pub(crate) fn set_vectors([first, second, third]: [u64; 3]) {
    // SAFETY: the compiler uses no vector register here.
    unsafe {
        asm!(
            "movq xmm0, {0}", "movq xmm7, {1}", "movq xmm15, {2}",
            in(reg) first, in(reg) second, in(reg) third,
        );
    }
}

/// What is in them.
#[expect(
    unsafe_code,
    reason = "uses registers that the compiler does not use on this target"
)]
pub(crate) fn vectors() -> [u64; 3] {
    let (first, second, third): (u64, u64, u64);
    // SAFETY: only reads them.
    unsafe {
        asm!(
            "movq {0}, xmm0", "movq {1}, xmm7", "movq {2}, xmm15",
            out(reg) first, out(reg) second, out(reg) third,
        );
    }
    [first, second, third]
}

/// The first word at the thread register, which is its own address.
#[expect(unsafe_code, reason = "reads memory by the thread register")]
pub(crate) fn thread_pointer() -> Word {
    let address: Word;
    // SAFETY: threads of the run-time system have a block there.
    unsafe { asm!("mov {}, fs:[0]", out(reg) address) }
    address
}

/// The third word at the thread register.
#[expect(unsafe_code, reason = "reads memory by the thread register")]
pub(crate) fn word_by_thread_pointer() -> Word {
    let word: Word;
    // SAFETY: threads of the run-time system have a block there.
    unsafe { asm!("mov {}, fs:[16]", out(reg) word) }
    word
}

/// Where the IPC buffer's address is, in words from the thread pointer.
pub(crate) const IPC_BUFFER_WORD: isize = 1;
