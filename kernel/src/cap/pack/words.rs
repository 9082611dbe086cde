//! What slots and the derivation tree ask of capabilities at each step, answered from the packed
//! words. [`Cap`] says the same readably, variant by variant; a test compares the two.

use super::*;

/// Kinds as a set of tags: one bit test instead of a chain of comparisons.
const fn set(tags: &[u64]) -> u64 {
    let mut set = 0;
    let mut rest = tags;
    while let [tag, tail @ ..] = rest {
        set |= 1 << *tag;
        rest = tail;
    }
    set
}

/// Two of one kind with the same address name the same object; kinds without an address have only
/// the one.
const ADDRESS_DECIDES: u64 = set(&[
    tag::ENDPOINT,
    tag::NOTIFICATION,
    tag::REPLY,
    tag::TCB,
    tag::SCHED_CONTEXT,
    tag::IRQ_CONTROL,
    tag::DOMAIN,
    tag::PAGE_TABLE,
    tag::VSPACE,
    tag::ASID_CONTROL,
    tag::ASID_POOL,
]);

/// Kinds whose object is in memory, where their kernel address says.
const AT_KERNEL_ADDRESS: u64 = set(&[
    tag::ENDPOINT,
    tag::NOTIFICATION,
    tag::REPLY,
    tag::CNODE,
    tag::WHOLE_CNODE,
    tag::TCB,
    tag::SCHED_CONTEXT,
    tag::ZOMBIE,
    tag::PAGE_TABLE,
    tag::VSPACE,
    tag::ASID_POOL,
]);

const BADGED: u64 = set(&[tag::ENDPOINT, tag::NOTIFICATION]);
const OF_ISA: u64 = set(&[tag::ISA]);
const CNODES: u64 = set(&[tag::CNODE, tag::WHOLE_CNODE]);

/// Kinds of which each capability has something to undo, not only the last one to the object.
const EACH_HAS_AN_END: u64 = set(&[tag::FRAME, tag::VSPACE, tag::ZOMBIE]);

/// What the tags of a CNode that uses up a whole address and of one that does not differ in.
const CNODE_TAGS_DIFFER: u64 = tag::CNODE ^ tag::WHOLE_CNODE;

impl PackedCap {
    #[inline(always)]
    const fn is_one_of(self, set: u64) -> bool {
        // A tag has six bits.
        set.wrapping_shr(self.tag() as u32) & 1 != 0
    }

    /// Whether deleting this one has to undo something even if there are others to its object.
    #[inline(always)]
    pub(crate) const fn has_own_end(self) -> bool {
        self.is_one_of(EACH_HAS_AN_END)
    }

    /// Whether this is untyped memory.
    #[inline(always)]
    pub(crate) const fn is_untyped(self) -> bool {
        self.tag() == tag::UNTYPED
    }

    /// As [`Cap::same_object`].
    #[inline(always)]
    pub(crate) fn same_object(self, other: Self) -> bool {
        // Neighbours are mostly of other kinds, or elsewhere.
        match (self.1 ^ other.1) & !(SMALL << SMALL_SHIFT) {
            0 => self.is_one_of(ADDRESS_DECIDES) || self.same_of_kind(other),
            CNODE_TAGS_DIFFER => self.same_of_kind(other),
            _ => false,
        }
    }

    #[inline(never)]
    fn same_of_kind(self, other: Self) -> bool {
        if self.is_one_of(CNODES) {
            return other.is_one_of(CNODES) && self.small() == other.small();
        }
        match self.tag() {
            tag::FRAME => self.as_frame().size == other.as_frame().size,
            tag::SCHED_CONTROL => self.small() == other.small(),
            tag::IRQ_HANDLER => self.0 == other.0,
            tag::ISA if other.is(tag::ISA) => self == other,
            _ => false,
        }
    }

    /// As [`Cap::covers`], of capabilities in the derivation tree.
    #[inline(always)]
    pub(crate) fn covers(self, other: Self) -> bool {
        match self.tag() {
            tag::UNTYPED => self.covers_memory_of(other),
            tag::FRAME | tag::IRQ_CONTROL | tag::ISA => self.covers_of_kind(other),
            _ => self.same_object(other),
        }
    }

    #[inline(never)]
    fn covers_of_kind(self, other: Self) -> bool {
        let isa = |cap: Self| isa::IsaCap::unpack(cap.small() as u16, cap.0);
        match (self.tag(), other.tag()) {
            (tag::FRAME, tag::FRAME) => {
                let (a, b) = (self.as_frame(), other.as_frame());
                let len = |frame: FrameCap| bits::size(frame.size.bits());
                contains(a.base, len(a), b.base, len(b))
            }
            (tag::IRQ_CONTROL, tag::IRQ_HANDLER) => true,
            (tag::IRQ_CONTROL, tag::ISA) => isa(other).is_some_and(|c| c.comes_from_irq_control()),
            (tag::ISA, tag::ISA) => match (isa(self), isa(other)) {
                (Some(a), Some(b)) => a.covers(&b),
                _ => false,
            },
            _ => self.same_object(other),
        }
    }

    /// Objects are disjoint, and each is in one untyped: where it starts tells whether it is in
    /// this one. Untypeds overlap, but only the larger one can contain the other.
    #[inline(always)]
    pub(crate) fn covers_memory_of(self, other: Self) -> bool {
        let bits = |untyped: Self| (untyped.0 & 63) as u8;
        let start = match other.tag() {
            tag::UNTYPED if bits(other) > bits(self) => return false,
            tag::UNTYPED | tag::FRAME => other.physical(),
            _ if other.is_one_of(AT_KERNEL_ADDRESS) => other.kernel_address().physical(),
            _ => return false,
        };
        start.0.wrapping_sub(self.physical().0) < bits::size(bits(self))
    }

    /// Whether it is to a frame.
    #[inline(always)]
    pub(crate) fn is_frame(self) -> bool {
        self.is(tag::FRAME)
    }

    /// The start of a frame of ordinary memory and the mask of its offsets, if its rights let the
    /// kernel read there for the holder, or also write.
    #[inline(always)]
    pub(crate) fn memory(self, write: bool) -> Option<(PhysicalAddress, u64)> {
        // Rights are 1 for reading, 2 for both, and the bit above the size is for devices.
        let rights = if write { 2 } else { 3 };
        let granted = self.is(tag::FRAME) && self.0 & rights != 0 && self.0 & 1 << 4 == 0;
        let size = isa::FrameSize::unpack((self.0 >> 2 & 3) as u8);
        granted.then(|| (self.physical(), bits::mask(size.bits())))
    }

    /// The badge, of kinds that have one.
    #[inline(always)]
    pub(crate) fn badge(self) -> Option<Word> {
        self.is_one_of(BADGED).then_some(self.0)
    }

    /// As [`Cap::revocable_from`].
    #[inline(always)]
    pub(crate) fn revocable_from(self, source: Self) -> bool {
        if self.is_one_of(BADGED) {
            return self.tag() == source.tag() && self.0 != source.0;
        }
        match self.tag() {
            tag::UNTYPED => true,
            tag::IRQ_HANDLER | tag::ISA => self.revocable_of_kind(source),
            _ => false,
        }
    }

    #[inline(never)]
    fn revocable_of_kind(self, source: Self) -> bool {
        let isa = |cap: Self| isa::IsaCap::unpack(cap.small() as u16, cap.0);
        match (self.tag(), source.tag()) {
            (tag::IRQ_HANDLER, tag::IRQ_CONTROL) => true,
            (tag::ISA, tag::ISA) => match (isa(self), isa(source)) {
                (Some(new), Some(old)) => new.revocable_from(&old),
                _ => false,
            },
            _ => false,
        }
    }

    /// As [`Cap::masked`].
    #[inline(always)]
    #[must_use]
    pub(crate) fn masked(self, mask: CapRights) -> Self {
        if self.is_one_of(BADGED) {
            let lost = u64::from(Rights::ALL.bits() & !Rights::ALL.masked(mask).bits());
            return Self(self.0, self.1 & !(lost << SMALL_SHIFT));
        }
        match self.tag() {
            tag::REPLY => Self::pack(Cap::Reply(self.as_reply()).masked(mask)),
            tag::FRAME => Self::pack(Cap::Frame(self.as_frame()).masked(mask)),
            _ => self,
        }
    }

    /// As [`Cap::with_data`].
    #[inline(always)]
    pub(crate) fn with_data(self, data: Word, update: DataUpdate) -> Option<Self> {
        if self.is_one_of(BADGED) {
            return badge_once(self.0, update).then_some(Self(data, self.1));
        }
        if self.is_one_of(CNODES | OF_ISA) {
            return self.with_data_of_kind(data, update);
        }
        Some(self)
    }

    #[inline(never)]
    fn with_data_of_kind(self, data: Word, update: DataUpdate) -> Option<Self> {
        let cap = match self.cnode() {
            Some(cnode) => Cap::CNode(cnode),
            None => Cap::Isa(isa::IsaCap::unpack(self.small() as u16, self.0)?),
        };
        cap.with_data(data, update).map(Self::pack)
    }

    /// As [`Cap::derive`], for those who ask only whether there is a copy to be had, and which:
    /// the null capability if it is none, `None` if that is an error.
    #[inline(always)]
    pub(crate) fn derive(self, has_children: impl FnOnce() -> bool) -> Option<Self> {
        match self.tag() {
            tag::UNTYPED => (!has_children()).then_some(self),
            tag::FRAME => Some(Self(self.0 & !MAPPING, self.1)),
            // Those without a mapping or an ASID have nothing there.
            tag::PAGE_TABLE | tag::VSPACE => (self.0 != 0).then_some(self),
            tag::ZOMBIE | tag::IRQ_CONTROL => Some(Self::NULL),
            tag::ISA => Some(self.derive_of_isa()),
            _ => Some(self),
        }
    }

    #[inline(never)]
    fn derive_of_isa(self) -> Self {
        let cap = isa::IsaCap::unpack(self.small() as u16, self.0);
        match cap.and_then(isa::IsaCap::derive) {
            Some(derived) => Self::pack(Cap::Isa(derived)),
            None => Self::NULL,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some of each kind, in `2^12` bytes at `base`.
    fn caps_at(base: u64) -> Vec<Cap> {
        let at = KernelAddress::of(PhysicalAddress(base));
        let mapping = Some(Mapping {
            asid: 3,
            address: VirtualAddress(0x4000_0000),
        });
        let mut caps = vec![
            Cap::Null,
            Cap::Tcb(Ref::new(at)),
            Cap::IrqControl,
            Cap::Domain,
            Cap::AsidControl,
            Cap::SchedContext(SchedContextCap {
                sched_context: Ref::new(at),
                bits: 8,
            }),
            Cap::AsidPool(AsidPoolCap {
                pool: Ref::new(at),
                index: 1,
            }),
        ];
        for (n, bits, guard_bits) in [(0, 12, 57), (1, 13, 58)] {
            caps.push(Cap::SchedControl { core: n });
            caps.push(Cap::IrqHandler(Irq(n.into())));
            caps.push(Cap::Reply(ReplyCap {
                reply: Ref::new(at),
                can_grant: n == 1,
            }));
            if bits::aligned(base, bits) {
                caps.push(Cap::Untyped(UntypedCap {
                    base: PhysicalAddress(base),
                    bits,
                    device: false,
                    watermark: 0,
                    cleared: 5,
                }));
            }
            caps.push(Cap::CNode(CNodeCap {
                slots: Ref::new(at),
                radix: 6,
                guard: 0,
                guard_bits,
            }));
            caps.push(Cap::Zombie(ZombieCap {
                slots: Ref::new(at),
                kind: ZombieKind::CNode { radix: 4 },
                remaining: n.into(),
            }));
            let mapping = mapping.filter(|_| n == 1);
            caps.push(Cap::VSpace(VSpaceCap {
                root: at,
                asid: mapping.map(|m| m.asid),
            }));
            caps.push(Cap::PageTable(TableCap {
                table: at,
                level: isa::Level::unpack(0),
                mapping,
            }));
            for rights in [
                VmRights::KernelOnly,
                VmRights::ReadOnly,
                VmRights::ReadWrite,
            ] {
                caps.push(Cap::Frame(FrameCap {
                    base: PhysicalAddress(base),
                    size: isa::FrameSize::unpack(0),
                    rights,
                    device: false,
                    mapping,
                }));
            }
            for bits in [3, 15] {
                let (badge, rights) = (n.into(), Rights::from_bits(bits));
                caps.push(Cap::Endpoint(EndpointCap {
                    endpoint: Ref::new(at),
                    badge,
                    rights,
                }));
                caps.push(Cap::Notification(NotificationCap {
                    notification: Ref::new(at),
                    badge,
                    rights,
                }));
            }
        }
        caps.extend((0..2).filter_map(|n| isa::IsaCap::unpack(n, 7 << 16 | 3).map(Cap::Isa)));
        caps
    }

    #[test]
    fn words_say_what_the_enum_says() {
        let caps: Vec<Cap> = [0x10_0000, 0x10_1000, 0x10_2000]
            .into_iter()
            .flat_map(caps_at)
            .collect();
        for a in &caps {
            let packed = PackedCap::pack(*a);
            for mask in (0..16).map(CapRights) {
                assert_eq!(packed.masked(mask), PackedCap::pack(a.masked(mask)));
            }
            for (data, update) in [
                (0, DataUpdate::Copy),
                (9 << 6 | 58, DataUpdate::Copy),
                (9, DataUpdate::InPlace),
            ] {
                let expected = a.with_data(data, update).map(PackedCap::pack);
                assert_eq!(packed.with_data(data, update), expected, "{a:?}");
            }
            for write in [false, true] {
                let expected = match a {
                    Cap::Frame(c) if !c.device && c.rights != VmRights::KernelOnly => (!write
                        || c.rights == VmRights::ReadWrite)
                        .then(|| (c.base, bits::mask(c.size.bits()))),
                    _ => None,
                };
                assert_eq!(packed.memory(write), expected, "{a:?}");
            }
            for children in [false, true] {
                let expected = a.derive(|| children).ok().map(PackedCap::pack);
                assert_eq!(packed.derive(|| children), expected, "{a:?}");
            }
            for b in &caps {
                let other = PackedCap::pack(*b);
                let context = (a, b);
                assert_eq!(packed.same_object(other), a.same_object(b), "{context:?}");
                assert_eq!(packed.covers(other), a.covers(b), "{context:?}");
                if a.same_object(b) || matches!(b, Cap::IrqControl) {
                    let expected = a.revocable_from(b);
                    assert_eq!(packed.revocable_from(other), expected, "{context:?}");
                }
            }
        }
    }
}
