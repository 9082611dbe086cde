//! What attackers need to know of the instruction set. Each folder has the same names: `machine`,
//! instructions that Rust cannot say; `OPERATIONS`, invocations that the others do not have;
//! `TABLES`, types of tables; and how the supervisor makes what it lends beside objects.

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub(crate) use aarch64::*;

#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "riscv64")]
pub(crate) use riscv64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub(crate) use x86_64::*;

/// The registers of a system call. After it, those that carry an answer have changed.
#[derive(Clone, Copy, Default, Debug)]
#[repr(C)]
pub(crate) struct Registers {
    pub(crate) number: u64,
    pub(crate) cap: u64,
    pub(crate) info: u64,
    pub(crate) words: [u64; 4],
    pub(crate) reply: u64,
    pub(crate) destination: u64,
    /// Some that mean nothing to the kernel.
    pub(crate) others: [u64; 3],
    pub(crate) stack: u64,
    pub(crate) flags: u64,
}
