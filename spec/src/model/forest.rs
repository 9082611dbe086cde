//! The derivation forest: which capability comes from which, and what may be derived.

use super::state::{Access, Rights};
use super::{Cap, Error, Held, Slot, State};
use abi::Word;

/// Who wants to give a capability a badge or a guard.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Data {
    /// Mint: a copy gets it.
    ForCopy,
    /// Mutate, Rotate: the capability itself gets it.
    InPlace,
}

impl Cap {
    /// This capability with no right that is not in `mask`.
    #[must_use]
    pub fn restricted(self, mask: Rights) -> Self {
        match self {
            Self::Endpoint { at, badge, rights } => Self::Endpoint {
                at,
                badge,
                rights: rights.and(mask),
            },
            Self::Notification { at, badge, rights } => Self::Notification {
                at,
                badge,
                rights: rights.and(mask),
            },
            Self::Reply { at, grant } => Self::Reply {
                at,
                grant: grant && mask.has(Rights::GRANT),
            },
            Self::Frame {
                at,
                bits,
                device,
                access,
                mapped,
            } => {
                let readable = mask.has(Rights::READ) && access >= Access::Read;
                let writable = mask.has(Rights::WRITE) && access == Access::ReadWrite;
                let access = match (readable, writable) {
                    (true, true) => Access::ReadWrite,
                    (true, false) => Access::Read,
                    (false, _) => Access::None,
                };
                Self::Frame {
                    at,
                    bits,
                    device,
                    access,
                    mapped,
                }
            }
            other => other,
        }
    }

    /// This capability with `word` as its badge or guard. `None` where that may not be: a badge
    /// is given once, to a copy; a guard must fit.
    #[must_use]
    pub fn with_data(self, word: Word, data: Data) -> Option<Self> {
        match self {
            Self::Endpoint { at, badge, rights } => (badge == 0 && data == Data::ForCopy)
                .then_some(Self::Endpoint {
                    at,
                    badge: word,
                    rights,
                }),
            Self::Notification { at, badge, rights } => (badge == 0 && data == Data::ForCopy)
                .then_some(Self::Notification {
                    at,
                    badge: word,
                    rights,
                }),
            Self::CNode { at, radix, .. } => {
                let guard_bits = (word & 0x3f) as u32;
                let guard = (word >> 6) & ((1 << guard_bits) - 1);
                (guard_bits + radix <= 64).then_some(Self::CNode {
                    at,
                    radix,
                    guard,
                    guard_bits,
                })
            }
            other => Some(other),
        }
    }

    /// Whether what `self` stands for contains what `other` stands for.
    pub fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Untyped { .. } | Self::Frame { .. }, _) => {
                let same_kind =
                    matches!(self, Self::Untyped { .. }) || matches!(other, Self::Frame { .. });
                match (self.memory(), other.memory()) {
                    (Some((a, a_len)), Some((b, b_len))) if same_kind => {
                        a.0 <= b.0 && b.0 + b_len as i64 <= a.0 + a_len as i64
                    }
                    _ => false,
                }
            }
            (Self::SchedControl, Self::SchedControl) | (Self::DomainSet, Self::DomainSet) => true,
            (Self::AsidControl, Self::AsidControl) => true,
            (Self::IrqControl, Self::IrqHandler { .. }) => true,
            (Self::IrqHandler { line: a }, Self::IrqHandler { line: b }) => a == b,
            _ => {
                std::mem::discriminant(self) == std::mem::discriminant(other)
                    && self.object().is_some()
                    && self.object() == other.object()
            }
        }
    }
}

impl State {
    /// Whether a capability is derived from the one in `slot`.
    pub fn has_children(&self, slot: Slot) -> bool {
        self.slots.values().any(|held| held.parent == Some(slot))
    }

    /// Everything derived from `slot`, directly or not.
    pub fn descendants(&self, slot: Slot) -> Vec<Slot> {
        let mut found = vec![];
        let mut from = vec![slot];
        while let Some(parent) = from.pop() {
            for (child, held) in &self.slots {
                if held.parent == Some(parent) {
                    found.push(*child);
                    from.push(*child);
                }
            }
        }
        found
    }

    /// What a copy of the capability in `slot`, restricted already, is. `None`: it is not
    /// copied.
    pub fn derived(&self, slot: Slot, cap: Cap) -> Result<Option<Cap>, Error> {
        match cap {
            Cap::Untyped { .. } if self.has_children(slot) => Err(Error::RevokeFirst),
            Cap::VSpace { asid: None, .. } | Cap::Table { mapped: None, .. } => {
                Err(Error::IllegalOperation)
            }
            Cap::Frame {
                at,
                bits,
                device,
                access,
                ..
            } => Ok(Some(Cap::Frame {
                at,
                bits,
                device,
                access,
                mapped: None,
            })),
            Cap::Other(_) | Cap::Zombie { .. } | Cap::IrqControl => Ok(None),
            other => Ok(Some(other)),
        }
    }

    /// Puts `cap`, a copy of the one in `source`, into the empty slot `to`.
    pub fn insert_copy(&mut self, cap: Cap, source: Slot, to: Slot) {
        let Some(held) = self.slots.get_mut(&source) else {
            return;
        };
        if let Cap::Untyped {
            watermark, bits, ..
        } = &mut held.cap
        {
            // The same memory must not be given out twice.
            *watermark = 1 << *bits;
        }
        let original = match (cap.badge(), held.cap.badge()) {
            (Some(new), Some(old)) => new != old,
            _ => matches!(cap, Cap::Untyped { .. }),
        };
        let parent = self.parent_for(cap, source);
        self.slots.insert(
            to,
            Held {
                cap,
                parent,
                original,
            },
        );
    }

    /// Puts `cap`, newly made under the authority in `parent`, into the empty slot `to`.
    pub fn insert_new(&mut self, cap: Cap, parent: Slot, to: Slot) {
        let held = Held {
            cap,
            parent: Some(parent),
            original: true,
        };
        self.slots.insert(to, held);
    }

    /// Whose child a copy of the capability in `source` is: of the nearest ancestor (the source
    /// first) that can have children, with the same badge or none.
    fn parent_for(&self, cap: Cap, source: Slot) -> Option<Slot> {
        let mut candidate = Some(source);
        while let Some(slot) = candidate {
            let held = self.slots.get(&slot)?;
            let badge = held.cap.badge().unwrap_or(0);
            if held.original && (badge == 0 || cap.badge() == Some(badge)) {
                break;
            }
            candidate = held.parent;
        }
        candidate
    }

    /// Moves the capability in `from` to the empty slot `to`; it stays who it is in the forest.
    pub fn relocate(&mut self, cap: Cap, from: Slot, to: Slot) {
        if let Some(mut held) = self.slots.remove(&from) {
            held.cap = cap;
            self.slots.insert(to, held);
            self.rename(&[(from, to)]);
        }
    }

    /// Swaps two slots: `cap_a`, that was in `a`, is in `b` afterwards, and the other way round.
    pub fn swap(&mut self, cap_a: Cap, a: Slot, cap_b: Cap, b: Slot) {
        if let (Some(mut from_a), Some(mut from_b)) = (self.slots.remove(&a), self.slots.remove(&b))
        {
            from_a.cap = cap_a;
            from_b.cap = cap_b;
            self.slots.insert(a, from_b);
            self.slots.insert(b, from_a);
            self.rename(&[(a, b), (b, a)]);
        }
    }

    /// Two slots, of which one may be empty, change places.
    pub fn exchange(&mut self, a: Slot, b: Slot) {
        let (from_a, from_b) = (self.slots.remove(&a), self.slots.remove(&b));
        self.slots.extend(from_a.map(|held| (b, held)));
        self.slots.extend(from_b.map(|held| (a, held)));
        self.rename(&[(a, b), (b, a)]);
    }

    /// Parents that have moved are found under their new names.
    fn rename(&mut self, names: &[(Slot, Slot)]) {
        for held in self.slots.values_mut() {
            let moved = names.iter().find(|(old, _)| held.parent == Some(*old));
            if let Some((_, new)) = moved {
                held.parent = Some(*new);
            }
        }
    }
}
