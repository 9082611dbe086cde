//! The model keeps its own promises.

use super::*;
use crate::layout::paging;
use crate::layout::paging::LEVELS;
use std::collections::hash_map::DefaultHasher;
use std::panic::{AssertUnwindSafe, catch_unwind};

const RAM: PhysicalAddress = PhysicalAddress(0x10_0000);

fn small() -> Model {
    Model::new(&Config {
        ram: vec![(RAM, 64 << 10), (PhysicalAddress(0x4000_0000), 4096)],
        ..Config::default()
    })
}

fn at(offset: u64) -> KernelAddress {
    KernelAddress::of(PhysicalAddress(RAM.0 + offset))
}

/// The message with which `act` stops.
fn defect<R>(act: impl FnOnce() -> R) -> String {
    let stopped = catch_unwind(AssertUnwindSafe(act))
        .err()
        .expect("expected to stop");
    *stopped.downcast::<String>().expect("a formatted message")
}

fn hash(m: &Model) -> u64 {
    let mut h = DefaultHasher::new();
    m.hash(&mut h);
    h.finish()
}

#[test]
fn what_is_born_is_found_and_what_is_gone_is_not() {
    let mut m = small();
    m.born(at(0x40), 16, Kind::Endpoint);
    let p = m.resolve(at(0x40), 16, Kind::Endpoint).cast::<u64>();
    // SAFETY: sixteen live bytes, and no other access meanwhile.
    unsafe { p.write(7) };
    // SAFETY: likewise.
    assert_eq!(unsafe { p.read() }, 7);
    m.gone(at(0x40), 16);
    let message = defect(|| m.resolve(at(0x40), 16, Kind::Endpoint));
    assert!(
        message.contains("Endpoint of 16 bytes wanted") && message.contains("found Free"),
        "{message}"
    );
}

#[test]
fn a_reference_of_the_wrong_kind_or_into_the_middle_stops() {
    let mut m = small();
    m.born(at(0), 32, Kind::Reply);
    m.born(at(32), 32, Kind::Reply);
    assert!(defect(|| m.resolve(at(0), 32, Kind::Notification)).contains("found Reply (32 bytes)"));
    assert!(
        defect(|| m.resolve(at(16), 32, Kind::Reply))
            .contains("found Reply (16 bytes), Reply (16 bytes)")
    );
    assert!(defect(|| m.resolve(at(0x20_0000), 32, Kind::Reply)).contains("not RAM"));
    assert!(defect(|| m.resolve(at(64 << 10), 16, Kind::Reply)).contains("not RAM"));
}

#[test]
fn nothing_is_born_over_the_living_and_nothing_ends_twice() {
    let mut m = small();
    m.born(at(0x100), 64, Kind::Notification);
    assert!(defect(|| m.born(at(0x130), 32, Kind::Reply)).contains("Reply born"));
    m.gone(at(0x100), 64);
    assert!(defect(|| m.gone(at(0x100), 64)).contains("gone twice"));
    m.born(at(0x130), 32, Kind::Reply);
}

#[test]
fn device_memory_holds_frames_and_no_bytes() {
    let mut m = small();
    let device = KernelAddress::of(PhysicalAddress(0xfed0_0000));
    m.born(device, 4096, Kind::Frame);
    assert!(defect(|| m.born(device, 4096, Kind::Frame)).contains("over another"));
    assert!(defect(|| m.load(device)).contains("not RAM"));
    assert!(defect(|| m.born(device.plus(4096), 4096, Kind::PageTable)).contains("not RAM"));
    m.gone(device, 4096);
    m.born(device, 4096, Kind::Frame);
}

#[test]
fn words_are_read_and_written_in_frames_and_tables_only() {
    let mut m = small();
    m.born(at(0x1000), 4096, Kind::Frame);
    m.store(at(0x1008), 5);
    assert_eq!((m.load(at(0x1008)), m.load(at(0x1000))), (5, 0));
    assert!(defect(|| m.store(at(0), 1)).contains("found Free"));
    assert!(defect(|| m.store(at(0x1004), 1)).contains("not aligned"));
    m.clear(at(0x1000), 4096);
    assert_eq!(m.load(at(0x1008)), 0);
    m.born(at(0), 16, Kind::Endpoint);
    assert!(defect(|| m.clear(at(0), 4096)).contains("over Endpoint"));
}

#[test]
fn live_objects_are_listed_with_their_borders() {
    let mut m = small();
    m.born(at(0x10), 16, Kind::Endpoint);
    m.born(at(0x20), 16, Kind::Endpoint);
    m.born(at(0x2000), 0x400, Kind::Slots);
    m.gone(at(0x2000), 0x100);
    let found: Vec<_> = m.live().map(|o| (o.at, o.len, o.kind)).collect();
    let expected = [
        (at(0x10), 16, Kind::Endpoint),
        (at(0x20), 16, Kind::Endpoint),
        (at(0x2100), 0x300, Kind::Slots),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_clone_is_equal_and_independent() {
    let mut m = small();
    m.born(at(0x1000), 4096, Kind::Frame);
    m.store(at(0x1000), 1);
    let mut copy = m.clone();
    assert_eq!(m.difference(&copy), None);
    assert_eq!(hash(&m), hash(&copy));
    copy.store(at(0x1010), 2);
    assert!(m.difference(&copy).is_some_and(|d| d.contains("byte 16")));
    assert_ne!(hash(&m), hash(&copy));
    assert_eq!((m.load(at(0x1010)), copy.load(at(0x1000))), (0, 1));
}

#[test]
fn looking_at_zero_changes_no_hash() {
    let mut m = small();
    m.born(at(0x1000), 4096, Kind::Frame);
    let before = hash(&m);
    m.store(at(0x1000), 0);
    assert_eq!(hash(&m), before);
}

/// A table for each level, from the root down, each leading to the next.
fn tables(m: &mut Model) -> Vec<KernelAddress> {
    let tables: Vec<_> = (1..=u64::from(LEVELS)).map(|n| at(n * 0x1000)).collect();
    for table in &tables {
        m.born(*table, 4096, Kind::PageTable);
    }
    for pair in tables.windows(2) {
        m.store(pair[0], paging::table(pair[1].physical().0));
    }
    tables
}

#[test]
fn the_translation_cache_keeps_what_it_was_not_told_to_forget() {
    let mut m = small();
    let tables = tables(&mut m);
    let (root, last) = (tables[0], tables[tables.len() - 1]);
    m.store(last.plus(8), paging::page(1, 0x8000, false));
    m.set_space(Space::new(root.physical(), 3));
    let page = VirtualAddress(0x1000);
    let read_only = Translation {
        physical: PhysicalAddress(0x8010),
        writable: false,
        bits: 12,
    };
    assert_eq!(m.translate(VirtualAddress(0x1010)), Some(read_only));
    assert_eq!(m.translate(VirtualAddress(0x2010)), None);
    m.store(last.plus(8), 0);
    assert_eq!(m.walk(root.physical(), page), None);
    assert!(m.translate(page).is_some(), "still cached");
    m.invalidate_page(4, page);
    assert!(m.translate(page).is_some(), "another address space");
    m.invalidate_page(3, page);
    assert_eq!(m.translate(page), None);
    assert_eq!(
        m.invalidations(),
        [Invalidation::Page(4, page), Invalidation::Page(3, page)]
    );
    m.invalidate_asid(3);
    assert!(!m.caches(3));
    assert_eq!(m.cached_pages().count(), 0);
}

#[test]
fn a_large_page_is_one_translation() {
    let mut m = small();
    let tables = tables(&mut m);
    let (root, above_last) = (tables[0], tables[tables.len() - 2]);
    m.store(above_last, paging::page(2, 0x20_0000, true));
    m.set_space(Space::new(root.physical(), 1));
    let found = m
        .translate(VirtualAddress(0x12_3450))
        .map(|t| (t.physical, t.bits));
    assert_eq!(found, Some((PhysicalAddress(0x32_3450), 21)));
    m.store(above_last, 0);
    m.invalidate_page(1, VirtualAddress(0x1f_f000));
    assert_eq!(m.translate(VirtualAddress(0x12_3450)), None);
}

#[test]
fn the_timer_fires_once_for_each_deadline() {
    let mut m = small();
    m.set_deadline(100);
    assert_eq!(m.take_interrupt(), None);
    m.advance(100);
    assert!(m.interrupt_pending());
    assert_eq!(m.take_interrupt(), Some(TIMER_IRQ));
    assert_eq!(m.take_interrupt(), None);
    m.set_deadline(50);
    assert_eq!(
        m.take_interrupt(),
        Some(TIMER_IRQ),
        "a past deadline fires at once"
    );
}

#[test]
fn lines_wait_while_they_are_masked() {
    let mut m = small();
    m.raise(Irq(20));
    assert!(!m.interrupt_pending());
    m.unmask(Irq(20));
    assert_eq!(m.take_interrupt(), Some(Irq(20)));
    assert_eq!(m.in_service().collect::<Vec<_>>(), [Irq(20)]);
    m.mask(Irq(20));
    m.end_of_interrupt(Irq(20));
    assert_eq!((m.in_service().count(), m.ended()), (0, &[Irq(20)][..]));
    assert!(m.masked(Irq(20)));
}

#[test]
fn an_interrupt_arrives_at_the_chosen_preemption_point() {
    let mut m = small();
    m.raise_at_ask(3, TIMER_IRQ);
    let asked: Vec<_> = (0..4).map(|_| m.interrupt_pending()).collect();
    assert_eq!(asked, [false, false, true, true]);
    assert_eq!(m.take_interrupt(), Some(TIMER_IRQ));
    assert!(!m.interrupt_pending());
    assert_eq!(m.asks(), 5);
}

#[test]
fn floating_point_registers_go_to_memory_and_back() {
    let mut m = small();
    m.born(at(0x200), 64, Kind::Fpu);
    m.fpu_initialise(at(0x200));
    m.born(at(0x240), 64, Kind::Fpu);
    m.fpu_initialise(at(0x240));
    m.fpu = [9; FPU_WORDS];
    m.fpu_switch(None, at(0x200));
    assert_eq!((m.fpu, m.fpu_enabled()), ([FPU_INITIAL; FPU_WORDS], true));
    m.fpu = [3; FPU_WORDS];
    m.fpu_switch(Some(at(0x200)), at(0x240));
    assert_eq!(m.bytes(at(0x200), 8), [3, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(m.fpu, [FPU_INITIAL; FPU_WORDS]);
}

#[test]
fn ports_answer_from_a_script_and_remember_writes() {
    let mut m = small();
    m.script_port(0x60, &[0x1234, 5]);
    assert_eq!(
        (m.port_in(0x60, 1), m.port_in(0x60, 4), m.port_in(0x60, 2)),
        (0x34, 5, 0xffff)
    );
    m.port_out(0x64, 2, 0xabcd);
    assert_eq!(
        m.port_writes(),
        [PortWrite {
            port: 0x64,
            bytes: 2,
            value: 0xabcd
        }]
    );
}

#[test]
fn pins_are_routed_masked() {
    let mut m = small();
    m.unmask(Irq(17));
    m.ioapic_route(Irq(17), 0, 4, Trigger::Level, Polarity::Low);
    assert!(m.masked(Irq(17)));
    assert_eq!(m.routes()[&Irq(17)].pin, 4);
    assert_eq!((m.ioapic_pins(0), m.ioapic_pins(1)), (24, 0));
    assert!(
        defect(|| m.ioapic_route(Irq(17), 0, 24, Trigger::Edge, Polarity::High))
            .contains("does not exist")
    );
}

#[test]
fn what_was_put_aside_comes_back() {
    let mut m = Model::default();
    let at = |offset: u64| KernelAddress::of(PhysicalAddress(0x10_0000 + offset));
    m.born(at(0), 4096, Kind::Frame);
    m.store(at(8), 1);
    m.track();
    let first = m.save();
    m.store(at(8), 2);
    m.store(at(0x700), 3);
    m.born(at(0x2000), 16, Kind::Endpoint);
    let second = m.save();
    m.restore(&first);
    assert_eq!(
        (m.load(at(8)), m.load(at(0x700)), m.kind_at(at(0x2000))),
        (1, 0, Kind::Free)
    );
    m.store(at(0x100), 9);
    assert_eq!(m.changes().len(), 1);
    m.gone(at(0), 4096);
    m.restore(&second);
    assert_eq!(
        (m.load(at(8)), m.load(at(0x700)), m.load(at(0x100))),
        (2, 3, 0)
    );
    assert_eq!(m.kind_at(at(0x2000)), Kind::Endpoint);
}
