//! Arm hardware: what the kernel core asks for, done.
//!
//! The image maps memory, finds the devices and starts the machine; from then on the kernel
//! core uses it through [`Machine`] and [`ArmMachine`]. Nothing here keeps state outside of
//! [`Arm`], which the kernel owns.

pub mod cache;
pub mod clock;
pub mod counter;
pub mod debug;
pub mod features;
pub mod fpu;
pub mod gic;
pub mod registers;
pub mod secure;
pub mod serial;
pub mod tlb;

use crate::cache::Operation;
use crate::debug::Registers;
use crate::irq::Trigger;
use crate::layout::TIMER_IRQ;
use crate::{
    ArmMachine, Irq, KernelAddress, Kind, Machine, PhysicalAddress, Space, Ticks, VirtualAddress,
};
use cache::Caches;
use clock::Clock;
use core::ptr::NonNull;
use counter::CycleCounter;
use debug::Counts;
use features::Features;
use gic::{Gic, Redistributors, V2, V3};
use secure::Conduit;
use serial::Serial;
use tlb::AddressSpaces;

/// Where the registers of the interrupt controller are mapped.
#[derive(Clone, Copy, Debug)]
pub enum GicSetup<'a> {
    /// GICv2.
    V2 {
        /// The distributor.
        distributor: u64,
        /// The processor interface.
        cpu: u64,
    },
    /// GICv3.
    V3 {
        /// The distributor.
        distributor: u64,
        /// The redistributors.
        redistributors: &'a [Redistributors],
    },
}

/// What the image has found and mapped.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The processor's features.
    pub features: Features,
    /// A page of zeroes, which is the root of the kernel's own address space in user's half.
    pub empty_root: PhysicalAddress,
    /// The interrupt controller.
    pub gic: GicSetup<'a>,
    /// The highest interrupt that user space is told of; at most what the controller has.
    pub last_irq: Irq,
    /// The timer's frequency, where firmware does not set the register.
    pub timer_frequency: Option<u64>,
    /// The debug console.
    pub console: Option<Serial>,
    /// How firmware is called.
    pub conduit: Conduit,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Arm {
    spaces: AddressSpaces,
    caches: Caches,
    clock: Clock,
    gic: Gic,
    last_irq: Irq,
    counter: CycleCounter,
    debug: Counts,
    console: Option<Serial>,
    conduit: Conduit,
}

impl Arm {
    /// A machine that has not been started.
    pub const fn new() -> Self {
        Self {
            spaces: AddressSpaces::new(),
            caches: Caches::new(),
            clock: Clock::new(),
            gic: Gic::None,
            last_irq: Irq(0),
            counter: CycleCounter::NONE,
            debug: Counts::NONE,
            console: None,
            conduit: Conduit::Nobody,
        }
    }

    /// Takes the hardware over. Errors are texts for the console.
    ///
    /// # Safety
    /// Runs once, on the kernel's own page tables, with interrupts off; `setup` tells the truth
    /// about what is mapped.
    pub unsafe fn start(&mut self, setup: &Setup<'_>) -> Result<(), &'static str> {
        self.console = setup.console;
        self.conduit = setup.conduit;
        self.caches = Caches::detect();
        // SAFETY: the caller's promise.
        self.spaces = unsafe { AddressSpaces::start(&setup.features, setup.empty_root) };
        self.gic = match setup.gic {
            // SAFETY: the caller's promise.
            GicSetup::V2 { distributor, cpu } => Gic::V2(unsafe { V2::start(distributor, cpu) }),
            GicSetup::V3 {
                distributor,
                redistributors,
            } => {
                // SAFETY: the caller's promise.
                let gic = unsafe { V3::start(distributor, redistributors) };
                Gic::V3(gic.ok_or("no redistributor is this core's")?)
            }
        };
        self.last_irq = setup.last_irq.min(self.gic.last_irq());
        self.clock = Clock::start(setup.timer_frequency)
            .ok_or("neither firmware nor the device tree states the timer's frequency")?;
        self.counter = CycleCounter::start();
        if abi::PROFILE.hardware_debug_api {
            self.debug = Counts::start();
        }
        fpu::enable(false);
        self.gic.unmask(TIMER_IRQ);
        Ok(())
    }

    /// The interrupt that has arrived, if it is to be handled now.
    #[inline]
    pub fn accept(&mut self) -> Option<Irq> {
        self.gic.accept()
    }
}

impl Default for Arm {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn pointer<T>(at: KernelAddress) -> *mut T {
    core::ptr::with_exposed_provenance_mut(at.bits() as usize)
}

impl Machine for Arm {
    #[inline(always)]
    fn resolve(&self, at: KernelAddress, _len: u64, _kind: Kind) -> NonNull<u8> {
        // SAFETY: a kernel address is never 0.
        unsafe { NonNull::new_unchecked(pointer(at)) }
    }

    #[inline(always)]
    fn born(&mut self, _at: KernelAddress, _len: u64, _kind: Kind) {}

    #[inline(always)]
    fn gone(&mut self, _at: KernelAddress, _len: u64) {}

    #[inline(always)]
    fn load(&self, at: KernelAddress) -> u64 {
        // SAFETY: the kernel asks for words of memory that its window shows. Volatile, because
        // user code may write there at the same time.
        unsafe { pointer::<u64>(at).read_volatile() }
    }

    #[inline(always)]
    fn store(&mut self, at: KernelAddress, value: u64) {
        // SAFETY: as in `load`; no reference to the word exists.
        unsafe { pointer::<u64>(at).write_volatile(value) };
    }

    #[inline]
    fn clear(&mut self, at: KernelAddress, len: u64) {
        // SAFETY: the kernel clears memory in which nothing lives, in whole words.
        unsafe { self.caches.clear(at.bits(), len) };
    }

    #[inline(always)]
    fn set_space(&mut self, space: Space) {
        self.spaces.set_space(space);
    }

    fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        self.spaces.invalidate_page(asid, page);
    }

    fn invalidate_asid(&mut self, asid: u16) {
        self.spaces.invalidate_asid(asid);
    }

    #[inline(always)]
    fn now(&self) -> Ticks {
        self.clock.now()
    }

    #[inline(always)]
    fn ticks_per_us(&self) -> Ticks {
        self.clock.ticks_per_us()
    }

    fn ticks_per_count(&self) -> Ticks {
        self.clock.factor()
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Ticks) {
        self.clock.set_deadline(deadline);
    }

    #[inline(always)]
    fn timer_precision(&self) -> Ticks {
        // A microsecond: about what entering the kernel by an interrupt takes.
        self.clock.ticks_per_us()
    }

    #[inline(always)]
    fn cycles(&self) -> u64 {
        self.counter.read().unwrap_or(self.clock.now())
    }

    fn flush_caches(&mut self) {
        cache::flush_everything();
    }

    #[inline]
    fn interrupt_pending(&self) -> bool {
        registers::interrupt_pending()
    }

    #[inline]
    fn mask(&mut self, irq: Irq) {
        self.gic.mask(irq);
    }

    #[inline]
    fn unmask(&mut self, irq: Irq) {
        self.gic.unmask(irq);
    }

    #[inline]
    fn end_of_interrupt(&mut self, irq: Irq) {
        self.gic.end_of_interrupt(irq);
    }

    #[inline]
    fn interrupt_delivered(&mut self, irq: Irq) {
        self.gic.delivered(irq);
    }

    #[inline]
    fn interrupt_acknowledged(&mut self, irq: Irq) {
        self.gic.acknowledged(irq);
    }

    #[inline(always)]
    fn timer_irq(&self) -> Irq {
        TIMER_IRQ
    }

    /// The line stays up until the deadline is another.
    #[inline(always)]
    fn acknowledge_timer(&mut self) {
        self.clock.quiet();
    }

    #[inline(always)]
    fn fpu_switch(&mut self, from: Option<KernelAddress>, to: KernelAddress) {
        if let Some(area) = from {
            // SAFETY: the kernel passes a thread's FPU area.
            unsafe { fpu::save(pointer(area)) };
        }
        // SAFETY: likewise one that it cleared or saved to.
        unsafe { fpu::restore(pointer(to)) };
        fpu::enable(true);
    }

    #[inline(always)]
    fn fpu_enable(&mut self, enabled: bool) {
        fpu::enable(enabled);
    }

    /// A new thread's registers are zero, and so is its area.
    #[inline(always)]
    fn fpu_initialise(&mut self, _area: KernelAddress) {}

    fn put_byte(&mut self, byte: u8) {
        if let Some(console) = self.console {
            console.put(byte);
        }
    }

    fn halt(&mut self) {
        registers::stop();
    }
}

impl ArmMachine for Arm {
    #[inline(always)]
    fn publish_tables(&mut self) {
        registers::store_barrier();
        registers::instruction_barrier();
    }

    fn maintain(&mut self, operation: Operation, start: VirtualAddress, len: u64) {
        self.caches.maintain(operation, start.0, len);
    }

    fn last_irq(&self) -> Irq {
        self.last_irq
    }

    fn set_trigger(&mut self, irq: Irq, trigger: Trigger) {
        self.gic.set_trigger(irq, trigger);
    }

    fn last_sgi_target(&self) -> u32 {
        self.gic.last_sgi_target()
    }

    fn send_sgi(&mut self, interrupt: u8, target: u32) {
        self.gic.send_sgi(interrupt, target);
    }

    fn load_debug_registers(&mut self, registers: &Registers, stepping: bool) {
        self.debug.load(registers, stepping);
    }

    fn secure_call(&mut self, registers: [u64; 8]) -> [u64; 8] {
        // SAFETY: the profile has given user space this right.
        unsafe { self.conduit.call(registers) }
    }
}
