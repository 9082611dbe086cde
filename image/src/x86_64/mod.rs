//! PC: from the loader to the first thread, and from user mode into the kernel and back.

mod boot;
mod core_area;
mod header;
mod start;
