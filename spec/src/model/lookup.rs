//! From a capability address to a slot.

use super::state::thread_slot;
use super::{Cap, Error, Failure, Place, Side, Slot, State};
use abi::Word;

/// The number that `count` bits of `address` make, when `left` of its low bits are still to be
/// used.
fn take(address: Word, left: u32, count: u32) -> Word {
    let rest = u128::from(address) & ((1 << left) - 1);
    (rest >> (left - count)) as Word
}

impl State {
    /// Follows the `depth` low bits of `address` from `root`: at each CNode its guard must come,
    /// then the index of a slot. Ends at the last bit, or at a slot that holds no CNode. The
    /// slot, and how many bits are left.
    pub fn resolve(
        &self,
        root: Option<Cap>,
        address: Word,
        depth: u32,
    ) -> Result<(Slot, u32), Failure> {
        let Some(Cap::CNode {
            at,
            radix,
            guard,
            guard_bits,
        }) = root
        else {
            return Err(Failure::InvalidRoot);
        };
        let bits_left = Word::from(depth);
        if guard_bits > depth || take(address, depth, guard_bits) != guard {
            return Err(Failure::GuardMismatch {
                bits_left,
                guard,
                guard_bits: Word::from(guard_bits),
            });
        }
        if guard_bits + radix > depth {
            return Err(Failure::DepthMismatch {
                bits_left,
                bits_found: Word::from(guard_bits + radix),
            });
        }
        let left = depth - guard_bits - radix;
        let slot = Slot {
            holder: at,
            index: take(address, depth - guard_bits, radix),
        };
        match self.cap(slot) {
            next @ Some(Cap::CNode { .. }) if left > 0 => self.resolve(next, address, left),
            _ => Ok((slot, left)),
        }
    }

    /// The slot that `address` names in the CSpace of `thread`. Bits may be left over.
    pub fn lookup(&self, thread: Place, address: Word) -> Result<Slot, Failure> {
        let root = self.of_thread(thread, thread_slot::CSPACE);
        self.resolve(root, address, 64).map(|(slot, _)| slot)
    }

    /// The slot that an operation on slots names: exactly `depth` bits below `root`.
    pub fn target(
        &self,
        root: Option<Cap>,
        address: Word,
        depth: Word,
        side: Side,
    ) -> Result<Slot, Error> {
        let failed = |failure| Error::FailedLookup(side, failure);
        if !matches!(root, Some(Cap::CNode { .. })) {
            return Err(failed(Failure::InvalidRoot));
        }
        if !(1..=64).contains(&depth) {
            return Err(Error::RangeError(1, 64));
        }
        match self.resolve(root, address, depth as u32) {
            Ok((slot, 0)) => Ok(slot),
            Ok((_, left)) => Err(failed(Failure::DepthMismatch {
                bits_left: Word::from(left),
                bits_found: 0,
            })),
            Err(failure) => Err(failed(failure)),
        }
    }
}
