//! Breakpoints, watchpoints and single steps of a thread: invocations that exist in profiles
//! with the hardware debug API. How the processor does it is `isa::debug`'s.

use crate::Kernel;
use crate::error::SyscallError;
use crate::invocation::Done;
use crate::isa;
use crate::message::Message;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::Word;
use abi::fault::{BreakpointAccess, DebugReason};
use abi::invocation::Invocation;

/// What stops a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Breakpoint {
    pub address: Word,
    /// Executing it, or accessing it.
    pub instruction: bool,
    /// Bytes watched: 1, 2, 4 or 8; 0 for an instruction.
    pub size: Word,
    pub access: BreakpointAccess,
}

/// What is to be done with the debug state of a thread.
#[derive(Clone, Copy, Debug)]
pub enum DebugInvocation {
    Set {
        index: usize,
        breakpoint: Breakpoint,
    },
    Get {
        index: usize,
    },
    Unset {
        index: usize,
    },
    Step {
        instructions: Word,
    },
}

fn index_of(word: Word) -> Word {
    word & 0xffff
}

fn existing(index: Word) -> Result<usize, SyscallError> {
    let max = (isa::debug::BREAKPOINTS as Word).saturating_sub(1);
    if index > max {
        Err(SyscallError::RangeError { min: 0, max })
    } else {
        Ok(index as usize)
    }
}

impl DebugInvocation {
    /// Looks at what `m` asks.
    pub fn decode(k: &Kernel, invocation: Invocation, m: &Message) -> Result<Self, SyscallError> {
        let index = index_of(m.word(k, 0));
        match invocation {
            Invocation::TcbSetBreakpoint => decode_set(k, index, m),
            Invocation::TcbGetBreakpoint => Ok(Self::Get {
                index: existing(index)?,
            }),
            Invocation::TcbUnsetBreakpoint => Ok(Self::Unset {
                index: existing(index)?,
            }),
            Invocation::TcbConfigureSingleStepping => {
                existing(index)?;
                Ok(Self::Step {
                    instructions: m.word(k, 1),
                })
            }
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, thread: Ref<Tcb>, m: &Message) -> Done {
        match self {
            Self::Set { index, breakpoint } => isa::debug::set(k, thread, index, breakpoint),
            Self::Unset { index } => isa::debug::unset(k, thread, index),
            Self::Get { index } => return report(k, thread, index, m),
            Self::Step { instructions } => {
                isa::debug::step(k, thread, instructions);
                return Done::reply(k, m, &[Word::from(isa::debug::STEPPING_TAKES_A_BREAKPOINT)]);
            }
        }
        Done::Empty
    }
}

fn report(k: &mut Kernel, thread: Ref<Tcb>, index: usize, m: &Message) -> Done {
    let (breakpoint, enabled) = isa::debug::get(k, thread, index);
    let kind = if breakpoint.instruction {
        DebugReason::InstructionBreakpoint
    } else {
        DebugReason::DataBreakpoint
    };
    let words = [
        breakpoint.address,
        kind as Word,
        breakpoint.size,
        breakpoint.access as Word,
        enabled.into(),
    ];
    Done::reply(k, m, &words)
}

/// The order of the checks is the API's (`abi/semantics-checks.md`, SetBreakpoint).
fn decode_set(k: &Kernel, index: Word, m: &Message) -> Result<DebugInvocation, SyscallError> {
    let [address, kind, size, access] = [1, 2, 3, 4].map(|n| m.word(k, n));
    let wrong = SyscallError::InvalidArgument;
    if address >= isa::USER_TOP {
        return Err(wrong(1));
    }
    let instruction = match kind {
        kind if kind == DebugReason::InstructionBreakpoint as Word => true,
        kind if kind == DebugReason::DataBreakpoint as Word => false,
        _ => return Err(wrong(2)),
    };
    if instruction != (size == 0) {
        return Err(wrong(3));
    }
    if instruction && access != BreakpointAccess::BreakOnRead as Word {
        return Err(wrong(4));
    }
    if !isa::debug::bank_fits(index, instruction) {
        return Err(wrong(2));
    }
    let access = match access {
        0 => BreakpointAccess::BreakOnRead,
        1 => BreakpointAccess::BreakOnWrite,
        2 => BreakpointAccess::BreakOnReadWrite,
        _ => return Err(wrong(3)),
    };
    if !matches!(size, 0 | 1 | 2 | 4 | 8) {
        return Err(wrong(3));
    }
    if address & size.saturating_sub(1) != 0 {
        return Err(SyscallError::AlignmentError);
    }
    let breakpoint = Breakpoint {
        address,
        instruction,
        size,
        access,
    };
    Ok(DebugInvocation::Set {
        index: existing(index)?,
        breakpoint,
    })
}
