//! Time: scheduling contexts, and the authority to fill them.

use crate::cap::{CPtr, Capability, capability};
use crate::error::Result;
use crate::invoke::{perform, query};
use crate::object::{Notification, Tcb};
use abi::Word;
use abi::invocation::Invocation;

capability! {
    /// The right to run for some time out of each period.
    SchedContext
}

capability! {
    /// The authority to give time on one core.
    SchedControl
}

/// What a scheduling context is filled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Budget {
    /// Microseconds of run time in each period.
    pub budget: u64,
    /// Length of a period in microseconds. Equal to the budget: round robin.
    pub period: u64,
    /// Pieces that unused budget may be cut into, besides the two that are always there.
    pub extra_refills: usize,
    /// Reported in timeout faults.
    pub badge: Word,
    /// Whether budget that the thread does not use moves to later (sporadic server), or the
    /// bandwidth is constant.
    pub sporadic: bool,
}

impl Budget {
    /// `budget` microseconds out of every `period`.
    pub const fn new(budget: u64, period: u64) -> Self {
        Self {
            budget,
            period,
            extra_refills: 0,
            badge: 0,
            sporadic: false,
        }
    }

    /// Round robin with a time slice of so many microseconds.
    pub const fn round_robin(slice: u64) -> Self {
        Self::new(slice, slice)
    }
}

impl SchedControl {
    /// Fills `context` and ties it to the core of this authority.
    ///
    /// # Errors
    /// `RangeError` for times below the least budget or above the longest period, a budget above
    /// the period, or more refills than the context has room for; `InvalidCapability {1}`.
    #[doc(alias = "seL4_SchedControl_ConfigureFlags")]
    pub fn configure(self, context: SchedContext, budget: Budget) -> Result {
        let words = [
            budget.budget,
            budget.period,
            budget.extra_refills as Word,
            budget.badge,
            Word::from(budget.sporadic),
        ];
        perform(
            self,
            Invocation::SchedControlConfigureFlags,
            &words,
            &[context.into()],
        )
    }
}

impl SchedContext {
    /// Gives a thread this time.
    ///
    /// # Errors
    /// `IllegalOperation` if either has another partner, or the thread is blocked and the time
    /// not released yet.
    #[doc(alias = "seL4_SchedContext_Bind")]
    pub fn bind(self, thread: Tcb) -> Result {
        perform(self, Invocation::SchedContextBind, &[], &[thread.into()])
    }

    /// Lends this time to whoever is woken by `notification` and has none.
    ///
    /// # Errors
    /// `IllegalOperation` if either has another partner.
    pub fn bind_notification(self, notification: Notification) -> Result {
        perform(
            self,
            Invocation::SchedContextBind,
            &[],
            &[notification.into()],
        )
    }

    /// Takes it from all partners, and from callers who lent it.
    ///
    /// # Errors
    /// `IllegalOperation` if it is the caller's own.
    #[doc(alias = "seL4_SchedContext_Unbind")]
    pub fn unbind(self) -> Result {
        perform(self, Invocation::SchedContextUnbind, &[], &[])
    }

    /// Takes it from one partner: a thread or a notification.
    ///
    /// # Errors
    /// `IllegalOperation` if that is none, or is the calling thread; `InvalidCapability {1}`.
    #[doc(alias = "seL4_SchedContext_UnbindObject")]
    pub fn unbind_object(self, object: CPtr) -> Result {
        perform(self, Invocation::SchedContextUnbindObject, &[], &[object])
    }

    /// Microseconds used since this was last asked (or reported by a fault or a yield).
    ///
    /// # Errors
    /// None but a wrong capability.
    #[doc(alias = "seL4_SchedContext_Consumed")]
    pub fn consumed(self) -> Result<u64> {
        query(self, Invocation::SchedContextConsumed, &[], &[])
    }

    /// Lets the thread with this time run first, if it can and its priority is not below the
    /// caller's. Answers the microseconds it has used since this was last asked.
    ///
    /// # Errors
    /// `IllegalOperation` if no thread has it, the caller has it, or the thread's priority is
    /// above the caller's maximum controlled priority.
    #[doc(alias = "seL4_SchedContext_YieldTo")]
    pub fn yield_to(self) -> Result<u64> {
        query(self, Invocation::SchedContextYieldTo, &[], &[])
    }
}

/// No time.
impl Default for SchedContext {
    fn default() -> Self {
        Self::at(CPtr::NULL)
    }
}
