//! x86_64, as far as an instruction moves the stack pointer, jumps, or computes addresses.

use std::cell::RefCell;

use iced_x86::{
    Decoder, DecoderOptions, FlowControl, Instruction, InstructionInfoFactory, Mnemonic, OpAccess,
    OpKind, Register,
};

use crate::image::Image;
use crate::state::{Flow, State, Step, Table, Target, Value};

/// What a called function keeps: rbx, rbp, r12 to r15.
const KEPT: [usize; 6] = [3, 5, 12, 13, 14, 15];
/// A call pushes its return address.
const WORD: i64 = 8;

thread_local! {
    static INFORMATION: RefCell<InstructionInfoFactory> = RefCell::new(InstructionInfoFactory::new());
}

pub(crate) fn step(image: &Image, at: u64, code: &[u8], before: &State) -> Result<Step, String> {
    let mut decoder = Decoder::with_ip(64, code, at, DecoderOptions::NONE);
    let instruction = decoder.decode();
    if instruction.is_invalid() {
        return Err("no valid instruction".into());
    }
    let machine = Machine {
        image,
        instruction,
        before,
    };
    if machine.begins_anew() {
        return Ok(Step {
            bytes: instruction.len() as u64,
            after: before.clone(),
            flow: Flow::End,
        });
    }
    let flow = machine.flow();
    let mut after = machine.after()?;
    if matches!(flow, Flow::Call(..) | Flow::UnknownCall) {
        after = before.clone();
        after.keep_only(&KEPT);
    }
    Ok(Step {
        bytes: instruction.len() as u64,
        after,
        flow,
    })
}

/// The length of an instruction that only fills space.
pub(crate) fn padding(code: &[u8]) -> Option<u64> {
    let instruction = Decoder::new(64, code, DecoderOptions::NONE).decode();
    matches!(instruction.mnemonic(), Mnemonic::Nop | Mnemonic::Int3)
        .then(|| instruction.len() as u64)
}

struct Machine<'a> {
    image: &'a Image,
    instruction: Instruction,
    before: &'a State,
}

impl Machine<'_> {
    /// Whether this gives up all that is on the stack: the stack pointer goes back to where it
    /// starts, on the way out of the kernel.
    fn begins_anew(&self) -> bool {
        let sets = matches!(self.instruction.mnemonic(), Mnemonic::Lea | Mnemonic::Mov);
        let value = match self.instruction.mnemonic() {
            Mnemonic::Lea => self.address(),
            _ => self.operand(1),
        };
        sets && self.instruction.op0_register() == Register::RSP
            && value.known().is_some_and(|at| self.image.is_stack(at))
    }

    /// Whether a jump leaves the kernel, by the exit that was selected for the processor.
    fn leaves(&self) -> bool {
        let from = self.address().known();
        from.is_some_and(|at| self.image.is_way_out(at))
    }

    fn flow(&self) -> Flow {
        let near = self.instruction.near_branch_target();
        match self.instruction.flow_control() {
            FlowControl::UnconditionalBranch => Flow::Jump(near),
            FlowControl::ConditionalBranch => Flow::Branch(near),
            FlowControl::Call => Flow::Call(near, WORD),
            FlowControl::IndirectCall => match self.operand(0) {
                Value::Known(to) => Flow::Call(to, WORD),
                _ => Flow::UnknownCall,
            },
            FlowControl::IndirectBranch => match self.operand(0) {
                Value::Known(to) => Flow::Jump(to),
                Value::Target(target) => Flow::Choice(target),
                Value::Entry(table) => Flow::Choice(Target {
                    table,
                    base: 0,
                    shift: 0,
                }),
                _ if self.leaves() => Flow::End,
                _ => Flow::UnknownJump,
            },
            FlowControl::Return | FlowControl::Exception | FlowControl::Interrupt => Flow::End,
            _ => Flow::On,
        }
    }

    fn after(&self) -> Result<State, String> {
        let mut state = self.before.clone();
        let instruction = &self.instruction;
        if instruction.op0_register().full_register() == Register::RSP && self.writes_first() {
            state.depth = self.depth()?;
            return Ok(state);
        }
        if instruction.mnemonic() == Mnemonic::Leave {
            return Err("the frame is left by a frame pointer".into());
        }
        state.depth -= i64::from(instruction.stack_pointer_increment());
        let value = self.value();
        for register in self.written() {
            state.set(register, Value::Unknown);
        }
        if let (Some(value), Some(register)) = (value, general(instruction.op0_register())) {
            state.set(register, value);
        }
        Ok(state)
    }

    /// The depth after an instruction whose first operand is the stack pointer.
    fn depth(&self) -> Result<i64, String> {
        let instruction = &self.instruction;
        let immediate = |operand| match instruction.op_kind(operand) {
            OpKind::Immediate8to64 | OpKind::Immediate32to64 => {
                Some(instruction.immediate(operand).cast_signed())
            }
            _ => None,
        };
        match (instruction.mnemonic(), immediate(1)) {
            (Mnemonic::Sub, Some(bytes)) => Ok(self.before.depth + bytes),
            (Mnemonic::Add, Some(bytes)) => Ok(self.before.depth - bytes),
            // Downward to an alignment.
            (Mnemonic::And, Some(mask)) if mask < 0 => Ok(self.before.depth + !mask),
            _ => Err("the stack pointer is set to something".into()),
        }
    }

    fn writes_first(&self) -> bool {
        INFORMATION.with_borrow_mut(|information| {
            let access = information.info(&self.instruction).op0_access();
            matches!(
                access,
                OpAccess::Write
                    | OpAccess::ReadWrite
                    | OpAccess::CondWrite
                    | OpAccess::ReadCondWrite
            )
        })
    }

    fn written(&self) -> Vec<usize> {
        INFORMATION.with_borrow_mut(|information| {
            let used = information.info(&self.instruction).used_registers();
            let written = used.iter().filter(|register| {
                !matches!(
                    register.access(),
                    OpAccess::Read | OpAccess::CondRead | OpAccess::NoMemAccess
                )
            });
            written
                .filter_map(|register| general(register.register()))
                .collect()
        })
    }

    /// What is written to the first operand, for the instructions that make addresses.
    fn value(&self) -> Option<Value> {
        let wide = self.instruction.op0_register().is_gpr64();
        match self.instruction.mnemonic() {
            Mnemonic::Mov if wide => Some(self.operand(1)),
            // Writing 32 bits clears the others.
            Mnemonic::Mov if self.instruction.op_kind(1) == OpKind::Immediate32 => {
                Some(Value::Known(self.instruction.immediate(1)))
            }
            Mnemonic::Movsxd if wide => Some(self.address().place().map_or(Value::Unknown, |at| {
                Value::Entry(Table {
                    at,
                    bytes: 4,
                    signed: true,
                })
            })),
            Mnemonic::Lea if wide => Some(self.address()),
            Mnemonic::Add if wide => Some(self.operand(0).plus(self.operand(1), 0)),
            _ => None,
        }
    }

    fn operand(&self, number: u32) -> Value {
        match self.instruction.op_kind(number) {
            OpKind::Register => self.read(self.instruction.op_register(number)),
            OpKind::Immediate32to64 | OpKind::Immediate64 | OpKind::Immediate8to64 => {
                Value::Known(self.instruction.immediate(number))
            }
            OpKind::Memory => self.loaded(),
            _ => Value::Unknown,
        }
    }

    fn loaded(&self) -> Value {
        match self.address() {
            Value::Known(at) => self
                .image
                .constant(at, 8)
                .map_or(Value::Unknown, Value::Known),
            address => address.place().map_or(Value::Unknown, |at| {
                Value::Entry(Table {
                    at,
                    bytes: 8,
                    signed: false,
                })
            }),
        }
    }

    /// The address of the operand in memory.
    fn address(&self) -> Value {
        let instruction = &self.instruction;
        if instruction.segment_prefix() != Register::None {
            return Value::Unknown;
        }
        if instruction.is_ip_rel_memory_operand() {
            return Value::Known(instruction.ip_rel_memory_address());
        }
        let displacement = instruction.memory_displacement64();
        let base = match instruction.memory_base() {
            Register::None => Value::Known(displacement),
            register => self
                .read(register)
                .plus_constant(displacement.cast_signed()),
        };
        match instruction.memory_index() {
            Register::None => base,
            index => {
                let shift = instruction.memory_index_scale().trailing_zeros() as u8;
                base.plus(self.read(index), shift)
            }
        }
    }

    fn read(&self, register: Register) -> Value {
        if register.is_gpr64() {
            general(register).map_or(Value::Unknown, |register| self.before.get(register))
        } else {
            Value::Unknown
        }
    }
}

/// The number of a general register, by any of its names.
fn general(register: Register) -> Option<usize> {
    register.is_gpr().then(|| register.full_register().number())
}
