//! From a memory map to the first thread.
