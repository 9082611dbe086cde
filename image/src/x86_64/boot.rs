//! Boot, in order: what the loader said, what the processor can do, the root task, the
//! kernel's address space, the interrupt hardware, then the kernel core's own boot.

use super::core_area::{AREAS, CORES, CoreArea};
use super::extra::Extra;
use super::paging::{self, Built, Pool};
use super::symbols;
use super::{debug, root_task, segments, trap, window};
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};
use crate::lock;
use crate::once::Once;
use crate::{options, syscalls, watch};
use core::ops::Range;
use core::sync::atomic::Ordering;
use kernel::Kernel;
use kernel::boot::{Platform, UserImage};
use kernel::object::irq::IrqTable;
use machine::address::PHYSICAL_WINDOW_SIZE;
use machine::firmware::List;
use machine::firmware::acpi::{self, MAX_IOAPICS, Rsdp};
use machine::firmware::loader::LoaderInfo;
use machine::firmware::spans::{MAX_SPANS, PAGE, Span, Spans};
use machine::x86_64::cpuid::Features;
use machine::x86_64::serial::COM1;
use machine::x86_64::{Setup, X86, protection, registers};
use machine::{KernelAddress, Machine, PhysicalAddress};

/// The processor's reset vector, at the end of the first 4 GiB.
const RESET_VECTOR: Span = Span {
    start: 0xffff_fff8,
    end: 1 << 32,
};
const LOCAL_APIC_SLOT: usize = 0;
const FIRST_IOAPIC_SLOT: usize = 1;

/// Where Rust begins, on the boot stack and the boot page tables.
pub(super) extern "sysv64" fn start(magic: u32, info: u32) -> ! {
    debug::select(Some(COM1));
    let (Some(area), Some(boot)) = (AREAS.first(), BOOT.take()) else {
        fatal_text("started twice")
    };
    // First of all, so that a mistake of ours is told and not a reset.
    area.start();
    segments::fill_interrupt_table();
    trap::select(false, false, 0);
    segments::load(area);

    boot.hear_loader(magic, info);
    boot.check_processor();
    boot.read_acpi();
    let (user_image, irq_slots) = boot.take_memory();
    boot.start_machine(area, irq_slots);
    boot.start_kernel(area, user_image)
}

/// What boot finds out, step by step.
struct Boot {
    loader: LoaderInfo,
    debug_port: Option<u16>,
    features: Features,
    rsdp: Rsdp,
    acpi: acpi::Platform,
    /// RAM that is nobody's yet.
    free: Spans,
    /// What is neither RAM for user space nor a device for it.
    kept: Spans,
    local_apic: u64,
    ioapics: List<u64, MAX_IOAPICS>,
    kernel_root_entry: u64,
    extra: Extra,
    memory: [Range<PhysicalAddress>; MAX_SPANS],
    devices: [Range<PhysicalAddress>; MAX_SPANS],
}

static BOOT: Once<Boot> = Once::new(Boot {
    loader: LoaderInfo::new(),
    debug_port: Some(COM1),
    features: Features::NONE,
    rsdp: Rsdp([0; 36]),
    acpi: acpi::Platform::new(),
    free: Spans::new(),
    kept: Spans::new(),
    local_apic: 0,
    ioapics: List::new(0),
    kernel_root_entry: 0,
    extra: Extra::new(),
    memory: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
    devices: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
});

impl Boot {
    /// Copies everything that the loader passed. `debug_port=`, else `console_port=`, else COM1
    /// is where the kernel speaks.
    fn hear_loader(&mut self, magic: u32, info: u32) {
        if let Err(error) = self.loader.read(magic, info, &window::read) {
            fatal_text(error.text());
        }
        let line = &self.loader.command_line;
        self.debug_port = line.port(b"debug_port", line.port(b"console_port", Some(COM1)));
        debug::select(self.debug_port);
        if abi::FLAVOUR.printing() {
            Voice.text("Bootstrapping kernel\n");
        }
    }

    fn check_processor(&mut self) {
        self.features = Features::detect();
        if let Some(missing) = self.features.missing() {
            fatal(|voice| voice.text("this processor lacks ").text(missing));
        }
        protection::allow_no_execute();
    }

    fn read_acpi(&mut self) {
        let passed = self.loader.rsdp.and_then(Rsdp::checked);
        let found = passed
            .or_else(|| Rsdp::at(&window::read, self.loader.rsdp_address?))
            .or_else(|| Rsdp::find(&window::read));
        let Some(rsdp) = found else {
            fatal_text("ACPI: no root pointer")
        };
        self.rsdp = rsdp;
        if let Err(error) = self.acpi.read(&rsdp, &window::read) {
            fatal_text(error.text());
        }
    }

    /// Loads the root task, makes the kernel's address space and moves into it. Answers where
    /// the root task is, and the page for the slots of the interrupts.
    fn take_memory(&mut self) -> (UserImage, PhysicalAddress) {
        let image = symbols::image();
        self.free.insert_ram(&self.loader, PHYSICAL_WINDOW_SIZE);
        if self.free.around(image).is_none() {
            fatal(|voice| {
                voice
                    .text("too little memory: the kernel is not in RAM up to ")
                    .hex(image.end)
            });
        }
        let user_image = root_task::load(&self.loader, &self.free);
        let behind = user_image.physical.end.0;
        let Some(rest) = self.free.around(Span::of(behind, PAGE)) else {
            no_page_tables()
        };
        let mut pool = Pool::new(Span {
            start: behind,
            end: rest.end,
        });
        let irq_slots = self.build_address_space(&mut pool);
        self.start_watch(&mut pool);

        self.keep(Span {
            start: behind,
            end: pool.used_end(),
        });
        self.free.remove(Span {
            start: image.start,
            end: pool.used_end(),
        });
        (user_image, irq_slots)
    }

    fn build_address_space(&mut self, pool: &mut Pool) -> PhysicalAddress {
        // The window leaves the image out, but for the part that becomes user space's memory.
        let mut shown = self.free;
        shown.remove(Span {
            start: symbols::boot_end().0,
            end: symbols::image().end,
        });
        let built = paging::build(
            &shown,
            self.features.huge_pages,
            self.features.meltdown,
            pool,
        );
        let irq_slots = pool.pages(IrqTable::SLOT_BYTES.div_ceil(PAGE));
        let (Ok(Built { root, shared_entry }), Ok(irq_slots)) = (built, irq_slots) else {
            no_page_tables()
        };
        self.kernel_root_entry = shared_entry;
        self.map_devices();
        // SAFETY: the new tables show the kernel where it runs; the segments and tables that
        // the processor uses are part of it.
        unsafe { registers::set_cr3(root) };
        PhysicalAddress(irq_slots)
    }

    /// Takes memory for the checks that the command line asks for.
    fn start_watch(&self, pool: &mut Pool) {
        let every = watch::asked(&self.loader.command_line);
        if every != 0 {
            let Ok(memory) = pool.pages(watch::BYTES.div_ceil(PAGE)) else {
                no_page_tables()
            };
            // SAFETY: the pages have just been taken, zeroed, from memory that the window shows.
            unsafe { watch::start(every, PhysicalAddress(memory)) };
        }
    }

    fn map_devices(&mut self) {
        self.local_apic = paging::map_device(LOCAL_APIC_SLOT, self.acpi.local_apic);
        for (index, ioapic) in self.acpi.ioapics.as_slice().iter().enumerate() {
            let slot = index.saturating_add(FIRST_IOAPIC_SLOT);
            self.ioapics.push(paging::map_device(slot, ioapic.address));
        }
    }

    fn keep(&mut self, tables: Span) {
        let ioapics = self
            .acpi
            .ioapics
            .as_slice()
            .iter()
            .map(|ioapic| ioapic.address);
        for device in ioapics.chain([self.acpi.local_apic]) {
            self.kept.insert(Span::of(device & !(PAGE - 1), PAGE));
        }
        self.kept.insert(tables);
        self.kept.insert(RESET_VECTOR);
    }

    fn start_machine(&mut self, area: &'static CoreArea, irq_slots: PhysicalAddress) {
        let setup = Setup {
            features: self.features,
            local_apic: self.local_apic,
            ioapics: self.ioapics.as_slice(),
            acpi_timer: self.acpi.timer_port,
            kernel_root_entry: self.kernel_root_entry,
            isolated: self.features.meltdown.then_some(&area.user_cr3),
            debug_port: self.debug_port,
        };
        let mut kernel = lock::install(Kernel::new(X86::new(), KernelAddress::of(irq_slots)));
        // SAFETY: this is the one time, and the devices have just been mapped.
        if let Err(error) = unsafe { kernel.machine.start(&setup) } {
            fatal_text(error);
        }
        if let Some(level) = options::log_level(&self.loader.command_line) {
            kernel.log = level;
        }
        self.extra
            .fill(&self.loader, &self.rsdp, kernel.machine.ticks_per_us());
    }

    fn start_kernel(&mut self, area: &CoreArea, user_image: UserImage) -> ! {
        let mut kernel = lock::acquire(0);
        let kernel_cr3 = kernel.machine.kernel_cr3();
        area.kernel_cr3.store(kernel_cr3, Ordering::Relaxed);
        let stubs = trap::select(self.features.fsgsbase, self.features.meltdown, kernel_cr3);
        segments::enable_syscall(stubs.syscall);

        let chunks = self.extra.chunks();
        let image = symbols::image();
        let platform = Platform {
            kernel_image: PhysicalAddress(image.start)..PhysicalAddress(image.end),
            boot_memory_end: symbols::boot_end(),
            memory: ranges(&self.free, &mut self.memory),
            devices: ranges(&self.kept, &mut self.devices),
            user_image,
            extra: chunks.as_slice(),
            cores: CORES as u64,
        };
        let resume = match kernel::boot::boot(&mut kernel, &platform) {
            Ok(resume) => resume,
            Err(error) => fatal(|voice| {
                let details = error.details().into_iter().flatten();
                details.fold(voice.text(error.text()), |voice, (what, number)| {
                    voice.text(what).hex(number)
                })
            }),
        };
        if abi::FLAVOUR.printing() {
            Voice.text("Booting all finished, dropped to user space\n");
        }
        syscalls::leave(kernel, resume)
    }
}

fn no_page_tables() -> ! {
    fatal_text("too little memory for the kernel's page tables")
}

/// The spans in the kernel core's terms.
fn ranges<'a>(
    spans: &Spans,
    into: &'a mut [Range<PhysicalAddress>; MAX_SPANS],
) -> &'a [Range<PhysicalAddress>] {
    for (range, span) in into.iter_mut().zip(spans.spans()) {
        *range = PhysicalAddress(span.start)..PhysicalAddress(span.end);
    }
    into.get(..spans.spans().len()).unwrap_or(&[])
}
