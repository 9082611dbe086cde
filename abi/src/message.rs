//! Messages: the word that describes one, and its limits.

use crate::Word;

/// Most words of a message.
pub const MSG_MAX_LENGTH: usize = 120;
/// Most capabilities that a message carries.
pub const MAX_EXTRA_CAPS: usize = 3;
/// Message words that travel in registers.
pub const MESSAGE_REGISTERS: usize = 4;
/// Bits of the length field.
pub const LENGTH_BITS: usize = 7;
/// Bits of the field that counts extra capabilities.
pub const EXTRA_CAPS_BITS: usize = 2;
/// Bits of the field that tells which capabilities arrived as badges.
pub const CAPS_UNWRAPPED_BITS: usize = 3;

const EXTRA_CAPS_SHIFT: usize = LENGTH_BITS;
const CAPS_UNWRAPPED_SHIFT: usize = EXTRA_CAPS_SHIFT + EXTRA_CAPS_BITS;
const LABEL_SHIFT: usize = CAPS_UNWRAPPED_SHIFT + CAPS_UNWRAPPED_BITS;

/// Describes a message: label \[63:12\], unwrapped capabilities \[11:9\], extra capabilities \[8:7\], length \[6:0\].
///
/// Any word is one: a length above [`MSG_MAX_LENGTH`] is the receiver's business to clip ([`Self::clipped`]).
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
#[repr(transparent)]
pub struct MessageInfo(pub Word);

impl MessageInfo {
    /// Puts the fields together; bits that do not fit a field are dropped.
    #[inline]
    pub const fn new(label: Word, caps_unwrapped: Word, extra_caps: usize, length: usize) -> Self {
        Self(
            (label << LABEL_SHIFT)
                | ((caps_unwrapped & mask(CAPS_UNWRAPPED_BITS)) << CAPS_UNWRAPPED_SHIFT)
                | ((extra_caps as Word & mask(EXTRA_CAPS_BITS)) << EXTRA_CAPS_SHIFT)
                | (length as Word & mask(LENGTH_BITS)),
        )
    }

    /// The invocation, error or fault that the message is about.
    #[inline]
    pub const fn label(self) -> Word {
        self.0 >> LABEL_SHIFT
    }

    /// Bit n: the n-th capability arrived as its badge.
    #[inline]
    pub const fn caps_unwrapped(self) -> Word {
        (self.0 >> CAPS_UNWRAPPED_SHIFT) & mask(CAPS_UNWRAPPED_BITS)
    }

    /// Capabilities that the message carries.
    #[inline]
    pub const fn extra_caps(self) -> usize {
        ((self.0 >> EXTRA_CAPS_SHIFT) & mask(EXTRA_CAPS_BITS)) as usize
    }

    /// Words of the message, as the sender gave it: 0 to 127.
    #[inline]
    pub const fn length(self) -> usize {
        (self.0 & mask(LENGTH_BITS)) as usize
    }

    /// Whether the message is at most `length` words and nothing else.
    #[inline(always)]
    pub const fn is_short(self, length: usize) -> bool {
        // Capabilities are counted right above the length.
        self.0 & mask(LABEL_SHIFT - CAPS_UNWRAPPED_BITS) <= length as Word
    }

    /// The same without capabilities, sent or unwrapped.
    #[inline(always)]
    pub const fn without_caps(self) -> Self {
        Self(self.0 & !(mask(LABEL_SHIFT - EXTRA_CAPS_SHIFT) << EXTRA_CAPS_SHIFT))
    }

    /// The same with another length.
    #[inline(always)]
    pub const fn with_length(self, length: usize) -> Self {
        Self((self.0 & !mask(LENGTH_BITS)) | (length as Word & mask(LENGTH_BITS)))
    }

    /// The same with a length of at most [`MSG_MAX_LENGTH`].
    #[inline]
    pub const fn clipped(self) -> Self {
        if self.length() > MSG_MAX_LENGTH {
            Self((self.0 & !mask(LENGTH_BITS)) | MSG_MAX_LENGTH as Word)
        } else {
            self
        }
    }
}

const fn mask(bits: usize) -> Word {
    (1 << bits) - 1
}
