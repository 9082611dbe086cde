//! Regions, pieces, layout, slots: with maps that firmware could pass, and with ones that it
//! should not.

use super::super::BootError;
use super::super::plan::{Plan, Rules};
use super::super::region::{Grid, MAX_REGIONS, Piece, Region, Regions};
use super::{World, physical};
use crate::isa::BOOT_RULES;
use abi::bootinfo::SlotRegion;

/// The first address that is not user space's.
const USER_TOP: u64 = BOOT_RULES.user_top;

fn region(start: u64, end: u64) -> Region {
    Region::new(start, end)
}

fn regions(list: &[(u64, u64)]) -> Regions {
    let mut regions = Regions::NONE;
    for &(start, end) in list {
        regions.insert(region(start, end)).expect("few");
    }
    regions
}

fn listed(regions: &Regions) -> Vec<(u64, u64)> {
    regions
        .as_slice()
        .iter()
        .map(|r| (r.start, r.end))
        .collect()
}

#[test]
fn regions_come_in_any_order_and_overlapping_ones_are_one() {
    for (given, expected) in [
        (vec![], vec![]),
        (vec![(5, 5), (7, 6)], vec![]),
        (vec![(8, 9), (2, 4), (5, 6)], vec![(2, 4), (5, 6), (8, 9)]),
        (vec![(2, 4), (4, 6)], vec![(2, 4), (4, 6)]),
        (vec![(4, 6), (2, 4)], vec![(2, 4), (4, 6)]),
        (vec![(2, 4), (6, 8), (3, 7)], vec![(2, 8)]),
        (vec![(2, 4), (6, 8), (10, 12), (0, 11)], vec![(0, 12)]),
        (vec![(2, 9), (4, 5)], vec![(2, 9)]),
        (vec![(0, u64::MAX), (7, 8)], vec![(0, u64::MAX)]),
    ] {
        assert_eq!(listed(&regions(&given)), expected, "{given:?}");
    }
}

#[test]
fn holes_cut_shorten_split_and_remove() {
    let all = [(10, 20), (30, 40), (40, 50)];
    for (hole, expected) in [
        ((0, 10), vec![(10, 20), (30, 40), (40, 50)]),
        ((15, 15), vec![(10, 20), (30, 40), (40, 50)]),
        ((0, 15), vec![(15, 20), (30, 40), (40, 50)]),
        ((12, 14), vec![(10, 12), (14, 20), (30, 40), (40, 50)]),
        ((35, 45), vec![(10, 20), (30, 35), (45, 50)]),
        ((15, 45), vec![(10, 15), (45, 50)]),
        ((10, 20), vec![(30, 40), (40, 50)]),
        ((0, u64::MAX), vec![]),
    ] {
        let mut regions = regions(&all);
        regions.remove(region(hole.0, hole.1)).expect("few");
        assert_eq!(listed(&regions), expected, "{hole:?}");
    }
}

#[test]
fn too_many_regions_are_an_error_and_not_a_panic() {
    let mut regions = Regions::NONE;
    for n in 0..MAX_REGIONS as u64 {
        regions
            .insert(region(n * 10, n * 10 + 5))
            .expect("there is room");
    }
    assert_eq!(regions.insert(region(7, 8)), Err(BootError::TooManyRegions));
    assert_eq!(regions.remove(region(1, 2)), Err(BootError::TooManyRegions));
    // What touches a known one needs no place.
    assert_eq!(regions.insert(region(4, 11)), Ok(()));
}

#[test]
fn gaps_are_what_lies_between() {
    let gaps = |list: &[(u64, u64)], top| -> Vec<(u64, u64)> {
        regions(list).gaps(top).map(|r| (r.start, r.end)).collect()
    };
    assert_eq!(gaps(&[], 100), [(0, 100)]);
    assert_eq!(
        gaps(&[(0, 10), (10, 20), (30, 40)], 100),
        [(20, 30), (40, 100)]
    );
    assert_eq!(gaps(&[(50, 150)], 100), [(0, 50)]);
    assert_eq!(gaps(&[(0, 100)], 100), []);
    assert_eq!(gaps(&[(120, 130)], 100), [(0, 100)]);
}

fn pieces(start: u64, end: u64, max_bits: u32) -> Vec<(u64, u32)> {
    let grid = Grid {
        window: 0xffff_ff80_0000_0000,
        max_bits,
    };
    let of = |Piece { start, bits }| (start, bits);
    grid.pieces(region(start, end)).map(of).collect()
}

#[test]
fn regions_are_cut_into_aligned_powers_of_two() {
    assert_eq!(
        pieces(0x1000, 0x8000, 47),
        [(0x1000, 12), (0x2000, 13), (0x4000, 14)]
    );
    assert_eq!(pieces(0x1000, 0x1000, 47), []);
    assert_eq!(pieces(0x2000, 0x1000, 47), []);
    // Too small to be untyped: 7 bytes at the start, 15 at the end.
    assert_eq!(pieces(0x1009, 0x102f, 47), [(0x1010, 4)]);
    assert_eq!(pieces(0x1001, 0x100f, 47), []);
    assert_eq!(
        pieces(0, 1 << 14, 12),
        [(0, 12), (0x1000, 12), (0x2000, 12), (0x3000, 12)]
    );
    // The last bytes of the address space.
    assert_eq!(
        pieces(u64::MAX - 0x1f, u64::MAX, 47),
        [(u64::MAX - 0x1f, 4)]
    );
}

#[test]
fn pieces_fill_a_region_without_gaps_and_without_overlap() {
    // A fixed sequence of awkward bounds.
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    for _ in 0..2000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let start = (seed >> 24) & !15;
        let end = start + ((seed << 20 >> 30) & !15);
        let mut at = start;
        for (piece, bits) in pieces(start, end, 38) {
            assert_eq!(piece, at);
            assert!((4..=38).contains(&bits));
            at += 1 << bits;
        }
        assert_eq!(at, end, "{start:#x} to {end:#x}");
    }
}

#[test]
fn memory_may_be_listed_in_any_order_and_twice() {
    let mut world = World::small();
    let plan = untypeds(&world.plan(&BOOT_RULES).expect("a small world starts"));
    world.memory = vec![
        physical(0x80_0000, 0x110_0000),
        physical(0x10_0000, 0x90_0000),
        physical(0x20_0000, 0x20_0001),
    ];
    assert_eq!(
        untypeds(&world.plan(&BOOT_RULES).expect("the same world")),
        plan
    );
}

fn untypeds(plan: &Plan) -> Vec<(u64, u32, bool)> {
    plan.untypeds()
        .map(|u| (u.piece.start, u.piece.bits, u.device))
        .collect()
}

/// Nothing is given out twice, and nothing that is in use.
#[test]
fn untypeds_are_disjoint_from_everything_else() {
    let mut world = World::small();
    world.memory.push(physical(0x200_0000, 0x200_0800));
    world.memory.push(physical(0x1_0000_0000, 0x1_0800_3000));
    world.devices.push(physical(0x40_0000, 0x48_0000));
    let plan = world.plan(&BOOT_RULES).expect("there is enough memory");
    let mut taken = vec![
        region(world.boot_end, world.kernel.end),
        world.image,
        region(0x40_0000, 0x48_0000),
        region(0xfee0_0000, 0xfee0_1000),
        plan.objects.all,
    ];
    for (start, bits, _) in untypeds(&plan) {
        let untyped = region(start, start + (1 << bits));
        assert!(taken.iter().all(|t| !t.overlaps(untyped)), "{untyped:x?}");
        taken.push(untyped);
    }
    // All RAM is somewhere, but for what is too small.
    let ram = |r: &&(u64, u32, bool)| !r.2;
    let given: u64 = untypeds(&plan)
        .iter()
        .filter(ram)
        .map(|r| 1u64 << r.1)
        .sum();
    let used = plan.objects.all.size() + (0x30_3000 - world.boot_end) + 0x8_0000;
    let all = (0x110_0000 - 0x10_0000) + 0x800 + 0x800_3000;
    assert_eq!(given + used, all);
}

#[test]
fn the_list_of_untypeds_has_an_end() {
    let mut world = World::small();
    // Each hole of a page in device memory makes a dozen pieces.
    world.devices.extend(
        (0..40).map(|n| physical(0x2000_1000 + n * 0x10_0000, 0x2000_2000 + n * 0x10_0000)),
    );
    let plan = world.plan(&BOOT_RULES).expect("devices do not need slots");
    let all = untypeds(
        &world
            .plan(&Rules {
                max_untypeds: 4000,
                ..BOOT_RULES
            })
            .expect("as before"),
    );
    let listed = untypeds(&plan);
    assert_eq!(listed.len(), 230);
    assert_eq!(listed, all[..230]);
    assert_eq!(plan.untypeds_lost, all.len() as u64 - 230);
    assert_eq!(plan.slots.untyped.end - plan.slots.untyped.start, 230);
    assert_eq!(plan.slots.empty.start, plan.slots.untyped.end);
}

#[test]
fn extra_boot_info_has_a_span_that_is_a_power_of_two() {
    for (len, span, mapped_whole, mapped) in [
        (0, 0, 0, 0),
        (1, 1, 1, 1),
        (4080, 1, 1, 1),
        (4081, 2, 2, 2),
        (8177, 4, 4, 3),
        (70_000, 32, 32, 18),
    ] {
        let mut world = World::small();
        world.extra = if len == 0 {
            vec![]
        } else {
            vec![(6, vec![0; len])]
        };
        let whole = Rules {
            extra_mapped_whole: true,
            ..BOOT_RULES
        };
        let plan = world.plan(&whole).expect("there is room");
        assert_eq!(plan.layout.extra.size(), span * 4096, "{len} bytes");
        assert_eq!(plan.layout.extra_pages, mapped_whole);
        let region = plan.slots.extra;
        assert_eq!(region.end - region.start, mapped_whole);
        if len == 0 {
            assert_eq!(region, SlotRegion::default());
        }
        let sparing = Rules {
            extra_mapped_whole: false,
            ..BOOT_RULES
        };
        assert_eq!(
            world
                .plan(&sparing)
                .expect("there is room")
                .layout
                .extra_pages,
            mapped
        );
    }
}

/// Objects are in descending order of size; where the extra region goes depends on its own.
#[test]
fn every_object_is_aligned_to_its_size() {
    let cases = [
        (0, 12, 12),
        (1, 12, 12),
        (1 << 13, 12, 13),
        (1 << 16, 12, 13),
        (1 << 19, 12, 12),
        (1 << 16, 7, 13),
    ];
    for (extra, cnode_bits, vspace_bits) in cases {
        for tcb_bits in [11, 12] {
            let rules = Rules {
                cnode_bits,
                vspace_bits,
                tcb_bits,
                ..BOOT_RULES
            };
            let mut world = World::small();
            world.memory.push(physical(0x110_1000, 0x110_2000));
            world.extra = if extra == 0 {
                vec![]
            } else {
                vec![(6, vec![0; usize::saturating_sub(extra, 16)])]
            };
            let plan = world.plan(&rules).expect("there is room");
            let objects = &plan.objects;
            let tables: u64 = plan.levels.iter().map(|level| level.count).sum();
            let mut placed = vec![
                (objects.cnode, 1 << (cnode_bits + 5)),
                (objects.vspace, 1 << vspace_bits),
                (objects.asid_pool, 4096),
                (objects.ipc_buffer, 4096),
                (objects.boot_info, 4096),
                (objects.tcb, 1 << tcb_bits),
                (objects.sched_context, 128),
            ];
            placed.extend((0..tables).map(|n| (objects.tables + n * 4096, 4096)));
            placed.extend((extra > 0).then_some((objects.extra, plan.layout.extra.size())));
            placed.sort_unstable();
            // Without gaps from the first to the last.
            let mut at = objects.all.start;
            for (start, size) in placed {
                assert_eq!(start, at, "{objects:x?}");
                assert!(start.is_multiple_of(size), "{objects:x?}");
                at += size;
            }
            assert_eq!(at, objects.all.end);
            // The highest region that fits is not the highest.
            assert!(objects.all.end <= 0x110_0000);
        }
    }
}

#[test]
fn page_tables_are_counted_where_the_image_crosses_their_borders() {
    let counts = |virtual_start: u64, pages: u64| -> Vec<u64> {
        let mut world = World::small();
        (world.virtual_start, world.entry) = (virtual_start, virtual_start);
        world.image.end = world.image.start + pages * 4096;
        let plan = world.plan(&BOOT_RULES).expect("it fits");
        plan.levels.iter().map(|level| level.count).collect()
    };
    // Of three levels of tables that there may be below a root, this ISA has the lowest ones.
    let depth = BOOT_RULES.table_spans.len();
    let check = |virtual_start: u64, pages: u64, expected: [u64; 3]| {
        // Behind the image come three pages: IPC buffer, BootInfo, extra.
        if virtual_start + (pages + 3) * 4096 <= USER_TOP {
            assert_eq!(
                counts(virtual_start, pages)[..depth],
                expected[3 - depth..],
                "{virtual_start:#x}"
            );
        }
    };
    check(0x40_0000, 1, [1, 1, 1]);
    check(0x40_0000, 509, [1, 1, 1]);
    check(0x40_0000, 510, [1, 1, 2]);
    check((1 << 30) - 0x1000, 1, [1, 2, 2]);
    check((1 << 39) - 0x2000, 1, [2, 2, 2]);
    check(0, 1, [1, 1, 1]);
    check(USER_TOP - 0x4000, 1, [1, 1, 1]);
}

#[test]
fn what_cannot_start_is_refused_with_a_reason() {
    let refused = |change: fn(&mut World)| {
        let mut world = World::small();
        change(&mut world);
        world.plan(&BOOT_RULES).expect_err("it cannot start")
    };
    let top = USER_TOP;
    assert_eq!(
        refused(|w| (w.virtual_start, w.entry) = (USER_TOP - 0x5000, USER_TOP - 0x5000)),
        BootError::ImageOutsideUserSpace {
            end: top + 0x1000,
            top
        }
    );
    assert_eq!(
        refused(|w| w.virtual_start = 0u64.wrapping_sub(0x1000)),
        BootError::ImageOutsideUserSpace { end: u64::MAX, top }
    );
    assert_eq!(
        refused(|w| w.image.end = w.image.start),
        BootError::ImageNotPages {
            start: 0x30_0000,
            end: 0x30_0000
        }
    );
    assert_eq!(
        refused(|w| w.image.end += 1),
        BootError::ImageNotPages {
            start: 0x30_0000,
            end: 0x30_3001
        }
    );
    assert!(matches!(
        refused(|w| w.virtual_start += 8),
        BootError::ImageNotPages { .. }
    ));
    assert_eq!(
        refused(|w| w.image = Region::new(0x2f_f000, 0x30_2000)),
        BootError::ImageInKernel {
            start: 0x2f_f000,
            kernel_end: 0x30_0000
        }
    );
    assert_eq!(
        refused(|w| w.image = Region::new(1 << 40, (1 << 40) + 0x3000)),
        BootError::ImageOutsideWindow {
            end: (1 << 40) + 0x3000,
            window: BOOT_RULES.window_end
        }
    );
    assert_eq!(
        refused(|w| w.entry = 0x40_3000),
        BootError::EntryOutsideImage { entry: 0x40_3000 }
    );
    let slots = 1 << BOOT_RULES.cnode_bits;
    assert!(matches!(
        refused(|w| {
            w.memory = vec![physical(0x10_0000, 0x4000_0000)];
            w.image.end = w.image.start + (4096 << BOOT_RULES.cnode_bits);
        }),
        BootError::TooFewSlots { available, wanted } if available == slots && wanted > slots
    ));
    let BootError::TooLittleMemory { wanted, largest } =
        refused(|w| w.memory = vec![physical(0x10_0000, 0x32_3000)])
    else {
        panic!("the CNode alone is larger than 128 KiB")
    };
    assert!(
        wanted > largest && largest == 0x2_0000,
        "{wanted:#x} {largest:#x}"
    );
    assert_eq!(
        refused(|w| w.memory = vec![]),
        BootError::TooLittleMemory { wanted, largest: 0 }
    );
    assert_eq!(
        refused(|w| w.devices = (0..200)
            .map(|n| physical(n << 33, (n << 33) + 0x1000))
            .collect()),
        BootError::TooManyRegions
    );
    let text = BootError::TooLittleMemory {
        wanted: 0x4000,
        largest: 0x1000,
    }
    .to_string();
    assert!(text.contains("0x4000") && text.contains("0x1000"), "{text}");
}
