//! The register file of a thread.

use crate::object::store::Object;
use abi::aarch64::{initial_spsr, register, sanitised_spsr};
use abi::{FLAVOUR, Word};
use machine::Kind;

/// The "register" of an unknown system call's message that the user context does not have: where
/// the exception would return to.
pub const RETURN_ADDRESS: usize = register::LENGTH;

/// A thread's registers while it is not running. The trap stubs of the image write and read it
/// by `offset_of!`; the kernel core reads and writes it by name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Context {
    /// X0 to X30. X0: the capability, then the badge. X1: message info. X2 to X5: message words.
    /// X6: the reply capability. X7: the system call number. X8: destination of `NBSendRecv`.
    pub x: [Word; 31],
    pub sp: Word,
    /// Where the thread continues.
    pub next_ip: Word,
    /// Saved program status.
    pub spsr: Word,
    /// Where the instruction that entered the kernel starts; a restart goes there.
    pub fault_ip: Word,
    pub tpidr_el0: Word,
    pub tpidrro_el0: Word,
}

impl Object for Context {
    const KIND: Kind = Kind::Context;
    const OFFSET: u64 = 0;
}

/// The registers of `seL4_UserContext`, in its order.
macro_rules! in_order {
    ($context:ident) => {
        [
            $context.fault_ip,
            $context.sp,
            $context.spsr,
            $context.x[0],
            $context.x[1],
            $context.x[2],
            $context.x[3],
            $context.x[4],
            $context.x[5],
            $context.x[6],
            $context.x[7],
            $context.x[8],
            $context.x[16],
            $context.x[17],
            $context.x[18],
            $context.x[29],
            $context.x[30],
            $context.x[9],
            $context.x[10],
            $context.x[11],
            $context.x[12],
            $context.x[13],
            $context.x[14],
            $context.x[15],
            $context.x[19],
            $context.x[20],
            $context.x[21],
            $context.x[22],
            $context.x[23],
            $context.x[24],
            $context.x[25],
            $context.x[26],
            $context.x[27],
            $context.x[28],
            $context.tpidr_el0,
            $context.tpidrro_el0,
        ]
    };
}

impl Context {
    /// A thread as Retype makes it.
    pub fn new() -> Self {
        Self {
            spsr: initial_spsr(FLAVOUR),
            ..Self::default()
        }
    }

    /// The invoked capability.
    #[inline(always)]
    pub fn capability(&self) -> Word {
        self.x[0]
    }
    /// The reply capability of a system call that takes one.
    #[inline(always)]
    pub fn reply_capability(&self) -> Word {
        self.x[6]
    }
    /// Where `NBSendRecv` sends to.
    #[inline(always)]
    pub fn destination(&self) -> Word {
        self.x[8]
    }
    /// Describes the message.
    #[inline(always)]
    pub fn message_info(&self) -> Word {
        self.x[1]
    }
    /// Message words in registers.
    #[inline(always)]
    pub fn message_registers(&self) -> [Word; 4] {
        [self.x[2], self.x[3], self.x[4], self.x[5]]
    }
    /// Sets all message words that travel in registers.
    #[inline(always)]
    pub fn set_message_registers(&mut self, words: [Word; 4]) {
        [self.x[2], self.x[3], self.x[4], self.x[5]] = words;
    }
    /// Sets the badge of a received message.
    #[inline(always)]
    pub fn set_badge(&mut self, badge: Word) {
        self.x[0] = badge;
    }
    /// Sets what describes a received message.
    #[inline(always)]
    pub fn set_message_info(&mut self, info: Word) {
        self.x[1] = info;
    }
    /// Sets message word `n`, if it travels in a register.
    #[inline(always)]
    pub fn set_message_register(&mut self, n: usize, word: Word) {
        match n {
            0 => self.x[2] = word,
            1 => self.x[3] = word,
            2 => self.x[4] = word,
            3 => self.x[5] = word,
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
        self.tpidr_el0
    }

    /// Sets the register that names thread-local storage.
    pub fn set_tls_base(&mut self, base: Word) {
        self.tpidr_el0 = base;
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
        self.spsr = sanitised_spsr(self.spsr, FLAVOUR);
    }

    /// Register `n` in the order of `seL4_UserContext`, or [`RETURN_ADDRESS`]; 0 for numbers that
    /// do not exist.
    pub fn register(&self, n: usize) -> Word {
        match n {
            register::PC => self.fault_ip,
            register::SP => self.sp,
            register::SPSR => self.spsr,
            register::TPIDR_EL0 => self.tpidr_el0,
            register::TPIDRRO_EL0 => self.tpidrro_el0,
            RETURN_ADDRESS => self.next_ip,
            n => {
                let general = GENERAL.get(n).copied().flatten();
                let place = general.and_then(|general| self.x.get(usize::from(general)));
                place.copied().unwrap_or(0)
            }
        }
    }

    /// Writes register `n`, made safe for the kernel to load.
    pub fn write_register(&mut self, n: usize, value: Word) {
        let value = match n {
            register::SPSR => sanitised_spsr(value, FLAVOUR),
            _ => value,
        };
        if let Some(place) = self.place(n) {
            *place = value;
        }
    }

    fn place(&mut self, n: usize) -> Option<&mut Word> {
        let general = match n {
            register::PC => return Some(&mut self.fault_ip),
            register::SP => return Some(&mut self.sp),
            register::SPSR => return Some(&mut self.spsr),
            register::TPIDR_EL0 => return Some(&mut self.tpidr_el0),
            register::TPIDRRO_EL0 => return Some(&mut self.tpidrro_el0),
            RETURN_ADDRESS => return Some(&mut self.next_ip),
            n => GENERAL.get(n).copied().flatten()?,
        };
        self.x.get_mut(usize::from(general))
    }
}

/// Which of X0 to X30 each register of the user context is.
#[expect(
    clippy::indexing_slicing,
    reason = "evaluated at compile time, where a mistake is an error"
)]
const GENERAL: [Option<u8>; register::LENGTH] = {
    let mut general = [None; register::LENGTH];
    // In the user context's order, in runs: its first place, the first X, how many.
    let runs = [
        (register::X0, 0, 9),
        (register::X16, 16, 3),
        (register::X29, 29, 2),
        (register::X9, 9, 7),
        (register::X19, 19, 10),
    ];
    let mut run = 0;
    while run < runs.len() {
        let (place, first, count) = runs[run];
        let mut n = 0;
        while n < count {
            general[place + n as usize] = Some(first + n);
            n += 1;
        }
        run += 1;
    }
    general
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_register_of_the_user_context_has_a_place_of_its_own() {
        let mut context = Context::new();
        for n in 0..register::LENGTH {
            context.write_register(n, 0x1000 + n as u64);
        }
        for n in (0..register::LENGTH).filter(|n| *n != register::SPSR) {
            assert_eq!(context.register(n), 0x1000 + n as u64, "register {n}");
        }
        let mut other = Context::new();
        other.set_registers(context.registers());
        assert_eq!(other, context);
        let registers = other.registers();
        assert!(
            (0..)
                .zip(registers)
                .all(|(n, word)| word == context.register(n))
        );
        assert_eq!(context.x[29], 0x1000 + register::X29 as u64);
        assert_eq!(context.x[9], 0x1000 + register::X9 as u64);
        assert_eq!(context.x[28], 0x1000 + register::X28 as u64);
        assert_eq!(context.fault_ip, 0x1000 + register::PC as u64);
    }

    #[test]
    fn only_condition_flags_can_be_set() {
        let mut context = Context::new();
        context.write_register(register::SPSR, u64::MAX);
        assert_eq!(context.spsr, 0xf000_0000 | initial_spsr(FLAVOUR));
    }

    #[test]
    fn the_return_address_is_no_register_of_the_user_context() {
        let context = Context {
            next_ip: 8,
            fault_ip: 4,
            ..Context::new()
        };
        assert_eq!(
            (
                context.register(RETURN_ADDRESS),
                context.register(register::PC)
            ),
            (8, 4)
        );
        assert_eq!(context.register(RETURN_ADDRESS + 1), 0);
    }
}
