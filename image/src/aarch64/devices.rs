//! What the device tree says of this machine.

use super::paging;
use crate::tree::{Span, Spans};
use machine::aarch64::gic::Redistributors;
use machine::aarch64::secure::Conduit;
use machine::address::PHYSICAL_WINDOW_SIZE;
use machine::firmware::List;
use machine::firmware::fdt::{Region, Tree};

/// Ranges of redistributors.
pub(super) const MAX_REDISTRIBUTORS: usize = 8;

const GICS_2: [&str; 5] = [
    "arm,cortex-a15-gic",
    "arm,gic-400",
    "arm,cortex-a7-gic",
    "arm,cortex-a9-gic",
    "arm,eb11mp-gic",
];
const GICS_3: [&str; 1] = ["arm,gic-v3"];
const SERIALS: [&str; 2] = ["arm,pl011", "arm,primecell"];
const TIMERS: [&str; 2] = ["arm,armv8-timer", "arm,armv7-timer"];
const FIRMWARES: [&str; 3] = ["arm,psci-1.0", "arm,psci-0.2", "arm,psci"];
/// A machine whose users know of fewer interrupts than its controller has.
const VIRT: &str = "linux,dummy-virt";
const VIRT_LAST_IRQ: u16 = 159;

const PAGE: u64 = 4096;
/// Registers of a distributor.
const DISTRIBUTOR_3: u64 = 0x1_0000;
/// Registers of a core's redistributor, and how many the kernel keeps at least.
const REDISTRIBUTOR: u64 = 0x2_0000;
const MIN_REDISTRIBUTORS: u64 = 8;

/// The pages that `region` touches.
fn outer(region: Region) -> Span {
    let end = region.end().checked_next_multiple_of(PAGE);
    Span::new(region.base & !(PAGE - 1), end.unwrap_or(u64::MAX))
}

/// RAM for the kernel and user space: what is reserved is not part of it.
pub(super) fn memory(tree: &Tree<'_>) -> Spans {
    let mut spans = Spans::new();
    for region in tree.memory() {
        let start = region.base.checked_next_multiple_of(PAGE);
        let end = region.end().min(PHYSICAL_WINDOW_SIZE) & !(PAGE - 1);
        spans.push(Span::new(start.unwrap_or(u64::MAX), end));
    }
    for region in tree.reserved() {
        spans.remove(outer(region));
    }
    spans
}

/// The interrupt controller, in physical memory.
pub(super) enum Controller {
    V2 {
        distributor: Span,
        cpu: Span,
    },
    V3 {
        distributor: Span,
        redistributors: List<Span, MAX_REDISTRIBUTORS>,
    },
}

/// The interrupt controller, if the kernel can drive it.
pub(super) fn controller(tree: &Tree<'_>) -> Option<Controller> {
    if let Some(node) = tree.compatible(&GICS_3) {
        let mut regions = node.regions();
        let distributor = Span::of(regions.next()?.base, DISTRIBUTOR_3);
        let ranges = node.number("#redistributor-regions").unwrap_or(1);
        let mut redistributors = List::new(Span::new(0, 0));
        for region in regions.take(ranges as usize) {
            let wanted = cores(tree)
                .max(MIN_REDISTRIBUTORS)
                .saturating_mul(REDISTRIBUTOR);
            redistributors.push(Span::of(region.base, region.size.min(wanted)));
        }
        return Some(Controller::V3 {
            distributor,
            redistributors,
        });
    }
    let mut regions = tree.compatible(&GICS_2)?.regions();
    Some(Controller::V2 {
        distributor: Span::of(regions.next()?.base, PAGE),
        cpu: Span::of(regions.next()?.base, PAGE),
    })
}

impl Controller {
    /// What user space may not have.
    pub(super) fn kept(&self) -> Spans {
        let mut kept = Spans::new();
        match self {
            Self::V2 { distributor, cpu } => {
                kept.push(*distributor);
                kept.push(*cpu);
            }
            Self::V3 {
                distributor,
                redistributors,
            } => {
                kept.push(*distributor);
                for range in redistributors.as_slice() {
                    kept.push(*range);
                }
            }
        }
        kept
    }
}

/// Makes ranges of redistributors visible.
pub(super) fn map_redistributors(
    ranges: &List<Span, MAX_REDISTRIBUTORS>,
) -> Option<List<Redistributors, MAX_REDISTRIBUTORS>> {
    let mut mapped = List::new(Redistributors { at: 0, size: 0 });
    for range in ranges.as_slice() {
        let at = paging::map_device(*range)?;
        mapped.push(Redistributors {
            at,
            size: range.size(),
        });
    }
    Some(mapped)
}

fn cores(tree: &Tree<'_>) -> u64 {
    let is_core = |name: Option<&[u8]>| name == Some(b"cpu");
    // Not `count`, which would check for an overflow.
    tree.nodes()
        .filter(|node| is_core(node.string("device_type")))
        .fold(0, |n: u64, _| n.saturating_add(1))
}

/// The registers of the serial port that texts go to.
pub(super) fn console(tree: &Tree<'_>) -> Option<Span> {
    let node = tree
        .console()
        .filter(|node| SERIALS.iter().any(|name| node.compatible(name)))
        .or_else(|| tree.compatible(&SERIALS[..1]))?;
    Some(Span::of(node.regions().next()?.base, PAGE))
}

/// The timer's frequency, if firmware does not set the register that has it.
pub(super) fn timer_frequency(tree: &Tree<'_>) -> Option<u64> {
    tree.compatible(&TIMERS)?.number("clock-frequency")
}

/// How firmware is called; `secure`: the processor has a secure monitor.
pub(super) fn conduit(tree: &Tree<'_>, secure: bool) -> Conduit {
    let method = tree
        .compatible(&FIRMWARES)
        .and_then(|node| node.string("method"));
    match method {
        Some(b"hvc") => Conduit::Hypervisor,
        Some(b"smc") => Conduit::Monitor,
        _ if secure => Conduit::Monitor,
        _ => Conduit::Nobody,
    }
}

/// The highest interrupt that users of this machine know of.
pub(super) fn last_irq(tree: &Tree<'_>) -> u16 {
    let is_virt = tree
        .nodes()
        .next()
        .is_some_and(|root| root.compatible(VIRT));
    if is_virt { VIRT_LAST_IRQ } else { u16::MAX }
}
