//! The instruction that enters the kernel, and what comes back.
//!
//! The only place that knows which machine this is: the stub of the target's ISA, or on a host
//! the [`mock`] that records what would have been sent and answers from a script.

use abi::Word;

#[cfg(all(target_os = "none", target_arch = "x86_64"))]
#[path = "x86_64.rs"]
#[expect(unsafe_code, reason = "the instruction that enters the kernel")]
mod entry;
#[cfg(all(target_os = "none", target_arch = "aarch64"))]
#[path = "aarch64.rs"]
#[expect(unsafe_code, reason = "the instruction that enters the kernel")]
mod entry;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
#[path = "riscv64.rs"]
#[expect(unsafe_code, reason = "the instruction that enters the kernel")]
mod entry;
#[cfg(not(target_os = "none"))]
pub mod mock;
#[cfg(not(target_os = "none"))]
use mock as entry;

pub(crate) use entry::{enter, thread_ipc_buffer};

/// Message words that travel in registers.
pub const REGISTER_WORDS: usize = 4;

/// The registers that a system call reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// The invoked capability, or the source of a receive.
    pub cap: Word,
    /// Message info.
    pub info: Word,
    /// Message words 0 to 3.
    pub words: [Word; REGISTER_WORDS],
    /// The reply object of a receive; the destination of `NbSendWait`.
    pub reply: Word,
    /// The destination of `NbSendRecv`.
    pub destination: Word,
}

/// The registers that a system call writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Exit {
    /// Badge of the sender, or what a debug call returns.
    pub badge: Word,
    /// Message info.
    pub info: Word,
    /// Message words 0 to 3.
    pub words: [Word; REGISTER_WORDS],
}
