//! Cache maintenance by address, and clearing memory.

use super::registers::{data_barrier, instruction_barrier, read, system_barrier, write};
use crate::cache::Operation;
use core::arch::asm;

/// Memory is cleared to where every observer sees it if it is whole pages: frames are.
const PAGE: u64 = 4096;
const WORD: u64 = 8;

/// Sizes and kinds of the caches.
#[derive(Clone, Copy, Debug)]
pub struct Caches {
    /// Bytes of the smallest data and instruction cache lines.
    data_line: u64,
    instruction_line: u64,
    /// Instruction caches find lines by physical address.
    instruction_by_physical: bool,
    /// Bytes that one instruction clears; 0 if there is none.
    clear_block: u64,
}

impl Caches {
    /// The smallest lines that there can be.
    pub const fn new() -> Self {
        Self {
            data_line: 16,
            instruction_line: 16,
            instruction_by_physical: false,
            clear_block: 0,
        }
    }

    /// What this processor has.
    pub fn detect() -> Self {
        const PHYSICAL: u64 = 3;
        const CLEAR_PROHIBITED: u64 = 1 << 4;
        let types = read!("ctr_el0");
        let clear = read!("dczid_el0");
        Self {
            data_line: words(types >> 16),
            instruction_line: words(types),
            instruction_by_physical: types >> 14 & 3 == PHYSICAL,
            clear_block: if clear & CLEAR_PROHIBITED == 0 {
                words(clear)
            } else {
                0
            },
        }
    }

    /// Maintains the caches for `len` bytes at `start`, which are mapped.
    pub fn maintain(&self, operation: Operation, start: u64, len: u64) {
        let end = start.saturating_add(len);
        // The address space that `start` is in may have become current just now.
        instruction_barrier();
        match operation {
            Operation::CleanData => self.by_data_line(start, end, |line| {
                // SAFETY: cleaning changes no data.
                unsafe { asm!("dc cvac, {}", in(reg) line, options(nostack, preserves_flags)) };
            }),
            Operation::InvalidateData => self.by_data_line(start, end, |line| {
                // SAFETY: the owner of this memory, which is no memory of the kernel, asks for it.
                unsafe { asm!("dc ivac, {}", in(reg) line, options(nostack, preserves_flags)) };
            }),
            Operation::CleanInvalidateData => self.by_data_line(start, end, |line| {
                // SAFETY: this changes no data.
                unsafe { asm!("dc civac, {}", in(reg) line, options(nostack, preserves_flags)) };
            }),
            Operation::UnifyInstruction => return self.unify(start, end),
        }
        system_barrier();
    }

    fn unify(&self, start: u64, end: u64) {
        self.by_data_line(start, end, |line| {
            // SAFETY: cleaning changes no data.
            unsafe { asm!("dc cvau, {}", in(reg) line, options(nostack, preserves_flags)) };
        });
        data_barrier();
        if self.instruction_by_physical {
            by_line(self.instruction_line, start, end, |line| {
                // SAFETY: forgetting instructions changes no data.
                unsafe { asm!("ic ivau, {}", in(reg) line, options(nostack, preserves_flags)) };
            });
        } else {
            // Other addresses may show the same memory.
            // SAFETY: forgetting instructions changes no data.
            unsafe { asm!("ic ialluis", options(nostack, preserves_flags)) };
        }
        data_barrier();
        instruction_barrier();
    }

    fn by_data_line(&self, start: u64, end: u64, act: impl Fn(u64)) {
        by_line(self.data_line, start, end, act);
    }

    /// Fills `len` bytes at `start` with zero; both are multiples of 8.
    ///
    /// # Safety
    /// Nothing lives in these bytes, which are normal memory.
    pub unsafe fn clear(&self, start: u64, len: u64) {
        let end = start.wrapping_add(len);
        let block = self.clear_block;
        if block != 0 && (start | len).is_multiple_of(block) {
            let mut at = start;
            while at < end {
                // SAFETY: the caller's promise; `at` is the start of a whole block.
                unsafe { asm!("dc zva, {}", in(reg) at, options(nostack, preserves_flags)) };
                at = at.wrapping_add(block);
            }
        } else {
            let mut at = start;
            while at < end {
                let word: *mut u64 = core::ptr::with_exposed_provenance_mut(at as usize);
                // SAFETY: the caller's promise.
                unsafe { word.write_volatile(0) };
                at = at.wrapping_add(WORD);
            }
        }
        if (start | len) & (PAGE - 1) == 0 {
            self.maintain(Operation::CleanData, start, len);
        }
    }
}

impl Default for Caches {
    fn default() -> Self {
        Self::new()
    }
}

/// Bytes of a block of `2^log` words of four bytes; four bits count.
const fn words(log: u64) -> u64 {
    4u64.wrapping_shl((log & 15) as u32)
}

/// Cleans and invalidates all data caches of this core, and its instruction cache.
pub fn flush_everything() {
    const DATA_OR_BOTH: core::ops::RangeInclusive<u64> = 2..=4;
    const LEVELS: u64 = 7;
    let levels = read!("clidr_el1");
    let coherent = (levels >> 24 & 7).min(LEVELS);
    system_barrier();
    for level in 0..coherent {
        if DATA_OR_BOTH.contains(&(levels.unbounded_shr((level as u32).wrapping_mul(3)) & 7)) {
            flush_level(level);
        }
    }
    system_barrier();
    // SAFETY: forgetting instructions changes no data.
    unsafe { asm!("ic iallu", options(nostack, preserves_flags)) };
    system_barrier();
    instruction_barrier();
}

/// `level` counts from 0.
fn flush_level(level: u64) {
    // SAFETY: this only selects which cache the next read describes.
    unsafe { write!("csselr_el1", level << 1) };
    instruction_barrier();
    let size = read!("ccsidr_el1");
    let wide = read!("id_aa64mmfr2_el1") >> 20 & 15 != 0;
    let (last_way, last_set) = if wide {
        (size >> 3 & 0x1f_ffff, size >> 32 & 0xff_ffff)
    } else {
        (size >> 3 & 0x3ff, size >> 13 & 0x7fff)
    };
    // At most 11.
    let set_shift = (size & 7).wrapping_add(4);
    // The way is at the top of the operand's lower half.
    let way_shift = (last_way as u32).leading_zeros().min(31);
    for way in 0..=last_way {
        for set in 0..=last_set {
            let operand =
                way.wrapping_shl(way_shift) | set.wrapping_shl(set_shift as u32) | level << 1;
            // SAFETY: this changes no data.
            unsafe { asm!("dc cisw, {}", in(reg) operand, options(nostack, preserves_flags)) };
        }
    }
}

/// Calls `act` with the start of each line from `start` to `end`.
#[inline(always)]
fn by_line(line: u64, start: u64, end: u64, act: impl Fn(u64)) {
    let mut at = start & !line.wrapping_sub(1);
    while at < end {
        act(at);
        // Wrapping: the last line may be the last of the address space.
        at = at.wrapping_add(line);
    }
}
