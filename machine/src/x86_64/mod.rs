//! PC hardware: what the kernel core asks for, done.
//!
//! The image maps memory, finds the devices and starts the machine; from then on the kernel
//! core uses it through [`Machine`] and [`X86Machine`]. Nothing here keeps state outside of
//! [`X86`], which the kernel owns.

pub mod apic;
pub mod clock;
pub mod cpuid;
pub mod fpu;
pub mod interrupts;
pub mod ioapic;
pub mod pic;
pub mod port;
pub mod protection;
pub mod registers;
pub mod serial;
pub mod tlb;

use crate::irq::{Polarity, Trigger};
use crate::{Irq, KernelAddress, Kind, Machine, Space, Ticks, VirtualAddress, X86Machine};
use clock::Clock;
use core::ptr::NonNull;
use core::sync::atomic::AtomicU64;
use cpuid::Features;
use fpu::Fpu;
use interrupts::Interrupts;
use serial::Serial;
use tlb::AddressSpaces;

/// What the image has found and mapped.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The processor's features.
    pub features: Features,
    /// Where the local APIC's registers are mapped.
    pub local_apic: u64,
    /// Where the IO APICs' registers are mapped, in the order of ACPI's table.
    pub ioapics: &'a [u64],
    /// IO port of ACPI's timer.
    pub acpi_timer: Option<u16>,
    /// The entry by which user roots share the kernel.
    pub kernel_root_entry: u64,
    /// If that entry shows little more than the entry stubs: where they read CR3 for user mode.
    pub isolated: Option<&'static AtomicU64>,
    /// Port of the debug console.
    pub debug_port: Option<u16>,
}

/// The machine.
#[derive(Clone, Debug)]
pub struct X86 {
    features: Features,
    spaces: AddressSpaces,
    clock: Clock,
    interrupts: Interrupts,
    fpu: Fpu,
    console: Option<Serial>,
    kernel_root_entry: u64,
}

impl X86 {
    /// A machine that has not been started.
    pub const fn new() -> Self {
        Self {
            features: Features::NONE,
            spaces: AddressSpaces::new(),
            clock: Clock::new(),
            interrupts: Interrupts::new(),
            fpu: Fpu::new(),
            console: None,
            kernel_root_entry: 0,
        }
    }

    /// Takes the hardware over. Errors are texts for the console.
    ///
    /// # Safety
    /// Runs once, on the kernel's own page tables, with interrupts off; `setup` tells the truth
    /// about what is mapped.
    pub unsafe fn start(&mut self, setup: &Setup<'_>) -> Result<(), &'static str> {
        self.features = setup.features;
        self.kernel_root_entry = setup.kernel_root_entry;
        self.console = setup.debug_port.map(Serial::at);
        protection::start(&self.features);
        self.spaces = AddressSpaces::start(&self.features, setup.isolated);
        self.fpu = Fpu::start(&self.features, abi::PROFILE.xsave_size);
        pic::silence();
        // SAFETY: the caller's promise.
        self.interrupts.local = unsafe {
            apic::LocalApic::enable(
                self.features.x2apic,
                setup.local_apic,
                interrupts::SPURIOUS_VECTOR,
            )
        };
        for mapped in setup.ioapics {
            // SAFETY: the caller's promise.
            self.interrupts
                .add_ioapic(unsafe { ioapic::IoApic::new(*mapped) });
        }
        self.clock = Clock::start(&self.features, self.interrupts.local, setup.acpi_timer)
            .ok_or("no clock moves: neither the interval timer nor ACPI's")?;
        Ok(())
    }

    /// The processor's features.
    pub fn features(&self) -> &Features {
        &self.features
    }

    /// The interrupt that has arrived at `vector`, if it is to be handled now.
    #[inline]
    pub fn accept(&mut self, vector: u8) -> Option<Irq> {
        self.interrupts.accept(vector)
    }

    /// The value of CR3 for the kernel, when the entry stubs write it.
    pub fn kernel_cr3(&self) -> u64 {
        self.spaces.kernel_cr3()
    }
}

impl Default for X86 {
    fn default() -> Self {
        Self::new()
    }
}

#[inline(always)]
fn pointer<T>(at: KernelAddress) -> *mut T {
    core::ptr::with_exposed_provenance_mut(at.bits() as usize)
}

impl Machine for X86 {
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

    fn domain_changed(&mut self) {
        protection::forget_predictions(&self.features);
    }

    fn set_tls_base(&mut self, base: u64) {
        if self.features.fsgsbase {
            registers::set_fs_base(base);
        }
    }

    #[inline(always)]
    fn now(&self) -> Ticks {
        registers::timestamp()
    }

    #[inline(always)]
    fn ticks_per_us(&self) -> Ticks {
        self.clock.ticks_per_us()
    }

    #[inline]
    fn set_deadline(&mut self, deadline: Ticks) {
        self.clock.set_deadline(self.interrupts.local, deadline);
    }

    #[inline(always)]
    fn timer_precision(&self) -> Ticks {
        // A microsecond: about what entering the kernel by an interrupt takes.
        self.clock.ticks_per_us()
    }

    #[inline]
    fn interrupt_pending(&self) -> bool {
        self.interrupts.pending()
    }

    #[inline]
    fn mask(&mut self, irq: Irq) {
        self.interrupts.mask(irq);
    }

    #[inline]
    fn unmask(&mut self, irq: Irq) {
        self.interrupts.unmask(irq);
    }

    #[inline]
    fn end_of_interrupt(&mut self, _irq: Irq) {
        // Interrupts do not nest: the one in service is the one meant.
        self.interrupts.local.end_of_interrupt();
    }

    #[inline(always)]
    fn timer_irq(&self) -> Irq {
        interrupts::TIMER
    }

    /// A one-shot timer has nothing to be told.
    #[inline(always)]
    fn acknowledge_timer(&mut self) {}

    #[inline(always)]
    fn fpu_switch(&mut self, from: Option<KernelAddress>, to: KernelAddress) {
        self.fpu.enable(true);
        if let Some(area) = from {
            // SAFETY: the kernel passes a thread's FPU area; the registers do not trap.
            unsafe { self.fpu.save(pointer(area)) };
        }
        // SAFETY: likewise one that was initialised or saved to.
        unsafe { self.fpu.restore(pointer(to)) };
    }

    #[inline(always)]
    fn fpu_enable(&mut self, enabled: bool) {
        self.fpu.enable(enabled);
    }

    fn fpu_initialise(&mut self, area: KernelAddress) {
        // SAFETY: the kernel passes a new thread's FPU area.
        unsafe { Fpu::initialise(pointer(area)) };
    }

    fn put_byte(&mut self, byte: u8) {
        if let Some(console) = self.console {
            console.put(byte);
        }
    }

    fn flush_caches(&mut self) {
        registers::flush_caches();
    }

    fn halt(&mut self) {
        registers::stop();
    }
}

impl X86Machine for X86 {
    fn port_in(&mut self, port: u16, bytes: u8) -> u32 {
        match bytes {
            1 => port::read8(port).into(),
            2 => port::read16(port).into(),
            _ => port::read32(port),
        }
    }

    fn port_out(&mut self, port: u16, bytes: u8, value: u32) {
        match bytes {
            // Truncation: the caller writes that many bytes.
            1 => port::write8(port, value as u8),
            2 => port::write16(port, value as u16),
            _ => port::write32(port, value),
        }
    }

    fn ioapic_count(&self) -> usize {
        self.interrupts.ioapic_count()
    }

    fn read_msr(&mut self, register: u32) -> Option<u64> {
        registers::try_read_msr(register)
    }

    fn write_msr(&mut self, register: u32, value: u64) -> bool {
        // SAFETY: only builds with the dangerous system calls ask for this.
        unsafe { registers::try_write_msr(register, value) }
    }

    fn load_breakpoints(&mut self, addresses: [u64; 4], control: u64) {
        registers::load_breakpoints(addresses, control);
    }

    fn ioapic_pins(&self, ioapic: usize) -> usize {
        self.interrupts.pins(ioapic)
    }

    fn ioapic_route(
        &mut self,
        irq: Irq,
        ioapic: usize,
        pin: usize,
        trigger: Trigger,
        polarity: Polarity,
    ) {
        self.interrupts.route(irq, ioapic, pin, trigger, polarity);
    }

    fn kernel_root_entry(&self) -> u64 {
        self.kernel_root_entry
    }

    fn huge_pages(&self) -> bool {
        self.features.huge_pages
    }
}
