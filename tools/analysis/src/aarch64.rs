//! AArch64, as far as an instruction moves the stack pointer, jumps, or computes addresses.

use crate::image::Image;
use crate::state::{Flow, State, Step, Table, Target, Value};

/// 31 is the stack pointer in some instructions and zero in others.
const SP: usize = 31;
/// What a called function keeps.
const KEPT: [usize; 11] = [19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29];

pub(crate) fn step(image: &Image, at: u64, code: &[u8], before: &State) -> Result<Step, String> {
    let word = code.get(..4).and_then(|bytes| bytes.try_into().ok());
    let word = word.map(u32::from_le_bytes).ok_or("the code ends")?;
    let mut machine = Machine {
        image,
        at,
        word,
        state: before.clone(),
        begins_anew: false,
    };
    let flow = machine.step()?;
    let flow = if machine.begins_anew { Flow::End } else { flow };
    if matches!(flow, Flow::Call(..) | Flow::UnknownCall) {
        machine.state.keep_only(&KEPT);
    }
    Ok(Step {
        bytes: 4,
        after: machine.state,
        flow,
    })
}

struct Machine<'a> {
    image: &'a Image,
    at: u64,
    word: u32,
    state: State,
    /// The stack pointer went back to where it starts: all that is on the stack is given up.
    begins_anew: bool,
}

impl Machine<'_> {
    fn bits(&self, low: u32, count: u32) -> u32 {
        self.word >> low & ((1 << count) - 1)
    }

    fn register(&self, low: u32) -> usize {
        self.bits(low, 5) as usize
    }

    fn offset(&self, low: u32, count: u32, scale: u32) -> i64 {
        let raw = self.bits(low, count) << (32 - count);
        i64::from(raw.cast_signed() >> (32 - count)) << scale
    }

    fn to(&self, low: u32, count: u32) -> u64 {
        self.at.wrapping_add_signed(self.offset(low, count, 2))
    }

    fn read(&self, register: usize) -> Value {
        if register == SP {
            Value::Known(0)
        } else {
            self.state.get(register)
        }
    }

    fn step(&mut self) -> Result<Flow, String> {
        match self.bits(25, 4) {
            0b1000 | 0b1001 => self.immediate()?,
            0b1010 | 0b1011 => return self.branch(),
            0b0100 | 0b0110 | 0b1100 | 0b1110 => self.memory()?,
            0b0101 | 0b1101 => self.registers()?,
            0b0000 if self.word >> 16 == 0 => return Ok(Flow::End), // udf
            other => {
                return Err(format!(
                    "an instruction of class {other:#b}: no code of ours"
                ));
            }
        }
        Ok(Flow::On)
    }

    fn set(&mut self, register: usize, value: Value) {
        if register != SP {
            self.state.set(register, value);
        }
    }

    /// Addresses, additions, moves of constants.
    fn immediate(&mut self) -> Result<(), String> {
        let (rd, rn) = (self.register(0), self.register(5));
        let wide = self.bits(31, 1) == 1;
        match self.bits(23, 3) {
            0b000 | 0b001 => {
                let value = self.address();
                self.set(rd, Value::Known(value));
            }
            0b010 => self.add_immediate(rd, rn, wide)?,
            0b100 => self.stack_untouched(rd, self.bits(29, 2) != 3)?,
            0b101 if wide && self.bits(29, 2) == 2 => {
                let value = u64::from(self.bits(5, 16)) << (16 * self.bits(21, 2));
                self.set(rd, Value::Known(value));
            }
            _ => self.set(rd, Value::Unknown),
        }
        Ok(())
    }

    /// `adr` and `adrp`.
    fn address(&self) -> u64 {
        let offset = self.offset(5, 19, 2) | i64::from(self.bits(29, 2));
        if self.bits(31, 1) == 1 {
            (self.at & !0xfff).wrapping_add_signed(offset << 12)
        } else {
            self.at.wrapping_add_signed(offset)
        }
    }

    fn add_immediate(&mut self, rd: usize, rn: usize, wide: bool) -> Result<(), String> {
        let flags = self.bits(29, 1) == 1;
        let shift = 12 * self.bits(22, 1);
        let amount = i64::from(self.bits(10, 12)) << shift;
        let amount = if self.bits(30, 1) == 1 {
            -amount
        } else {
            amount
        };
        if rd == SP && !flags {
            if rn != SP {
                let at = self.read(rn).plus_constant(amount).known();
                self.begins_anew = at.is_some_and(|at| self.image.is_stack(at));
                if self.begins_anew {
                    return Ok(());
                }
                return Err("the stack pointer is set to something".into());
            }
            self.state.depth -= amount;
            return Ok(());
        }
        let base = if rn == SP {
            Value::Unknown
        } else {
            self.read(rn)
        };
        let sum = if wide {
            base.plus_constant(amount)
        } else {
            Value::Unknown
        };
        self.set(rd, sum);
        Ok(())
    }

    /// The register is written; 31 would be the stack pointer if `as_stack`.
    fn stack_untouched(&mut self, rd: usize, as_stack: bool) -> Result<(), String> {
        if rd == SP && as_stack {
            return Err("the stack pointer is set to something".into());
        }
        self.set(rd, Value::Unknown);
        Ok(())
    }

    fn branch(&mut self) -> Result<Flow, String> {
        let word = self.word;
        Ok(match word >> 26 {
            0b000101 => Flow::Jump(self.to(0, 26)),
            0b100101 => Flow::Call(self.to(0, 26), 0),
            0b010101 => Flow::Branch(self.to(5, 19)), // b.cond
            0b001101 | 0b101101 if self.bits(25, 1) == 0 => Flow::Branch(self.to(5, 19)), // cbz
            0b001101 | 0b101101 => Flow::Branch(self.to(5, 14)), // tbz
            0b110101 if self.bits(25, 1) == 1 => self.branch_to_register()?,
            // Exceptions: `hvc`, `smc` and `svc` come back, `brk` does not.
            0b110101 if self.bits(24, 1) == 0 => match self.bits(21, 3) {
                0 => {
                    // By the calling convention of the firmware.
                    self.state.keep_only(&KEPT);
                    Flow::On
                }
                _ => Flow::End,
            },
            0b110101 => {
                self.set(self.register(0), Value::Unknown); // system registers, hints, barriers
                Flow::On
            }
            _ => return Err(format!("a branch that is not known: {word:#010x}")),
        })
    }

    fn branch_to_register(&self) -> Result<Flow, String> {
        let rn = self.register(5);
        Ok(match (self.bits(21, 4), self.read(rn)) {
            (2, _) | (4, _) => Flow::End, // ret, eret
            (0, Value::Known(to)) => Flow::Jump(to),
            (0, Value::Target(target)) => Flow::Choice(target),
            (0, Value::SomeTarget(base)) => Flow::SomeChoice(Some(base)),
            (0, Value::Entry(table)) => Flow::Choice(Target {
                table,
                base: 0,
                shift: 0,
            }),
            (0, _) => Flow::UnknownJump,
            (1, Value::Known(to)) => Flow::Call(to, 0),
            (1, _) => Flow::UnknownCall,
            _ => return Err("a branch to a register of a kind that is not known".into()),
        })
    }

    /// Loads and stores; they may move their base register.
    fn memory(&mut self) -> Result<(), String> {
        let (rt, rn) = (self.register(0), self.register(5));
        let pair = self.bits(27, 3) == 0b101;
        let single = self.bits(27, 3) == 0b111;
        // The context of the floating-point unit is all that vector registers are used for.
        let vector = self.bits(26, 1) == 1;
        if vector && !pair && !single {
            return Err("an instruction on several vector registers".into());
        }
        if pair {
            let scale = if vector {
                2 + self.bits(30, 2)
            } else {
                2 + self.bits(31, 1)
            };
            let moves = matches!(self.bits(23, 3), 1 | 3);
            self.write_back(rn, moves.then(|| self.offset(15, 7, scale)))?;
            if self.bits(22, 1) == 1 && !vector {
                self.set(rt, Value::Unknown);
                self.set(self.register(10), Value::Unknown);
            }
            return Ok(());
        }
        if !single {
            // Exclusive, ordered, atomic or literal: whatever they name may be written.
            for low in [0, 10, 16] {
                self.set(self.register(low), Value::Unknown);
            }
            return Ok(());
        }
        let unscaled = self.bits(24, 1) == 0;
        let indexed = unscaled && self.bits(21, 1) == 0 && self.bits(10, 1) == 1;
        self.write_back(rn, indexed.then(|| self.offset(12, 9, 0)))?;
        if vector {
            return Ok(());
        }
        let value = self.loaded(rn, unscaled);
        if self.bits(22, 2) != 0 {
            self.set(rt, value);
        } else if unscaled && self.bits(21, 1) == 1 {
            for low in [0, 16] {
                self.set(self.register(low), Value::Unknown); // atomic operations
            }
        }
        Ok(())
    }

    fn write_back(&mut self, rn: usize, offset: Option<i64>) -> Result<(), String> {
        match offset {
            Some(offset) if rn == SP => self.state.depth -= offset,
            Some(offset) => self.set(rn, self.read(rn).plus_constant(offset)),
            None => {}
        }
        Ok(())
    }

    /// What a load of one register finds.
    fn loaded(&self, rn: usize, unscaled: bool) -> Value {
        let size = self.bits(30, 2);
        let table = |at| Table {
            at,
            bytes: 1 << size,
            signed: self.bits(23, 1) == 1,
        };
        let base = if rn == SP {
            Value::Unknown
        } else {
            self.read(rn)
        };
        let by_register = unscaled && self.bits(21, 1) == 1 && self.bits(10, 2) == 2;
        match base {
            Value::Known(at) if by_register => Value::Entry(table(at)),
            _ if by_register => Value::SomeEntry,
            Value::Place(at) if !unscaled && self.bits(10, 12) == 0 => Value::Entry(table(at)),
            Value::Known(at) if !unscaled => {
                let at = at + (u64::from(self.bits(10, 12)) << size);
                let constant = self.image.constant(at, 1 << size);
                constant
                    .filter(|_| size == 3)
                    .map_or(Value::Unknown, Value::Known)
            }
            _ => Value::Unknown,
        }
    }

    /// Operations on registers alone.
    fn registers(&mut self) -> Result<(), String> {
        let (rd, rn, rm) = (self.register(0), self.register(5), self.register(16));
        let wide_add = self.word >> 24 == 0x8b;
        let extended = self.bits(21, 1) == 1;
        let add_class = self.bits(24, 5) == 0b01011;
        if add_class && extended {
            if rd == SP && self.bits(29, 1) == 0 {
                return Err("the stack pointer moves by a register".into());
            }
            let base = if rn == SP {
                Value::Unknown
            } else {
                self.read(rn)
            };
            let sum = base.plus(self.read(rm), self.bits(10, 3) as u8);
            self.set(rd, if wide_add { sum } else { Value::Unknown });
        } else if wide_add && self.bits(22, 2) == 0 {
            let sum = self.read(rn).plus(self.read(rm), self.bits(10, 6) as u8);
            self.set(rd, sum);
        } else if self.word & 0xffe0_ffe0 == 0xaa00_03e0 {
            self.set(rd, self.read(rm)); // mov
        } else {
            self.set(rd, Value::Unknown);
        }
        Ok(())
    }
}
