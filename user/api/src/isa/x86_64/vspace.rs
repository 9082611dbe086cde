//! Address spaces: four levels of tables, and frames of three sizes.

use crate::cap::{CPtr, capability};
use crate::error::{Error, LookupFailure, Result};
use crate::invoke::{perform, query};
use abi::{CapRights, Invocation, ObjectType, Word};

capability! {
    /// Memory that can be mapped: 4 KiB, 2 MiB or 1 GiB.
    Frame
}

capability! {
    /// The root of an address space.
    Pml4
}

capability! {
    /// A table that spans 512 GiB.
    Pdpt
}

capability! {
    /// A table that spans 1 GiB.
    PageDirectory
}

capability! {
    /// A table that spans 2 MiB.
    PageTable
}

/// The root of an address space, by its portable name.
pub type VSpaceRoot = Pml4;
/// The type to retype to for a root.
pub const VSPACE_OBJECT: ObjectType = ObjectType::X86Pml4;

/// How caches treat a mapping.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Attributes(pub Word);

impl Attributes {
    /// Ordinary memory: write-back.
    pub const DEFAULT: Self = Self(abi::x86_64::vm_attributes::DEFAULT);
    /// Device memory: no caching at all.
    pub const UNCACHED: Self = Self(abi::x86_64::vm_attributes::UNCACHEABLE);
    /// Frame buffers: writes are gathered.
    pub const WRITE_COMBINING: Self = Self(abi::x86_64::vm_attributes::WRITE_COMBINING);
}

/// The sizes of frames.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
    /// 1 GiB (profiles with huge pages).
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
            Self::Small => ObjectType::X86SmallPage,
            Self::Large => ObjectType::X86LargePage,
            Self::Huge => ObjectType::X86HugePage,
        }
    }
}

impl Frame {
    /// Maps the frame at `address`, or changes rights and attributes of its mapping there.
    ///
    /// # Errors
    /// `InvalidArgument {0}` outside user addresses, or if it is mapped at another address;
    /// `AlignmentError`; `FailedLookup` with the bits of the missing table (see [`MissingTable`]);
    /// `DeleteFirst` where a table is in the way; `InvalidCapability {1}` for the address space.
    #[doc(alias = "seL4_X86_Page_Map")]
    pub fn map(
        self,
        vspace: Pml4,
        address: Word,
        rights: CapRights,
        attributes: Attributes,
    ) -> Result {
        perform(
            self,
            Invocation::X86PageMap,
            &[address, rights.0, attributes.0],
            &[vspace.into()],
        )
    }

    /// Ends the mapping of this capability, if there is one.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_X86_Page_Unmap")]
    pub fn unmap(self) -> Result {
        perform(self, Invocation::X86PageUnmap, &[], &[])
    }

    /// The physical address.
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_X86_Page_GetAddress")]
    pub fn physical_address(self) -> Result<Word> {
        query(self, Invocation::X86PageGetAddress, &[], &[])
    }
}

/// A frame that is not there: where a frame may be left out.
impl Default for Frame {
    fn default() -> Self {
        Self::new(0)
    }
}

/// Gives a kind of table its two invocations.
macro_rules! table {
    ($table:ident, $map:ident, $unmap:ident) => {
        impl $table {
            /// Installs the table for the span around `address`.
            ///
            /// # Errors
            /// `InvalidCapability {0}` if it is installed already, `{1}` for the address space;
            /// `InvalidArgument {0}` outside user addresses; `FailedLookup` with the bits of a
            /// missing table above; `DeleteFirst` if there is a table or a large frame.
            pub fn map(self, vspace: Pml4, address: Word, attributes: Attributes) -> Result {
                perform(
                    self,
                    Invocation::$map,
                    &[address, attributes.0],
                    &[vspace.into()],
                )
            }

            /// Removes the table, with all that is mapped by it.
            ///
            /// # Errors
            /// `RevokeFirst` if there are other capabilities to it.
            pub fn unmap(self) -> Result {
                perform(self, Invocation::$unmap, &[], &[])
            }
        }
    };
}

table!(Pdpt, X86PdptMap, X86PdptUnmap);
table!(PageDirectory, X86PageDirectoryMap, X86PageDirectoryUnmap);
table!(PageTable, X86PageTableMap, X86PageTableUnmap);

/// A table that a mapping needs and that is not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MissingTable {
    /// A [`Pdpt`].
    Pdpt,
    /// A [`PageDirectory`].
    PageDirectory,
    /// A [`PageTable`].
    PageTable,
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
    pub const DOWNWARDS: [Self; 3] = [Self::Pdpt, Self::PageDirectory, Self::PageTable];

    /// log2 of the bytes of addresses that a table spans.
    pub const fn span_bits(self) -> usize {
        match self {
            Self::Pdpt => 39,
            Self::PageDirectory => 30,
            Self::PageTable => 21,
        }
    }

    /// The type to retype to; all tables are 4 KiB.
    pub const fn object(self) -> ObjectType {
        match self {
            Self::Pdpt => ObjectType::X86Pdpt,
            Self::PageDirectory => ObjectType::X86PageDirectory,
            Self::PageTable => ObjectType::X86PageTable,
        }
    }

    /// Installs the table that was made at `table`.
    ///
    /// # Errors
    /// Those of the table's own method.
    pub fn install(self, table: CPtr, vspace: Pml4, address: Word) -> Result {
        match self {
            Self::Pdpt => Pdpt(table).map(vspace, address, Attributes::DEFAULT),
            Self::PageDirectory => PageDirectory(table).map(vspace, address, Attributes::DEFAULT),
            Self::PageTable => PageTable(table).map(vspace, address, Attributes::DEFAULT),
        }
    }
}
