//! Cache maintenance.

/// What is to be done with the cached copies of a range of memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// What was written reaches memory.
    CleanData,
    /// Cached copies are thrown away, also what was written.
    InvalidateData,
    /// Both, in this order.
    CleanInvalidateData,
    /// What was written is what will be executed.
    UnifyInstruction,
}
