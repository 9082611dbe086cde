//! What an invocation answers when it refuses.

use crate::message::Received;
use abi::{ErrorCode, LookupFailureKind, Word};

/// The answer of an invocation.
pub type Result<T = ()> = core::result::Result<T, Error>;

/// Why an invocation was refused, with the numbers that the kernel gives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Error {
    /// Message word `which` has a value that is not possible here.
    InvalidArgument {
        /// Number of the word, from 0.
        which: Word,
    },
    /// A capability is of the wrong type or lacks a right.
    InvalidCapability {
        /// 0: the invoked one; n: the n-th that was sent along.
        which: Word,
    },
    /// The operation is not possible on this object, or not in its present state.
    IllegalOperation,
    /// A number is out of range.
    RangeError {
        /// Least value that is accepted.
        min: Word,
        /// Greatest value that is accepted.
        max: Word,
    },
    /// An address is not aligned.
    AlignmentError,
    /// A slot or an object on the way was not found.
    FailedLookup {
        /// Whether it was the source of the operation that was looked up.
        source: bool,
        /// How it failed.
        failure: LookupFailure,
    },
    /// Too few message words or capabilities.
    TruncatedMessage,
    /// Something is there already, and must be deleted first.
    DeleteFirst,
    /// Something is derived from this, or in use, and must be revoked first.
    RevokeFirst,
    /// The untyped memory is used up.
    NotEnoughMemory {
        /// Bytes left.
        available: Word,
    },
    /// The kernel of this profile has no such invocation, so nothing was sent.
    NotInProfile,
    /// A number that is no error of the API.
    Unknown {
        /// The label of the reply.
        label: Word,
    },
}

/// How the resolution of a capability address failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LookupFailure {
    /// The starting capability is no CNode (or the address space is no longer assigned).
    InvalidRoot,
    /// The slot is empty, or holds a capability of the wrong type.
    MissingCapability {
        /// Bits of the address not yet resolved. For page tables: bits that the missing level translates.
        bits_left: Word,
    },
    /// The address has too few or too many bits.
    DepthMismatch {
        /// Bits not yet resolved.
        bits_left: Word,
        /// Bits that the CNode reached would resolve.
        bits_found: Word,
    },
    /// The address disagrees with a guard.
    GuardMismatch {
        /// Bits not yet resolved.
        bits_left: Word,
        /// The guard.
        guard_found: Word,
        /// Its size in bits.
        bits_found: Word,
    },
    /// A kind that is not of the API.
    Unknown {
        /// Its number.
        kind: Word,
    },
}

impl LookupFailure {
    /// From the kind and the words after it.
    pub fn decode(kind: Word, [a, b, c]: [Word; 3]) -> Self {
        match LookupFailureKind::from_number(kind) {
            Some(LookupFailureKind::InvalidRoot) => Self::InvalidRoot,
            Some(LookupFailureKind::MissingCapability) => Self::MissingCapability { bits_left: a },
            Some(LookupFailureKind::DepthMismatch) => Self::DepthMismatch {
                bits_left: a,
                bits_found: b,
            },
            Some(LookupFailureKind::GuardMismatch) => Self::GuardMismatch {
                bits_left: a,
                guard_found: b,
                bits_found: c,
            },
            Some(LookupFailureKind::NoFailure) | None => Self::Unknown { kind },
        }
    }
}

impl Error {
    /// The error in a reply; `None` if it reports success.
    pub fn decode(reply: &Received) -> Option<Self> {
        let words: [Word; 5] = reply.words();
        let Some(code) = ErrorCode::from_number(reply.label()) else {
            return Some(Self::Unknown {
                label: reply.label(),
            });
        };
        Some(match code {
            ErrorCode::NoError => return None,
            ErrorCode::InvalidArgument => Self::InvalidArgument { which: words[0] },
            ErrorCode::InvalidCapability => Self::InvalidCapability { which: words[0] },
            ErrorCode::IllegalOperation => Self::IllegalOperation,
            ErrorCode::RangeError => Self::RangeError {
                min: words[0],
                max: words[1],
            },
            ErrorCode::AlignmentError => Self::AlignmentError,
            ErrorCode::FailedLookup => Self::FailedLookup {
                source: words[0] != 0,
                failure: LookupFailure::decode(words[1], [words[2], words[3], words[4]]),
            },
            ErrorCode::TruncatedMessage => Self::TruncatedMessage,
            ErrorCode::DeleteFirst => Self::DeleteFirst,
            ErrorCode::RevokeFirst => Self::RevokeFirst,
            ErrorCode::NotEnoughMemory => Self::NotEnoughMemory {
                available: words[0],
            },
        })
    }
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InvalidArgument { which } => write!(f, "argument {which} is invalid"),
            Self::InvalidCapability { which: 0 } => {
                f.write_str("the invoked capability is of the wrong kind")
            }
            Self::InvalidCapability { which } => {
                write!(f, "capability {which} is of the wrong kind")
            }
            Self::IllegalOperation => f.write_str("the operation is not possible here"),
            Self::RangeError { min, max } => write!(f, "a number is not in {min}..={max}"),
            Self::AlignmentError => f.write_str("an address is not aligned"),
            Self::FailedLookup {
                source: true,
                failure,
            } => write!(f, "the source was not found: {failure}"),
            Self::FailedLookup {
                source: false,
                failure,
            } => write!(f, "not found: {failure}"),
            Self::TruncatedMessage => f.write_str("arguments are missing"),
            Self::DeleteFirst => f.write_str("something is there already"),
            Self::RevokeFirst => f.write_str("something depends on it"),
            Self::NotEnoughMemory { available } => write!(f, "only {available} bytes are left"),
            Self::NotInProfile => f.write_str("this kernel's profile has no such invocation"),
            Self::Unknown { label } => write!(f, "unknown error {label}"),
        }
    }
}

impl core::error::Error for Error {}

impl core::fmt::Display for LookupFailure {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::InvalidRoot => f.write_str("the root is not valid"),
            Self::MissingCapability { bits_left } => {
                write!(f, "nothing there, with {bits_left} bits left")
            }
            Self::DepthMismatch {
                bits_left,
                bits_found,
            } => {
                write!(
                    f,
                    "{bits_left} bits left, but the next level takes {bits_found}"
                )
            }
            Self::GuardMismatch {
                bits_left,
                guard_found,
                bits_found,
            } => {
                write!(
                    f,
                    "{bits_left} bits left do not begin with the {bits_found}-bit guard {guard_found:#x}"
                )
            }
            Self::Unknown { kind } => write!(f, "unknown kind {kind}"),
        }
    }
}
