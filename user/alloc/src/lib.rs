//! Managers of what the root task is given: capability slots, untyped memory, address spaces,
//! and a loader that makes processes of them. No heap: everything has a fixed size.
//!
//! | module | what |
//! |---|---|
//! | [`slots`] | which slots of a CNode are free |
//! | [`memory`] | which pieces of untyped memory are free, RAM and devices |
//! | [`allocator`] | both together: objects and capabilities on demand |
//! | [`space`] | address spaces, with tables made as needed |
//! | [`elf`], [`process`] | programs, and processes that run them |
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod allocator;
pub mod elf;
pub mod memory;
#[expect(
    unsafe_code,
    reason = "copies a program into frames that it has mapped"
)]
pub mod process;
pub mod slots;
pub mod space;

pub use allocator::{Allocator, Object};
pub use elf::Program;
pub use memory::{Block, Memory};
pub use process::{Process, ProcessSpec, Window};
pub use slots::Slots;
pub use space::AddressSpace;

/// Why something could not be had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AllocError {
    /// The kernel refused.
    Kernel(user_api::Error),
    /// No slot is free (or not so many in a row).
    NoSlots,
    /// No untyped memory of this size (log2 of bytes), or none at this address.
    NoMemory {
        /// log2 of the bytes wanted.
        bits: usize,
    },
    /// The table of free memory is full.
    TooManyBlocks,
    /// The range of addresses is used up.
    NoAddresses,
    /// Not a program for this machine.
    NotAProgram(elf::Defect),
}

impl From<user_api::Error> for AllocError {
    fn from(error: user_api::Error) -> Self {
        Self::Kernel(error)
    }
}

/// The answer of a manager.
pub type Result<T = ()> = core::result::Result<T, AllocError>;
