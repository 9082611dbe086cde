//! PC hardware.

pub mod port;
pub mod registers;
pub mod serial;

/// The machine.
#[derive(Debug)]
pub struct X86;
