//! What a refused invocation answers.

use abi::Word;
use abi::error::{ErrorCode, LookupFailureKind};

/// Which lookup failed: that of a source, or of a destination or target.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    Destination = 0,
    Source = 1,
}

/// Why a capability address leads nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    InvalidRoot,
    MissingCapability {
        bits_left: Word,
    },
    DepthMismatch {
        bits_left: Word,
        bits_found: Word,
    },
    GuardMismatch {
        bits_left: Word,
        guard: Word,
        guard_bits: Word,
    },
}

/// Why an invocation is refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    InvalidArgument(Word),
    InvalidCapability(Word),
    IllegalOperation,
    RangeError(Word, Word),
    AlignmentError,
    FailedLookup(Side, Failure),
    TruncatedMessage,
    DeleteFirst,
    RevokeFirst,
    NotEnoughMemory(Word),
}

impl Failure {
    /// The words of a lookup failure.
    pub fn words(self) -> Vec<Word> {
        use LookupFailureKind as Kind;
        match self {
            Self::InvalidRoot => vec![Kind::InvalidRoot.number()],
            Self::MissingCapability { bits_left } => {
                vec![Kind::MissingCapability.number(), bits_left]
            }
            Self::DepthMismatch {
                bits_left,
                bits_found,
            } => vec![Kind::DepthMismatch.number(), bits_left, bits_found],
            Self::GuardMismatch {
                bits_left,
                guard,
                guard_bits,
            } => vec![Kind::GuardMismatch.number(), bits_left, guard, guard_bits],
        }
    }
}

impl Error {
    /// The label and the words of the answer.
    pub fn answer(self) -> (Word, Vec<Word>) {
        let (code, words) = match self {
            Self::InvalidArgument(n) => (ErrorCode::InvalidArgument, vec![n]),
            Self::InvalidCapability(n) => (ErrorCode::InvalidCapability, vec![n]),
            Self::IllegalOperation => (ErrorCode::IllegalOperation, vec![]),
            Self::RangeError(min, max) => (ErrorCode::RangeError, vec![min, max]),
            Self::AlignmentError => (ErrorCode::AlignmentError, vec![]),
            Self::FailedLookup(side, failure) => {
                let mut words = vec![side as Word];
                words.extend(failure.words());
                (ErrorCode::FailedLookup, words)
            }
            Self::TruncatedMessage => (ErrorCode::TruncatedMessage, vec![]),
            Self::DeleteFirst => (ErrorCode::DeleteFirst, vec![]),
            Self::RevokeFirst => (ErrorCode::RevokeFirst, vec![]),
            Self::NotEnoughMemory(bytes) => (ErrorCode::NotEnoughMemory, vec![bytes]),
        };
        (code.number(), words)
    }
}
