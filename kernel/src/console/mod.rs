//! What the kernel says to people. Only flavours that print have any of it.

pub mod calls;
pub mod explain;

pub use calls::cap_number;

use crate::Kernel;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use abi::FLAVOUR;
use core::fmt::{self, Write};
use machine::Machine;

/// How much the kernel says on its own account. Set at boot (`log=quiet|faults|errors`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Level {
    /// Nothing but what a debug call asks for.
    Quiet,
    /// Threads that stop because nobody handles their fault.
    Faults,
    /// Refused invocations too.
    Errors,
}

impl Level {
    /// The level of this name.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "quiet" => Some(Self::Quiet),
            "faults" => Some(Self::Faults),
            "errors" => Some(Self::Errors),
            _ => None,
        }
    }
}

/// Writes to the kernel's console; nothing in flavours that do not print.
pub struct Console<'a>(pub &'a mut machine::Current);

impl Write for Console<'_> {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        if FLAVOUR.printing() {
            s.bytes().for_each(|byte| self.0.put_byte(byte));
        }
        Ok(())
    }
}

impl Kernel {
    /// Prints text as it is.
    pub(crate) fn write(&mut self, text: &str) {
        let _ = Console(&mut self.machine).write_str(text);
    }

    /// Prints a line. Nothing, not even formatting, in flavours that do not print.
    #[inline(always)]
    pub fn say(&mut self, line: fmt::Arguments<'_>) {
        if FLAVOUR.printing() {
            // A console cannot fail.
            let _ = writeln!(Console(&mut self.machine), "{line}");
        }
    }
}

/// A thread has been made: it joins the list of all, named after its maker.
pub(crate) fn thread_born(k: &mut Kernel, thread: Ref<Tcb>) {
    if !FLAVOUR.debug() {
        return;
    }
    let mut name = Name::default();
    if let Some(current) = k.current() {
        let _ = write!(name, "child of: '{}'", k[current].name());
    }
    k[thread].name = name.bytes;
    let next = k.all_threads.replace(thread);
    k[thread].all_next = next;
    if let Some(next) = next {
        k[next].all_previous = Some(thread);
    }
}

/// A thread is about to lose its memory: it leaves the list of all.
pub(crate) fn thread_gone(k: &mut Kernel, thread: Ref<Tcb>) {
    if !FLAVOUR.debug() {
        return;
    }
    let (next, previous) = (k[thread].all_next.take(), k[thread].all_previous.take());
    match previous {
        Some(previous) => k[previous].all_next = next,
        None => k.all_threads = next,
    }
    if let Some(next) = next {
        k[next].all_previous = previous;
    }
}

/// A name of limited length; what does not fit is cut off.
struct Name {
    bytes: [u8; 64],
    length: usize,
}

impl Default for Name {
    fn default() -> Self {
        Self {
            bytes: [0; 64],
            length: 0,
        }
    }
}

impl Name {
    fn push(&mut self, byte: u8) {
        // The last byte stays 0.
        if self.length < self.bytes.len().saturating_sub(1)
            && let Some(place) = self.bytes.get_mut(self.length)
        {
            *place = byte;
            self.length = self.length.wrapping_add(1);
        }
    }
}

impl Write for Name {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        s.bytes().for_each(|byte| self.push(byte));
        Ok(())
    }
}

/// A line being put together; what does not fit is cut off.
pub(crate) struct Line {
    bytes: [u8; 400],
    length: usize,
}

impl Line {
    fn new() -> Self {
        Self {
            bytes: [0; 400],
            length: 0,
        }
    }

    fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..self.length).unwrap_or_default();
        core::str::from_utf8(bytes).unwrap_or("(not text)")
    }
}

impl Write for Line {
    fn write_str(&mut self, s: &str) -> fmt::Result {
        for byte in s.bytes() {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
                self.length = self.length.saturating_add(1);
            }
        }
        Ok(())
    }
}
