//! User space's side of the kernel API: typed capabilities, system calls, errors and faults.
//!
//! Read in this order: [`cap`] (what a capability is here), [`message`] and [`syscalls`] (talking
//! to other threads), [`invoke`] (talking to kernel objects), then [`object`] and [`isa`]: one
//! type per kernel object, one method per invocation. [`error`] and [`fault`] are what may come
//! back. [`debug`] and [`benchmark`] hold the calls of those flavours.
//!
//! **What is safe?** All of it, in the compiler's sense: a system call changes only what the
//! caller holds capabilities to. A program that unmaps its own stack, or retypes memory it still
//! uses, breaks itself as surely as one that overwrites its own file would; capabilities, not
//! the type system, are what limits the damage.
//!
//! **One contract**, kept by the run-time crate: the thread register of every thread that uses
//! this crate points to a control block with the address of the thread's IPC buffer at the place
//! that `sys` documents for the ISA.
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod benchmark;
pub mod cap;
pub mod debug;
pub mod error;
pub mod fault;
pub mod invoke;
#[expect(
    unsafe_code,
    reason = "words of the IPC buffer, which the kernel writes too"
)]
pub mod ipc_buffer;
pub mod isa;
pub mod message;
pub mod object;
pub mod sys;
pub mod syscalls;

pub use abi;
pub use abi::ObjectType;
pub use abi::Word;
pub use abi::rights::CapRights;
pub use cap::{CPtr, Capability, SlotPath};
pub use error::{Error, LookupFailure, Result};
pub use fault::Fault;
pub use isa::*;
pub use message::{Message, Received};
pub use object::*;
