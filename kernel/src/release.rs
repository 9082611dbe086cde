//! The threads that wait for a refill: a leftist heap inside their TCBs, so that a wait begins
//! and ends in a number of steps that grows with the logarithm of how many wait.
//!
//! Each thread comes after its parent; the way to the nearest missing child is at most as long by
//! the right as by the left, so a right spine has at most log2 of all threads.

use crate::Kernel;
use crate::object::store::Ref;
use crate::object::tcb::Tcb;
use machine::{Machine, Ticks};

/// When the timer has to interrupt if it has not to. It can be set to that, too.
pub const NEVER: Ticks = Ticks::MAX - 1;

/// The release queue of a core.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReleaseQueue {
    root: Option<Ref<Tcb>>,
    /// How many waits have begun. Never wraps: each takes an entry to the kernel.
    turns: u64,
    /// When the timer has to interrupt for the first of them.
    alarm: Ticks,
}

/// A thread's place in the release queue.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Place {
    /// When the refill is due that the thread waits for.
    due: Ticks,
    /// Who waits for the same time and came first, is first.
    turn: u64,
    parent: Option<Ref<Tcb>>,
    left: Option<Ref<Tcb>>,
    right: Option<Ref<Tcb>>,
    /// Steps by the right to a missing child: 1 without one.
    rank: u8,
}

impl Place {
    /// In no queue.
    pub const NONE: Self = Self {
        due: 0,
        turn: 0,
        parent: None,
        left: None,
        right: None,
        rank: 0,
    };

    /// When the refill is due that the thread waits for.
    #[inline(always)]
    pub fn due(&self) -> Ticks {
        self.due
    }

    /// What the queue is sorted by.
    pub fn order(&self) -> (Ticks, u64) {
        (self.due, self.turn)
    }
}

impl ReleaseQueue {
    /// Nobody waits.
    pub const EMPTY: Self = Self {
        root: None,
        turns: 0,
        alarm: NEVER,
    };

    /// Who waits for the earliest time.
    #[inline(always)]
    pub fn first(self) -> Option<Ref<Tcb>> {
        self.root
    }

    /// When the first wait ends.
    #[inline(always)]
    pub fn first_due(self, k: &Kernel) -> Option<Ticks> {
        self.root.map(|first| k[first].release.due)
    }

    /// When the timer has to interrupt for the first wait to end; [`NEVER`] if nobody waits.
    #[inline(always)]
    pub fn alarm(self) -> Ticks {
        self.alarm
    }

    fn of(k: &Kernel, root: Option<Ref<Tcb>>, turns: u64) -> Self {
        let precision = k.machine.timer_precision();
        let due = root.map_or(NEVER, |first| k[first].release.due);
        let alarm = due.saturating_sub(precision).min(NEVER);
        Self { root, turns, alarm }
    }

    /// This queue with `thread`, which is not in it and waits until `due`.
    #[must_use]
    pub fn with(self, k: &mut Kernel, thread: Ref<Tcb>, due: Ticks) -> Self {
        k[thread].release = Place {
            due,
            turn: self.turns,
            rank: 1,
            ..Place::NONE
        };
        let root = merge(k, self.root, Some(thread));
        Self::of(k, root, self.turns.wrapping_add(1))
    }

    /// This queue without `thread`, which is in it.
    #[must_use]
    pub fn without(self, k: &mut Kernel, thread: Ref<Tcb>) -> Self {
        let place = core::mem::replace(&mut k[thread].release, Place::NONE);
        for child in [place.left, place.right].into_iter().flatten() {
            k[child].release.parent = None;
        }
        let rest = merge(k, place.left, place.right);
        if let Some(rest) = rest {
            k[rest].release.parent = place.parent;
        }
        let Some(parent) = place.parent else {
            return Self::of(k, rest, self.turns);
        };
        let above = &mut k[parent].release;
        if above.left == Some(thread) {
            above.left = rest;
        } else {
            above.right = rest;
        }
        let mut at = Some(parent);
        while let Some(node) = at
            && balance(k, node)
        {
            at = k[node].release.parent;
        }
        self
    }

    /// All who wait, parents before children.
    pub fn members(self, k: &Kernel) -> Members<'_> {
        Members { k, next: self.root }
    }
}

/// Whether `a` is released before `b`.
fn before(k: &Kernel, a: Ref<Tcb>, b: Ref<Tcb>) -> bool {
    k[a].release.order() < k[b].release.order()
}

/// One heap of two, whose roots have no parents.
fn merge(k: &mut Kernel, a: Option<Ref<Tcb>>, b: Option<Ref<Tcb>>) -> Option<Ref<Tcb>> {
    let (Some(a), Some(b)) = (a, b) else {
        return a.or(b);
    };
    let (root, mut other) = if before(k, a, b) { (a, b) } else { (b, a) };
    // Down the right spines, in order.
    let mut at = root;
    while let Some(right) = k[at].release.right {
        if before(k, other, right) {
            hang(k, at, other);
            (at, other) = (other, right);
        } else {
            at = right;
        }
    }
    hang(k, at, other);
    // And up again: what is longer now goes to the left.
    let mut up = Some(at);
    while let Some(node) = up {
        balance(k, node);
        up = k[node].release.parent;
    }
    Some(root)
}

fn hang(k: &mut Kernel, parent: Ref<Tcb>, right: Ref<Tcb>) {
    k[parent].release.right = Some(right);
    k[right].release.parent = Some(parent);
}

fn rank(k: &Kernel, node: Option<Ref<Tcb>>) -> u8 {
    node.map_or(0, |node| k[node].release.rank)
}

/// Puts the longer way of `node` to the left. Whether its own rank has changed.
fn balance(k: &mut Kernel, node: Ref<Tcb>) -> bool {
    let place = k[node].release;
    let (left, right) = (rank(k, place.left), rank(k, place.right));
    let found = &mut k[node].release;
    if left < right {
        (found.left, found.right) = (place.right, place.left);
    }
    found.rank = left.min(right).saturating_add(1);
    found.rank != place.rank
}

/// Threads of a release queue, parents before children.
pub struct Members<'a> {
    k: &'a Kernel,
    next: Option<Ref<Tcb>>,
}

impl Iterator for Members<'_> {
    type Item = Ref<Tcb>;

    fn next(&mut self) -> Option<Ref<Tcb>> {
        let thread = self.next?;
        let place = &self.k[thread].release;
        self.next = place.left.or(place.right).or_else(|| self.beside(thread));
        Some(thread)
    }
}

impl Members<'_> {
    /// The nearest right child of an ancestor of `thread` that lies to the left of it.
    fn beside(&self, mut thread: Ref<Tcb>) -> Option<Ref<Tcb>> {
        loop {
            let parent = self.k[thread].release.parent?;
            let above = &self.k[parent].release;
            match above.right {
                Some(right) if right != thread => return Some(right),
                _ => thread = parent,
            }
        }
    }
}

/// Whether `thread` is placed as it has to be: after its parent, which knows it, with the right
/// rank.
pub fn well_placed(k: &Kernel, thread: Ref<Tcb>) -> bool {
    let place = k[thread].release;
    let known = place.parent.is_none_or(|parent| {
        let above = &k[parent].release;
        let child = above.left == Some(thread) || above.right == Some(thread);
        child && before(k, parent, thread)
    });
    let (left, right) = (rank(k, place.left), rank(k, place.right));
    known && left >= right && place.rank == right.saturating_add(1)
}
