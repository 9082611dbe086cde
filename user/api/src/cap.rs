//! Capabilities as user space sees them: an address in the CSpace, and which object is meant.

use crate::object::CNode;
use abi::Word;

/// The address of a capability in the caller's CSpace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash, Default)]
#[repr(transparent)]
pub struct CPtr(Word);

impl CPtr {
    /// Address 0, which is empty by convention: "no capability".
    pub const NULL: Self = Self(0);

    /// The address with these bits.
    pub const fn new(bits: Word) -> Self {
        Self(bits)
    }

    /// The bits of the address.
    pub const fn bits(self) -> Word {
        self.0
    }

    /// Takes the capability there to be a `C`.
    pub fn cast<C: Capability>(self) -> C {
        C::at(self)
    }
}

/// A typed capability: a [`CPtr`] and the belief that a certain kind of object is behind it. A
/// wrong belief is harmless: the kernel answers with an error.
pub trait Capability: Copy {
    /// The capability at this address.
    fn at(cptr: CPtr) -> Self;
    /// Its address.
    fn cptr(self) -> CPtr;
}

impl Capability for CPtr {
    fn at(cptr: CPtr) -> Self {
        cptr
    }
    fn cptr(self) -> CPtr {
        self
    }
}

/// Names a slot, occupied or not: where to start, which way to go, how many bits to resolve.
///
/// Invocations that put capabilities into slots or take them from slots name them so, while a
/// plain [`CPtr`] always means the full 64 bits from the thread's own root.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SlotPath {
    /// The CNode to start from.
    pub root: CNode,
    /// The address inside it.
    pub index: Word,
    /// How many bits of `index` count: 1 to 64.
    pub depth: Word,
}

impl SlotPath {
    /// The slot at `index`, resolved to `depth` bits from `root`.
    pub const fn new(root: CNode, index: Word, depth: Word) -> Self {
        Self { root, index, depth }
    }
}

/// Declares a typed capability.
macro_rules! capability {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(transparent)]
        pub struct $name($crate::cap::CPtr);

        impl $name {
            /// The capability with this address, taken to be of this type.
            pub const fn new(bits: abi::Word) -> Self {
                Self($crate::cap::CPtr::new(bits))
            }

            /// Its address.
            pub const fn cptr(self) -> $crate::cap::CPtr {
                self.0
            }
        }

        impl $crate::cap::Capability for $name {
            fn at(cptr: $crate::cap::CPtr) -> Self {
                Self(cptr)
            }
            fn cptr(self) -> $crate::cap::CPtr {
                self.0
            }
        }

        impl From<$name> for $crate::cap::CPtr {
            fn from(capability: $name) -> Self {
                capability.0
            }
        }
    };
}
pub(crate) use capability;
