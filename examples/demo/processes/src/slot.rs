//! Where a process finds its capabilities. Slots that it has no use for stay empty: what is not
//! there cannot be misused.

use abi::Word;
use user_api::{Endpoint, Frame, IrqHandler, Notification, Reply, VSpaceRoot};

/// log2 of the slots of a process.
pub const BITS: usize = 5;

/// Call it to print. Everybody but the serial driver has it.
pub const CONSOLE: Endpoint = Endpoint::new(1);
/// The process's own endpoint: it receives here.
pub const SERVICE: Endpoint = Endpoint::new(2);
/// Stands for a caller while the process works for it.
pub const REPLY: Reply = Reply::new(3);
/// Stands for a caller who has to wait longer (serial).
pub const WAITING_REPLY: Reply = Reply::new(4);
/// What wakes the process, from interrupts or from init.
pub const WAKE: Notification = Notification::new(5);
/// What the process signals.
pub const SIGNAL: Notification = Notification::new(6);
/// Its device's interrupt.
pub const INTERRUPT: IrqHandler = IrqHandler::new(7);
// 8 is for what a device is reached by where that is not memory.

/// Another process's endpoint, to call (client).
pub const PEER: Endpoint = Endpoint::new(9);
/// Another process's address space, to map in (pager).
pub const SPACE: VSpaceRoot = VSpaceRoot::new(10);
/// The first of the frames to map there (pager).
pub const FRAMES: Word = 16;
/// How many there are.
pub const FRAME_COUNT: Word = 4;

/// Frame `number` of the pager.
pub const fn frame(number: Word) -> Frame {
    Frame::new(FRAMES + number)
}
