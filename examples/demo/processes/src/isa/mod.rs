//! What drivers and clocks are on each ISA: a folder each, with the same names.
//!
//! | module | what |
//! |---|---|
//! | [`serial`] | the serial line's device |
//! | [`timer`] | the device that ticks |
//! | [`clock`] | the processor's counter, where user code may read it |

#[cfg(target_arch = "aarch64")]
mod aarch64;
#[cfg(target_arch = "aarch64")]
pub use aarch64::*;

#[cfg(target_arch = "riscv64")]
mod riscv64;
#[cfg(target_arch = "riscv64")]
pub use riscv64::*;

#[cfg(target_arch = "x86_64")]
mod x86_64;
#[cfg(target_arch = "x86_64")]
pub use x86_64::*;

#[cfg(any(target_arch = "aarch64", target_arch = "riscv64"))]
#[expect(unsafe_code, reason = "reads and writes device registers")]
pub mod mmio;
