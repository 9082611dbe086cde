//! Threads that read and write the registers of others.
//!
//! What registers hold is not part of a state; in the course of a step it is known. Register 0
//! is where the program goes on.

use super::call::Args;
use super::fault::INSTRUCTION;
use super::state::{Fault, Request, ThreadState, Trap};
use super::thread::Invoked;
use super::{Cap, Error, Place, State};
use abi::invocation::Invocation as I;
use abi::message::{MESSAGE_REGISTERS, MessageInfo};
use abi::{Isa, Word};

/// Behind the one instruction of all programs.
const BEHIND: Word = INSTRUCTION + 2;

/// How many registers are shown, how many of them count as frame registers, and which one
/// thread-local storage is found by.
const fn numbers() -> (usize, usize, usize) {
    match abi::ISA {
        Isa::X86_64 => {
            use abi::x86_64::{FRAME_REGISTERS, TLS_REGISTER, register};
            (register::LENGTH, FRAME_REGISTERS, TLS_REGISTER)
        }
        Isa::AArch64 => {
            use abi::aarch64::{FRAME_REGISTERS, TLS_REGISTER, register};
            (register::LENGTH, FRAME_REGISTERS, TLS_REGISTER)
        }
        Isa::RiscV64 => {
            use abi::riscv64::{FRAME_REGISTERS, TLS_REGISTER, register};
            (register::LENGTH, FRAME_REGISTERS, TLS_REGISTER)
        }
    }
}

/// The registers that the message of a fault shows and its answer sets, in order. `None`: where an
/// exception of AArch64 returns to, which nobody can set.
fn shown_by(fault: &Fault) -> Vec<Option<usize>> {
    let all = |registers: &[usize]| registers.iter().copied().map(Some).collect();
    match (abi::ISA, fault) {
        (Isa::X86_64, Fault::UnknownSyscall { .. }) => all(&abi::x86_64::UNKNOWN_SYSCALL_REGISTERS),
        (Isa::RiscV64, Fault::UnknownSyscall { .. }) => {
            all(&abi::riscv64::UNKNOWN_SYSCALL_REGISTERS)
        }
        (Isa::AArch64, Fault::UnknownSyscall { .. }) => {
            use abi::aarch64::register::*;
            let mut shown: Vec<_> = all(&[X0, X1, X2, X3, X4, X5, X6, X7, PC, SP]);
            shown.extend([None, Some(SPSR)]);
            shown
        }
        (Isa::X86_64, Fault::Trap(Trap::Exception { .. })) => {
            all(&abi::x86_64::USER_EXCEPTION_REGISTERS)
        }
        (Isa::AArch64, Fault::Trap(Trap::Exception { .. })) => {
            all(&abi::aarch64::USER_EXCEPTION_REGISTERS)
        }
        (Isa::RiscV64, Fault::Trap(Trap::Exception { .. })) => {
            all(&abi::riscv64::USER_EXCEPTION_REGISTERS)
        }
        // A timeout's message shows none.
        (_, Fault::Timeout { .. }) => (0..numbers().0).map(Some).collect(),
        _ => vec![],
    }
}

/// The system call that registers hold, with what is in the buffer.
fn request(registers: &[Word], in_buffer: &[Word], caps: &[Word]) -> Request {
    let (cap, info, message, reply, destination, number) = match abi::ISA {
        Isa::X86_64 => {
            use abi::x86_64::*;
            (
                CAP_REGISTER,
                MSG_INFO_REGISTER,
                MESSAGE_REGISTERS,
                REPLY_REGISTER,
                NB_SEND_DEST_REGISTER,
                SYSCALL_NUMBER,
            )
        }
        Isa::AArch64 => {
            use abi::aarch64::*;
            (
                CAP_REGISTER,
                MSG_INFO_REGISTER,
                MESSAGE_REGISTERS,
                REPLY_REGISTER,
                NB_SEND_DEST_REGISTER,
                SYSCALL_NUMBER,
            )
        }
        Isa::RiscV64 => {
            use abi::riscv64::*;
            (
                CAP_REGISTER,
                MSG_INFO_REGISTER,
                MESSAGE_REGISTERS,
                REPLY_REGISTER,
                NB_SEND_DEST_REGISTER,
                SYSCALL_NUMBER,
            )
        }
    };
    let info = MessageInfo(registers[info]);
    let words = message.into_iter().map(|n| registers[n]);
    let words = words
        .chain(in_buffer.iter().copied())
        .chain(std::iter::repeat(0));
    let caps = caps.iter().copied().chain(std::iter::repeat(0));
    Request {
        syscall: registers[number] as i64,
        cap: registers[cap],
        reply: registers[reply],
        destination: registers[destination],
        label: info.label(),
        words: words.take(info.length()).collect(),
        caps: caps.take(info.extra_caps()).collect(),
    }
}

impl State {
    /// Operations on the registers of a thread. What they say.
    pub fn invoke_registers(
        &mut self,
        invoked: Invoked,
        invocation: I,
        args: &Args,
    ) -> Result<Option<Vec<Word>>, Error> {
        let Invoked { at, thread, .. } = invoked;
        let (all, frame, tls) = numbers();
        match invocation {
            I::TcbReadRegisters => {
                let [flags, count] = args.words()?;
                if !(1..=all as Word).contains(&count) {
                    return Err(Error::RangeError(1, all as Word));
                }
                if at == thread {
                    return Err(Error::IllegalOperation);
                }
                if flags & 1 != 0 {
                    self.suspend(at);
                }
                let mut registers = self.registers.get(&at).cloned().unwrap_or_default();
                registers.truncate(count as usize);
                return Ok(Some(registers));
            }
            I::TcbWriteRegisters => {
                let [flags, count] = args.words()?;
                let words = args.after(2);
                if (words.len() as Word) < count {
                    return Err(Error::TruncatedMessage);
                }
                if at == thread {
                    return Err(Error::IllegalOperation);
                }
                let count = (count as usize).min(all);
                for (n, word) in words[..count].iter().enumerate() {
                    self.write(at, n, *word);
                }
                if flags & 1 != 0 {
                    self.resume(at);
                }
            }
            I::TcbCopyRegisters => {
                let [flags] = args.words()?;
                let Some(Cap::Thread { at: source }) = self.cap(args.cap(0)?) else {
                    return Err(Error::InvalidCapability(1));
                };
                if flags & 1 != 0 {
                    self.suspend(source);
                }
                if flags & 2 != 0 {
                    self.resume(at);
                }
                let from = self.registers.get(&source).cloned().unwrap_or_default();
                for (n, word) in from.into_iter().enumerate() {
                    if flags & 4 != 0 && n < frame || flags & 8 != 0 && n >= frame {
                        self.write(at, n, word);
                    }
                }
                if self.current == Some(at) {
                    self.choose_anew();
                }
            }
            I::TcbSetTlsBase => {
                let [base] = args.words()?;
                self.write(at, tls, base);
            }
            _ => return Err(Error::IllegalOperation),
        }
        Ok(None)
    }

    /// What the registers that the message of a fault shows hold.
    pub fn shown(&self, thread: Place, fault: &Fault) -> Vec<Word> {
        let registers = self.registers.get(&thread);
        let word = |n: &Option<usize>| match n {
            Some(n) => registers.and_then(|all| all.get(*n)).copied(),
            None => Some(BEHIND),
        };
        let shown = shown_by(fault);
        shown.iter().map(|n| word(n).unwrap_or_default()).collect()
    }

    /// Where a stopped thread goes on.
    pub fn goes_on_at(&self, thread: Place) -> Word {
        let registers = self.registers.get(&thread);
        registers.map_or(INSTRUCTION, |all| all[0])
    }

    /// An answer to a fault sets the registers that its message showed. If the thread makes its
    /// system call again, it is what those say then.
    pub fn set_shown(&mut self, thread: Place, fault: &Fault, words: &[Word]) {
        for (n, word) in shown_by(fault).into_iter().zip(words) {
            if let Some(n) = n {
                self.write(thread, n, *word);
            }
        }
        if words.is_empty() || self.goes_on_at(thread) != INSTRUCTION {
            return;
        }
        let before = self.thread(thread).and_then(|thread| thread.says.as_ref());
        let in_buffer = before.map_or(&[][..], |before| {
            before.words.get(MESSAGE_REGISTERS..).unwrap_or_default()
        });
        let caps = before.map_or(&[][..], |before| &before.caps);
        let says = self
            .registers
            .get(&thread)
            .map(|all| request(all, in_buffer, caps));
        if let Some(thread) = self.thread_mut(thread) {
            thread.says = says;
        }
    }

    /// Writes a register of a thread. Who is sent elsewhere does not make its system call again.
    fn write(&mut self, at: Place, n: usize, word: Word) {
        if let Some(place) = self.registers.get_mut(&at).and_then(|all| all.get_mut(n)) {
            *place = word;
        }
        if n == 0
            && word != INSTRUCTION
            && let Some(thread) = self.thread_mut(at)
        {
            thread.says = None;
        }
    }

    /// A thread is about to be stopped: if it has finished its system call, it will go on behind
    /// it.
    pub fn stays_where_it_is(&mut self, at: Place) {
        if let Some(thread) = self.thread_mut(at) {
            thread.yields_to = None;
            let runs = thread.state == ThreadState::Running;
            let goes_on = match thread.says {
                Some(_) => INSTRUCTION,
                None => BEHIND,
            };
            if runs && let Some(registers) = self.registers.get_mut(&at) {
                registers[0] = goes_on;
            }
        }
    }
}
