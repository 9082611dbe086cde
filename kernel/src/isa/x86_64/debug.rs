//! Breakpoints and single steps by the debug registers: four that watch, one that says what
//! for (DR7), one that tells what happened (DR6); and the trap flag.

use crate::Kernel;
use crate::fault::Fault;
use crate::object::store::{Object, Ref};
use crate::object::tcb::debug::Breakpoint;
use crate::object::tcb::{DEBUG_OFFSET, Tcb};
use abi::Word;
use abi::fault::{BreakpointAccess, DebugReason};
use abi::x86_64::breakpoint::NUM_HW_BREAKPOINTS;
use machine::{Kind, X86Machine};

/// How many breakpoints a thread has, each for instructions or data.
pub const BREAKPOINTS: usize = NUM_HW_BREAKPOINTS;
/// Stepping uses the trap flag.
pub const STEPPING_TAKES_A_BREAKPOINT: bool = false;
/// Stands in `Event::Debug` for the breakpoint instruction, which DR6 knows nothing of.
pub const BREAKPOINT_INSTRUCTION: Word = 1 << 63;

const SINGLE_STEP: Word = 1 << 14;
const TRAP_FLAG: Word = 1 << 8;
/// Lets the instruction at the restart address execute once although a breakpoint is on it.
const RESUME_FLAG: Word = 1 << 16;

/// The debug state of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct State {
    addresses: [Word; BREAKPOINTS],
    /// DR7.
    control: Word,
    /// Instructions until the next step is reported; 0: not stepping.
    steps: Word,
}

impl Object for State {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = DEBUG_OFFSET;
}

fn state_of(thread: Ref<Tcb>) -> Ref<State> {
    thread.sibling()
}

/// Whether breakpoint `index` can be for instructions, or for data: each can be either.
pub(crate) fn bank_fits(_: Word, _: bool) -> bool {
    true
}

fn enable_bit(index: usize) -> Word {
    1u64.wrapping_shl((index as u32) << 1)
}

fn field_shift(index: usize) -> u32 {
    ((index as u32) << 2).saturating_add(16)
}

fn access_bits(breakpoint: &Breakpoint) -> Word {
    match (breakpoint.instruction, breakpoint.access) {
        (true, _) => 0,
        (false, BreakpointAccess::BreakOnWrite) => 1,
        // Reads alone cannot be watched.
        (false, _) => 3,
    }
}

fn length_bits(size: Word) -> Word {
    match size {
        2 => 1,
        4 => 3,
        8 => 2,
        _ => 0,
    }
}

/// Sets and enables a breakpoint.
pub(crate) fn set(k: &mut Kernel, thread: Ref<Tcb>, index: usize, breakpoint: Breakpoint) {
    let state = &mut k[state_of(thread)];
    if let Some(place) = state.addresses.get_mut(index) {
        *place = breakpoint.address;
    }
    let field = access_bits(&breakpoint) | length_bits(breakpoint.size) << 2;
    let shift = field_shift(index);
    state.control =
        state.control & !15u64.wrapping_shl(shift) | field.wrapping_shl(shift) | enable_bit(index);
}

/// Disables a breakpoint.
pub(crate) fn unset(k: &mut Kernel, thread: Ref<Tcb>, index: usize) {
    k[state_of(thread)].control &= !enable_bit(index);
}

/// A breakpoint, and whether it is enabled.
pub(crate) fn get(k: &Kernel, thread: Ref<Tcb>, index: usize) -> (Breakpoint, bool) {
    let state = &k[state_of(thread)];
    let field = state.control.wrapping_shr(field_shift(index)) & 15;
    let instruction = field & 3 == 0;
    let breakpoint = Breakpoint {
        address: state.addresses.get(index).copied().unwrap_or(0),
        instruction,
        size: match field >> 2 {
            _ if instruction => 0,
            0 => 1,
            1 => 2,
            2 => 8,
            _ => 4,
        },
        access: match field & 3 {
            0 => BreakpointAccess::BreakOnRead,
            1 => BreakpointAccess::BreakOnWrite,
            _ => BreakpointAccess::BreakOnReadWrite,
        },
    };
    (breakpoint, state.control & enable_bit(index) != 0)
}

/// The thread stops after so many instructions; 0: it does not.
pub(crate) fn step(k: &mut Kernel, thread: Ref<Tcb>, instructions: Word) {
    k[state_of(thread)].steps = instructions;
}

/// A debug exception of `thread`, with DR6 or [`BREAKPOINT_INSTRUCTION`]. `None`: the thread
/// just goes on.
pub(crate) fn trap(k: &mut Kernel, thread: Ref<Tcb>, status: Word) -> Option<Fault> {
    let fault = |reason: DebugReason, address, breakpoint| {
        Some(Fault::Debug {
            reason: reason as Word,
            address,
            breakpoint,
        })
    };
    if status & BREAKPOINT_INSTRUCTION != 0 {
        return fault(DebugReason::SoftwareBreakRequest, 0, 0);
    }
    let hit = (0..BREAKPOINTS)
        .find(|&index| status.wrapping_shr(index as u32) & 1 != 0 && get(k, thread, index).1);
    if let Some(index) = hit {
        let (breakpoint, _) = get(k, thread, index);
        if breakpoint.instruction {
            k[thread.context()].rflags |= RESUME_FLAG;
            return fault(
                DebugReason::InstructionBreakpoint,
                breakpoint.address,
                index as Word,
            );
        }
        return fault(
            DebugReason::DataBreakpoint,
            breakpoint.address,
            index as Word,
        );
    }
    if status & SINGLE_STEP == 0 {
        return None;
    }
    let steps = &mut k[state_of(thread)].steps;
    *steps = steps.saturating_sub(1);
    match *steps {
        0 => fault(DebugReason::SingleStep, 0, 0),
        _ => None,
    }
}

/// Before user code of `thread` runs: its breakpoints are in force, and no others.
pub(crate) fn prepare(k: &mut Kernel, thread: Ref<Tcb>) {
    let state = k[state_of(thread)];
    if state.control != 0 || k.isa.breakpoints_loaded {
        k.machine.load_breakpoints(state.addresses, state.control);
        k.isa.breakpoints_loaded = state.control != 0;
    }
    let context = &mut k[thread.context()];
    if state.steps > 0 {
        context.rflags |= TRAP_FLAG;
        // `SYSRET` would trap in the kernel's own code.
        context.fast_return = 0;
    } else {
        context.rflags &= !TRAP_FLAG;
    }
}
