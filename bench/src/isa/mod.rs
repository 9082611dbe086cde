//! What differs between instruction sets: the counter that user mode can read, and loops without
//! a stack.
//!
//! The loops take everything they need in registers, so that thousands of threads can run them:
//!
//! | loop | what it does | its argument |
//! |---|---|---|
//! | `bench_syscall` | a system call without arguments | its number |
//! | `bench_illegal` | an instruction that does not exist | none |
//! | `bench_read` | reads a word | where |

#[cfg(target_arch = "aarch64")]
#[path = "aarch64.rs"]
mod this;
#[cfg(target_arch = "riscv64")]
#[path = "riscv64.rs"]
mod this;
#[cfg(target_arch = "x86_64")]
#[path = "x86_64.rs"]
mod this;

pub(crate) use this::{counter, start_counter};

use abi::Word;

unsafe extern "C" {
    safe fn bench_use_fpu();
    fn bench_syscall();
    fn bench_illegal();
    fn bench_read();
}

/// Changes a register of the FPU, which no compiled code here uses.
#[inline(always)]
pub(crate) fn use_fpu() {
    bench_use_fpu();
}

/// A loop without a stack.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Loop {
    /// A system call without arguments.
    Syscall,
    /// An instruction that does not exist.
    Illegal,
    /// Reads a word.
    Read,
}

impl Loop {
    /// Where it begins.
    pub(crate) fn address(self) -> Word {
        let function: unsafe extern "C" fn() = match self {
            Self::Syscall => bench_syscall,
            Self::Illegal => bench_illegal,
            Self::Read => bench_read,
        };
        function as usize as Word
    }
}
