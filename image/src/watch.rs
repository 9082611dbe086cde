//! Looks for broken invariants after every so many entries to the kernel: `check=N` on the
//! command line of a debug kernel. Without the option a kernel tests a zero; flavours that do not
//! debug have none of it.

use crate::console::Voice;
use crate::fatal::EXIT_FAILED;
use crate::lock::Locked;
use core::fmt::Write;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use kernel::check::found::{Book, Entry};
use kernel::check::{self, Violation};
use machine::firmware::loader::CommandLine;
use machine::{KernelAddress, PhysicalAddress};

/// Objects and used slots that there is room to remember.
const ENTRIES: usize = 1 << 15;
const PLACES: usize = 2 * ENTRIES;
const ENTRY_BYTES: usize = ENTRIES * size_of::<Entry>();
/// Bytes of memory that a check needs.
pub(crate) const BYTES: u64 = (ENTRY_BYTES + PLACES * size_of::<u32>()) as u64;

/// How many entries to the kernel make a check; 0: there are none.
static EVERY: AtomicU32 = AtomicU32::new(0);
/// How many are left until the next.
static LEFT: AtomicU32 = AtomicU32::new(0);
/// [`BYTES`] of memory.
static MEMORY: AtomicPtr<u8> = AtomicPtr::new(core::ptr::null_mut());

/// What the command line asks for; 0 is nothing.
pub(crate) fn asked(line: &CommandLine) -> u32 {
    if !abi::FLAVOUR.debug() {
        return 0;
    }
    let digits = line.value(b"check").unwrap_or_default();
    let text = core::str::from_utf8(digits).unwrap_or_default();
    text.parse().unwrap_or(0)
}

/// From now on there is a check after every `every` entries.
///
/// # Safety
/// The [`BYTES`] at `memory` are in the kernel's window, and nobody else's.
pub(crate) unsafe fn start(every: u32, memory: PhysicalAddress) {
    let memory = KernelAddress::of(memory).bits();
    let memory: *mut u8 = core::ptr::with_exposed_provenance_mut(memory as usize);
    // SAFETY: nobody else knows this memory.
    unsafe { memory.write_bytes(0, BYTES as usize) };
    MEMORY.store(memory, Ordering::Relaxed);
    LEFT.store(every, Ordering::Relaxed);
    EVERY.store(every, Ordering::Relaxed);
}

/// The kernel has dealt with an event.
#[inline(always)]
pub(crate) fn after_entry(kernel: &mut Locked) {
    if abi::FLAVOUR.debug() && EVERY.load(Ordering::Relaxed) != 0 {
        count(kernel);
    }
}

#[cold]
#[inline(never)]
fn count(kernel: &mut Locked) {
    let left = LEFT.load(Ordering::Relaxed).saturating_sub(1);
    if left > 0 {
        LEFT.store(left, Ordering::Relaxed);
        return;
    }
    LEFT.store(EVERY.load(Ordering::Relaxed), Ordering::Relaxed);
    if let Err(violation) = look(kernel) {
        stop(&violation);
    }
}

fn look(kernel: &mut Locked) -> Result<(), Violation> {
    let memory = MEMORY.load(Ordering::Relaxed);
    // SAFETY: `start` was given this memory for us alone, all zero is an `Entry`, and whoever
    // comes here has the one `Locked`.
    let entries = unsafe { core::slice::from_raw_parts_mut(memory.cast::<Entry>(), ENTRIES) };
    let behind = memory.wrapping_add(ENTRY_BYTES);
    // SAFETY: likewise, and disjoint from the entries, which end where this begins.
    let index = unsafe { core::slice::from_raw_parts_mut(behind.cast::<u32>(), PLACES) };
    let mut book = Book::new(entries, index);
    match book.fill(kernel)? {
        Some(found) => check::all(kernel, &found),
        None => {
            Voice.text("linchpin: check: more objects than there is room for; no more checks\n");
            EVERY.store(0, Ordering::Relaxed);
            Ok(())
        }
    }
}

#[cold]
fn stop(violation: &Violation) -> ! {
    // A console cannot fail.
    let _ = writeln!(Voice.text("\nlinchpin: fatal: "), "{violation:?}");
    crate::arch::end(EXIT_FAILED)
}
