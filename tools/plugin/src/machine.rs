//! What differs between the machines: instructions that matter, and registers by name.

/// The instruction set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Machine {
    X86_64,
    AArch64,
    RiscV64,
}

/// What an instruction is, if it is one of those that matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Special {
    SystemCall,
    WaitForInterrupt,
}

/// The registers of a system call, by the names that QEMU gives them.
pub(crate) struct CallRegisters {
    pub(crate) number: &'static str,
    pub(crate) message: &'static str,
}

impl Machine {
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "x86_64" => Self::X86_64,
            "aarch64" => Self::AArch64,
            "riscv64" => Self::RiscV64,
            _ => return None,
        })
    }

    /// Of the bytes of an instruction.
    pub(crate) fn special(self, bytes: &[u8]) -> Option<Special> {
        let word = || bytes.try_into().ok().map(u32::from_le_bytes);
        match self {
            Self::X86_64 => match bytes {
                [0x0f, 0x05] => Some(Special::SystemCall),
                [0xf4] => Some(Special::WaitForInterrupt),
                _ => None,
            },
            Self::AArch64 => match word()? {
                call if call & 0xffe0_001f == 0xd400_0001 => Some(Special::SystemCall),
                0xd503_207f => Some(Special::WaitForInterrupt),
                _ => None,
            },
            Self::RiscV64 => match word()? {
                0x0000_0073 => Some(Special::SystemCall),
                0x1050_0073 => Some(Special::WaitForInterrupt),
                _ => None,
            },
        }
    }

    pub(crate) fn call_registers(self) -> CallRegisters {
        let (number, message) = match self {
            Self::X86_64 => ("rdx", "rsi"),
            Self::AArch64 => ("x7", "x1"),
            Self::RiscV64 => ("a7", "a1"),
        };
        CallRegisters { number, message }
    }

    /// Why a trap came, where all come by one way.
    pub(crate) fn cause(self) -> Option<&'static str> {
        (self == Self::RiscV64).then_some("scause")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_told_apart() {
        let call = Some(Special::SystemCall);
        assert_eq!(Machine::X86_64.special(&[0x0f, 0x05]), call);
        assert_eq!(Machine::AArch64.special(&[1, 0, 0, 0xd4]), call);
        assert_eq!(Machine::RiscV64.special(&[0x73, 0, 0, 0]), call);
        let wait = Some(Special::WaitForInterrupt);
        assert_eq!(Machine::X86_64.special(&[0xf4]), wait);
        assert_eq!(Machine::AArch64.special(&[0x7f, 0x20, 0x03, 0xd5]), wait);
        assert_eq!(Machine::RiscV64.special(&[0x73, 0, 0x50, 0x10]), wait);
        assert_eq!(Machine::RiscV64.special(&[0x01, 0]), None);
    }
}
