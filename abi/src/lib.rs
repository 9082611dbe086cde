//! The numbers and layouts that user space sees: the seL4-compatible MCS ABI of Linchpin, for all three ISAs.
//!
//! Kernel, user crates, tools and tests take them from here, so they cannot drift apart. Everything is compiled always,
//! whatever the target; what depends on configuration is a function of an [`Isa`], a [`Profile`] and a [`Flavour`], and
//! the constants [`ISA`], [`PROFILE`] and [`FLAVOUR`] are those of this build.
//!
//! | module | what |
//! |---|---|
//! | [`profile`] | ISA, profile, flavour |
//! | [`syscall`], [`invocation`] | what can be asked for, by number |
//! | [`object`], [`cap_type`], [`rights`], [`cnode`] | objects and capabilities |
//! | [`message`], [`ipc_buffer`], [`error`], [`fault`] | what travels in messages |
//! | [`sched`], [`benchmark`] | time and measurement |
//! | [`bootinfo`] | what the root task is told |
//! | [`x86_64`], [`aarch64`], [`riscv64`] | registers, message layouts and limits of an ISA |
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod layout;

pub mod profile;

pub mod invocation;
pub mod syscall;

pub mod cap_type;
pub mod cnode;
pub mod object;
pub mod rights;

pub mod error;
pub mod fault;
pub mod ipc_buffer;
pub mod message;

pub mod benchmark;
pub mod bootinfo;
pub mod sched;

pub mod aarch64;
pub mod riscv64;
pub mod x86_64;

pub use error::{ErrorCode, LookupFailureKind};
pub use fault::FaultType;
pub use invocation::{Invocation, LABELS};
pub use message::MessageInfo;
pub use object::{OBJECT_TYPES, ObjectType};
pub use profile::{FLAVOUR, Flavour, ISA, Isa, PROFILE, Profile};
pub use rights::CapRights;
pub use syscall::Syscall;

/// A machine word: a message word, a capability pointer, an address, a badge.
pub type Word = u64;

/// Bits of a word.
pub const WORD_BITS: usize = Word::BITS as usize;
