//! Breakpoints, watchpoints and single steps by the debug registers: an address and a control
//! register for each, and a bit in the saved program status for stepping.

use crate::Kernel;
use crate::fault::Fault;
use crate::object::store::{Object, Ref};
use crate::object::tcb::debug::Breakpoint;
use crate::object::tcb::{DEBUG_OFFSET, Tcb};
use abi::Word;
use abi::aarch64::breakpoint::{
    FIRST_WATCHPOINT, NUM_EXCLUSIVE_BREAKPOINTS, NUM_EXCLUSIVE_WATCHPOINTS, NUM_HW_BREAKPOINTS,
};
use abi::fault::{BreakpointAccess, DebugReason};
use machine::debug::{Registers, Unit};
use machine::{ArmMachine, Kind};

/// How many breakpoints a thread has: those for instructions, then those for data.
pub const BREAKPOINTS: usize = NUM_HW_BREAKPOINTS;
/// What ConfigureSingleStepping answers here, though stepping has hardware of its own.
pub const STEPPING_TAKES_A_BREAKPOINT: bool = true;

/// Where the exception class is in what [`status`] makes.
const CLASS_SHIFT: u32 = 56;
const BREAKPOINT: Word = 0x30;
const SINGLE_STEP: Word = 0x32;
const WATCHPOINT: Word = 0x34;

const ENABLED: u32 = 1;
/// Matches in user mode only.
const IN_USER_MODE: u32 = 2 << 1;
/// All four bytes of an instruction.
const INSTRUCTION_BYTES: u32 = 15 << 5;
const LOADS: u32 = 1 << 3;
const STORES: u32 = 2 << 3;
const BYTES_SHIFT: u32 = 5;
/// A watchpoint's address is that of a doubleword; which of its bytes, the control says.
const IN_DOUBLEWORD: Word = 7;

const STEP_IN_STATUS: Word = 1 << 21;

const _: () = assert!(FIRST_WATCHPOINT as usize == NUM_EXCLUSIVE_BREAKPOINTS);
const _: () = assert!(NUM_EXCLUSIVE_BREAKPOINTS == machine::debug::BREAKPOINTS);
const _: () = assert!(NUM_EXCLUSIVE_WATCHPOINTS == machine::debug::WATCHPOINTS);

/// The debug state of a thread.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct State {
    registers: Registers,
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

/// What the image passes in `Event::Debug`: the class of the exception, from its syndrome, and
/// the fault address.
pub const fn status(syndrome: Word, address: Word) -> Word {
    // User addresses have fewer than 56 bits.
    (syndrome >> 26) << CLASS_SHIFT | address & ((1 << CLASS_SHIFT) - 1)
}

/// Whether breakpoint `index` can be for instructions, or for data.
pub(crate) fn bank_fits(index: Word, instruction: bool) -> bool {
    instruction == (index < FIRST_WATCHPOINT as Word)
}

fn unit(registers: &mut Registers, index: usize) -> Option<&mut Unit> {
    match index.checked_sub(NUM_EXCLUSIVE_BREAKPOINTS) {
        None => registers.breakpoints.get_mut(index),
        Some(index) => registers.watchpoints.get_mut(index),
    }
}

/// Sets and enables a breakpoint.
pub(crate) fn set(k: &mut Kernel, thread: Ref<Tcb>, index: usize, breakpoint: Breakpoint) {
    let Some(unit) = unit(&mut k[state_of(thread)].registers, index) else {
        return;
    };
    *unit = if breakpoint.instruction {
        Unit {
            address: breakpoint.address & !3,
            control: INSTRUCTION_BYTES | IN_USER_MODE | ENABLED,
            reserved: 0,
        }
    } else {
        let bytes = 1u32
            .wrapping_shl(breakpoint.size as u32)
            .wrapping_sub(1)
            .wrapping_shl((breakpoint.address & IN_DOUBLEWORD) as u32);
        let access = match breakpoint.access {
            BreakpointAccess::BreakOnRead => LOADS,
            BreakpointAccess::BreakOnWrite => STORES,
            BreakpointAccess::BreakOnReadWrite => LOADS | STORES,
        };
        Unit {
            address: breakpoint.address & !IN_DOUBLEWORD,
            control: bytes << BYTES_SHIFT | access | IN_USER_MODE | ENABLED,
            reserved: 0,
        }
    };
}

/// Disables a breakpoint.
pub(crate) fn unset(k: &mut Kernel, thread: Ref<Tcb>, index: usize) {
    if let Some(unit) = unit(&mut k[state_of(thread)].registers, index) {
        unit.control &= !ENABLED;
    }
}

/// A breakpoint, and whether it is enabled.
pub(crate) fn get(k: &Kernel, thread: Ref<Tcb>, index: usize) -> (Breakpoint, bool) {
    let mut registers = k[state_of(thread)].registers;
    let unit = unit(&mut registers, index).map_or(Unit::default(), |unit| *unit);
    let enabled = unit.control & ENABLED != 0;
    if index < NUM_EXCLUSIVE_BREAKPOINTS {
        let breakpoint = Breakpoint {
            address: unit.address,
            instruction: true,
            size: 0,
            access: BreakpointAccess::BreakOnRead,
        };
        return (breakpoint, enabled);
    }
    let bytes = unit.control >> BYTES_SHIFT & 0xff;
    let first = if bytes == 0 {
        0
    } else {
        bytes.trailing_zeros()
    };
    let breakpoint = Breakpoint {
        address: unit.address | Word::from(first),
        instruction: false,
        size: bytes.count_ones().into(),
        access: match unit.control & (LOADS | STORES) {
            LOADS => BreakpointAccess::BreakOnRead,
            STORES => BreakpointAccess::BreakOnWrite,
            _ => BreakpointAccess::BreakOnReadWrite,
        },
    };
    (breakpoint, enabled)
}

/// The thread stops after so many instructions; 0: it does not.
pub(crate) fn step(k: &mut Kernel, thread: Ref<Tcb>, instructions: Word) {
    k[state_of(thread)].steps = instructions;
}

/// A debug exception of `thread`, as [`status`] describes it. `None`: the thread just goes on.
pub(crate) fn trap(k: &mut Kernel, thread: Ref<Tcb>, status: Word) -> Option<Fault> {
    let fault = |reason: DebugReason, address, breakpoint: usize| {
        Some(Fault::Debug {
            reason: reason as Word,
            address,
            breakpoint: breakpoint as Word,
        })
    };
    let address = status & ((1 << CLASS_SHIFT) - 1);
    match status >> CLASS_SHIFT {
        BREAKPOINT => {
            let at = k[thread.context()].fault_ip();
            let hit = enabled(k, thread)
                .take_while(|(index, _)| *index < NUM_EXCLUSIVE_BREAKPOINTS)
                .find(|(_, breakpoint)| breakpoint.address == at & !3);
            hit.and_then(|(index, _)| fault(DebugReason::InstructionBreakpoint, at, index))
        }
        WATCHPOINT => {
            // The address is that of the access, which may begin before what is watched: the
            // nearest watchpoint from there on.
            let hit = enabled(k, thread)
                .skip_while(|(index, _)| *index < NUM_EXCLUSIVE_BREAKPOINTS)
                .filter(|(_, b)| b.address.saturating_add(b.size) > address)
                .min_by_key(|(_, breakpoint)| breakpoint.address);
            hit.and_then(|(index, b)| fault(DebugReason::DataBreakpoint, b.address, index))
        }
        SINGLE_STEP => {
            let steps = &mut k[state_of(thread)].steps;
            *steps = steps.saturating_sub(1);
            match *steps {
                0 => fault(DebugReason::SingleStep, 0, 0),
                _ => None,
            }
        }
        _ => fault(DebugReason::SoftwareBreakRequest, 0, 0),
    }
}

fn enabled(k: &Kernel, thread: Ref<Tcb>) -> impl Iterator<Item = (usize, Breakpoint)> + '_ {
    (0..BREAKPOINTS).filter_map(move |index| {
        let (breakpoint, enabled) = get(k, thread, index);
        enabled.then_some((index, breakpoint))
    })
}

/// Before user code of `thread` runs: its breakpoints are in force, and no others.
pub(crate) fn prepare(k: &mut Kernel, thread: Ref<Tcb>) {
    let state = k[state_of(thread)];
    let stepping = state.steps > 0;
    let wanted = stepping
        || state
            .registers
            .units()
            .any(|unit| unit.control & ENABLED != 0);
    if wanted || k.isa.debug_loaded {
        k.machine.load_debug_registers(&state.registers, stepping);
        k.isa.debug_loaded = wanted;
    }
    let spsr = &mut k[thread.context()].spsr;
    *spsr = *spsr & !STEP_IN_STATUS | if stepping { STEP_IN_STATUS } else { 0 };
}
