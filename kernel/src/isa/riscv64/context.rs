//! The register file of a thread.

use crate::object::store::Object;
use abi::Word;
use abi::riscv64::register;
use machine::Kind;

/// A thread's registers while it is not running. The trap stubs of the image write and read
/// it by `offset_of!`; the kernel core reads and writes it by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    /// Stays first: the exit stub ends a reservation by a store of this register's own value.
    pub ra: Word,
    pub sp: Word,
    pub gp: Word,
    pub tp: Word,
    /// In: the invoked capability. Out: the badge.
    pub a0: Word,
    /// Message info.
    pub a1: Word,
    /// Message register 0.
    pub a2: Word,
    /// Message register 1.
    pub a3: Word,
    /// Message register 2.
    pub a4: Word,
    /// Message register 3.
    pub a5: Word,
    /// The reply capability.
    pub a6: Word,
    /// The system call number.
    pub a7: Word,
    /// Destination of `NBSendRecv`.
    pub t0: Word,
    /// Where the instruction that entered the kernel starts; a restart goes there.
    pub fault_ip: Word,
    /// Where the thread continues.
    pub next_ip: Word,
    pub t1: Word,
    pub t2: Word,
    pub t3: Word,
    pub t4: Word,
    pub t5: Word,
    pub t6: Word,
    pub s0: Word,
    pub s1: Word,
    pub s2: Word,
    pub s3: Word,
    pub s4: Word,
    pub s5: Word,
    pub s6: Word,
    pub s7: Word,
    pub s8: Word,
    pub s9: Word,
    pub s10: Word,
    pub s11: Word,
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
            register::PC => Some($($reference)+ $context.fault_ip),
            register::RA => Some($($reference)+ $context.ra),
            register::SP => Some($($reference)+ $context.sp),
            register::GP => Some($($reference)+ $context.gp),
            register::S0 => Some($($reference)+ $context.s0),
            register::S1 => Some($($reference)+ $context.s1),
            register::S2 => Some($($reference)+ $context.s2),
            register::S3 => Some($($reference)+ $context.s3),
            register::S4 => Some($($reference)+ $context.s4),
            register::S5 => Some($($reference)+ $context.s5),
            register::S6 => Some($($reference)+ $context.s6),
            register::S7 => Some($($reference)+ $context.s7),
            register::S8 => Some($($reference)+ $context.s8),
            register::S9 => Some($($reference)+ $context.s9),
            register::S10 => Some($($reference)+ $context.s10),
            register::S11 => Some($($reference)+ $context.s11),
            register::A0 => Some($($reference)+ $context.a0),
            register::A1 => Some($($reference)+ $context.a1),
            register::A2 => Some($($reference)+ $context.a2),
            register::A3 => Some($($reference)+ $context.a3),
            register::A4 => Some($($reference)+ $context.a4),
            register::A5 => Some($($reference)+ $context.a5),
            register::A6 => Some($($reference)+ $context.a6),
            register::A7 => Some($($reference)+ $context.a7),
            register::T0 => Some($($reference)+ $context.t0),
            register::T1 => Some($($reference)+ $context.t1),
            register::T2 => Some($($reference)+ $context.t2),
            register::T3 => Some($($reference)+ $context.t3),
            register::T4 => Some($($reference)+ $context.t4),
            register::T5 => Some($($reference)+ $context.t5),
            register::T6 => Some($($reference)+ $context.t6),
            register::TP => Some($($reference)+ $context.tp),
            _ => None,
        }
    };
}

/// The registers of `seL4_UserContext`, in its order.
macro_rules! in_order {
    ($context:ident) => {
        [
            $context.fault_ip,
            $context.ra,
            $context.sp,
            $context.gp,
            $context.s0,
            $context.s1,
            $context.s2,
            $context.s3,
            $context.s4,
            $context.s5,
            $context.s6,
            $context.s7,
            $context.s8,
            $context.s9,
            $context.s10,
            $context.s11,
            $context.a0,
            $context.a1,
            $context.a2,
            $context.a3,
            $context.a4,
            $context.a5,
            $context.a6,
            $context.a7,
            $context.t0,
            $context.t1,
            $context.t2,
            $context.t3,
            $context.t4,
            $context.t5,
            $context.t6,
            $context.tp,
        ]
    };
}

impl Context {
    /// A thread as Retype makes it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The invoked capability.
    #[inline(always)]
    pub fn capability(&self) -> Word {
        self.a0
    }
    /// The reply capability of a system call that takes one.
    #[inline(always)]
    pub fn reply_capability(&self) -> Word {
        self.a6
    }
    /// Where `NBSendRecv` sends to.
    #[inline(always)]
    pub fn destination(&self) -> Word {
        self.t0
    }
    /// Describes the message.
    #[inline(always)]
    pub fn message_info(&self) -> Word {
        self.a1
    }
    /// Message words in registers.
    #[inline(always)]
    pub fn message_registers(&self) -> [Word; 4] {
        [self.a2, self.a3, self.a4, self.a5]
    }
    /// Sets all message words that travel in registers.
    #[inline(always)]
    pub fn set_message_registers(&mut self, words: [Word; 4]) {
        [self.a2, self.a3, self.a4, self.a5] = words;
    }
    /// Sets the badge of a received message.
    #[inline(always)]
    pub fn set_badge(&mut self, badge: Word) {
        self.a0 = badge;
    }
    /// Sets what describes a received message.
    #[inline(always)]
    pub fn set_message_info(&mut self, info: Word) {
        self.a1 = info;
    }
    /// Sets message word `n`, if it travels in a register.
    #[inline(always)]
    pub fn set_message_register(&mut self, n: usize, word: Word) {
        match n {
            0 => self.a2 = word,
            1 => self.a3 = word,
            2 => self.a4 = word,
            3 => self.a5 = word,
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
        self.tp
    }

    /// Sets the register that names thread-local storage.
    pub fn set_tls_base(&mut self, base: Word) {
        self.tp = base;
    }

    /// All registers in the order of `seL4_UserContext`.
    #[inline(always)]
    pub fn registers(&self) -> [Word; register::LENGTH] {
        in_order!(self)
    }

    /// Writes all registers in the order of `seL4_UserContext`. User mode may hold any value in any
    /// of them.
    #[inline(always)]
    pub fn set_registers(&mut self, registers: [Word; register::LENGTH]) {
        in_order!(self) = registers;
    }

    /// Register `n` in the order of `seL4_UserContext`; 0 for numbers that do not exist.
    pub fn register(&self, n: usize) -> Word {
        place!(n, &self).copied().unwrap_or(0)
    }

    /// Writes register `n` in the order of `seL4_UserContext`. User mode may hold any value in
    /// any of them.
    pub fn write_register(&mut self, n: usize, value: Word) {
        if let Some(place) = place!(n, &mut self) {
            *place = value;
        }
    }
}
