//! PC: from the loader to the first thread, and from user mode into the kernel and back.

mod boot;
mod core_area;
mod debug;
mod events;
mod extra;
mod header;
mod paging;
mod root_task;
mod segments;
mod start;
mod symbols;
pub(crate) mod trap;
mod window;

pub(crate) use core_area::CORES;
pub(crate) use debug::{end, put};
