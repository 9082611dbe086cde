//! The one queue: threads that wait, on an endpoint, a notification, for the processor, or for
//! time. A ring of links inside the TCBs, named by its head: one word, so that it fits
//! in a 16-byte endpoint, and both ends are at hand.
//!
//! A thread is in at most one queue; which one follows from its state.

use crate::Kernel;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;

/// A queue of threads.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
#[repr(transparent)]
pub struct Queue {
    head: Option<Ref<Tcb>>,
}

/// A thread's place in a queue. `None`: in no queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Links {
    pub(crate) next: Ref<Tcb>,
    pub(crate) previous: Ref<Tcb>,
}

impl Links {
    /// Whether these are the links of `thread` where it is alone in its queue.
    #[inline(always)]
    fn only(links: Option<Self>, thread: Ref<Tcb>) -> bool {
        Ref::word(links.map(|links| links.next)) == Ref::word(Some(thread))
    }
}

impl Queue {
    /// No thread.
    pub const EMPTY: Self = Self { head: None };

    /// The first thread.
    #[inline(always)]
    pub fn first(self) -> Option<Ref<Tcb>> {
        self.head
    }

    /// Whether no thread is in it.
    #[inline(always)]
    pub fn is_empty(self) -> bool {
        self.head.is_none()
    }

    /// Whether `thread` is alone in its queue.
    #[inline(always)]
    pub(crate) fn is_only(k: &Kernel, thread: Ref<Tcb>) -> bool {
        Links::only(k[thread].links, thread)
    }

    /// The thread after `thread`, if it is not the last.
    #[inline(always)]
    pub fn after(self, k: &Kernel, thread: Ref<Tcb>) -> Option<Ref<Tcb>> {
        let next = k[thread].links?.next;
        (Some(next) != self.head).then_some(next)
    }

    /// This queue with `thread`, which is in no queue, at its end.
    #[must_use]
    #[inline(always)]
    pub fn with_last(self, k: &mut Kernel, thread: Ref<Tcb>) -> Self {
        match self.head {
            None => Self::alone(k, thread),
            Some(head) => {
                link_before(k, thread, head);
                self
            }
        }
    }

    /// This queue with `thread`, which is in no queue, at its front.
    #[must_use]
    #[inline(always)]
    pub fn with_first(self, k: &mut Kernel, thread: Ref<Tcb>) -> Self {
        let _ = self.with_last(k, thread);
        Self { head: Some(thread) }
    }

    /// This queue with `thread`, which is in no queue, behind the last thread that does not
    /// yield to it. The queue is sorted so that those that yield are at its end.
    #[must_use]
    #[inline(always)]
    pub fn with_sorted(
        self,
        k: &mut Kernel,
        thread: Ref<Tcb>,
        yields: impl Fn(&Kernel, Ref<Tcb>) -> bool,
    ) -> Self {
        match self.head {
            None => Self::alone(k, thread),
            Some(head) => self.among_others(k, thread, head, yields),
        }
    }

    #[cold]
    #[inline(never)]
    fn among_others(
        self,
        k: &mut Kernel,
        thread: Ref<Tcb>,
        head: Ref<Tcb>,
        yields: impl Fn(&Kernel, Ref<Tcb>) -> bool,
    ) -> Self {
        let mut place = head;
        loop {
            // From the end, since most come behind their equals.
            let Some(links) = k[place].links else {
                return self;
            };
            let candidate = links.previous;
            if !yields(k, candidate) {
                break;
            }
            place = candidate;
            if place == head {
                link_before(k, thread, head);
                return Self { head: Some(thread) };
            }
        }
        link_before(k, thread, place);
        self
    }

    /// This queue without `thread`, which is in it.
    #[must_use]
    #[inline(always)]
    pub fn without(self, k: &mut Kernel, thread: Ref<Tcb>) -> Self {
        if Self::is_only(k, thread) {
            k[thread].links = None;
            return Self::EMPTY;
        }
        let Some(Links { next, previous }) = k[thread].links.take() else {
            return self;
        };
        if let Some(links) = &mut k[previous].links {
            links.next = next;
        }
        if let Some(links) = &mut k[next].links {
            links.previous = previous;
        }
        if self.head == Some(thread) {
            Self { head: Some(next) }
        } else {
            self
        }
    }

    /// The queue that begins with `thread`.
    #[inline(always)]
    pub(crate) fn of(thread: Ref<Tcb>) -> Self {
        Self { head: Some(thread) }
    }

    /// The queue of `thread`, which is in no queue.
    #[inline(always)]
    pub(crate) fn alone(k: &mut Kernel, thread: Ref<Tcb>) -> Self {
        k[thread].links = Some(Links {
            next: thread,
            previous: thread,
        });
        Self { head: Some(thread) }
    }
}

fn link_before(k: &mut Kernel, thread: Ref<Tcb>, next: Ref<Tcb>) {
    let Some(links) = &mut k[next].links else {
        return;
    };
    let previous = links.previous;
    links.previous = thread;
    if let Some(links) = &mut k[previous].links {
        links.next = thread;
    }
    k[thread].links = Some(Links { next, previous });
}
