//! Scheduling domains.

use crate::cap::capability;
use crate::error::Result;
use crate::invoke::perform;
use crate::object::Tcb;
use abi::Word;
use abi::invocation::Invocation;

capability! {
    /// The authority over domains and their schedule.
    DomainSet
}

impl DomainSet {
    /// Moves a thread to a domain.
    ///
    /// # Errors
    /// `InvalidArgument {0}` for a domain that does not exist, `{1}` if it is no thread.
    #[doc(alias = "seL4_DomainSet_Set")]
    pub fn set(self, thread: Tcb, domain: Word) -> Result {
        perform(self, Invocation::DomainSetSet, &[domain], &[thread.into()])
    }

    /// Writes entry `index` of the schedule: `domain` runs for `duration` timer ticks. Zero and
    /// zero mark the end. Acts from the next switch on.
    ///
    /// # Errors
    /// `RangeError` for index and domain; `InvalidArgument {2}` for a duration above 2^56 - 1 or
    /// an end mark at the start, `{1}` for an end mark with a domain.
    #[doc(alias = "seL4_DomainSet_ScheduleConfigure")]
    pub fn configure_schedule(self, index: Word, domain: Word, duration: u64) -> Result {
        perform(
            self,
            Invocation::DomainScheduleConfigure,
            &[index, domain, duration],
            &[],
        )
    }

    /// Begins the schedule anew, from entry `index`, now.
    ///
    /// # Errors
    /// `RangeError`; `InvalidArgument {0}` for an end mark.
    #[doc(alias = "seL4_DomainSet_ScheduleSetStart")]
    pub fn set_schedule_start(self, index: Word) -> Result {
        perform(self, Invocation::DomainScheduleSetStart, &[index], &[])
    }
}
