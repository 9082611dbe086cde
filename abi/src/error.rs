//! Why an invocation was refused: the label of the reply, and how a failed lookup is told.

use crate::Word;

/// A numbered enum that can be read back from its number.
macro_rules! numbered {
    ($(#[$doc:meta])* $type:ident { $($(#[$variant_doc:meta])* $variant:ident = $number:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u64)]
        pub enum $type {
            $($(#[$variant_doc])* $variant = $number,)*
        }

        impl $type {
            /// All values, in the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The number of the ABI.
            pub const fn number(self) -> Word {
                self as Word
            }

            /// The value of that number.
            pub const fn from_number(number: Word) -> Option<Self> {
                match number {
                    $($number => Some(Self::$variant),)*
                    _ => None,
                }
            }

            /// The name in libsel4, without prefix.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant),)* }
            }
        }
    };
}
pub(crate) use numbered;

numbered! {
    /// The label of an invocation's reply.
    ErrorCode {
        /// Done.
        NoError = 0,
        /// MR0: the argument.
        InvalidArgument = 1,
        /// MR0: the capability; 0 is the invoked one, n the extra capability n - 1.
        InvalidCapability = 2,
        /// The object cannot do this now, or to this capability.
        IllegalOperation = 3,
        /// MR0, MR1: smallest and largest allowed value.
        RangeError = 4,
        /// An address is not aligned.
        AlignmentError = 5,
        /// MR0: whether the source was looked up; MR1: [`LookupFailureKind`]; further words by kind.
        FailedLookup = 6,
        /// Words or capabilities are missing from the message.
        TruncatedMessage = 7,
        /// Something is in the way and has to be deleted first.
        DeleteFirst = 8,
        /// Descendants are in the way and have to be revoked first.
        RevokeFirst = 9,
        /// MR0: bytes that the untyped has left.
        NotEnoughMemory = 10,
    }
}

numbered! {
    /// How the lookup of an address in a CSpace or VSpace failed.
    LookupFailureKind {
        /// It did not fail.
        NoFailure = 0,
        /// The root is no CNode (or no address space).
        InvalidRoot = 1,
        /// The slot is empty. Further word: bits left.
        MissingCapability = 2,
        /// The address ends inside a level. Further words: bits left, bits found.
        DepthMismatch = 3,
        /// The address does not show the guard. Further words: bits left, guard found, bits found.
        GuardMismatch = 4,
    }
}

impl ErrorCode {
    /// Words that the error's reply carries; for a failed lookup those before the kind's own.
    pub const fn reply_length(self) -> usize {
        match self {
            Self::InvalidArgument | Self::InvalidCapability | Self::NotEnoughMemory => 1,
            Self::RangeError | Self::FailedLookup => 2,
            Self::NoError | Self::IllegalOperation | Self::AlignmentError => 0,
            Self::TruncatedMessage | Self::DeleteFirst | Self::RevokeFirst => 0,
        }
    }
}

impl LookupFailureKind {
    /// Words that follow the kind.
    pub const fn words(self) -> usize {
        match self {
            Self::NoFailure | Self::InvalidRoot => 0,
            Self::MissingCapability => 1,
            Self::DepthMismatch => 2,
            Self::GuardMismatch => 3,
        }
    }
}

/// Message word from which the optional text of an error starts.
pub const REPORT_TEXT_WORD: usize = 6;
