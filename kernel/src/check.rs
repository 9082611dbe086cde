//! The invariants of `docs/invariants.md`, executable. Each violation names the section.
//!
//! Nothing here allocates or changes anything, so the parts compile for the target too, and a
//! debug kernel may call them. [`all`] needs to know every live object ([`Population`]): the model
//! machine does; elsewhere they are looked for ([`found`]).

mod floating;
pub mod found;
mod memory;
mod replies;
mod slots;
mod threads;
mod time;
pub mod twins;

use crate::Kernel;
use crate::object::store::{Object, Ref};
use crate::object::tcb::Tcb;
use core::fmt;
use machine::{KernelAddress, Kind};

pub use machine::Population;

/// An invariant that does not hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Violation {
    /// Its name in `docs/invariants.md`.
    pub rule: &'static str,
    /// What is wrong.
    pub what: &'static str,
    /// The object that it was seen at.
    pub at: Option<KernelAddress>,
    /// Another object that has to do with it.
    pub other: Option<KernelAddress>,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "invariant `{}` is violated: {}", self.rule, self.what)?;
        if let Some(at) = self.at {
            write!(f, ", at {:#x}", at.bits())?;
        }
        if let Some(other) = self.other {
            write!(f, ", other {:#x}", other.bits())?;
        }
        Ok(())
    }
}

/// Whether something holds.
pub type Check = Result<(), Violation>;

/// A violation of `rule` unless `holds`.
fn expect(holds: bool, rule: &'static str, what: &'static str, at: KernelAddress) -> Check {
    if holds {
        Ok(())
    } else {
        Err(Violation {
            rule,
            what,
            at: Some(at),
            other: None,
        })
    }
}

/// The same, with another object.
fn expect_of(
    holds: bool,
    rule: &'static str,
    what: &'static str,
    at: KernelAddress,
    other: Option<KernelAddress>,
) -> Check {
    if holds {
        Ok(())
    } else {
        Err(Violation {
            rule,
            what,
            at: Some(at),
            other,
        })
    }
}

/// What the checks ask about the population: the objects of one kind.
struct Objects<'a, P> {
    k: &'a Kernel,
    population: &'a P,
}

impl<P: Population> Objects<'_, P> {
    /// Every live object of type `T`.
    fn each<T: Object>(&self, mut check: impl FnMut(Ref<T>) -> Check) -> Check {
        let mut result = Ok(());
        self.population.each_live(&mut |at, _, kind| {
            if kind == T::KIND && result.is_ok() {
                result = check(Ref::new(at.plus(T::OFFSET.wrapping_neg())));
            }
        });
        result
    }

    /// Whether a live object of that kind begins at `at`.
    fn lives(&self, at: KernelAddress, kind: Kind) -> bool {
        self.population.live_at(at) == kind
    }

    /// `link`, wherever it is stored, names a live object.
    fn link<T: Object>(&self, at: KernelAddress, link: Option<Ref<T>>) -> Check {
        let lives = link.is_none_or(|r| self.lives(r.address().plus(T::OFFSET), T::KIND));
        expect_of(
            lives,
            "live",
            "a link to something that is not (any longer) there",
            at,
            link.map(Ref::address),
        )
    }

    /// How many threads there are: a bound for every walk through threads.
    fn threads(&self) -> Result<u64, Violation> {
        let mut count = 0u64;
        self.each::<Tcb>(|_| {
            count = count.saturating_add(1);
            Ok(())
        })?;
        Ok(count)
    }
}

/// Everything. To be asked when no system call is in progress.
pub fn all<P: Population>(k: &Kernel, population: &P) -> Check {
    let objects = Objects { k, population };
    slots::all(&objects)?;
    threads::all(&objects)?;
    replies::all(&objects)?;
    time::all(&objects)?;
    floating::all(&objects)?;
    memory::all(&objects)?;
    time::alarm(k)?;
    ready_queues(k)?;
    running(k)
}

pub use slots::each_used_slot;
pub use threads::{ready_queues, running};
