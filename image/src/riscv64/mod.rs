//! RISC-V: from the firmware or a loader to the first thread, and from user mode into the
//! kernel and back.

mod boot;
mod contract;
mod debug;
mod devices;
mod events;
mod memory;
mod paging;
mod root_task;
mod start;
mod symbols;
pub(crate) mod trap;
mod window;

pub(crate) use debug::{end, put};

/// Cores that this image drives.
pub(crate) const CORES: usize = 1;
