//! Kernel objects as Retype sees them: type numbers and sizes.
//!
//! Numbers 0 to 6 are common; those of the ISA follow, counted over the types that the profile has.

use crate::Word;
use crate::profile::{ISA, Isa, PROFILE, Profile};

/// log2 of the bytes of an endpoint.
pub const ENDPOINT_BITS: usize = 4;
/// log2 of the bytes of a notification.
pub const NOTIFICATION_BITS: usize = 6;
/// log2 of the bytes of a reply object.
pub const REPLY_BITS: usize = 5;
/// log2 of the bytes of a slot of a CNode.
pub const SLOT_BITS: usize = 5;
/// log2 of the bytes of the smallest scheduling context.
pub const MIN_SCHED_CONTEXT_BITS: usize = 7;
/// log2 of the bytes of the smallest untyped.
pub const MIN_UNTYPED_BITS: usize = 4;
/// log2 of the bytes of the smallest frame, and of the page of BootInfo.
pub const PAGE_BITS: usize = 12;
/// log2 of the bytes of a frame one level up.
pub const LARGE_PAGE_BITS: usize = 21;
/// log2 of the bytes of a frame two levels up.
pub const HUGE_PAGE_BITS: usize = 30;
/// log2 of the bytes of a page table of any level but an AArch64 root.
pub const PAGE_TABLE_BITS: usize = 12;
/// log2 of the entries of such a page table.
pub const PAGE_TABLE_INDEX_BITS: usize = 9;
/// log2 of the bytes of a page table's entry.
pub const PAGE_TABLE_ENTRY_BITS: usize = 3;
/// log2 of the bytes of an ASID pool.
pub const ASID_POOL_BITS: usize = 12;
/// log2 of the address spaces of an ASID pool.
pub const ASID_POOL_INDEX_BITS: usize = 9;
/// Bits of a badge.
pub const BADGE_BITS: usize = 64;
/// The lowest priority.
pub const MIN_PRIO: Word = 0;
/// The highest priority.
pub const MAX_PRIO: Word = PROFILE.num_priorities as Word - 1;
/// The priority that no thread has.
pub const INVALID_PRIO: Word = Word::MAX;
/// Most objects that one Retype makes.
pub const RETYPE_MAX_OBJECTS: usize = PROFILE.retype_fan_out_limit;

/// log2 of the bytes of the largest untyped of this build.
pub const MAX_UNTYPED_BITS: usize = max_untyped_bits(ISA);
/// log2 of the bytes of a TCB of this build.
pub const TCB_BITS: usize = tcb_bits(ISA, &PROFILE);
/// log2 of the bytes of the root of an address space of this build.
pub const VSPACE_BITS: usize = vspace_bits(ISA, &PROFILE);

/// log2 of the bytes of the largest untyped.
pub const fn max_untyped_bits(isa: Isa) -> usize {
    match isa {
        Isa::X86_64 | Isa::AArch64 => 47,
        Isa::RiscV64 => 38,
    }
}

/// log2 of the bytes of a TCB: twice as much where the FPU state is large or AArch64 keeps debug registers.
pub const fn tcb_bits(isa: Isa, profile: &Profile) -> usize {
    let large = match isa {
        Isa::X86_64 => profile.xsave_size >= 832,
        Isa::AArch64 => profile.hardware_debug_api,
        Isa::RiscV64 => false,
    };
    if large { 12 } else { 11 }
}

/// log2 of the bytes of the root of an address space: two concatenated tables for 40-bit stage-2 addresses.
pub const fn vspace_bits(isa: Isa, profile: &Profile) -> usize {
    vspace_index_bits(isa, profile) + PAGE_TABLE_ENTRY_BITS
}

/// log2 of the entries of the root of an address space.
pub const fn vspace_index_bits(isa: Isa, profile: &Profile) -> usize {
    let concatenated =
        isa.is(Isa::AArch64) && profile.arm_hypervisor && profile.arm_pa_size_bits == 40;
    if concatenated {
        PAGE_TABLE_INDEX_BITS + 1
    } else {
        PAGE_TABLE_INDEX_BITS
    }
}

/// log2 of the number of ASID pools.
pub const fn num_asid_pools_bits(isa: Isa) -> usize {
    match isa {
        Isa::X86_64 => 3,
        Isa::AArch64 | Isa::RiscV64 => 7,
    }
}

/// First address that no device untyped covers.
pub const fn user_device_top(isa: Isa, profile: &Profile) -> Word {
    match isa {
        Isa::X86_64 => 1 << 47,
        Isa::AArch64 => 1 << profile.arm_pa_size_bits,
        Isa::RiscV64 => 1 << 39,
    }
}

/// The condition under which a type takes a number.
#[derive(Clone, Copy)]
enum When {
    Always,
    HugePage,
    Iommu,
    Vtx,
    Hypervisor,
}

/// One line per type, in the order of the numbers: variant, name in libsel4, ISA (or nothing), condition.
macro_rules! object_types {
    ($($variant:ident, $name:literal, $isa:expr, $when:ident;)*) => {
        /// A type of object, whatever number it has in a profile.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum ObjectType {
            $(#[doc = concat!("`", $name, "` in libsel4.")] $variant,)*
        }

        impl ObjectType {
            /// All types, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in libsel4, without prefix.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            const fn presence(self) -> (Option<Isa>, When) {
                match self { $(Self::$variant => ($isa, When::$when),)* }
            }
        }
    };
}

const ANY: Option<Isa> = None;
const X86: Option<Isa> = Some(Isa::X86_64);
const ARM: Option<Isa> = Some(Isa::AArch64);
const RISCV: Option<Isa> = Some(Isa::RiscV64);

object_types! {
    Untyped, "UntypedObject", ANY, Always;
    Tcb, "TCBObject", ANY, Always;
    Endpoint, "EndpointObject", ANY, Always;
    Notification, "NotificationObject", ANY, Always;
    CNode, "CapTableObject", ANY, Always;
    SchedContext, "SchedContextObject", ANY, Always;
    Reply, "ReplyObject", ANY, Always;
    X86Pdpt, "X86_PDPTObject", X86, Always;
    X86Pml4, "X64_PML4Object", X86, Always;
    X86HugePage, "X64_HugePageObject", X86, HugePage;
    X86SmallPage, "X86_4K", X86, Always;
    X86LargePage, "X86_LargePageObject", X86, Always;
    X86PageTable, "X86_PageTableObject", X86, Always;
    X86PageDirectory, "X86_PageDirectoryObject", X86, Always;
    X86IoPageTable, "X86_IOPageTableObject", X86, Iommu;
    X86Vcpu, "X86_VCPUObject", X86, Vtx;
    X86EptPml4, "X86_EPTPML4Object", X86, Vtx;
    X86EptPdpt, "X86_EPTPDPTObject", X86, Vtx;
    X86EptPd, "X86_EPTPDObject", X86, Vtx;
    X86EptPt, "X86_EPTPTObject", X86, Vtx;
    ArmHugePage, "ARM_HugePageObject", ARM, Always;
    ArmVSpace, "ARM_VSpaceObject", ARM, Always;
    ArmSmallPage, "ARM_SmallPageObject", ARM, Always;
    ArmLargePage, "ARM_LargePageObject", ARM, Always;
    ArmPageTable, "ARM_PageTableObject", ARM, Always;
    ArmVcpu, "ARM_VCPUObject", ARM, Hypervisor;
    RiscvGigaPage, "RISCV_Giga_Page", RISCV, Always;
    RiscvSmallPage, "RISCV_4K_Page", RISCV, Always;
    RiscvMegaPage, "RISCV_Mega_Page", RISCV, Always;
    RiscvPageTable, "RISCV_PageTableObject", RISCV, Always;
}

/// Types that every ISA has: the first number of an ISA's own types.
pub const COMMON_TYPES: usize = 7;
const COUNT: usize = ObjectType::ALL.len();

impl ObjectType {
    /// Whether the ISA and profile have this type.
    pub const fn exists(self, isa: Isa, profile: &Profile) -> bool {
        let (on, when) = self.presence();
        let here = match on {
            None => true,
            Some(only) => only.is(isa),
        };
        here && match when {
            When::Always => true,
            When::HugePage => profile.huge_page,
            When::Iommu => profile.iommu,
            When::Vtx => profile.vtx,
            When::Hypervisor => profile.arm_hypervisor,
        }
    }

    /// log2 of the bytes of an object; `None` for the types whose size the caller of Retype chooses.
    pub const fn size_bits(self, isa: Isa, profile: &Profile) -> Option<usize> {
        Some(match self {
            Self::Untyped | Self::CNode | Self::SchedContext => return None,
            Self::Tcb => tcb_bits(isa, profile),
            Self::Endpoint => ENDPOINT_BITS,
            Self::Notification => NOTIFICATION_BITS,
            Self::Reply => REPLY_BITS,
            Self::X86SmallPage | Self::ArmSmallPage | Self::RiscvSmallPage => PAGE_BITS,
            Self::X86LargePage | Self::ArmLargePage | Self::RiscvMegaPage => LARGE_PAGE_BITS,
            Self::X86HugePage | Self::ArmHugePage | Self::RiscvGigaPage => HUGE_PAGE_BITS,
            Self::X86Pdpt | Self::X86Pml4 | Self::X86PageTable | Self::X86PageDirectory => {
                PAGE_TABLE_BITS
            }
            Self::X86IoPageTable | Self::ArmPageTable | Self::RiscvPageTable => PAGE_TABLE_BITS,
            Self::X86EptPml4 | Self::X86EptPdpt | Self::X86EptPd | Self::X86EptPt => {
                PAGE_TABLE_BITS
            }
            Self::X86Vcpu => crate::x86_64::VCPU_BITS,
            Self::ArmVSpace => vspace_bits(isa, profile),
            Self::ArmVcpu => crate::aarch64::VCPU_BITS,
        })
    }
}

/// The type numbers of one ISA and profile, in both directions.
#[derive(Clone, Debug)]
pub struct ObjectTypes {
    by_number: [Option<ObjectType>; COUNT],
    by_type: [Option<u8>; COUNT],
    count: u8,
}

/// Counts the object types of an ISA and profile.
pub const fn object_types(isa: Isa, profile: &Profile) -> ObjectTypes {
    let mut types = ObjectTypes {
        by_number: [None; COUNT],
        by_type: [None; COUNT],
        count: 0,
    };
    let mut index = 0;
    while index < COUNT {
        let object_type = ObjectType::ALL[index];
        if object_type.exists(isa, profile) {
            types.by_number[types.count as usize] = Some(object_type);
            types.by_type[index] = Some(types.count);
            types.count += 1;
        }
        index += 1;
    }
    types
}

impl ObjectTypes {
    /// The type that a number names. Never panics, whatever the number.
    #[inline]
    pub const fn decode(&self, number: Word) -> Option<ObjectType> {
        if number < COUNT as Word {
            self.by_number[number as usize]
        } else {
            None
        }
    }

    /// The number of a type, if it exists here.
    #[inline]
    pub const fn number(&self, object_type: ObjectType) -> Option<Word> {
        match self.by_type[object_type as usize] {
            Some(number) => Some(number as Word),
            None => None,
        }
    }

    /// The number of types: the first number that names none.
    pub const fn count(&self) -> Word {
        self.count as Word
    }
}

/// The object types of this build.
pub static OBJECT_TYPES: ObjectTypes = object_types(ISA, &PROFILE);

const _: () = {
    let mut index = 0;
    while index < COUNT {
        assert!(
            ObjectType::ALL[index] as usize == index,
            "the discriminant is the index"
        );
        index += 1;
    }
};
