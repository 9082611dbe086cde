//! Boot, in order: what the loader said, what the processor can do, the root task, the
//! kernel's address space, the interrupt hardware, then the kernel core's own boot.

use super::core_area::{AREAS, BOOT_STACK, CoreArea};
use super::extra::Extra;
use super::memory::{MAX_SPANS, PAGE, Ram};
use super::paging::{self, Built, Pool};
use super::symbols::{self, Span};
use super::{events, isolation, root_task, segments, trap, window};
use crate::console::{self, Voice};
use crate::fatal::{fatal, fatal_text};
use crate::lock::{self, Locked};
use core::ops::Range;
use core::sync::atomic::Ordering;
use kernel::Kernel;
use kernel::boot::{Platform, UserImage};
use kernel::object::irq::IrqTable;
use machine::firmware::List;
use machine::firmware::acpi::{self, Rsdp};
use machine::firmware::loader::LoaderInfo;
use machine::x86_64::cpuid::Features;
use machine::x86_64::serial::COM1;
use machine::x86_64::{Setup, X86, protection, registers};
use machine::{KernelAddress, Machine, PhysicalAddress};

/// Areas that the kernel keeps: the APICs, its page tables, what is under the reset vector.
const MAX_KEPT: usize = acpi::MAX_IOAPICS + 3;
/// The processor's reset vector, at the end of the first 4 GiB.
const RESET_VECTOR: Span = Span {
    start: 0xffff_fff8,
    end: 1 << 32,
};
const LOCAL_APIC_SLOT: usize = 0;
const FIRST_IOAPIC_SLOT: usize = 1;

/// Where Rust begins, on the boot stack and the boot page tables.
pub(super) extern "sysv64" fn start(magic: u32, info: u32) -> ! {
    console::select(Some(COM1));
    let Some(area) = AREAS.first() else {
        fatal_text("no core")
    };
    // First of all, so that a mistake of ours is told and not a reset.
    area.start(BOOT_STACK.top());
    segments::fill_interrupt_table();
    trap::select(false, false, 0);
    segments::load(area);

    let mut loader = LoaderInfo::new();
    if let Err(error) = loader.read(magic, info, &window::read) {
        fatal_text(error.text());
    }
    let debug_port = debug_port(&loader);
    console::select(debug_port);
    if abi::FLAVOUR.printing() {
        Voice.text("Bootstrapping kernel\n");
    }
    let features = Features::detect();
    if let Some(missing) = features.missing() {
        fatal(|voice| voice.text("this processor lacks ").text(missing));
    }
    protection::allow_no_execute();
    let found = Found::new(loader, features, debug_port);
    found.go_on(area)
}

/// `debug_port=`, else `console_port=`, else COM1.
fn debug_port(loader: &LoaderInfo) -> Option<u16> {
    let console = loader.command_line.port(b"console_port", Some(COM1));
    loader.command_line.port(b"debug_port", console)
}

/// What boot has found out.
struct Found {
    loader: LoaderInfo,
    features: Features,
    debug_port: Option<u16>,
    rsdp: Rsdp,
    acpi: acpi::Platform,
}

impl Found {
    fn new(loader: LoaderInfo, features: Features, debug_port: Option<u16>) -> Self {
        let rsdp = loader
            .rsdp
            .and_then(Rsdp::checked)
            .or_else(|| Rsdp::at(&window::read, loader.rsdp_address?))
            .or_else(|| Rsdp::find(&window::read));
        let Some(rsdp) = rsdp else {
            fatal_text("ACPI: no root pointer")
        };
        let mut acpi = acpi::Platform::new();
        if let Err(error) = acpi.read(&rsdp, &window::read) {
            fatal_text(error.text());
        }
        Self {
            loader,
            features,
            debug_port,
            rsdp,
            acpi,
        }
    }

    fn go_on(&self, area: &CoreArea) -> ! {
        let image = symbols::image();
        let mut ram = Ram::of(&self.loader);
        if ram.around(image).is_none() {
            fatal(|voice| {
                voice
                    .text("too little memory: the kernel is not in RAM up to ")
                    .hex(image.end)
            });
        }
        let user_image = root_task::load(&self.loader, &ram);
        let behind = user_image.physical.end.0;
        ram.remove(Span {
            start: symbols::boot_end().0,
            end: image.end,
        });
        let around = ram.around(Span {
            start: behind,
            end: behind,
        });
        let Some(rest) = around else {
            fatal_text("too little memory: none is left behind the root task")
        };
        let mut pool = Pool::new(Span {
            start: behind,
            end: rest.end,
        });
        let isolated = self.features.meltdown;
        let built = paging::build(&ram, self.features.huge_pages, isolated, &mut pool);
        let irq_slots = pool.pages(IrqTable::SLOT_BYTES.div_ceil(PAGE));
        let (Ok(built), Ok(irq_slots)) = (built, irq_slots) else {
            fatal_text("too little memory for the kernel's page tables")
        };
        isolation::set(isolated);
        let kept = self.kept(Span {
            start: behind,
            end: pool.used_end(),
        });
        let setup = self.map_devices(&built, isolated);
        // SAFETY: the new tables show the kernel where it runs; the segments and tables that
        // the processor uses are part of it.
        unsafe { registers::set_cr3(built.root) };
        ram.remove(image);
        ram.remove(Span {
            start: behind,
            end: pool.used_end(),
        });
        ram.remove(Span {
            start: user_image.physical.start.0,
            end: behind,
        });
        let slots = KernelAddress::of(PhysicalAddress(irq_slots));
        let kernel = lock::install(Kernel::new(self.start_machine(&setup), slots));
        self.run(kernel, area, isolated, &ram, &kept, user_image)
    }

    /// What neither is RAM for user space nor devices for it, in ascending order.
    fn kept(&self, tables: Span) -> List<Span, MAX_KEPT> {
        let mut kept = List::new(Span { start: 0, end: 0 });
        let page = |address: u64| Span {
            start: address & !(PAGE - 1),
            end: (address & !(PAGE - 1)) + PAGE,
        };
        kept.push(tables);
        kept.push(page(self.acpi.local_apic));
        for ioapic in self.acpi.ioapics.as_slice() {
            kept.push(page(ioapic.address));
        }
        kept.push(RESET_VECTOR);
        kept.as_mut_slice().sort_unstable_by_key(|span| span.start);
        kept
    }

    fn map_devices(&self, built: &Built, isolated: bool) -> MachineSetup {
        let mut ioapics = List::new(0);
        for (index, ioapic) in self.acpi.ioapics.as_slice().iter().enumerate() {
            ioapics.push(paging::map_device(
                FIRST_IOAPIC_SLOT + index,
                ioapic.address,
            ));
        }
        MachineSetup {
            local_apic: paging::map_device(LOCAL_APIC_SLOT, self.acpi.local_apic),
            ioapics,
            kernel_root_entry: built.shared_entry,
            isolated,
        }
    }

    fn start_machine(&self, setup: &MachineSetup) -> X86 {
        let mut machine = X86::new();
        let setup = Setup {
            features: self.features,
            local_apic: setup.local_apic,
            ioapics: setup.ioapics.as_slice(),
            acpi_timer: self.acpi.timer_port,
            kernel_root_entry: setup.kernel_root_entry,
            isolated: setup.isolated,
            debug_port: self.debug_port,
        };
        // SAFETY: this is the one time, and the devices have just been mapped.
        if let Err(error) = unsafe { machine.start(&setup) } {
            fatal_text(error);
        }
        machine
    }

    fn run(
        &self,
        mut kernel: Locked,
        area: &CoreArea,
        isolated: bool,
        ram: &Ram,
        kept: &List<Span, MAX_KEPT>,
        user_image: UserImage,
    ) -> ! {
        let kernel_cr3 = kernel.machine.kernel_cr3();
        area.kernel_cr3.store(kernel_cr3, Ordering::Relaxed);
        let variant = trap::select(self.features.fsgsbase, isolated, kernel_cr3);
        segments::enable_syscall(variant.syscall);
        let extra = Extra::new(&self.loader, &self.rsdp, kernel.machine.ticks_per_us());
        let chunks = extra.chunks();
        let image = symbols::image();
        let (memory, devices): ([_; MAX_SPANS], [_; MAX_KEPT]) =
            (ranges(ram.spans()), ranges(kept.as_slice()));
        let platform = Platform {
            kernel_image: PhysicalAddress(image.start)..PhysicalAddress(image.end),
            boot_memory_end: symbols::boot_end(),
            memory: memory.get(..ram.spans().len()).unwrap_or(&[]),
            devices: devices.get(..kept.as_slice().len()).unwrap_or(&[]),
            user_image,
            extra: chunks.as_slice(),
        };
        let resume = match kernel::boot::boot(&mut kernel, &platform) {
            Ok(resume) => resume,
            Err(error) => fatal_text(error.text()),
        };
        if abi::FLAVOUR.printing() {
            Voice.text("Booting all finished, dropped to user space\n");
        }
        let context = events::prepare(&kernel, resume);
        drop(kernel);
        trap::leave(variant, context)
    }
}

/// The owned part of the machine's [`Setup`].
struct MachineSetup {
    local_apic: u64,
    ioapics: List<u64, { acpi::MAX_IOAPICS }>,
    kernel_root_entry: u64,
    isolated: bool,
}

fn ranges<const N: usize>(spans: &[Span]) -> [Range<PhysicalAddress>; N] {
    core::array::from_fn(|index| {
        let span = spans.get(index).copied().unwrap_or_default();
        PhysicalAddress(span.start)..PhysicalAddress(span.end)
    })
}
