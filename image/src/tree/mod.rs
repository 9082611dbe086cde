//! What the ports have in common that are told of their machine by a device tree.

mod spans;

use crate::fatal::fatal_text;
use crate::watch;
use machine::PhysicalAddress;
use machine::firmware::loader::CommandLine;
pub(crate) use spans::{MAX_SPANS, Span, Spans};

/// Takes memory for the checks that the command line asks for. `others` lie in `memory`, but are
/// not free.
pub(crate) fn start_watch(
    line: &CommandLine,
    memory: &mut Spans,
    kept: &mut Spans,
    others: &[Span],
) {
    let every = watch::asked(line);
    if every == 0 {
        return;
    }
    let Some(taken) = memory.take(watch::BYTES, others) else {
        fatal_text("too little memory for the checks that the command line asks for")
    };
    kept.push(taken);
    // SAFETY: the memory has just been taken; the window shows all memory.
    unsafe { watch::start(every, PhysicalAddress(taken.start)) };
}
