//! RISC-V: RV64IMAC, as far as it moves the stack pointer, jumps, or computes addresses.

use crate::image::Image;
use crate::state::{Flow, State, Step, Table, Target, Value};

const RA: usize = 1;
const SP: usize = 2;
/// What a called function keeps: gp, tp, s0 to s11.
const KEPT: [usize; 14] = [3, 4, 8, 9, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27];

pub(crate) fn step(image: &Image, at: u64, code: &[u8], before: &State) -> Result<Step, String> {
    let low = half(code, 0)?;
    let mut machine = Machine {
        image,
        at,
        bytes: if low & 3 == 3 { 4 } else { 2 },
        state: before.clone(),
        begins_anew: false,
    };
    let flow = if low & 3 == 3 {
        machine.full(u32::from(low) | u32::from(half(code, 2)?) << 16)?
    } else {
        machine.compressed(low)?
    };
    let flow = if machine.begins_anew { Flow::End } else { flow };
    if matches!(flow, Flow::Call(..) | Flow::UnknownCall) {
        machine.state.keep_only(&KEPT);
    }
    Ok(Step {
        bytes: machine.bytes,
        after: machine.state,
        flow,
    })
}

fn half(code: &[u8], at: usize) -> Result<u16, String> {
    let bytes = code.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
    bytes
        .map(u16::from_le_bytes)
        .ok_or_else(|| "the code ends".to_owned())
}

/// Bits `low..low + count` of an instruction.
fn bits(word: u32, low: u32, count: u32) -> u32 {
    word >> low & ((1 << count) - 1)
}

fn signed(value: u32, count: u32) -> i64 {
    i64::from((value << (32 - count)).cast_signed() >> (32 - count))
}

struct Machine<'a> {
    image: &'a Image,
    at: u64,
    bytes: u64,
    state: State,
    /// The stack pointer went back to where it starts: all that is on the stack is given up.
    begins_anew: bool,
}

impl Machine<'_> {
    fn full(&mut self, word: u32) -> Result<Flow, String> {
        let rd = bits(word, 7, 5) as usize;
        let rs1 = bits(word, 15, 5) as usize;
        let rs2 = bits(word, 20, 5) as usize;
        let funct3 = bits(word, 12, 3);
        let immediate = signed(bits(word, 20, 12), 12);
        match word & 0x7f {
            0x37 => self.write(rd, Value::Known(upper(word)))?, // lui
            0x17 => self.write(rd, Value::Known(self.at.wrapping_add(upper(word))))?, // auipc
            0x13 if funct3 == 0 => self.add_immediate(rd, rs1, immediate)?,
            0x13 if funct3 == 1 => self.write(rd, Value::Offset)?, // slli
            0x1b if funct3 == 0 => self.add_word(rd, rs1, immediate)?,
            0x33 if word >> 25 == 0 && funct3 == 0 => self.add(rd, rs1, rs2)?,
            0x33 if word >> 25 == 0x20 && funct3 == 0 => self.subtract(rd, rs1, rs2)?,
            0x03 => self.load(rd, rs1, immediate, funct3)?,
            0x6f => return Ok(self.jump(rd, self.at.wrapping_add_signed(jal_offset(word)))),
            0x67 => return Ok(self.jump_register(rd, rs1, immediate)),
            0x63 => {
                return Ok(Flow::Branch(
                    self.at.wrapping_add_signed(branch_offset(word)),
                ));
            }
            0x23 | 0x27 | 0x0f => {} // stores and fences write no register
            // Nor do loads and sums of floating-point registers.
            0x07 | 0x43 | 0x47 | 0x4b | 0x4f => {}
            0x53 if !matches!(bits(word, 27, 5), 0x14 | 0x18 | 0x1c) => {}
            0x73 => return self.system(word, rd),
            _ => self.write(rd, Value::Unknown)?,
        }
        Ok(Flow::On)
    }

    /// Environment calls and breakpoints, `wfi` and fences; CSR instructions write a register.
    fn system(&mut self, word: u32, rd: usize) -> Result<Flow, String> {
        if bits(word, 12, 3) != 0 {
            self.write(rd, Value::Unknown)?;
        }
        Ok(match word {
            0x0010_0073 | 0x1020_0073 => Flow::End, // ebreak, sret
            // The firmware keeps all registers but a0 and a1.
            0x0000_0073 => {
                self.write(10, Value::Unknown)?;
                self.write(11, Value::Unknown)?;
                Flow::On
            }
            _ => Flow::On,
        })
    }

    fn compressed(&mut self, word: u16) -> Result<Flow, String> {
        let w = u32::from(word);
        let rd = bits(w, 7, 5) as usize;
        let rs2 = bits(w, 2, 5) as usize;
        let (small1, small2) = (bits(w, 7, 3) as usize + 8, bits(w, 2, 3) as usize + 8);
        let six = signed(bits(w, 12, 1) << 5 | bits(w, 2, 5), 6);
        match (word & 3, word >> 13) {
            (0, 0) if word == 0 => return Ok(Flow::End), // never valid: `unimp`
            (0, 2) => self.load(small2, small1, word_offset(w), 2)?,
            (0, 3) => self.load(small2, small1, double_offset(w), 3)?,
            (0, 0) => self.write(small2, Value::Unknown)?, // c.addi4spn
            (0, _) => {}                                   // stores
            (1, 0) => self.add_immediate(rd, rd, six)?,
            (1, 1) => self.add_word(rd, rd, six)?,
            (1, 2) => self.write(rd, Value::Known(six.cast_unsigned()))?,
            (1, 3) if rd == SP => self.add_immediate(SP, SP, sp_offset(w))?,
            (1, 3) => self.write(rd, Value::Known((six << 12).cast_unsigned()))?,
            (1, 4) => self.write(small1, Value::Unknown)?,
            (1, 5) => return Ok(Flow::Jump(self.at.wrapping_add_signed(short_jump(w)))),
            (1, _) => return Ok(Flow::Branch(self.at.wrapping_add_signed(short_branch(w)))),
            (2, 4) => return self.register_form(word, rd, rs2),
            (2, 0) => self.write(rd, Value::Offset)?, // c.slli
            (2, 2 | 3) => self.write(rd, Value::Unknown)?, // from the stack
            _ => {} // stores to the stack, floating-point registers
        }
        Ok(Flow::On)
    }

    /// `c.jr`, `c.jalr`, `c.ebreak`, `c.mv`, `c.add`.
    fn register_form(&mut self, word: u16, rd: usize, rs2: usize) -> Result<Flow, String> {
        let link = word & 1 << 12 != 0;
        Ok(match (rd, rs2) {
            (0, 0) => Flow::End,
            (_, 0) => self.jump_register(if link { RA } else { 0 }, rd, 0),
            _ if link => {
                self.add(rd, rd, rs2)?;
                Flow::On
            }
            _ => {
                self.write(rd, self.state.get(rs2))?;
                Flow::On
            }
        })
    }

    fn write(&mut self, rd: usize, value: Value) -> Result<(), String> {
        if rd == SP {
            // An address is made in two steps; after the first it may be half a page off.
            let near = |at: u64| [at, at.wrapping_add(2048), at.wrapping_sub(2048)];
            self.begins_anew = value
                .known()
                .is_some_and(|at| near(at).iter().any(|at| self.image.is_stack(*at)));
            if self.begins_anew {
                return Ok(());
            }
            return Err("the stack pointer is set to something".into());
        }
        let value = if rd == 0 { Value::Known(0) } else { value };
        self.state.set(rd, value);
        Ok(())
    }

    fn read(&self, register: usize) -> Value {
        if register == 0 {
            Value::Known(0)
        } else {
            self.state.get(register)
        }
    }

    fn add_immediate(&mut self, rd: usize, rs1: usize, immediate: i64) -> Result<(), String> {
        if rd == SP && rs1 == SP {
            self.state.depth -= immediate;
            return Ok(());
        }
        self.write(rd, self.read(rs1).plus_constant(immediate))
    }

    fn add_word(&mut self, rd: usize, rs1: usize, immediate: i64) -> Result<(), String> {
        let sum = self.read(rs1).plus_constant(immediate).known();
        let value = sum.map_or(Value::Unknown, |sum| Value::Known(extend(sum, 4)));
        self.write(rd, value)
    }

    fn add(&mut self, rd: usize, rs1: usize, rs2: usize) -> Result<(), String> {
        if rd == SP && rs1 == SP {
            return self.move_stack(rs2, -1);
        }
        self.write(rd, self.read(rs1).plus(self.read(rs2), 0))
    }

    fn subtract(&mut self, rd: usize, rs1: usize, rs2: usize) -> Result<(), String> {
        if rd == SP && rs1 == SP {
            return self.move_stack(rs2, 1);
        }
        self.write(rd, Value::Unknown)
    }

    fn move_stack(&mut self, by: usize, sign: i64) -> Result<(), String> {
        let bytes = self
            .read(by)
            .known()
            .ok_or("the stack pointer moves by what is not known")?;
        self.state.depth += sign * bytes.cast_signed();
        Ok(())
    }

    fn load(&mut self, rd: usize, rs1: usize, offset: i64, funct3: u32) -> Result<(), String> {
        let bytes = 1 << (funct3 & 3);
        let value = match self.read(rs1).plus_constant(offset) {
            Value::Known(at) => match self.image.constant(at, bytes) {
                Some(value) if funct3 < 4 => Value::Known(extend(value, bytes)),
                Some(value) => Value::Known(value),
                None => Value::Unknown,
            },
            Value::SomePlace => Value::SomeEntry,
            address => address.place().map_or(Value::Unknown, |at| {
                Value::Entry(Table {
                    at,
                    bytes,
                    signed: funct3 < 4,
                })
            }),
        };
        self.write(rd, value)
    }

    fn jump(&mut self, rd: usize, to: u64) -> Flow {
        if rd == 0 {
            Flow::Jump(to)
        } else {
            Flow::Call(to, 0)
        }
    }

    fn jump_register(&mut self, rd: usize, rs1: usize, offset: i64) -> Flow {
        if rd == 0 && rs1 == RA && offset == 0 {
            return Flow::End;
        }
        match (self.read(rs1).plus_constant(offset), self.read(rs1)) {
            (Value::Known(to), _) => self.jump(rd, to),
            (_, Value::Entry(table)) if rd == 0 && offset == 0 => Flow::Choice(Target {
                table,
                base: 0,
                shift: 0,
            }),
            (_, Value::Target(target)) if rd == 0 && offset == 0 => Flow::Choice(target),
            (_, Value::SomeEntry) if rd == 0 && offset == 0 => Flow::SomeChoice(None),
            _ if rd == 0 => Flow::UnknownJump,
            _ => Flow::UnknownCall,
        }
    }
}

/// Sign extension of so many bytes.
fn extend(value: u64, bytes: u8) -> u64 {
    let unused = 64 - 8 * u32::from(bytes);
    (value << unused)
        .cast_signed()
        .wrapping_shr(unused)
        .cast_unsigned()
}

fn upper(word: u32) -> u64 {
    i64::from((word & 0xffff_f000).cast_signed()).cast_unsigned()
}

fn jal_offset(word: u32) -> i64 {
    let offset = bits(word, 31, 1) << 20
        | bits(word, 12, 8) << 12
        | bits(word, 20, 1) << 11
        | bits(word, 21, 10) << 1;
    signed(offset, 21)
}

fn branch_offset(word: u32) -> i64 {
    let offset = bits(word, 31, 1) << 12
        | bits(word, 7, 1) << 11
        | bits(word, 25, 6) << 5
        | bits(word, 8, 4) << 1;
    signed(offset, 13)
}

fn word_offset(w: u32) -> i64 {
    i64::from(bits(w, 5, 1) << 6 | bits(w, 10, 3) << 3 | bits(w, 6, 1) << 2)
}

fn double_offset(w: u32) -> i64 {
    i64::from(bits(w, 5, 2) << 6 | bits(w, 10, 3) << 3)
}

fn sp_offset(w: u32) -> i64 {
    let offset = bits(w, 12, 1) << 9
        | bits(w, 3, 2) << 7
        | bits(w, 5, 1) << 6
        | bits(w, 2, 1) << 5
        | bits(w, 6, 1) << 4;
    signed(offset, 10)
}

fn short_jump(w: u32) -> i64 {
    let offset = bits(w, 12, 1) << 11
        | bits(w, 8, 1) << 10
        | bits(w, 9, 2) << 8
        | bits(w, 6, 1) << 7
        | bits(w, 7, 1) << 6
        | bits(w, 2, 1) << 5
        | bits(w, 11, 1) << 4
        | bits(w, 3, 3) << 1;
    signed(offset, 12)
}

fn short_branch(w: u32) -> i64 {
    let offset = bits(w, 12, 1) << 8
        | bits(w, 5, 2) << 6
        | bits(w, 2, 1) << 5
        | bits(w, 10, 2) << 3
        | bits(w, 3, 2) << 1;
    signed(offset, 9)
}
