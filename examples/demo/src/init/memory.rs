//! `untyped`: where the memory is.

use super::arena::Arena;
use super::console::{out, outln};
use super::home::Home;
use abi::Word;
use core::fmt;
use user_runtime::boot;

/// A number of bytes, as people say it.
pub(crate) struct Bytes(pub(crate) Word);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u32, &str); 4] = [(40, "TiB"), (30, "GiB"), (20, "MiB"), (10, "KiB")];
        let bytes = self.0;
        match UNITS.into_iter().find(|(bits, _)| bytes >> bits > 0) {
            Some((bits, unit)) if bytes.trailing_zeros() >= bits => {
                write!(f, "{} {unit}", bytes >> bits)
            }
            Some((bits, unit)) => {
                let tenths = (bytes >> (bits - 10)) * 10 / 1024;
                write!(f, "{}.{} {unit}", tenths / 10, tenths % 10)
            }
            None => write!(f, "{bytes} bytes"),
        }
    }
}

/// Prints it.
pub(crate) fn show<'a>(home: &Home, arenas: impl Iterator<Item = &'a Arena>) {
    let (mut ram, mut pieces, mut device) = (0, 0, 0);
    for (_, description) in boot::untypeds(home.boot) {
        let bytes = 1 << description.size_bits;
        if description.is_device == 0 {
            ram += bytes;
            pieces += 1;
        } else {
            device += bytes;
        }
    }
    let free = home.allocator.memory.free_ram();
    outln!(
        "   {} of RAM in {pieces} untypeds from BootInfo: {} free, {} in use; and {} of device \
         addresses",
        Bytes(ram),
        Bytes(free),
        Bytes(ram - free),
        Bytes(device)
    );
    show_free(home);
    outln!("   in use, by arena:");
    for arena in arenas {
        let used = arena.bytes() - arena.allocator.memory.free_ram();
        let block = arena.block();
        outln!(
            "   {:14} {:8} at {:#010x}, {} used",
            arena.name,
            Bytes(arena.bytes()),
            block.address,
            Bytes(used)
        );
    }
}

/// The free blocks of RAM, by size.
fn show_free(home: &Home) {
    out!("   free blocks:");
    for bits in 0..Word::BITS as usize {
        let count = home
            .allocator
            .memory
            .blocks()
            .filter(|block| !block.device && block.bits == bits)
            .count();
        if count > 0 {
            out!(" {count} x {};", Bytes(1 << bits));
        }
    }
    outln!("");
}
