//! Cache maintenance that user space asks for. (`abi/semantics-vspace.md` section 5.)
//!
//! It is done by user address, in the address space where the memory is mapped: that works for
//! memory of any type, and for memory that the kernel's window does not show.

use super::vspace::{self, Leaf};
use crate::Kernel;
use crate::bits;
use crate::cap::{FrameCap, VSpaceCap};
use crate::error::{Lookup, LookupFailure, SyscallError};
use crate::message::Message;
use crate::object::asid;
use abi::PROFILE;
use abi::aarch64::user_top;
use abi::invocation::Invocation;
use machine::cache::Operation;
use machine::{ArmMachine, Machine, Space, VirtualAddress};

/// A range of one mapped page, and what is to be done with it.
#[derive(Clone, Copy, Debug)]
pub struct Maintenance {
    operation: Operation,
    space: Space,
    start: VirtualAddress,
    len: u64,
}

impl Maintenance {
    /// Does it.
    pub fn commit(self, k: &mut Kernel) {
        k.machine.set_space(self.space);
        k.machine.maintain(self.operation, self.start, self.len);
    }
}

/// Looks at what `m` asks of an address space. `Ok(None)`: nothing is to be done.
pub(super) fn decode_vspace(
    k: &Kernel,
    vspace: VSpaceCap,
    invocation: Invocation,
    m: &Message,
) -> Result<Option<Maintenance>, SyscallError> {
    use Invocation as I;
    let operation = match invocation {
        I::ArmVSpaceCleanData => Operation::CleanData,
        I::ArmVSpaceInvalidateData => Operation::InvalidateData,
        I::ArmVSpaceCleanInvalidateData => Operation::CleanInvalidateData,
        I::ArmVSpaceUnifyInstruction => Operation::UnifyInstruction,
        _ => return Err(SyscallError::IllegalOperation),
    };
    if m.length < 2 {
        return Err(SyscallError::TruncatedMessage);
    }
    let (start, end) = (m.word(k, 0), m.word(k, 1));
    if end <= start {
        return Err(SyscallError::InvalidArgument(1));
    }
    if end > user_top(&PROFILE) {
        return Err(SyscallError::IllegalOperation);
    }
    let asid = vspace.asid.ok_or(SyscallError::InvalidCapability(0))?;
    match asid::root(k, asid) {
        None => return Err(invalid_root()),
        Some(root) if root != vspace.root => return Err(SyscallError::InvalidCapability(0)),
        Some(_) => {}
    }
    let Some(leaf) = vspace::leaf(k, vspace.root, start) else {
        return Ok(None);
    };
    let last = start | bits::mask(leaf.bits);
    if end.wrapping_sub(1) > last {
        return Err(SyscallError::RangeError {
            min: start,
            max: last,
        });
    }
    check_invalidate(operation, leaf)?;
    Ok(Some(Maintenance {
        operation,
        space: Space::new(vspace.root.physical(), asid),
        start: VirtualAddress(start),
        len: end.wrapping_sub(start),
    }))
}

/// Which cache operation on a frame this is, if it is one.
pub(super) fn page_operation(invocation: Invocation) -> Option<Operation> {
    match invocation {
        Invocation::ArmPageCleanData => Some(Operation::CleanData),
        Invocation::ArmPageInvalidateData => Some(Operation::InvalidateData),
        Invocation::ArmPageCleanInvalidateData => Some(Operation::CleanInvalidateData),
        Invocation::ArmPageUnifyInstruction => Some(Operation::UnifyInstruction),
        _ => None,
    }
}

/// Looks at what `m` asks of a frame.
pub(super) fn decode_page(
    k: &Kernel,
    frame: &FrameCap,
    operation: Operation,
    m: &Message,
) -> Result<Maintenance, SyscallError> {
    if m.length < 2 {
        return Err(SyscallError::TruncatedMessage);
    }
    let mapping = frame.mapping.ok_or(SyscallError::IllegalOperation)?;
    let root = asid::root(k, mapping.asid).ok_or(invalid_root())?;
    let (start, end) = (m.word(k, 0), m.word(k, 1));
    if end <= start {
        return Err(SyscallError::InvalidArgument(1));
    }
    let size = bits::size(frame.size.bits());
    if start >= size || end > size {
        return Err(SyscallError::InvalidArgument(0));
    }
    let leaf = vspace::leaf(k, root, mapping.address.0)
        .filter(|leaf| leaf.maps(frame))
        .ok_or(SyscallError::InvalidCapability(0))?;
    check_invalidate(operation, leaf)?;
    Ok(Maintenance {
        operation,
        space: Space::new(root.physical(), mapping.asid),
        start: VirtualAddress(mapping.address.0.wrapping_add(start)),
        len: end.wrapping_sub(start),
    })
}

/// Throwing away what was written is writing.
fn check_invalidate(operation: Operation, leaf: Leaf) -> Result<(), SyscallError> {
    if operation == Operation::InvalidateData && !leaf.user_may_write() {
        Err(SyscallError::IllegalOperation)
    } else {
        Ok(())
    }
}

fn invalid_root() -> SyscallError {
    SyscallError::FailedLookup(Lookup::Destination, LookupFailure::InvalidRoot)
}
