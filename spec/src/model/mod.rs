//! The specification: what the API means, said as plainly as we can. Sets, maps and sequences;
//! nothing packed, nothing linked, nothing fast. It shares no code with the kernel, only the
//! ABI's numbers.
//!
//! Read it in this order:
//! - [`state`]: what there is: objects, capabilities in slots, threads;
//! - [`forest`]: how capabilities are derived from each other, and what may be derived;
//! - [`lookup`]: from a capability address to a slot;
//! - [`call`]: the system calls; [`error`]: what they answer when they refuse;
//! - [`cnode`], [`untyped`]: operations on slots, and objects out of memory;
//! - [`deletion`]: what ends with its last capability;
//! - [`endpoint`], [`transfer`], [`reply`], [`notification`], [`fault`]: threads that talk;
//! - [`thread`], [`thread_parts`], [`registers`]: their operations; [`schedule`], [`time`], [`domain`]: who runs, and for how long;
//! - [`space`]: address spaces, and their identifiers;
//! - [`interrupt`]: who hears which line.
//!
//! Two things are left open on purpose, because the API leaves them open: in which order a
//! revocation deletes (only its end is said), and what user registers hold that no call writes.

pub mod call;
pub mod cnode;
pub mod deletion;
pub mod domain;
pub mod endpoint;
pub mod error;
pub mod fault;
pub mod forest;
pub mod interrupt;
pub mod lookup;
pub mod notification;
pub mod registers;
pub mod reply;
pub mod schedule;
pub mod space;
pub mod state;
pub mod thread;
pub mod thread_parts;
pub mod time;
pub mod transfer;
pub mod untyped;

pub use error::{Error, Failure, Side};
pub use state::{Cap, Entry, Held, Object, Place, Request, Slot, State, Thread};
