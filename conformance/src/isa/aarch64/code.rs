//! Instructions that tests execute.

use crate::threads::{Board, Body};
use abi::Word;
use core::arch::asm;
use user_api::CacheOperation;
use user_runtime::boot::root;

/// Calls the code at an address.
#[expect(
    unsafe_code,
    reason = "tests execute memory that they have written, or that is not there"
)]
pub(crate) fn call(address: Word) -> Word {
    let answer;
    // SAFETY: the code there follows the C convention, or the call faults.
    unsafe { asm!("blr {}", in(reg) address, lateout("x0") answer, clobber_abi("C")) }
    answer
}

/// A function that answers 0x2a: `mov x0, #0x2a; ret`.
pub(crate) const ANSWER_42: [u8; 8] = [0x40, 0x05, 0x80, 0xd2, 0xc0, 0x03, 0x5f, 0xd6];

/// What was written at an address is about to be executed: the caches have to agree.
pub(crate) fn before_executing(address: Word) {
    // An error shows when the code is called.
    let _ = root::VSPACE.maintain(CacheOperation::UnifyInstruction, address, address + 8);
}

/// Executes an undefined instruction, and answers the carry flag that it comes back with.
#[expect(unsafe_code, reason = "raises an exception")]
pub(crate) fn undefined() -> u64 {
    let carry: u64;
    // SAFETY: the handler goes on behind the instruction.
    unsafe { asm!("cmn xzr, xzr", "udf #0", "cset {}, cs", out(reg) carry) }
    carry
}

/// Bytes of that instruction, and what its exception is: class 0, of 32 bits.
pub(crate) const UNDEFINED_BYTES: Word = 4;
pub(crate) const UNDEFINED: Word = 1 << 25;

/// Exceptions, and their syndromes.
pub(crate) fn exceptions() -> [(Body, Word); 2] {
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn undefined(_: &'static Board) {
        // SAFETY: faults; the handler never lets it go on.
        unsafe { asm!("udf #7") }
    }
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn privileged(_: &'static Board) {
        // SAFETY: as above.
        unsafe { asm!("mrs {}, ttbr0_el1", out(reg) _) }
    }
    [(undefined, UNDEFINED), (privileged, UNDEFINED)]
}

/// The breakpoint instruction.
#[expect(unsafe_code, reason = "raises a break exception")]
pub(crate) fn break_instruction() {
    // SAFETY: the handler goes on behind the instruction.
    unsafe { asm!("brk #0") }
}

/// Sends a number through a floating-point register.
#[expect(unsafe_code, reason = "uses a register of the FPU")]
pub(crate) fn by_floating_point(value: u64) -> u64 {
    let answer: u64;
    // SAFETY: the compiler uses no such register on this target.
    unsafe {
        asm!(".arch_extension fp", "fmov d0, {}", "fmov {}, d0", in(reg) value, lateout(reg) answer);
    }
    answer
}

/// The syndrome of a floating-point instruction that is forbidden.
pub(crate) const NO_FLOATING_POINT: Word = 0x1fe0_0000;

/// Puts numbers into vector registers.
#[expect(
    unsafe_code,
    reason = "uses registers that the compiler does not use on this target"
)]
pub(crate) fn set_vectors([first, second, third]: [u64; 3]) {
    // SAFETY: the compiler uses no vector register here.
    unsafe {
        asm!(
            ".arch_extension fp", ".arch_extension simd",
            "mov v0.d[1], {0}", "fmov d15, {1}", "mov v31.d[1], {2}",
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
            ".arch_extension fp", ".arch_extension simd",
            "mov {0}, v0.d[1]", "fmov {1}, d15", "mov {2}, v31.d[1]",
            out(reg) first, out(reg) second, out(reg) third,
        );
    }
    [first, second, third]
}

/// The thread register.
#[expect(unsafe_code, reason = "reads the thread register")]
pub(crate) fn thread_pointer() -> Word {
    let address: Word;
    // SAFETY: reading it has no effect.
    unsafe { asm!("mrs {}, tpidr_el0", out(reg) address) }
    address
}

/// The third word at the thread register.
#[expect(unsafe_code, reason = "reads memory by the thread register")]
pub(crate) fn word_by_thread_pointer() -> Word {
    let word: Word;
    // SAFETY: threads of the run-time system have a block there.
    unsafe { asm!("mrs {0}, tpidr_el0", "ldr {0}, [{0}, #16]", out(reg) word) }
    word
}

/// Where the IPC buffer's address is, in words from the thread pointer.
pub(crate) const IPC_BUFFER_WORD: isize = 1;
