//! From a memory map to the first thread, in two halves: [`plan`] decides where everything goes
//! and has no effects, [`root`] does it and cannot fail. (`abi/bootinfo.md`.)
//!
//! 1. [`elf`]: the image crate reads the root task's file and places it in memory.
//! 2. [`plan`]: regions become the root task's objects and untypeds ([`region`]); everything gets
//!    its address, its slot, its page tables.
//! 3. [`root`]: the objects are born, the capabilities put into their slots, the pages mapped.
//! 4. [`bootinfo`]: the root task is told.
//! 5. Its thread becomes the current one; the image crate resumes it.

mod bootinfo;
pub mod elf;
mod error;
pub mod plan;
pub mod region;
pub(crate) mod root;
#[cfg(test)]
#[expect(
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that finds something wrong panics"
)]
mod tests;

use crate::Kernel;
use crate::entry::{self, Resume};
use crate::isa;
use crate::object::irq::IrqState;
use core::ops::Range;
use machine::{Machine, PhysicalAddress};
use plan::Plan;
use region::Region;

pub use error::BootError;

/// A piece of information for the root task beyond BootInfo itself.
#[derive(Clone, Copy, Debug)]
pub struct ExtraChunk<'a> {
    /// One of [`abi::bootinfo::header`].
    pub id: u64,
    /// The contents; boot puts the header before them.
    pub bytes: &'a [u8],
}

/// The root task, in memory.
#[derive(Clone, Debug)]
pub struct UserImage {
    /// Its pages.
    pub physical: Range<PhysicalAddress>,
    /// Where the first of them is mapped.
    pub virtual_start: u64,
    /// Where it starts.
    pub entry: u64,
}

/// What the image crate has found out.
#[derive(Clone, Debug)]
pub struct Platform<'a> {
    /// The kernel in physical memory, with everything that is loaded with it.
    pub kernel_image: Range<PhysicalAddress>,
    /// The kernel up to here is only needed for boot, and becomes memory for user space.
    pub boot_memory_end: PhysicalAddress,
    /// RAM. Kernel, root task and devices may lie in it; boot takes them out.
    pub memory: &'a [Range<PhysicalAddress>],
    /// What the kernel uses itself: not RAM for user space, and no device memory either.
    pub devices: &'a [Range<PhysicalAddress>],
    /// The root task.
    pub user_image: UserImage,
    /// What else it is told.
    pub extra: &'a [ExtraChunk<'a>],
    /// How many cores run.
    pub cores: u64,
}

fn region(range: &Range<PhysicalAddress>) -> Region {
    Region::new(range.start.0, range.end.0)
}

impl Platform<'_> {
    fn kernel_region(&self) -> Region {
        region(&self.kernel_image)
    }

    fn user_image_region(&self) -> Region {
        region(&self.user_image.physical)
    }

    fn memory_regions(&self) -> impl Iterator<Item = Region> + '_ {
        self.memory.iter().map(region)
    }

    fn device_regions(&self) -> impl Iterator<Item = Region> + '_ {
        self.devices.iter().map(region)
    }
}

/// Starts the root task of `platform` on `k`, which is new and whose machine is ready. Nothing
/// has been changed if this fails.
#[inline(never)]
pub fn boot(k: &mut Kernel, platform: &Platform<'_>) -> Result<Resume, BootError> {
    let plan = Plan::new(&isa::BOOT_RULES, platform)?;
    k.start_clock();
    prepare_irqs(k);
    let caps = root::create_objects(k, &plan);
    root::give_fixed_caps(k, &caps);
    root::give_sched_control(k, &caps, &plan);
    root::give_address_space(k, &caps, &plan, platform);
    root::give_untypeds(k, &caps, &plan);
    bootinfo::write(k, &plan, platform);
    if plan.untypeds_lost > 0 {
        let lost = plan.untypeds_lost;
        k.say(format_args!(
            "linchpin: boot: {lost} more untypeds than BootInfo can list: not used"
        ));
    }
    root::start_thread(k, &caps, &plan, platform.user_image.entry);
    Ok(entry::resume(k))
}

/// Brings the slots of the interrupts to life. The timer is the kernel's own.
fn prepare_irqs(k: &mut Kernel) {
    let slots = k.irqs.memory();
    k.machine.born(
        slots,
        crate::object::irq::IrqTable::SLOT_BYTES,
        machine::Kind::Slots,
    );
    let timer = k.machine.timer_irq();
    k.irqs.set_state(timer, IrqState::Reserved);
}
