//! Instructions that tests execute.

use crate::threads::{Board, Body};
use abi::Word;
use core::arch::asm;

/// The time.
#[expect(unsafe_code, reason = "reads a counter")]
pub(super) fn ticks() -> u64 {
    let ticks;
    // SAFETY: the instruction only reads.
    unsafe { asm!("rdtime {}", out(reg) ticks) }
    ticks
}

/// Calls the code at an address.
#[expect(
    unsafe_code,
    reason = "tests execute memory that they have written, or that is not there"
)]
pub(crate) fn call(address: Word) -> Word {
    let answer;
    // SAFETY: the code there follows the C convention, or the call faults.
    unsafe { asm!("jalr {}", in(reg) address, lateout("a0") answer, clobber_abi("C")) }
    answer
}

/// A function that answers 0x2a: `li a0, 0x2a; ret`.
pub(crate) const ANSWER_42: [u8; 8] = [0x13, 0x05, 0xa0, 0x02, 0x67, 0x80, 0, 0];

/// What was written at an address is about to be executed.
#[expect(unsafe_code, reason = "makes what was written visible to fetches")]
pub(crate) fn before_executing(_: Word) {
    // SAFETY: orders accesses.
    unsafe { asm!("fence.i") }
}

/// Executes an undefined instruction. There are no flags; an answer of 1 is as with carry.
#[expect(unsafe_code, reason = "raises an exception")]
pub(crate) fn undefined() -> u64 {
    // SAFETY: the handler goes on behind the instruction: a write to a counter.
    unsafe { asm!(".4byte 0xc0001073") }
    1
}

/// Bytes of that instruction, and what its exception is.
pub(crate) const UNDEFINED_BYTES: Word = 4;
pub(crate) const UNDEFINED: Word = 2;

/// Exceptions, and their causes.
pub(crate) fn exceptions() -> [(Body, Word); 3] {
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn undefined(_: &'static Board) {
        // SAFETY: faults; the handler never lets it go on.
        unsafe { asm!(".4byte 0xc0001073") }
    }
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn privileged(_: &'static Board) {
        // SAFETY: as above.
        unsafe { asm!("csrr {}, sstatus", out(reg) _) }
    }
    #[expect(unsafe_code, reason = "raises exceptions")]
    fn breakpoint(_: &'static Board) {
        // SAFETY: as above.
        unsafe { asm!("ebreak") }
    }
    [
        (undefined, UNDEFINED),
        (privileged, UNDEFINED),
        (breakpoint, 3),
    ]
}

/// The breakpoint instruction.
#[expect(unsafe_code, reason = "raises a break exception")]
pub(crate) fn break_instruction() {
    // SAFETY: the handler goes on behind the instruction.
    unsafe { asm!("ebreak") }
}

/// Sends a number through a floating-point register.
#[expect(unsafe_code, reason = "uses a register of the FPU")]
pub(crate) fn by_floating_point(value: u64) -> u64 {
    let answer: u64;
    // SAFETY: the compiler uses no such register on this target.
    unsafe {
        asm!(
            ".option push", ".option arch, +d",
            "fmv.d.x ft0, {}", "fmv.x.d {}, ft0",
            ".option pop",
            in(reg) value, lateout(reg) answer,
        );
    }
    answer
}

/// The cause of a floating-point instruction that is forbidden.
pub(crate) const NO_FLOATING_POINT: Word = 2;

/// Puts numbers into floating-point registers.
#[expect(
    unsafe_code,
    reason = "uses registers that the compiler does not use on this target"
)]
pub(crate) fn set_vectors([first, second, third]: [u64; 3]) {
    // SAFETY: the compiler uses no such register here.
    unsafe {
        asm!(
            ".option push", ".option arch, +d",
            "fmv.d.x f0, {}", "fmv.d.x f15, {}", "fmv.d.x f31, {}",
            ".option pop",
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
            ".option push", ".option arch, +d",
            "fmv.x.d {}, f0", "fmv.x.d {}, f15", "fmv.x.d {}, f31",
            ".option pop",
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
    unsafe { asm!("mv {}, tp", out(reg) address) }
    address
}

/// The third word at the thread register.
#[expect(unsafe_code, reason = "reads memory by the thread register")]
pub(crate) fn word_by_thread_pointer() -> Word {
    let word: Word;
    // SAFETY: there is memory, says the caller.
    unsafe { asm!("ld {}, 16(tp)", out(reg) word) }
    word
}

/// Where the IPC buffer's address is, in words from the thread pointer.
pub(crate) const IPC_BUFFER_WORD: isize = -1;

/// Reads an address, wherever that is.
#[expect(unsafe_code, reason = "accesses memory that is not there")]
pub(crate) fn read(address: Word) {
    // SAFETY: faults, or reads what is mapped.
    unsafe { asm!("ld {0}, 0({0})", inout(reg) address => _, options(nostack)) }
}

/// Reserves the word at an address, yields, and stores to it on condition that the reservation
/// holds. 0 if it was stored.
#[expect(unsafe_code, reason = "uses a reservation across a system call")]
pub(crate) fn conditional_store_after_yield(address: Word) -> Word {
    let failed: Word;
    // SAFETY: the word is the test's own; Yield changes no register.
    unsafe {
        asm!(
            "lr.d {failed}, ({address})",
            "ecall",
            "sc.d {failed}, zero, ({address})",
            address = in(reg) address,
            failed = out(reg) failed,
            in("a7") abi::Syscall::Yield.number(),
        );
    }
    failed
}
