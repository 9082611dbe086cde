//! The rights of a capability.

use core::ops::{BitAnd, BitOr};

use crate::Word;

/// Bits of a word of rights that mean something.
pub const CAP_RIGHTS_BITS: usize = 4;

/// A word of rights: write bit 0, read bit 1, grant bit 2, grant-reply bit 3; other bits are ignored.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(transparent)]
pub struct CapRights(pub Word);

impl CapRights {
    /// No right.
    pub const NONE: Self = Self(0);
    /// Send, signal, write.
    pub const WRITE: Self = Self(1 << 0);
    /// Receive, wait, read.
    pub const READ: Self = Self(1 << 1);
    /// Send capabilities along with a message.
    pub const GRANT: Self = Self(1 << 2);
    /// Let the receiver reply, without further grant.
    pub const GRANT_REPLY: Self = Self(1 << 3);
    /// Read and write.
    pub const READ_WRITE: Self = Self::READ.union(Self::WRITE);
    /// Every right.
    pub const ALL: Self = Self((1 << CAP_RIGHTS_BITS) - 1);

    /// Rights as a message word gives them; bits without meaning are dropped.
    #[inline]
    pub const fn new(word: Word) -> Self {
        Self(word & Self::ALL.0)
    }

    /// Whether the holder may read or receive.
    #[inline]
    pub const fn read(self) -> bool {
        self.contains(Self::READ)
    }

    /// Whether the holder may write or send.
    #[inline]
    pub const fn write(self) -> bool {
        self.contains(Self::WRITE)
    }

    /// Whether the holder may send capabilities.
    #[inline]
    pub const fn grant(self) -> bool {
        self.contains(Self::GRANT)
    }

    /// Whether the holder may grant the right to reply.
    #[inline]
    pub const fn grant_reply(self) -> bool {
        self.contains(Self::GRANT_REPLY)
    }

    /// Whether all of `others` are among these.
    #[inline]
    pub const fn contains(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// The rights in either.
    #[inline]
    pub const fn union(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// The rights in both.
    #[inline]
    pub const fn intersection(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }
}

impl BitOr for CapRights {
    type Output = Self;
    fn bitor(self, others: Self) -> Self {
        self.union(others)
    }
}

impl BitAnd for CapRights {
    type Output = Self;
    fn bitand(self, others: Self) -> Self {
        self.intersection(others)
    }
}
