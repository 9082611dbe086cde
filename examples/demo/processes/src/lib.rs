//! What init and its processes agree on.
//!
//! Each file of `src/bin` is one process: a program of its own, in an address space and a
//! capability space of its own. It finds its capabilities at the addresses of [`slot`], and talks
//! by the messages of [`protocol`]. Read them in this order: `serial`, `timer` (drivers),
//! `server`, `client` (messages), `wanderer`, `pager` (faults), `spinner` (time).
#![no_std]
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod console;
pub mod isa;
pub mod protocol;
pub mod role;
pub mod slot;

pub use isa::clock;
pub use role::Role;
