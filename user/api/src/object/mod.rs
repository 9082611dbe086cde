//! The kernel objects that every ISA has: one type per object, one method per invocation.

mod cnode;
mod domain;
mod ipc;
mod irq;
mod sched;
mod tcb;
mod untyped;

pub use cnode::{CNode, Guard, Rotation};
pub use domain::DomainSet;
pub use ipc::{Endpoint, Notification, Reply};
pub use irq::{IrqControl, IrqHandler};
pub use sched::{Budget, SchedContext, SchedControl};
pub use tcb::{Breakpoint, CopyRegisters, Space, Tcb, TcbFlags};
pub use untyped::{SlotWindow, Untyped, type_number};
