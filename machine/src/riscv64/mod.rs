//! RISC-V hardware: what the kernel core asks for, done.
//!
//! The image maps memory, finds the devices and starts the machine; from then on the kernel
//! core uses it through [`Machine`] and [`RiscvMachine`]. Nothing here keeps state outside of
//! [`Riscv`], which the kernel owns.

pub mod clock;
pub mod csr;
pub mod fpu;
pub mod plic;
pub mod sbi;
pub mod tlb;

use crate::layout::TIMER_IRQ;
use crate::{Irq, KernelAddress, Kind, Machine, RiscvMachine, Space, Ticks, VirtualAddress};
use clock::Clock;
use core::ptr::NonNull;
use csr::interrupt;
use fpu::Fpu;
use plic::{Completion, Plic};
use sbi::Sbi;
use tlb::AddressSpaces;

/// An interrupt controller that the image has found and mapped.
#[derive(Clone, Copy, Debug)]
pub struct PlicSetup {
    /// Where its registers are mapped.
    pub base: u64,
    /// The boot hart's supervisor context.
    pub context: u64,
    /// The highest line.
    pub sources: u64,
    /// When interrupts are completed.
    pub completion: Completion,
}

/// What the image has found and mapped.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Ticks of `rdtime` in a second.
    pub timebase: u64,
    /// The interrupt controller, if there is one.
    pub plic: Option<PlicSetup>,
    /// The kernel's own root, which is current.
    pub kernel_root: KernelAddress,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct Riscv {
    spaces: AddressSpaces,
    clock: Clock,
    plic: Plic,
    fpu: Fpu,
    sbi: Sbi,
    kernel_root: Option<KernelAddress>,
}

impl Riscv {
    /// A machine that has not been started.
    pub const fn new() -> Self {
        Self {
            spaces: AddressSpaces::new(),
            clock: Clock::new(),
            plic: Plic::absent(),
            fpu: Fpu::absent(),
            sbi: Sbi::LEGACY,
            kernel_root: None,
        }
    }

    /// Takes the hardware over.
    ///
    /// # Safety
    /// Runs once, on the kernel's own page tables, with interrupts off; `setup` tells the truth
    /// about what is mapped.
    pub unsafe fn start(&mut self, setup: &Setup) {
        self.kernel_root = Some(setup.kernel_root);
        self.spaces = AddressSpaces::start();
        self.sbi = Sbi::probe();
        self.fpu = Fpu::start();
        // SAFETY: the caller's promise.
        self.clock = unsafe { Clock::start(setup.timebase, self.sbi) };
        if let Some(plic) = setup.plic {
            // SAFETY: the caller's promise.
            self.plic =
                unsafe { Plic::start(plic.base, plic.context, plic.sources, plic.completion) };
        }
        // SAFETY: user code may read time, cycles and instructions, as the API's users expect.
        unsafe { csr::set_scounteren(0b111) };
        // SAFETY: interrupts stay off in supervisor mode; user mode takes these two.
        unsafe { csr::set_sie(interrupt::TIMER | interrupt::EXTERNAL) };
    }

    /// The interrupt that waits at the controller; from now on it is in service.
    #[inline]
    pub fn claim(&mut self) -> Option<Irq> {
        self.plic.claim()
    }

    /// Whether the hart has floating-point registers and they are off now.
    #[inline]
    pub fn fpu_is_off(&self) -> bool {
        self.fpu.present() && !self.fpu.enabled()
    }

    /// How this hart is made, for the console at boot.
    pub fn features(&self) -> Features {
        Features {
            tags: self.spaces.tags(),
            comparator: self.clock.uses_comparator(),
            floating_point: self.fpu.present(),
        }
    }
}

/// What was found out about a hart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Features {
    /// The largest ASID that translations can be tagged with.
    pub tags: u64,
    /// The timer's deadline is the hart's own register.
    pub comparator: bool,
    /// There are floating-point registers.
    pub floating_point: bool,
}

impl Default for Riscv {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn pointer<T>(at: KernelAddress) -> *mut T {
    core::ptr::with_exposed_provenance_mut(at.bits() as usize)
}

impl Machine for Riscv {
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
        // SAFETY: the kernel clears memory in which nothing lives.
        unsafe { pointer::<u8>(at).write_bytes(0, len as usize) };
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
    fn cycles(&self) -> u64 {
        csr::cycles()
    }

    /// Supervisor mode has no instruction for that; what there is makes what was written visible
    /// to all that reads or executes it.
    fn flush_caches(&mut self) {
        csr::fence_all();
    }

    #[inline(always)]
    fn now(&self) -> Ticks {
        csr::time()
    }

    #[inline(always)]
    fn ticks_per_us(&self) -> Ticks {
        self.clock.ticks_per_us()
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

    #[inline]
    fn interrupt_pending(&self) -> bool {
        csr::sip() & csr::sie() != 0
    }

    #[inline]
    fn mask(&mut self, irq: Irq) {
        self.plic.mask(irq);
    }

    #[inline]
    fn unmask(&mut self, irq: Irq) {
        self.plic.unmask(irq);
    }

    #[inline]
    fn end_of_interrupt(&mut self, irq: Irq) {
        if irq != TIMER_IRQ {
            self.plic.complete(irq);
        }
    }

    #[inline]
    fn interrupt_delivered(&mut self, irq: Irq) {
        self.plic.delivered(irq);
    }

    #[inline]
    fn interrupt_acknowledged(&mut self, irq: Irq) {
        self.plic.acknowledged(irq);
    }

    #[inline(always)]
    fn timer_irq(&self) -> Irq {
        TIMER_IRQ
    }

    /// The interrupt ends with the next deadline, which the kernel sets before it leaves.
    #[inline(always)]
    fn acknowledge_timer(&mut self) {}

    #[inline(always)]
    fn fpu_switch(&mut self, from: Option<KernelAddress>, to: KernelAddress) {
        let from = from.map(pointer::<u64>);
        // SAFETY: the kernel passes threads' FPU areas; `to` is zero or was saved to.
        unsafe { self.fpu.switch(from, pointer(to)) };
    }

    #[inline(always)]
    fn fpu_enable(&mut self, enabled: bool) {
        self.fpu.enable(enabled);
    }

    /// Zero in all registers and in the control register is where programs start.
    fn fpu_initialise(&mut self, _area: KernelAddress) {}

    fn put_byte(&mut self, byte: u8) {
        self.sbi.put(byte);
    }

    fn halt(&mut self) {
        csr::stop();
    }
}

impl RiscvMachine for Riscv {
    fn kernel_root_entry(&self, index: u64) -> u64 {
        // The root is a page: 512 entries.
        self.kernel_root
            .map_or(0, |root| self.load(root.plus((index & 511) << 3)))
    }
}
