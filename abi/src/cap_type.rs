//! The numbers by which DebugCapIdentify tells the type of a capability. Even numbers are common, odd ones the ISA's.

use crate::Word;

/// No capability, or a failed lookup.
pub const NULL: Word = 0;
/// Untyped memory.
pub const UNTYPED: Word = 2;
/// Endpoint.
pub const ENDPOINT: Word = 4;
/// Notification.
pub const NOTIFICATION: Word = 6;
/// Reply object.
pub const REPLY: Word = 8;
/// CNode.
pub const CNODE: Word = 10;
/// Thread.
pub const THREAD: Word = 12;
/// IRQ control.
pub const IRQ_CONTROL: Word = 14;
/// IRQ handler.
pub const IRQ_HANDLER: Word = 16;
/// An object in the middle of being deleted.
pub const ZOMBIE: Word = 18;
/// Domain schedule.
pub const DOMAIN: Word = 20;
/// Scheduling context.
pub const SCHED_CONTEXT: Word = 22;
/// Scheduling control of a core.
pub const SCHED_CONTROL: Word = 24;
/// Frame of any size.
pub const FRAME: Word = 1;
/// Page table of the last level on x86_64, of any level elsewhere.
pub const PAGE_TABLE: Word = 3;
/// ASID control.
pub const ASID_CONTROL: Word = 11;
/// ASID pool.
pub const ASID_POOL: Word = 13;

/// What only x86_64 has.
pub mod x86_64 {
    use crate::Word;

    /// Page directory.
    pub const PAGE_DIRECTORY: Word = 5;
    /// Page directory pointer table.
    pub const PDPT: Word = 7;
    /// Root of an address space.
    pub const PML4: Word = 9;
    /// IO address space.
    pub const IO_SPACE: Word = 15;
    /// Page table of an IO address space.
    pub const IO_PAGE_TABLE: Word = 17;
    /// Range of IO ports.
    pub const IO_PORT: Word = 19;
    /// Virtual processor.
    pub const VCPU: Word = 21;
    /// Guest page table.
    pub const EPT_PT: Word = 23;
    /// Guest page directory.
    pub const EPT_PD: Word = 25;
    /// Guest page directory pointer table.
    pub const EPT_PDPT: Word = 27;
    /// Root of a guest's memory.
    pub const EPT_PML4: Word = 29;
    /// IO port control.
    pub const IO_PORT_CONTROL: Word = 31;
}

/// What only AArch64 has.
pub mod aarch64 {
    use crate::Word;

    /// Root of an address space.
    pub const VSPACE: Word = 9;
    /// Virtual processor.
    pub const VCPU: Word = 15;
    /// SMMU stream control.
    pub const SID_CONTROL: Word = 17;
    /// SMMU stream.
    pub const SID: Word = 19;
    /// SMMU context bank control.
    pub const CB_CONTROL: Word = 21;
    /// SMMU context bank.
    pub const CB: Word = 23;
    /// Secure monitor calls.
    pub const SMC: Word = 25;
    /// A software generated interrupt to send.
    pub const SGI_SIGNAL: Word = 27;
}
