//! From a capability address to a slot. (`abi/semantics-core.md` 3.2.)

use crate::Kernel;
use crate::bits;
use crate::cap::{CNodeCap, Cap};
use crate::error::{Lookup, LookupFailure, SyscallError};
use crate::object::cnode::Slot;
use crate::object::store::Ref;
use crate::object::tcb::{Tcb, TcbSlot};
use abi::Word;

/// Bits of an address.
const WORD_BITS: u64 = 64;

/// Where resolution ended: the slot, and how many bits of the address it did not use.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolved {
    pub slot: Ref<Slot>,
    pub bits_left: u64,
}

/// The slot that `address` names in the CSpace of `thread`.
#[doc(alias = "lookupSlot")]
#[inline]
pub fn lookup(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Result<Ref<Slot>, LookupFailure> {
    match at_root(k, thread, address) {
        Some(slot) => Ok(slot),
        None => lookup_below(k, thread, address),
    }
}

/// As [`lookup`], for who does not need to know why it fails.
#[inline(always)]
pub(crate) fn find(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Option<Ref<Slot>> {
    match at_root(k, thread, address) {
        Some(slot) => Some(slot),
        None => find_below(k, thread, address),
    }
}

/// The slot that `address` names, if it is one of the root itself: the usual case, in which the
/// root's guard and index are a whole address.
#[inline(always)]
pub(crate) fn at_root(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Option<Ref<Slot>> {
    in_whole(k, thread.slot(TcbSlot::CSpace), address)
}

/// The slot that `address` names in the CNode in `root`, if that uses up a whole address.
#[inline(always)]
fn in_whole(k: &Kernel, root: Ref<Slot>, address: Word) -> Option<Ref<Slot>> {
    let root = k[root].whole_cnode()?;
    // The guard, and below it the index: a radix is less than 64.
    let guard = address.wrapping_shr(root.radix.into());
    let index = address ^ guard.wrapping_shl(root.radix.into());
    (guard == root.guard).then(|| root.slot(index))
}

#[inline(never)]
fn lookup_below(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Result<Ref<Slot>, LookupFailure> {
    let root = k[thread.slot(TcbSlot::CSpace)].cnode();
    let root = root.ok_or(LookupFailure::InvalidRoot)?;
    resolve_from(k, root, address, WORD_BITS).map(|resolved| resolved.slot)
}

#[inline(never)]
fn find_below(k: &Kernel, thread: Ref<Tcb>, address: Word) -> Option<Ref<Slot>> {
    let mut cnode = k[thread.slot(TcbSlot::CSpace)].cnode()?;
    let mut bits_left = WORD_BITS;
    loop {
        let slot = descend(cnode, address, &mut bits_left)?;
        match k[slot].cnode() {
            Some(next) if bits_left != 0 => cnode = next,
            _ => return Some(slot),
        }
    }
}

/// One level of an address that has `bits_left` bits, at most 64: the slot, if the address fits.
#[inline(always)]
fn descend(cnode: CNodeCap, address: Word, bits_left: &mut u64) -> Option<Ref<Slot>> {
    let level_bits = u64::from(cnode.guard_bits).wrapping_add(cnode.radix.into());
    *bits_left = bits_left.checked_sub(level_bits)?;
    // A radix is at least 1: what is left is below 64, and so are the bits of a guard.
    let here = address.wrapping_shr(*bits_left as u32);
    let guard = here.wrapping_shr(cnode.radix.into()) & bits::mask(cnode.guard_bits);
    (guard == cnode.guard).then(|| cnode.slot(here & bits::mask(cnode.radix)))
}

/// Follows the low `bits` bits (1 to 64) of `address` from `root`, CNode by CNode, until they
/// are used up or lead to something that is not a CNode.
#[doc(alias = "resolveAddressBits")]
#[inline]
pub fn resolve(k: &Kernel, root: Cap, address: Word, bits: u64) -> Result<Resolved, LookupFailure> {
    match root {
        Cap::CNode(cnode) => resolve_from(k, cnode, address, bits),
        _ => Err(LookupFailure::InvalidRoot),
    }
}

#[inline(always)]
fn resolve_from(
    k: &Kernel,
    mut cnode: CNodeCap,
    address: Word,
    bits: u64,
) -> Result<Resolved, LookupFailure> {
    let mut bits_left = bits;
    loop {
        let (slot, rest) = step(cnode, address, bits_left)?;
        bits_left = rest;
        if bits_left == 0 {
            return Ok(Resolved { slot, bits_left });
        }
        match k[slot].cnode() {
            Some(next) => cnode = next,
            None => return Ok(Resolved { slot, bits_left }),
        }
    }
}

/// One level: the slot, and the bits that are left behind it.
#[inline(always)]
fn step(cnode: CNodeCap, address: Word, bits_left: u64) -> Result<(Ref<Slot>, u64), LookupFailure> {
    let guard_bits = u64::from(cnode.guard_bits);
    let radix = u64::from(cnode.radix);
    let guard_matches =
        guard_bits <= bits_left && bits_of(address, bits_left, guard_bits) == cnode.guard;
    if !guard_matches {
        return Err(LookupFailure::GuardMismatch {
            bits_left,
            guard: cnode.guard,
            bits_found: guard_bits,
        });
    }
    // Each is below 64.
    let level_bits = guard_bits.wrapping_add(radix);
    if level_bits > bits_left {
        return Err(LookupFailure::DepthMismatch {
            bits_left,
            bits_found: level_bits,
        });
    }
    // Both are at most `bits_left`.
    let index = bits_of(address, bits_left.wrapping_sub(guard_bits), radix);
    Ok((cnode.slot(index), bits_left.wrapping_sub(level_bits)))
}

/// The `count` bits of `address` that end `end - count` bits above its lowest.
#[inline(always)]
fn bits_of(address: Word, end: u64, count: u64) -> Word {
    if count == 0 {
        return 0;
    }
    // 0 < count <= end <= 64 here, so both shifts are below 64.
    let below = end.wrapping_sub(count) as u32;
    let above = 64u64.wrapping_sub(count) as u32;
    address.wrapping_shr(below) & u64::MAX.wrapping_shr(above)
}

/// The slot that an operation on slots names: `depth` bits of `index`, below the CNode in `root`,
/// exactly.
#[doc(alias = "lookupTargetSlot")]
#[inline(always)]
pub fn target_slot(
    k: &Kernel,
    root: Ref<Slot>,
    index: Word,
    depth: Word,
    which: Lookup,
) -> Result<Ref<Slot>, SyscallError> {
    if depth == WORD_BITS
        && let Some(slot) = in_whole(k, root, index)
    {
        return Ok(slot);
    }
    match find_target(k, root, index, depth) {
        Some(slot) => Ok(slot),
        None => Err(why_no_target(k, root, index, depth, which)),
    }
}

/// As [`target_slot`], for who does not need to know why it fails.
#[inline(never)]
pub(crate) fn find_target(
    k: &Kernel,
    root: Ref<Slot>,
    index: Word,
    depth: Word,
) -> Option<Ref<Slot>> {
    let mut cnode = k[root].cnode()?;
    let mut bits_left = depth;
    // Also no bits at all lead nowhere: each CNode wants some.
    if bits_left > WORD_BITS {
        return None;
    }
    loop {
        let slot = descend(cnode, index, &mut bits_left)?;
        if bits_left == 0 {
            return Some(slot);
        }
        cnode = k[slot].cnode()?;
    }
}

/// Why there is no such slot.
#[cold]
#[inline(never)]
fn why_no_target(
    k: &Kernel,
    root: Ref<Slot>,
    index: Word,
    depth: Word,
    which: Lookup,
) -> SyscallError {
    let root = k[root].cap();
    let failed = |failure| SyscallError::FailedLookup(which, failure);
    if !matches!(root, Cap::CNode(_)) {
        return failed(LookupFailure::InvalidRoot);
    }
    if !(1..=WORD_BITS).contains(&depth) {
        return SyscallError::RangeError {
            min: 1,
            max: WORD_BITS,
        };
    }
    match resolve(k, root, index, depth) {
        Ok(resolved) => failed(LookupFailure::DepthMismatch {
            bits_left: resolved.bits_left,
            bits_found: 0,
        }),
        Err(failure) => failed(failure),
    }
}
