//! Who is ready: for each domain and priority a queue, and where the highest one is.
//! (`abi/semantics-tcb-sched.md`.)

use crate::Kernel;
use crate::kernel::DOMAINS;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use crate::queue::Queue;

/// How many priorities there are.
pub const PRIORITIES: usize = 256;

/// The ready threads of a domain, by priority.
#[derive(Clone, PartialEq, Debug)]
#[repr(C)]
pub struct ReadyQueues {
    /// The highest priority with a thread, plus 1; 0 if there is none.
    pub height: u16,
    /// A bit for each queue that has a thread.
    pub bitmap: [u64; PRIORITIES / 64],
    pub queues: [Queue; PRIORITIES],
}

#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
}

/// The ready queues that `thread` belongs in.
#[inline(always)]
fn ready_of(k: &mut Kernel, thread: Ref<Tcb>) -> Option<&mut ReadyQueues> {
    let domain = if DOMAINS > 1 { k[thread].domain } else { 0 };
    k.node_mut().ready.get_mut(usize::from(domain))
}

fn enqueue(k: &mut Kernel, thread: Ref<Tcb>, end: End) {
    let tcb = &k[thread];
    if !tcb.ready_queued && !tcb.release_queued {
        enqueue_free(k, thread, end);
    }
}

/// Puts `thread`, which is in no queue, among the ready ones of its priority.
#[inline(always)]
fn enqueue_free(k: &mut Kernel, thread: Ref<Tcb>, end: End) {
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    let others = *ready.queue(priority);
    ready.occupied(priority);
    let new = match end {
        End::First => others.with_first(k, thread),
        End::Last => others.with_last(k, thread),
    };
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = new;
    }
    k[thread].ready_queued = true;
}

/// Whether nobody of the priority of `thread` is ready.
#[inline(always)]
pub(crate) fn no_equal_ready(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let Some(ready) = ready_now(k) else {
        return true;
    };
    let queue = ready.queues.get(usize::from(k[thread].priority));
    queue.is_none_or(|queue| queue.is_empty())
}

/// Puts `thread`, the current one, among the ready ones, of whom nobody is as important.
#[inline(always)]
pub(crate) fn enqueue_highest(k: &mut Kernel, thread: Ref<Tcb>) {
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    ready.height = above(priority);
    ready.mark(priority);
    *ready.queue(priority) = Queue::of(thread);
    let _ = Queue::alone(k, thread);
    k[thread].ready_queued = true;
}

/// Puts `thread` at the front of its priority, unless it is queued.
#[doc(alias = "tcbSchedEnqueue")]
pub fn enqueue_first(k: &mut Kernel, thread: Ref<Tcb>) {
    enqueue(k, thread, End::First);
}

/// Puts `thread` behind all others of its priority, unless it is queued.
#[doc(alias = "tcbSchedAppend")]
pub fn enqueue_last(k: &mut Kernel, thread: Ref<Tcb>) {
    enqueue(k, thread, End::Last);
}

/// Takes `thread` out of the ready queues, if it is there.
#[inline(always)]
pub fn dequeue(k: &mut Kernel, thread: Ref<Tcb>) {
    if k[thread].ready_queued {
        dequeue_queued(k, thread);
    }
}

#[inline(never)]
fn dequeue_queued(k: &mut Kernel, thread: Ref<Tcb>) {
    take_out(k, thread, false);
}

/// Takes `thread`, who is [`first_ready`], out of its queue.
#[inline(always)]
pub(crate) fn dequeue_first(k: &mut Kernel, thread: Ref<Tcb>) {
    take_out(k, thread, true);
}

/// Takes `thread` out of its queue, which is known to be the `highest`, or may be any.
#[inline(always)]
fn take_out(k: &mut Kernel, thread: Ref<Tcb>, highest: bool) {
    k[thread].ready_queued = false;
    let priority = k[thread].priority;
    let Some(ready) = ready_of(k, thread) else {
        return;
    };
    let new = ready.queue(priority).without(k, thread);
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = new;
        if new.is_empty() {
            ready.unmark(priority);
            if highest || ready.height == above(priority) {
                ready.lower();
            }
        }
    }
}

/// `thread`, the current one, is ready instead of `next`, who was the only one of their priority.
#[inline(always)]
pub(crate) fn exchange(k: &mut Kernel, next: Ref<Tcb>, thread: Ref<Tcb>) {
    k[next].links = None;
    k[next].ready_queued = false;
    let priority = k[thread].priority;
    let queue = Queue::alone(k, thread);
    if let Some(ready) = ready_of(k, thread) {
        *ready.queue(priority) = queue;
    }
    k[thread].ready_queued = true;
}

/// The height of ready queues of which that of `priority` is the highest with a thread.
#[inline(always)]
fn above(priority: u8) -> u16 {
    u16::from(priority).wrapping_add(1)
}

impl ReadyQueues {
    /// Nobody is ready.
    pub const EMPTY: Self = Self {
        queues: [Queue::EMPTY; PRIORITIES],
        bitmap: [0; PRIORITIES / 64],
        height: 0,
    };

    #[inline(always)]
    fn queue(&mut self, priority: u8) -> &mut Queue {
        #[expect(clippy::indexing_slicing, reason = "there is a queue for each of 256")]
        &mut self.queues[usize::from(priority)]
    }

    #[inline(always)]
    fn word(&mut self, priority: u8) -> &mut u64 {
        #[expect(clippy::indexing_slicing, reason = "64 bits for each of 4")]
        &mut self.bitmap[usize::from(priority >> 6)]
    }

    /// The queue of `priority` has a thread.
    #[inline(always)]
    fn occupied(&mut self, priority: u8) {
        self.mark(priority);
        self.height = self.height.max(above(priority));
    }

    #[inline(always)]
    fn mark(&mut self, priority: u8) {
        *self.word(priority) |= 1u64.wrapping_shl(priority.into());
    }

    #[inline(always)]
    fn unmark(&mut self, priority: u8) {
        *self.word(priority) &= !1u64.wrapping_shl(priority.into());
    }

    /// The queue that `height` speaks of no longer has a thread.
    #[inline(always)]
    fn lower(&mut self) {
        let [a, b, c, d] = self.bitmap;
        self.height = match a | b | c | d {
            0 => 0,
            _ => self.measured(),
        };
    }

    /// What `height` has to be.
    pub fn measure(&self) -> u16 {
        self.measured()
    }

    #[inline(always)]
    fn measured(&self) -> u16 {
        let [a, b, c, d] = self.bitmap;
        let (base, word) = match (d, c, b) {
            (0, 0, 0) => (0, a),
            (0, 0, _) => (64, b),
            (0, _, _) => (128, c),
            _ => (192, d),
        };
        // At most 64.
        u16::saturating_add(base, 64u32.saturating_sub(word.leading_zeros()) as u16)
    }

    /// The first thread of the highest priority.
    #[inline(always)]
    fn first(&self) -> Option<Ref<Tcb>> {
        let highest = usize::from(self.height.checked_sub(1)?);
        self.queues.get(highest)?.first()
    }
}

/// The ready queues of the current domain.
#[inline(always)]
fn ready_now(k: &Kernel) -> Option<&ReadyQueues> {
    k.node().ready.get(k.schedule.current_domain())
}

/// Whether no ready thread of the current domain has a priority above `priority`.
#[inline(always)]
pub(crate) fn none_above(k: &Kernel, priority: u8) -> bool {
    ready_now(k).is_none_or(|ready| ready.height <= u16::from(priority).saturating_add(1))
}

/// Whether no ready thread of the current domain is as important as `thread`, or more.
#[inline(always)]
pub(crate) fn none_as_important(k: &Kernel, thread: Ref<Tcb>) -> bool {
    ready_now(k).is_none_or(|ready| ready.height <= u16::from(k[thread].priority))
}

#[inline(always)]
pub(crate) fn first_ready(k: &Kernel) -> Option<Ref<Tcb>> {
    ready_now(k)?.first()
}
