//! A thread that has nothing to do with the world, and that the world has nothing to do with: it holds all
//! capabilities to what it is made of, and nobody else holds one to anything of that. After every step it
//! is bit for bit as it was, but for its place among those that are ready, whether it runs and on how
//! much time, and for links of lists that others share.

use crate::judge::Verdict;
use crate::model::Place;
use crate::refinement::Frame;
use core::mem::offset_of;
use core::ops::Range;
use kernel::Kernel;
use kernel::object::cnode;
use kernel::object::store::{Object, Ref};
use kernel::object::tcb::{Tcb, ThreadState};
use kernel::queue::Links;
use machine::{KernelAddress, Kind, PhysicalAddress};

/// Where it is.
#[derive(Clone, Debug)]
pub struct Bystander {
    pub thread: Ref<Tcb>,
    /// The memory of its objects.
    pub memory: Vec<(KernelAddress, u64)>,
    /// Which of that is its time.
    pub time: (KernelAddress, u64),
}

fn holds((start, len): (KernelAddress, u64), at: KernelAddress) -> bool {
    at.bits().wrapping_sub(start.bits()) < len
}

impl Bystander {
    /// Its place in the world.
    pub fn place(&self, frame: Frame) -> Place {
        frame.place(self.thread.address())
    }

    /// It is as it was before the step.
    pub fn as_it_was(&self, k: &Kernel, ran_before: bool) -> Verdict<()> {
        let ran = ran_before || k.current() == Some(self.thread);
        for change in k.machine.changes() {
            for (n, (before, now)) in change.before.iter().zip(&change.now).enumerate() {
                let at = KernelAddress::of(PhysicalAddress(change.at.0 + n as u64 * 8));
                if before == now || !self.memory.iter().any(|piece| holds(*piece, at)) {
                    continue;
                }
                let bytes = before.to_ne_bytes().into_iter().zip(now.to_ne_bytes());
                for (n, (before, now)) in (0..).zip(bytes) {
                    if before != now && !self.may_change(k, at.plus(n), ran) {
                        return Err(format!(
                            "a bystander has changed: {:?} at {:#x}",
                            k.machine.kind_at(at),
                            at.plus(n).bits()
                        ));
                    }
                }
            }
        }
        Ok(())
    }

    fn may_change(&self, k: &Kernel, at: KernelAddress, ran: bool) -> bool {
        match k.machine.kind_at(at) {
            // Neighbours in the derivation list.
            Kind::Slots => at.bits() as usize % size_of::<cnode::Slot>() >= 16,
            Kind::Tcb => {
                let start = self.thread.address().plus(Tcb::OFFSET);
                let offset = at.bits().wrapping_sub(start.bits()) as usize;
                let always = [
                    field::<Option<Links>>(offset_of!(Tcb, links)),
                    field::<bool>(offset_of!(Tcb, ready_queued)),
                    field::<Option<Ref<Tcb>>>(offset_of!(Tcb, all_next)),
                    field::<Option<Ref<Tcb>>>(offset_of!(Tcb, all_previous)),
                ];
                // From Restart to Running, and what it remembers of its address space.
                let if_it_ran = [
                    field::<ThreadState>(offset_of!(Tcb, state)),
                    field::<kernel::object::asid::KnownSpace>(offset_of!(Tcb, space)),
                ];
                always.iter().any(|place| place.contains(&offset))
                    || ran && if_it_ran.iter().any(|place| place.contains(&offset))
            }
            Kind::SchedContext => ran && holds(self.time, at),
            _ => false,
        }
    }
}

fn field<T>(at: usize) -> Range<usize> {
    at..at + size_of::<T>()
}
