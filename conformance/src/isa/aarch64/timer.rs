//! A device that interrupts when it is asked to: the PL031 real-time clock of QEMU's machine,
//! whose alarm is set to now.

use crate::report::{Outcome, skip};
use crate::tests::retype::map;
use crate::world::World;
use abi::{CapRights, Word};
use user_api::{Attributes, Error, Frame, FrameSize, SlotPath, SlotWindow, Untyped};
use user_runtime::boot::{self, root};

const REGISTERS: Word = 0x901_0000;
const IRQ: Word = 34;
/// An interrupt that no device of the machine has.
const OTHER_IRQ: Word = 100;

const DATA: usize = 0x00;
const MATCH: usize = 0x04;
const MASK: usize = 0x10;
const CLEAR: usize = 0x1c;

/// Where its registers are mapped.
const PLACE: Word = crate::isa::FREE_ADDRESS + (1 << 30);

/// Frames come one after the other, from what somebody else has taken already (the console, of
/// kernels that do not print).
fn frame_at(world: &mut World, memory: Untyped) -> Outcome<Frame> {
    const PATIENCE: usize = 64;
    for _ in 0..PATIENCE {
        let slot = world.slot();
        let window = SlotWindow::one(root::CNODE, slot);
        memory.retype(FrameSize::Small.object(), 0, window)?;
        let frame = Frame::new(slot);
        if frame.physical_address()? == REGISTERS {
            return Ok(frame);
        }
    }
    skip!("the clock is far from the start of its memory")
}

/// The device.
pub(crate) struct Timer(());

impl Timer {
    /// Takes it; its registers stay mapped until the test is over.
    pub(crate) fn new(world: &mut World) -> Outcome<Self> {
        let covers = |paddr: Word, bits: u8| paddr <= REGISTERS && REGISTERS - paddr < 1 << bits;
        let found = boot::untypeds(world.boot)
            .find(|(_, entry)| entry.is_device == 1 && covers(entry.paddr, entry.size_bits));
        let Some((memory, _)) = found else {
            skip!("no device memory where the clock is")
        };
        let frame = frame_at(world, memory)?;
        let rights = CapRights::READ_WRITE;
        map(world, frame, PLACE, rights)?;
        frame.map(root::VSPACE, PLACE, rights, Attributes::UNCACHED)?;
        let timer = Self(());
        timer.write(MASK, 1);
        timer.quiet();
        Ok(timer)
    }

    /// Makes a handler for its interrupt.
    pub(crate) fn issue(slot: SlotPath) -> Result<(), Error> {
        root::IRQ_CONTROL.issue(IRQ, slot)
    }

    /// Makes a handler for an interrupt that has none.
    pub(crate) fn issue_other(slot: SlotPath) -> Result<(), Error> {
        root::IRQ_CONTROL.issue_with_trigger(OTHER_IRQ, true, slot)
    }

    /// It interrupts, soon and once.
    pub(crate) fn start(&self) -> Outcome {
        self.quiet();
        self.write(MATCH, self.read(DATA));
        Ok(())
    }

    /// The interrupt has been heard: its line falls.
    pub(crate) fn quiet(&self) {
        // Seconds go by: an alarm that was set to now is past.
        self.write(MATCH, self.read(DATA).wrapping_sub(2));
        self.write(CLEAR, 1);
    }

    #[expect(unsafe_code, reason = "reads a device's register")]
    fn read(&self, offset: usize) -> u32 {
        let register = core::ptr::with_exposed_provenance::<u32>(PLACE as usize + offset);
        // SAFETY: mapped by `new`.
        unsafe { register.read_volatile() }
    }

    #[expect(unsafe_code, reason = "writes a device's register")]
    fn write(&self, offset: usize, value: u32) {
        let register = core::ptr::with_exposed_provenance_mut::<u32>(PLACE as usize + offset);
        // SAFETY: mapped by `new`.
        unsafe { register.write_volatile(value) }
    }
}
