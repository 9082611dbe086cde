//! What the C kernel was seen to tell a small root task on four configurations, from the same
//! memory maps. Tools predict these numbers, so ours must be equal.

use super::super::plan::{Rules, SlotOrder};
use super::super::region::{Grid, Region};
use super::{World, physical};
use abi::bootinfo::SlotRegion;

/// Untypeds in a row: device or not, the first address, the sizes.
type Row = (Kind, u64, &'static [u32]);

#[derive(Clone, Copy, PartialEq, Debug)]
enum Kind {
    Device,
    Memory,
}
use Kind::{Device, Memory};

/// The observed BootInfo.
struct Observed {
    ipc_buffer: u64,
    extra_len: u64,
    sched_control: [u64; 2],
    paging: [u64; 2],
    extra: [u64; 2],
    image: [u64; 2],
    untyped: [u64; 2],
    empty: [u64; 2],
    rows: &'static [Row],
}

fn slots([start, end]: [u64; 2]) -> SlotRegion {
    SlotRegion { start, end }
}

fn compare(rules: &Rules, world: &World, observed: &Observed) {
    let plan = world.plan(rules).expect("the C kernel started with this");
    assert_eq!(plan.layout.ipc_buffer, observed.ipc_buffer);
    assert_eq!(plan.layout.boot_info, observed.ipc_buffer + 4096);
    assert_eq!(plan.layout.extra_len, observed.extra_len);
    assert_eq!(plan.slots.sched_control, slots(observed.sched_control));
    assert_eq!(plan.slots.paging, slots(observed.paging));
    assert_eq!(plan.slots.extra, slots(observed.extra));
    assert_eq!(plan.slots.image, slots(observed.image));
    assert_eq!(plan.slots.untyped, slots(observed.untyped));
    assert_eq!(plan.slots.empty, slots(observed.empty));
    let mut expected = Vec::new();
    for &(kind, start, sizes) in observed.rows {
        let mut at = start;
        for &bits in sizes {
            expected.push((at, bits, kind == Device));
            at += 1 << bits;
        }
    }
    let untypeds = plan
        .untypeds()
        .map(|u| (u.piece.start, u.piece.bits, u.device));
    assert_eq!(untypeds.collect::<Vec<_>>(), expected);
    assert_eq!(plan.untypeds_lost, 0);
}

/// What the configurations have in common.
const RULES: Rules = Rules {
    order: SlotOrder::PagingFirst,
    grid: Grid {
        window: 0xffff_ff80_0000_0000,
        max_bits: 47,
    },
    window_end: 510 << 30,
    device_top: 1 << 40,
    user_top: 1 << 47,
    table_spans: &[39, 30, 21],
    extra_mapped_whole: false,
    cnode_bits: 12,
    vspace_bits: 12,
    tcb_bits: 11,
    nodes: 1,
    max_untypeds: 230,
};

/// An image linked at 4 MiB, as all were.
fn world(kernel: [u64; 3], ram: [u64; 2], image: [u64; 2], devices: &[[u64; 2]]) -> World {
    World {
        kernel: Region::new(kernel[0], kernel[2]),
        boot_end: kernel[1],
        memory: vec![physical(ram[0], ram[1])],
        devices: devices.iter().map(|d| physical(d[0], d[1])).collect(),
        image: Region::new(image[0], image[1]),
        virtual_start: 0x40_0000,
        entry: 0x40_0000,
        extra: Vec::new(),
    }
}

#[test]
fn x86_64_in_qemu() {
    let rules = Rules {
        order: SlotOrder::SchedControlFirst,
        device_top: 1 << 47,
        extra_mapped_whole: true,
        ..RULES
    };
    // The kernel's image was followed by the root task's, up to 0xa23000.
    let mut world = world(
        [0x10_0000, 0x80_0000, 0xa1_3000],
        [0x10_0000, 0x1ffe_0000],
        [0xa1_3000, 0xa2_3000],
        &[
            [0xfec0_0000, 0xfec0_1000],
            [0xfee0_0000, 0xfee0_1000],
            [0xffff_fff8, 0x1_0000_0000],
        ],
    );
    world.extra = vec![(3, vec![0; 36]), (2, vec![0; 1204]), (5, vec![0; 4])];
    let observed = Observed {
        ipc_buffer: 0x41_0000,
        extra_len: 1292,
        sched_control: [16, 17],
        paging: [17, 20],
        extra: [20, 21],
        image: [21, 37],
        untyped: [37, 135],
        empty: [135, 4096],
        rows: &[
            (Device, 0x0, &[20]),
            (
                Device,
                0x1ffe_0000,
                &[17, 29, 30, 30, 29, 28, 27, 26, 25, 23, 22],
            ),
            (Device, 0xfec0_1000, &[12, 13, 14, 15, 16, 17, 18, 19, 20]),
            (
                Device,
                0xfee0_1000,
                &[
                    12, 13, 14, 15, 16, 17, 18, 19, 20, 23, 22, 21, 20, 19, 18, 17,
                ],
            ),
            (
                Device,
                0xfffe_0000,
                &[16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4],
            ),
            // Cut by addresses in the kernel's window, beyond which device memory goes on.
            (
                Device,
                0x1_0000_0000,
                &[32, 33, 34, 35, 36, 37, 38, 46, 45, 44, 43, 42, 41, 40, 39],
            ),
            (Memory, 0x10_0000, &[20, 21, 22]),
            (
                Memory,
                0xa2_3000,
                &[
                    12, 14, 15, 16, 18, 19, 20, 22, 24, 25, 26, 27, 27, 26, 25, 24,
                ],
            ),
            (Memory, 0x1f00_0000, &[23, 22, 21, 20, 19, 17]),
            (Memory, 0x1ffc_8880, &[7, 8, 9, 10, 12, 13, 14, 16]),
        ],
    };
    compare(&rules, &world, &observed);
}

#[test]
fn aarch64_at_el1_in_qemu() {
    let world = world(
        [0x4000_0000, 0x4001_0000, 0x4024_7000],
        [0x4000_0000, 0x8000_0000],
        [0x5000_0000, 0x5000_b000],
        &[[0x800_0000, 0x800_1000], [0x801_0000, 0x801_1000]],
    );
    let observed = Observed {
        ipc_buffer: 0x40_b000,
        extra_len: 0,
        sched_control: [19, 20],
        paging: [16, 19],
        extra: [0, 0],
        image: [20, 31],
        untyped: [31, 105],
        empty: [105, 4096],
        rows: &[
            (Device, 0x0, &[27]),
            (Device, 0x800_1000, &[12, 13, 14, 15]),
            (
                Device,
                0x801_1000,
                &[
                    12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29,
                ],
            ),
            (Device, 0x8000_0000, &[31, 32, 33, 34, 35, 36, 37, 38, 39]),
            (Memory, 0x4000_0000, &[16]),
            (
                Memory,
                0x4024_7000,
                &[12, 15, 16, 17, 19, 20, 22, 23, 24, 25, 26, 27],
            ),
            (
                Memory,
                0x5000_b000,
                &[12, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28],
            ),
            (
                Memory,
                0x7000_0000,
                &[27, 26, 25, 24, 23, 22, 21, 20, 19, 18],
            ),
            (Memory, 0x7ffe_7880, &[7, 8, 9, 10, 15, 16]),
        ],
    };
    compare(&RULES, &world, &observed);
}

#[test]
fn aarch64_at_el2_in_qemu() {
    let world = world(
        [0x6000_0000, 0x6001_0000, 0x6024_a000],
        [0x6000_0000, 0x8000_0000],
        [0x7000_0000, 0x7000_b000],
        &[
            [0x800_0000, 0x800_1000],
            [0x801_0000, 0x801_1000],
            [0x803_0000, 0x803_1000],
        ],
    );
    // Two concatenated tables for 40-bit addresses are the root.
    let rules = Rules {
        table_spans: &[30, 21],
        vspace_bits: 13,
        user_top: 1 << 40,
        ..RULES
    };
    let observed = Observed {
        ipc_buffer: 0x40_b000,
        extra_len: 0,
        sched_control: [18, 19],
        paging: [16, 18],
        extra: [0, 0],
        image: [19, 30],
        untyped: [30, 106],
        empty: [106, 4096],
        rows: &[
            (Device, 0x0, &[27]),
            (Device, 0x800_1000, &[12, 13, 14, 15]),
            (Device, 0x801_1000, &[12, 13, 14, 15, 16]),
            (
                Device,
                0x803_1000,
                &[
                    12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 26, 28, 29, 29,
                ],
            ),
            (Device, 0x8000_0000, &[31, 32, 33, 34, 35, 36, 37, 38, 39]),
            (Memory, 0x6000_0000, &[16]),
            (
                Memory,
                0x6024_a000,
                &[13, 14, 16, 17, 19, 20, 22, 23, 24, 25, 26, 27],
            ),
            (
                Memory,
                0x7000_b000,
                &[12, 14, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26],
            ),
            (Memory, 0x7800_0000, &[26, 25, 24, 23, 22, 21, 20, 19, 18]),
            (Memory, 0x7ffe_7880, &[7, 8, 9, 10, 15, 16]),
        ],
    };
    compare(&rules, &world, &observed);
}

#[test]
fn riscv64_in_qemu() {
    let world = world(
        [0x8020_0000, 0x8020_3000, 0x8022_8000],
        [0x8020_0000, 0x1_4000_0000],
        [0x9000_0000, 0x9000_8000],
        &[[0x200_0000, 0x220_0000], [0xc00_0000, 0xc60_0000]],
    );
    let rules = Rules {
        grid: Grid {
            window: 0xffff_ffc0_0000_0000,
            max_bits: 38,
        },
        window_end: 254 << 30,
        device_top: 1 << 39,
        user_top: 1 << 38,
        table_spans: &[30, 21],
        ..RULES
    };
    let observed = Observed {
        ipc_buffer: 0x40_8000,
        extra_len: 0,
        sched_control: [18, 19],
        paging: [16, 18],
        extra: [0, 0],
        image: [19, 27],
        untyped: [27, 97],
        empty: [97, 4096],
        rows: &[
            (Device, 0x0, &[25]),
            (Device, 0x220_0000, &[21, 22, 23, 24, 26, 26]),
            (Device, 0xc60_0000, &[21, 23, 24, 25, 28, 29, 30, 21]),
            (Device, 0x1_4000_0000, &[30, 31, 33, 34, 35, 36, 37, 38]),
            (Memory, 0x8020_0000, &[13, 12]),
            (
                Memory,
                0x8022_8000,
                &[15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 27],
            ),
            (
                Memory,
                0x9000_8000,
                &[15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 29, 30],
            ),
            (
                Memory,
                0x1_0000_0000,
                &[29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18],
            ),
            (Memory, 0x1_3ffe_6880, &[7, 8, 9, 10, 12, 15, 16]),
        ],
    };
    compare(&rules, &world, &observed);
}
