//! What a piece of memory holds.

/// What lives at an address. The model keeps this for every granule of its memory and checks
/// it at each access: a `Ref` to something that is gone stops a test at once. Hardware keeps
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(u8)]
pub enum Kind {
    /// Nothing that the kernel may touch as an object.
    #[default]
    Free,
    /// Capability slots: of a CNode, a TCB or the interrupt table.
    Slots,
    /// A thread's control state.
    Tcb,
    /// A thread's register file.
    Context,
    /// A thread's floating-point state.
    Fpu,
    /// An endpoint.
    Endpoint,
    /// A notification.
    Notification,
    /// A reply object.
    Reply,
    /// A scheduling context and its refills.
    SchedContext,
    /// A page table of any level.
    PageTable,
    /// An ASID pool.
    AsidPool,
    /// Memory that user space maps: frames.
    Frame,
}
