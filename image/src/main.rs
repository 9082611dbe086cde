//! The bootable binary: vectors, boot code and linker script per architecture; ties the kernel
//! core to the machine. On a host it is an empty program.
//!
//! A folder for each instruction set. What is common asks of it (`arch::…`): `CORES`, how many
//! cores it drives; `put`, a byte on the debug console; `end`, how a machine stops for good;
//! `trap::{resume, idle}`, how the kernel is left, and `trap::by_register`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
mod console;
#[cfg(target_os = "none")]
mod fatal;
#[cfg(target_os = "none")]
mod lock;
#[cfg(target_os = "none")]
mod once;
#[cfg(target_os = "none")]
mod options;
#[cfg(target_os = "none")]
mod syscalls;
#[cfg(all(
    target_os = "none",
    any(target_arch = "aarch64", target_arch = "riscv64")
))]
mod tree;
#[cfg(target_os = "none")]
mod watch;

#[cfg(all(target_os = "none", target_arch = "riscv64"))]
#[path = "riscv64/mod.rs"]
mod arch;
#[cfg(all(target_os = "none", target_arch = "aarch64"))]
#[path = "aarch64/mod.rs"]
mod arch;
#[cfg(all(target_os = "none", target_arch = "x86_64"))]
#[path = "x86_64/mod.rs"]
mod arch;

#[cfg(not(target_os = "none"))]
fn main() {}
