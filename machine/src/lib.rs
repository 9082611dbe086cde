//! The seam between what the API means and what the hardware does.
//!
//! [`Machine`] lists the effects that the kernel core needs. [`model`] carries them out on
//! data, on any host; the folders named after an instruction set carry them out on hardware.
//! Which one a build uses is decided here and nowhere else: the core says [`Current`].
#![cfg_attr(machine = "real", no_std)]
#![deny(unsafe_code)]

pub mod address;
pub mod cache;
pub mod debug;
pub mod firmware;
pub mod irq;
pub mod kind;
#[cfg(isa = "aarch64")]
#[path = "layout/aarch64.rs"]
pub mod layout;
#[cfg(isa = "x86_64")]
#[path = "layout/x86_64.rs"]
pub mod layout;
#[cfg(isa = "riscv64")]
#[path = "layout/riscv64.rs"]
pub mod layout;
pub mod population;
pub mod seam;

pub use address::{KernelAddress, PhysicalAddress, Space, VirtualAddress};
pub use irq::Irq;
pub use kind::Kind;
pub use population::Population;
pub use seam::{ArmMachine, Machine, RiscvMachine, Ticks, X86Machine};

#[cfg(machine = "model")]
#[expect(
    unsafe_code,
    reason = "hands out pointers into the arena that stands for memory"
)]
pub mod model;
#[cfg(machine = "model")]
pub use model::Model as Current;

#[cfg(all(machine = "real", isa = "aarch64"))]
#[expect(unsafe_code, reason = "drives the hardware")]
pub mod aarch64;
#[cfg(all(machine = "real", isa = "aarch64"))]
pub use aarch64::Arm as Current;

#[cfg(all(machine = "real", isa = "x86_64"))]
#[expect(unsafe_code, reason = "drives the hardware")]
pub mod x86_64;
#[cfg(all(machine = "real", isa = "x86_64"))]
pub use x86_64::X86 as Current;

#[cfg(all(machine = "real", isa = "riscv64"))]
#[expect(unsafe_code, reason = "drives the hardware")]
pub mod riscv64;
#[cfg(all(machine = "real", isa = "riscv64"))]
pub use riscv64::Riscv as Current;
