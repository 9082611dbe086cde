//! The register file of a thread.

use crate::object::store::Object;
use abi::Word;
use abi::x86_64::{INITIAL_RFLAGS, register, sanitised_address, sanitised_rflags};
use machine::Kind;

/// A thread's registers while it is not running. The trap stubs of the image write and read
/// it by `offset_of!`; the kernel core reads and writes it by name.
///
/// `SYSCALL` destroys `rcx` and `r11`, and user code keeps its stack pointer in `rbx` over the
/// call, so entry by `SYSCALL` does not save `rcx`, `r11` and `rsp`: the fields keep what they
/// held before (`abi/tables/registers.json`, `faults.json`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    /// In: the invoked capability. Out: the badge.
    pub rdi: Word,
    /// Message info.
    pub rsi: Word,
    /// Message register 0.
    pub r10: Word,
    /// Message register 1.
    pub r8: Word,
    /// Message register 2.
    pub r9: Word,
    /// Message register 3.
    pub r15: Word,
    /// The reply capability.
    pub r12: Word,
    /// Destination of `NBSendRecv`.
    pub r13: Word,
    /// The system call number.
    pub rdx: Word,
    pub rax: Word,
    pub rbx: Word,
    pub rbp: Word,
    pub r14: Word,
    pub rcx: Word,
    pub r11: Word,
    pub rsp: Word,
    /// Where the thread continues.
    pub next_ip: Word,
    /// Where the instruction that entered the kernel starts; a restart goes there.
    pub fault_ip: Word,
    pub rflags: Word,
    pub fs_base: Word,
    pub gs_base: Word,
    /// 1 if the thread may return by `SYSRET`: it entered by `SYSCALL` and nobody has since
    /// written registers that `SYSRET` does not restore.
    pub fast_return: Word,
}

impl Object for Context {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = 0;
}

/// Where register `n` is in a context: `place!(n, &context)` or `place!(n, &mut context)`.
macro_rules! place {
    ($n:expr, &$context:ident) => {
        place!($n, (&), $context)
    };
    ($n:expr, &mut $context:ident) => {
        place!($n, (&mut), $context)
    };
    ($n:expr, ($($reference:tt)+), $context:ident) => {
        match $n {
            register::RIP => Some($($reference)+ $context.fault_ip),
            register::RSP => Some($($reference)+ $context.rsp),
            register::RFLAGS => Some($($reference)+ $context.rflags),
            register::RAX => Some($($reference)+ $context.rax),
            register::RBX => Some($($reference)+ $context.rbx),
            register::RCX => Some($($reference)+ $context.rcx),
            register::RDX => Some($($reference)+ $context.rdx),
            register::RSI => Some($($reference)+ $context.rsi),
            register::RDI => Some($($reference)+ $context.rdi),
            register::RBP => Some($($reference)+ $context.rbp),
            register::R8 => Some($($reference)+ $context.r8),
            register::R9 => Some($($reference)+ $context.r9),
            register::R10 => Some($($reference)+ $context.r10),
            register::R11 => Some($($reference)+ $context.r11),
            register::R12 => Some($($reference)+ $context.r12),
            register::R13 => Some($($reference)+ $context.r13),
            register::R14 => Some($($reference)+ $context.r14),
            register::R15 => Some($($reference)+ $context.r15),
            register::FS_BASE => Some($($reference)+ $context.fs_base),
            register::GS_BASE => Some($($reference)+ $context.gs_base),
            _ => None,
        }
    };
}

/// The registers of `seL4_UserContext`, in its order.
macro_rules! in_order {
    ($context:ident) => {
        [
            $context.fault_ip,
            $context.rsp,
            $context.rflags,
            $context.rax,
            $context.rbx,
            $context.rcx,
            $context.rdx,
            $context.rsi,
            $context.rdi,
            $context.rbp,
            $context.r8,
            $context.r9,
            $context.r10,
            $context.r11,
            $context.r12,
            $context.r13,
            $context.r14,
            $context.r15,
            $context.fs_base,
            $context.gs_base,
        ]
    };
}

impl Context {
    /// A thread as Retype makes it.
    pub fn new() -> Self {
        Self {
            rflags: INITIAL_RFLAGS,
            ..Self::default()
        }
    }

    /// The invoked capability.
    #[inline(always)]
    pub fn capability(&self) -> Word {
        self.rdi
    }
    /// The reply capability of a system call that takes one.
    #[inline(always)]
    pub fn reply_capability(&self) -> Word {
        self.r12
    }
    /// Where `NBSendRecv` sends to.
    #[inline(always)]
    pub fn destination(&self) -> Word {
        self.r13
    }
    /// Describes the message.
    #[inline(always)]
    pub fn message_info(&self) -> Word {
        self.rsi
    }
    /// Message words in registers.
    #[inline(always)]
    pub fn message_registers(&self) -> [Word; 4] {
        [self.r10, self.r8, self.r9, self.r15]
    }
    /// Sets all message words that travel in registers.
    #[inline(always)]
    pub fn set_message_registers(&mut self, words: [Word; 4]) {
        [self.r10, self.r8, self.r9, self.r15] = words;
    }
    /// Sets the badge of a received message.
    #[inline(always)]
    pub fn set_badge(&mut self, badge: Word) {
        self.rdi = badge;
    }
    /// Sets what describes a received message.
    #[inline(always)]
    pub fn set_message_info(&mut self, info: Word) {
        self.rsi = info;
    }
    /// Sets message word `n`, if it travels in a register.
    #[inline(always)]
    pub fn set_message_register(&mut self, n: usize, word: Word) {
        match n {
            0 => self.r10 = word,
            1 => self.r8 = word,
            2 => self.r9 = word,
            3 => self.r15 = word,
            _ => {}
        }
    }

    /// Where the instruction starts that entered the kernel.
    #[inline(always)]
    pub fn fault_ip(&self) -> Word {
        self.fault_ip
    }
    /// Where the thread goes on.
    #[inline(always)]
    pub fn next_ip(&self) -> Word {
        self.next_ip
    }
    /// Sets where a restart goes.
    #[inline(always)]
    pub fn set_fault_ip(&mut self, ip: Word) {
        self.fault_ip = ip;
    }
    /// Goes on where a restart would.
    #[inline(always)]
    pub fn continue_at_fault_ip(&mut self) {
        self.next_ip = self.fault_ip;
    }

    /// The register that names thread-local storage.
    pub fn tls_base(&self) -> Word {
        self.fs_base
    }

    /// Sets the register that names thread-local storage.
    pub fn set_tls_base(&mut self, base: Word) {
        self.fs_base = sanitised_address(base);
    }

    /// All registers in the order of `seL4_UserContext`.
    #[inline(always)]
    pub fn registers(&self) -> [Word; register::LENGTH] {
        in_order!(self)
    }

    /// Writes all registers in the order of `seL4_UserContext`, made safe for the kernel to load.
    #[inline(always)]
    pub fn set_registers(&mut self, registers: [Word; register::LENGTH]) {
        in_order!(self) = registers;
        self.fault_ip = sanitised_address(self.fault_ip);
        self.fs_base = sanitised_address(self.fs_base);
        self.gs_base = sanitised_address(self.gs_base);
        self.rflags = sanitised_rflags(self.rflags);
        // `SYSRET` does not restore all that may just have changed.
        self.fast_return = 0;
    }

    /// Register `n` in the order of `seL4_UserContext`; 0 for numbers that do not exist.
    pub fn register(&self, n: usize) -> Word {
        place!(n, &self).copied().unwrap_or(0)
    }

    /// Writes register `n` in the order of `seL4_UserContext`, made safe for the kernel to load.
    pub fn write_register(&mut self, n: usize, value: Word) {
        let value = match n {
            register::RIP | register::FS_BASE | register::GS_BASE => sanitised_address(value),
            register::RFLAGS => sanitised_rflags(value),
            _ => value,
        };
        if let Some(place) = place!(n, &mut self) {
            *place = value;
        }
        // `SYSRET` does not restore all that may just have changed.
        self.fast_return = 0;
    }
}
