//! Interrupts: a line that has a handler signals the notification that its handler names, and is quiet
//! until it is acknowledged.

use super::call::{Args, Told};
use super::state::Rights;
use super::{Cap, Error, Place, Side, Slot, State};
use abi::invocation::Invocation as I;
use abi::x86_64::irq::{USER_MIN, VECTOR_ARGUMENT_MAX};
use abi::{Isa, Word};

/// What holds the notifications that lines signal: slot `n` is that of line `n`.
pub const LINES: Place = Place(i64::MIN);

/// The one IO APIC of every x86 world, and its pins.
const IO_APICS: Word = 1;
const PINS: Word = 24;
/// The last line of every AArch64 world.
const LAST_LINE: Word = 159;

const fn slot_of(line: u16) -> Slot {
    Slot {
        holder: LINES,
        index: line as u64,
    }
}

fn within(value: Word, least: Word, most: Word) -> Result<(), Error> {
    match (least..=most).contains(&value) {
        true => Ok(()),
        false => Err(Error::RangeError(least, most)),
    }
}

impl State {
    /// A handler for a line that has none, under the control in `control`.
    pub fn issue_handler(
        &mut self,
        control: Slot,
        invocation: I,
        args: &Args,
    ) -> Result<(), Error> {
        let (line, to) = match (abi::ISA, invocation) {
            (Isa::X86_64, I::X86IrqIssueIrqHandlerIoapic | I::X86IrqIssueIrqHandlerMsi) => {
                let words @ [index, depth, .., vector] = args.words::<7>()?;
                let root = args.cap(0)?;
                within(vector, 0, VECTOR_ARGUMENT_MAX)?;
                let line = (USER_MIN + vector) as u16;
                self.free_line(line)?;
                let to = self.empty(root, index, depth)?;
                match invocation {
                    I::X86IrqIssueIrqHandlerMsi => {
                        within(words[2], 0, 255)?;
                        within(words[3], 0, 31)?;
                        within(words[4], 0, 7)?;
                    }
                    _ => {
                        within(words[2], 0, IO_APICS - 1)?;
                        within(words[3], 0, PINS - 1)?;
                        within(words[4], 0, 1)?;
                        within(words[5], 0, 1)?;
                    }
                }
                (line, to)
            }
            (Isa::X86_64, I::IrqIssueIrqHandler) => {
                // Lines have no numbers of their own.
                args.words::<3>()?;
                args.cap(0)?;
                return Err(Error::IllegalOperation);
            }
            (Isa::AArch64 | Isa::RiscV64, I::IrqIssueIrqHandler) => {
                let [line, index, depth] = args.words()?;
                self.numbered(line, args.cap(0)?, index, depth)?
            }
            (Isa::AArch64, I::ArmIrqIssueIrqHandlerTrigger)
            | (Isa::RiscV64, I::RiscvIrqIssueIrqHandlerTrigger) => {
                let [line, _, index, depth] = args.words()?;
                self.numbered(line, args.cap(0)?, index, depth)?
            }
            _ => return Err(Error::IllegalOperation),
        };
        self.lines.insert(line, false);
        self.insert_new(Cap::IrqHandler { line }, control, to);
        Ok(())
    }

    fn numbered(
        &self,
        line: Word,
        root: Slot,
        index: Word,
        depth: Word,
    ) -> Result<(u16, Slot), Error> {
        match abi::ISA {
            Isa::RiscV64 => within(line, 1, 95)?,
            _ => within(line, 0, LAST_LINE)?,
        }
        self.free_line(line as u16)?;
        Ok((line as u16, self.empty(root, index, depth)?))
    }

    /// Neither has the line a handler nor does the kernel use it itself.
    fn free_line(&self, line: u16) -> Result<(), Error> {
        let timer = machine::model::TIMER_IRQ.0;
        match line == timer || self.lines.contains_key(&line) {
            true => Err(Error::RevokeFirst),
            false => Ok(()),
        }
    }

    fn empty(&self, root: Slot, index: Word, depth: Word) -> Result<Slot, Error> {
        let to = self.target(self.cap(root), index, depth % 256, Side::Destination)?;
        match self.slots.contains_key(&to) {
            true => Err(Error::DeleteFirst),
            false => Ok(to),
        }
    }

    /// An operation of the handler of `line`.
    pub fn invoke_handler(&mut self, line: u16, invocation: I, args: &Args) -> Result<(), Error> {
        match invocation {
            I::IrqAckIrq => {
                self.lines.insert(line, false);
            }
            I::IrqSetIrqHandler => {
                let source = args.cap(0)?;
                let cap = match self.cap(source) {
                    Some(cap @ Cap::Notification { rights, .. }) if rights.has(Rights::WRITE) => {
                        cap
                    }
                    _ => return Err(Error::InvalidCapability(0)),
                };
                self.delete(slot_of(line));
                if self.cap(source) == Some(cap) {
                    self.insert_copy(cap, source, slot_of(line));
                }
            }
            I::IrqClearIrqHandler => self.delete(slot_of(line)),
            _ => return Err(Error::IllegalOperation),
        }
        Ok(())
    }

    /// The capability in `slot` goes: if it is the last to a handler, its line has none.
    pub fn handler_goes(&mut self, slot: Slot, cap: Cap) {
        let Cap::IrqHandler { line } = cap else {
            return;
        };
        let mut others = self.slots.iter().filter(|(other, _)| **other != slot);
        if !others.any(|(_, other)| other.cap == cap) {
            self.delete(slot_of(line));
            self.lines.remove(&line);
        }
    }

    /// `line` interrupts, at the time `now`. What the threads are told by it.
    pub fn interrupt(&mut self, line: u16, now: u64) -> Told {
        let mut told = Told::new();
        self.time_passes(now);
        self.has_budget(&mut told);
        if let Some(quiet) = self.lines.get_mut(&line) {
            *quiet = true;
            if let Some(Cap::Notification { at, badge, rights }) = self.cap(slot_of(line))
                && rights.has(Rights::WRITE)
            {
                self.signal(at, badge, &mut told);
            }
        }
        self.end_step(&mut told);
        told
    }
}
