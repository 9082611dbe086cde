use super::build::Builder;
use super::*;
use std::vec::Vec;

/// A small machine in the manner of QEMU's.
fn sample() -> Vec<u8> {
    Builder::default()
        .reserve(0x8000_0000, 0x1000)
        .node("", |root| {
            root.cells("#address-cells", &[2])
                .cells("#size-cells", &[2])
                .text("compatible", "riscv-virtio")
                .node("aliases", |n| n.text("serial0", "/soc/serial@10000000"))
                .node("chosen", |n| {
                    n.text("bootargs", "quiet debug=1")
                        .text("stdout-path", "serial0:115200n8")
                        .cells("linux,initrd-start", &[0x8420_0000])
                        .cells("linux,initrd-end", &[0, 0x8421_0000])
                })
                .node("memory@80000000", |n| {
                    n.text("device_type", "memory").cells(
                        "reg",
                        &[0, 0x8000_0000, 0, 0x800_0000, 1, 0, 0, 0x1000_0000],
                    )
                })
                .node("reserved-memory", |n| {
                    n.cells("#address-cells", &[2])
                        .cells("#size-cells", &[2])
                        .property("ranges", &[])
                        .node("mmode@80000000", |n| {
                            n.cells("reg", &[0, 0x8000_0000, 0, 0x8_0000])
                        })
                        .node("pool", |n| n.cells("size", &[0, 0x1000]))
                        .node("off@90000000", |n| {
                            n.text("status", "disabled")
                                .cells("reg", &[0, 0x9000_0000, 0, 0x1000])
                        })
                })
                .node("cpus", |n| {
                    n.cells("#address-cells", &[1])
                        .cells("#size-cells", &[0])
                        .cells("timebase-frequency", &[10_000_000])
                        .node("cpu@3", |n| {
                            n.text("device_type", "cpu").cells("reg", &[3]).node(
                                "interrupt-controller",
                                |n| {
                                    n.text("compatible", "riscv,cpu-intc")
                                        .cells("phandle", &[7])
                                },
                            )
                        })
                })
                .node("soc", |n| {
                    n.cells("#address-cells", &[1])
                        .cells("#size-cells", &[1])
                        .cells("ranges", &[0x1000_0000, 0, 0x1000_0000, 0x1000_0000])
                        .word(NOP)
                        .node("serial@10000000", |n| {
                            n.property("compatible", b"vendor,uart\0ns16550a\0")
                                .cells("reg", &[0x1000_0000, 0x100])
                                .cells("interrupts", &[10])
                        })
                        .node("far@70000000", |n| {
                            n.text("compatible", "far")
                                .cells("reg", &[0x7000_0000, 0x100])
                        })
                })
        })
        .finish(4096)
}

fn region(base: u64, size: u64) -> Region {
    Region { base, size }
}

#[test]
fn memory_and_what_is_reserved_of_it_are_found() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    assert_eq!(
        tree.memory().collect::<Vec<_>>(),
        [
            region(0x8000_0000, 0x800_0000),
            region(1 << 32, 0x1000_0000)
        ]
    );
    assert_eq!(
        tree.reserved().collect::<Vec<_>>(),
        [region(0x8000_0000, 0x1000), region(0x8000_0000, 0x8_0000)]
    );
}

#[test]
fn what_the_loader_chose_is_found() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    assert_eq!(tree.initrd(), Some(region(0x8420_0000, 0x1_0000)));
    assert_eq!(tree.command_line(), b"quiet debug=1");
    let console = tree.console().expect("a console");
    assert_eq!(console.name(), b"serial@10000000");
    assert_eq!(
        console.regions().collect::<Vec<_>>(),
        [region(0x1000_0000, 0x100)]
    );
}

#[test]
fn devices_are_found_by_what_they_are_compatible_with() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    let uart = tree.compatible(&["nothing", "ns16550a"]).expect("a UART");
    assert_eq!(uart.cells("interrupts").collect::<Vec<_>>(), [10]);
    assert_eq!(uart.unit(), Some(0x1000_0000));
    assert!(!uart.compatible("ns16550"));
    // Outside of its bus's window nobody reaches it.
    let far = tree.compatible(&["far"]).expect("a node");
    assert_eq!(far.regions().count(), 0);
}

#[test]
fn processors_have_numbers_and_their_controllers_handles() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    let intc = tree.compatible(&["riscv,cpu-intc"]).expect("a controller");
    assert_eq!(intc.phandle(), Some(7));
    let cpu = intc.parent().expect("a processor");
    assert_eq!((cpu.unit(), cpu.regions().count()), (Some(3), 0));
    let cpus = tree.find(b"/cpus").expect("processors");
    assert_eq!(cpus.number("timebase-frequency"), Some(10_000_000));
}

#[test]
fn paths_may_leave_out_unit_addresses() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    for path in ["/soc/serial", "/soc/serial@10000000", "serial0"] {
        let node = tree.find(path.as_bytes()).expect(path);
        assert_eq!(node.name(), b"serial@10000000", "{path}");
    }
    for path in ["/soc/serial@1", "/serial", "serial1", "", "/soc/ser"] {
        assert!(
            path.is_empty() || tree.find(path.as_bytes()).is_none(),
            "{path}"
        );
    }
}

#[test]
fn a_packed_tree_says_the_same() {
    let bytes = sample();
    let tree = Tree::new(&bytes).expect("well formed");
    assert_eq!(tree.packed_len() + 4096, bytes.len());
    let mut packed = std::vec![0xee; tree.packed_len()];
    assert!(!tree.pack(&mut packed[1..].to_vec()));
    assert!(tree.pack(&mut packed));
    let again = Tree::new(&packed).expect("well formed");
    assert_eq!(again.bytes().len(), tree.packed_len());
    assert_eq!(again.nodes().count(), tree.nodes().count());
    assert_eq!(again.initrd(), tree.initrd());
}

/// Everything that can be asked of a tree.
fn ask_everything(bytes: &[u8]) -> bool {
    let Ok(tree) = Tree::new(bytes) else {
        return false;
    };
    let _ = (tree.memory().count(), tree.reserved().count());
    let _ = (tree.initrd(), tree.command_line(), tree.console().is_some());
    let _ = tree.find(b"/soc/serial");
    for node in tree.nodes() {
        let _ = (node.regions().count(), node.unit(), node.phandle());
        let _ = (node.enabled(), node.compatible("x"), node.string("status"));
    }
    let mut packed = std::vec![0; tree.packed_len()];
    assert!(tree.pack(&mut packed) && Tree::new(&packed).is_ok());
    true
}

#[test]
fn a_tree_with_any_word_damaged_is_refused_or_read_without_harm() {
    let good = sample();
    let good = &good[..good.len() - 4000];
    let mut refused = 0;
    for at in (4..good.len() - 96).step_by(4) {
        for word in [0, 1, 2, 3, 9, 0x7fff_ffff, u32::MAX, 0xffff_fffc] {
            let mut bytes = good.to_vec();
            bytes[4..8].copy_from_slice(&(good.len() as u32).to_be_bytes());
            bytes[at..at + 4].copy_from_slice(&u32::to_be_bytes(word));
            refused += u32::from(!ask_everything(&bytes));
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn a_tree_that_is_cut_short_is_refused() {
    let good = sample();
    for length in 0..good.len() - 4096 {
        assert!(Tree::new(&good[..length]).is_err(), "{length}");
        let mut bytes = good[..length].to_vec();
        if length >= 8 {
            bytes[4..8].copy_from_slice(&(length as u32).to_be_bytes());
            assert!(!ask_everything(&bytes), "{length}");
        }
    }
}

fn refused(bytes: &[u8]) -> FdtError {
    match Tree::new(bytes) {
        Err(error) => error,
        Ok(_) => panic!("expected an error"),
    }
}

#[test]
fn what_is_wrong_is_said() {
    let edit = |field: usize, value: u32| {
        let mut bytes = sample();
        bytes[field * 4..field * 4 + 4].copy_from_slice(&value.to_be_bytes());
        bytes
    };
    assert_eq!(refused(b"nothing"), FdtError::NotATree);
    assert_eq!(refused(&edit(0, 0)), FdtError::NotATree);
    assert_eq!(refused(&edit(1, 3 << 20)), FdtError::Bounds);
    assert_eq!(refused(&edit(1, 39)), FdtError::Bounds);
    assert_eq!(refused(&edit(2, u32::MAX)), FdtError::Bounds);
    assert_eq!(refused(&edit(5, 16)), FdtError::Version);
    assert_eq!(refused(&edit(6, 18)), FdtError::Version);
    let deep = (0..MAX_DEPTH + 1).fold(Builder::default(), |tree, _| tree.word(BEGIN_NODE).word(0));
    assert_eq!(refused(&deep.finish(0)), FdtError::Depth);
    let two_roots = Builder::default().node("", |n| n).node("", |n| n);
    assert_eq!(refused(&two_roots.finish(0)), FdtError::Structure);
    let late = Builder::default().node("", |n| n.node("a", |a| a).cells("x", &[1]));
    assert_eq!(refused(&late.finish(0)), FdtError::Structure);
    let open = Builder::default().word(BEGIN_NODE).word(0);
    assert_eq!(refused(&open.finish(0)), FdtError::Structure);
}

#[test]
fn a_reservation_block_without_end_is_refused() {
    let mut bytes = Builder::default().node("", |n| n).finish(0);
    let at = bytes.len() as u32 - 8;
    bytes[16..20].copy_from_slice(&at.to_be_bytes());
    assert_eq!(refused(&bytes), FdtError::Bounds);
}
