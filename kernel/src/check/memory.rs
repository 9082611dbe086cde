//! The tables of address spaces and interrupts.

use super::{Check, Objects, Population, expect, expect_of};
use crate::cap::Cap;
use crate::isa;
use crate::object::asid::POOLS;
use crate::object::irq::IrqState;
use machine::{Irq, Kind};

pub(super) fn all<P: Population>(objects: &Objects<'_, P>) -> Check {
    address_spaces(objects)?;
    interrupts(objects)
}

/// Pools are alive, and so are the roots that they name.
fn address_spaces<P: Population>(objects: &Objects<'_, P>) -> Check {
    let k = objects.k;
    for pool in (0..POOLS).filter_map(|index| k.asids.pool(index as u8)) {
        let at = pool.address();
        objects.link(at, Some(pool))?;
        for root in k[pool].roots() {
            let lives = objects.lives(root, Kind::PageTable);
            expect_of(
                lives,
                "asid",
                "an ASID names a root that is not (any longer) there",
                at,
                Some(root),
            )?;
        }
    }
    Ok(())
}

/// Only interrupts with a handler signal, and only notifications.
fn interrupts<P: Population>(objects: &Objects<'_, P>) -> Check {
    let k = objects.k;
    for irq in (0..isa::IRQS as u16).map(Irq) {
        let slot = k.irqs.slot(irq);
        objects.link(slot.address(), Some(slot))?;
        let fits = match k[slot].cap() {
            Cap::Null => true,
            Cap::Notification(_) => k.irqs.state(irq) == IrqState::Handled,
            _ => false,
        };
        expect(
            fits,
            "irq",
            "an interrupt signals what it should not",
            slot.address(),
        )?;
    }
    Ok(())
}
