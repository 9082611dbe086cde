//! Invocations of scheduling contexts and of scheduling control.

use crate::Kernel;
use crate::cap::{Cap, SchedContextCap};
use crate::error::SyscallError;
use crate::invocation::{Done, Refusal};
use crate::kernel::MIN_BUDGET_US;
use crate::message::Message;
use crate::object::notification::Notification;
use crate::object::sched_context::{self, SchedContext, refill_capacity};
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::ready;
use crate::sched;
use crate::time;
use abi::Word;
use abi::invocation::Invocation;
use abi::sched::{MIN_REFILLS, SCHED_CONTEXT_SPORADIC};
use machine::Ticks;

/// Something that a scheduling context can be bound to.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    Tcb(Ref<Tcb>),
    Notification(Ref<Notification>),
}

/// What is to be done with a scheduling context.
#[derive(Clone, Copy, Debug)]
pub enum SchedContextInvocation {
    Bind(Holder),
    Unbind,
    UnbindObject(Holder),
    Consumed,
    YieldTo(Ref<Tcb>),
}

impl SchedContextInvocation {
    /// Does what `m` asks of `sc`.
    #[inline(never)]
    pub fn invoke(
        k: &mut Kernel,
        sc: Ref<SchedContext>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Done, Refusal> {
        Ok(Self::decode(k, sc, invocation, m)?.commit(k, sc, m))
    }

    /// Looks at what `m` asks of `sc`.
    pub fn decode(
        k: &Kernel,
        sc: Ref<SchedContext>,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        match invocation {
            Invocation::SchedContextBind => decode_bind(k, sc, m),
            Invocation::SchedContextUnbind => match k[sc].tcb {
                Some(tcb) if tcb == m.sender => Err(SyscallError::IllegalOperation),
                _ => Ok(Self::Unbind),
            },
            Invocation::SchedContextUnbindObject => decode_unbind_object(k, sc, m),
            Invocation::SchedContextConsumed => Ok(Self::Consumed),
            Invocation::SchedContextYieldTo => decode_yield_to(k, sc, m),
            _ => Err(SyscallError::IllegalOperation),
        }
    }

    /// Does it.
    pub fn commit(self, k: &mut Kernel, sc: Ref<SchedContext>, m: &Message) -> Done {
        match self {
            Self::Bind(Holder::Tcb(tcb)) => sched_context::bind_tcb(k, sc, tcb),
            Self::Bind(Holder::Notification(notification)) => {
                sched_context::bind_notification(k, sc, notification);
            }
            Self::Unbind => {
                sched_context::unbind_tcb(k, sc);
                sched_context::unbind_notification(k, sc);
                sched_context::unbind_reply(k, sc);
            }
            Self::UnbindObject(Holder::Tcb(_)) => sched_context::unbind_tcb(k, sc),
            Self::UnbindObject(Holder::Notification(_)) => {
                sched_context::unbind_notification(k, sc)
            }
            Self::Consumed => return report_consumed(k, sc, m),
            Self::YieldTo(tcb) => return yield_to(k, sc, tcb, m),
        }
        Done::Empty
    }
}

fn decode_bind(
    k: &Kernel,
    sc: Ref<SchedContext>,
    m: &Message,
) -> Result<SchedContextInvocation, SyscallError> {
    let slot = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
    let refused = SyscallError::IllegalOperation;
    match k[slot].cap() {
        Cap::Tcb(tcb) => {
            let taken = k[sc].tcb.is_some() || k[tcb].sched_context.is_some();
            if taken || sched_context::blocked(k[tcb].state) && !sched_context::released(k, sc) {
                return Err(refused);
            }
            Ok(SchedContextInvocation::Bind(Holder::Tcb(tcb)))
        }
        Cap::Notification(c) => {
            if k[sc].notification.is_some() || k[c.notification].sched_context.is_some() {
                return Err(refused);
            }
            Ok(SchedContextInvocation::Bind(Holder::Notification(
                c.notification,
            )))
        }
        _ => Err(SyscallError::InvalidCapability(1)),
    }
}

fn decode_unbind_object(
    k: &Kernel,
    sc: Ref<SchedContext>,
    m: &Message,
) -> Result<SchedContextInvocation, SyscallError> {
    let slot = m.cap(0).ok_or(SyscallError::TruncatedMessage)?;
    let refused = SyscallError::IllegalOperation;
    match k[slot].cap() {
        Cap::Tcb(tcb) if k[sc].tcb != Some(tcb) || tcb == m.sender => Err(refused),
        Cap::Tcb(tcb) => Ok(SchedContextInvocation::UnbindObject(Holder::Tcb(tcb))),
        Cap::Notification(c) if k[sc].notification != Some(c.notification) => Err(refused),
        Cap::Notification(c) => Ok(SchedContextInvocation::UnbindObject(Holder::Notification(
            c.notification,
        ))),
        _ => Err(SyscallError::InvalidCapability(1)),
    }
}

fn report_consumed(k: &mut Kernel, sc: Ref<SchedContext>, m: &Message) -> Done {
    if k.node().current_sc == Some(sc) {
        time::commit(k);
        k.node_mut().reprogram = true;
    }
    let consumed = sched_context::take_consumed(k, sc);
    Done::reply(k, m, &[consumed])
}

fn decode_yield_to(
    k: &Kernel,
    sc: Ref<SchedContext>,
    m: &Message,
) -> Result<SchedContextInvocation, SyscallError> {
    let tcb = k[sc].tcb.ok_or(SyscallError::IllegalOperation)?;
    let sender = &k[m.sender];
    let too_important = k[tcb].priority > sender.max_controlled_priority;
    if tcb == m.sender || too_important || sender.yield_to.is_some() {
        return Err(SyscallError::IllegalOperation);
    }
    Ok(SchedContextInvocation::YieldTo(tcb))
}

/// The sender lets `tcb`, the thread of `sc`, run before it, as far as priorities allow.
fn yield_to(k: &mut Kernel, sc: Ref<SchedContext>, tcb: Ref<Tcb>, m: &Message) -> Done {
    if let Some(yielder) = k[sc].yield_from {
        sched_context::complete_yield(k, yielder);
    }
    sched_context::unblock_and_resume(k, sc);
    let sender = m.sender;
    if !k.schedulable(tcb) {
        return report_consumed(k, sc, m);
    }
    if k[tcb].core != k[sender].core || k[tcb].priority < k[sender].priority {
        ready::dequeue(k, tcb);
        ready::enqueue_first(k, tcb);
        return report_consumed(k, sc, m);
    }
    k[sender].yield_to = Some(sc);
    k[sc].yield_from = Some(sender);
    ready::dequeue(k, tcb);
    ready::enqueue_first(k, sender);
    ready::enqueue_first(k, tcb);
    sched::reschedule(k);
    Done::Empty
}

/// New parameters for a scheduling context.
#[derive(Clone, Copy, Debug)]
pub struct Configure {
    sched_context: Ref<SchedContext>,
    core: u8,
    budget: Ticks,
    period: Ticks,
    max_refills: u64,
    badge: Word,
    sporadic: bool,
}

impl Configure {
    /// Does what `m` asks of the control of `core`'s time.
    #[inline(never)]
    pub fn invoke(
        k: &mut Kernel,
        core: u8,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Done, Refusal> {
        Self::decode(k, core, invocation, m)?.commit(k);
        Ok(Done::Empty)
    }

    /// Looks at what `m` asks of the control of `core`'s time.
    pub fn decode(
        k: &Kernel,
        core: u8,
        invocation: Invocation,
        m: &Message,
    ) -> Result<Self, SyscallError> {
        if invocation != Invocation::SchedControlConfigureFlags {
            return Err(SyscallError::IllegalOperation);
        }
        let (Some(slot), 5..) = (m.cap(0), m.length) else {
            return Err(SyscallError::TruncatedMessage);
        };
        let [budget_us, period_us, extra_refills, badge, flags] =
            [0, 1, 2, 3, 4].map(|n| m.word(k, n));
        let max_us = k.max_period_us();
        let out_of_range = |max| {
            Err(SyscallError::RangeError {
                min: MIN_BUDGET_US,
                max,
            })
        };
        if budget_us > max_us || period_us > max_us {
            return out_of_range(max_us);
        }
        let (budget, period) = (k.ticks_of(budget_us), k.ticks_of(period_us));
        if budget < k.limits.min_budget || period < k.limits.min_budget {
            return out_of_range(max_us);
        }
        if budget > period {
            return out_of_range(period_us);
        }
        let Cap::SchedContext(SchedContextCap {
            sched_context,
            bits,
        }) = k[slot].cap()
        else {
            return Err(SyscallError::InvalidCapability(1));
        };
        let most = refill_capacity(bits).saturating_sub(MIN_REFILLS as u64);
        if extra_refills > most {
            return Err(SyscallError::RangeError { min: 0, max: most });
        }
        let round_robin = budget == period;
        Ok(Self {
            sched_context,
            core,
            budget,
            period: if round_robin { 0 } else { period },
            max_refills: (MIN_REFILLS as u64).saturating_add(if round_robin {
                0
            } else {
                extra_refills
            }),
            badge,
            sporadic: flags & SCHED_CONTEXT_SPORADIC != 0,
        })
    }

    /// Does it.
    #[doc(alias = "invokeSchedControl_ConfigureFlags")]
    pub fn commit(self, k: &mut Kernel) {
        let sc = self.sched_context;
        let bound = k[sc].tcb;
        if let Some(tcb) = bound {
            sched::release_remove(k, tcb);
            ready::dequeue(k, tcb);
        }
        if k.node().current_sc == Some(sc) {
            // What was used so far is charged by the old parameters.
            time::commit(k);
            k.node_mut().reprogram = true;
        }
        k[sc].badge = self.badge;
        k[sc].sporadic = self.sporadic;
        let now = k.node().now;
        let in_use = k[sc].ring.active()
            && k[sc].core == self.core
            && bound.is_some_and(|tcb| k[tcb].runnable());
        if in_use {
            sched_context::refills(k, sc).reconfigure(
                self.max_refills,
                self.budget,
                self.period,
                now,
            );
        } else {
            // The new ring's storage is the object's own: its size was checked.
            k[sc].ring.max = self.max_refills;
            sched_context::refills(k, sc).start(self.max_refills, self.budget, self.period, now);
        }
        k[sc].core = self.core;
        let Some(tcb) = bound else { return };
        k[tcb].core = self.core;
        sched_context::resume(k, sc);
        if k.current() == Some(tcb) {
            sched::reschedule(k);
        } else if k.schedulable(tcb) {
            sched::possible_switch_to(k, tcb);
        }
    }
}
