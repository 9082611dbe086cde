//! What the device tree says of this machine's devices.

use super::window;
use crate::tree::{Span, Spans};
use machine::firmware::fdt::{Node, Region, Tree};
use machine::riscv64::PlicSetup;
use machine::riscv64::plic::Completion;

const PLICS: [&str; 3] = ["sifive,plic-1.0.0", "riscv,plic0", "thead,c900-plic"];
const CLINTS: [&str; 3] = ["sifive,clint0", "riscv,clint0", "thead,c900-clint"];
const EXIT_DEVICES: [&str; 2] = ["sifive,test1", "sifive,test0"];
/// A machine on which lines behave like edges: they are completed at delivery.
const EDGES: &str = "riscv-virtio";

/// How many contexts an interrupt controller of this kind has room for.
const MAX_CONTEXTS: u64 = 15872;
/// How a hart's interrupt controller numbers the external interrupt of supervisor mode.
const SUPERVISOR_EXTERNAL: u32 = 9;
/// Devices that are kept are kept in pieces of this size.
const DEVICE_ALIGN: u64 = 2 << 20;
const PAGE: u64 = 4096;

fn span(region: Region) -> Span {
    Span::new(region.base, region.end())
}

fn rounded(region: Region) -> Span {
    let end = region.end();
    Span {
        start: region.base & !(DEVICE_ALIGN - 1),
        end: end.checked_next_multiple_of(DEVICE_ALIGN).unwrap_or(end),
    }
}

/// RAM for the kernel and user space: what nobody has reserved. In the region that the kernel is
/// in, what lies below it is the firmware's. All that is left out user space may have as device
/// memory, as it may have everything that is not RAM.
pub(super) fn memory(tree: &Tree<'_>, kernel: Span) -> Spans {
    let mut spans = Spans::new();
    for region in tree.memory().map(span) {
        let start = if region.contains(kernel) {
            kernel.start
        } else {
            region.start
        };
        spans.push(Span {
            start: start.checked_next_multiple_of(PAGE).unwrap_or(u64::MAX),
            end: region.end & !(PAGE - 1),
        });
    }
    for region in tree.reserved().map(span) {
        let end = region.end.checked_next_multiple_of(PAGE);
        spans.remove(Span {
            start: region.start & !(PAGE - 1),
            end: end.unwrap_or(u64::MAX),
        });
    }
    spans
}

/// What is neither RAM for user space nor a device for it: what the kernel drives itself, and
/// what the tree's maker has kept for kernels like this one.
pub(super) fn kept(tree: &Tree<'_>) -> Spans {
    let mut spans = Spans::new();
    let mut keep = |device: Option<Node<'_>>| {
        let region = device.and_then(|node| node.regions().next());
        region
            .into_iter()
            .for_each(|region| spans.push(rounded(region)));
    };
    keep(tree.compatible(&CLINTS));
    keep(tree.compatible(&PLICS));
    let chosen = tree.find(b"/chosen");
    let paths = chosen.and_then(|chosen| chosen.property("seL4,kernel-devices"));
    let paths = paths.unwrap_or(&[]).split(|byte| *byte == 0);
    for path in paths.filter(|path| !path.is_empty()) {
        keep(tree.find(path));
    }
    spans
}

/// The device that ends a test machine, as the window shows it.
pub(super) fn exit_device(tree: &Tree<'_>) -> Option<u64> {
    let region = tree.compatible(&EXIT_DEVICES)?.regions().next()?;
    Some(window::address(region.base))
}

/// Ticks of `rdtime` in a second.
pub(super) fn timebase(tree: &Tree<'_>, hart: u64) -> Option<u64> {
    let cpus = tree.find(b"/cpus")?;
    cpus.number("timebase-frequency").or_else(|| {
        let cpu = tree.nodes().find(|node| is_hart(node, hart))?;
        cpu.number("timebase-frequency")
    })
}

fn is_hart(node: &Node<'_>, hart: u64) -> bool {
    node.string("device_type") == Some(b"cpu") && node.unit() == Some(hart)
}

/// The interrupt controller, for supervisor mode of `hart`.
pub(super) fn plic(tree: &Tree<'_>, hart: u64) -> Option<PlicSetup> {
    let node = tree.compatible(&PLICS)?;
    let region = node.regions().next()?;
    let own = tree.nodes().find(|node| {
        node.compatible("riscv,cpu-intc") && node.parent().is_some_and(|cpu| is_hart(&cpu, hart))
    })?;
    let handle = own.phandle()?;
    // One context for each pair of a hart's controller and one of its interrupts.
    let mut cells = node.cells("interrupts-extended");
    let contexts = core::iter::from_fn(|| Some((cells.next()?, cells.next()?)));
    let context = (0..MAX_CONTEXTS)
        .zip(contexts)
        .find(|(_, pair)| *pair == (handle, SUPERVISOR_EXTERNAL))
        .map(|(context, _)| context)?;
    let root_is = |name| {
        tree.nodes()
            .next()
            .is_some_and(|root| root.compatible(name))
    };
    Some(PlicSetup {
        base: window::address(region.base),
        context,
        sources: node.number("riscv,ndev").unwrap_or(0),
        completion: if root_is(EDGES) {
            Completion::AtDelivery
        } else {
            Completion::AtAcknowledgement
        },
    })
}
