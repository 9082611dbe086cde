//! The debug registers of an Arm processor: what stops a thread.

/// Breakpoints for instructions.
pub const BREAKPOINTS: usize = 6;
/// Watchpoints for data.
pub const WATCHPOINTS: usize = 4;

/// A breakpoint or watchpoint.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Unit {
    /// What it is compared with.
    pub address: u64,
    /// Whether, when, and for which accesses.
    pub control: u32,
    /// Always 0.
    pub reserved: u32,
}

/// All of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct Registers {
    /// For instructions.
    pub breakpoints: [Unit; BREAKPOINTS],
    /// For data.
    pub watchpoints: [Unit; WATCHPOINTS],
}

impl Registers {
    /// Each of them.
    pub fn units(&self) -> impl Iterator<Item = &Unit> {
        self.breakpoints.iter().chain(&self.watchpoints)
    }
}
