//! Threads that read and write the registers of others.
//!
//! What registers hold is not part of a state; in the course of a step it is known. Register 0
//! is where the program goes on.

use super::call::Args;
use super::fault::INSTRUCTION;
use super::state::ThreadState;
use super::thread::Invoked;
use super::{Cap, Error, Place, State};
use abi::invocation::Invocation as I;
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
