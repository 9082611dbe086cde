//! What init does differently on each ISA: a folder each, with the same names.
//!
//! | module | what |
//! |---|---|
//! | [`devices`] | the devices of the drivers, and how a driver gets them |
//! | [`clock`] | init's clock |
//! | [`meter`] | what a measurement counts |
//! | [`caps`] | capabilities that only this ISA has |

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

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
mod mmio;
