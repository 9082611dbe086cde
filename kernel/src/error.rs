//! Errors of system calls, and their encoding in a reply: only here.

use abi::Word;
use abi::error::{ErrorCode, LookupFailureKind};

/// Why a capability address did not resolve (`abi/semantics-core.md` 3.2).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum LookupFailure {
    /// The root is not a CNode.
    InvalidRoot,
    /// Nothing (of the wanted kind) is there.
    MissingCapability { bits_left: u64 },
    /// A CNode resolves more bits than are left, or fewer than all.
    DepthMismatch { bits_left: u64, bits_found: u64 },
    /// The address does not contain the guard.
    GuardMismatch {
        bits_left: u64,
        guard: Word,
        bits_found: u64,
    },
}

impl LookupFailure {
    /// The failure's type number and the words that follow it, padded with zero, and how many
    /// of the four count.
    pub fn words(self) -> ([Word; 4], usize) {
        match self {
            Self::InvalidRoot => ([LookupFailureKind::InvalidRoot as Word, 0, 0, 0], 1),
            Self::MissingCapability { bits_left } => (
                [
                    LookupFailureKind::MissingCapability as Word,
                    bits_left,
                    0,
                    0,
                ],
                2,
            ),
            Self::DepthMismatch {
                bits_left,
                bits_found,
            } => (
                [
                    LookupFailureKind::DepthMismatch as Word,
                    bits_left,
                    bits_found,
                    0,
                ],
                3,
            ),
            Self::GuardMismatch {
                bits_left,
                guard,
                bits_found,
            } => (
                [
                    LookupFailureKind::GuardMismatch as Word,
                    bits_left,
                    guard,
                    bits_found,
                ],
                4,
            ),
        }
    }
}

/// Which lookup of an invocation failed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Lookup {
    /// A destination or target.
    Destination,
    /// A source.
    Source,
}

/// Why an invocation was refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SyscallError {
    /// A message word is wrong: which one.
    InvalidArgument(Word),
    /// A capability is wrong: 0 the invoked one, n the (n-1)th extra one.
    InvalidCapability(Word),
    /// Not allowed in this state, or no such operation on this capability.
    IllegalOperation,
    /// A message word is outside `min..=max`.
    RangeError { min: Word, max: Word },
    /// An address is not aligned.
    AlignmentError,
    /// A capability address or page-table walk failed.
    FailedLookup(Lookup, LookupFailure),
    /// Too few words or capabilities.
    TruncatedMessage,
    /// Something is where something is to go.
    DeleteFirst,
    /// Something derived from this is in the way.
    RevokeFirst,
    /// The untyped has only so many bytes left.
    NotEnoughMemory { available: Word },
}

impl SyscallError {
    /// The reply: label, words padded with zero, and how many of them count.
    #[doc(alias = "setMRs_syscall_error")]
    pub fn reply(self) -> (Word, [Word; 5], usize) {
        let (code, words, length) = match self {
            Self::InvalidArgument(n) => (ErrorCode::InvalidArgument, [n, 0, 0, 0, 0], 1),
            Self::InvalidCapability(n) => (ErrorCode::InvalidCapability, [n, 0, 0, 0, 0], 1),
            Self::IllegalOperation => (ErrorCode::IllegalOperation, [0; 5], 0),
            Self::RangeError { min, max } => (ErrorCode::RangeError, [min, max, 0, 0, 0], 2),
            Self::AlignmentError => (ErrorCode::AlignmentError, [0; 5], 0),
            Self::FailedLookup(which, failure) => {
                let ([a, b, c, d], n) = failure.words();
                let source = Word::from(which == Lookup::Source);
                (
                    ErrorCode::FailedLookup,
                    [source, a, b, c, d],
                    n.saturating_add(1),
                )
            }
            Self::TruncatedMessage => (ErrorCode::TruncatedMessage, [0; 5], 0),
            Self::DeleteFirst => (ErrorCode::DeleteFirst, [0; 5], 0),
            Self::RevokeFirst => (ErrorCode::RevokeFirst, [0; 5], 0),
            Self::NotEnoughMemory { available } => {
                (ErrorCode::NotEnoughMemory, [available, 0, 0, 0, 0], 1)
            }
        };
        (code as Word, words, length)
    }
}

/// A long operation gave way to an interrupt or to the end of its caller's time. The caller
/// restarts the system call; progress is in the objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Preempted;
