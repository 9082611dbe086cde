//! A capability as two words in a slot.
//!
//! ```text
//! word 1: | address 63..16 | small 15..8 | more 7..6 | tag 5..0 |
//! word 0: whatever else the variant has
//! ```
//! The address is a kernel address without its 16 sign bits, or a physical address; only untyped
//! memory has more than 8 small bits, so that the tag of any other is a byte to compare. The
//! private field is the invariant of the one unsafe step: the bits of a `PackedCap` came from
//! [`PackedCap::pack`], so its addresses name what its tag says.

mod words;

use super::*;

/// A packed capability. All zero is the null capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(C)]
pub struct PackedCap(u64, u64);

const ADDRESS_BITS: u32 = 48;
const ADDRESS: u64 = (1 << ADDRESS_BITS) - 1;
const ADDRESS_SHIFT: u32 = 64 - ADDRESS_BITS;
const TAG: u64 = (1 << 6) - 1;
const SMALL: u64 = (1 << 8) - 1;
const SMALL_SHIFT: u32 = 8;
/// The small bits of untyped memory, and where they are.
const MORE: u64 = (1 << 10) - 1;
const MORE_SHIFT: u32 = 6;

/// Tags. 0 is null. The order is free: nothing outside sees it.
mod tag {
    pub(super) const UNTYPED: u64 = 1;
    pub(super) const ENDPOINT: u64 = 2;
    pub(super) const NOTIFICATION: u64 = 3;
    pub(super) const REPLY: u64 = 4;
    pub(super) const CNODE: u64 = 5;
    pub(super) const TCB: u64 = 6;
    pub(super) const SCHED_CONTEXT: u64 = 7;
    pub(super) const SCHED_CONTROL: u64 = 8;
    pub(super) const IRQ_CONTROL: u64 = 9;
    pub(super) const IRQ_HANDLER: u64 = 10;
    pub(super) const DOMAIN: u64 = 11;
    pub(super) const ZOMBIE: u64 = 12;
    pub(super) const FRAME: u64 = 13;
    pub(super) const PAGE_TABLE: u64 = 14;
    pub(super) const VSPACE: u64 = 15;
    pub(super) const ASID_CONTROL: u64 = 16;
    pub(super) const ASID_POOL: u64 = 17;
    pub(super) const ISA: u64 = 18;
    /// A CNode that uses up a whole address.
    pub(super) const WHOLE_CNODE: u64 = 19;
}

const fn words(tag: u64, small: u64, address: u64, word0: u64) -> PackedCap {
    PackedCap(
        word0,
        address << ADDRESS_SHIFT | (small & SMALL) << SMALL_SHIFT | tag,
    )
}

impl PackedCap {
    /// The null capability.
    pub const NULL: Self = Self(0, 0);

    /// Whether this is the null capability.
    #[inline(always)]
    pub const fn is_null(self) -> bool {
        self.tag() == 0
    }

    #[inline(always)]
    const fn tag(self) -> u64 {
        self.1 & TAG
    }

    /// Whether the capability is of the kind of `tag`, which is not untyped memory.
    #[inline(always)]
    const fn is(self, tag: u64) -> bool {
        self.1 as u8 == tag as u8
    }

    #[inline(always)]
    const fn small(self) -> u64 {
        self.1 >> SMALL_SHIFT & SMALL
    }

    #[inline(always)]
    const fn physical(self) -> PhysicalAddress {
        PhysicalAddress(self.1 >> ADDRESS_SHIFT)
    }

    #[inline(always)]
    const fn kernel_address(self) -> KernelAddress {
        // Kernel addresses are the upper half of the address space: the sign comes back.
        let bits = (self.1.cast_signed() >> ADDRESS_SHIFT).cast_unsigned();
        // SAFETY: `pack` has put a kernel address there, which is not 0.
        unsafe { KernelAddress::new(bits).unwrap_unchecked() }
    }

    #[inline(always)]
    const fn object<T>(self) -> Ref<T> {
        Ref::new(self.kernel_address())
    }

    /// The packed form of `cap`.
    #[inline(always)]
    pub fn pack(cap: Cap) -> Self {
        let object = |tag: u64, small: u64, at: KernelAddress, word0: u64| {
            words(tag, small, at.bits(), word0)
        };
        match cap {
            Cap::Null => Self::NULL,
            Cap::Untyped(c) => {
                // The mark's 23 bits: 10 here, 13 above the watermark's 44.
                let mark = u64::from(c.cleared);
                let word0 = u64::from(c.bits)
                    | u64::from(c.device) << 6
                    | c.watermark >> 4 << 7
                    | mark >> 10 << 51;
                let tag = tag::UNTYPED | (mark & MORE) << MORE_SHIFT;
                words(tag, 0, c.base.0, word0)
            }
            Cap::Endpoint(c) => object(
                tag::ENDPOINT,
                c.rights.bits().into(),
                c.endpoint.address(),
                c.badge,
            ),
            Cap::Notification(c) => object(
                tag::NOTIFICATION,
                c.rights.bits().into(),
                c.notification.address(),
                c.badge,
            ),
            Cap::Reply(c) => object(tag::REPLY, c.can_grant.into(), c.reply.address(), 0),
            Cap::CNode(c) => object(
                if c.guard_bits.wrapping_add(c.radix) == 64 {
                    tag::WHOLE_CNODE
                } else {
                    tag::CNODE
                },
                c.radix.into(),
                c.slots.address(),
                c.guard << 6 | u64::from(c.guard_bits),
            ),
            Cap::Tcb(tcb) => object(tag::TCB, 0, tcb.address(), 0),
            Cap::SchedContext(c) => object(
                tag::SCHED_CONTEXT,
                c.bits.into(),
                c.sched_context.address(),
                0,
            ),
            Cap::SchedControl { core } => words(tag::SCHED_CONTROL, core.into(), 0, 0),
            Cap::IrqControl => words(tag::IRQ_CONTROL, 0, 0, 0),
            Cap::IrqHandler(irq) => words(tag::IRQ_HANDLER, 0, 0, irq.0.into()),
            Cap::Domain => words(tag::DOMAIN, 0, 0, 0),
            Cap::Zombie(c) => {
                let small = match c.kind {
                    ZombieKind::CNode { radix } => radix.into(),
                    ZombieKind::Tcb => 0,
                };
                object(tag::ZOMBIE, small, c.slots.address(), c.remaining)
            }
            Cap::Frame(c) => {
                let rights = match c.rights {
                    VmRights::KernelOnly => 0,
                    VmRights::ReadOnly => 1,
                    VmRights::ReadWrite => 2,
                };
                let word0 = rights | u64::from(c.size.pack()) << 2 | u64::from(c.device) << 4;
                words(tag::FRAME, 0, c.base.0, word0 | pack_mapping(c.mapping))
            }
            Cap::PageTable(c) => object(
                tag::PAGE_TABLE,
                c.level.pack().into(),
                c.table,
                pack_mapping(c.mapping),
            ),
            Cap::VSpace(c) => {
                let asid = c.asid.map_or(0, |asid| u64::from(asid) << 1 | 1);
                object(tag::VSPACE, 0, c.root, asid)
            }
            Cap::AsidControl => words(tag::ASID_CONTROL, 0, 0, 0),
            Cap::AsidPool(c) => object(tag::ASID_POOL, c.index.into(), c.pool.address(), 0),
            Cap::Isa(c) => {
                let (small, word0) = c.pack();
                words(tag::ISA, small.into(), 0, word0)
            }
        }
    }

    /// The capability.
    #[inline(always)]
    pub fn unpack(self) -> Cap {
        let word0 = self.0;
        match self.tag() {
            tag::UNTYPED => Cap::Untyped(UntypedCap {
                base: self.physical(),
                bits: (word0 & 63) as u8,
                device: word0 >> 6 & 1 != 0,
                watermark: (word0 >> 7 & ((1 << 44) - 1)) << 4,
                cleared: ((word0 >> 51) << 10 | self.1 >> MORE_SHIFT & MORE) as u32,
            }),
            tag::ENDPOINT => Cap::Endpoint(self.as_endpoint()),
            tag::NOTIFICATION => Cap::Notification(self.as_notification()),
            tag::REPLY => Cap::Reply(self.as_reply()),
            tag::CNODE | tag::WHOLE_CNODE => Cap::CNode(self.as_cnode()),
            tag::TCB => Cap::Tcb(self.object()),
            tag::SCHED_CONTEXT => Cap::SchedContext(SchedContextCap {
                sched_context: self.object(),
                bits: self.small() as u8,
            }),
            tag::SCHED_CONTROL => Cap::SchedControl {
                core: self.small() as u8,
            },
            tag::IRQ_CONTROL => Cap::IrqControl,
            tag::IRQ_HANDLER => Cap::IrqHandler(Irq(word0 as u16)),
            tag::DOMAIN => Cap::Domain,
            tag::ZOMBIE => Cap::Zombie(ZombieCap {
                slots: self.object(),
                kind: match self.small() as u8 {
                    0 => ZombieKind::Tcb,
                    radix => ZombieKind::CNode { radix },
                },
                remaining: word0,
            }),
            tag::FRAME => Cap::Frame(self.as_frame()),
            tag::PAGE_TABLE => Cap::PageTable(TableCap {
                table: self.kernel_address(),
                level: isa::Level::unpack(self.small() as u8),
                mapping: unpack_mapping(word0),
            }),
            tag::VSPACE => Cap::VSpace(self.as_vspace()),
            tag::ASID_CONTROL => Cap::AsidControl,
            tag::ASID_POOL => Cap::AsidPool(AsidPoolCap {
                pool: self.object(),
                index: self.small() as u8,
            }),
            tag::ISA => isa::IsaCap::unpack(self.small() as u16, word0).map_or(Cap::Null, Cap::Isa),
            _ => Cap::Null,
        }
    }

    #[inline(always)]
    fn as_endpoint(self) -> EndpointCap {
        EndpointCap {
            endpoint: self.object(),
            badge: self.0,
            rights: Rights::from_bits(self.small() as u8),
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn endpoint(self) -> Option<EndpointCap> {
        self.is(tag::ENDPOINT).then(|| self.as_endpoint())
    }

    #[inline(always)]
    fn as_notification(self) -> NotificationCap {
        NotificationCap {
            notification: self.object(),
            badge: self.0,
            rights: Rights::from_bits(self.small() as u8),
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn notification(self) -> Option<NotificationCap> {
        self.is(tag::NOTIFICATION).then(|| self.as_notification())
    }

    #[inline(always)]
    fn as_reply(self) -> ReplyCap {
        ReplyCap {
            reply: self.object(),
            can_grant: self.small() != 0,
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn reply(self) -> Option<ReplyCap> {
        self.is(tag::REPLY).then(|| self.as_reply())
    }

    #[inline(always)]
    fn as_cnode(self) -> CNodeCap {
        CNodeCap {
            slots: self.object(),
            radix: self.small() as u8,
            guard: self.0 >> 6,
            guard_bits: (self.0 & 63) as u8,
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn cnode(self) -> Option<CNodeCap> {
        let is_cnode = self.is(tag::CNODE) || self.is(tag::WHOLE_CNODE);
        is_cnode.then(|| self.as_cnode())
    }

    /// The capability, if it is to a CNode whose guard and index are a whole address.
    #[inline(always)]
    pub fn whole_cnode(self) -> Option<CNodeCap> {
        self.is(tag::WHOLE_CNODE).then(|| self.as_cnode())
    }

    #[inline(always)]
    fn as_frame(self) -> FrameCap {
        FrameCap {
            base: self.physical(),
            size: isa::FrameSize::unpack((self.0 >> 2 & 3) as u8),
            rights: match self.0 & 3 {
                0 => VmRights::KernelOnly,
                1 => VmRights::ReadOnly,
                _ => VmRights::ReadWrite,
            },
            device: self.0 >> 4 & 1 != 0,
            mapping: unpack_mapping(self.0),
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn frame(self) -> Option<FrameCap> {
        self.is(tag::FRAME).then(|| self.as_frame())
    }

    #[inline(always)]
    fn as_vspace(self) -> VSpaceCap {
        VSpaceCap {
            root: self.kernel_address(),
            asid: (self.0 & 1 != 0).then_some((self.0 >> 1) as u16),
        }
    }

    /// The capability, if it is this kind.
    #[inline(always)]
    pub fn vspace(self) -> Option<VSpaceCap> {
        self.is(tag::VSPACE).then(|| self.as_vspace())
    }
}

impl From<Cap> for PackedCap {
    #[inline(always)]
    fn from(cap: Cap) -> Self {
        Self::pack(cap)
    }
}

/// `| asid 63..48 | address 47..12 | mapped 11 | free for the variant 10..0 |`
const fn pack_mapping(mapping: Option<Mapping>) -> u64 {
    match mapping {
        Some(m) => (m.asid as u64) << 48 | m.address.0 & (ADDRESS & !0xfff) | 1 << 11,
        None => 0,
    }
}

/// The bits of a mapping, and that there is one.
const MAPPING: u64 = !((1 << 11) - 1);

const fn unpack_mapping(word: u64) -> Option<Mapping> {
    if word >> 11 & 1 == 0 {
        return None;
    }
    Some(Mapping {
        asid: (word >> 48) as u16,
        address: VirtualAddress(word & (ADDRESS & !0xfff)),
    })
}
