//! What an ISA adds: its memory objects, address spaces, registers and devices.
//!
//! Common names, so that portable code can be written: [`Frame`], [`VSpaceRoot`], [`AsidControl`],
//! [`AsidPool`], [`UserContext`] and [`starting_context`], [`MissingTable`], [`VSPACE_OBJECT`].

#[cfg(isa = "aarch64")]
mod aarch64;
#[cfg(isa = "aarch64")]
pub use aarch64::*;

#[cfg(isa = "riscv64")]
mod riscv64;
#[cfg(isa = "riscv64")]
pub use riscv64::*;

#[cfg(isa = "x86_64")]
mod x86_64;
#[cfg(isa = "x86_64")]
pub use x86_64::*;
