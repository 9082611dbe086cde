//! AArch64.

mod asid;
mod context;
mod exception;
mod irq;
mod smc;
mod vspace;

pub use abi::aarch64::UserContext;
pub use asid::{AsidControl, AsidPool};
pub use context::{REGISTER_COUNT, context_from_words, context_to_words, starting_context};
pub use exception::{ExceptionRegisters, SyscallRegisters, TimeoutReply};
pub use irq::SgiSignal;
pub use smc::Smc;
pub use vspace::{
    Attributes, CacheOperation, Frame, FrameSize, MissingTable, PageTable, VSPACE_OBJECT, VSpace,
    VSpaceRoot,
};
