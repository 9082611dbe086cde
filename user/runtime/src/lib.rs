//! What a program needs before and around `main`: start, stack, thread-local storage, console,
//! panic, exit, and threads in its own address space.
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! use user_runtime::prelude::*;
//!
//! user_runtime::entry!(main);
//!
//! fn main(boot: &'static BootInfo) {
//!     println!("{} slots are free", boot.empty.end - boot.empty.start);
//! }
//! ```
//!
//! with `fn main() { user_link::program(); }` in `build.rs`.
//!
//! | module | what |
//! |---|---|
//! | [`entry`] | `entry!` and `process!`: from the first instruction to `main` |
//! | [`thread`] | further threads |
//! | [`block`], [`tls`] | what the thread register points to |
//! | [`image`] | the program's own ELF file, as it lies in memory |
//! | [`boot`] | what BootInfo says, read conveniently |
//! | [`console`], [`exit`] | the ways out |
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

#[expect(unsafe_code, reason = "reads the block at the thread pointer")]
pub mod block;
#[expect(unsafe_code, reason = "reads the chunks behind BootInfo")]
pub mod boot;
pub mod console;
#[expect(unsafe_code, reason = "runs before anything is set up")]
pub mod entry;
pub mod exit;
#[expect(unsafe_code, reason = "reads the program's own headers")]
pub mod image;
#[expect(unsafe_code, reason = "first instructions, thread register")]
mod isa;
mod panic;
#[expect(unsafe_code, reason = "lays out memory that becomes a thread's")]
pub mod thread;
#[expect(
    unsafe_code,
    reason = "copies the initial image of thread-local storage"
)]
pub mod tls;

pub use user_api as api;

/// What nearly every program uses.
pub mod prelude {
    pub use crate::boot::root;
    pub use crate::{print, println};
    pub use abi::bootinfo::BootInfo;
    pub use user_api::{CPtr, CapRights, Capability, Error, Message, Result, Word};
}
