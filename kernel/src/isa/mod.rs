//! What an instruction set means to the API: which objects exist, what a page-table entry
//! says, which registers a thread has. Pure data and arithmetic; no instruction is executed
//! here, so every ISA's code compiles and runs on every host.
//!
//! The one place that selects: the rest of the kernel says `isa::…`.

#[cfg(isa = "aarch64")]
mod aarch64;
#[cfg(isa = "aarch64")]
pub use aarch64::*;

#[cfg(isa = "x86_64")]
mod x86_64;
#[cfg(isa = "x86_64")]
pub use x86_64::*;

#[cfg(isa = "riscv64")]
mod riscv64;
#[cfg(isa = "riscv64")]
pub use riscv64::*;
