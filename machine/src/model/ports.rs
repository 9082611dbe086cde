//! IO ports and IO APICs, as data.

use crate::Irq;
use crate::irq::{Polarity, Trigger};
use std::collections::{BTreeMap, VecDeque};

/// A write to an IO port.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PortWrite {
    /// The port.
    pub port: u16,
    /// 1, 2 or 4.
    pub bytes: u8,
    /// What was written.
    pub value: u32,
}

/// Where an interrupt comes from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Route {
    /// Which IO APIC.
    pub ioapic: usize,
    /// Which of its pins.
    pub pin: usize,
    /// What makes it interrupt.
    pub trigger: Trigger,
    /// Which state is the active one.
    pub polarity: Polarity,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ports {
    pub(super) reads: BTreeMap<u16, VecDeque<u32>>,
    pub(super) writes: Vec<PortWrite>,
    pub(super) ioapics: Vec<usize>,
    pub(super) routes: BTreeMap<Irq, Route>,
}

impl Ports {
    /// The next scripted value, or all ones: a bus on which nobody answers.
    pub(super) fn read(&mut self, port: u16, bytes: u8) -> u32 {
        let value = self
            .reads
            .get_mut(&port)
            .and_then(VecDeque::pop_front)
            .unwrap_or(u32::MAX);
        match bytes {
            1 => value & 0xff,
            2 => value & 0xffff,
            4 => value,
            _ => panic!("kernel defect: read of {bytes} bytes from port {port:#x}"),
        }
    }

    pub(super) fn write(&mut self, port: u16, bytes: u8, value: u32) {
        assert!(
            matches!(bytes, 1 | 2 | 4),
            "kernel defect: write of {bytes} bytes to port {port:#x}"
        );
        self.writes.push(PortWrite { port, bytes, value });
    }

    pub(super) fn route(&mut self, irq: Irq, route: Route) {
        let pins = self.ioapics.get(route.ioapic).copied().unwrap_or(0);
        assert!(
            route.pin < pins,
            "kernel defect: {irq:?} routed to {route:?}, which does not exist"
        );
        self.routes.insert(irq, route);
    }
}
