//! Domains: a fixed partition of time. Most needs a profile with more than one
//! (`LINCHPIN_PROFILE=domains`); with one domain those tests have nothing to say.

use crate::world::{CPtr, Thread, World, error};
use abi::bootinfo::slot;
use abi::error::ErrorCode;
use abi::{Invocation, PROFILE, Word};

const DOMAIN: CPtr = CPtr(slot::DOMAIN as Word);

fn set_domain(w: &mut World, thread: Thread, domain: Word) -> crate::world::calls::Answer {
    w.root_invokes(DOMAIN, Invocation::DomainSetSet, &[domain], &[thread.tcb])
}

fn configure(w: &mut World, index: Word, domain: Word, ticks: Word) -> crate::world::calls::Answer {
    w.root_invokes(
        DOMAIN,
        Invocation::DomainScheduleConfigure,
        &[index, domain, ticks],
        &[],
    )
}

#[test]
fn refusals_of_the_domain_capability() {
    let mut w = World::new();
    let (thread, ep) = (w.thread(), w.endpoint());
    let domains = PROFILE.num_domains as Word;
    let entries = PROFILE.num_domain_schedules as Word;
    let argument = |n| Err(error(ErrorCode::InvalidArgument, &[n]));
    let range = |max| Err(error(ErrorCode::RangeError, &[0, max]));
    let truncated = Err(error(ErrorCode::TruncatedMessage, &[]));
    assert_eq!(
        w.root_invokes(DOMAIN, Invocation::DomainSetSet, &[], &[thread.tcb]),
        truncated
    );
    assert_eq!(
        w.root_invokes(DOMAIN, Invocation::DomainSetSet, &[domains], &[]),
        argument(0)
    );
    assert_eq!(
        w.root_invokes(DOMAIN, Invocation::DomainSetSet, &[0], &[]),
        truncated
    );
    assert_eq!(
        w.root_invokes(DOMAIN, Invocation::DomainSetSet, &[0], &[ep]),
        argument(1)
    );
    assert_eq!(set_domain(&mut w, thread, 0), Ok(vec![]));
    assert_eq!(configure(&mut w, entries - 1, 0, 1), range(entries - 2));
    assert_eq!(configure(&mut w, 0, domains, 1), range(domains - 1));
    assert_eq!(configure(&mut w, 0, 0, 1 << 56), argument(2));
    assert_eq!(
        configure(&mut w, 0, 0, 0),
        argument(2),
        "the entry that the schedule starts with"
    );
}

#[test]
fn each_domain_has_its_turn() {
    if PROFILE.num_domains < 2 {
        return;
    }
    let mut w = World::new();
    let [one, two] = [w.thread_at(10), w.thread_at(20)];
    let per_us = 10;
    w.as_root(|w| {
        configure(w, 0, 0, 3000 * per_us).expect("entry 0");
        configure(w, 1, 1, 2000 * per_us).expect("entry 1");
        configure(w, 2, 0, 0).expect("end");
        set_domain(w, two, 1).expect("domain 1");
        w.root_invokes(DOMAIN, Invocation::DomainScheduleSetStart, &[0], &[])
            .expect("start");
    });
    w.root_sleeps();
    for _ in 0..3 {
        assert!(
            w.is_current(one),
            "although the other has the higher priority"
        );
        w.pass(3000);
        assert!(w.is_current(two));
        w.pass(2000);
    }
}

#[test]
fn a_domain_without_ready_threads_idles() {
    if PROFILE.num_domains < 2 {
        return;
    }
    let mut w = World::new();
    let one = w.thread();
    w.as_root(|w| {
        configure(w, 0, 0, 30_000).expect("entry 0");
        configure(w, 1, 1, 20_000).expect("entry 1");
        configure(w, 2, 0, 0).expect("end");
        w.root_invokes(DOMAIN, Invocation::DomainScheduleSetStart, &[0], &[])
            .expect("start");
    });
    w.root_sleeps();
    assert!(w.is_current(one));
    w.pass(3000);
    assert_eq!(w.current(), None);
    w.pass(2000);
    assert!(w.is_current(one));
}
