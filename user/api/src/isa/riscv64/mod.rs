//! RISC-V 64.

mod asid;
mod context;
mod exception;
mod irq;
mod vspace;

pub use abi::riscv64::UserContext;
pub use asid::{AsidControl, AsidPool};
pub use context::{REGISTER_COUNT, context_from_words, context_to_words, starting_context};
pub use exception::{ExceptionRegisters, SyscallRegisters, TimeoutReply};
pub use vspace::{
    Attributes, Frame, FrameSize, MissingTable, PageTable, VSPACE_OBJECT, VSpaceRoot,
};
