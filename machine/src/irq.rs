//! Interrupt numbers.

/// The kernel's number of an interrupt line, as user space sees it in its handler caps
/// (`abi/tables/platform.json`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct Irq(pub u16);

/// What makes an interrupt line interrupt.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Trigger {
    /// A change of the line.
    Edge,
    /// The state of the line.
    Level,
}

/// Which state of an interrupt line is the active one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Polarity {
    /// High is active.
    High,
    /// Low is active.
    Low,
}
