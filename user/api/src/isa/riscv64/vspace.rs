//! Address spaces: three levels of tables of one kind, and frames of three sizes.

use crate::cap::{CPtr, Capability, capability};
use crate::error::{Error, LookupFailure, Result};
use crate::invoke::{perform, query};
use abi::riscv64::{LEVEL_BITS, vm_attributes};
use abi::{CapRights, Invocation, ObjectType, Word};

capability! {
    /// Memory that can be mapped: 4 KiB, 2 MiB or 1 GiB.
    Frame
}

capability! {
    /// A page table: of whichever level it is installed at, or the root of an address space.
    PageTable
}

/// The root of an address space, by its portable name.
pub type VSpaceRoot = PageTable;
/// The type to retype to for a root.
pub const VSPACE_OBJECT: ObjectType = ObjectType::RiscvPageTable;

/// Whether a mapping can be executed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub Word);

impl Attributes {
    /// Executable.
    pub const DEFAULT: Self = Self(vm_attributes::DEFAULT);
    /// Not executable. How memory is cached is the platform's business, not the mapping's.
    pub const UNCACHED: Self = Self(vm_attributes::EXECUTE_NEVER);
    /// Memory without instructions.
    pub const DATA: Self = Self(vm_attributes::EXECUTE_NEVER);
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
            Self::Small => ObjectType::RiscvSmallPage,
            Self::Large => ObjectType::RiscvMegaPage,
            Self::Huge => ObjectType::RiscvGigaPage,
        }
    }
}

impl Frame {
    /// Maps the frame at `address`, or changes rights and attributes of its mapping there.
    ///
    /// # Errors
    /// `InvalidArgument {0}` outside user addresses, or if it is mapped at another address;
    /// `AlignmentError`; `FailedLookup` with the bits of the missing table (see [`MissingTable`]),
    /// or of the level where a table or frame is in the way; `DeleteFirst` where another frame
    /// is mapped; `InvalidCapability {1}` for the address space.
    #[doc(alias = "seL4_RISCV_Page_Map")]
    pub fn map(
        self,
        vspace: PageTable,
        address: Word,
        rights: CapRights,
        attributes: Attributes,
    ) -> Result {
        let words = [address, rights.0, attributes.0];
        perform(self, Invocation::RiscvPageMap, &words, &[vspace.into()])
    }

    /// Ends the mapping of this capability, if there is one.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_RISCV_Page_Unmap")]
    pub fn unmap(self) -> Result {
        perform(self, Invocation::RiscvPageUnmap, &[], &[])
    }

    /// The physical address.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_RISCV_Page_GetAddress")]
    pub fn physical_address(self) -> Result<Word> {
        query(self, Invocation::RiscvPageGetAddress, &[], &[])
    }
}

/// A frame that is not there: where a frame may be left out.
impl Default for Frame {
    fn default() -> Self {
        Self::new(0)
    }
}

impl PageTable {
    /// Installs the table at the first level that is missing on the way to `address`.
    ///
    /// # Errors
    /// `InvalidCapability {0}` if it is installed already or is a root, `{1}` for the address
    /// space; `InvalidArgument {0}` outside user addresses; `DeleteFirst` if no table is missing.
    #[doc(alias = "seL4_RISCV_PageTable_Map")]
    pub fn map(self, vspace: PageTable, address: Word, attributes: Attributes) -> Result {
        let words = [address, attributes.0];
        let invocation = Invocation::RiscvPageTableMap;
        perform(self, invocation, &words, &[vspace.into()])
    }

    /// Removes the table, with all that is mapped by it.
    ///
    /// # Errors
    /// `RevokeFirst` if there are other capabilities to it, or if it is a root.
    #[doc(alias = "seL4_RISCV_PageTable_Unmap")]
    pub fn unmap(self) -> Result {
        perform(self, Invocation::RiscvPageTableUnmap, &[], &[])
    }
}

/// A table that a mapping needs and that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissingTable {
    /// One that spans 1 GiB.
    Middle,
    /// One that spans 2 MiB.
    Last,
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
    pub const DOWNWARDS: [Self; 2] = [Self::Middle, Self::Last];

    /// log2 of the bytes of addresses that a table spans.
    pub const fn span_bits(self) -> usize {
        match self {
            Self::Middle => LEVEL_BITS[2],
            Self::Last => LEVEL_BITS[1],
        }
    }

    /// The type to retype to; all tables are 4 KiB.
    pub const fn object(self) -> ObjectType {
        ObjectType::RiscvPageTable
    }

    /// Installs the table that was made at `table`.
    ///
    /// # Errors
    /// Those of [`PageTable::map`].
    pub fn install(self, table: CPtr, vspace: PageTable, address: Word) -> Result {
        PageTable::at(table).map(vspace, address, Attributes::DEFAULT)
    }
}
