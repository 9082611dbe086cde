//! Boot, in order: who started us, the kernel's page tables, the device tree, the root task, the
//! machine, then the kernel core's own boot.

use super::contract::{self, BOARD_TREE_BYTES, Contract, Starter};
use super::devices::{self, Controller};
use super::symbols;
use super::{debug, paging, root_task, trap, window};
use crate::console::Voice;
use crate::fatal::{fatal, fatal_text};
use crate::lock;
use crate::once::Once;
use crate::tree::{self, MAX_SPANS, Span};
use crate::{options, syscalls};
use abi::PROFILE;
use abi::bootinfo::header;
use core::cell::UnsafeCell;
use core::ops::Range;
use kernel::Kernel;
use kernel::boot::{ExtraChunk, Platform, UserImage};
use kernel::object::irq::IrqTable;
use machine::aarch64::features::Features;
use machine::aarch64::serial::Serial;
use machine::aarch64::{Arm, GicSetup, Setup};
use machine::firmware::fdt::Tree;
use machine::firmware::loader::CommandLine;
use machine::{Irq, KernelAddress, PhysicalAddress};

/// Where QEMU's machine for tests has its serial port: the last resort of a kernel that has to
/// say that it found no device tree.
const LAST_RESORT: Span = Span::new(0x900_0000, 0x900_1000);

/// Where Rust begins, on the kernel stack and page tables of the start or of a loader. The image
/// is at `physical_base`.
pub(super) extern "C" fn start(physical_base: u64) -> ! {
    symbols::set_physical_base(physical_base);
    trap::install();
    let features = Features::detect();
    paging::start(&features);
    match contract::starter() {
        Starter::Firmware { tree: at } => {
            let passed = (at != 0).then(|| passed_tree(at));
            let tree = passed.unwrap_or_else(board_tree);
            let console = speak(&tree);
            show_memory(&tree);
            let passed = passed.map_or(0, |tree| tree.bytes().len() as u64);
            let contract = root_task::load(&tree, Span::of(at, passed));
            // SAFETY: the copy's memory is reserved, and nobody writes there.
            let copy = checked(unsafe { window::bytes(contract.tree) });
            run(&contract, &copy, console, &features)
        }
        Starter::Loader(contract) => {
            let tree = tree_of(&contract);
            let console = speak(&tree);
            show_memory(&tree);
            run(&contract, &tree, console, &features)
        }
    }
}

/// Boot's first words, where the tree says.
fn speak(tree: &Tree<'_>) -> Option<Serial> {
    let console = devices::console(tree).and_then(debug::select);
    if abi::FLAVOUR.printing() {
        Voice.text("Bootstrapping kernel\n");
    }
    console
}

/// The tree that somebody has left at `at`.
fn passed_tree<'a>(at: u64) -> Tree<'a> {
    // SAFETY: it stays where it is until it has been copied.
    let head = unsafe { window::view(Span::of(at, 8)) };
    let size = match Tree::size(head.unwrap_or(&[])) {
        Ok(size) => size as u64,
        Err(error) => refuse(error.text()),
    };
    // SAFETY: as before.
    checked(unsafe { window::view(Span::of(at, size)) }.unwrap_or(&[]))
}

fn checked(bytes: &[u8]) -> Tree<'_> {
    match Tree::new(bytes) {
        Ok(tree) => tree,
        Err(error) => refuse(error.text()),
    }
}

/// There is no tree that says where to speak.
fn refuse(reason: &str) -> ! {
    debug::select(LAST_RESORT);
    fatal_text(reason)
}

unsafe extern "C" {
    safe static image_board_tree: [u8; BOARD_TREE_BYTES];
}

/// The loader's tree, or our own for want of one.
fn tree_of(contract: &Contract) -> Tree<'static> {
    if contract.tree.size() > 0 {
        return passed_tree(contract.tree.start);
    }
    board_tree()
}

/// The tree that was linked in.
fn board_tree() -> Tree<'static> {
    // The tool writes this into the file: the compiler must not believe the zeroes it sees.
    let board: &[u8] = core::hint::black_box(&image_board_tree);
    if Tree::size(board).is_err() {
        refuse("no device tree: none was passed, and this kernel has none of its own");
    }
    checked(board)
}

/// The window shows RAM, but for the part of the image that has a place of its own.
fn show_memory(tree: &Tree<'_>) {
    let mut shown = devices::memory(tree);
    shown.remove(Span::new(
        symbols::boot_end().0,
        symbols::window_part().start,
    ));
    if shown.truncated {
        fatal_text("the device tree lists more memory regions than the kernel keeps");
    }
    for span in shown.as_slice() {
        if !paging::show(*span) {
            fatal_text("memory is in too many pieces for the kernel's page tables");
        }
    }
}

/// What the kernel core is told: too large for a stack.
struct Findings {
    memory: [Range<PhysicalAddress>; MAX_SPANS],
    kept: [Range<PhysicalAddress>; MAX_SPANS],
}

static FINDINGS: Once<Findings> = Once::new(Findings {
    memory: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
    kept: [const { PhysicalAddress(0)..PhysicalAddress(0) }; MAX_SPANS],
});

/// Memory that only the kernel core reaches, through the window.
#[repr(C, align(4096))]
struct IrqSlots(UnsafeCell<[u8; IrqTable::SLOT_BYTES as usize]>);

// SAFETY: never reached by this name.
unsafe impl Sync for IrqSlots {}

#[unsafe(link_section = ".window")]
static IRQ_SLOTS: IrqSlots = IrqSlots(UnsafeCell::new([0; IrqTable::SLOT_BYTES as usize]));

fn run(contract: &Contract, tree: &Tree<'_>, console: Option<Serial>, features: &Features) -> ! {
    let Some(findings) = FINDINGS.take() else {
        fatal_text("started twice")
    };
    let mut memory = devices::memory(tree);
    let Some(controller) = devices::controller(tree) else {
        fatal_text("device tree: no interrupt controller that the kernel can drive")
    };
    let mut kept = controller.kept();
    kept.push(contract.tree.pages());
    let line = CommandLine::of(tree.command_line());
    let others = [symbols::image(), contract.image, contract.tree.pages()];
    tree::start_watch(&line, &mut memory, &mut kept, &others);
    if kept.truncated {
        fatal_text("the device tree lists more devices than the kernel keeps");
    }
    start_machine(tree, &controller, console, features);
    if let Some(level) = options::log_level(&line) {
        lock::acquire(0).log = level;
    }
    let chunk = ExtraChunk {
        id: header::FDT as u64,
        bytes: tree.bytes(),
    };
    let image = symbols::image();
    let platform = Platform {
        kernel_image: PhysicalAddress(image.start)..PhysicalAddress(image.end),
        boot_memory_end: symbols::boot_end(),
        memory: memory.ranges(&mut findings.memory),
        devices: kept.ranges(&mut findings.kept),
        user_image: UserImage {
            physical: PhysicalAddress(contract.image.start)..PhysicalAddress(contract.image.end),
            virtual_start: contract.image.start.wrapping_sub(contract.offset),
            entry: contract.entry,
        },
        // A tree of our own was not passed, so it is not passed on.
        extra: if contract.tree.size() > 0 {
            core::slice::from_ref(&chunk)
        } else {
            &[]
        },
        cores: PROFILE.num_nodes as u64,
    };
    enter(&platform)
}

fn start_machine(
    tree: &Tree<'_>,
    controller: &Controller,
    console: Option<Serial>,
    features: &Features,
) {
    let slots = symbols::physical((&raw const IRQ_SLOTS).addr() as u64);
    let slots = KernelAddress::of(PhysicalAddress(slots));
    let mut kernel = lock::install(Kernel::new(Arm::new(), slots));
    let mut start = |gic: GicSetup<'_>| {
        let setup = Setup {
            features: *features,
            empty_root: PhysicalAddress(paging::empty_root()),
            gic,
            last_irq: Irq(devices::last_irq(tree)),
            timer_frequency: devices::timer_frequency(tree),
            console,
            conduit: devices::conduit(tree, features.secure_monitor),
        };
        // SAFETY: this is the one time; the devices have just been mapped.
        if let Err(error) = unsafe { kernel.machine.start(&setup) } {
            fatal_text(error);
        }
    };
    match controller {
        Controller::V2 { distributor, cpu } => {
            let (Some(distributor), Some(cpu)) =
                (paging::map_device(*distributor), paging::map_device(*cpu))
            else {
                no_room()
            };
            start(GicSetup::V2 { distributor, cpu });
        }
        Controller::V3 {
            distributor,
            redistributors,
        } => {
            let (Some(distributor), Some(redistributors)) = (
                paging::map_device(*distributor),
                devices::map_redistributors(redistributors),
            ) else {
                no_room()
            };
            start(GicSetup::V3 {
                distributor,
                redistributors: redistributors.as_slice(),
            });
        }
    }
}

fn no_room() -> ! {
    fatal_text("the interrupt controller is larger than the kernel has addresses for")
}

fn enter(platform: &Platform<'_>) -> ! {
    let mut kernel = lock::acquire(0);
    let resume = match kernel::boot::boot(&mut kernel, platform) {
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
    paging::forget_boot();
    trap::forget_instructions();
    syscalls::leave(kernel, resume)
}
