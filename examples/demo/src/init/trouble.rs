//! What can go wrong: something could not be had, or an experiment did not show what it should.

use core::fmt;
use user_alloc::AllocError;

/// Why a command failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trouble {
    /// There was too little of something, or the kernel refused.
    Alloc(AllocError),
    /// A promise of the system did not hold.
    Broken(&'static str),
}

/// The answer of an experiment.
pub(crate) type Result<T = ()> = core::result::Result<T, Trouble>;

impl From<AllocError> for Trouble {
    fn from(error: AllocError) -> Self {
        Self::Alloc(error)
    }
}

impl From<user_api::Error> for Trouble {
    fn from(error: user_api::Error) -> Self {
        Self::Alloc(error.into())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alloc(AllocError::Kernel(error)) => write!(f, "the kernel refused: {error}"),
            Self::Alloc(error) => write!(f, "{error:?}"),
            Self::Broken(promise) => write!(f, "this should hold, but did not: {promise}"),
        }
    }
}

/// Checks a promise.
///
/// # Errors
/// `Broken`.
pub(crate) fn promise(holds: bool, promise: &'static str) -> Result {
    if holds {
        Ok(())
    } else {
        Err(Trouble::Broken(promise))
    }
}
