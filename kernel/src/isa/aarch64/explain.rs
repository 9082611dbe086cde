//! Exceptions in words, for people.

use abi::Word;
use core::fmt;

/// Registers by the names that debuggers use, in the order of `seL4_UserContext`.
pub const REGISTER_NAMES: &[&str] = &abi::aarch64::register::NAMES;

/// What the syndrome of an exception says.
pub fn exception_name(syndrome: Word) -> &'static str {
    match syndrome >> 26 & 0x3f {
        0x00 => "undefined instruction",
        0x01 => "trapped WFI or WFE",
        0x03..=0x06 | 0x0c | 0x18 => "trapped system register",
        0x07 => "floating-point instruction of a thread that may not use them",
        0x0e => "illegal execution state",
        0x15 => "system call",
        0x19 => "trapped SVE instruction",
        0x22 => "misaligned program counter",
        0x26 => "misaligned stack pointer",
        0x2c => "floating-point exception",
        0x2f => "system error",
        0x30..=0x33 => "hardware breakpoint or single step",
        0x34 | 0x35 => "watchpoint",
        0x3c => "breakpoint instruction",
        _ => "exception",
    }
}

/// The syndrome of a refused memory access, in words.
#[derive(Clone, Copy, Debug)]
pub struct VmStatus(pub Word);

impl fmt::Display for VmStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_instruction = self.0 >> 26 & 0x3f == 0x20;
        let access = match (is_instruction, self.0 >> 6 & 1) {
            (true, _) => "execution",
            (false, 1) => "write",
            (false, _) => "read",
        };
        let why = match self.0 & 0x3f {
            0x00..=0x03 => "not a user address",
            0x04..=0x07 => "nothing is mapped there",
            0x08..=0x0b => "not accessed before",
            0x0c..=0x0f => "not permitted",
            0x10 => "the bus refused",
            0x21 => "misaligned",
            _ => "unusual fault",
        };
        write!(f, "{access}: {why}")
    }
}
