//! The registers that fault messages show, and that answers to them set.

use abi::Word;
use abi::riscv64::{timeout_reply, unknown_syscall, user_exception};

/// The registers at an unknown system call, and in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct SyscallRegisters(pub [Word; unknown_syscall::LENGTH]);

impl SyscallRegisters {
    /// The number of the call.
    pub fn number(&self) -> Word {
        self.0[unknown_syscall::SYSCALL]
    }

    /// The address of the instruction.
    pub fn fault_ip(&self) -> Word {
        self.0[unknown_syscall::FAULT_IP]
    }

    /// Any word, by the indices of [`unknown_syscall`].
    pub fn word(&self, index: usize) -> Word {
        self.0[index]
    }

    /// Sets any word, by the indices of [`unknown_syscall`].
    pub fn set(&mut self, index: usize, value: Word) {
        self.0[index] = value;
    }
}

/// The registers at an exception, and in the answer to it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExceptionRegisters {
    /// Where it happened; in an answer, where to go on.
    pub ip: Word,
    /// Stack pointer.
    pub sp: Word,
}

impl ExceptionRegisters {
    /// Words of the message from which registers, cause and code come.
    pub(crate) const LENGTH: usize = user_exception::LENGTH;

    /// The registers, the cause and the code (0) in a message.
    pub(crate) fn decode(words: [Word; Self::LENGTH]) -> (Self, Word, Word) {
        let registers = Self {
            ip: words[user_exception::FAULT_IP],
            sp: words[user_exception::SP],
        };
        (
            registers,
            words[user_exception::NUMBER],
            words[user_exception::CODE],
        )
    }

    /// The words of an answer.
    pub fn to_words(self) -> [Word; user_exception::NUMBER] {
        [self.ip, self.sp]
    }
}

/// The registers that an answer to a timeout sets, by the indices of [`timeout_reply`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TimeoutReply(pub [Word; timeout_reply::LENGTH]);
