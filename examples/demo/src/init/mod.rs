//! The init task: the only program that the kernel starts.
//!
//! | module | what |
//! |---|---|
//! | [`system`] | the whole, and the story of its start |
//! | [`home`] | what BootInfo gives |
//! | [`arena`] | memory that can be taken back by one revoke |
//! | [`task`], [`image`] | processes, from their ELF files |
//! | [`drivers`], [`faults`], [`trespass`], [`pair`], [`budgets`], [`bench`] | the parts, one experiment each |
//! | [`isa`] | what is different on each ISA |
//! | [`shell`] | the prompt; its longer commands are in [`caps`], [`threads`], [`memory`] |

pub(crate) mod arena;
pub(crate) mod bench;
#[expect(unsafe_code, reason = "reads the pages where the spinners count")]
pub(crate) mod budgets;
pub(crate) mod caps;
pub(crate) mod console;
pub(crate) mod drivers;
pub(crate) mod faults;
pub(crate) mod home;
pub(crate) mod image;
pub(crate) mod isa;
pub(crate) mod memory;
pub(crate) mod pair;
pub(crate) mod shell;
pub(crate) mod system;
pub(crate) mod task;
pub(crate) mod threads;
pub(crate) mod trespass;
pub(crate) mod trouble;

/// Init's priority: below the drivers, above everybody who is not urgent.
pub(crate) const PRIORITY: abi::Word = 200;
