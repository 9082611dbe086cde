//! x86_64.

mod asid;
mod context;
mod exception;
mod io_port;
mod irq;
mod vspace;

pub use abi::x86_64::UserContext;
pub use asid::{AsidControl, AsidPool};
pub use context::{REGISTER_COUNT, context_from_words, context_to_words, starting_context};
pub use exception::{ExceptionRegisters, SyscallRegisters, TimeoutReply};
pub use io_port::{IoPort, IoPortControl};
pub use irq::{MsiRoute, PinRoute};
pub use vspace::{
    Attributes, Frame, FrameSize, MissingTable, PageDirectory, PageTable, Pdpt, Pml4,
    VSPACE_OBJECT, VSpaceRoot,
};
