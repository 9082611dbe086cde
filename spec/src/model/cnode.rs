//! Operations on slots. The order of the checks is part of the API.

use super::call::Args;
use super::forest::Data;
use super::state::Rights;
use super::{Cap, Error, Failure, Object, Side, Slot, State};
use abi::Word;
use abi::invocation::Invocation;

/// Depths are bytes.
fn depth(word: Word) -> Word {
    word % 256
}

fn missing(side: Side, bits_left: Word) -> Error {
    Error::FailedLookup(side, Failure::MissingCapability { bits_left })
}

impl State {
    /// An operation of the CNode capability `cnode`.
    pub fn invoke_cnode(
        &mut self,
        cnode: Cap,
        invocation: Invocation,
        args: &Args,
    ) -> Result<(), Error> {
        match invocation {
            Invocation::CNodeRevoke => {
                let slot = self.named_slot(cnode, args)?;
                self.revoke(slot);
            }
            Invocation::CNodeDelete => {
                let slot = self.named_slot(cnode, args)?;
                self.delete(slot);
            }
            Invocation::CNodeCancelBadgedSends => {
                let slot = self.named_slot(cnode, args)?;
                match self.cap(slot) {
                    Some(Cap::Endpoint { at, badge, rights }) if rights == Rights::ALL => {
                        self.cancel_badged_sends(at, badge);
                    }
                    _ => return Err(Error::IllegalOperation),
                }
            }
            Invocation::CNodeCopy
            | Invocation::CNodeMint
            | Invocation::CNodeMove
            | Invocation::CNodeMutate => self.two_slots(cnode, invocation, args)?,
            Invocation::CNodeRotate => self.rotate(cnode, args)?,
            _ => return Err(Error::IllegalOperation),
        }
        Ok(())
    }

    fn named_slot(&self, cnode: Cap, args: &Args) -> Result<Slot, Error> {
        let [index, bits] = args.words()?;
        self.target(Some(cnode), index, depth(bits), Side::Destination)
    }

    fn two_slots(&mut self, cnode: Cap, invocation: Invocation, args: &Args) -> Result<(), Error> {
        let [to, to_depth, from, from_depth] = args.words()?;
        let root = args.cap(0)?;
        let to = self.target(Some(cnode), to, depth(to_depth), Side::Destination)?;
        if self.slots.contains_key(&to) {
            return Err(Error::DeleteFirst);
        }
        let from_depth = depth(from_depth);
        let from = self.target(self.cap(root), from, from_depth, Side::Source)?;
        let cap = self.cap(from).ok_or(missing(Side::Source, from_depth))?;
        match invocation {
            Invocation::CNodeCopy => {
                let [.., rights] = args.words::<5>()?;
                let cap = self.derived(from, cap.restricted(Rights(rights)))?;
                self.insert_copy(cap.ok_or(Error::IllegalOperation)?, from, to);
            }
            Invocation::CNodeMint => {
                let [.., rights, badge] = args.words::<6>()?;
                let cap = self.derived(from, cap.restricted(Rights(rights)))?;
                let cap = cap.and_then(|cap| cap.with_data(badge, Data::ForCopy));
                self.insert_copy(cap.ok_or(Error::IllegalOperation)?, from, to);
            }
            Invocation::CNodeMutate => {
                let [.., data] = args.words::<5>()?;
                let cap = cap.with_data(data, Data::InPlace);
                self.relocate(cap.ok_or(Error::IllegalOperation)?, from, to);
            }
            _ => self.relocate(cap, from, to),
        }
        Ok(())
    }

    fn rotate(&mut self, cnode: Cap, args: &Args) -> Result<(), Error> {
        let [
            to,
            to_depth,
            pivot_data,
            pivot,
            pivot_depth,
            from_data,
            from,
            from_depth,
        ] = args.words()?;
        let (pivot_root, from_root) = (args.cap(0)?, args.cap(1)?);
        let (pivot_depth, from_depth) = (depth(pivot_depth), depth(from_depth));
        let to = self.target(Some(cnode), to, depth(to_depth), Side::Destination)?;
        let from = self.target(self.cap(from_root), from, from_depth, Side::Source)?;
        let pivot = self.target(self.cap(pivot_root), pivot, pivot_depth, Side::Source)?;
        if pivot == from || pivot == to {
            return Err(Error::IllegalOperation);
        }
        if from != to && self.slots.contains_key(&to) {
            return Err(Error::DeleteFirst);
        }
        let from_cap = self.cap(from).ok_or(missing(Side::Source, from_depth))?;
        let pivot_cap = self.cap(pivot);
        let pivot_cap = pivot_cap.ok_or(missing(Side::Destination, pivot_depth))?;
        let refused = Error::IllegalOperation;
        let from_cap = from_cap
            .with_data(from_data, Data::InPlace)
            .ok_or(refused)?;
        let pivot_cap = pivot_cap
            .with_data(pivot_data, Data::InPlace)
            .ok_or(refused)?;
        if from == to {
            self.swap(from_cap, from, pivot_cap, pivot);
        } else {
            self.relocate(pivot_cap, pivot, to);
            self.relocate(from_cap, from, pivot);
        }
        Ok(())
    }

    /// The slots of the CNode at a place, if one is there.
    pub fn cnode_radix(&self, at: super::Place) -> Option<u32> {
        match self.objects.get(&at) {
            Some(Object::CNode { radix }) => Some(*radix),
            _ => None,
        }
    }
}
