//! The release queue against a silly model: a vector that is sorted again after each step.

use crate::world::World;
use kernel::object::store::Ref;
use kernel::object::tcb::Tcb;
use kernel::release::{self, ReleaseQueue};
use proptest::prelude::*;

const THREADS: usize = 24;

/// A thread begins to wait until a time, or stops, whichever it does not do yet.
fn steps() -> impl Strategy<Value = Vec<(usize, u64)>> {
    prop::collection::vec((0..THREADS, 0..12u64), 0..120)
}

proptest! {
    #![proptest_config(crate::config(64))]

    #[test]
    fn the_release_queue_is_sorted_by_time_and_then_by_turn(steps in steps()) {
        let mut w = World::new();
        let threads: Vec<Ref<Tcb>> = (0..THREADS).map(|_| w.passive_thread(1).object).collect();
        let mut queue = ReleaseQueue::EMPTY;
        let mut silly: Vec<(u64, usize, usize)> = vec![];
        for (turn, (n, due)) in steps.into_iter().enumerate() {
            match silly.iter().position(|&(_, _, who)| who == n) {
                Some(at) => {
                    silly.remove(at);
                    queue = queue.without(&mut w.k, threads[n]);
                }
                None => {
                    silly.push((due, turn, n));
                    silly.sort();
                    queue = queue.with(&mut w.k, threads[n], due);
                }
            }
            let first = silly.first();
            prop_assert_eq!(queue.first(), first.map(|&(_, _, n)| threads[n]));
            prop_assert_eq!(queue.first_due(&w.k), first.map(|&(due, _, _)| due));
            let mut members: Vec<Ref<Tcb>> = queue.members(&w.k).collect();
            prop_assert!(members.iter().all(|&thread| release::well_placed(&w.k, thread)));
            members.sort_by_key(|&thread| w.k[thread].release.order());
            let expected: Vec<Ref<Tcb>> = silly.iter().map(|&(_, _, n)| threads[n]).collect();
            prop_assert_eq!(members, expected);
        }
    }
}
