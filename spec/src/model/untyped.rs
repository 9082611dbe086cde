//! Objects out of memory.

use super::call::Args;
use super::state::{Access, Notification, Rights, SchedContext, Thread};
use super::{Cap, Error, Failure, Object, Place, Side, Slot, State};
use abi::object::{
    MAX_UNTYPED_BITS, MIN_SCHED_CONTEXT_BITS, MIN_UNTYPED_BITS, OBJECT_TYPES, ObjectType, SLOT_BITS,
};
use abi::{PROFILE, Word};
use std::collections::BTreeMap;

/// log2 of the size of an object.
fn object_bits(kind: ObjectType, size_bits: Word) -> Result<u32, Error> {
    let most = MAX_UNTYPED_BITS as Word;
    let bits = match kind {
        ObjectType::CNode => u128::from(size_bits) + SLOT_BITS as u128,
        _ => match kind.size_bits(abi::ISA, &PROFILE) {
            Some(bits) => bits as u128,
            None => u128::from(size_bits),
        },
    };
    if size_bits >= 64 || bits > u128::from(most) {
        return Err(Error::RangeError(0, most));
    }
    let least = match kind {
        ObjectType::CNode => 1,
        ObjectType::Untyped => MIN_UNTYPED_BITS as Word,
        ObjectType::SchedContext => MIN_SCHED_CONTEXT_BITS as Word,
        _ => 0,
    };
    if size_bits < least {
        return Err(Error::InvalidArgument(1));
    }
    Ok(bits as u32)
}

impl State {
    /// Retype of the untyped capability in `slot`.
    pub fn retype(&mut self, slot: Slot, args: &Args) -> Result<(), Error> {
        let Some(Cap::Untyped {
            at,
            bits: untyped_bits,
            device,
            watermark,
        }) = self.cap(slot)
        else {
            return Err(Error::IllegalOperation);
        };
        let [number, size_bits, index, depth, offset, count] = args.words()?;
        let root = args.cap(0)?;
        let kind = OBJECT_TYPES
            .decode(number)
            .ok_or(Error::InvalidArgument(0))?;
        let bits = object_bits(kind, size_bits)?;
        let (node, radix) = self.retype_node(root, index, depth)?;
        let slots = 1 << radix;
        if offset >= slots {
            return Err(Error::RangeError(0, slots - 1));
        }
        let most = PROFILE.retype_fan_out_limit as Word;
        if count < 1 || count > most {
            return Err(Error::RangeError(1, most));
        }
        if count > slots - offset {
            return Err(Error::RangeError(1, slots - offset));
        }
        let window: Vec<Slot> = (offset..offset + count)
            .map(|index| Slot {
                holder: node,
                index,
            })
            .collect();
        if window.iter().any(|slot| self.slots.contains_key(slot)) {
            return Err(Error::DeleteFirst);
        }
        // Memory that nothing is derived from any longer is free again.
        let used = if self.has_children(slot) {
            watermark
        } else {
            0
        };
        let free = (1 << untyped_bits) - used;
        if free >> bits < count {
            return Err(Error::NotEnoughMemory(free));
        }
        let size = 1 << bits;
        if device && kind != ObjectType::Untyped && !is_frame(kind) {
            return Err(Error::InvalidArgument(1));
        }
        let first = used.next_multiple_of(size);
        for (n, to) in window.into_iter().enumerate() {
            let place = Place(at.0 + (first + n as Word * size) as i64);
            let cap = self.create(kind, place, bits, device);
            self.insert_new(cap, slot, to);
        }
        if let Some(held) = self.slots.get_mut(&slot) {
            held.cap = Cap::Untyped {
                at,
                bits: untyped_bits,
                device,
                watermark: first + count * size,
            };
        }
        Ok(())
    }

    fn retype_node(&self, root: Slot, index: Word, depth: Word) -> Result<(Place, u32), Error> {
        let slot = match depth {
            0 => root,
            _ => self.target(self.cap(root), index, depth, Side::Destination)?,
        };
        match self.cap(slot) {
            Some(Cap::CNode { at, radix, .. }) => Ok((at, radix)),
            _ => Err(Error::FailedLookup(
                Side::Destination,
                Failure::MissingCapability { bits_left: depth },
            )),
        }
    }

    fn create(&mut self, kind: ObjectType, at: Place, bits: u32, device: bool) -> Cap {
        let rights = Rights::ALL;
        let radix = bits.saturating_sub(SLOT_BITS as u32);
        let (cap, object) = match kind {
            ObjectType::Untyped => {
                return Cap::Untyped {
                    at,
                    bits,
                    device,
                    watermark: 0,
                };
            }
            ObjectType::Endpoint => {
                let badge = 0;
                (
                    Cap::Endpoint { at, badge, rights },
                    Object::Endpoint { waiting: vec![] },
                )
            }
            ObjectType::Notification => {
                let badge = 0;
                (
                    Cap::Notification { at, badge, rights },
                    Object::Notification(Notification::default()),
                )
            }
            ObjectType::Reply => (Cap::Reply { at, grant: true }, Object::Reply),
            ObjectType::CNode => {
                let cap = Cap::CNode {
                    at,
                    radix,
                    guard: 0,
                    guard_bits: 0,
                };
                (cap, Object::CNode { radix })
            }
            ObjectType::Tcb => {
                let domain = self.turns.domain;
                let thread = Thread {
                    domain,
                    ..Thread::NEW
                };
                (Cap::Thread { at }, Object::Thread(thread))
            }
            ObjectType::SchedContext => (
                Cap::SchedContext { at, bits },
                Object::SchedContext(SchedContext::default()),
            ),
            kind if let Some((span, root)) = super::space::table_kind(kind) => {
                let cap = match root {
                    true => Cap::VSpace { at, asid: None },
                    false => Cap::Table {
                        at,
                        span,
                        mapped: None,
                    },
                };
                let entries = BTreeMap::new();
                (cap, Object::Table { entries })
            }
            _ => {
                let cap = Cap::Frame {
                    at,
                    bits,
                    device,
                    access: Access::ReadWrite,
                    mapped: None,
                };
                (cap, Object::Frame)
            }
        };
        self.objects.insert(at, object);
        cap
    }
}

fn is_frame(kind: ObjectType) -> bool {
    use ObjectType as T;
    matches!(
        kind,
        T::X86SmallPage
            | T::X86LargePage
            | T::X86HugePage
            | T::ArmSmallPage
            | T::ArmLargePage
            | T::ArmHugePage
            | T::RiscvSmallPage
            | T::RiscvMegaPage
            | T::RiscvGigaPage
    )
}
