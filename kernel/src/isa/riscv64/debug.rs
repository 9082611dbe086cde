//! Breakpoints: supervisor mode has none here, and no profile offers them (`abi/build.rs`
//! refuses one that would).

use crate::Kernel;
use crate::fault::Fault;
use crate::object::store::{Object, Ref};
use crate::object::tcb::debug::Breakpoint;
use crate::object::tcb::{DEBUG_OFFSET, Tcb};
use abi::Word;
use abi::fault::BreakpointAccess;
use machine::Kind;

/// How many breakpoints a thread has.
pub const BREAKPOINTS: usize = 0;
/// There is no stepping either.
pub const STEPPING_TAKES_A_BREAKPOINT: bool = false;

/// The debug state of a thread: a word that nobody uses, for every object has a place.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct State {
    unused: Word,
}

impl Object for State {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = DEBUG_OFFSET;
}

/// Whether breakpoint `index` can be for instructions, or for data.
pub(crate) fn bank_fits(_: Word, _: bool) -> bool {
    false
}

pub(crate) fn set(_: &mut Kernel, _: Ref<Tcb>, _: usize, _: Breakpoint) {}

pub(crate) fn unset(_: &mut Kernel, _: Ref<Tcb>, _: usize) {}

pub(crate) fn get(_: &Kernel, _: Ref<Tcb>, _: usize) -> (Breakpoint, bool) {
    let none = Breakpoint {
        address: 0,
        instruction: false,
        size: 0,
        access: BreakpointAccess::BreakOnRead,
    };
    (none, false)
}

pub(crate) fn step(_: &mut Kernel, _: Ref<Tcb>, _: Word) {}

/// Debug exceptions reach threads as exceptions of the processor.
pub(crate) fn trap(_: &mut Kernel, _: Ref<Tcb>, _: Word) -> Option<Fault> {
    None
}

pub(crate) fn prepare(_: &mut Kernel, _: Ref<Tcb>) {}
