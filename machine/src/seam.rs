//! The operations that the kernel core asks of the hardware.

use crate::cache::Operation;
use crate::debug;
use crate::irq::{Polarity, Trigger};
use crate::{Irq, KernelAddress, Kind, Space, VirtualAddress};
use core::ptr::NonNull;

/// Time, in the counts of the machine's timer.
pub type Ticks = u64;

/// What the kernel core needs of a machine, whatever its instruction set.
///
/// Methods that only look take `&self`; whatever has an effect takes `&mut self`. None of them
/// may fail or panic for arguments that the kernel can produce.
pub trait Machine {
    // --- Objects ---------------------------------------------------------------------

    /// A pointer to the `len` bytes at `at`, which hold a `kind`. The model checks that they
    /// do, and panics otherwise; hardware turns the address into a pointer.
    fn resolve(&self, at: KernelAddress, len: u64, kind: Kind) -> NonNull<u8>;
    /// From now on the `len` bytes at `at` are a live `kind`. Said where objects are born
    /// (`untyped`, `boot`); free on hardware.
    fn born(&mut self, at: KernelAddress, len: u64, kind: Kind);
    /// What lived in the `len` bytes at `at` is gone. Said where objects end (`delete`,
    /// `untyped`); free on hardware.
    fn gone(&mut self, at: KernelAddress, len: u64);

    // --- Plain memory, by word -------------------------------------------------------

    /// Reads one word of user memory or of a page table. Aligned to 8.
    fn load(&self, at: KernelAddress) -> u64;
    /// Writes one word of user memory or of a page table. Aligned to 8.
    fn store(&mut self, at: KernelAddress, value: u64);
    /// Fills `len` bytes with zero; both aligned to 8. After it, user mappings of any memory
    /// type see zeroes (cleaned to memory where the caches ask for it).
    fn clear(&mut self, at: KernelAddress, len: u64);

    // --- Address spaces --------------------------------------------------------------

    /// Makes `space` the current address space. Cheap if it is.
    fn set_space(&mut self, space: Space);
    /// Forgets the translation of the page at `page` in `asid` (and table walks to it).
    fn invalidate_page(&mut self, asid: u16, page: VirtualAddress);
    /// Forgets all translations of `asid`.
    fn invalidate_asid(&mut self, asid: u16);

    /// Another scheduling domain runs from now on: what the processor has learned from the last
    /// one must not steer it (docs/security.md). Nothing on machines that learn nothing.
    fn domain_changed(&mut self) {}

    /// The running thread names other thread-local storage from now on: its register file does
    /// already. For machines that do not load that register on every way out.
    fn set_tls_base(&mut self, _base: u64) {}

    // --- Time ------------------------------------------------------------------------

    /// The time now. Never goes back.
    fn now(&self) -> Ticks;
    /// Ticks per microsecond, rounded down; at least 1.
    fn ticks_per_us(&self) -> Ticks;
    /// Ticks for one count of the timer that user space knows: what domains' slices are given in.
    fn ticks_per_count(&self) -> Ticks {
        1
    }
    /// Raises the timer interrupt at `deadline`, or at once if that is past.
    fn set_deadline(&mut self, deadline: Ticks);
    /// The shortest delay in ticks that is worth programming: deadlines are asked for this much early.
    fn timer_precision(&self) -> Ticks;

    /// A counter of cycles, for measurements.
    fn cycles(&self) -> u64 {
        self.now()
    }
    /// Empties all caches, for measurements.
    fn flush_caches(&mut self);

    // --- Interrupts ------------------------------------------------------------------

    /// Whether an interrupt waits for the kernel to return to user mode. Asked at preemption
    /// points.
    fn interrupt_pending(&self) -> bool;
    /// Stops the line from interrupting.
    fn mask(&mut self, irq: Irq);
    /// Lets the line interrupt (again).
    fn unmask(&mut self, irq: Irq);
    /// Ends the delivery of `irq` at the controller, after the kernel has dealt with it.
    fn end_of_interrupt(&mut self, irq: Irq);
    /// The handler of `irq` has been told: ends the delivery. The line stays quiet until
    /// [`Self::interrupt_acknowledged`].
    fn interrupt_delivered(&mut self, irq: Irq) {
        self.mask(irq);
        self.end_of_interrupt(irq);
    }
    /// The handler of `irq` has dealt with it.
    fn interrupt_acknowledged(&mut self, irq: Irq) {
        self.unmask(irq);
    }
    /// The kernel's own timer interrupt.
    fn timer_irq(&self) -> Irq;
    /// The timer interrupt has arrived.
    fn acknowledge_timer(&mut self);

    // --- Floating point --------------------------------------------------------------

    /// Writes the live floating-point registers to the area at `from`, if somebody still wants
    /// them; loads them from the area at `to`, and lets user space use them.
    fn fpu_switch(&mut self, from: Option<KernelAddress>, to: KernelAddress);
    /// Lets user space use the floating-point registers as they are, or makes each use trap.
    fn fpu_enable(&mut self, enabled: bool);
    /// Writes the state that a new thread starts with to the (zeroed) area at `area`.
    fn fpu_initialise(&mut self, area: KernelAddress);

    // --- Console and end -------------------------------------------------------------

    /// Writes a byte to the kernel's debug console.
    fn put_byte(&mut self, byte: u8);
    /// The `DebugHalt` call: the end, with interrupts off. On the model: recorded.
    fn halt(&mut self);
}

/// What only x86 machines do.
pub trait X86Machine: Machine {
    /// Reads `bytes` (1, 2 or 4) from an IO port.
    fn port_in(&mut self, port: u16, bytes: u8) -> u32;
    /// Writes `bytes` (1, 2 or 4) to an IO port.
    fn port_out(&mut self, port: u16, bytes: u8, value: u32);
    /// How many IO APICs were found.
    fn ioapic_count(&self) -> usize;
    /// How many pins IO APIC `ioapic` has; 0 if there is no such one.
    fn ioapic_pins(&self, ioapic: usize) -> usize;
    /// Routes a pin to `irq`, masked.
    fn ioapic_route(
        &mut self,
        irq: Irq,
        ioapic: usize,
        pin: usize,
        trigger: Trigger,
        polarity: Polarity,
    );
    /// The page-table entry by which every user root shares the kernel's half of the address
    /// space (index 511 of a PML4); what it shows depends on the Meltdown policy.
    fn kernel_root_entry(&self) -> u64;
    /// Reads a model-specific register, if there is such a one.
    fn read_msr(&mut self, register: u32) -> Option<u64>;
    /// Writes a model-specific register; whether it exists and takes the value.
    fn write_msr(&mut self, register: u32, value: u64) -> bool;
    /// Loads the debug registers: what to watch, and DR7.
    fn load_breakpoints(&mut self, addresses: [u64; 4], control: u64);
    /// Whether 1 GiB pages exist.
    fn huge_pages(&self) -> bool;
}

/// What only RISC-V machines do.
pub trait RiscvMachine: Machine {
    /// Entry `index` (256 to 511) of every root: by these all address spaces share the kernel's
    /// half. They never change after boot.
    fn kernel_root_entry(&self, index: u64) -> u64;
}

/// What only Arm machines do.
pub trait ArmMachine: Machine {
    /// What has been stored to page tables is seen by every later walk.
    fn publish_tables(&mut self);
    /// Maintains the caches for `len` bytes at `start`, which are mapped, in one page, in the
    /// current address space.
    fn maintain(&mut self, operation: Operation, start: VirtualAddress, len: u64);
    /// The highest interrupt number there is; below [`Irq`]s of the kernel's table.
    fn last_irq(&self) -> Irq;
    /// Sets what makes `irq` interrupt. Software generated interrupts cannot be changed.
    fn set_trigger(&mut self, irq: Irq, trigger: Trigger);
    /// The highest number that can name the target of a software generated interrupt.
    fn last_sgi_target(&self) -> u32;
    /// Raises software generated interrupt `interrupt` (0 to 15) at `target`.
    fn send_sgi(&mut self, interrupt: u8, target: u32);
    /// Loads the debug registers of a thread, whose user code is to be `stepping` or not.
    fn load_debug_registers(&mut self, registers: &debug::Registers, stepping: bool);
    /// Calls the secure monitor with X0 to X7; its answer in the same registers. Whoever lets
    /// user space call this trusts it with the machine.
    fn secure_call(&mut self, registers: [u64; 8]) -> [u64; 8];
}
