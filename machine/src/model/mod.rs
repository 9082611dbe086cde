//! The machine as data: what the hardware would do happens to fields, on any host.
//!
//! There are no globals, so a kernel on a model can be cloned, compared, and tested in many
//! threads at once. Where hardware would silently go wrong, the model stops with a message
//! that begins with `kernel defect:`; a mistake of a test says `model:`.
//!
//! - [`memory`]: RAM, and the liveness map that every `k[r]` is checked against;
//! - [`tlb`]: the translation cache, which keeps whatever it was not told to forget;
//! - [`interrupts`]: lines, masks, the timer, and interrupts at the n-th preemption point;
//! - [`ports`]: IO ports and IO APICs;
//! - [`arm`]: cache maintenance, software generated interrupts, secure monitor calls;
//! - [`saved`]: a machine put aside and taken up again, many thousand times a second.

mod arm;
mod interrupts;
mod memory;
mod ports;
mod riscv64;
mod saved;
#[cfg(test)]
mod tests;
mod tlb;

pub use arm::Maintained;
pub use interrupts::TIMER_IRQ;
pub use memory::{GRANULE, Live};
pub use ports::{PortWrite, Route};
pub use saved::{Change, Saved};
pub use tlb::{Invalidation, Translation};

use crate::irq::{Polarity, Trigger};
use crate::{
    Irq, KernelAddress, Kind, Machine, PhysicalAddress, Population, Space, Ticks, VirtualAddress,
    X86Machine,
};
use arm::Arm;
use core::ptr::NonNull;
use interrupts::Controller;
use memory::Memory;
use ports::Ports;
use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use tlb::Tlb;

/// How many words of floating-point state the model has.
pub const FPU_WORDS: usize = 8;
/// What a new thread finds in each of them.
pub const FPU_INITIAL: u64 = 0x037f;

/// What a model machine is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// RAM: start and length of each region, in pages.
    pub ram: Vec<(PhysicalAddress, u64)>,
    /// Ticks per microsecond.
    pub ticks_per_us: Ticks,
    /// How much early the timer may come.
    pub timer_precision: Ticks,
    /// Pins of each IO APIC.
    pub ioapics: Vec<usize>,
    /// Whether 1 GiB pages exist.
    pub huge_pages: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            ram: vec![(PhysicalAddress(0x10_0000), 16 << 20)],
            ticks_per_us: 10,
            timer_precision: 0,
            ioapics: vec![24],
            huge_pages: true,
        }
    }
}

/// The machine as data.
#[derive(Clone, Debug)]
pub struct Model {
    memory: Memory,
    tlb: Tlb,
    controller: Controller,
    ports: Ports,
    arm: Arm,
    ticks_per_us: Ticks,
    timer_precision: Ticks,
    huge_pages: bool,
    /// The floating-point registers of the processor, and whether user mode may use them.
    pub fpu: [u64; FPU_WORDS],
    fpu_enabled: bool,
    /// The model-specific registers that exist.
    pub msrs: std::collections::BTreeMap<u32, u64>,
    /// The debug registers: what is watched, and the control register.
    pub breakpoints: ([u64; 4], u64),
    console: Vec<u8>,
    halted: bool,
}

impl Default for Model {
    fn default() -> Self {
        Self::new(&Config::default())
    }
}

/// What a test asks and does.
impl Model {
    /// A machine that has just been switched on.
    pub fn new(config: &Config) -> Self {
        let mut memory = Memory::default();
        for &(base, len) in &config.ram {
            memory.add_region(base, len);
        }
        Self {
            memory,
            tlb: Tlb::default(),
            controller: Controller::default(),
            ports: Ports {
                ioapics: config.ioapics.clone(),
                ..Ports::default()
            },
            arm: Arm::default(),
            ticks_per_us: config.ticks_per_us,
            timer_precision: config.timer_precision,
            huge_pages: config.huge_pages,
            fpu: [0; FPU_WORDS],
            msrs: std::collections::BTreeMap::new(),
            breakpoints: ([0; 4], 0),
            fpu_enabled: false,
            console: Vec::new(),
            halted: false,
        }
    }

    // --- Memory ----------------------------------------------------------------------

    /// The regions of RAM: start and length.
    pub fn ram(&self) -> impl Iterator<Item = (PhysicalAddress, u64)> + '_ {
        self.memory.regions()
    }

    /// Every live object in RAM, by address. Objects born in one breath (the slots of a CNode)
    /// are one range.
    pub fn live(&self) -> impl Iterator<Item = Live> + '_ {
        self.memory.live()
    }

    /// Every live object that begins in the `len` bytes at `at`, by address.
    pub fn live_in(&self, at: KernelAddress, len: u64) -> impl Iterator<Item = Live> + '_ {
        self.memory.live_in(at, len)
    }

    /// What lives at `at`.
    pub fn kind_at(&self, at: KernelAddress) -> Kind {
        self.memory.kind_at(at)
    }

    /// Whether the page around `at` was ever looked at; if not, its bytes are zero.
    pub fn reached(&self, at: KernelAddress) -> bool {
        self.memory.reached(at)
    }

    /// The bytes at `at`, whatever lives there.
    pub fn bytes(&self, at: KernelAddress, len: u64) -> Vec<u8> {
        self.memory.copy_out(at, len)
    }

    /// A word of physical memory, as a device would read it. `None` outside RAM.
    pub fn peek(&self, at: PhysicalAddress) -> Option<u64> {
        self.memory.peek(at)
    }

    // --- Address spaces --------------------------------------------------------------

    /// The current root and its ASID.
    pub fn root(&self) -> (Option<PhysicalAddress>, u16) {
        (self.tlb.root, self.tlb.asid)
    }

    /// How often the root register was written.
    pub fn roots_set(&self) -> u64 {
        self.tlb.roots_set
    }

    /// A user access: walks like the hardware, believing what is cached, and caching what it
    /// walked. `None` is a page fault.
    pub fn translate(&mut self, at: VirtualAddress) -> Option<Translation> {
        let Self { memory, tlb, .. } = self;
        tlb.translate(at, |p| memory.peek(p))
    }

    /// What the page tables say now, cached or not.
    pub fn walk(&self, root: PhysicalAddress, at: VirtualAddress) -> Option<Translation> {
        tlb::walk(root, at, |p| self.memory.peek(p), |_, _, entry| entry)
    }

    /// The pages in the translation cache: ASID, address, and where it leads.
    pub fn cached_pages(&self) -> impl Iterator<Item = (u16, VirtualAddress, Translation)> + '_ {
        self.tlb.cached()
    }

    /// Whether the translation cache holds anything of `asid`, pages or ways to them.
    pub fn caches(&self, asid: u16) -> bool {
        self.tlb.knows(asid)
    }

    /// Every invalidation so far.
    pub fn invalidations(&self) -> &[Invalidation] {
        &self.tlb.log
    }

    // --- Time and interrupts ---------------------------------------------------------

    /// Sets the time; it never goes back.
    pub fn set_now(&mut self, now: Ticks) {
        assert!(now >= self.controller.now, "model: time does not go back");
        self.controller.now = now;
    }

    /// Lets `ticks` pass.
    pub fn advance(&mut self, ticks: Ticks) {
        self.controller.now += ticks;
    }

    /// When the timer interrupts next; `None` after it has, until the kernel sets it again.
    pub fn deadline(&self) -> Option<Ticks> {
        self.controller.deadline
    }

    /// How often the timer was programmed.
    pub fn deadlines_set(&self) -> u64 {
        self.controller.deadlines_set
    }

    /// A device raises its line.
    pub fn raise(&mut self, irq: Irq) {
        self.controller.pending.insert(irq);
    }

    /// Lets `irq` arrive at the `n`-th preemption point from now; 1 is the next one.
    pub fn raise_at_ask(&mut self, n: u64, irq: Irq) {
        self.controller.raise_at_ask(n, irq);
    }

    /// Whether the interrupt of [`Self::raise_at_ask`] has still not arrived.
    pub fn script_waits(&self) -> bool {
        self.controller.script_waits()
    }

    /// Forgets an interrupt of [`Self::raise_at_ask`].
    pub fn drop_script(&mut self) {
        self.controller.drop_script();
    }

    /// How many preemption points were passed.
    pub fn asks(&self) -> u64 {
        self.controller.asks()
    }

    /// Takes the interrupt that the processor would take in user mode now: the kernel is to be
    /// entered with it.
    pub fn take_interrupt(&mut self) -> Option<Irq> {
        self.controller.take()
    }

    /// Whether the line is masked. All are when the machine starts.
    pub fn masked(&self, irq: Irq) -> bool {
        !self.controller.unmasked.contains(&irq)
    }

    /// Interrupts taken and not yet ended.
    pub fn in_service(&self) -> impl Iterator<Item = Irq> + '_ {
        self.controller.in_service.iter().copied()
    }

    /// Every end of interrupt so far.
    pub fn ended(&self) -> &[Irq] {
        &self.controller.ended
    }

    /// How often the timer interrupt was acknowledged.
    pub fn timer_acknowledged(&self) -> u64 {
        self.controller.timer_acknowledged
    }

    // --- The rest --------------------------------------------------------------------

    /// Whether user mode may use the floating-point registers.
    pub fn fpu_enabled(&self) -> bool {
        self.fpu_enabled
    }

    /// What the kernel has printed.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.console).into_owned()
    }

    /// Whether the kernel has stopped the machine.
    pub fn halted(&self) -> bool {
        self.halted
    }

    /// The values that the next reads of a port find.
    pub fn script_port(&mut self, port: u16, values: &[u32]) {
        self.ports.reads.entry(port).or_default().extend(values);
    }

    /// Every write to a port so far.
    pub fn port_writes(&self) -> &[PortWrite] {
        &self.ports.writes
    }

    /// Where each interrupt comes from.
    pub fn routes(&self) -> &BTreeMap<Irq, Route> {
        &self.ports.routes
    }

    /// The first difference between what two machines hold: live objects and their bytes,
    /// masks, root. Logs and counters do not count, and neither does free memory.
    pub fn difference(&self, other: &Self) -> Option<String> {
        let (mut ours, mut theirs) = (self.live(), other.live());
        loop {
            let (a, b) = (ours.next(), theirs.next());
            if a != b {
                return Some(format!("live objects: {a:?} and {b:?}"));
            }
            let Some(object) = a else { break };
            if let Some(offset) = self.first_difference(other, object) {
                return Some(format!("{object:?} differs at byte {offset}"));
            }
        }
        let unequal = [
            (
                "unmasked lines",
                self.controller.unmasked != other.controller.unmasked,
            ),
            ("root", self.root() != other.root()),
            ("routes", self.ports.routes != other.ports.routes),
        ];
        unequal
            .iter()
            .find(|(_, differs)| *differs)
            .map(|(what, _)| (*what).into())
    }

    fn first_difference(&self, other: &Self, object: Live) -> Option<usize> {
        // Compared page by page: what neither machine ever looked at is zero in both.
        let end = object.at.bits() + object.len;
        let mut at = object.at;
        while at.bits() < end {
            let len = (4096 - at.bits() % 4096).min(end - at.bits());
            if self.reached(at) || other.reached(at) {
                let (a, b) = (self.bytes(at, len), other.bytes(at, len));
                if let Some(i) = a.iter().zip(&b).position(|(x, y)| x != y) {
                    return Some((at.bits() - object.at.bits()) as usize + i);
                }
            }
            at = at.plus(len);
        }
        None
    }
}

/// Two machines that hold the same ([`Model::difference`]) are hashed the same.
impl Hash for Model {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for object in self.live() {
            object.hash(state);
            let end = object.at.bits() + object.len;
            let mut at = object.at;
            while at.bits() < end {
                let len = (4096 - at.bits() % 4096).min(end - at.bits());
                let bytes = self.reached(at).then(|| self.bytes(at, len));
                // A page that is all zero counts as one that was never looked at.
                bytes.filter(|b| b.iter().any(|x| *x != 0)).hash(state);
                at = at.plus(len);
            }
        }
        self.controller.unmasked.hash(state);
        self.root().hash(state);
        self.ports.routes.hash(state);
    }
}

impl Machine for Model {
    #[inline]
    fn resolve(&self, at: KernelAddress, len: u64, kind: Kind) -> NonNull<u8> {
        self.memory.resolve(at, len, kind)
    }

    fn born(&mut self, at: KernelAddress, len: u64, kind: Kind) {
        self.memory.born(at, len, kind);
    }

    fn gone(&mut self, at: KernelAddress, len: u64) {
        self.memory.gone(at, len);
    }

    #[inline]
    fn load(&self, at: KernelAddress) -> u64 {
        self.memory.load(at)
    }

    #[inline]
    fn store(&mut self, at: KernelAddress, value: u64) {
        self.memory.store(at, value);
    }

    fn clear(&mut self, at: KernelAddress, len: u64) {
        self.memory.clear(at, len);
    }

    fn set_space(&mut self, space: Space) {
        self.tlb.root = space.root();
        self.tlb.asid = space.asid();
        self.tlb.roots_set += 1;
    }

    fn invalidate_page(&mut self, asid: u16, page: VirtualAddress) {
        self.tlb.invalidate_page(asid, page);
    }

    fn invalidate_asid(&mut self, asid: u16) {
        self.tlb.invalidate_asid(asid);
    }

    fn now(&self) -> Ticks {
        self.controller.now
    }

    fn ticks_per_us(&self) -> Ticks {
        self.ticks_per_us
    }

    fn set_deadline(&mut self, deadline: Ticks) {
        self.controller.deadline = Some(deadline);
        self.controller.deadlines_set += 1;
    }

    fn timer_precision(&self) -> Ticks {
        self.timer_precision
    }

    fn interrupt_pending(&self) -> bool {
        self.controller.ask()
    }

    fn mask(&mut self, irq: Irq) {
        self.controller.unmasked.remove(&irq);
    }

    fn unmask(&mut self, irq: Irq) {
        self.controller.unmasked.insert(irq);
    }

    fn end_of_interrupt(&mut self, irq: Irq) {
        self.controller.end(irq);
    }

    fn timer_irq(&self) -> Irq {
        TIMER_IRQ
    }

    fn acknowledge_timer(&mut self) {
        self.controller.timer_acknowledged += 1;
    }

    fn fpu_switch(&mut self, from: Option<KernelAddress>, to: KernelAddress) {
        if let Some(area) = from {
            self.fpu_area(area, self.fpu);
        }
        let p = self.resolve(to, size_of_val(&self.fpu) as u64, Kind::Fpu);
        // SAFETY: `resolve` found that many bytes of a floating-point area, aligned to 16.
        self.fpu = unsafe { p.cast().read() };
        self.fpu_enabled = true;
    }

    fn fpu_enable(&mut self, enabled: bool) {
        self.fpu_enabled = enabled;
    }

    fn fpu_initialise(&mut self, area: KernelAddress) {
        self.fpu_area(area, [FPU_INITIAL; FPU_WORDS]);
    }

    fn put_byte(&mut self, byte: u8) {
        self.console.push(byte);
    }

    fn flush_caches(&mut self) {}

    fn halt(&mut self) {
        self.halted = true;
    }
}

impl Model {
    fn fpu_area(&mut self, area: KernelAddress, registers: [u64; FPU_WORDS]) {
        let p = self.resolve(area, size_of_val(&registers) as u64, Kind::Fpu);
        // SAFETY: as in `fpu_switch`; `&mut self` excludes other accesses.
        unsafe { p.cast().write(registers) };
    }
}

impl Population for Model {
    fn each_live(&self, visit: &mut dyn FnMut(KernelAddress, u64, Kind)) {
        self.live()
            .for_each(|object| visit(object.at, object.len, object.kind));
    }

    fn live_at(&self, at: KernelAddress) -> Kind {
        self.kind_at(at)
    }

    fn was_reached(&self, at: KernelAddress) -> bool {
        self.reached(at)
    }
}

impl X86Machine for Model {
    fn port_in(&mut self, port: u16, bytes: u8) -> u32 {
        self.ports.read(port, bytes)
    }

    fn port_out(&mut self, port: u16, bytes: u8, value: u32) {
        self.ports.write(port, bytes, value);
    }

    fn ioapic_count(&self) -> usize {
        self.ports.ioapics.len()
    }

    fn read_msr(&mut self, register: u32) -> Option<u64> {
        self.msrs.get(&register).copied()
    }

    fn write_msr(&mut self, register: u32, value: u64) -> bool {
        self.msrs.get_mut(&register).is_some_and(|place| {
            *place = value;
            true
        })
    }

    fn load_breakpoints(&mut self, addresses: [u64; 4], control: u64) {
        self.breakpoints = (addresses, control);
    }

    fn ioapic_pins(&self, ioapic: usize) -> usize {
        self.ports.ioapics.get(ioapic).copied().unwrap_or(0)
    }

    fn ioapic_route(
        &mut self,
        irq: Irq,
        ioapic: usize,
        pin: usize,
        trigger: Trigger,
        polarity: Polarity,
    ) {
        self.ports.route(
            irq,
            Route {
                ioapic,
                pin,
                trigger,
                polarity,
            },
        );
        // As the hardware contract says: routed, and silent until unmasked.
        self.mask(irq);
    }

    fn kernel_root_entry(&self) -> u64 {
        // Present, writable, supervisor: a table that user mode cannot see.
        0x3
    }

    fn huge_pages(&self) -> bool {
        self.huge_pages
    }
}
