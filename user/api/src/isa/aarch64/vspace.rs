//! Address spaces: four levels of tables, and frames of three sizes.

use crate::cap::{CPtr, Capability, capability};
use crate::error::{Error, LookupFailure, Result};
use crate::invoke::{perform, query};
use abi::aarch64::{LEVEL_BITS, vm_attributes};
use abi::{CapRights, Invocation, ObjectType, Word};

capability! {
    /// Memory that can be mapped: 4 KiB, 2 MiB or 1 GiB.
    Frame
}

capability! {
    /// The root of an address space.
    VSpace
}

capability! {
    /// A table of any level below the root: which, follows from where it is installed.
    PageTable
}

/// The root of an address space, by its portable name.
pub type VSpaceRoot = VSpace;
/// The type to retype to for a root.
pub const VSPACE_OBJECT: ObjectType = ObjectType::ArmVSpace;

/// How a mapping is cached, and whether it can be executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Attributes(pub Word);

impl Attributes {
    /// Ordinary memory: write-back, executable.
    pub const DEFAULT: Self = Self(vm_attributes::DEFAULT);
    /// Device memory, or memory that is not cached.
    pub const UNCACHED: Self = Self(vm_attributes::EXECUTE_NEVER);
    /// Ordinary memory without instructions.
    pub const DATA: Self = Self(vm_attributes::DEFAULT | vm_attributes::EXECUTE_NEVER);
}

impl Default for Attributes {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// The sizes of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
    /// 1 GiB.
    Huge,
}

impl FrameSize {
    /// log2 of the bytes.
    pub const fn bits(self) -> usize {
        match self {
            Self::Small => abi::object::PAGE_BITS,
            Self::Large => abi::object::LARGE_PAGE_BITS,
            Self::Huge => abi::object::HUGE_PAGE_BITS,
        }
    }

    /// The type to retype to.
    pub const fn object(self) -> ObjectType {
        match self {
            Self::Small => ObjectType::ArmSmallPage,
            Self::Large => ObjectType::ArmLargePage,
            Self::Huge => ObjectType::ArmHugePage,
        }
    }
}

/// What can be done with cached copies of memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheOperation {
    /// What was written reaches memory: before a device reads it.
    Clean,
    /// Cached copies are thrown away: before what a device wrote is read.
    Invalidate,
    /// Both.
    CleanInvalidate,
    /// What was written can be executed.
    UnifyInstruction,
}

impl CacheOperation {
    const fn of_page(self) -> Invocation {
        match self {
            Self::Clean => Invocation::ArmPageCleanData,
            Self::Invalidate => Invocation::ArmPageInvalidateData,
            Self::CleanInvalidate => Invocation::ArmPageCleanInvalidateData,
            Self::UnifyInstruction => Invocation::ArmPageUnifyInstruction,
        }
    }

    const fn of_vspace(self) -> Invocation {
        match self {
            Self::Clean => Invocation::ArmVSpaceCleanData,
            Self::Invalidate => Invocation::ArmVSpaceInvalidateData,
            Self::CleanInvalidate => Invocation::ArmVSpaceCleanInvalidateData,
            Self::UnifyInstruction => Invocation::ArmVSpaceUnifyInstruction,
        }
    }
}

impl Frame {
    /// Maps the frame at `address`, or changes rights and attributes of its mapping there.
    ///
    /// # Errors
    /// `InvalidArgument {0}` outside user addresses, or if it is mapped at another address;
    /// `AlignmentError`; `FailedLookup` with the bits of the missing table (see [`MissingTable`]),
    /// or of the level where a table or frame is in the way; `InvalidCapability {1}` for the
    /// address space.
    #[doc(alias = "seL4_ARM_Page_Map")]
    pub fn map(
        self,
        vspace: VSpace,
        address: Word,
        rights: CapRights,
        attributes: Attributes,
    ) -> Result {
        let words = [address, rights.0, attributes.0];
        perform(self, Invocation::ArmPageMap, &words, &[vspace.into()])
    }

    /// Ends the mapping of this capability, if there is one.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_ARM_Page_Unmap")]
    pub fn unmap(self) -> Result {
        perform(self, Invocation::ArmPageUnmap, &[], &[])
    }

    /// The physical address.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_ARM_Page_GetAddress")]
    pub fn physical_address(self) -> Result<Word> {
        query(self, Invocation::ArmPageGetAddress, &[], &[])
    }

    /// Maintains the caches for the bytes from `start` to `end` of this frame.
    ///
    /// # Errors
    /// `IllegalOperation` unless it is mapped (for Invalidate: writable); `InvalidArgument` for
    /// the range.
    #[doc(alias = "seL4_ARM_Page_Clean_Data")]
    #[doc(alias = "seL4_ARM_Page_Unify_Instruction")]
    pub fn maintain(self, operation: CacheOperation, start: Word, end: Word) -> Result {
        perform(self, operation.of_page(), &[start, end], &[])
    }
}

/// A frame that is not there: where a frame may be left out.
impl Default for Frame {
    fn default() -> Self {
        Self::new(0)
    }
}

impl VSpace {
    /// Maintains the caches for the bytes from `start` to `end`, in one mapped page.
    ///
    /// # Errors
    /// `RangeError` if the range leaves the page; `IllegalOperation` outside user addresses (for
    /// Invalidate: not writable).
    #[doc(alias = "seL4_ARM_VSpace_Clean_Data")]
    #[doc(alias = "seL4_ARM_VSpace_Unify_Instruction")]
    pub fn maintain(self, operation: CacheOperation, start: Word, end: Word) -> Result {
        perform(self, operation.of_vspace(), &[start, end], &[])
    }
}

impl PageTable {
    /// Installs the table at the first level that is missing on the way to `address`.
    ///
    /// # Errors
    /// `InvalidCapability {0}` if it is installed already, `{1}` for the address space;
    /// `InvalidArgument {0}` outside user addresses; `DeleteFirst` if no table is missing.
    #[doc(alias = "seL4_ARM_PageTable_Map")]
    pub fn map(self, vspace: VSpace, address: Word, attributes: Attributes) -> Result {
        let words = [address, attributes.0];
        perform(self, Invocation::ArmPageTableMap, &words, &[vspace.into()])
    }

    /// Removes the table, with all that is mapped by it.
    ///
    /// # Errors
    /// `RevokeFirst` if there are other capabilities to it.
    #[doc(alias = "seL4_ARM_PageTable_Unmap")]
    pub fn unmap(self) -> Result {
        perform(self, Invocation::ArmPageTableUnmap, &[], &[])
    }
}

/// A table that a mapping needs and that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissingTable {
    /// One that spans 512 GiB.
    Level1,
    /// One that spans 1 GiB.
    Level2,
    /// One that spans 2 MiB.
    Level3,
}

impl MissingTable {
    /// The table that an error says is missing; `None` for other errors.
    pub fn from_error(error: Error) -> Option<Self> {
        let Error::FailedLookup {
            failure: LookupFailure::MissingCapability { bits_left },
            ..
        } = error
        else {
            return None;
        };
        Self::DOWNWARDS
            .into_iter()
            .find(|table| table.span_bits() as Word == bits_left)
    }

    /// All, from the root downwards: each can be installed once those before it are.
    pub const DOWNWARDS: [Self; 3] = [Self::Level1, Self::Level2, Self::Level3];

    /// log2 of the bytes of addresses that a table spans.
    pub const fn span_bits(self) -> usize {
        match self {
            Self::Level1 => LEVEL_BITS[3],
            Self::Level2 => LEVEL_BITS[2],
            Self::Level3 => LEVEL_BITS[1],
        }
    }

    /// The type to retype to; all tables are 4 KiB.
    pub const fn object(self) -> ObjectType {
        ObjectType::ArmPageTable
    }

    /// Installs the table that was made at `table`.
    ///
    /// # Errors
    /// Those of [`PageTable::map`].
    pub fn install(self, table: CPtr, vspace: VSpace, address: Word) -> Result {
        PageTable::at(table).map(vspace, address, Attributes::DEFAULT)
    }
}
