//! A device that interrupts when it is asked to: the Goldfish real-time clock of QEMU's machine,
//! whose alarm is set to a millisecond from now.

use crate::report::{Outcome, skip};
use crate::tests::retype::map;
use crate::world::World;
use abi::{CapRights, ObjectType, Word};
use user_api::{Attributes, Error, Frame, FrameSize, SlotPath, SlotWindow};
use user_runtime::boot::{self, root};

const REGISTERS: Word = 0x10_1000;
const IRQ: Word = 11;
/// An interrupt that no device of the machine has.
const OTHER_IRQ: Word = 91;

const TIME_LOW: usize = 0x00;
const TIME_HIGH: usize = 0x04;
const ALARM_LOW: usize = 0x08;
const ALARM_HIGH: usize = 0x0c;
const INTERRUPT_ENABLED: usize = 0x10;
const CLEAR_ALARM: usize = 0x14;
const CLEAR_INTERRUPT: usize = 0x1c;

/// In nanoseconds.
const DELAY: u64 = 1_000_000;

/// Where its registers are mapped.
const PLACE: Word = crate::isa::FREE_ADDRESS + (1 << 31);

/// The device.
pub(crate) struct Timer(());

impl Timer {
    /// Takes it; its registers stay mapped until the test is over.
    pub(crate) fn new(world: &mut World) -> Outcome<Self> {
        let covers = |paddr: Word, bits: u8| paddr <= REGISTERS && REGISTERS - paddr < 1 << bits;
        let found = boot::untypeds(world.boot)
            .find(|(_, entry)| entry.is_device == 1 && covers(entry.paddr, entry.size_bits));
        let Some((memory, entry)) = found else {
            skip!("no device memory where the clock is")
        };
        // What lies before it goes first, by the largest pieces.
        let before = REGISTERS - entry.paddr;
        for bits in (12..Word::BITS as usize)
            .rev()
            .filter(|bits| before >> bits & 1 != 0)
        {
            let slot = world.slot();
            let window = SlotWindow::one(root::CNODE, slot);
            memory.retype(ObjectType::Untyped, bits, window)?;
        }
        let slot = world.slot();
        let window = SlotWindow::one(root::CNODE, slot);
        memory.retype(FrameSize::Small.object(), 0, window)?;
        let (frame, rights) = (Frame::new(slot), CapRights::READ_WRITE);
        map(world, frame, PLACE, rights)?;
        frame.map(root::VSPACE, PLACE, rights, Attributes::UNCACHED)?;
        let timer = Self(());
        timer.write(INTERRUPT_ENABLED, 1);
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
        // Reading the lower half holds the upper one.
        let low = u64::from(self.read(TIME_LOW));
        let alarm = (u64::from(self.read(TIME_HIGH)) << 32 | low) + DELAY;
        self.write(ALARM_HIGH, (alarm >> 32) as u32);
        self.write(ALARM_LOW, alarm as u32);
        Ok(())
    }

    /// The interrupt has been heard: its line falls.
    pub(crate) fn quiet(&self) {
        self.write(CLEAR_ALARM, 1);
        self.write(CLEAR_INTERRUPT, 1);
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
