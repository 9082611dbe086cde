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

    /// Register `n` in the order of `seL4_UserContext`; 0 for numbers that do not exist.
    pub fn register(&self, n: usize) -> Word {
        let mut copy = *self;
        copy.place(n).copied().unwrap_or(0)
    }

    /// Writes register `n` in the order of `seL4_UserContext`. User mode may hold any value in
    /// any of them.
    pub fn write_register(&mut self, n: usize, value: Word) {
        if let Some(place) = self.place(n) {
            *place = value;
        }
    }

    fn place(&mut self, n: usize) -> Option<&mut Word> {
        Some(match n {
            register::PC => &mut self.fault_ip,
            register::RA => &mut self.ra,
            register::SP => &mut self.sp,
            register::GP => &mut self.gp,
            register::S0 => &mut self.s0,
            register::S1 => &mut self.s1,
            register::S2 => &mut self.s2,
            register::S3 => &mut self.s3,
            register::S4 => &mut self.s4,
            register::S5 => &mut self.s5,
            register::S6 => &mut self.s6,
            register::S7 => &mut self.s7,
            register::S8 => &mut self.s8,
            register::S9 => &mut self.s9,
            register::S10 => &mut self.s10,
            register::S11 => &mut self.s11,
            register::A0 => &mut self.a0,
            register::A1 => &mut self.a1,
            register::A2 => &mut self.a2,
            register::A3 => &mut self.a3,
            register::A4 => &mut self.a4,
            register::A5 => &mut self.a5,
            register::A6 => &mut self.a6,
            register::A7 => &mut self.a7,
            register::T0 => &mut self.t0,
            register::T1 => &mut self.t1,
            register::T2 => &mut self.t2,
            register::T3 => &mut self.t3,
            register::T4 => &mut self.t4,
            register::T5 => &mut self.t5,
            register::T6 => &mut self.t6,
            register::TP => &mut self.tp,
            _ => return None,
        })
    }
}
